import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, describe, expect, test } from 'vitest';
import type { AuditRow } from '../../src/core/audit.ts';
import type { Plan } from '../../src/core/plan.ts';
import { openStore } from '../../src/stores/open.ts';
import { NOW, type Ran, type RunOptions, runIam } from '../support/run-iam.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts');
const LATER = '2026-11-25T12:00:00Z';

const manifest = (kind: string, metadata: string, spec: string) =>
  `---\napiVersion: rolecall.dev/v1alpha1\nkind: ${kind}\nmetadata: {${metadata}}\nspec: {${spec}}\n`;
const user = (name: string, more = '') =>
  manifest(
    'User',
    `name: ${name}`,
    `email: ${name}@acme.example, displayName: ${name}, state: Active${more}`,
  );
const workspace = (name: string, more = '') =>
  manifest('Workspace', `name: ${name}`, `displayName: ${name}, tier: Business${more}`);
const bound = (name: string, role: string, subjects: string, { at = 'acme', more = '' } = {}) =>
  manifest(
    'RoleBinding',
    `name: ${name}, namespace: ${at}`,
    `role: ${role}, subjects: [${subjects}], resources: [{type: Workspace}]${more}`,
  );

const ORG = [
  user('ana'),
  user('bo'),
  user('cy'),
  workspace('acme'),
  bound('owners', 'workspace-owner', '{name: ana}'),
  bound('readers', 'source-read-only', '{name: bo}'),
].join('');
const WIDER = ORG.replace('[{name: bo}]', '[{name: bo}, {name: cy}]');

interface Desk {
  readonly cwd: string;
  iam(words: string, options?: RunOptions): Promise<Ran>;
  /** As `iam`, and it must end well. */
  done(words: string, options?: RunOptions): Promise<Ran>;
  write(file: string, text: string): void;
  read(file: string): string;
  has(file: string): boolean;
  audit(): Promise<AuditRow[]>;
  revision(): Promise<number>;
}

/** A folder of its own, with a manifest in it. */
function desk(org = ORG): Desk {
  const cwd = mkdtempSync(join(tmpdir(), 'apply-'));
  folders.push(cwd);
  const iam: Desk['iam'] = (words, options) => runIam(split(words), { cwd, ...options });
  const reading = async <T>(
    use: (reading: Awaited<ReturnType<Awaited<ReturnType<typeof openStore>>['read']>>) => Promise<T>,
  ) => {
    const store = await openStore('sqlite:.iam/iam.db', cwd, 1000);
    const open = await store.read();
    try {
      return await use(open);
    } finally {
      await open.close();
    }
  };
  const own: Desk = {
    cwd,
    iam,
    async done(words, options) {
      const ran = await iam(words, options);
      expect(ran.exit, ran.stderr + ran.stdout).toBe(0);
      return ran;
    },
    write(file, text) {
      mkdirSync(join(cwd, file, '..'), { recursive: true });
      writeFileSync(join(cwd, file), text);
    },
    read: (file) => readFileSync(join(cwd, file), 'utf8'),
    has: (file) => existsSync(join(cwd, file)),
    audit: () =>
      reading(async (open) => {
        const rows: AuditRow[] = [];
        for await (const batch of open.audit()) rows.push(...batch);
        return rows;
      }),
    revision: () => reading(async ({ head }) => head.revision),
  };
  own.write('org.yaml', org);
  return own;
}

