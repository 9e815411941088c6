import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readYaml } from '../../src/core/document.ts';
import { type FieldSchema, fieldsOf } from '../../src/core/field.ts';
import { readManifests } from '../../src/core/manifest.ts';
import { ANNOTATION_PREFIX, ANNOTATIONS } from '../../src/kinds/annotations.ts';
import { CATALOGUE } from '../../src/kinds/catalogue.ts';
import { KIND_NAMES, kindOf } from '../../src/kinds/index.ts';
import { annotations } from '../../src/kinds/schema.ts';
import { runIam } from '../support/run-iam.ts';

async function explain(...words: string[]): Promise<string> {
  const { exit, stdout, stderr } = await runIam(['explain', ...words]);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  return stdout;
}

function schemaFile(name: string): FieldSchema {
  return JSON.parse(
    readFileSync(new URL(`../../schemas/${name}.schema.json`, import.meta.url), 'utf8'),
  ) as FieldSchema;
}

/** Every path of a schema, `spec.members.name`. */
function pathsOf(schema: FieldSchema, path = ''): string[] {
  return fieldsOf(schema).flatMap(({ name, schema: field }) => [
    path + name,
    ...pathsOf(field, `${path}${name}.`),
  ]);
}

describe.each(KIND_NAMES)('%s', (kind) => {
  const word = kind.toLowerCase();

  test('is known by its singular, plural and short name, in any case', async () => {
    const page = await explain(word);
    for (const other of [kind, kindOf(kind).plural, kindOf(kind).short, kindOf(kind).plural.toUpperCase()]) {
      expect(await explain(other)).toBe(page);
    }
  });

  test('shows every field with what it is for', async () => {
    const page = await explain(word);
    for (const path of pathsOf(schemaFile(word).properties?.spec ?? {})) {
      expect(page).toMatch(new RegExp(`^ +${path.split('.').at(-1)}  [a-zA-Z]`, 'm'));
    }
  });

  test('explains each field by itself', async () => {
    for (const path of pathsOf(schemaFile(word))) {
      const page = await explain(`${word}.${path}`);
      expect(page).toContain(`FIELD  ${path}\nTYPE   `);
      expect(page.split('\n').length).toBeGreaterThan(3);
    }
  });

  test('fits 80 columns, and colours only colour', async () => {
    for (const topic of [word, ...pathsOf(schemaFile(word)).map((path) => `${word}.${path}`)]) {
      const page = await explain(topic);
      for (const line of page.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
      const { stdout } = await runIam(['explain', topic], { colour: true });
      expect(stripVTControlCharacters(stdout)).toBe(page);
    }
  });

  test('is its JSON Schema with -o json', async () => {
    const { metadata, ...rest } = schemaFile(word).properties ?? {};
    const whole = JSON.parse(await explain(word, '-o', 'json')) as FieldSchema;
    expect(whole.properties).toMatchObject(rest);
    expect(Object.keys(whole.properties?.metadata?.properties ?? {})).toEqual(
      Object.keys(metadata?.properties ?? {}),
    );
    expect(JSON.parse(await explain(`${word}.spec`, '-o', 'json'))).toEqual(rest.spec);
  });
});

test('a field says its type, limits and default', async () => {
  expect(await explain('ws.owners.minimum')).toBe(
    'KIND   Workspace\nFIELD  spec.owners.minimum\nTYPE   whole number, default 1, 0 to 1,000\n\nThe fewest owners it may have.\n',
  );
  expect(await explain('u.type')).toContain('TYPE   Human | Service | BreakGlass, default Human\n');
  expect(await explain('rb.resources')).toContain('TYPE   list of mappings, required, 1 to 200 entries\n');
  expect(await explain('ws.guards.maxRemovals')).toContain('whole number or percentage, default 25%\n');
  expect(await explain('ap.match.kinds')).toContain(
    'list of Workspace | User | Group | Role | RoleBinding | Token, not empty\n',
  );
});

test('a path may be written as people do', async () => {
  const page = await explain('group.spec.members.expiresAt');
  for (const topic of [
    'group.members.expiresAt',
    'g.members[].expiresAt',
    'Groups.spec.members[0].expiresAt',
    `group['members'][*]["expiresAt"]`,
  ]) {
    expect(await explain(topic)).toBe(page);
  }
});

describe('annotations', () => {
  test('are explained one by one', async () => {
    const all = await explain('user.metadata.annotations');
    for (const [name, { description }] of Object.entries(ANNOTATIONS)) {
      expect(all).toContain(`  ${ANNOTATION_PREFIX}${name}  `);
      const page = await explain(`user.metadata.annotations.${name}`);
      expect(page.replaceAll('\n', ' ')).toContain(description);
      expect(await explain(`user.metadata.annotations[${ANNOTATION_PREFIX}${name}]`)).toBe(page);
    }
  });

  test('are those that manifests may have', () => {
    const named = /something: (.*)\.$/.exec(annotations.description)?.[1]?.split(', ');
    expect(named).toEqual(Object.keys(ANNOTATIONS));
    const codes = (annotation: string, value: string) => {
      const text = `apiVersion: rolecall.dev/v1alpha1\nkind: User\nmetadata: {name: a, annotations: {${annotation}: "${value}"}}\nspec: {email: a@b}\n`;
      return readManifests(readYaml('a.yaml', text).documents).problems.map(({ code }) => code);
    };
    for (const [name, { values }] of Object.entries(ANNOTATIONS)) {
      for (const value of values ?? ['a']) expect(codes(ANNOTATION_PREFIX + name, value)).toEqual([]);
      if (values) expect(codes(ANNOTATION_PREFIX + name, 'other')).toEqual(['RC109']);
    }
  });
});

test('roles are explained with the built-in ones', async () => {
  const page = await explain('roles');
  for (const { metadata, spec } of CATALOGUE.values()) {
    expect(page).toContain(`  ${metadata.name} `);
    expect(page).toContain(`      ${spec.displayName}`);
    for (const included of spec.includes)
      expect(page).toContain(`${spec.displayName}; includes ${included}\n`);
  }
  expect(page).toMatch(/^ {2}source-admin +Source +yes +Free +Normal$/m);
  for (const line of page.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
});

test('without a kind all kinds, or the schema of all', async () => {
  const page = await explain();
  for (const kind of KIND_NAMES)
    expect(page).toContain(`  ${kind}  ${kindOf(kind).plural}, ${kindOf(kind).short}`);
  expect(JSON.parse(await explain('-o', 'json'))).toEqual(schemaFile('rolecall'));
});

test.each([
  ['grup', 'unknown kind "grup"', 'did you mean "group"?'],
  ['zebra', 'unknown kind "zebra"', `kinds: ${KIND_NAMES.join(', ')}`],
  ['user.emial', 'User.spec has no field "emial"', 'did you mean "user.spec.email"?'],
  ['user.labels', 'User.spec has no field "labels"', 'did you mean "user.metadata.labels"?'],
  [
    'group.members.since',
    'Group.spec.members has no field "since"',
    'known here: kind, name, notBefore, expiresAt',
  ],
  ['group.displayName.en', 'Group.spec.displayName has no fields', 'iam explain group.spec.displayName'],
  [
    'group.constructor',
    'Group.spec has no field "constructor"',
    'known here: displayName, description, members',
  ],
  [
    'user.metadata.annotations.protct',
    'User.metadata.annotations has no field "rolecall.dev/protct"',
    'did you mean "user.metadata.annotations.rolecall.dev/protect"?',
  ],
])('explain %s is wrong usage', async (topic, message, hint) => {
  expect(await runIam(['explain', topic])).toMatchObject({
    exit: 4,
    stdout: '',
    stderr: `error RC121: ${message}\n  ${hint}\n`,
  });
  const { exit, stderr } = await runIam(['explain', topic, '-o', 'json']);
  expect(exit).toBe(4);
  expect(JSON.parse(stderr)).toMatchObject({
    kind: 'ProblemList',
    items: [{ code: 'RC121', message, hint }],
  });
});
