import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { EXIT, Failure } from '../../src/core/problem.ts';
import { announce, type Holder, holderOf } from '../../src/stores/sqlite/holder.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { Store } from '../../src/stores/store.ts';
import { apply, create, everything } from '../contract/entries.ts';
import { temporaryFolder } from '../support/folder.ts';
import { user } from '../support/resources.ts';
import { runIam } from '../support/run-iam.ts';

const SCRIPT = fileURLToPath(new URL('../support/store-process.ts', import.meta.url));
const HAS_PROC = existsSync('/proc/self/stat');
const HAS_MODES = process.getuid !== undefined;

function open(file: string, lockTimeout = 10_000): Store {
  return sqliteStore({ file, location: file, lockTimeout });
}

async function madeStore(): Promise<string> {
  const file = path.join(temporaryFolder(), 'iam.db');
  await apply(open(file), [create(user('root'))]);
  return file;
}

/** A process that is in the middle of a write as `ana-diaz`. */
async function startWriter(file: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [SCRIPT, 'write', file, 'ana-diaz'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  expect(line).toBe('writing');
  return child;
}

/** What is beside the database that is not SQLite's. */
function beside(file: string): string[] {
  return readdirSync(path.dirname(file)).filter((name) => !/\.db(-wal|-shm)?$/.test(name));
}

async function refusal(write: Promise<unknown>): Promise<string> {
  const error = await write.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Failure)) throw new Error('was not refused', { cause: error });
  expect({ exit: error.exit, codes: error.problems.map(({ code }) => code) }).toEqual({
    exit: EXIT.stale,
    codes: ['RC407'],
  });
  return error.message;
}

function written(file: string): Holder {
  return JSON.parse(readFileSync(`${file}-holder`, 'utf8')) as Holder;
}

test('whoever waits in vain is told who writes, since when, and where', async () => {
  const file = await madeStore();
  const began = Date.now();
  const child = await startWriter(file);
  const { since } = written(file);
  expect(Date.parse(since)).toBeGreaterThan(began - 2000);
  expect(await refusal(apply(open(file, 200), [create(user('bo'))]))).toBe(
    `${file}: ana-diaz has been writing since ${since} (process ${child.pid} on ${hostname()})`,
  );
  if (HAS_MODES) expect((statSync(`${file}-holder`).mode & 0o777).toString(8)).toBe('600');
  expect((await everything(open(file))).resources.length).toBe(1);
  child.stdin?.end();
  await once(child, 'close');
  expect(beside(file)).toEqual([]);
  expect((await everything(open(file))).head.revision).toBe(2);
});

test('the program says so too, with exit 5, and gets in once the other is done', async () => {
  const cwd = temporaryFolder({
    'w.yaml':
      'apiVersion: rolecall.dev/v1alpha1\nkind: User\nmetadata: {name: bo}\nspec: {email: bo@acme.example}\n',
  });
  const argv = ['apply', '-f', 'w.yaml', '--lock-timeout', '100ms'];
  expect(await runIam(argv, { cwd })).toMatchObject({ exit: EXIT.done });
  writeFileSync(
    path.join(cwd, 'w.yaml'),
    readFileSync(path.join(cwd, 'w.yaml'), 'utf8').replace('bo@', 'b@'),
  );
  const child = await startWriter(path.join(cwd, '.iam/iam.db'));
  const { exit, stderr } = await runIam(argv, { cwd });
  expect(exit).toBe(EXIT.stale);
  expect(stderr).toContain(`ana-diaz has been writing since `);
  expect(stderr).toContain(`(process ${child.pid} on ${hostname()})`);
  expect(stderr).toContain('wait for it, or raise --lock-timeout');
  const waiting = runIam(['apply', '-f', 'w.yaml', '--lock-timeout', '20s'], { cwd });
  await sleep(300);
  child.stdin?.end();
  expect(await waiting).toMatchObject({ exit: EXIT.done });
});

test('waiting leaves the process free', async () => {
  const file = await madeStore();
  await startWriter(file);
  let turns = 0;
  const timer = setInterval(() => turns++, 10);
  await refusal(apply(open(file, 500), [create(user('bo'))]));
  clearInterval(timer);
  expect(turns).toBeGreaterThan(5);
});