/** Words as a shell splits them, with double quotes. */
function split(words: string): string[] {
  return [...words.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
}

async function planOf(at: Desk, words = 'plan -f org.yaml'): Promise<Plan> {
  return JSON.parse((await at.done(`${words} -o json`)).stdout) as Plan;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('the first apply', () => {
  test('makes the store, says so, tells each change and what people gain', async () => {
    const at = desk();
    const ran = await at.done('apply -f org.yaml');
    expect(ran.stderr).toBe('created store .iam/iam.db\nwrote the snapshot of acme to .iam/snapshot\n');
    expect(ran.stdout).toBe(
      [
        'created Workspace acme',
        'created User ana',
        'created User bo',
        'created User cy',
        'created RoleBinding acme/owners',
        'created RoleBinding acme/readers',
        'Revision 1: 6 created, 0 updated, 0 deleted, 0 unchanged.',
        'Access: 2 people gain access.\n',
      ].join('\n'),
    );
    expect(at.read('.iam/.gitignore')).toBe('*\n');
    expect(statSync(join(at.cwd, '.iam')).mode & 0o777).toBe(0o700);
    expect(statSync(join(at.cwd, '.iam/iam.db')).mode & 0o777).toBe(0o600);
  });

  test('leaves nothing to do', async () => {
    const at = desk();
    await at.done('apply -f org.yaml');
    expect((await at.done('plan -f org.yaml --exit-code')).stdout).toContain(
      'Nothing to do. 6 resources as declared.',
    );
    const again = await at.done('apply -f org.yaml');
    expect(again).toMatchObject({
      stdout: 'Nothing to do: 6 resources as declared (revision 1).\n',
      stderr: '',
    });
    expect(await at.revision()).toBe(1);
    const { stdout } = await at.done('export');
    at.write('exported.yaml', stdout);
    expect((await planOf(at, 'plan -f exported.yaml')).changes).toEqual([]);
  });

  test('with -o json is one document: the Outcome', async () => {
    const at = desk();
    const plan = await planOf(at);
    const ran = await at.done('apply -f org.yaml -o json');
    expect(ran.stderr).toBe('');
    const outcome = JSON.parse(ran.stdout);
    expect(Object.keys(outcome)).toEqual([
      'kind',
      'revision',
      'digest',
      'summary',
      'outcomes',
      'verdicts',
      'auditHead',
    ]);
    expect(outcome).toMatchObject({
      kind: 'Outcome',
      revision: 1,
      digest: plan.digest,
      verdicts: [],
      summary: { create: 6, update: 0, delete: 0, unchanged: 0 },
    });
    expect(outcome.outcomes).toHaveLength(6);
    expect(outcome.outcomes[5]).toEqual({
      kind: 'RoleBinding',
      namespace: 'acme',
      name: 'readers',
      outcome: 'created',
    });
    const last = (await at.audit()).at(-1);
    expect(outcome.auditHead).toBe(`${last?.seq}:${last?.hash}`);
    const nothing = JSON.parse((await at.done('apply -f org.yaml -o json')).stdout);
    expect(nothing).toMatchObject({ revision: 1, outcomes: [], auditHead: outcome.auditHead });
  });

  test('-q prints the outcomes alone', async () => {
    const at = desk(workspace('acme'));
    expect(await at.done('apply -f org.yaml -q')).toMatchObject({
      stdout: 'created Workspace acme\n',
      stderr: '',
    });
  });

  test('of an input that is wrong makes no store', async () => {
    const at = desk(ORG.replace('name: bo}]', 'name: nobody}]'));
    expect(await at.iam('apply -f org.yaml')).toMatchObject({ exit: 4, stdout: '' });
    expect(at.has('.iam')).toBe(false);
  });
});

describe('--expect', () => {
  test('applies the plan that has this digest', async () => {
    const at = desk();
    await at.done(`apply -f org.yaml --expect ${(await planOf(at)).digest}`);
    at.write('org.yaml', WIDER);
    await at.done(`apply -f org.yaml --expect ${(await planOf(at)).digest}`);
    expect(await at.revision()).toBe(2);
  });

  test('with another one exits 5 and writes nothing, not even an audit row', async () => {
    const at = desk();
    const { digest } = await planOf(at);
    const changed = await at.iam('apply -f org.yaml --expect sha256:0');
    expect(changed).toMatchObject({ exit: 5, stdout: '' });
    expect(changed.stderr).toMatch(/^error RC405: .*nothing was applied/);
    expect(at.has('.iam')).toBe(false);
    await at.done('apply -f org.yaml');
    const rows = await at.audit();
    // The same files are another plan now: there is a store, and nothing to do.
    expect((await at.iam(`apply -f org.yaml --expect ${digest}`)).exit).toBe(5);
    at.write('org.yaml', WIDER);
    const json = await at.iam(`apply -f org.yaml -o json --expect ${digest}`);
    expect(json).toMatchObject({ exit: 5, stdout: '' });
    expect(JSON.parse(json.stderr)).toMatchObject({
      kind: 'ProblemList',
      items: [{ code: 'RC405', severity: 'error' }],
    });
    expect(await at.audit()).toEqual(rows);
  });
});

describe('a saved plan', () => {
  /** A store with ORG, and a saved plan that lets cy read. */
  async function saved(): Promise<Desk> {
    const at = desk();
    await at.done('apply -f org.yaml');
    at.write('org.yaml', WIDER);
    const ran = await at.done('plan -f org.yaml --out plan.json');
    expect(ran.stderr).toBe('wrote plan.json; apply exactly this with: iam apply --plan plan.json\n');
    return at;
  }

  async function isStale(at: Desk, message: RegExp): Promise<void> {
    const before = [await at.revision(), await at.audit()];
    const ran = await at.iam('apply --plan plan.json');
    expect(ran).toMatchObject({ exit: 5, stdout: '' });
    expect(ran.stderr).toMatch(message);
    expect([await at.revision(), await at.audit()]).toEqual(before);
  }

  test('is what plan -o json prints, and is applied as it is, whatever the files say now', async () => {
    const at = await saved();
    expect(at.read('plan.json')).toBe((await at.done('plan -f org.yaml -o json')).stdout);
    at.write('org.yaml', 'no manifest at all');
    const ran = await at.done('apply --plan plan.json');
    expect(ran.stdout).toContain(
      'updated RoleBinding acme/readers\nRevision 2: 0 created, 1 updated, 0 deleted, 5 unchanged.\nAccess: 1 person gains access.\n',
    );
    at.write('org.yaml', WIDER);
    expect((await planOf(at)).changes).toEqual([]);
  });

  test('is stale once it was applied', async () => {
    const at = await saved();
    await at.done('apply --plan plan.json');
    await isStale(
      at,
      /RC404: the plan is stale: RoleBinding acme\/readers is not as it was; nothing was applied/,
    );
  });

  test('is stale when what it changes has changed', async () => {
    const at = await saved();
    at.write('org.yaml', ORG.replace('role: source-read-only', 'role: source-admin'));
    await at.done('apply -f org.yaml');
    await isStale(at, /RC404: .*RoleBinding acme\/readers is not as it was/);
  });

  test('is stale when what it changes is gone', async () => {
    const at = await saved();
    await at.done('delete rolebinding readers -n acme');
    await isStale(at, /RC404: .*RoleBinding acme\/readers is not as it was/);
  });

  test('is stale when what it refers to is gone', async () => {
    const at = await saved();
    await at.done('delete user cy');
    await isStale(at, /RC404: .*there is no User "cy"/);
  });

  test('is stale when it would now give access to somebody else', async () => {
    const at = await saved();
    at.write('org.yaml', ORG.replace('cy@acme.example', 'cy@elsewhere.example'));
    await at.done('apply -f org.yaml');
    await isStale(at, /RC404: .*change the access of people differently now/);
  });

  test('is good when something else has changed', async () => {
    const at = await saved();
    at.write(
      'more.yaml',
      `${user('dee')}${workspace('beta')}${bound('owners', 'workspace-owner', '{name: dee}', { at: 'beta' })}`,
    );
    await at.done('apply -f more.yaml');
    expect((await at.done('apply --plan plan.json')).stdout).toContain('Revision 3: 0 created, 1 updated');
  });

  test.each([
    [
      'a change',
      (plan: string) => plan.replaceAll('"name":"cy"', '"name":"dee"').replaceAll('User:cy', 'User:dee'),
      5,
      'RC405',
    ],
    [
      'its digest',
      (plan: string) => plan.replace(/"digest":"sha256:....../, '"digest":"sha256:abcdef'),
      5,
      'RC405',
    ],
    ['the manager', (plan: string) => plan.replace('"manager":"default"', '"manager":"other"'), 5, 'RC405'],
    [
      'the store',
      (plan: string) => plan.replace(/"store":"[^"]+"/, '"store":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"'),
      5,
      'RC405',
    ],
    ['its form', (plan: string) => plan.replace('"changes":[', '"changes":[[],'), 4, 'RC406'],
    [
      'a normal form',
      (plan: string) => plan.replaceAll('"role":"source-read-only"', '"role":"source-read-only","also":1'),
      4,
      'RC406',
    ],
    ['its end', (plan: string) => plan.slice(0, -10), 4, 'RC406'],
    ['all of it', () => '{"kind":"Outcome"}', 4, 'RC406'],
  ])('of which somebody changed %s is refused', async (_, edit, exit, code) => {
    const at = await saved();
    const plan = at.read('plan.json');
    const edited = edit(plan);
    expect(edited).not.toBe(plan);
    at.write('plan.json', edited);
    const ran = await at.iam('apply --plan plan.json');
    expect(ran).toMatchObject({ exit, stdout: '' });
    expect(ran.stderr).toMatch(new RegExp(`^error ${code}: plan.json: `));
    expect(await at.revision()).toBe(1);
  });

  test('of which somebody took out what another manager objects to is refused', async () => {
    const at = await saved();
    expect((await at.iam('plan -f org.yaml --manager others --out plan.json')).exit).toBe(3);
    const plan = JSON.parse(at.read('plan.json')) as Plan;
    at.write(
      'plan.json',
      JSON.stringify({
        ...plan,
        verdicts: [],
        changes: plan.changes.map((change) => ({ ...change, fields: [] })),
      }),
    );
    expect((await at.iam('apply --plan plan.json')).exit).not.toBe(0);
  });

  test('of which somebody made the summary smaller is refused', async () => {
    const at = await saved();
    at.write('plan.json', at.read('plan.json').replace('"update":1', '"update":0'));
    expect((await at.iam('apply --plan plan.json')).exit).not.toBe(0);
  });

  test('shown access that is not what its changes give is refused', async () => {
    const at = await saved();
    at.write(
      'plan.json',
      at.read('plan.json').replace(/"access":\[.*\],"verdicts"/, '"access":[],"verdicts"'),
    );
    await isStale(at, /RC404/);
  });

  test('of another store is refused, though all in it is the same', async () => {
    const at = await saved();
    const other = desk();
    await other.done('apply -f org.yaml');
    other.write('plan.json', at.read('plan.json'));
    await isStale(other, /RC404: the plan was made for another store/);
  });

  test('that is not there exits 4', async () => {
    expect(await desk().iam('apply --plan none.json')).toMatchObject({
      exit: 4,
      stdout: '',
      stderr: expect.stringMatching(/RC101: none.json/),
    });
  });

  test.each(['-f org.yaml', '--prune', '--adopt', '--prune-workspace acme', '--watch'])(
    'stands alone: %s beside it exits 4',
    async (option) => {
      const at = await saved();
      expect(await at.iam(`apply --plan plan.json ${option}`)).toMatchObject({
        exit: 4,
        stderr: expect.stringContaining('RC121'),
      });
    },
  );

  test('made where there was no store fits until there is a revision', async () => {
    const at = desk();
    await at.done('plan -f org.yaml --out plan.json');
    expect(at.has('.iam')).toBe(false);
    expect(JSON.parse(at.read('plan.json')).base).toEqual({ store: null, revision: 0 });
    expect((await at.done('apply --plan plan.json')).stderr).toContain('created store .iam/iam.db');
    const other = desk(workspace('beta'));
    await other.done('plan -f org.yaml --out plan.json');
    other.write('org.yaml', workspace('gamma'));
    await other.done('apply -f org.yaml');
    await isStale(other, /RC404: the plan was made where there was no store/);
  });

  test('with an --expect that is another one exits 5', async () => {
    const at = await saved();
    expect(await at.iam('apply --plan plan.json --expect sha256:1')).toMatchObject({
      exit: 5,
      stderr: expect.stringContaining('RC405'),
    });
    await at.done(`apply --plan plan.json --expect ${JSON.parse(at.read('plan.json')).digest}`);
  });
});

describe('a refusal', () => {
  test('exits 3, changes nothing, and is one audit row with the current revision', async () => {
    const at = desk();
    await at.done('apply -f org.yaml');
    const before = await at.audit();
    at.write('org.yaml', WIDER);
    const plan = await at.iam('plan -f org.yaml --manager others');
    expect(await at.audit()).toEqual(before);
    const ran = await at.iam('apply -f org.yaml --manager others --as cy --reason "let me in"', {
      now: LATER,
    });
    expect(ran).toMatchObject({ exit: 3, stdout: plan.stdout });
    expect(ran.stdout).toMatch(/refused RC210: RoleBinding acme\/readers is managed by "default"/);
    const rows = await at.audit();
    expect(rows.slice(0, -1)).toEqual(before);
    expect(rows.at(-1)).toMatchObject({
      seq: before.length + 1,
      revision: 1,
      action: 'refused',
      at: LATER,
      actor: 'cy',
      actorVerified: false,
      reason: 'let me in',
      uid: null,
      identity: null,
    });
    expect(JSON.parse(rows.at(-1)?.verdicts ?? '')).toMatchObject([
      { code: 'RC210', severity: 'deny' },
      { code: 'RC215', severity: 'warn' },
    ]);
    expect(await at.revision()).toBe(1);
    expect(JSON.parse((await at.done('history -o json')).stdout).revisions).toHaveLength(1);
  });

  test('gives the audit head with its own row in it', async () => {
    const at = desk();
    await at.done('apply -f org.yaml');
    at.write('org.yaml', WIDER);
    const { stdout } = await at.iam('apply -f org.yaml --manager others -o json');
    const last = (await at.audit()).at(-1);
    expect(JSON.parse(stdout).auditHead).toBe(`${last?.seq}:${last?.hash}`);
  });

  test('with -o json is the Outcome on stdout and the ProblemList on stderr', async () => {
    const at = desk();
    await at.done('apply -f org.yaml');
    at.write('org.yaml', WIDER);
    const ran = await at.iam('apply -f org.yaml --manager others -o json');
    expect(ran.exit).toBe(3);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      kind: 'Outcome',
      revision: 1,
      outcomes: [],
      verdicts: [{ code: 'RC210' }, { code: 'RC215' }],
    });
    expect(JSON.parse(ran.stderr)).toMatchObject({
      kind: 'ProblemList',
      items: [{ code: 'RC210', severity: 'error' }],
    });
  });

  test('of a delete is one too, and is not asked about', async () => {
    const at = desk();
    await at.done('apply -f org.yaml');
    const ran = await at.iam('delete user bo', { interactive: true });
    expect(ran).toMatchObject({ exit: 3, questions: [] });
    expect(ran.stdout).toContain('refused RC209: User bo is still referred to by RoleBinding');
    expect((await at.audit()).at(-1)).toMatchObject({ action: 'refused', revision: 1 });
  });

  test('invalid input and stale plans write no row', async () => {
    const at = desk();
    await at.done('apply -f org.yaml');
    const before = await at.audit();
    at.write('org.yaml', WIDER.replace('name: cy}]', 'name: nobody}]'));
    expect((await at.iam('apply -f org.yaml')).exit).toBe(4);
    expect(await at.audit()).toEqual(before);
  });
});

describe('on a terminal', () => {
  test('apply shows the plan, asks, and applies after a yes', async () => {
    const at = desk();
    const plan = await at.done('plan -f org.yaml');
    const ran = await at.done('apply -f org.yaml', { interactive: true, answers: [true] });
    expect(ran.questions).toEqual(['Apply this plan?']);
    expect(ran.stdout.startsWith(plan.stdout)).toBe(true);
    expect(ran.stdout).toContain('Revision 1: 6 created');
  });

  test('a no is exit 1, and nothing is written', async () => {
    const at = desk();
    const ran = await at.iam('apply -f org.yaml', { interactive: true, answers: [false] });
    expect(ran).toMatchObject({ exit: 1, stderr: 'declined, nothing was applied\n' });
    expect(at.has('.iam')).toBe(false);
    await at.done('apply -f org.yaml');
    const before = await at.audit();
    expect((await at.iam('delete rb readers -n acme', { interactive: true, answers: [false] })).exit).toBe(1);
    expect([await at.revision(), await at.audit()]).toEqual([1, before]);
  });

  test('-o json cannot ask, and does nothing without --yes', async () => {
    const at = desk();
    const ran = await at.iam('apply -f org.yaml -o json', { interactive: true });
    expect(ran).toMatchObject({ exit: 4, stdout: '', stderr: expect.stringContaining('RC121') });
    expect(at.has('.iam')).toBe(false);
  });

  test.each(['apply -f org.yaml --yes', 'apply -f org.yaml --yes -o json'])(
    '%s does not ask',
    async (words) => {
      const ran = await desk().done(words, { interactive: true });
      expect(ran.questions).toEqual([]);
    },
  );

  test('nothing to do is not asked about', async () => {
    const at = desk();
    await at.done('apply -f org.yaml');
    expect((await at.done('apply -f org.yaml', { interactive: true })).questions).toEqual([]);
  });

  test('--watch without --yes exits 4', async () => {
    expect(await desk().iam('apply -f org.yaml --watch', { interactive: true })).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('give --yes'),
    });
  });

  test.each([
    ['changes the same', WIDER, { exit: 5, stderr: expect.stringContaining('RC404: the plan is stale') }, 2],
    ['has nothing to do with it', user('dee'), { exit: 0 }, 3],
  ])('what another applies while somebody thinks and %s', async (_, other, outcome, revision) => {
    const at = desk();
    await at.done('apply -f org.yaml');
    at.write('org.yaml', WIDER);
    at.write('other.yaml', other);
    const answers = {
      get 0() {
        const ran = spawnSync(process.execPath, [MAIN, 'apply', '-f', 'other.yaml', '--no-snapshot'], {
          cwd: at.cwd,
          encoding: 'utf8',
        });
        expect(ran.stderr).toBe('');
        return true;
      },
    } as unknown as readonly boolean[];
    const ran = await at.iam('apply -f org.yaml', { interactive: true, answers });
    expect(ran).toMatchObject(outcome);
    expect(await at.revision()).toBe(revision);
  });
});

