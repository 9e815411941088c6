import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { AuditRow } from '../../src/core/audit.ts';
import type { Plan } from '../../src/core/plan.ts';
import { openStore } from '../../src/stores/open.ts';
import { doc, docs } from '../support/bad-input.ts';
import { type RunOptions, runIam } from '../support/run-iam.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const user = (name: string, more = '') => doc('User', `name: ${name}`, `email: ${name}@acme.example${more}`);
const binding = (name: string, role: string, subjects: string, more = '') =>
  doc(
    'RoleBinding',
    `name: ${name}, namespace: acme`,
    `role: ${role}, subjects: [${subjects}], resources: [{type: Workspace}]${more}`,
  );
const WORKSPACE = doc('Workspace', 'name: acme', 'displayName: Acme, tier: Business');
const PEOPLE = docs(user('ana'), user('bo'), user('cy'));
const OWNERS = binding('owners', 'workspace-owner', '{name: ana}, {name: bo}');
const ORG = docs(WORKSPACE, PEOPLE, OWNERS);
const ALONE = docs(WORKSPACE, PEOPLE, binding('owners', 'workspace-owner', '{name: bo}'));

async function desk(org = ORG) {
  const cwd = mkdtempSync(join(tmpdir(), 'override-'));
  folders.push(cwd);
  const write = (text: string) => writeFileSync(join(cwd, 'a.yaml'), text);
  const iam = (words: string, options: RunOptions = {}) => runIam(words.split(' '), { cwd, ...options });
  write(org);
  expect(await iam('apply -f a.yaml --no-snapshot')).toMatchObject({ exit: 0 });
  return {
    write,
    iam,
    plan: async (words = ''): Promise<Plan> =>
      JSON.parse((await iam(`plan -f a.yaml -o json${words}`)).stdout),
    async audit(): Promise<AuditRow[]> {
      const store = await openStore('sqlite:.iam/iam.db', cwd, 1000);
      const reading = await store.read();
      try {
        const rows: AuditRow[] = [];
        for await (const batch of reading.audit()) rows.push(...batch);
        return rows;
      } finally {
        await reading.close();
        await store.close();
      }
    },
  };
}

describe('--override', () => {
  test('lets a hard refusal of exactly this plan pass, and the audit says who and why', async () => {
    const at = await desk();
    at.write(ALONE);
    const { digest } = await at.plan(' --as ana');
    const ran = await at.iam(
      `apply -f a.yaml --no-snapshot --as ana --override RC207@${digest} --reason handover`,
    );
    expect(ran).toMatchObject({ exit: 0, stderr: '' });
    expect(ran.stdout).toContain(
      'warning RC207: you (ana) would no longer own acme; overridden by ana: handover',
    );
    const row = (await at.audit()).find(({ action }) => action === 'override');
    expect(row).toMatchObject({
      revision: 2,
      actor: 'ana',
      actorVerified: false,
      reason: 'handover',
      identity: null,
    });
    expect(JSON.parse(row?.verdicts ?? '')).toMatchObject([
      { code: 'RC207', severity: 'warn', numbers: { overridden: true, workspaces: ['acme'] } },
    ]);
  });

  test.each([
    [
      'for another plan',
      (d: string) => `RC207@sha256:${'0'.repeat(64)} --reason x --as ana`.replace('D', d),
      5,
      /RC405: --override RC207 is for the plan sha256:0+, and this one is/,
    ],
    ['without a reason', (d: string) => `RC207@${d} --as ana`, 4, /RC121: --override RC207 needs a reason/],
    [
      'with an empty reason',
      (d: string) => `RC207@${d} --as ana --reason=`,
      4,
      /RC121: --override RC207 needs a reason/,
    ],
    [
      'that is not needed',
      (d: string) => `RC201@${d} --reason x --as ana`,
      4,
      /RC121: --override RC201: this plan has no such refusal/,
    ],
    ['that is malformed', () => 'RC207 --as ana', 4, /RC121: --override cannot be "RC207"/],
    [
      'of a code that is none',
      (d: string) => `RC299@${d} --as ana`,
      4,
      /RC121: --override cannot be "RC299@/,
    ],
    [
      'of what cannot be overridden',
      (d: string) => `RC209@${d} --as ana`,
      4,
      /RC121: --override RC209: still referred to cannot be overridden/,
    ],
  ])('%s is refused', async (_, words, exit, message) => {
    const at = await desk();
    at.write(ALONE);
    const { digest } = await at.plan(' --as ana');
    const ran = await at.iam(`apply -f a.yaml --no-snapshot --override ${words(digest)}`);
    expect(ran).toMatchObject({ exit, stdout: '', stderr: expect.stringMatching(message) });
    expect((await at.audit()).every(({ revision }) => revision === 1)).toBe(true);
  });

  test('a hard one is for an owner of every workspace concerned', async () => {
    const at = await desk();
    at.write(docs(WORKSPACE, PEOPLE));
    const { digest } = await at.plan(' --prune');
    for (const [who, message] of [
      ['', 'needs an owner to ask for it'],
      [' --as cy', '"cy" does not own acme'],
      [' --as nobody', '"nobody" does not own acme'],
    ] as const) {
      const ran = await at.iam(`apply -f a.yaml --prune --override RC205@${digest} --reason x${who}`);
      expect(ran).toMatchObject({ exit: 4, stderr: expect.stringContaining(message) });
    }
  });

  test('lets nothing else pass', async () => {
    const at = await desk();
    at.write(docs(WORKSPACE, PEOPLE));
    const { digest } = await at.plan(' --prune --as ana');
    const ran = await at.iam(
      `apply -f a.yaml --prune --no-snapshot --as ana --reason x --override RC205@${digest}`,
    );
    expect(ran.exit).toBe(3);
    expect(ran.stdout).toContain('refused RC203: removes all 2 people of acme: ana, bo');
  });

  test('holds once', async () => {
    const at = await desk();
    at.write(ALONE);
    const { digest } = await at.plan(' --as ana');
    const words = `apply -f a.yaml --no-snapshot --as ana --override RC207@${digest} --reason handover`;
    expect((await at.iam(words)).exit).toBe(0);
    at.write(ORG);
    expect((await at.iam('apply -f a.yaml --no-snapshot')).exit).toBe(0);
    at.write(ALONE);
    const again = await at.iam(words);
    expect(again).toMatchObject({
      exit: 5,
      stderr: expect.stringContaining('this override was used for revision 2'),
    });
  });

  test('of a saved plan: who applies it need not be who made it, and is judged himself', async () => {
    const at = await desk();
    at.write(ALONE);
    expect((await at.iam('plan -f a.yaml --out plan.json --as bo')).exit).toBe(0);
    const refused = await at.iam('apply --plan plan.json --no-snapshot --as ana');
    expect(refused).toMatchObject({ exit: 3, stdout: expect.stringContaining('refused RC207: you (ana)') });
    const { digest } = await at.plan();
    const ran = await at.iam(
      `apply --plan plan.json --no-snapshot --as ana --override RC207@${digest} --reason x`,
    );
    expect(ran).toMatchObject({ exit: 0 });
  });
});

