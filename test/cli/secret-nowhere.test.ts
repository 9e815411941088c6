import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { idOfSecret, newSecret } from '../../src/engine/secret-text.ts';
import { writeFiles } from '../support/folder.ts';
import { ask, newSchema, ownServer, storeUrl } from '../support/postgres.ts';
import { type Life, looksOf, newLife, placesOf, writtenSince } from '../support/secret-life.ts';

const KEY = randomBytes(32);
const PEPPER = `env:${KEY.toString('base64')}`;
const DAY = 86_400_000;

describe('the secrets of a whole life are in their files, and nowhere else, nor is the pepper', () => {
  test('with a SQLite store and a key file', { timeout: 120_000 }, async () => {
    const life = begin({});
    await first(life);
    // Somebody who reads keeps the write-ahead log from being emptied.
    const database = new DatabaseSync(path.join(life.cwd, '.iam/iam.db'), { readOnly: true });
    database.exec('BEGIN; SELECT count(*) FROM secret');
    await rest(life);
    const names = readdirSync(path.join(life.cwd, '.iam'));
    expect(names).toEqual(expect.arrayContaining(['iam.db', 'iam.db-wal', 'iam.db-shm', 'snapshot']));
    database.exec('COMMIT');
    const keyFile = path.join(life.home, '.config/rolecall/pepper');
    const [, key = ''] = readFileSync(keyFile, 'utf8').trim().split(':');
    const check = () => {
      secretsAreNowhere(life);
      expect(placesOf(looksOf(Buffer.from(key, 'base64')), placesIn(life))).toEqual([keyFile]);
    };
    check();
    const ids = database.prepare('SELECT id FROM secret').all();
    expect([...life.secrets.keys()]).toEqual(expect.arrayContaining(ids.map(({ id }) => id)));
    // What is looked for there can be found there.
    expect(placesOf([Buffer.from(String(ids.at(-1)?.id))], placesIn(life))).toContain(
      path.join(life.cwd, '.iam/iam.db-wal'),
    );
    database.close();
    await last(life);
    check();
  });

  test('with a SQLite store and IAM_PEPPER', { timeout: 120_000 }, async () => {
    const life = begin({ IAM_PEPPER: PEPPER });
    await first(life);
    await rest(life);
    await last(life);
    secretsAreNowhere(life);
    expect(existsSync(path.join(life.home, '.config'))).toBe(false);
    expect(placesOf(looksOf(KEY), placesIn(life))).toEqual([]);
  });

  test('with a Postgres store', { timeout: 180_000 }, async () => {
    const server = await ownServer();
    const schema = newSchema();
    const { password } = new URL(server.url);
    const life = begin({ IAM_PEPPER: PEPPER, IAM_STORE: storeUrl(server.url, schema) });
    const began = Date.now() - 1000;
    await first(life);
    await rest(life);
    await last(life);
    secretsAreNowhere(life);
    expect(placesOf(looksOf(KEY), placesIn(life))).toEqual([]);
    expect(placesOf([Buffer.from(password)], placesIn(life))).toEqual([]);
    const known = await ask(server.url, `SELECT id FROM ${schema}.secret`);
    expect([...life.secrets.keys()]).toEqual(expect.arrayContaining(known.map(({ id }) => id)));
    const tables = await ask(server.url, 'SELECT tablename FROM pg_tables WHERE schemaname = $1', [schema]);
    const dumps = await Promise.all(
      tables.map(async ({ tablename }): Promise<[string, Buffer]> => {
        const rows = await ask(server.url, `SELECT t::text FROM ${schema}."${tablename}" t`);
        return [String(tablename), Buffer.from(rows.map(({ t }) => t).join('\n'))];
      }),
    );
    expect(dumps.length).toBeGreaterThan(8);
    await ask(server.url, 'CHECKPOINT');
    // Its pages and its write-ahead log.
    const pages = [...writtenSince(server.data, began)];
    expect(pages.some(([name]) => name.includes('pg_wal'))).toBe(true);
    expect(placesOf([...allLooks(life), ...looksOf(KEY)], [...dumps, ...pages])).toEqual([]);
    // What is looked for there can be found there.
    const id = Buffer.from(String(known[0]?.id));
    expect(placesOf([id], dumps)).toContain('secret');
    expect(placesOf([id], pages).length).toBeGreaterThan(1);
  });
});

/** A secret of another program, or of another store, and one that is a little wrong. */
const foreign = newSecret().text;

function begin(env: Readonly<Record<string, string>>): Life {
  const life = newLife({ env });
  onTestFinished(() => life.remove());
  declare(life);
  mkdirSync(path.join(life.cwd, 'out'), { mode: 0o700 });
  return life;
}

