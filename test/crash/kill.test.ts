import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { EXIT } from '../../src/core/problem.ts';
import { type Found, inspect, inspectNames, Snapshots } from '../support/crash-checks.ts';
import {
  edited,
  filesOf,
  foundOrganisation,
  type Organisation,
  settled,
  WORKSPACES,
} from '../support/crash-organisation.ts';
import { builtProgram, type Ended, firstChange, type Running } from '../support/crash-program.ts';
import { seedOfRun, tapeOf } from '../support/crash-random.ts';
import { readTree, writeFiles } from '../support/folder.ts';
import { runIam } from '../support/run-iam.ts';
import type { Tape } from '../support/tape.ts';

const KILLS = process.env.ROLECALL_LONG === '1' ? 2000 : 50;
/** Kills in one store, from the moment before it is made. */
const KILLS_OF_A_STORE = KILLS > 50 ? 25 : 10;
const APPLY = ['apply', '-f', 'access', '--prune'];
const program = builtProgram();
afterAll(() => program.remove());

/** When to kill: at any time of the run, soon after it has the lock, or soon after it begins with the snapshot. */
const MOMENTS = ['any time', 'in the write', 'in the snapshot'] as const;
type Moment = (typeof MOMENTS)[number];

test(`${KILLS} kills of iam apply leave the store at a revision and the snapshot whole`, {
  timeout: KILLS * 6000,
}, async () => {
  const seed = seedOfRun();
  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  let lab: Lab | undefined;
  onTestFinished(() => lab?.remove());
  for (let round = 0, killed = 0; killed < KILLS; round++) {
    const tape = tapeOf(seed, round);
    if (!lab || lab.kills === KILLS_OF_A_STORE) {
      lab?.remove();
      lab = await newLab(tape);
    }
    try {
      const wasKilled = await lab.round(tape, tape.pick(MOMENTS), count);
      if (!wasKilled) continue;
      killed++;
      if (killed % 5 === 0) await lab.converge();
    } catch (error) {
      throw new Error(`ROLECALL_SEED=${seed}, round ${round}, after ${killed} kills`, { cause: error });
    }
  }
  const said = Object.entries(counts).map(([what, times]) => `${what}: ${times}`);
  console.log(`${KILLS} kills, seed ${seed}; ${said.sort().join(', ')}`);
});

/** How long the latest run took that was not killed, in milliseconds. */
let duration = 300;

interface Lab {
  readonly kills: number;
  /** Applies an edited organisation, kills that, and looks at what is there. False when it had ended already. */
  round(tape: Tape, moment: Moment, count: (what: string) => void): Promise<boolean>;
  /** Applies to the end, and looks whether nothing is left to do. */
  converge(): Promise<void>;
  remove(): void;
}

