import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WorkQueue, type WorkQueueOptions, type WorkResult } from '../../src/engine/work-queue.ts';

type Key = 'a' | 'b' | 'c' | 'd';
const KEYS: readonly Key[] = ['a', 'b', 'c', 'd'];

/** A queue of which each work takes until it is let go. */
function bench(options: Partial<WorkQueueOptions<Key>> = {}) {
  const begun: Key[] = [];
  const failures: { key: Key; wait: number }[] = [];
  const running = new Map<Key, PromiseWithResolvers<WorkResult>>();
  const queue = new WorkQueue<Key>({
    work(key) {
      if (running.has(key)) throw new Error(`${key} is worked on twice at once`);
      const one = Promise.withResolvers<WorkResult>();
      running.set(key, one);
      begun.push(key);
      return one.promise.finally(() => running.delete(key));
    },
    failed: (key, _, wait) => failures.push({ key, wait }),
    // Without jitter: the whole of each wait.
    random: () => 1,
    ...options,
  });
  const settle = () => vi.advanceTimersByTimeAsync(0);
  return {
    queue,
    begun,
    failures,
    running,
    async end(key: Key, result: WorkResult = {}) {
      running.get(key)?.resolve(result);
      await settle();
    },
    async fail(key: Key) {
      running.get(key)?.reject(new Error('not today'));
      await settle();
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a work queue', () => {
  test('works on nothing before it is started, and then in the order of coming', async () => {
    const { queue, begun, end } = bench();
    for (const key of ['c', 'a', 'b', 'a'] as const) queue.add(key);
    expect(begun).toEqual([]);
    expect(queue.depth).toBe(3);
    queue.start();
    await end('c');
    await end('a');
    await end('b');
    expect(begun).toEqual(['c', 'a', 'b']);
    expect(queue.depth).toBe(0);
    expect(queue.workingSince).toBeUndefined();
  });

  test('takes those of lower rank first, though others came before', async () => {
    const { queue, begun, end } = bench({ rank: (key) => (key === 'd' ? 0 : 1) });
    queue.start();
    for (const key of ['a', 'b', 'd', 'c'] as const) queue.add(key);
    for (const key of ['a', 'd', 'b', 'c'] as const) await end(key);
    expect(begun).toEqual(['a', 'd', 'b', 'c']);
  });

  test('works once more on what is added while it is worked on, however often', async () => {
    const { queue, begun, end } = bench();
    queue.start();
    queue.add('a');
    for (let times = 0; times < 5; times++) queue.add('a');
    expect(begun).toEqual(['a']);
    expect(queue.depth).toBe(1);
    await end('a');
    expect(begun).toEqual(['a', 'a']);
    await end('a');
    expect(begun).toEqual(['a', 'a']);
  });

  test('works on several at once when it may, and never on more', async () => {
    const { queue, running, end } = bench({ workers: 2 });
    queue.start();
    for (const key of KEYS) queue.add(key);
    expect([...running.keys()]).toEqual(['a', 'b']);
    await end('b');
    expect([...running.keys()]).toEqual(['a', 'c']);
    expect(queue.workingSince).toBe(performance.now());
  });

  test('adds later, or earlier when it is asked to be earlier', async () => {
    const { queue, begun, end } = bench();
    queue.start();
    queue.addAfter('a', 1000);
    queue.addAfter('a', 5000);
    await vi.advanceTimersByTimeAsync(999);
    expect(begun).toEqual([]);
    queue.addAfter('b', 3000);
    queue.addAfter('b', 10);
    await vi.advanceTimersByTimeAsync(10);
    expect(begun).toEqual(['a']);
    await end('a');
    expect(begun).toEqual(['a', 'b']);
    await end('b');
    // None of the later ones is left.
    await vi.advanceTimersByTimeAsync(60_000);
    expect(begun).toEqual(['a', 'b']);
  });

  test('forgets that it was to add later what is added now', async () => {
    const { queue, begun, end } = bench();
    queue.start();
    queue.addAfter('a', 1000);
    queue.add('a');
    await end('a');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(begun).toEqual(['a']);
  });

  test('waits for longer than a timer can', async () => {
    const { queue, begun } = bench();
    queue.start();
    const month = 31 * 24 * 3_600_000;
    queue.addAfter('a', month);
    await vi.advanceTimersByTimeAsync(month - 1);
    expect(begun).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(begun).toEqual(['a']);
  });

  test('works again when work says so, or at once when it was added meanwhile', async () => {
    const { queue, begun, end } = bench();
    queue.start();
    queue.add('a');
    await end('a', { againAfter: 1000 });
    await vi.advanceTimersByTimeAsync(999);
    expect(begun).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(1);
    expect(begun).toEqual(['a', 'a']);
    queue.add('a');
    await end('a', { againAfter: 1000 });
    expect(begun).toEqual(['a', 'a', 'a']);
    await end('a');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(begun).toEqual(['a', 'a', 'a']);
  });

  test('tries what fails again, later each time, and soon again after it has succeeded', async () => {
    const { queue, failures, fail, end } = bench();
    queue.start();
    queue.add('a');
    for (let times = 0; times < 14; times++) {
      await fail('a');
      await vi.advanceTimersByTimeAsync(failures.at(-1)?.wait ?? 0);
    }
    const waits = failures.map(({ wait }) => wait);
    expect(waits.slice(0, 6)).toEqual([200, 400, 800, 1600, 3200, 6400]);
    expect(waits.slice(-3)).toEqual([300_000, 300_000, 300_000]);
    await end('a');
    queue.add('a');
    await fail('a');
    expect(failures.at(-1)?.wait).toBe(200);
  });

  test('works at once on what has failed, when it is added', async () => {
    const { queue, begun, fail, end } = bench();
    queue.start();
    queue.add('a');
    await fail('a');
    queue.add('a');
    expect(begun).toEqual(['a', 'a']);
    await end('a');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(begun).toEqual(['a', 'a']);
  });

  test('spreads the waits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, noNaN: true }), async (random) => {
        const { queue, failures, fail } = bench({ random: () => random });
        queue.start();
        queue.add('a');
        await fail('a');
        expect(failures[0]?.wait).toBeGreaterThanOrEqual(100);
        expect(failures[0]?.wait).toBeLessThanOrEqual(200);
        await queue.stop();
      }),
    );
  });

  test('of many keys that fail at once tries a hundred soon, and then ten a second', async () => {
    const waits: number[] = [];
    const queue = new WorkQueue<`${number}`>({
      work: () => Promise.reject(new Error('not today')),
      failed: (_key, _error, wait) => waits.push(wait),
      random: () => 1,
      workers: 300,
    });
    for (let key = 0; key < 150; key++) queue.add(`${key}`);
    queue.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(waits).toHaveLength(150);
    expect(waits.filter((wait) => wait === 200)).toHaveLength(102);
    expect(Math.max(...waits)).toBe(5000);
    await queue.stop();
  });

  test('begins nothing more once it is stopped, and waits for what is worked on', async () => {
    const { queue, begun, running, end } = bench();
    queue.start();
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 10);
    let isStopped = false;
    const stopped = queue.stop().then(() => {
      isStopped = true;
    });
    queue.add('a');
    queue.addAfter('d', 10);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(1000);
    expect(isStopped).toBe(false);
    await end('a', { againAfter: 10 });
    await stopped;
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(1000);
    expect(begun).toEqual(['a']);
    expect(running.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is stopped though what it works on fails', async () => {
    const { queue, begun, fail } = bench();
    queue.start();
    queue.add('a');
    const stopped = queue.stop();
    await fail('a');
    await stopped;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(begun).toEqual(['a']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('tells an observer all of it', async () => {
    const told: string[] = [];
    const observer = {
      added: (key: string, depth: number) => told.push(`added ${key} ${depth}`),
      started: (key: string, waited: number, depth: number) => told.push(`started ${key} ${waited} ${depth}`),
      done: (key: string, worked: number, result: string) => told.push(`done ${key} ${worked} ${result}`),
      retried: (key: string) => told.push(`retried ${key}`),
    };
    const { queue, end, fail } = bench({ observer });
    queue.add('a');
    await vi.advanceTimersByTimeAsync(30);
    queue.start();
    await vi.advanceTimersByTimeAsync(5);
    await fail('a');
    await vi.advanceTimersByTimeAsync(200);
    await end('a', { againAfter: 1000 });
    await vi.advanceTimersByTimeAsync(1000);
    await end('a');
    expect(told).toEqual([
      'added a 1',
      'started a 30 0',
      'retried a',
      'done a 5 error',
      'added a 1',
      'started a 0 0',
      'done a 0 again',
      'added a 1',
      'started a 0 0',
      'done a 0 success',
    ]);
  });
});

type Step =
  | { readonly do: 'add'; readonly key: Key }
  | { readonly do: 'later'; readonly key: Key; readonly wait: number }
  | { readonly do: 'end'; readonly at: number; readonly result: WorkResult | 'error' }
  | { readonly do: 'pass'; readonly time: number };

const key = fc.constantFrom(...KEYS);
const wait = fc.integer({ min: 0, max: 1000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key }),
  fc.record({ do: fc.constant('later' as const), key, wait }),
  fc.record({
    do: fc.constant('end' as const),
    at: fc.nat(10),
    result: fc.constantFrom<WorkResult | 'error'>({}, { againAfter: 300 }, 'error'),
  }),
  fc.record({ do: fc.constant('pass' as const), time: wait }),
);

