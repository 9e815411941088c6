import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EXIT, Failure, type Problem } from '../../src/core/problem.ts';
import { type GitOpsConfig, readConfig } from '../../src/gitops/config.ts';
import { dedent } from '../support/bad-input.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../schemas/gitops.schema.json', import.meta.url), 'utf8'),
) as object;
const isValid = new Ajv({ strict: true }).compile(schema);

/** The configuration, or what is wrong with it. */
function read(text: string | undefined): GitOpsConfig | readonly Problem[] {
  try {
    return readConfig(text);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.exit).toBe(EXIT.invalid);
    return error.problems;
  }
}

function problems(text: string): string[] {
  const found = read(text);
  if (!Array.isArray(found)) throw new Error('nothing is wrong with it');
  return found.map(
    ({ code, message, hint, place }: Problem) =>
      `${place ? `${place.line}:${place.column} ` : ''}${code} ${message}; ${hint}`,
  );
}

const HEAD = 'apiVersion: rolecall.dev/v1alpha1\nkind: GitOps\n';

describe('.rolecall/gitops.yaml', () => {
  test('all of it', () => {
    const text = dedent(`
      apiVersion: rolecall.dev/v1alpha1
      kind: GitOps
      paths: [access, people/*.yaml]
      prune: true
      manager: people
      people: {Ana-Diaz: ana-diaz, bo: bo}
      overrides: {RC201: [Ana-Diaz, bo], RC211: []}
      environment: production
      app: rolecall-acme
    `);
    expect(read(text)).toEqual({
      paths: ['access', 'people/*.yaml'],
      prune: true,
      manager: 'people',
      people: new Map([
        ['ana-diaz', 'ana-diaz'],
        ['bo', 'bo'],
      ]),
      overrides: new Map([
        ['RC201', new Set(['ana-diaz', 'bo'])],
        ['RC211', new Set()],
      ]),
      environment: 'production',
      app: 'rolecall-acme',
    });
  });

  test('the least of it: nothing is deleted, and nobody may override', () => {
    expect(read(`${HEAD}paths: [access]\n`)).toEqual({
      paths: ['access'],
      prune: false,
      manager: 'default',
      people: new Map(),
      overrides: new Map(),
      environment: undefined,
      app: undefined,
    });
  });

  test('none, an empty one, two in one file, no YAML', () => {
    expect(read(undefined)).toEqual([
      expect.objectContaining({
        code: 'RC601',
        message: expect.stringContaining('there is no .rolecall/gitops.yaml'),
      }),
    ]);
    for (const text of ['', '# nothing\n', `${HEAD}paths: [a]\n---\n${HEAD}paths: [b]\n`])
      expect(read(text)).toEqual([
        expect.objectContaining({ code: 'RC601', message: '.rolecall/gitops.yaml: must be one document' }),
      ]);
    expect(read('a: [\n')).toEqual([expect.objectContaining({ code: 'RC102', place: expect.anything() })]);
    expect(read(`${HEAD}paths: [a]\npaths: [b]\n`)).toEqual([
      expect.objectContaining({ place: expect.objectContaining({ line: 4, column: 1 }) }),
    ]);
  });

  test('every mistake at once, where it stands, with what to write', () => {
    const text = dedent(`
      apiVersion: rolecall.dev/v1
      kind: GitOps
      path: [access]
      prune: "yes"
      manager: -x
      people:
        ana: Ana Diaz
        bo: 1
      overrides:
        RC205: [ana]
        RC201: [ana, "@bo", no one]
      environment: ""
      app: [rolecall]
    `);
    expect(problems(text)).toEqual([
      '1:1 RC601 .rolecall/gitops.yaml lacks paths; one with apiVersion, kind: GitOps and paths: [access] will do',
      '1:13 RC601 apiVersion must be rolecall.dev/v1alpha1, not "rolecall.dev/v1"; write rolecall.dev/v1alpha1',
      '3:1 RC601 unknown field "path"; did you mean "paths"?',
      '4:8 RC601 prune must be true or false, not "yes"; without quotes',
      '5:10 RC601 manager cannot be "-x"; it must match ^[A-Za-z0-9][A-Za-z0-9:._-]{0,62}$',
      '7:8 RC601 people.ana cannot be "Ana Diaz"; it must match ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      '8:7 RC601 people.bo must be a text, not the number 1; write one text, in quotes where it looks like something else',
      '10:3 RC601 unknown field "RC205"; did you mean "RC201"?',
      '11:16 RC601 overrides.RC201.1 cannot be "@bo"; it must match ^[A-Za-z0-9][A-Za-z0-9-]{0,38}$',
      '11:23 RC601 overrides.RC201.2 cannot be "no one"; it must match ^[A-Za-z0-9][A-Za-z0-9-]{0,38}$',
      '12:14 RC601 environment is empty; give it a value',
      '13:6 RC601 app must be a text, not a list; write one text, in quotes where it looks like something else',
    ]);
  });

  test('a login that is there twice, as forges tell them apart', () => {
    expect(problems(`${HEAD}paths: [a]\npeople: {Ana: ana, bo: bo, aNA: eve}\n`)).toEqual([
      '4:28 RC601 people has aNA twice; who is it? leave one out',
    ]);
  });

  test('it and its schema judge alike', () => {
    const text = fc.oneof(
      fc.constantFrom(
        '',
        'a',
        'access',
        'ana-diaz',
        'GitOps',
        'rolecall.dev/v1alpha1',
        'x'.repeat(63),
        'x'.repeat(64),
      ),
      fc.string({ maxLength: 70 }),
      fc.string({ unit: fc.constantFrom('a', 'Z', '9', '-', '.', ':', '_', '\n', 'é'), maxLength: 45 }),
    );
    const any = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      text,
      fc.array(text),
      fc.dictionary(text, text),
    );
    const mostly = <T>(usual: fc.Arbitrary<T>) =>
      fc.oneof({ weight: 40, arbitrary: usual }, { weight: 1, arbitrary: any });
    const login = fc.oneof(fc.constantFrom('ana', 'Bo-Lee', 'a'.repeat(39), 'a'.repeat(40), '-a', ''), text);
    const name = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('people', 'a:b') },
      { weight: 1, arbitrary: text },
    );
    const config = fc.record(
      {
        apiVersion: mostly(fc.constant('rolecall.dev/v1alpha1')),
        kind: mostly(fc.constant('GitOps')),
        paths: mostly(fc.array(mostly(fc.string({ minLength: 1 })), { maxLength: 3 })),
        prune: mostly(fc.boolean()),
        manager: mostly(name),
        people: mostly(
          fc.dictionary(
            fc.constantFrom('ana', 'bo', 'cy-dee'),
            mostly(fc.constantFrom('ana', 'bo', 'Ana', '')),
          ),
        ),
        overrides: mostly(
          fc.dictionary(
            fc.constantFrom('RC201', 'RC202', 'RC204', 'RC211', 'RC205', 'x'),
            mostly(fc.array(mostly(login))),
          ),
        ),
        environment: mostly(name),
        app: mostly(name),
      },
      { requiredKeys: ['apiVersion', 'kind', 'paths'] },
    );
    const key = fc.constantFrom('apiVersion', 'kind', 'paths', 'prune', 'path', 'toString', '__proto__');
    let valid = 0;
    fc.assert(
      fc.property(
        fc.oneof(
          { weight: 9, arbitrary: config },
          { weight: 1, arbitrary: fc.dictionary(key, any) },
          { weight: 1, arbitrary: any },
        ),
        (value) => {
          const found = read(JSON.stringify(value));
          const holds = isValid(value);
          if (holds) valid++;
          expect(Array.isArray(found) ? found : []).toEqual(
            holds ? [] : expect.arrayContaining([expect.objectContaining({ severity: 'error' })]),
          );
        },
      ),
      { numRuns: 5000 },
    );
    // By chance; most have something wrong with them.
    expect(valid).toBeGreaterThan(25);
  });
});
