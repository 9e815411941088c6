import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DeclaredGrant } from '../../src/render/why-text.ts';
import { desk, ORG } from '../support/access-desk.ts';
import { dedent } from '../support/bad-input.ts';

const LATER = '2026-11-26T12:00:00Z';

test('from a store: every grant, and the revision that made each part of it', async () => {
  const { told } = await desk();
  expect(await told('why bo')).toBe(
    dedent(`
    bo <bo@acme.example> has 3 grants, all active

    acme
      Active: source-admin on the whole workspace, by binding direct
        includes source-read-only
        User bo in RoleBinding direct: revision 1, 2026-11-24 12:00 UTC,
          manager:default
      Active: source-admin on the whole workspace, through groups staff > analysts
        by binding admins, until 2027-01-31 00:00 UTC
        includes source-read-only
        reason: INC-7
        Group staff in RoleBinding admins: revision 1, 2026-11-24 12:00 UTC,
          manager:default
        Group analysts in Group staff: revision 1, 2026-11-24 12:00 UTC,
          manager:default
        User bo in Group analysts: revision 1, 2026-11-24 12:00 UTC, manager:default

    beta
      Active: workspace-owner on the whole workspace, by binding owners
        includes every role
        User bo in RoleBinding owners: revision 1, 2026-11-24 12:00 UTC,
          manager:default
    `),
  );
  expect(await told('why bo -A')).toBe(await told('why bo'));
});

test('from files: where each part is declared', async () => {
  const { told } = await desk(ORG, { store: false });
  const line = (text: string) => ORG.slice(0, ORG.indexOf(text)).split('\n').length;
  const column = (text: string) => ORG.indexOf(text) - ORG.lastIndexOf('\n', ORG.indexOf(text));
  const at = (text: string, inside = 0) => `org.yaml:${line(text)}:${column(text) + inside}`;
  const admins = 'subjects: [{kind: Group, name: staff}]';
  expect(await told('why bo -n acme -f org.yaml')).toBe(
    dedent(`
    bo <bo@acme.example> has 2 grants in acme, all active

    acme
      Active: source-admin on the whole workspace, by binding direct
        includes source-read-only
        User bo in RoleBinding direct: ${at('subjects: [{name: bo}, {name: dee}', 11)}
      Active: source-admin on the whole workspace, through groups staff > analysts
        by binding admins, until 2027-01-31 00:00 UTC
        includes source-read-only
        reason: INC-7
        Group staff in RoleBinding admins: ${at(admins, 11)}
        Group analysts in Group staff: ${at('{kind: Group, name: analysts}')}
        User bo in Group analysts: ${at('{name: bo, expiresAt')}
    `),
  );
});

test('every state, those that have ended last', async () => {
  const { told } = await desk(
    ORG.replace('{name: fay}], resources', '{name: fay}, {name: eli}], resources'),
    {
      store: false,
    },
  );
  expect(await told('why eli -f org.yaml')).toMatch(
    /^eli <eli@acme\.example> has 2 grants, 0 active\n\nacme\n {2}Not yet: function-admin .* from\n {4}2026-12-01 00:00 UTC, until 2026-12-08 00:00 UTC\n[\s\S]*\n {2}Expired at 2026-11-01 00:00 UTC: function-admin on/,
  );
  expect(await told('why dee -f org.yaml')).toContain(
    '\n  Suspended: source-admin on the whole workspace, by',
  );
  expect(await told('why token/off -f org.yaml')).toContain(
    '\n  Revoked: workspace-member on the whole workspace\n    role of Token off: org.yaml:',
  );
  expect(await told('why token/never -n acme -f org.yaml')).toBe(
    'token never has no grants in acme\n  the time of hal, who answers for the token, ended at 2026-10-01 00:00 UTC\n',
  );
  expect(await told('why cy -n beta -f org.yaml')).toBe('cy <cy@acme.example> has no grants in beta\n');
});

test('with --resource only what bears on it', async () => {
  const { told, json } = await desk();
  expect(await told('why cy -n acme --resource Function/a/b')).toMatch(
    /^cy <cy@acme\.example> has 2 grants that bear on Function\/a\/b in acme, all active\n/,
  );
  const scopes = async (words: string) =>
    (await json<{ grants: DeclaredGrant[] }>(`why ${words}`)).grants.map(({ scope }) => scope);
  expect(await scopes('cy')).toEqual(['Function/a/b', 'Workspace']);
  expect(await scopes('cy --resource Function/b')).toEqual(['Workspace']);
  expect(await scopes('gus --resource Source/x')).toEqual(['Workspace', 'environment=prod']);
  expect(await scopes('gus --resource Source/x --resource-labels environment=dev')).toEqual(['Workspace']);
  expect(await scopes('gus --resource-labels environment=prod')).toEqual(['Workspace', 'environment=prod']);
});