test('whatever comes in whatever order, none is worked on twice at once, and none that was added is forgotten', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      async (steps, workers) => {
        vi.clearAllTimers();
        const { queue, begun, running, end, fail } = bench({ workers });
        queue.start();
        /** How often work has begun on a key when it was last added: it must begin once more. */
        const owed = new Map<Key, number>();
        const begunOf = (of: Key) => begun.filter((one) => one === of).length;
        for (const one of steps) {
          if (one.do === 'add') {
            owed.set(one.key, begunOf(one.key));
            queue.add(one.key);
          } else if (one.do === 'later') queue.addAfter(one.key, one.wait);
          else if (one.do === 'pass') await vi.advanceTimersByTimeAsync(one.time);
          else {
            const ended = [...running.keys()][one.at % Math.max(1, running.size)];
            if (ended && one.result === 'error') await fail(ended);
            else if (ended && one.result !== 'error') await end(ended, one.result);
          }
          expect(running.size).toBeLessThanOrEqual(workers);
          // As long as there is room nobody waits, but for himself.
          if (running.size < workers)
            for (const [of, before] of owed) expect(begunOf(of) > before || running.has(of), of).toBe(true);
        }
        while (running.size > 0) for (const one of [...running.keys()]) await end(one);
        for (const [of, before] of owed) expect(begunOf(of), of).toBeGreaterThan(before);
        await queue.stop();
        expect(vi.getTimerCount()).toBe(0);
      },
    ),
  );
});