function declare(life: Life, ...more: readonly string[]): void {
  const manifests = [
    'kind: Workspace\nmetadata: {name: acme}\nspec: {displayName: Acme, tier: Business, owners: {minimum: 0}}',
    'kind: User\nmetadata: {name: ana}\nspec: {email: ana@acme.example}',
    'kind: User\nmetadata: {name: bo}\nspec: {email: bo@acme.example}',
    'kind: RoleBinding\nmetadata: {name: ci-sources, namespace: acme}\nspec: {role: source-admin, subjects: [{kind: Token, name: ci}, {name: bo}], resources: [{type: Workspace}]}',
    // Evaluated in a process of its own.
    'kind: AccessPolicy\nmetadata: {name: employees}\nspec: {match: {on: Grant}, enforcement: Warn, validations: [{expression: "grant.email.endsWith(\'@acme.example\')", message: not ours}]}',
    tokenManifest('ci', 'ci/deploy'),
    ...more,
  ];
  writeFiles(life.cwd, {
    'access/all.yaml': manifests.map((one) => `apiVersion: rolecall.dev/v1alpha1\n${one}\n`).join('---\n'),
  });
}

function tokenManifest(name: string, file: string, more = ''): string {
  return `kind: Token\nmetadata: {name: ${name}, namespace: acme}\nspec: {description: ${name}, role: workspace-member, owner: ana, rotation: {every: 90d, overlap: 24h}, deliverTo: {file: ${file}}${more}}`;
}

const APPLY = ['apply', '-f', 'access', '--prune'];
const SINK = '.iam/secrets/ci/deploy';

function secretIn(life: Life, file = SINK): string {
  return readFileSync(path.join(life.cwd, file), 'utf8');
}

/** Runs commands that must all end with this exit status. */
async function all(
  life: Life,
  exit: number,
  commands: readonly string[],
  options: Parameters<Life['run']>[1] = {},
): Promise<void> {
  for (const command of commands) {
    const ran = await life.run(command.split(' '), options);
    expect(ran.exit, `${command}\n${ran.said}`).toBe(exit);
  }
}

/** The store and the first secret. */
async function first(life: Life): Promise<void> {
  await all(life, 0, [
    'validate -f access',
    'plan -f access',
    'plan -f access -o json',
    'plan -f access -o markdown',
    'plan -f access --out plan.json',
    'apply --plan plan.json -o json',
  ]);
  expect(idOfSecret(secretIn(life).trim())).toBeDefined();
}

async function rest(life: Life): Promise<void> {
  await verifying(life);
  await rotating(life);
  await asking(life);
  await failing(life);
  // One that goes, with its file.
  declare(life, tokenManifest('second', 'second'));
  await all(life, 0, [APPLY.join(' ')]);
  expect(existsSync(path.join(life.cwd, '.iam/secrets/second'))).toBe(true);
  await all(life, 0, [
    'delete token second -n acme --reason INC-1',
    'token revoke ci -n acme --reason INC-2',
  ]);
  expect(existsSync(path.join(life.cwd, '.iam/secrets/second'))).toBe(false);
  declare(life);
  await all(life, 1, ['token verify'], { stdin: secretIn(life) });
  // Lifted: what was revoked stays so.
  await all(life, 0, [APPLY.join(' ')]);
  await all(life, 1, ['token verify'], { stdin: secretIn(life) });
  await all(life, 0, ['token rotate ci -n acme']);
  await all(life, 0, ['token verify ci -n acme'], { stdin: secretIn(life) });
}

async function verifying(life: Life): Promise<void> {
  const good = secretIn(life);
  const forms = ['token verify', 'token verify -o json', 'token verify -v --log-format json'];
  await all(life, 0, [...forms, 'token verify ci -n acme'], { stdin: good });
  await all(life, 1, ['token verify other -n acme'], { stdin: good });
  const id = idOfSecret(good.trim()) ?? '';
  const wrong = [foreign, `${good.trim()}x`, good.slice(0, 50), `rct_${id}${foreign.slice(16)}`];
  for (const stdin of wrong) await all(life, 1, forms, { stdin });
  await all(life, 4, forms, { stdin: good.repeat(100) });
  await all(life, 4, ['token verify --store sqlite:nowhere.db', 'token verify NAME -o json'], {
    stdin: good,
  });
  await all(life, 0, ['apply -f access/all.yaml --store sqlite:else/iam.db --secrets-dir out/else']);
  await all(life, 1, ['token verify --store sqlite:else/iam.db'], { stdin: good });
  for (const IAM_PEPPER of [
    good.trim(),
    `a:${good.trim()}`,
    `${good.trim()}:a,${good}`,
    'other:'.padEnd(49, 'A'),
  ])
    await all(life, 4, forms, { stdin: good, env: { IAM_PEPPER } });
}

async function rotating(life: Life): Promise<void> {
  await all(life, 0, [
    APPLY.join(' '),
    'token rotate ci -n acme',
    'token rotate ci -n acme -o json --reason INC-3 --as ana',
    'token rotate ci -n acme -v --log-format json --to out/ci',
  ]);
  await all(life, 0, ['token verify'], { stdin: secretIn(life, 'out/ci') });
  await all(life, 0, ['token rotate ci -n acme']);
  const before = secretIn(life);
  await all(life, 0, [`${APPLY.join(' ')} -o json`], { ahead: 91 * DAY });
  expect(secretIn(life)).not.toBe(before);
  await all(life, 0, ['plan -f access', 'plan -f access --at 2099-01-01', 'plan -f access --horizon 999d']);
}