describe('the snapshot', () => {
  const files = ['acme.grants.csv', 'acme.snapshot.json', 'acme.users.csv'];
  const sidecar = (at: Desk, folder = '.iam/snapshot', workspaceName = 'acme') =>
    JSON.parse(at.read(`${folder}/${workspaceName}.snapshot.json`));

  test('is both layouts and a sidecar whose sums are right', async () => {
    const at = desk();
    const { stdout } = await at.done('apply -f org.yaml -o json');
    expect(readdirSync(join(at.cwd, '.iam/snapshot')).sort()).toEqual(files);
    const facts = sidecar(at);
    expect(facts).toMatchObject({
      revision: 1,
      commit: null,
      asOf: NOW,
      auditHead: JSON.parse(stdout).auditHead,
    });
    expect(facts.version).toBe(JSON.parse((await at.done('version -o json')).stdout).version);
    for (const [layout, rows] of [
      ['users', 2],
      ['grants', 2],
    ] as const) {
      const text = at.read(`.iam/snapshot/acme.${layout}.csv`);
      expect(facts.files[`acme.${layout}.csv`]).toEqual({
        sha256: sha256(text),
        rows,
        bytes: Buffer.byteLength(text),
      });
      expect(text).toBe((await at.done(`snapshot -n acme --layout ${layout}`)).stdout);
      expect(parse(text, { columns: true })).toHaveLength(rows);
    }
    for (const file of files) expect(statSync(join(at.cwd, '.iam/snapshot', file)).mode & 0o777).toBe(0o600);
  });

  test('is not written again when the rows are as they were', async () => {
    const at = desk();
    await at.done('apply -f org.yaml');
    const before = files.map((file) => at.read(`.iam/snapshot/${file}`));
    const inode = statSync(join(at.cwd, '.iam/snapshot/acme.users.csv')).ino;
    at.write('org.yaml', ORG.replace('displayName: cy', 'displayName: Cyrus'));
    expect((await at.done('apply -f org.yaml', { now: LATER })).stderr).toBe('');
    expect(await at.revision()).toBe(2);
    expect(files.map((file) => at.read(`.iam/snapshot/${file}`))).toEqual(before);
    expect(statSync(join(at.cwd, '.iam/snapshot/acme.users.csv')).ino).toBe(inode);
  });

  test('is written for the workspaces that changed, and only for them', async () => {
    const beta = `${workspace('beta')}${bound('owners', 'workspace-owner', '{name: ana}', { at: 'beta' })}`;
    const at = desk(ORG + beta);
    expect((await at.done('apply -f org.yaml')).stderr).toContain(
      'wrote the snapshot of 2 workspaces to .iam/snapshot',
    );
    at.write('org.yaml', WIDER + beta);
    expect((await at.done('apply -f org.yaml', { now: LATER })).stderr).toBe(
      'wrote the snapshot of acme to .iam/snapshot\n',
    );
    expect([sidecar(at).revision, sidecar(at).asOf]).toEqual([2, LATER]);
    expect(sidecar(at, '.iam/snapshot', 'beta').revision).toBe(1);
    expect(at.read('.iam/snapshot/acme.users.csv')).toContain('"cy@acme.example"');
  });

  test('that a crash left behind is written by the next apply, changes or not', async () => {
    const at = desk();
    await at.done('apply -f org.yaml --no-snapshot');
    expect(at.has('.iam/snapshot')).toBe(false);
    const ran = await at.done('apply -f org.yaml', { now: LATER });
    expect(ran).toMatchObject({
      stdout: expect.stringContaining('Nothing to do'),
      stderr: 'wrote the snapshot of acme to .iam/snapshot\n',
    });
    expect(sidecar(at).revision).toBe(1);
    // And then it is remembered, as long as the folder is there.
    expect((await at.done('apply -f org.yaml')).stderr).toBe('');
    rmSync(join(at.cwd, '.iam/snapshot'), { recursive: true });
    expect((await at.done('apply -f org.yaml')).stderr).toBe('wrote the snapshot of acme to .iam/snapshot\n');
  });

  test('in a folder of its own leaves the default one to the next apply', async () => {
    const at = desk();
    await at.done('apply -f org.yaml --snapshot other');
    expect(at.has('.iam/snapshot')).toBe(false);
    await at.done('apply -f org.yaml');
    expect(sidecar(at).revision).toBe(1);
  });

  test('that cannot be written says that the apply has happened', async () => {
    const at = desk();
    at.write('blocked', '');
    const ran = await at.iam('apply -f org.yaml --snapshot blocked/below');
    expect(ran).toMatchObject({ exit: 1, stdout: expect.stringContaining('Revision 1: 6 created') });
    expect(ran.stderr).toMatch(/error RC128: snapshot: .*\n {2}the store is at revision 1;/);
  });

  test.each(['acme.users.csv', 'acme.snapshot.json'])(
    'of which %s is missing, or half written, is written again',
    async (file) => {
      const at = desk();
      await at.done('apply -f org.yaml');
      const text = at.read(`.iam/snapshot/${file}`);
      at.write('org.yaml', ORG.replace('displayName: cy', 'displayName: Cyrus'));
      rmSync(join(at.cwd, '.iam/snapshot', file));
      await at.done('apply -f org.yaml');
      if (file.endsWith('csv')) expect(at.read(`.iam/snapshot/${file}`)).toBe(text);
      else expect(sidecar(at).revision).toBe(2);
      at.write('.iam/snapshot/acme.snapshot.json', '{"revision": 1, "fi');
      at.write('org.yaml', ORG);
      await at.done('apply -f org.yaml');
      expect(sidecar(at).revision).toBe(3);
    },
  );

  test('is right though a crash came after its tables and before its sidecar', async () => {
    const at = desk();
    await at.done('apply -f org.yaml');
    const [facts, users] = [
      at.read('.iam/snapshot/acme.snapshot.json'),
      at.read('.iam/snapshot/acme.users.csv'),
    ];
    at.write('org.yaml', WIDER);
    await at.done('apply -f org.yaml');
    at.write('.iam/snapshot/acme.snapshot.json', facts);
    at.write('org.yaml', ORG);
    await at.done('apply -f org.yaml');
    expect(at.read('.iam/snapshot/acme.users.csv')).toBe(users);
  });

  test('--no-snapshot writes none; --snapshot DIR writes there', async () => {
    const at = desk();
    await at.done('apply -f org.yaml --no-snapshot');
    expect(at.has('.iam/snapshot')).toBe(false);
    expect((await at.done('apply -f org.yaml --snapshot out/csv')).stderr).toBe(
      'wrote the snapshot of acme to out/csv\n',
    );
    expect(readdirSync(join(at.cwd, 'out/csv')).sort()).toEqual(files);
    expect(at.has('.iam/snapshot')).toBe(false);
    expect(sidecar(at, 'out/csv').files['acme.users.csv'].sha256).toBe(
      sha256(at.read('out/csv/acme.users.csv')),
    );
  });

  test('is beside the database, wherever that is', async () => {
    const at = desk();
    await at.done('apply -f org.yaml --store sqlite:state/access.db');
    expect(readdirSync(join(at.cwd, 'state/snapshot')).sort()).toEqual(files);
    expect(at.has('.iam')).toBe(false);
  });

  test('of a workspace that is gone goes; other files in the folder stay', async () => {
    const at = desk(ORG + workspace('beta'));
    await at.done('apply -f org.yaml');
    expect(
      readdirSync(join(at.cwd, '.iam/snapshot')).filter((file) => file.startsWith('beta.')),
    ).toHaveLength(3);
    at.write('.iam/snapshot/notes.txt', 'mine');
    await at.done('delete workspace beta');
    expect(readdirSync(join(at.cwd, '.iam/snapshot')).sort()).toEqual([...files, 'notes.txt']);
  });

  test('is of the time of the apply: what has ended by then is not in it', async () => {
    const at = desk(ORG.replace('subjects: [{name: bo}]', 'expiresAt: 2026-11-25, subjects: [{name: bo}]'));
    await at.done('apply -f org.yaml --no-snapshot');
    await at.done('apply -f org.yaml', { now: LATER });
    expect(at.read('.iam/snapshot/acme.grants.csv')).not.toContain('"bo"');
    expect(sidecar(at).files['acme.grants.csv'].rows).toBe(1);
  });
});

