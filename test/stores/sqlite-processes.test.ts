import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EXIT } from '../../src/core/problem.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { Store } from '../../src/stores/store.ts';
import { apply, create, everything, headOf, reading } from '../contract/entries.ts';
import { isChain } from '../contract/store-records.ts';
import { temporaryFolder } from '../support/folder.ts';
import { group, user } from '../support/resources.ts';

const SCRIPT = fileURLToPath(new URL('../support/store-process.ts', import.meta.url));
const NOBODY = 65534;
const IS_ROOT = process.getuid?.() === 0;

function open(file: string, lockTimeout = 10_000): Store {
  return sqliteStore({ file, location: file, lockTimeout });
}

/** Starts store-process.ts. */
function start(
  ...argv: readonly string[]
): ChildProcess & { stdout: NodeJS.ReadableStream; stdin: NodeJS.WritableStream } {
  return spawn(process.execPath, [SCRIPT, ...argv], { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function said(child: ReturnType<typeof start>): Promise<unknown> {
  return JSON.parse(await text(child.stdout));
}

async function nextLine(child: ReturnType<typeof start>): Promise<string> {
  const lines = createInterface(child.stdout);
  const [line] = await once(lines, 'line');
  lines.close();
  return String(line);
}

async function madeStore(resources = 3): Promise<string> {
  const file = path.join(temporaryFolder(), 'iam.db');
  await apply(
    open(file),
    Array.from({ length: resources }, (_, i) => create(group(`acme/g${i}`, ['ana']))),
  );
  return file;
}

describe('another process', () => {
  test('that writes is waited for until the lock timeout, and no longer', async () => {
    const file = await madeStore();
    const before = await everything(open(file));
    const writer = new DatabaseSync(file);
    writer.exec('BEGIN IMMEDIATE');
    const began = performance.now();
    const refused = apply(open(file, 300), [create(user('ana'))]);
    await expect(refused).rejects.toMatchObject({ exit: EXIT.stale, problems: [{ code: 'RC407' }] });
    expect(performance.now() - began).toBeGreaterThan(250);
    writer.exec('ROLLBACK');
    writer.close();
    expect(await everything(open(file))).toEqual(before);
    const holder = start('hold', file, '300');
    expect(await nextLine(holder)).toBe('held');
    expect(await apply(open(file), [create(user('ana'))])).toMatchObject({ head: { revision: 2 } });
  });

  test('may make the store at the same time: one wins, all others are told', async () => {
    const file = path.join(temporaryFolder(), 'new/.iam/iam.db');
    const all = await Promise.all(
      ['ana', 'bo', 'cy', 'dee'].map((name) => said(start('create', file, name))),
    );
    const { head, resources } = await everything(open(file));
    expect({ revision: head.revision, resources: resources.length }).toEqual({ revision: 1, resources: 1 });
    expect(all.filter((one) => typeof one === 'object' && one !== null && 'revision' in one)).toEqual([head]);
    const losers = all.filter((one) => JSON.stringify(one) !== JSON.stringify(head));
    expect(losers.length).toBe(3);
    for (const loser of losers)
      expect([{ stale: 1 }, { exit: EXIT.stale, codes: ['RC407'] }]).toContainEqual(loser);
  });

  test('finds the lock of a reading, also when its process has written meanwhile', async (context) => {
    context.skip(!existsSync('/proc/locks'), 'this system does not list its locks');
    const file = await madeStore();
    // The system takes all locks on a file from a process that closes it anywhere, whatever else has it open.
    const locks = () =>
      readFileSync('/proc/locks', 'utf8')
        .split('\n')
        .filter((line) => line.includes(` ${process.pid} `) && line.includes(`:${statSync(file).ino} `))
        .length;
    await reading(open(file), async () => {
      expect(locks()).toBe(1);
      await apply(open(file), [create(user('ana'))]);
      expect(locks()).toBe(1);
    });
  });

  test('that is killed while it writes leaves the store at a revision, and free', {
    timeout: 120_000,
  }, async () => {
    const COUNT = 20_000;
    const began = performance.now();
    await madeStore(COUNT);
    const oneWrite = performance.now() - began;
    const file = path.join(temporaryFolder(), 'iam.db');
    const store = open(file, 1000);
    for (let round = 0; round < 10; round++) {
      const child = start('churn', file, String(COUNT));
      expect(await nextLine(child)).toBe('begin');
      await sleep(((round + Math.random()) / 10) * 1.5 * oneWrite);
      child.kill('SIGKILL');
      await once(child, 'close');
      const { revision, auditHead } = await headOf(store);
      const state = await reading(store, async (opened) => {
        const counts = { resources: 0, edges: 0 };
        for await (const batch of opened.resources()) counts.resources += batch.length;
        for await (const batch of opened.edges()) counts.edges += batch.length;
        return counts;
      });
      const left = revision % 2 === 0 ? 0 : COUNT;
      expect(state, `round ${round}`).toEqual({ resources: left, edges: left });
      expect(auditHead?.split(':')[0] ?? '0', `round ${round}`).toBe(String(revision * (COUNT + 1)));
      // Not a revision, but it takes the lock.
      await store.write({ type: 'snapshot', revision });
      expect((await headOf(store)).snapshotRevision).toBe(revision);
    }
    const { revision } = await headOf(store);
    expect(await apply(store, [create(user('ana'))])).toMatchObject({ head: { revision: revision + 1 } });
    expect(isChain((await everything(store)).audit)).toBe(true);
  });
});

/** Why modes cannot be tested here; undefined when they can. */
function noModes(): string | undefined {
  if (process.getuid === undefined) return 'this system has no modes';
  if (!IS_ROOT) return undefined;
  const { status } = spawnSync(process.execPath, [SCRIPT, 'read', '/nowhere/iam.db'], {
    uid: NOBODY,
    gid: NOBODY,
    cwd: '/',
  });
  return status === 0 ? undefined : 'root may write everywhere, and others may not read this checkout';
}

describe('a folder that cannot be written', () => {
  const reason = noModes();

  /** Starts store-process.ts as somebody who owns the files, but whom modes bind. */
  function startBound(command: string, file: string): ReturnType<typeof start> {
    const folder = path.dirname(file);
    for (const one of [folder, ...readdirSync(folder).map((name) => path.join(folder, name))]) {
      if (IS_ROOT) chownSync(one, NOBODY, NOBODY);
    }
    const bound = IS_ROOT ? { uid: NOBODY, gid: NOBODY, cwd: '/' } : {};
    return spawn(process.execPath, [SCRIPT, command, file], { stdio: ['pipe', 'pipe', 'inherit'], ...bound });
  }

  async function closed(resources?: number): Promise<{ file: string; folder: string }> {
    const file = await madeStore(resources);
    const folder = path.dirname(file);
    // Else who is not root could not remove it.
    onTestFinished(() => chmodSync(folder, 0o700));
    return { file, folder };
  }

  test('is read all the same', async (context) => {
    context.skip(reason !== undefined, reason);
    const { file, folder } = await closed();
    for (const [fileMode, folderMode] of [
      [0o600, 0o500],
      [0o400, 0o500],
      [0o400, 0o700],
    ] as const) {
      chmodSync(file, fileMode);
      chmodSync(folder, folderMode);
      expect(await said(startBound('read', file))).toEqual({ revision: 1, resources: 3 });
      if (folderMode === 0o500) expect(readdirSync(folder)).toEqual(['iam.db']);
    }
  });

  test('is read with what a writer has not yet moved into the database', async (context) => {
    context.skip(reason !== undefined, reason);
    const { file, folder } = await closed();
    await reading(open(file), async () => {
      await apply(open(file), [create(user('ana'))]);
      expect(readdirSync(folder).length).toBe(3);
      chmodSync(folder, 0o500);
      expect(await said(startBound('read', file))).toEqual({ revision: 2, resources: 4 });
    });
  });

  test('is refused when the latest changes cannot be read along', async (context) => {
    context.skip(reason !== undefined, reason);
    const { file, folder } = await closed();
    await reading(open(file), async () => {
      await apply(open(file), [create(user('ana'))]);
      copyFileSync(`${file}-wal`, `${file}-kept`);
    });
    for (const end of ['-wal', '-shm']) rmSync(file + end, { force: true });
    writeFileSync(`${file}-wal`, '', { mode: 0o600 });
    copyFileSync(`${file}-kept`, `${file}-wal`);
    chmodSync(folder, 0o500);
    expect(await said(startBound('read', file))).toEqual({ exit: EXIT.error, codes: ['RC408'] });
    chmodSync(folder, 0o700);
    expect(await said(startBound('read', file))).toEqual({ revision: 2, resources: 4 });
  });

  test('gives no torn state when somebody else writes', async (context) => {
    context.skip(reason !== undefined, reason);
    const { file, folder } = await closed(3000);
    chmodSync(folder, 0o500);
    const child = startBound('read-slowly', file);
    expect(await nextLine(child)).toBe('half');
    chmodSync(folder, 0o700);
    const writer = new DatabaseSync(file);
    writer.exec('DELETE FROM resource WHERE id % 2 = 0');
    writer.close();
    child.stdin.end();
    expect(await said(child)).toEqual({ exit: EXIT.stale, codes: ['RC407'] });
  });

  test('cannot be written, and says so', async (context) => {
    context.skip(reason !== undefined, reason);
    const folder = temporaryFolder();
    chmodSync(folder, 0o500);
    expect(await said(startBound('create', path.join(folder, 'iam.db')))).toEqual({
      exit: EXIT.error,
      codes: ['RC408'],
    });
    chmodSync(folder, 0o700);
  });
});