async function asking(life: Life): Promise<void> {
  const git = '-c user.name=a -c user.email=a@acme.example';
  for (const args of [
    'init -q',
    'add access',
    `${git} commit -qm one`,
    `${git} commit -qm two --allow-empty`,
  ])
    await gitIn(life, args);
  await all(life, 0, [
    'get tokens',
    'get tokens -o wide',
    'get token ci -n acme -o json',
    'get tokens -o yaml',
    'get tokens -o csv',
    'get tokens -o name',
    'describe token ci -n acme',
    'describe token ci -n acme -o json',
    'describe user ana',
    'why token/ci',
    'why token/ci -o json',
    'can-i token/ci source-admin -n acme',
    'who-can source-admin -n acme -o json',
    'offboard ana',
    'offboard ana -o json',
    'export',
    'export -o exported',
    'snapshot',
    'snapshot --layout grants -o grants.csv',
    'snapshot --layout grants --at 2099-01-01',
    'drift',
    'drift -o json',
    'history',
    'history -o json',
    'history --audit',
    'history --audit -o jsonl',
    'history --refused',
    'history show 1',
    'history show 1 -o json',
    'history verify -o json',
    'diff --from 0 --to 1',
    'diff --git HEAD~1..HEAD -f access',
    'explain token',
  ]);
}

async function gitIn(life: Life, args: string): Promise<void> {
  const { spawnSync } = await import('node:child_process');
  const { status, stderr } = spawnSync('git', args.split(' '), { cwd: life.cwd, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
}

/** Each sink that cannot be used, most of them with a secret of somebody else in it. */
async function failing(life: Life): Promise<void> {
  const at = (name: string) => path.join(life.cwd, name);
  const forms = ['', ' -o json', ' -v --log-format json'];
  mkdirSync(at('open'), { mode: 0o777 });
  chmodSync(at('open'), 0o777);
  for (const name of ['out/foreign', 'tracked', 'open/file', '.iam/secrets/foreign'])
    writeFileSync(at(name), `${foreign}\n`, { mode: 0o600 });
  writeFileSync(at('out/more'), `${foreign}\n${foreign}\n`, { mode: 0o600 });
  symlinkSync('foreign', at('out/link'));
  await gitIn(life, 'add -f tracked');
  for (const file of [
    'out/foreign',
    'out/more',
    'out/link',
    'tracked',
    'open/file',
    'none/file',
    '.',
    'access/x',
  ])
    await all(
      life,
      1,
      forms.map((form) => `token rotate ci -n acme --to ${file}${form}`),
    );
  await all(life, 4, ['token rotate nobody -n acme', 'token rotate ci', 'token gain ci']);
  declare(life, tokenManifest('bad', 'foreign'), tokenManifest('same', 'ci/deploy'));
  await all(
    life,
    1,
    forms.map((form) => APPLY.join(' ') + form),
  );
  await all(life, 4, [APPLY.join(' ')], { env: { CI: 'true' } });
  for (const file of ['../up', 'a//b', '/root']) {
    declare(life, tokenManifest('bad', file));
    await all(
      life,
      4,
      forms.map((form) => APPLY.join(' ') + form),
    );
  }
  declare(life);
  for (const name of ['out/foreign', 'out/more', 'tracked', 'open/file', '.iam/secrets/foreign']) {
    expect(readFileSync(at(name), 'utf8')).toContain(foreign);
    rmSync(at(name));
  }
}

/** Nobody reads any more, so that the pages of the database can be written anew. */
async function last(life: Life): Promise<void> {
  await all(life, 0, ['history redact 3 --reason GDPR --yes', 'history verify', 'history', APPLY.join(' ')]);
}

/** 43 digits are what nobody can guess; the rest of a secret is its id, and what can be told from both. */
function allLooks({ secrets }: Life): Buffer[] {
  return [...secrets.values(), foreign].flatMap((text) => looksOf(Buffer.from(text.slice(17, 60))));
}

function placesIn(life: Life): [string, Buffer][] {
  return [
    ...life.said.map((said): [string, Buffer] => [said, Buffer.from(said)]),
    ...life.children().map((child): [string, Buffer] => [child, Buffer.from(child, 'latin1')]),
    ...life.files().map((file): [string, Buffer] => [file, readFileSync(file)]),
  ];
}

/** Fails unless they are in the files that are for them alone, and looks whether there was where to look. */
function secretsAreNowhere(life: Life): void {
  expect(life.secrets.size).toBeGreaterThan(5);
  expect(life.said.length).toBeGreaterThan(100);
  const children = life.children().join('\n');
  expect(children).toContain('git ');
  if (process.platform === 'linux') expect(children).toContain('policy-host');
  expect(children).not.toContain('IAM_PEPPER');
  expect(children).not.toContain('IAM_STORE');
  const own = [SINK, 'out/ci', 'out/else/ci/deploy'].map((file) => path.join(life.cwd, file));
  expect(placesOf(allLooks(life), placesIn(life)).sort()).toEqual(own.sort());
}