/** A folder with manifests, and a store that is not there yet. */
async function newLab(tape: Tape): Promise<Lab> {
  const cwd = mkdtempSync(path.join(tmpdir(), 'iam-kill-'));
  const store = path.join(cwd, '.iam');
  const snapshots = new Snapshots();
  let org: Organisation = foundOrganisation(tape, 20 + tape.below(150));
  let before = await look();
  let kills = 0;

  async function look(): Promise<Found> {
    const aside = path.join(cwd, 'aside');
    try {
      inspectNames(store);
      const found = await inspect(store, aside);
      if (found.head.revision > 0) {
        // From a copy too: reading would mend the store.
        mkdirSync(path.join(aside, '.iam'));
        for (const name of ['iam.db', 'iam.db-wal', 'iam.db-shm'])
          if (existsSync(path.join(aside, name)))
            cpSync(path.join(aside, name), path.join(aside, '.iam', name));
        await snapshots.remember(aside, WORKSPACES);
      }
      snapshots.inspect(path.join(store, 'snapshot'));
      return found;
    } finally {
      rmSync(aside, { recursive: true, force: true });
    }
  }

  function writeManifests(desired: Organisation): void {
    rmSync(path.join(cwd, 'access'), { recursive: true, force: true });
    writeFiles(path.join(cwd, 'access'), filesOf(desired));
  }

  /** The state that an apply makes which nobody kills; undefined when a guard refuses it. */
  async function undisturbed(): Promise<Found | undefined> {
    const twin = path.join(cwd, 'twin');
    try {
      mkdirSync(twin);
      cpSync(path.join(cwd, 'access'), path.join(twin, 'access'), { recursive: true });
      // Without what iam remembers of files: a kill must not make it hide a change.
      const isNoCache = (from: string) => !path.basename(from).startsWith('cache-');
      if (existsSync(store)) cpSync(store, path.join(twin, '.iam'), { recursive: true, filter: isNoCache });
      const ran = await runIam([...APPLY, '--no-snapshot'], { cwd: twin, now: Date.now });
      if (ran.exit === EXIT.refused) return undefined;
      expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
      return await inspect(path.join(twin, '.iam'), path.join(twin, 'aside'));
    } finally {
      rmSync(twin, { recursive: true, force: true });
    }
  }

  return {
    get kills() {
      return kills;
    },
    async round(tape, moment, count) {
      const desired = before.head.revision === 0 ? org : edited(org, tape);
      writeManifests(desired);
      const expected = await undisturbed();
      if (!expected) {
        count('refused by a guard, not run');
        return false;
      }
      const began = performance.now();
      const running = program.start(cwd, APPLY);
      const ended = await killAt(running, moment, store, (tape.below(10_000) / 10_000) * 1.05);
      const after = await look();
      if (after.head.revision === before.head.revision) expect(after.state).toEqual(before.state);
      else {
        expect(after.head.revision).toBe(before.head.revision + 1);
        expect(after.state).toEqual(expected.state);
        org = settled(desired);
      }
      const committed = after.head.revision > before.head.revision;
      const marked = after.head.snapshotRevision === after.head.revision;
      before = after;
      if (ended.exit !== null) {
        expect(ended.exit, ended.stderr).toBe(0);
        duration = performance.now() - began;
        count('ended before it was killed');
        return false;
      }
      kills++;
      for (let i = snapshots.strays; i > 0; i--) count('temporary files of snapshots seen');
      if (after.head.store === null) count('no store yet');
      else if (!committed) count('before the commit');
      else count(marked ? 'after the snapshot' : 'after the commit');
      if (existsSync(path.join(store, 'iam.db-holder'))) count('of these, with the lock held');
      return true;
    },
    async converge() {
      writeManifests(org);
      const ended = await program.start(cwd, APPLY).ended;
      expect(ended.exit, ended.stdout + ended.stderr).toBe(0);
      before = await look();
      expect(before.head.snapshotRevision).toBe(before.head.revision);
      for (const full of [[], ['--full']]) {
        const ran = await runIam(['plan', ...APPLY.slice(1), '--exit-code', ...full], { cwd, now: Date.now });
        expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
      }
      expect(snapshots.strays, 'temporary files that kills left').toBe(0);
      const files = readTree(path.join(store, 'snapshot'));
      expect(files).toMatchObject(await snapshots.remember(cwd, WORKSPACES));
    },
    remove: () => rmSync(cwd, { recursive: true, force: true }),
  };
}

/** Kills after `share` of what the run, or the part that is meant, may take. */
async function killAt(
  { child, ended }: Running,
  moment: Moment,
  store: string,
  share: number,
): Promise<Ended> {
  const stopWaiting = new AbortController();
  const watched = {
    'any time': undefined,
    'in the write': store,
    'in the snapshot': path.join(store, 'snapshot'),
  };
  const folder = watched[moment];
  const part = moment === 'in the write' ? duration / 10 : duration / 5;
  const isDone = ended.then(() => stopWaiting.abort());
  try {
    if (folder === undefined || !existsSync(folder)) await sleep(share * duration, undefined, stopWaiting);
    else {
      await firstChange(folder, moment === 'in the write' ? /-holder$/ : /./, stopWaiting.signal);
      await sleep(share * part, undefined, stopWaiting);
    }
    child.kill('SIGKILL');
  } catch (error) {
    if (!stopWaiting.signal.aborted) throw error;
  }
  await isDone;
  return ended;
}
