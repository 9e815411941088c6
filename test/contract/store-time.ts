import { expect } from 'vitest';
import type { MomentFilter, Store } from '../../src/stores/store.ts';
import { binding, group, role, token, user, workspace } from '../support/resources.ts';
import {
  act,
  apply,
  create,
  everything,
  flat,
  headOf,
  reading,
  remove,
  stored,
  type Test,
  update,
} from './entries.ts';
import { isChain } from './store-records.ts';

/** Every entry of these tests is written at noon of 1 June 2026, or at the hour that is given. */
const NOON = '2026-06-01T12:00:00Z';

function hour(hours: number): string {
  return new Date(Date.parse('2026-06-01T00:00:00Z') + hours * 3_600_000).toISOString().replace('.000Z', 'Z');
}

const write = (store: Store, changes: Parameters<typeof apply>[1]) => apply(store, changes, { at: NOON });

function pass(store: Store, at: string) {
  return store.write({ type: 'pass', act: act({ at, actor: 'ana', reason: 'because' }) });
}

/** The moments as lines: when, whose, where, which. */
async function moments(store: Store, filter?: MomentFilter): Promise<string[]> {
  const found = await reading(store, (opened) => flat(opened.moments(filter)));
  return found.map(({ id, pointer, type, at }) => `${new Date(at).toISOString()} ${id} ${pointer} ${type}`);
}

/** What was told of ends, in the order of the audit. */
async function retired(store: Store): Promise<string[]> {
  const { audit } = await everything(store);
  return audit
    .filter(({ action }) => action === 'retire')
    .map(({ identity, after }) => `${identity} ${after}`);
}

