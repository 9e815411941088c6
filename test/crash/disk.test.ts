import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { EXIT } from '../../src/core/problem.ts';
import { type Found, inspect, inspectNames, Snapshots } from '../support/crash-checks.ts';
import {
  addBinding,
  addPerson,
  edited,
  filesOf,
  foundOrganisation,
  type Organisation,
  WORKSPACES,
} from '../support/crash-organisation.ts';
import { builtProgram, type Ended } from '../support/crash-program.ts';
import { tapeOf } from '../support/crash-random.ts';
import { readTree, writeFiles } from '../support/folder.ts';
import { runIam } from '../support/run-iam.ts';

const IS_ROOT = process.getuid?.() === 0;
const APPLY = ['apply', '-f', 'access', '--prune'];
const program = builtProgram();
afterAll(() => program.remove());

function run(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Why nothing can be mounted here; undefined when it can. */
function noMounts(): string | undefined {
  if (!IS_ROOT) return 'only root can mount a small disk';
  const folder = mkdtempSync(path.join(tmpdir(), 'iam-mount-'));
  const mounted = run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder);
  if (mounted) run('umount', folder);
  rmSync(folder, { recursive: true, force: true });
  return mounted ? undefined : 'root may not mount anything here';
}

const mounting = noMounts();

interface Place {
  readonly cwd: string;
  readonly store: string;
  apply(through?: readonly string[]): Promise<Ended>;
  look(): Promise<Found>;
  write(org: Organisation): void;
  /** Applies, where nothing is in the way any more, and looks whether all is there. */
  converge(): Promise<void>;
}

/** A folder of manifests; `.iam` may be a disk of that size in KiB. */
function newPlace(size?: number): Place {
  const cwd = mkdtempSync(path.join(tmpdir(), 'iam-disk-'));
  const aside = mkdtempSync(path.join(tmpdir(), 'iam-disk-'));
  const store = path.join(cwd, '.iam');
  if (size !== undefined) {
    mkdirSync(store, { mode: 0o700 });
    expect(run('mount', '-t', 'tmpfs', '-o', `size=${size}k,mode=700`, 'tmpfs', store)).toBe(true);
    writeFileSync(path.join(store, '.gitignore'), '*\n');
  }
  onTestFinished(() => {
    if (size !== undefined) run('umount', store);
    for (const folder of [cwd, aside]) rmSync(folder, { recursive: true, force: true });
  });
  let looks = 0;
  const look = () => inspect(store, path.join(aside, String(looks++)));
  return {
    cwd,
    store,
    look,
    apply: (through) => program.start(cwd, APPLY, through).ended,
    write(org) {
      rmSync(path.join(cwd, 'access'), { recursive: true, force: true });
      writeFiles(path.join(cwd, 'access'), filesOf(org));
    },
    async converge() {
      const { exit, stdout, stderr } = await program.start(cwd, APPLY).ended;
      expect(exit, stdout + stderr).toBe(0);
      await look();
      expect(await runIam(['plan', ...APPLY.slice(1), '--exit-code'], { cwd, now: Date.now })).toMatchObject({
        exit: 0,
      });
      const snapshots = new Snapshots();
      const texts = await snapshots.remember(cwd, WORKSPACES);
      const folder = path.join(store, 'snapshot');
      snapshots.inspect(folder);
      expect(readTree(folder)).toMatchObject(texts);
    },
  };
}

const small = foundOrganisation(tapeOf(7, 0), 60);
/** Much that is new: more than the room that is left. */
const big = grown(small, 200);

function grown(org: Organisation, by: number): Organisation {
  let next = org;
  for (let i = 0; i < by; i++) next = addBinding(addPerson(next), tapeOf(7, i));
  return next;
}

/** The one thing that went wrong: the store, which is as it was, or the snapshot after it was written. */
function expectFull({ exit, stderr }: Ended, before: Found, after: Found): 'store' | 'snapshot' {
  expect(exit, stderr).toBe(EXIT.error);
  expect(stderr).not.toContain('unexpected');
  if (after.head.revision === before.head.revision) {
    expect(after).toEqual(before);
    expect(stderr).toContain('RC408');
    expect(stderr).toMatch(/iam\.db: the disk is full/);
    return 'store';
  }
  expect(stderr).toMatch(/snapshot: /);
  return 'snapshot';
}