test('a holder that is killed does not keep the next one out, nor is he named', async () => {
  const file = await madeStore();
  const child = await startWriter(file);
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(written(file).pid).toBe(child.pid);
  expect(holderOf(file)).toBeUndefined();
  const began = performance.now();
  expect(await apply(open(file), [create(user('bo'))])).toMatchObject({ head: { revision: 2 } });
  expect(performance.now() - began).toBeLessThan(5000);
  expect(beside(file)).toEqual([]);
});

test.skipIf(process.platform === 'win32')(
  'a holder that is stopped is waited for, and named (skipped on Windows, which has no SIGSTOP)',
  async () => {
    const file = await madeStore();
    const child = await startWriter(file);
    child.kill('SIGSTOP');
    expect(await refusal(apply(open(file, 200), [create(user('bo'))]))).toContain(
      `ana-diaz has been writing since ${written(file).since} (process ${child.pid} `,
    );
    child.kill('SIGCONT');
    child.stdin?.end();
    await once(child, 'close');
    expect(await apply(open(file), [create(user('bo'))])).toMatchObject({ head: { revision: 3 } });
  },
);

const self = { holder: 'eve', host: hostname(), pid: process.pid, since: '2026-01-01T00:00:00Z' };

test.for([
  ['not JSON', 'garbage'],
  ['an empty file', ''],
  ['other JSON', '[1, null]'],
  ['a number that is no process', JSON.stringify({ ...self, pid: -1, started: null })],
  ['a process of that number that began at another time', JSON.stringify({ ...self, started: '1' })],
  [
    'what would write to a terminal',
    JSON.stringify({ ...self, host: 'far', started: null, holder: '\u001b[2J' }),
  ],
  ['too much', JSON.stringify({ ...self, host: 'far', started: null, more: 'x'.repeat(5000) })],
] as const)('%s in its place names nobody and keeps nobody out', async ([title, text], context) => {
  context.skip(title.startsWith('a process') && !HAS_PROC, 'this system has no /proc');
  const file = await madeStore();
  const child = await startWriter(file);
  writeFileSync(`${file}-holder`, text);
  expect(await refusal(apply(open(file, 50), [create(user('bo'))]))).toBe(
    `${file}: another process is writing`,
  );
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(await apply(open(file, 1000), [create(user('bo'))])).toMatchObject({ head: { revision: 2 } });
});

test('a process of another host is named: nobody can look whether it is there', async () => {
  const file = await madeStore();
  await startWriter(file);
  writeFileSync(`${file}-holder`, JSON.stringify({ ...self, host: 'far', pid: 7, started: '1' }));
  expect(await refusal(apply(open(file, 50), [create(user('bo'))]))).toBe(
    `${file}: eve has been writing since 2026-01-01T00:00:00Z (process 7 on far)`,
  );
});

test('a link, a folder or a file of somebody else in its place is neither followed nor replaced', async () => {
  const other = path.join(temporaryFolder({ 'other.txt': 'mine' }), 'other.txt');
  const readable = JSON.stringify({ ...self, host: 'far', started: null });
  for (const end of ['-holder', '-holder.new']) {
    for (const put of [
      (place: string) => symlinkSync(other, place),
      (place: string) => symlinkSync(`${place}-nowhere`, place),
      (place: string) => mkdirSync(place),
      (place: string) => writeFileSync(place, 'my notes'),
      ...(HAS_MODES ? [(place: string) => writeFileSync(place, readable, { mode: 0o666, flush: true })] : []),
    ]) {
      const file = await madeStore();
      const umask = process.umask(0);
      put(file + end);
      process.umask(umask);
      const before = beside(file);
      const child = await startWriter(file);
      expect(await refusal(apply(open(file, 50), [create(user('bo'))]))).toBe(
        `${file}: another process is writing`,
      );
      child.stdin?.end();
      await once(child, 'close');
      expect((await everything(open(file))).head.revision).toBe(2);
      expect(beside(file)).toEqual(before);
    }
  }
  expect(readFileSync(other, 'utf8')).toBe('mine');
});

test('what a kill left of the file is replaced, and only the own one is taken back', () => {
  const file = path.join(temporaryFolder(), 'iam.db');
  for (const end of ['-holder', '-holder.new'])
    writeFileSync(file + end, JSON.stringify({ ...self, started: '1' }), { mode: 0o600 });
  const first = announce(file, 'ana');
  expect(holderOf(file)).toMatchObject({ holder: 'ana', pid: process.pid });
  const second = announce(file, 'manager:ci');
  first();
  expect(holderOf(file)).toMatchObject({ holder: 'manager:ci' });
  second();
  expect(readdirSync(path.dirname(file))).toEqual([]);
});