/** Beginnings and ends of windows are known by time, and each end is told once. */
export function time(test: Test): void {
  test('knows the moments of each Kind that has windows, in the order of time', async (store) => {
    await write(store, [
      create(token('acme/ci', 'ana', { expiresAt: '2026-06-02' })),
      create(workspace('acme')),
      create(role('keeper')),
      create(
        group('acme/devs', [
          { name: 'ana', expiresAt: '2026-12-01' },
          { name: 'bo', notBefore: '2026-06-02' },
          { kind: 'Group', name: 'interns', notBefore: '2026-06-01T14:00:00+02:00', expiresAt: '2026-06-02' },
          'cy',
        ]),
      ),
      create(binding('acme/b', 'keeper', ['ana'], { notBefore: '2026-07-01', expiresAt: '2026-08-01' })),
      create(binding('acme/c', 'keeper', ['ana'])),
      create(user('ana', { notBefore: '2026-06-02', expiresAt: '2027-01-31T18:00:00.500Z' })),
    ]);
    expect(await moments(store)).toEqual([
      '2026-06-01T12:00:00.000Z Group/acme/devs /spec/members/Group:interns begins',
      '2026-06-02T00:00:00.000Z User//ana /spec begins',
      '2026-06-02T00:00:00.000Z Group/acme/devs /spec/members/Group:interns ends',
      '2026-06-02T00:00:00.000Z Group/acme/devs /spec/members/User:bo begins',
      '2026-06-02T00:00:00.000Z Token/acme/ci /spec ends',
      '2026-07-01T00:00:00.000Z RoleBinding/acme/b /spec begins',
      '2026-08-01T00:00:00.000Z RoleBinding/acme/b /spec ends',
      '2026-12-01T00:00:00.000Z Group/acme/devs /spec/members/User:ana ends',
      '2027-01-31T18:00:00.500Z User//ana /spec ends',
    ]);
  });

  test('knows no moments where there is no store or no window', async (store) => {
    expect(await moments(store, { open: true })).toEqual([]);
    await write(store, [create(user('ana')), create(group('acme/devs', ['ana']))]);
    expect(await moments(store)).toEqual([]);
  });

  test('finds moments after one time, and until another', async (store) => {
    const hours = [13, 14, 15, 16];
    await write(
      store,
      hours.map((at) => create(user(`u${at}`, { expiresAt: hour(at) }))),
    );
    const between = async (filter: MomentFilter) =>
      (await moments(store, filter)).map((line) => Number(line.slice(11, 13)));
    const of = (at: number) => Date.parse(hour(at));
    expect(await between({ after: of(13) })).toEqual([14, 15, 16]);
    expect(await between({ after: of(13) - 1 })).toEqual(hours);
    expect(await between({ until: of(14) })).toEqual([13, 14]);
    expect(await between({ until: of(14) - 1 })).toEqual([13]);
    expect(await between({ after: of(13), until: of(15) })).toEqual([14, 15]);
    expect(await between({ after: of(15), until: of(14) })).toEqual([]);
    await pass(store, hour(14));
    expect(await between({ open: true })).toEqual([15, 16]);
    expect(await between({ open: true, until: of(15) })).toEqual([15]);
    expect(await between({ until: of(15) })).toEqual([13, 14, 15]);
  });

  test('moments follow every change of their resource', async (store) => {
    const lines = async () => (await moments(store)).map((line) => line.slice(11, 13) + line.slice(24));
    await write(store, [
      create(user('ana', { expiresAt: hour(20) })),
      create(group('acme/devs', [{ name: 'ana', notBefore: hour(14), expiresAt: hour(16) }, 'bo'])),
    ]);
    expect(await lines()).toEqual([
      '14 Group/acme/devs /spec/members/User:ana begins',
      '16 Group/acme/devs /spec/members/User:ana ends',
      '20 User//ana /spec ends',
    ]);
    const devs = await stored(store, 'Group/acme/devs');
    await write(store, [
      update(
        devs,
        group('acme/devs', [
          { name: 'ana', notBefore: hour(14), expiresAt: hour(17) },
          { name: 'bo', expiresAt: hour(18) },
        ]),
      ),
      update(await stored(store, 'User//ana'), user('ana')),
    ]);
    expect(await lines()).toEqual([
      '14 Group/acme/devs /spec/members/User:ana begins',
      '17 Group/acme/devs /spec/members/User:ana ends',
      '18 Group/acme/devs /spec/members/User:bo ends',
    ]);
    await write(store, [update(devs, group('acme/engineers', [{ name: 'bo', expiresAt: hour(18) }]))]);
    expect(await lines()).toEqual(['18 Group/acme/engineers /spec/members/User:bo ends']);
    await write(store, [remove(await stored(store, 'Group/acme/engineers'))]);
    expect(await lines()).toEqual([]);
  });

  test('tells each end that has passed once, in the order of time, and makes no revision', async (store) => {
    await write(store, [
      create(group('acme/devs', [{ name: 'ana', expiresAt: '2026-06-01T13:00:00.500Z' }])),
      create(token('acme/ci', 'ana', { notBefore: hour(13), expiresAt: hour(14) })),
      create(user('ana', { expiresAt: hour(14) })),
      create(user('bo', { expiresAt: hour(15) })),
    ]);
    await store.write({ type: 'snapshot', revision: 1 });
    const before = await everything(store);
    const { head, created } = await pass(store, '2026-06-01T14:00:00Z');
    expect(created).toBe(false);
    const after = await everything(store);
    expect({ ...after, head: before.head, audit: before.audit }).toEqual(before);
    expect(head).toEqual(after.head);
    expect(head).toMatchObject({ revision: 1, snapshotRevision: 0 });
    const rows = after.audit.slice(before.audit.length);
    const same = {
      action: 'retire',
      revision: 1,
      at: hour(14),
      actor: 'ana',
      reason: 'because',
      before: null,
    };
    const uid = async (id: string) => (await stored(store, id)).uid;
    expect(rows).toMatchObject([
      {
        ...same,
        uid: await uid('Group/acme/devs'),
        identity: 'Group/acme/devs',
        after: '{"manager":"default","path":"/spec/members/User:ana","until":"2026-06-01T13:00:00.500Z"}',
      },
      {
        ...same,
        uid: await uid('User//ana'),
        identity: 'User//ana',
        after: `{"manager":"default","path":"/spec","until":"${hour(14)}"}`,
      },
      { ...same, uid: await uid('Token/acme/ci'), identity: 'Token/acme/ci' },
    ]);
    expect(rows.length).toBe(3);
    expect(isChain(after.audit)).toBe(true);
    for (const at of [14, 14.5]) await pass(store, hour(at));
    expect(await everything(store)).toEqual(after);
    await pass(store, hour(15));
    expect(await retired(store)).toHaveLength(4);
  });

  test('half a second before its end nothing has ended', async (store) => {
    await write(store, [create(user('ana', { expiresAt: '2026-06-01T13:00:00.500Z' }))]);
    await pass(store, '2026-06-01T13:00:00.499Z');
    expect(await retired(store)).toEqual([]);
    await pass(store, '2026-06-01T13:00:00.500Z');
    expect(await retired(store)).toHaveLength(1);
  });

  test('a beginning is not told, but the snapshot counts as not written', async (store) => {
    await write(store, [create(user('ana', { notBefore: hour(13), expiresAt: hour(20) }))]);
    await store.write({ type: 'snapshot', revision: 1 });
    const before = await everything(store);
    await pass(store, hour(12.5));
    expect(await everything(store)).toEqual(before);
    await pass(store, hour(13));
    expect(await everything(store)).toEqual({ ...before, head: { ...before.head, snapshotRevision: 0 } });
    await store.write({ type: 'snapshot', revision: 1 });
    await pass(store, hour(14));
    expect(await headOf(store)).toEqual(before.head);
  });

  test('what was past when it was written is not told', async (store) => {
    await write(store, [
      create(user('ana', { expiresAt: hour(11) })),
      create(user('bo', { expiresAt: NOON })),
      create(group('acme/devs', ['ana'])),
    ]);
    const members = [{ name: 'ana', expiresAt: hour(10) }];
    await write(store, [update(await stored(store, 'Group/acme/devs'), group('acme/devs', members))]);
    expect(await moments(store)).toHaveLength(3);
    expect(await moments(store, { open: true })).toEqual([]);
    await pass(store, hour(20));
    expect(await retired(store)).toEqual([]);
  });

  test('a window that stays as it is passes once, whatever else changes', async (store) => {
    const ends = { expiresAt: hour(13) };
    await write(store, [
      create(group('acme/devs', [{ name: 'ana', ...ends }])),
      create(binding('acme/b', 'keeper', ['ana'], ends)),
    ]);
    // Nobody has told it when this is written.
    const again = (name: string, members: readonly { name: string; expiresAt: string }[]) =>
      stored(store, 'Group/acme/devs').then((devs) =>
        apply(store, [update(devs, group(`acme/${name}`, members, { description: hour(0) }))], {
          at: hour(14),
        }),
      );
    await again('devs', [{ name: 'ana', ...ends }]);
    expect(await moments(store, { open: true })).toHaveLength(2);
    await pass(store, hour(14));
    expect(await retired(store)).toHaveLength(2);
    await again('devs', [
      { name: 'ana', ...ends },
      { name: 'bo', expiresAt: hour(15) },
    ]);
    await pass(store, hour(15));
    expect((await retired(store)).slice(2)).toEqual([
      `Group/acme/devs {"manager":"default","path":"/spec/members/User:bo","until":"${hour(15)}"}`,
    ]);
    // One that is made longer ends anew.
    await again('engineers', [{ name: 'ana', expiresAt: hour(16) }]);
    await pass(store, hour(16));
    expect((await retired(store)).slice(3)).toEqual([
      `Group/acme/engineers {"manager":"default","path":"/spec/members/User:ana","until":"${hour(16)}"}`,
    ]);
  });

  test('time that passes where there is no store makes none', async (store) => {
    expect(await pass(store, NOON)).toEqual({
      head: { store: null, revision: 0, auditHead: null, snapshotRevision: 0 },
      created: false,
    });
    expect((await everything(store)).audit).toEqual([]);
  });

  test('tells thousands of ends', async (store) => {
    const names = Array.from({ length: 2500 }, (_, at) => `u${at}`);
    await write(store, [
      create(
        group(
          'acme/devs',
          names.map((name) => ({ name, expiresAt: hour(13) })),
        ),
      ),
      ...names.map((name) => create(user(name, { expiresAt: hour(14) }))),
    ]);
    expect(await moments(store)).toHaveLength(5000);
    await pass(store, hour(14));
    expect(await retired(store)).toHaveLength(5000);
    expect(await moments(store, { open: true })).toEqual([]);
    expect(isChain((await everything(store)).audit)).toBe(true);
  });
}
