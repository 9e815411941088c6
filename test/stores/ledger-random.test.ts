import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import { type Entry, StaleSecrets, type Store } from '../../src/stores/store.ts';
import { act, apply, create, everything, flat, reading, remove, update } from '../contract/entries.ts';
import { isChain } from '../contract/store-records.ts';
import { temporaryFolder } from '../support/folder.ts';
import { inMemoryStore } from '../support/in-memory-store.ts';
import { newStore } from '../support/postgres.ts';
import { group, token } from '../support/resources.ts';

const name = fc.constantFrom('a', 'b');
/** Hours: the time goes on by one with each step. */
const end = fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined });
const secret = fc.constantFrom('s0', 's1', 's2', 's3', 's4', 's5');
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('token' as const), name, end, revoked: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('group' as const), end, begin: end }) },
  fc.record({ do: fc.constant('remove' as const), name }),
  { weight: 4, arbitrary: fc.record({ do: fc.constant('issue' as const), name, follows: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delivered' as const), secret, overlap: fc.nat(5) }) },
  fc.record({ do: fc.constant('settled' as const), secret }),
  fc.record({ do: fc.constant('redact' as const), rows: fc.array(fc.integer({ min: -1, max: 30 })) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function hour(hours: number): string {
  return new Date(Date.parse('2026-06-01T00:00:00Z') + hours * 3_600_000).toISOString().replace('.000Z', 'Z');
}

const until = (end: number | undefined) => (end === undefined ? {} : { expiresAt: hour(end) });

/** Does one thing to a store, at an hour. Whether it was refused as stale. */
async function take(store: Store, one: Step, now: number): Promise<boolean> {
  const at = hour(now);
  const { resources } = await everything(store);
  const there = (id: string) => resources.find((stored) => stored.id === id);
  const write = async (entry: Entry) => {
    await store.write(entry);
  };
  try {
    switch (one.do) {
      case 'token':
      case 'group': {
        const after =
          one.do === 'token'
            ? token(`acme/${one.name}`, 'ana', { revoked: one.revoked, ...until(one.end) })
            : group('acme/g', [
                { name: 'ana', ...until(one.end) },
                ...(one.begin ? [{ name: 'bo', notBefore: hour(one.begin) }] : []),
              ]);
        const before = there(`${after.kind}/acme/${after.metadata.name}`);
        await apply(store, [before ? update(before, after) : create(after)], { at, reason: 'why' });
        break;
      }
      case 'remove': {
        const before = there(`Token/acme/${one.name}`);
        if (before) await apply(store, [remove(before)], { at });
        break;
      }
      case 'issue': {
        const held = there(`Token/acme/${one.name}`);
        const { uid, id: identity } = held ?? { uid: 'gone', id: 'Token/acme/gone' as const };
        const newest = await reading(store, (opened) => opened.secrets({ tokens: [uid] }));
        const follows = one.follows ? (newest[0]?.id ?? null) : null;
        const [id, sink] = [`s${(await secretsOf(store)).length}`, null];
        const made = { id, token: uid, identity, sink, path: '/p', keyId: 'k', hash: id, follows };
        await write({ type: 'issue', act: act({ at }), secrets: [made] });
        break;
      }
      case 'delivered': {
        const secrets = [{ id: one.secret, overlap: one.overlap * 3_600_000 }];
        await write({ type: 'delivered', act: act({ at }), secrets });
        break;
      }
      case 'settled':
        await write({ type: 'settled', secrets: [one.secret] });
        break;
      case 'redact':
        await write({ type: 'redact', act: act({ at, reason: 'asked' }), rows: one.rows });
        break;
      case 'pass':
        await write({ type: 'snapshot', revision: 1 });
        await write({ type: 'pass', act: act({ at }) });
        break;
    }
    return false;
  } catch (error) {
    if (error instanceof StaleSecrets) return true;
    throw error;
  }
}

/** All secrets that there can be. */
function secretsOf(store: Store) {
  const ids = Array.from({ length: 30 }, (_, at) => `s${at}`);
  return reading(store, (opened) => opened.secrets({ ids }));
}

/** What a store says, without what it gave out by chance. */
async function told(store: Store) {
  const { head, audit, revisions } = await everything(store);
  expect(isChain(audit)).toBe(true);
  return {
    snapshot: head.snapshotRevision,
    revisions,
    audit: audit.map(({ uid: _, prevHash: __, hash: ___, ...row }) => row),
    moments: await reading(store, (opened) => flat(opened.moments())),
    open: await reading(store, (opened) => flat(opened.moments({ open: true }))),
    secrets: (await secretsOf(store)).map(({ token: _, ...one }) => one),
  };
}

test.each([
  [
    'SQLite',
    () => sqliteStore({ file: path.join(temporaryFolder(), 'iam.db'), location: 'iam.db', lockTimeout: 100 }),
    60,
  ],
  ['Postgres', () => newStore(), 12],
] as const)('%s writes the ledger as the store in memory does', async (_, open, numRuns) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 20 }), async (steps) => {
      const [store, memory] = [await open(), inMemoryStore()];
      for (const [now, one] of steps.entries())
        expect(await take(store, one, now / 2), one.do).toBe(await take(memory, one, now / 2));
      expect(await told(store)).toEqual(await told(memory));
    }),
    { numRuns },
  );
});