test('in JSON each part of a grant, with its place and its revision', async () => {
  const { iam, cwd, json } = await desk();
  writeFileSync(
    join(cwd, 'org.yaml'),
    ORG.replace('subjects: [{name: gus}', 'subjects: [{name: gus}, {name: cy}'),
  );
  expect(await iam('apply -f org.yaml -q --as ana', { now: LATER })).toMatchObject({ exit: 0 });
  const { grants, ...rest } = await json<{ grants: DeclaredGrant[] }>(
    'why cy --resource Source/x -f org.yaml',
    {
      now: LATER,
    },
  );
  expect(rest).toEqual({
    kind: 'Why',
    subjectKind: 'User',
    subject: 'cy',
    email: 'cy@acme.example',
    workspace: null,
    resource: 'Source/x',
    resourceLabels: null,
    at: '2026-11-26T12:00:00Z',
  });
  expect(grants.map(({ binding }) => binding)).toEqual(['admins', 'prod']);
  expect(grants[1]).toMatchObject({
    workspace: 'acme',
    role: 'source-read-only',
    includes: [],
    scope: 'environment=prod',
    via: 'direct',
    groups: [],
    state: 'Active',
    active: true,
    notBefore: null,
    expiresAt: null,
    reason: '',
  });
  const first = { revision: 1, at: '2026-11-24T12:00:00Z', by: 'manager:default', file: 'org.yaml' };
  const second = { revision: 2, at: LATER, by: 'ana', file: 'org.yaml' };
  expect(grants[1]?.declared).toMatchObject([
    { ...first, id: 'RoleBinding/acme/prod', pointer: '/spec/role' },
    { ...second, pointer: '/spec/subjects/User:cy' },
    { ...first, pointer: '/spec/resources/environment=prod' },
  ]);
  expect(grants[0]?.declared.map(({ id, pointer }) => `${id} ${pointer}`)).toEqual([
    'RoleBinding/acme/admins /spec/role',
    'RoleBinding/acme/admins /spec/subjects/Group:staff',
    'RoleBinding/acme/admins /spec/resources/Workspace',
    'Group/acme/staff /spec/members/Group:analysts',
    'Group/acme/analysts /spec/members/User:cy',
  ]);
  // What was then, by what was known then.
  const past = await json<{ grants: DeclaredGrant[] }>('why cy --at 2026-11-25', { now: LATER });
  expect(past.grants.map(({ binding }) => binding)).toEqual(['web', 'admins']);
  expect(past.grants[0]?.declared).toMatchObject([
    { revision: 1 },
    { revision: 1 },
    { revision: 1, file: null },
  ]);
});

test('a Group whose members the files leave to others is not where they are declared', async () => {
  const { iam, cwd, told } = await desk();
  writeFileSync(
    join(cwd, 'group.yaml'),
    'apiVersion: rolecall.dev/v1alpha1\nkind: Group\nmetadata: {name: analysts, namespace: acme}\nspec: {displayName: Analysts}\n',
  );
  expect(await iam('plan -f group.yaml -q')).toMatchObject({ exit: 0 });
  expect(await told('why cy -n acme -f group.yaml')).toContain('User cy in Group analysts: revision 1, ');
});

test('what it does not know, or is not told', async () => {
  const { iam } = await desk();
  expect(await iam('why ana -n acm')).toMatchObject({
    exit: 4,
    stderr: 'error RC126: there is no workspace "acm"\n  did you mean "acme"?\n',
  });
  expect(await iam('why anna')).toMatchObject({
    exit: 4,
    stderr: 'error RC126: there is no User "anna"\n  did you mean "ana"?\n',
  });
  expect(await iam('why token/none')).toMatchObject({
    exit: 4,
    stderr: 'error RC126: there is no Token "none"\n  iam get tokens\n',
  });
});

test('a token is found in the one workspace that has it; of two, one must be named', async () => {
  const other = ORG.split('---\n').find((text) => text.includes('name: ci, namespace: acme')) ?? '';
  const { iam, told } = await desk(`${ORG}---\n${other.replace('namespace: acme', 'namespace: beta')}`);
  expect(await told('why token/off')).toMatch(/^token off has 1 grant, 0 active\n/);
  expect(await told('why token/ci -n beta')).toMatch(/^token ci has 1 grant in beta, which is active\n/);
  expect(await iam('why token/ci')).toMatchObject({
    exit: 4,
    stderr: 'error RC121: there is a Token "ci" in 2 workspaces: which one?\n  name it with -n: acme, beta\n',
  });
});
