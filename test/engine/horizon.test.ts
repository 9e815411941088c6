/** What ends is looked up by what ends, however large the organisation is. */
import { expect, test } from 'vitest';
import { openActual } from '../../src/engine/actual-state.ts';
import { timeOf } from '../../src/engine/horizon.ts';
import { nextMoment, passTime } from '../../src/engine/passing.ts';
import { openStore } from '../../src/stores/open.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { Reading, Store } from '../../src/stores/store.ts';
import { act, apply, create, headOf } from '../contract/entries.ts';
import { temporaryFolder } from '../support/folder.ts';
import { binding, group, user, workspace } from '../support/resources.ts';
import { tokenDesk } from '../support/token-desk.ts';

const AT = Date.parse('2026-06-01T00:00:00Z');
const DAY = 24 * 3_600_000;

/** Two thousand people, of whom three lose something within the week. */
async function large(): Promise<Store> {
  const names = Array.from({ length: 2000 }, (_, i) => `user-${i}`);
  const store = sqliteStore({
    file: `${temporaryFolder()}/iam.db`,
    location: 'iam.db',
    lockTimeout: 1000,
  });
  await apply(store, [
    create(workspace('acme')),
    ...names.map((name, i) => create(user(name, i === 7 ? { expiresAt: '2026-06-03' } : {}))),
    create(group('acme/few', ['user-8', { kind: 'User', name: 'user-9', expiresAt: '2026-06-02' }])),
    create(binding('acme/few', 'source-admin', ['Group:few'])),
    create(binding('acme/some', 'source-read-only', ['user-10', 'user-11'], { expiresAt: '2026-06-04' })),
    create(binding('acme/kept', 'source-read-only', ['user-11'])),
    create(binding('acme/all', 'function-admin', names.slice(0, 1000))),
  ]);
  return store;
}

/** A reading that tells how much was fetched by it, and refuses to tell everything. */
function counting(store: Store, fetched: (count: number) => void): Store {
  const counted = (reading: Reading): Reading => ({
    ...reading,
    head: reading.head,
    resources: () => {
      throw new Error('everything is read');
    },
    async find(wanted) {
      const found = await reading.find(wanted);
      fetched(found.length);
      return found;
    },
  });
  return { ...store, read: async () => counted(await store.read()) };
}

test('a plan without changes fetches what ends and whom it reaches, and no more', async () => {
  let fetched = 0;
  const store = counting(await large(), (count) => {
    fetched += count;
  });
  const state = await openActual(store, 0);
  try {
    const plan = { changes: [], scope: { workspace: null, pruneWorkspaces: [] } };
    const { ended, ending } = await timeOf(state, { plan: plan as never, after: undefined }, AT, {
      text: '7d',
      length: 7 * DAY,
    });
    expect(ended).toEqual([]);
    expect(ending?.access.map(({ subject, role, until }) => `${subject} ${role} ${until}`)).toEqual([
      'user-9 source-admin 2026-06-02T00:00:00Z',
      'user-7 function-admin 2026-06-03T00:00:00Z',
      'user-10 source-read-only 2026-06-04T00:00:00Z',
    ]);
  } finally {
    await state.close();
  }
  expect(fetched).toBeLessThan(40);
});

test('passing time is told by the ends, and writes nothing where nothing has come', async () => {
  const store = await large();
  const before = await headOf(store);
  const retire = async (time: number) => {
    const at = new Date(time).toISOString().replace('.000Z', 'Z');
    return (await passTime(store, act({ at }), time)).map(({ id, pointer }) => `${id} ${pointer}`);
  };
  expect(await retire(AT)).toEqual([]);
  expect(await headOf(store)).toEqual(before);
  expect(await retire(AT + DAY - 1)).toEqual([]);
  expect(await retire(AT + DAY)).toEqual(['Group/acme/few /spec/members/User:user-9']);
  expect(await headOf(store)).toMatchObject({ revision: 1, snapshotRevision: 0 });
  expect(await retire(AT + 3 * DAY)).toEqual(['User//user-7 /spec', 'RoleBinding/acme/some /spec']);
  expect(await retire(AT + 30 * DAY)).toEqual([]);
});

test('the next moment is the first that is greater than a time', async () => {
  const store = await large();
  const next = (time: number) => nextMoment(store, { manager: 'default' }, time);
  expect(await next(AT)).toBe(AT + DAY);
  expect(await next(AT + DAY - 1)).toBe(AT + DAY);
  expect(await next(AT + DAY)).toBe(AT + 2 * DAY);
  expect(await next(AT + 3 * DAY)).toBe(undefined);
  const nowhere = sqliteStore({ file: `${temporaryFolder()}/no.db`, location: 'no.db', lockTimeout: 1000 });
  expect(await nextMoment(nowhere, { manager: 'default' }, AT)).toBe(undefined);
});

test('the next moment may be that of a secret that is to be replaced', async () => {
  const desk = tokenDesk();
  desk.at('2026-06-01T00:00:00Z');
  await desk.apply('deliverTo: {file: ci}, rotation: {every: 90d, overlap: 24h}, expiresAt: 2027-06-01');
  const store = await openStore('sqlite:.iam/iam.db', desk.folder, 1000);
  const [turn, end] = [Date.parse('2026-08-30'), Date.parse('2027-06-01')];
  expect(await nextMoment(store, { manager: 'default' }, AT)).toBe(turn);
  expect(await nextMoment(store, { manager: 'default' }, turn - 1)).toBe(turn);
  expect(await nextMoment(store, { manager: 'default' }, turn)).toBe(end);
});