test('a plan that was applied without an override does not use one up', async () => {
  const at = await desk();
  at.write(ALONE);
  expect((await at.iam('apply -f a.yaml --no-snapshot')).exit).toBe(0);
  at.write(ORG);
  expect((await at.iam('apply -f a.yaml --no-snapshot')).exit).toBe(0);
  at.write(ALONE);
  const { digest } = await at.plan();
  const ran = await at.iam(`apply -f a.yaml --no-snapshot --as ana --override RC207@${digest} --reason x`);
  expect(ran).toMatchObject({ exit: 0 });
});

test('a saved plan is stale when the limits that judge it have changed', async () => {
  const at = await desk();
  at.write(ALONE);
  expect((await at.iam('plan -f a.yaml --out plan.json')).exit).toBe(0);
  at.write(docs(WORKSPACE.replace('Business', 'Business, guards: {maxPrivilegedGains: 1}'), PEOPLE, OWNERS));
  expect((await at.iam('apply -f a.yaml --no-snapshot')).exit).toBe(0);
  expect(await at.iam('apply --plan plan.json --no-snapshot')).toMatchObject({
    exit: 5,
    stderr: expect.stringContaining('what plans are judged by'),
  });
});

describe('limits on the command line', () => {
  test.each([
    ['--max-removals 1.5', '--max-removals cannot be "1.5"'],
    ['--max-removals 101%', '--max-removals cannot be "101%"'],
    ['--max-updates many', '--max-updates cannot be "many"'],
    ['--max-privileged-gains=-1', '--max-privileged-gains cannot be "-1"'],
    ['--require-owner nobody', '--require-owner: there is no User "nobody"'],
  ])('%s is an error', async (words, message) => {
    const at = await desk();
    at.write(ALONE);
    expect(await at.iam(`plan -f a.yaml ${words}`)).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining(message),
    });
  });

  test('are in the digest, and a saved plan keeps them', async () => {
    const at = await desk();
    at.write(ALONE);
    const [loose, tight] = [await at.plan(), await at.plan(' --require-owner bo')];
    expect(tight.digest).not.toBe(loose.digest);
    expect([loose.guards, tight.guards]).toEqual([{}, { requireOwners: ['bo'] }]);
    expect((await at.iam('plan -f a.yaml --require-owner bo --out plan.json')).exit).toBe(0);
    expect((await at.iam('apply --plan plan.json --no-snapshot --require-owner bo')).exit).toBe(4);
    expect((await at.iam('apply --plan plan.json --no-snapshot')).exit).toBe(0);
  });
});

