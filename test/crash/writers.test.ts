import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { EXIT } from '../../src/core/problem.ts';
import { inspect, inspectNames, Snapshots } from '../support/crash-checks.ts';
import {
  addBinding,
  bindingManifest,
  filesOf,
  foundOrganisation,
  lines,
  type Organisation,
  personManifest,
  teamManifest,
  WORKSPACES,
  workspaceManifest,
} from '../support/crash-organisation.ts';
import { builtProgram, firstChange } from '../support/crash-program.ts';
import { seedOfRun, tapeOf } from '../support/crash-random.ts';
import { readTree, writeFiles } from '../support/folder.ts';
import { runIam } from '../support/run-iam.ts';
import type { Tape } from '../support/tape.ts';

const LONG = process.env.ROLECALL_LONG === '1';
const WAVES = LONG ? 100 : 7;
const program = builtProgram();
afterAll(() => program.remove());

/** One apply: its folder of manifests, and how it is called. */
interface Writer {
  readonly folder: string;
  readonly argv: readonly string[];
}

test(`${WAVES} times two to eight writers at once: the end is that of one after the other`, {
  timeout: WAVES * 30_000,
}, async () => {
  const seed = seedOfRun();
  const ends: Record<string, number> = {};
  const cwd = mkdtempSync(path.join(tmpdir(), 'iam-writers-'));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  const org = foundOrganisation(tapeOf(seed, 0), 40);
  writeFiles(path.join(cwd, 'access'), filesOf(org));
  expect(await runIam(['apply', '-f', 'access', '--no-snapshot'], { cwd, now: Date.now })).toMatchObject({
    exit: 0,
  });
  for (let wave = 0; wave < WAVES; wave++) {
    const tape = tapeOf(seed, wave + 1);
    const many = 2 + (wave % 7);
    const writers = Array.from({ length: many }, (_, i) => newWriter(cwd, org, tape, `${wave}x${i}`, i));
    try {
      for (const end of await race(cwd, writers)) ends[end] = (ends[end] ?? 0) + 1;
    } catch (error) {
      throw new Error(`ROLECALL_SEED=${seed}, wave ${wave} of ${many} writers`, { cause: error });
    }
  }
  const said = Object.entries(ends).map(([end, times]) => `${end}: ${times}`);
  console.log(`${WAVES} waves, seed ${seed}; ${said.sort().join(', ')}`);
});

/**
 * Writes the manifests of one writer. Whatever it declares that is there already it changes, to what nobody else has:
 * so the order of revisions is the only order that ends the same.
 */
function newWriter(cwd: string, org: Organisation, tape: Tape, id: string, index: number): Writer {
  const folder = `w${id}`;
  const own = tape.chance(2);
  writeFiles(path.join(cwd, folder), {
    'all.jsonl': lines(own ? ownOf(org, tape, id) : sharedOf(org, tape, id)),
  });
  // The same managers each time: what one wave made another prunes.
  const manager = own ? ['--manager', `writer-${index}`, '--prune'] : [];
  return { folder, argv: ['apply', '-f', folder, '-o', 'json', ...manager] };
}

/** New people and bindings, also for people and teams that others may change meanwhile. */
function ownOf(org: Organisation, tape: Tape, id: string): object[] {
  const [wave, index] = id.split('x');
  // Mostly the same each time, so that what goes is not too much for the guards.
  const people = Array.from({ length: 12 + (Number(wave) % 3) }, (_, i) => `own-${index}-${i}`)
    .concat(`own-${id}`)
    .map((name) => ({ name, email: `${name}@acme.example`, displayName: '', suspended: false }));
  const withBinding = addBinding({ ...org, bindings: [] }, tape);
  return [
    ...WORKSPACES.map(workspaceManifest),
    ...people.map(personManifest),
    ...withBinding.bindings.map((binding) =>
      bindingManifest({
        ...binding,
        name: `own-${id}`,
        people: [...binding.people, ...people.slice(0, 5).map(({ name }) => name)],
      }),
    ),
  ];
}

/** A few of the people, teams and bindings of all, each changed, and some that others make at the same time. */
function sharedOf(org: Organisation, tape: Tape, id: string): object[] {
  const [wave] = id.split('x');
  const person = {
    name: `new-${wave}`,
    email: `new-${wave}@acme.example`,
    displayName: id,
    suspended: false,
  };
  return [
    ...tape.some(org.people, 5).map((one) => personManifest({ ...one, displayName: id })),
    ...tape.some(org.teams, 3).map((one) => teamManifest({ ...one, description: id })),
    ...tape.some(org.bindings, 3).map((one) => bindingManifest({ ...one, reason: id })),
    ...(tape.chance(3) ? [personManifest(person)] : []),
    personManifest({ ...person, name: `by-${id}`, email: `by-${id}@acme.example` }),
  ];
}

