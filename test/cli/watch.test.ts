/** `apply --watch`: after every change of the files, and exactly when the next window begins or ends. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Watching, watchAndApply } from '../../src/cli/watch.ts';
import { EXIT, failure } from '../../src/core/problem.ts';
import type { Source } from '../../src/sources/source.ts';
import { bound, desk, user } from '../support/access-desk.ts';
import { temporaryFolder, writeFiles } from '../support/folder.ts';
import { contextFor, runIam } from '../support/run-iam.ts';

const START = Date.parse('2026-11-24T12:00:00Z');
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

interface World {
  /** When each run began, by the clock of the context, from the start on. */
  readonly runs: number[];
  readonly edges: number[];
  change(): void;
  stop(): Promise<unknown>;
  stderr(): string;
}

/** Watches in a made world: `lag` is how far the clock is behind the timers. */
async function watching(edges: number[], more: Partial<Watching> = {}, lag = 0): Promise<World> {
  const stopped = Promise.withResolvers<void>();
  const now = () => Date.now() - lag;
  const { context, said } = contextFor([], { now, stopped: stopped.promise });
  const runs: number[] = [];
  let changed = () => {};
  const source: Source = {
    name: 'org.yaml',
    load: () => Promise.reject(new Error('nobody loads')),
    async watch(tell) {
      changed = tell;
      return async () => {};
    },
  };
  const ended = watchAndApply(
    context,
    source,
    {},
    {
      nextDue: async (time) => edges.filter((edge) => START + edge > time).map((edge) => START + edge)[0],
      ...more,
      async apply() {
        runs.push(now() - START);
        return more.apply ? more.apply() : EXIT.done;
      },
    },
  );
  ended.catch(() => {});
  await vi.advanceTimersByTimeAsync(0);
  return {
    runs,
    edges,
    change: () => changed(),
    async stop() {
      stopped.resolve();
      await vi.advanceTimersByTimeAsync(0);
      return ended;
    },
    stderr: () => said().stderr,
  };
}