describe('a full disk', () => {
  test('leaves the store at its revision, says so, and all goes on once there is room', {
    timeout: 120_000,
  }, async (context) => {
    context.skip(mounting !== undefined, mounting);
    const place = newPlace(8 * 1024);
    const ballast = path.join(place.store, 'snapshot/.ballast.tmp');
    const failed = { store: 0, snapshot: 0, none: 0 };
    for (const room of [0, 8, 32, 64, 96, 160, 320, 640, 960, 1280, 1920]) {
      place.write(small);
      rmSync(ballast, { force: true });
      await place.converge();
      const before = await place.look();
      const { bavail, bsize } = statfsSync(place.store);
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - room * 1024)));
      place.write(big);
      const ended = await place.apply();
      rmSync(ballast);
      inspectNames(place.store);
      if (ended.exit === 0) failed.none++;
      else failed[expectFull(ended, before, await place.look())]++;
      await place.converge();
      for (const name of ['snapshot', 'iam.db', 'iam.db-wal', 'iam.db-shm'])
        rmSync(path.join(place.store, name), { recursive: true, force: true });
    }
    expect(failed.store).toBeGreaterThan(3);
    console.log(`a full disk: ${JSON.stringify(failed)}`);
  });

  test('makes no store, and says so', async (context) => {
    context.skip(mounting !== undefined, mounting);
    const place = newPlace(1024);
    place.write(big);
    for (const room of [0, 4, 16, 64, 128, 256]) {
      const before = await place.look();
      const ballast = path.join(place.store, 'snapshot');
      const { bavail, bsize } = statfsSync(place.store);
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - room * 1024)));
      const ended = await place.apply();
      rmSync(ballast);
      expect(expectFull(ended, before, await place.look())).toBe('store');
      expect((await place.look()).head.revision).toBe(0);
    }
  });
});

test('a limit on the size of files leaves the store at its revision, and is named', async (context) => {
  context.skip(!run('bash', '-c', 'ulimit -f 64'), 'there is no bash that limits the size of files');
  const place = newPlace();
  for (const [kib, org] of [
    [64, small],
    [0, big],
    [256, big],
    [700, big],
  ] as const) {
    place.write(org);
    const before = await place.look();
    const limited = ['bash', '-c', `ulimit -f ${kib}; exec "$@"`, 'limited'];
    const { exit, stderr } = await place.apply(limited);
    expect({ exit, stderr }).toMatchObject({ exit: EXIT.error, stderr: expect.stringContaining('RC408') });
    expect(stderr).toMatch(/iam\.db: (the disk is full|disk I\/O error\n.*a limit \(ulimit -f\))/);
    expect(await place.look()).toMatchObject({
      head: { revision: before.head.revision },
      state: before.state,
    });
  }
  await place.converge();
});

describe('a folder that turns read-only', () => {
  async function expectReadOnly(place: Place): Promise<void> {
    const before = await place.look();
    place.write(edited(small, tapeOf(7, 2)));
    const { exit, stderr } = await place.apply();
    expect(exit, stderr).toBe(EXIT.error);
    expect(stderr).toContain('RC408');
    expect(stderr).toMatch(/\.iam cannot be written \((EROFS|EACCES)\)/);
    expect(await runIam(['get', 'users', '-o', 'name'], { cwd: place.cwd })).toMatchObject({ exit: 0 });
    expect(await place.look()).toEqual(before);
  }

  test('by its mount is named, and read all the same', async (context) => {
    context.skip(mounting !== undefined, mounting);
    const place = newPlace(8 * 1024);
    place.write(small);
    await place.converge();
    expect(run('mount', '-o', 'remount,ro', place.store)).toBe(true);
    await expectReadOnly(place);
    expect(run('mount', '-o', 'remount,rw', place.store)).toBe(true);
    await place.converge();
  });

  test('by its mode is named, and read all the same', async (context) => {
    context.skip(IS_ROOT || process.getuid === undefined, 'modes bind neither root nor Windows');
    const place = newPlace();
    place.write(small);
    await place.converge();
    onTestFinished(() => chmodSync(place.store, 0o700));
    chmodSync(place.store, 0o500);
    await expectReadOnly(place);
    chmodSync(place.store, 0o700);
    await place.converge();
  });
});
