/** What an apply does about what has ended: one audit row for each end, and a fresh snapshot. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AuditRow } from '../../src/core/audit.ts';
import type { Ended } from '../../src/core/horizon.ts';
import { toManifest } from '../../src/core/resource.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { openStore } from '../../src/stores/open.ts';
import { bound, type Desk, desk, user } from '../support/access-desk.ts';
import { evolution } from '../support/arbitrary.ts';
import { temporaryFolder, writeFiles } from '../support/folder.ts';
import { runIam } from '../support/run-iam.ts';

const doc = (kind: string, metadata: string, spec: string) =>
  `---\napiVersion: rolecall.dev/v1alpha1\nkind: ${kind}\nmetadata: {${metadata}}\nspec: {${spec}}\n`;
const WHOLE = '{type: Workspace}';
const ORG = [
  doc('Workspace', 'name: acme', 'displayName: Acme, tier: Business'),
  doc('Workspace', 'name: beta', 'displayName: Beta, tier: Business'),
  user('ana'),
  user('bo', ', expiresAt: 2026-12-01'),
  user('cy'),
  bound('owners', 'workspace-owner', '{name: ana}', WHOLE),
  bound('readers', 'source-read-only', '{name: cy}, {name: ana}', WHOLE, ', expiresAt: 2026-12-02'),
  bound('later', 'source-read-only', '{name: bo}', WHOLE, ', notBefore: 2026-12-03'),
  doc(
    'Group',
    'name: staff, namespace: acme',
    'displayName: S, members: [{name: cy, expiresAt: 2026-12-01}]',
  ),
  doc(
    'RoleBinding',
    'name: owners, namespace: beta',
    `role: workspace-owner, subjects: [{name: ana}], resources: [${WHOLE}]`,
  ),
].join('');
const AFTER = { now: '2026-12-02T00:00:00Z' };

async function audit(cwd: string): Promise<AuditRow[]> {
  const reading = await (await openStore('sqlite:.iam/iam.db', cwd, 1000)).read();
  try {
    const rows: AuditRow[] = [];
    for await (const batch of reading.audit()) rows.push(...batch);
    return rows;
  } finally {
    await reading.close();
  }
}

async function retired(cwd: string): Promise<(string | null)[]> {
  return (await audit(cwd)).filter(({ action }) => action === 'retire').map(({ identity }) => identity);
}

const names = (list: readonly Ended[]) => list.map(({ kind, name, path: at }) => `${kind} ${name} ${at}`);

test('an apply that changes nothing retires each end once', async () => {
  const at = await desk(ORG);
  const ran = await at.iam('apply -f org.yaml', AFTER);
  expect(ran).toMatchObject({ exit: 0, stderr: 'wrote the snapshot of acme to .iam/snapshot\n' });
  expect(ran.stdout).toBe(`Nothing to do: 10 resources as declared (revision 1).
3 accesses have ended: User bo (2026-12-01 00:00 UTC), User cy in Group
  acme/staff (2026-12-01 00:00 UTC), RoleBinding acme/readers (2026-12-02 00:00
  UTC)
`);
  expect(await retired(at.cwd)).toEqual(['User//bo', 'Group/acme/staff', 'RoleBinding/acme/readers']);
  const rows = await audit(at.cwd);
  expect(rows.filter(({ action }) => action === 'retire').map(({ revision }) => revision)).toEqual([1, 1, 1]);
  expect(await at.told('apply -f org.yaml', AFTER)).not.toContain('ended');
  expect(await audit(at.cwd)).toEqual(rows);
});

test('with -o json they are a member of the outcome, whose audit head covers them', async () => {
  const at = await desk(ORG);
  const outcome = await at.json<{ retired: Ended[]; auditHead: string }>('apply -f org.yaml', AFTER);
  expect(outcome.retired).toEqual([
    { kind: 'User', namespace: null, name: 'bo', path: '/spec', until: '2026-12-01T00:00:00Z' },
    {
      kind: 'Group',
      namespace: 'acme',
      name: 'staff',
      path: '/spec/members/User:cy',
      until: '2026-12-01T00:00:00Z',
    },
    { kind: 'RoleBinding', namespace: 'acme', name: 'readers', path: '/spec', until: '2026-12-02T00:00:00Z' },
  ]);
  const last = (await audit(at.cwd)).at(-1);
  expect(outcome.auditHead).toBe(`${last?.seq}:${last?.hash}`);
  expect(await at.json('apply -f org.yaml', AFTER)).not.toHaveProperty('retired');
});

test('the plan before it names the same, and shows them as text and Markdown', async () => {
  const at = await desk(ORG);
  const plan = await at.json<{ ended: Ended[] }>('plan -f org.yaml', AFTER);
  expect(await at.told('plan -f org.yaml', AFTER)).toContain(
    'Ended, to be retired by the apply: User bo (2026-12-01 00:00 UTC), User cy',
  );
  expect((await at.iam('plan -f org.yaml -o markdown', AFTER)).stdout).toContain(
    '**Ended, to be retired by the apply**: User bo (',
  );
  const outcome = await at.json<{ retired: Ended[] }>('apply -f org.yaml', AFTER);
  expect(outcome.retired).toEqual(plan.ended);
  expect(await at.json('plan -f org.yaml', AFTER)).toMatchObject({ ended: [] });
});

test('delete and suspend retire too', async () => {
  for (const words of ['delete rb later -n acme', 'suspend cy --reason left']) {
    const at = await desk(ORG);
    expect(await at.iam(words, AFTER)).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('3 accesses have ended: '),
    });
    expect(await retired(at.cwd)).toHaveLength(3);
  }
});

test('what is refused retires nothing', async () => {
  const at = await desk(ORG);
  writeFiles(at.cwd, {
    'next.yaml': ORG.replace(
      'workspace-owner, subjects: [{name: ana}]',
      'workspace-member, subjects: [{name: ana}]',
    ),
  });
  expect(await at.iam('apply -f next.yaml', AFTER)).toMatchObject({
    exit: 3,
    stdout: expect.stringContaining('Ended, to be'),
  });
  expect(await retired(at.cwd)).toEqual([]);
  expect((await audit(at.cwd)).map(({ action }) => action).at(-1)).toBe('refused');
});

test('whatever only reads writes nothing', async () => {
  const at = await desk(ORG);
  const before = await audit(at.cwd);
  for (const words of [
    'plan -f org.yaml --horizon 90d',
    'get users',
    'describe user bo',
    'can-i cy source-read-only -n acme',
    'who-can source-read-only -n acme',
    'why bo',
    'export',
    'snapshot',
  ])
    expect([0, 1]).toContain((await at.iam(words, AFTER)).exit);
  expect(await audit(at.cwd)).toEqual(before);
});

test('where there is no store there is nothing to retire, and what is declared ended is not retired either', async () => {
  const at = await desk(ORG, { store: false });
  expect(await at.json('plan -f org.yaml --at 2026-12-24')).toMatchObject({ ended: [] });
  expect((await at.iam('apply -f org.yaml', { now: '2026-12-24T00:00:00Z' })).stdout).not.toContain('ended');
  expect(await retired(at.cwd)).toEqual([]);
});

test.each([
  ['is lengthened', ['expiresAt: 2026-12-02', 'expiresAt: 2027-01-01'], ['User//bo', 'Group/acme/staff']],
  [
    'is deleted',
    [bound('readers', 'source-read-only', '{name: cy}, {name: ana}', WHOLE, ', expiresAt: 2026-12-02'), ''],
    ['User//bo', 'Group/acme/staff'],
  ],
  [
    'gets another name',
    ['name: readers', 'name: readers-all, annotations: {rolecall.dev/previous-names: readers}'],
    ['User//bo', 'Group/acme/staff', 'RoleBinding/acme/readers-all'],
  ],
])('what %s by the same apply is told as it is after it', async (_, [before = '', after = ''], expected) => {
  const at = await desk(ORG);
  writeFiles(at.cwd, { 'next.yaml': ORG.replace(before, after) });
  const plan = await at.json<{ ended: Ended[] }>('plan -f next.yaml --prune', AFTER);
  const outcome = await at.json<{ retired: Ended[] }>('apply -f next.yaml --prune', AFTER);
  expect(names(outcome.retired)).toEqual(names(plan.ended));
  expect(await retired(at.cwd)).toEqual(expected);
});

test('only the workspaces whose rows time has changed are written again', async () => {
  const at = await desk(ORG);
  const stat = (name: string) => statSync(path.join(at.cwd, `.iam/snapshot/${name}`)).ino;
  const before = ['acme.grants.csv', 'beta.grants.csv', 'beta.snapshot.json'].map(stat);
  await at.iam('apply -f org.yaml', AFTER);
  const after = ['acme.grants.csv', 'beta.grants.csv', 'beta.snapshot.json'].map(stat);
  expect(after.map((one, i) => one === before[i])).toEqual([false, true, true]);
});

test('a beginning makes a fresh snapshot and no row', async () => {
  const at = await desk(ORG.replaceAll(/, expiresAt: [-\d]+/g, ''));
  const users = () => readFileSync(path.join(at.cwd, '.iam/snapshot/acme.users.csv'), 'utf8');
  expect(users()).toContain('"bo","bo@acme.example","","Human","Active","",""');
  expect(await at.iam('apply -f org.yaml', { now: '2026-12-03T00:00:00Z' })).toMatchObject({
    stdout: 'Nothing to do: 10 resources as declared (revision 1).\n',
    stderr: 'wrote the snapshot of acme to .iam/snapshot\n',
  });
  expect(users()).toContain('"bo","bo@acme.example","","Human","Active","Member","Source Read-only"');
  expect(await retired(at.cwd)).toEqual([]);
});

test('a snapshot that was not written is written by the next apply, though nothing is left to retire', async () => {
  const at = await desk(ORG);
  await at.iam('apply -f org.yaml --no-snapshot', AFTER);
  expect(await at.iam('apply -f org.yaml', AFTER)).toMatchObject({
    stdout: expect.not.stringContaining('ended'),
    stderr: 'wrote the snapshot of acme to .iam/snapshot\n',
  });
});

test('many are folded to a count, and quiet says nothing', async () => {
  const many = Array.from({ length: 14 }, (_, i) => user(`user-${i}`, ', expiresAt: 2026-12-01')).join('');
  const at: Desk = await desk(ORG + many);
  await at.iam('apply -f org.yaml', { now: '2026-11-30T00:00:00Z' });
  const { stdout } = await at.iam('apply -f org.yaml', AFTER);
  expect(stdout).toContain('17 accesses have ended: User bo (2026-12-01 00:00 UTC), ');
  expect(stdout).toMatch(/…\s+and\s+7\s+more\n$/);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(await at.iam('apply -f org.yaml -q', { now: '2026-12-03T00:00:00Z' })).toMatchObject({
    stdout: '',
    stderr: '',
  });
});

test('of random organisations an apply retires what its plan says has ended, as it is after it', {
  timeout: 120_000,
}, async () => {
  let told = 0;
  const yaml = (org: readonly Resource[]) => org.map((one) => JSON.stringify(toManifest(one))).join('\n');
  await fc.assert(
    fc.asyncProperty(evolution, fc.nat(300), async ({ before, resources }, days) => {
      const cwd = temporaryFolder({ 'before.jsonl': yaml(before), 'after.jsonl': yaml(resources) });
      const now = new Date(Date.parse('2026-03-01T00:00:00Z') + days * 86_400_000).toISOString();
      const iam = (words: string, time: string) => runIam(words.split(' '), { cwd, now: time });
      if ((await iam('apply -f before.jsonl --no-snapshot', '2026-01-01T00:00:00Z')).exit !== 0) return;
      const plan = await iam('plan -f after.jsonl --prune -o json', now);
      const apply = await iam('apply -f after.jsonl --prune --no-snapshot -o json', now);
      expect(apply.exit).toBe(plan.exit);
      const ended: Ended[] = plan.exit === 4 ? [] : JSON.parse(plan.stdout).ended;
      const given: Ended[] = apply.exit === 0 ? (JSON.parse(apply.stdout).retired ?? []) : ended;
      expect(given).toEqual(ended);
      told += apply.exit === 0 ? ended.length : 0;
    }),
    { numRuns: process.env.ROLECALL_LONG === '1' ? 2000 : 60 },
  );
  expect(told).toBeGreaterThan(10);
});