describe('by a clock that stands still', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: START, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('it applies at once, and then at each moment to the millisecond', async () => {
    const world = await watching([1500, 1501, 90_000]);
    await vi.advanceTimersByTimeAsync(1499);
    expect(world.runs).toEqual([0]);
    await vi.advanceTimersByTimeAsync(1);
    expect(world.runs).toEqual([0, 1500]);
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(world.runs).toEqual([0, 1500, 1501, 90_000]);
    expect(await world.stop()).toBe(0);
  });

  test('a timer that is early waits for the clock', async () => {
    const world = await watching([1500, 90_000], {}, 1);
    await vi.advanceTimersByTimeAsync(1500);
    expect(world.runs).toEqual([-1]);
    await vi.advanceTimersByTimeAsync(1);
    expect(world.runs).toEqual([-1, 1500]);
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    expect(world.runs).toEqual([-1, 1500, 90_000]);
    await world.stop();
  });

  test('a moment further away than a timer can be is waited for all the same', async () => {
    const delays = vi.spyOn(globalThis, 'setTimeout');
    const world = await watching([30 * DAY]);
    await vi.advanceTimersByTimeAsync(30 * DAY - 1);
    expect(world.runs).toEqual([0]);
    await vi.advanceTimersByTimeAsync(1);
    expect(world.runs).toEqual([0, 30 * DAY]);
    for (const [, delay = 0] of delays.mock.calls) expect(delay).toBeLessThanOrEqual(MINUTE);
    await world.stop();
  });

  test('an earlier moment that another process brings is seen within a minute', async () => {
    const world = await watching([DAY]);
    await vi.advanceTimersByTimeAsync(10 * MINUTE + 1000);
    world.edges.unshift(11 * MINUTE + 500);
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    expect(world.runs).toEqual([0, 11 * MINUTE + 500]);
    await world.stop();
  });

  test('without any moment it goes on looking, and applies when files change', async () => {
    const world = await watching([]);
    await vi.advanceTimersByTimeAsync(DAY);
    expect(world.runs).toEqual([0]);
    world.change();
    await vi.advanceTimersByTimeAsync(100);
    world.change();
    await vi.advanceTimersByTimeAsync(199);
    expect(world.runs).toEqual([0]);
    await vi.advanceTimersByTimeAsync(1);
    expect(world.runs).toEqual([0, DAY + 300]);
    world.edges.push(DAY + 90_000);
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    expect(world.runs).toEqual([0, DAY + 300, DAY + 90_000]);
    await world.stop();
  });

  test('what comes due while it applies is applied right after', async () => {
    const apply = () => new Promise<0>((done) => setTimeout(() => done(0), 500));
    const world = await watching([200, 2000], { apply });
    await vi.advanceTimersByTimeAsync(501);
    const [, second = 0] = world.runs;
    expect(second - 500).toBeLessThanOrEqual(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(world.runs).toEqual([0, second, 2000]);
    await world.stop();
  });

  test('a run that fails at a moment for a reason outside of the files is tried again after a minute', async () => {
    let left = 2;
    const apply = async () => {
      if (left-- > 0) throw failure(EXIT.stale, 'RC407', 'another process is writing');
      return EXIT.done;
    };
    const world = await watching([1000], { apply });
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(world.runs).toEqual([0, MINUTE, 2 * MINUTE]);
    await world.stop();
  });

  test('mistakes in the files are told, and not tried again until something changes or is due', async () => {
    const apply = async () => {
      throw failure(EXIT.invalid, 'RC121', 'this is wrong');
    };
    const world = await watching([1000, 2 * MINUTE], { apply });
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(world.runs).toEqual([0, 1000, 2 * MINUTE]);
    expect(world.stderr().match(/RC121: this is wrong/g)).toHaveLength(3);
    expect(await world.stop()).toBe(0);
  });

  test('a store that cannot say what is next is told, and asked again', async () => {
    let asked = 0;
    const nextDue = async () => {
      asked++;
      if (asked < 3) throw failure(EXIT.error, 'RC408', 'no answer');
      return START + 5 * MINUTE;
    };
    const world = await watching([], { nextDue });
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    expect(world.runs).toEqual([0, 5 * MINUTE]);
    expect(world.stderr().match(/RC408: no answer/g)).toHaveLength(2);
    await world.stop();
  });

  test('an error that nobody foresaw ends it', async () => {
    const nextDue = () => Promise.reject(new Error('broken'));
    const world = await watching([1000], { nextDue });
    await expect(world.stop()).rejects.toThrow('broken');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('stopped it leaves no timer, and begins nothing more', async () => {
    const world = await watching([1000]);
    world.change();
    await world.stop();
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(DAY);
    expect(world.runs).toEqual([0]);
  });
});

test('by the real clock the files are right within 250 ms of an end, and not before', async () => {
  const cwd = temporaryFolder();
  const ends = [1500, 2300, 3100].map((after) => Date.now() + after);
  const names = ends.map((_, i) => `until-${i}`);
  const org = [
    '---\napiVersion: rolecall.dev/v1alpha1\nkind: Workspace\nmetadata: {name: acme}\nspec: {displayName: Acme, tier: Business}\n',
    user('ana'),
    bound('owners', 'workspace-owner', '{name: ana}', '{type: Workspace}'),
    ...ends.map((end, i) =>
      bound(
        `until-${i}`,
        'source-read-only',
        '{name: ana}',
        '{type: Workspace}',
        `, expiresAt: "${new Date(end).toISOString()}"`,
      ),
    ),
  ].join('');
  writeFiles(cwd, { 'org.yaml': org });
  const stopped = Promise.withResolvers<void>();
  const ran = runIam(['apply', '-f', 'org.yaml', '--watch', '--yes'], {
    cwd,
    now: () => Date.now(),
    stopped: stopped.promise,
  });
  const grants = path.join(cwd, '.iam/snapshot/acme.grants.csv');
  const gone: number[] = [];
  await vi.waitFor(() => readFileSync(grants), { timeout: 1400, interval: 5 });
  for (const name of names) {
    await vi.waitFor(() => expect(readFileSync(grants, 'utf8')).not.toContain(name), {
      timeout: 10_000,
      interval: 2,
    });
    gone.push(Date.now());
  }
  stopped.resolve();
  const { exit, stdout, stderr } = await ran;
  const late = gone.map((time, i) => time - (ends[i] ?? 0));
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  // What else the machine does may hold up one of them.
  expect(Math.min(...late)).toBeLessThanOrEqual(250);
  expect(exit).toBe(0);
  for (const name of names) expect(stdout).toContain(`1 access has ended: RoleBinding acme/${name} (`);
  expect(stderr).toContain('watching org.yaml, stop with Ctrl-C\n');
}, 30_000);

test('with JSON each run is a document, of which the one at the end says what has ended', async () => {
  const at = await desk(
    [
      '---\napiVersion: rolecall.dev/v1alpha1\nkind: Workspace\nmetadata: {name: acme}\nspec: {displayName: Acme, tier: Business}\n',
      user('ana', `, expiresAt: "${new Date(Date.now() + 1000).toISOString()}"`),
    ].join(''),
    { store: false },
  );
  const stopped = Promise.withResolvers<void>();
  setTimeout(() => stopped.resolve(), 1600);
  const { exit, stdout } = await at.iam('apply -f org.yaml --watch --yes -o json', {
    now: () => Date.now(),
    stopped: stopped.promise,
  });
  expect(exit).toBe(0);
  const outcomes = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(outcomes.map(({ retired = [] }) => retired.length)).toEqual([0, 1]);
});