describe('suspend', () => {
  test('takes all access at once, and no apply of the manifests gives it back unseen', async () => {
    const at = await desk(docs(ORG, binding('readers', 'source-read-only', '{name: cy}')));
    const ran = await at.iam('suspend cy --no-snapshot --reason INC-9 --as ana');
    expect(ran).toMatchObject({ exit: 0, stdout: expect.stringContaining('updated User cy') });
    expect((await at.iam('get user cy')).stdout).toMatch(/Suspended/);
    expect(await at.iam('apply -f a.yaml --no-snapshot')).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('Nothing to do'),
    });
    at.write(
      docs(
        WORKSPACE,
        user('ana'),
        user('bo'),
        user('cy', ', state: Active'),
        OWNERS,
        binding('readers', 'source-read-only', '{name: cy}'),
      ),
    );
    const refused = await at.iam('apply -f a.yaml --no-snapshot');
    expect(refused).toMatchObject({
      exit: 3,
      stdout: expect.stringContaining('RC213: User cy was suspended by "suspend"'),
    });
    expect(await at.iam('apply -f a.yaml --no-snapshot --adopt')).toMatchObject({ exit: 0 });
    expect((await at.iam('get user cy')).stdout).toMatch(/Active/);
    expect(await at.iam('plan -f a.yaml --exit-code')).toMatchObject({ exit: 0 });
  });

  test('is kept by who suspended also when a manifest says the same', async () => {
    const at = await desk();
    expect((await at.iam('suspend cy --no-snapshot --reason x')).exit).toBe(0);
    const people = (more: string) => docs(user('ana'), user('bo'), user('cy', more));
    at.write(docs(WORKSPACE, people(', state: Suspended, displayName: Cy'), OWNERS));
    expect((await at.iam('apply -f a.yaml --no-snapshot')).exit).toBe(0);
    at.write(docs(WORKSPACE, people(', state: Active, displayName: Cy'), OWNERS));
    expect(await at.iam('apply -f a.yaml --no-snapshot')).toMatchObject({
      exit: 3,
      stdout: expect.stringContaining('RC213'),
    });
  });

  test('is of a person everywhere: a workspace beside it is refused, and changes nothing', async () => {
    const at = await desk();
    const ran = await at.iam('suspend cy -n acme --no-snapshot --reason x');
    expect(ran).toMatchObject({ exit: 4, stderr: expect.stringContaining('suspended in all workspaces') });
    expect((await at.iam('get user cy')).stdout).toMatch(/Active/);
  });

  test('says so when somebody is suspended already, or paused', async () => {
    const at = await desk(docs(WORKSPACE, user('ana'), user('bo'), user('cy', ', state: Suspended'), OWNERS));
    expect(await at.iam('suspend cy --no-snapshot --reason x')).toMatchObject({
      exit: 0,
      stderr: expect.stringContaining('warning RC213: User cy is suspended already, by manager "default"'),
    });
    at.write(
      docs(
        WORKSPACE,
        user('ana'),
        user('bo').replace('name: bo', 'name: bo, annotations: {rolecall.dev/paused: "true"}'),
        user('cy', ', state: Suspended'),
        OWNERS,
      ),
    );
    expect((await at.iam('apply -f a.yaml --no-snapshot')).exit).toBe(0);
    expect(await at.iam('suspend bo --no-snapshot --reason x')).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('RC124: User bo is paused and was not suspended'),
    });
  });

  test('is judged like any plan, and says what else is wrong', async () => {
    const at = await desk(docs(WORKSPACE, PEOPLE, binding('owners', 'workspace-owner', '{name: ana}')));
    expect(await at.iam('suspend ana --no-snapshot --reason x')).toMatchObject({
      exit: 3,
      stdout: expect.stringContaining('refused RC205: acme has 0 owners, minimum 1: no longer ana'),
    });
    expect(await at.iam('suspend ana')).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('needs a reason'),
    });
    expect(await at.iam('suspend anna --reason x')).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('did you mean "ana"'),
    });
    expect(await at.iam('suspend cy --no-snapshot --reason x -q')).toMatchObject({ exit: 0 });
    expect(await at.iam('suspend cy --no-snapshot --reason x')).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('Nothing to do'),
    });
  });
});

