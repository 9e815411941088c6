/** What a plan says of the access that ends soon. */
import { expect, test } from 'vitest';
import type { Ending } from '../../src/core/horizon.ts';
import { bound, desk, user } from '../support/access-desk.ts';
import { writeFiles } from '../support/folder.ts';

const doc = (kind: string, metadata: string, spec: string) =>
  `---\napiVersion: rolecall.dev/v1alpha1\nkind: ${kind}\nmetadata: {${metadata}}\nspec: {${spec}}\n`;
const WHOLE = '{type: Workspace}';
/** At the time of every run, 2026-11-24 12:00 UTC, all of it is still open. */
const ORG = [
  doc('Workspace', 'name: acme', 'displayName: Acme, tier: Business'),
  doc('Workspace', 'name: beta', 'displayName: Beta, tier: Business'),
  ...['ana', 'bo', 'cy', 'dee'].map((name) => user(name)),
  user('eli', ', expiresAt: 2026-11-30'),
  doc(
    'Group',
    'name: staff, namespace: acme',
    'displayName: Staff, members: [{name: bo, expiresAt: 2026-11-26}, {name: cy, expiresAt: 2026-11-27}, {name: dee}]',
  ),
  bound('owners', 'workspace-owner', '{name: ana}', WHOLE),
  bound('staff', 'source-read-only', '{kind: Group, name: staff}', WHOLE),
  bound('also', 'source-read-only', '{name: bo}', WHOLE, ', expiresAt: 2026-11-28T18:00:00Z'),
  bound('for-good', 'source-read-only', '{name: cy}', WHOLE),
  bound(
    'web',
    'function-admin',
    '{name: eli}, {name: dee}',
    '{type: Function, id: web}',
    ', expiresAt: 2026-12-01T12:00:00Z',
  ),
  doc(
    'RoleBinding',
    'name: owners, namespace: beta',
    `role: workspace-owner, subjects: [{name: ana}], resources: [${WHOLE}]`,
  ),
  doc(
    'RoleBinding',
    'name: eli, namespace: beta',
    `role: source-admin, subjects: [{name: eli}], resources: [${WHOLE}]`,
  ),
  doc('Token', 'name: ci, namespace: acme', 'description: CI, role: workspace-member, owner: eli'),
].join('');

const lines = ({ access }: Ending) =>
  access.map(({ workspace, subject, role, scope, via, binding, until }) =>
    [until, workspace, subject, role, scope, via, binding].join(' '),
  );

test('it is who loses which role where, soonest first, by what lasts longest', async () => {
  const at = await desk(ORG);
  const { ending } = await at.json<{ ending: Ending }>('plan -f org.yaml --horizon 7d');
  expect(ending.horizon).toBe('7d');
  expect(lines(ending)).toEqual([
    '2026-11-28T18:00:00Z acme bo source-read-only Workspace direct also',
    '2026-11-30T00:00:00Z acme ci workspace-member Workspace direct token/ci',
    '2026-11-30T00:00:00Z acme eli function-admin Function/web direct web',
    '2026-11-30T00:00:00Z beta eli source-admin Workspace direct eli',
    '2026-12-01T12:00:00Z acme dee function-admin Function/web direct web',
  ]);
  expect(Object.keys(ending.access[0] ?? {})).toEqual([
    'subjectKind',
    'subject',
    'email',
    'workspace',
    'role',
    'scope',
    'via',
    'binding',
    'until',
  ]);
});

test('what ends at the horizon is in it, and a minute less leaves it out', async () => {
  const at = await desk(ORG);
  const subjects = async (horizon: string) =>
    (await at.json<{ ending: Ending }>(`plan -f org.yaml --horizon ${horizon}`)).ending.access.map(
      ({ subject }) => subject,
    );
  expect(await subjects('168h')).toContain('dee');
  expect(await subjects('10079m')).not.toContain('dee');
});

test('it is told of the state after the plan: what the plan lengthens, adds and takes away', async () => {
  const at = await desk(ORG);
  const next = ORG.replace('expiresAt: 2026-11-28T18:00:00Z', 'expiresAt: 2027-06-01')
    .replace('{name: eli}, {name: dee}', '{name: dee}')
    .replace(
      'name: ana}\nspec: {email: ana@acme.example',
      'name: ana}\nspec: {expiresAt: 2026-11-29, email: ana@acme.example',
    )
    .replace(bound('for-good', 'source-read-only', '{name: cy}', WHOLE), '');
  writeFiles(at.cwd, { 'next.yaml': next });
  const ran = await at.iam('plan -f next.yaml --prune --horizon 7d -o json');
  expect(lines(JSON.parse(ran.stdout).ending)).toEqual([
    '2026-11-27T00:00:00Z acme cy source-read-only Workspace group:staff staff',
    '2026-11-29T00:00:00Z acme ana workspace-owner Workspace direct owners',
    '2026-11-29T00:00:00Z beta ana workspace-owner Workspace direct owners',
    '2026-11-30T00:00:00Z acme ci workspace-member Workspace direct token/ci',
    '2026-11-30T00:00:00Z beta eli source-admin Workspace direct eli',
    '2026-12-01T12:00:00Z acme dee function-admin Function/web direct web',
  ]);
});