describe('delete', () => {
  test('is a plan of one delete', async () => {
    const at = desk();
    await at.done('apply -f org.yaml');
    const ran = await at.done('delete rolebinding readers -n acme --reason "no longer needed"', {
      now: LATER,
    });
    expect(ran.stdout).toBe(
      'deleted RoleBinding acme/readers\nRevision 2: 0 created, 0 updated, 1 deleted, 0 unchanged.\nAccess: 1 person loses access.\n',
    );
    const plan = await planOf(at);
    expect(plan.changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`)).toEqual([
      'create RoleBinding readers',
    ]);
    expect((await at.done('delete user cy -o json')).stdout).toMatch(
      /^\{"kind":"Outcome","revision":3,.*\{"kind":"User","namespace":null,"name":"cy","outcome":"deleted"\}/,
    );
  });

  test.each([
    ['delete rolebinding readers', 'RC121', /which one\?/],
    ['delete rolebinding reader -n acme', 'RC126', /did you mean "readers"/],
    ['delete user dee', 'RC126', /there is no User "dee"/],
    ['delete rolebinding readers -n acmee', 'RC126', /did you mean "acme"/],
    ['delete person bo', 'RC106', /unknown kind "person"/],
    ['delete user bo --with-contents', 'RC121', /goes with a Workspace/],
  ])('%s exits 4', async (words, code, message) => {
    const at = desk();
    await at.done('apply -f org.yaml');
    const ran = await at.iam(words);
    expect(ran).toMatchObject({ exit: 4, stdout: '' });
    expect(ran.stderr).toContain(code);
    expect(ran.stderr).toMatch(message);
  });

  test('where there is no store exits 4, and makes none', async () => {
    const at = desk();
    expect(await at.iam('delete user bo')).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('RC401'),
    });
    expect(at.has('.iam')).toBe(false);
  });

  test('of a workspace takes its contents only with --with-contents', async () => {
    const at = desk();
    await at.done('apply -f org.yaml');
    expect((await at.iam('delete workspace acme')).exit).toBe(3);
    const ran = await at.iam('delete workspace acme --with-contents');
    expect(ran.stdout).toMatch(/Workspace acme/);
    // A guard may refuse it, but never for what is in the workspace.
    expect(ran.stdout).not.toContain('RC209');
  });

  test('of a paused resource exits 4, of one that is never pruned works', async () => {
    const at = desk(
      ORG.replace('name: cy}', 'name: cy, annotations: {rolecall.dev/paused: "true"}}').replace(
        'name: readers, namespace: acme}',
        'name: readers, namespace: acme, annotations: {rolecall.dev/prune: disabled}}',
      ),
    );
    await at.done('apply -f org.yaml');
    expect(await at.iam('delete user cy')).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('RC124'),
    });
    await at.done('delete rolebinding readers -n acme');
  });

  test('of what another manager manages is refused, --adopt does it', async () => {
    const at = desk();
    await at.done('apply -f org.yaml');
    expect(await at.iam('delete user cy --manager others')).toMatchObject({
      exit: 3,
      stdout: expect.stringContaining('RC210'),
    });
    await at.done('delete user cy --manager others --adopt');
  });
});

describe('IAM_MANAGER', () => {
  test('is the manager where --manager is not given', async () => {
    const at = desk();
    await at.done('apply -f org.yaml', { env: { IAM_MANAGER: 'ci' } });
    at.write('org.yaml', WIDER);
    expect((await at.iam('apply -f org.yaml')).stdout).toContain('managed by "ci"');
    expect((await at.iam('apply -f org.yaml --manager default', { env: { IAM_MANAGER: 'ci' } })).exit).toBe(
      3,
    );
    expect((await planOf(at, 'plan -f org.yaml --manager ci')).manager).toBe('ci');
    await at.done('apply -f org.yaml', { env: { IAM_MANAGER: 'ci' } });
    expect(at.read('.iam/snapshot/acme.grants.csv')).toContain('"manager:ci"');
  });

  test('that is no name exits 4', async () => {
    expect(await desk().iam('apply -f org.yaml', { env: { IAM_MANAGER: 'a b' } })).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('--manager cannot be "a b"'),
    });
  });

  test('prunes only its own', async () => {
    const at = desk();
    await at.done('apply -f org.yaml', { env: { IAM_MANAGER: 'ci' } });
    at.write('other.yaml', `${workspace('acme')}${user('dee')}`);
    const plan = await planOf(at, 'plan -f other.yaml --prune');
    expect(plan.changes.map(({ action, name }) => `${action} ${name}`)).toEqual(['create dee']);
  });
});

describe('history', () => {
  async function three(): Promise<Desk> {
    const at = desk();
    await at.done('apply -f org.yaml', { now: '2026-11-24T12:00:00Z' });
    at.write('org.yaml', WIDER + bound('members', 'workspace-member', '{name: bo}, {name: cy}'));
    await at.done('apply -f org.yaml --as ana --reason INC-1432', { now: '2026-11-25T12:00:00.500Z' });
    await at.done('delete rb readers -n acme --as cy', { now: '2026-11-26T12:00:30Z' });
    return at;
  }

  test('tells the revisions, newest first', async () => {
    const at = await three();
    expect((await at.done('history')).stdout).toBe(
      [
        'REVISION  WHEN                     BY               +  ~  -  REASON',
        '3         2026-11-26 12:00:30 UTC  cy               0  0  1',
        '2         2026-11-25 12:00 UTC     ana              1  1  0  INC-1432',
        '1         2026-11-24 12:00 UTC     manager:default  6  0  0\n',
      ].join('\n'),
    );
  });

  test('as JSON, and as JSON Lines', async () => {
    const at = await three();
    const { kind, revisions } = JSON.parse((await at.done('history -o json')).stdout);
    expect(kind).toBe('History');
    expect(revisions).toMatchObject([
      {
        revision: 3,
        actor: 'cy',
        actorVerified: false,
        manager: 'default',
        reason: null,
        commit: null,
        summary: { create: 0, update: 0, delete: 1 },
      },
      {
        revision: 2,
        at: '2026-11-25T12:00:00.500Z',
        actor: 'ana',
        reason: 'INC-1432',
        summary: { create: 1, update: 1, delete: 0 },
      },
      { revision: 1, at: '2026-11-24T12:00:00Z', actor: null },
    ]);
    const lines = (await at.done('history -o jsonl')).stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(revisions);
  });

  test('--since leaves out what was before', async () => {
    const at = await three();
    const since = async (time: string) =>
      (
        JSON.parse((await at.done(`history -o json --since ${time}`)).stdout).revisions as {
          revision: number;
        }[]
      ).map(({ revision }) => revision);
    expect(await since('2026-11-26')).toEqual([3]);
    expect(await since('2026-11-24T12:00:00Z')).toEqual([3, 2, 1]);
    expect(await since('2027-01-01')).toEqual([]);
    expect((await at.iam('history --since yesterday')).exit).toBe(4);
  });

  test('--since a second has what came within that second', async () => {
    const at = await three();
    const { stdout } = await at.done('history -o jsonl --since 2026-11-25T12:00:00Z');
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
  });

  test('without a store exits 4', async () => {
    expect(await desk().iam('history')).toMatchObject({ exit: 4, stderr: expect.stringContaining('RC401') });
  });
});