/** Runs them all at once and then, on a copy of the store as it was, those that got through one after the other. */
async function race(cwd: string, writers: readonly Writer[]): Promise<string[]> {
  const aside = (name: string) => path.join(cwd, name);
  const [store, twin] = [path.join(cwd, '.iam'), aside('twin')];
  const before = await inspect(store, aside('aside-before'));
  mkdirSync(twin);
  cpSync(aside('aside-before'), path.join(twin, '.iam'), { recursive: true });
  for (const { folder } of writers)
    cpSync(path.join(cwd, folder), path.join(twin, folder), { recursive: true });

  const ended = await Promise.all(writers.map(({ argv }) => program.start(cwd, argv).ended));
  const through: { writer: Writer; revision: number }[] = [];
  const ends = ended.map(({ exit, stdout, stderr }, i) => {
    const writer = writers[i];
    expect([EXIT.done, EXIT.stale], stdout + stderr).toContain(exit);
    expect(stderr).not.toMatch(/database is locked|unexpected/);
    if (exit === EXIT.stale) return `exit 5 (${/RC\d+/.exec(stderr)?.[0]})`;
    const { revision, outcomes } = JSON.parse(stdout) as { revision: number; outcomes: unknown[] };
    if (writer && outcomes.length > 0) through.push({ writer, revision });
    return 'exit 0';
  });

  inspectNames(store);
  const after = await inspect(store, aside('aside-after'));
  await inspectSnapshot(cwd, after.head.revision);
  through.sort((a, b) => a.revision - b.revision);
  expect(through.map(({ revision }) => revision)).toEqual(
    through.map((_, i) => before.head.revision + 1 + i),
  );
  expect(after.head.revision).toBe(before.head.revision + through.length);
  for (const { writer } of through) {
    const ran = await runIam([...writer.argv, '--no-snapshot'], { cwd: twin, now: Date.now });
    expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
  }
  const serial = await inspect(path.join(twin, '.iam'), aside('aside-serial'));
  expect(after.state).toEqual(serial.state);
  expect(after.revisions.map(({ summary }) => summary)).toEqual(
    serial.revisions.map(({ summary }) => summary),
  );
  for (const name of ['aside-before', 'aside-after', 'aside-serial', 'twin'])
    rmSync(aside(name), { recursive: true, force: true });
  return ends;
}

test.skipIf(process.platform === 'win32')(
  'a writer that is held up in its snapshot does not leave an old one behind (skipped on Windows: no SIGSTOP)',
  async () => {
    const cwd = mkdtempSync(path.join(tmpdir(), 'iam-writers-'));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    const org = foundOrganisation(tapeOf(1, 0), 40);
    writeFiles(path.join(cwd, 'access'), filesOf(org));
    const argv = ['apply', '-f', 'access'];
    expect(await runIam(argv, { cwd, now: Date.now })).toMatchObject({ exit: 0 });
    const say = (displayName: string) => {
      const people = org.people.map((one, i) => (i < 10 ? { ...one, displayName } : one));
      writeFiles(path.join(cwd, 'access'), filesOf({ ...org, people }));
    };
    say('first');
    const begun = firstChange(path.join(cwd, '.iam/snapshot'), /./);
    const { child, ended } = program.start(cwd, argv);
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    await begun;
    child.kill('SIGSTOP');
    say('second');
    expect(await runIam(argv, { cwd, now: Date.now })).toMatchObject({ exit: 0 });
    child.kill('SIGCONT');
    expect((await ended).exit).toBe(0);
    await inspectSnapshot(cwd, 3);
  },
);

test.skipIf(process.platform === 'win32')(
  'whoever waits for the lock can be interrupted (skipped on Windows: no SIGINT)',
  async () => {
    const cwd = mkdtempSync(path.join(tmpdir(), 'iam-writers-'));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    const manifests = (size: number) =>
      writeFiles(path.join(cwd, 'access'), filesOf(foundOrganisation(tapeOf(1, 0), size)));
    manifests(3);
    const argv = ['apply', '-f', 'access'];
    expect(await runIam(argv, { cwd, now: Date.now })).toMatchObject({ exit: 0 });
    manifests(4);
    const writer = new DatabaseSync(path.join(cwd, '.iam/iam.db'));
    onTestFinished(() => writer.close());
    writer.exec('BEGIN IMMEDIATE');
    const { child, ended } = program.start(cwd, argv);
    await sleep(1500);
    expect(child.exitCode).toBeNull();
    const began = performance.now();
    child.kill('SIGINT');
    expect((await ended).exit).toBe(130);
    expect(performance.now() - began).toBeLessThan(5000);
  },
);

/** Fails unless the snapshot is of the last revision, at the latest after an apply that changes nothing. */
async function inspectSnapshot(cwd: string, revision: number): Promise<void> {
  writeFiles(path.join(cwd, 'nothing'), { 'all.jsonl': lines(WORKSPACES.map(workspaceManifest)) });
  const ran = await runIam(['apply', '-f', 'nothing', '-o', 'json'], { cwd, now: Date.now });
  expect(JSON.parse(ran.stdout)).toMatchObject({ revision, outcomes: [] });
  const snapshots = new Snapshots();
  const texts = await snapshots.remember(cwd, WORKSPACES);
  const folder = path.join(cwd, '.iam/snapshot');
  snapshots.inspect(folder);
  expect(snapshots.strays).toBe(0);
  expect(readTree(folder)).toMatchObject(texts);
}
