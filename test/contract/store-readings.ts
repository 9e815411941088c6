import { expect } from 'vitest';
import { group, user } from '../support/resources.ts';
import { apply, create, everything, flat, reading, remove, type Test } from './entries.ts';

const MANY = 2600;

/** A reading is whole, of one moment, and never ends early in silence. */
export function readings(test: Test): void {
  const many = () => Array.from({ length: MANY }, (_, i) => group(`acme/g${i}`, ['ana', `u${i}`]));

  test('reads in batches to the end, in the same order each time', async (store) => {
    const { head } = await apply(
      store,
      many().map((one) => create(one)),
    );
    const batches = await reading(store, async (opened) => {
      const sizes: number[] = [];
      for await (const batch of opened.resources()) sizes.push(batch.length);
      return sizes;
    });
    expect(batches.length).toBeGreaterThan(1);
    expect(batches.every((size) => size > 0)).toBe(true);
    const first = await everything(store);
    expect(new Set(first.resources.map(({ id }) => id)).size).toBe(MANY);
    expect(new Set(first.edges.map(({ id, pointer }) => id + pointer)).size).toBe(2 * MANY);
    expect(first.audit.length).toBe(1 + MANY);
    expect(await everything(store)).toEqual(first);
    expect((await everything(store, { workspace: 'acme' })).resources).toEqual(first.resources);
    for (let i = 0; i < 5; i++) await apply(store, []);
    expect(await everything(store)).toMatchObject({
      head: { revision: head.revision + 5 },
      resources: first.resources,
      edges: first.edges,
    });
  });

  test('a reading stays at its moment while somebody writes', async (store) => {
    await apply(
      store,
      many().map((one) => create(one)),
    );
    const before = await everything(store);
    await reading(store, async (opened) => {
      const batches = opened.resources()[Symbol.asyncIterator]();
      const edgeBatches = opened.edges()[Symbol.asyncIterator]();
      const seen = [(await batches.next()).value, (await edgeBatches.next()).value].map((batch) => [
        ...(batch ?? []),
      ]);
      await apply(store, before.resources.slice(1).map(remove));
      for (let next = await batches.next(); !next.done; next = await batches.next())
        seen[0]?.push(...next.value);
      for (let next = await edgeBatches.next(); !next.done; next = await edgeBatches.next())
        seen[1]?.push(...next.value);
      expect(seen[0]?.length).toBe(MANY);
      expect(seen[1]).toEqual(before.edges);
      expect(opened.head).toEqual(before.head);
      expect(await flat(opened.revisions())).toEqual(before.revisions);
      expect(await flat(opened.audit())).toEqual(before.audit);
    });
    expect((await everything(store)).resources.length).toBe(1);
  });

  test('a reading that is closed in the middle throws, and does not look like the end', async (store) => {
    await apply(
      store,
      many().map((one) => create(one)),
    );
    const opened = await store.read();
    const batches = opened.resources()[Symbol.asyncIterator]();
    await batches.next();
    await opened.close();
    await expect(batches.next()).rejects.toThrow();
    await expect(flat(opened.resources())).rejects.toThrow();
  });

  test('a reading can be left in the middle, and then the store written', async (store) => {
    await apply(
      store,
      many().map((one) => create(one)),
    );
    await reading(store, async (opened) => {
      for await (const batch of opened.resources()) if (batch.length > 0) break;
    });
    expect(await apply(store, [create(user('ana'))])).toMatchObject({ head: { revision: 2 } });
  });
}
