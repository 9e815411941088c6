import { describe, expect, it } from 'vitest';
import { toManifest } from '../../src/core/resource.ts';
import { KIND_NAMES } from '../../src/kinds/index.ts';
import { StaleBase, type Store } from '../../src/stores/store.ts';
import { group, user, workspace } from '../support/resources.ts';
import {
  act,
  apply,
  applyOn,
  create,
  everything,
  headOf,
  NOWHERE,
  remove,
  stored,
  type Test,
  update,
} from './entries.ts';
import { edges } from './store-edges.ts';
import { lookups } from './store-lookups.ts';
import { readings } from './store-readings.ts';
import { records } from './store-records.ts';
import { redactions } from './store-redactions.ts';
import { resources } from './store-resources.ts';
import { secrets } from './store-secrets.ts';
import { time } from './store-time.ts';

export interface StoreContract {
  readonly name: string;
  /** A store that does not exist yet, another one each time. The suite closes it. */
  readonly newStore: () => Store | Promise<Store>;
  /** Tests that this store cannot pass, by title, and why. */
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[];
}

/** What every store must do (src/stores/store.ts). Each calls it in a dozen lines. */
export function storeContract({ name, newStore, skip = [] }: StoreContract): void {
  describe(`store contract: ${name}`, () => {
    const titles = new Set<string>();
    const test: Test = (title, run) => {
      titles.add(title);
      const skipped = skip.find(({ tests }) => tests.includes(title));
      it(title, async (context) => {
        if (skipped) {
          console.log(`skipped for ${name}: ${title} (${skipped.reason})`);
          context.skip(skipped.reason);
        }
        const store = await newStore();
        try {
          await run(store);
        } finally {
          await store.close();
        }
      });
    };
    creation(test);
    bases(test);
    resources(test);
    readings(test);
    lookups(test);
    edges(test);
    records(test);
    time(test);
    secrets(test);
    redactions(test);
    it('skips only tests that there are', () => {
      expect(skip.flatMap(({ tests }) => tests).filter((title) => !titles.has(title))).toEqual([]);
    });
  });
}

const NOTHING = {
  head: { store: null, revision: 0, auditHead: null, snapshotRevision: 0 },
  resources: [],
  edges: [],
  revisions: [],
  audit: [],
};

function creation(test: Test): void {
  test('answers for every Kind', async ({ supports, location }) => {
    expect(Object.keys(supports.kinds).sort()).toEqual([...KIND_NAMES].sort());
    expect(location).not.toBe('');
  });

  test('a store that does not exist reads as empty, and stays absent', async (store) => {
    expect(await everything(store)).toEqual(NOTHING);
    expect(await everything(store, { workspace: 'acme' })).toEqual(NOTHING);
    expect(await store.write(applyOn(NOWHERE, []))).toMatchObject({ created: true });
  });

  test('the first apply makes the store, and it keeps its id', async (store) => {
    const first = await store.write(applyOn(NOWHERE, [create(user('ana'))]));
    expect(first).toMatchObject({ created: true, head: { revision: 1, store: expect.stringMatching(/./) } });
    expect(await headOf(store)).toEqual(first.head);
    const second = await apply(store, [create(user('bo'))]);
    expect(second).toMatchObject({ created: false, head: { revision: 2, store: first.head.store } });
    expect(await headOf(store)).toEqual(second.head);
  });

  test('a refusal and a snapshot make no store', async (store) => {
    const refusal = { type: 'refused', act: act(), digest: 'd', verdicts: [] } as const;
    for (const entry of [refusal, { type: 'snapshot', revision: 1 } as const]) {
      expect(await store.write(entry)).toEqual({ head: NOTHING.head, created: false });
    }
    expect(await everything(store)).toEqual(NOTHING);
  });

  test('a first apply that fails makes no store', async (store) => {
    await expect(store.write(applyOn(NOWHERE, [create(user('ana')), unknown('bo')]))).rejects.toThrow();
    expect(await everything(store)).toEqual(NOTHING);
    expect(await store.write(applyOn(NOWHERE, [create(user('ana'))]))).toMatchObject({ created: true });
  });
}

function bases(test: Test): void {
  test('refuses an older revision, a later one and another store', async (store) => {
    await apply(store, [create(user('ana'))]);
    const { head } = await apply(store, [create(user('bo'))]);
    const before = await everything(store);
    for (const base of [
      { store: head.store, revision: 1 },
      { store: head.store, revision: 3 },
      { store: 'another', revision: 2 },
    ]) {
      const refused = store.write(applyOn(base, [create(user('cy'))]));
      await expect(refused).rejects.toBeInstanceOf(StaleBase);
      await expect(refused).rejects.toMatchObject({ found: { store: head.store, revision: 2 } });
    }
    expect(await everything(store)).toEqual(before);
  });

  test('takes a base without a store only while there is no revision', async (store) => {
    await store.write(applyOn(NOWHERE, [create(user('ana'))]));
    await expect(store.write(applyOn(NOWHERE, [create(user('bo'))]))).rejects.toBeInstanceOf(StaleBase);
  });

  test('refuses a base in a store that is gone', async (store) => {
    await expect(
      store.write(applyOn({ store: 'gone', revision: 7 }, [create(user('ana'))])),
    ).rejects.toBeInstanceOf(StaleBase);
    expect(await everything(store)).toEqual(NOTHING);
  });

  test('of two that write on the same base one wins', async (store) => {
    const { head } = await apply(store, [create(user('ana'))]);
    const both = await Promise.allSettled(
      ['bo', 'cy'].map((name) => store.write(applyOn(head, [create(user(name))]))),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: expect.any(StaleBase) });
    expect(await everything(store)).toMatchObject({ head: { revision: 2 }, resources: { length: 2 } });
  });

  test('writes all or nothing', async (store) => {
    await apply(store, [create(workspace('acme')), create(user('ana')), create(group('acme/devs', ['ana']))]);
    const before = await everything(store);
    const devs = await stored(store, 'Group/acme/devs');
    const ana = await stored(store, 'User//ana');
    const good = [create(user('bo')), update(devs, group('acme/devs', ['ana', 'bo'])), remove(ana)];
    const bad = [
      unknown('cy'),
      { ...unknown('cy'), action: 'delete', after: null } as const,
      create(workspace('acme')),
      update(ana, user('bo')),
    ];
    for (const failing of bad) {
      const entry = applyOn(before.head, [...good.slice(0, 2), failing, ...good.slice(2)]);
      await expect(store.write(entry), failing.id).rejects.toThrow();
      expect(await everything(store), failing.id).toEqual(before);
    }
    await store.write(applyOn(before.head, good));
  });
}

/** A change of something that the store does not have. */
function unknown(name: string) {
  const ghost = user(name);
  return { ...create(ghost), action: 'update' as const, uid: 'no-such-uid', before: toManifest(ghost) };
}