describe('--keep-going', () => {
  const READERS = binding('readers', 'source-read-only', '{name: cy}');

  test('applies the rest of an input with a mistake; what has it stays as it is, what refers to it too', async () => {
    const at = await desk(docs(ORG, READERS));
    at.write(
      docs(
        WORKSPACE,
        PEOPLE,
        OWNERS,
        doc(
          'RoleBinding',
          'name: readers, namespace: acme',
          'role: source-read-only, subjects: [{name: cy}], resources: [{type: Workspace}], colour: red',
        ),
        user('dee'),
        binding('more', 'source-read-only', '{name: dee}'),
        binding('lost', 'source-read-only', '{name: nobody}'),
      ),
    );
    const ran = await at.iam('apply -f a.yaml --prune --no-snapshot --keep-going');
    expect(ran.exit).toBe(6);
    expect(ran.stdout).toContain('created User dee\ncreated RoleBinding acme/more\n');
    expect(ran.stderr).toMatch(/RC107: .*unknown field "colour"/);
    expect(ran.stderr).toMatch(/RC112: .*there is no User "nobody"/);
    expect(ran.stderr).toContain(
      'left out, and as it was: RoleBinding acme/readers (RC107)\nleft out, and as it was: RoleBinding acme/lost (RC112)\n',
    );
    expect((await at.iam('get rb -n acme -o name')).stdout).toBe('more\nowners\nreaders\n');
  });

  test('says of what refers to a mistaken manifest that it does, not that there is no such thing', async () => {
    const at = await desk();
    at.write(
      docs(
        WORKSPACE,
        PEOPLE,
        OWNERS,
        user('new', ', colour: red'),
        binding('more', 'source-read-only', '{name: new}'),
      ),
    );
    const ran = await at.iam('apply -f a.yaml --keep-going --no-snapshot');
    expect(ran).toMatchObject({ exit: 4, stdout: '' });
    expect(ran.stderr).toContain('RoleBinding acme/more refers to User new, which is left out');
    expect(ran.stderr).not.toContain('there is no User');
  });

  test('applies the rest of a plan of which something is refused, and records the refusal', async () => {
    const at = await desk(docs(ORG, READERS));
    at.write(
      docs(
        WORKSPACE,
        user('ana'),
        user('bo'),
        user('cy'),
        user('dee'),
        binding('owners', 'workspace-owner', '{name: ana}, {name: bo}'),
        doc(
          'RoleBinding',
          'name: readers, namespace: acme',
          'role: workspace-member, subjects: [{name: cy}], resources: [{type: Workspace}]',
        ),
      ),
    );
    expect((await at.iam('apply -f a.yaml --manager others --no-snapshot')).exit).toBe(3);
    const ran = await at.iam('apply -f a.yaml --manager others --no-snapshot --keep-going -o json');
    expect(ran.exit).toBe(6);
    const outcome = JSON.parse(ran.stdout);
    expect(outcome.outcomes).toEqual([
      { kind: 'User', namespace: null, name: 'dee', outcome: 'created' },
      { kind: 'RoleBinding', namespace: 'acme', name: 'readers', outcome: 'failed' },
    ]);
    expect(JSON.parse(ran.stderr).items).toMatchObject([{ code: 'RC210', severity: 'error' }]);
    expect((await at.audit()).map(({ action }) => action).slice(-3)).toEqual(['refused', 'apply', 'create']);
  });

  test('is a hard stop where it is not clear what is declared', async () => {
    const at = await desk();
    at.write(docs(ORG, '[not, a, manifest]\n'));
    expect(await at.iam('apply -f a.yaml --prune --keep-going --no-snapshot')).toMatchObject({
      exit: 4,
      stdout: '',
    });
    at.write(docs(ORG, user('ana')));
    expect(await at.iam('apply -f a.yaml --prune --keep-going --no-snapshot')).toMatchObject({
      exit: 4,
      stdout: '',
    });
  });

  test('never prunes a workspace of which a mistaken manifest is there', async () => {
    const at = await desk(docs(ORG, READERS));
    at.write(docs(WORKSPACE.replace('Business', 'Busines'), PEOPLE, OWNERS));
    const ran = await at.iam('apply -f a.yaml --prune-workspace acme --keep-going --no-snapshot');
    expect(ran).toMatchObject({ exit: 4, stdout: '' });
  });

  test('that leaves out everything has applied nothing, and says so', async () => {
    const at = await desk();
    at.write(ALONE.replace('ana@', 'anna@'));
    const ran = await at.iam('apply -f a.yaml --keep-going --no-snapshot --as ana');
    expect(ran).toMatchObject({ exit: 3, stdout: '', stderr: expect.stringContaining('RC214') });
  });

  test('with nothing to leave out is an apply like any other', async () => {
    const at = await desk();
    at.write(docs(ORG, READERS));
    expect(await at.iam('apply -f a.yaml --keep-going --no-snapshot')).toMatchObject({ exit: 0, stderr: '' });
  });
});
