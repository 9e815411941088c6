import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Resource } from '../../src/kinds/index.ts';
import { integerArray, textArray } from '../../src/stores/postgres/arrays.ts';
import { chunks } from '../../src/stores/postgres/batching.ts';
import type { Store, WriteChange } from '../../src/stores/store.ts';
import { apply, create, type Everything, everything, remove, update } from '../contract/entries.ts';
import { inMemoryStore } from '../support/in-memory-store.ts';
import { ask, newStore, serverUrl } from '../support/postgres.ts';
import { group, user } from '../support/resources.ts';

describe('changes written many at a time', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const step = fc.oneof(
    fc.record({ do: fc.constant('create' as const), name }),
    fc.record({
      do: fc.constant('update' as const),
      at: fc.nat(4),
      name,
      members: fc.subarray(['x', 'y', 'z']),
    }),
    fc.record({ do: fc.constant('remove' as const), at: fc.nat(4) }),
  );
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  /** The changes that the steps are, on what was there at first; those of what is not there are left out. */
  function changesOf({ resources }: Everything, steps: readonly Step[]): WriteChange[] {
    return steps.flatMap((one) => {
      if (one.do === 'create') return [create(group(`acme/${one.name}`, ['x']))];
      const there = resources[one.at];
      if (!there) return [];
      return one.do === 'remove'
        ? [remove(there)]
        : [update(there, group(`acme/${one.name}`, [...one.members]) as Resource)];
    });
  }

  /** All but uids and hashes, which differ from store to store. */
  function comparable({ head, resources, edges, audit, revisions }: Everything) {
    const uids = new Map(resources.map(({ uid, id }) => [uid, id]));
    return {
      revision: head.revision,
      revisions,
      resources: resources.map(({ id, body, manager }) => ({ id, body, manager })).sort(byId),
      edges: edges.map((edge) => JSON.stringify(edge)).sort(),
      audit: audit.map(({ seq, action, identity, before, after, uid }) => [
        seq,
        action,
        identity,
        before,
        after,
        uids.get(uid ?? ''),
      ]),
    };
  }

  function byId(a: { id: string }, b: { id: string }): number {
    return a.id < b.id ? -1 : 1;
  }

  async function outcome(store: Store, steps: readonly Step[]) {
    await apply(
      store,
      ['a', 'b', 'c'].map((one) => create(group(`acme/${one}`, ['x', 'y']))),
    );
    const before = await everything(store);
    const written = await apply(store, changesOf(before, steps)).then(
      () => 'written',
      () => 'refused',
    );
    return { written, ...comparable(await everything(store)) };
  }

  test('mean what they mean one after the other', { timeout: 120_000 }, async () => {
    let written = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        const expected = await outcome(inMemoryStore(), steps);
        if (expected.written === 'written') written += 1;
        expect(await outcome(await newStore(), steps)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
    expect(written).toBeGreaterThan(5);
  });

  test('are taken a part at a time, which names no resource twice', () => {
    const change = (uid: string | null): WriteChange => ({ ...create(user('ana')), uid });
    const sizes = (uids: readonly (string | null)[], size = { changes: 3, text: 1e6 }) =>
      [...chunks(uids.map(change), size)].map(({ length }) => length);
    expect(sizes([])).toEqual([]);
    expect(sizes([null, null, null, null])).toEqual([3, 1]);
    expect(sizes(['a', 'b', 'a', 'b', 'c'])).toEqual([2, 3]);
    expect(sizes([null, null], { changes: 3, text: 1 })).toEqual([1, 1]);
    // No more is taken than is asked for.
    let taken = 0;
    const endless = (function* () {
      for (;;) {
        taken += 1;
        yield change(null);
      }
    })();
    chunks(endless, { changes: 3, text: 1e6 }).next();
    expect(taken).toBe(4);
  });
});

test('arrays in binary form are what they were', async () => {
  const texts = [null, '', 'é', '𝒜', '{"a":"\\"b"}', 'NULL', ',', 'x'.repeat(100_000)];
  const numbers = [0, 1, -1, Number.MAX_SAFE_INTEGER];
  const server = await serverUrl();
  const sql = 'SELECT $1::text[] AS texts, $2::bigint[] AS numbers';
  expect(await ask(server, sql, [textArray(texts), integerArray(numbers)])).toEqual([
    { texts, numbers: numbers.map(String) },
  ]);
  expect(await ask(server, sql, [textArray([]), integerArray([])])).toEqual([{ texts: [], numbers: [] }]);
});