test('a first plan tells it without a store, and a suspended person loses nothing', async () => {
  const at = await desk(ORG.replace('eli@acme.example', 'eli@acme.example, state: Suspended'), {
    store: false,
  });
  const { ending } = await at.json<{ ending: Ending }>('plan -f org.yaml --horizon 7d');
  expect(ending.access.map(({ subject }) => subject)).toEqual(['bo', 'dee']);
});

test('-n and --at narrow it to a workspace and move it', async () => {
  const at = await desk(ORG);
  const plan = async (words: string) =>
    lines((await at.json<{ ending: Ending }>(`plan -f org.yaml --horizon 1d ${words}`)).ending);
  expect(await plan('--at 2026-11-29T12:00:00Z')).toEqual([
    '2026-11-30T00:00:00Z acme ci workspace-member Workspace direct token/ci',
    '2026-11-30T00:00:00Z acme eli function-admin Function/web direct web',
    '2026-11-30T00:00:00Z beta eli source-admin Workspace direct eli',
  ]);
  expect(await plan('--at 2026-11-29T12:00:00Z -n beta')).toEqual([
    '2026-11-30T00:00:00Z beta eli source-admin Workspace direct eli',
  ]);
  expect(await plan('--at 2027-11-29')).toEqual([]);
});

test('as text and Markdown', async () => {
  const at = await desk(ORG);
  expect(
    await at.told('plan -f org.yaml --horizon 5d'),
  ).toBe(`Plan for .iam/iam.db (revision 1), manager default, all workspaces

Nothing to do. 16 resources as declared.

Ends within 5 days
  acme
    2026-11-28 18:00 UTC (in 4 days): bo <bo@acme.example> loses
        source-read-only on the whole workspace, by binding also
`);
  expect((await at.iam('plan -f org.yaml --horizon 5d -o markdown')).stdout).toContain(`**Ends within 5 days**

| acme | who | loses |
|---|---|---|
| 2026-11-28 18:00 UTC (in 4 days) | bo \`bo@acme.example\` | source-read-only on the whole workspace, by binding also |
`);
  expect(await at.told('plan -f org.yaml --horizon 1h')).toContain('No access ends within 1 hour.\n');
});

test('without it nothing is said, and it is no part of the digest', async () => {
  const at = await desk(ORG);
  const plain = await at.json<{ digest: string }>('plan -f org.yaml');
  expect(plain).not.toHaveProperty('ending');
  expect(await at.json('plan -f org.yaml --horizon 7d')).toMatchObject({ digest: plain.digest });
});

test('a plan that was saved with it applies', async () => {
  const at = await desk(ORG);
  writeFiles(at.cwd, { 'next.yaml': ORG.replace('2026-11-28T18:00:00Z', '2026-11-29') });
  expect(await at.iam('plan -f next.yaml --horizon 7d --out plan.json')).toMatchObject({ exit: 0 });
  expect(await at.iam('apply --plan plan.json')).toMatchObject({ exit: 0 });
  expect(await at.json('plan -f next.yaml')).toMatchObject({ changes: [] });
});

test('a long list is folded', async () => {
  const names = Array.from({ length: 30 }, (_, i) => `user-${i}`);
  const at = await desk(
    ORG +
      names.map((name) => user(name)).join('') +
      bound(
        'all',
        'source-admin',
        names.map((name) => `{name: ${name}}`).join(', '),
        WHOLE,
        ', expiresAt: 2026-11-25',
      ),
  );
  const text = await at.told('plan -f org.yaml --horizon 1d');
  expect(text.match(/loses/g)).toHaveLength(20);
  expect(text).toContain('    … and 10 more (all of them with -o json)\n');
  expect((await at.told('plan -f org.yaml --horizon 1d -v')).match(/loses/g)).toHaveLength(30);
});

test.each(['7', '0d', '7w', '-7d', '100000d', ''])(
  '--horizon "%s" is refused with exit 4',
  async (horizon) => {
    const at = await desk(ORG, { store: false });
    const ran = await at.iam(`plan -f org.yaml --horizon=${horizon}`);
    expect(ran).toMatchObject({
      exit: 4,
      stdout: '',
      stderr: expect.stringContaining('RC121: --horizon cannot be'),
    });
  },
);
