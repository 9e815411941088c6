import { expect } from 'vitest';
import type { AuditRow } from '../../src/core/audit.ts';
import type { Secret } from '../../src/core/secret.ts';
import { type NewSecret, type SecretFilter, StaleSecrets, type Store } from '../../src/stores/store.ts';
import { token, user } from '../support/resources.ts';
import {
  act,
  apply,
  create,
  type Everything,
  everything,
  headOf,
  reading,
  remove,
  stored,
  type Test,
  update,
} from './entries.ts';
import { isChain } from './store-records.ts';

const NOON = '2026-06-01T12:00:00Z';
const HOUR = 3_600_000;

function at(hours: number): string {
  return new Date(Date.parse(NOON) + hours * HOUR).toISOString().replace('.000Z', 'Z');
}

async function withTokens(store: Store, ...names: readonly string[]): Promise<void> {
  await apply(
    store,
    names.map((name) => create(token(`acme/${name}`, 'ana', { deliverTo: { file: name } }))),
    { at: NOON },
  );
}

/** A secret of a Token; what the tests do not look at is told by its id. */
async function secretOf(store: Store, name: string, id: string, follows: string | null = null) {
  const { uid, id: identity } = await stored(store, `Token/acme/${name}`);
  return {
    id,
    token: uid,
    identity,
    sink: `file ${name}`,
    path: `/secrets/${name}`,
    keyId: `key of ${id}`,
    hash: `hash of ${id}`,
    follows,
  };
}

function issue(store: Store, secrets: readonly NewSecret[], when = NOON) {
  return store.write({ type: 'issue', act: act({ at: when, actor: 'ana' }), secrets });
}

function deliver(store: Store, id: string, overlap: number, when = NOON) {
  return store.write({ type: 'delivered', act: act({ at: when }), secrets: [{ id, overlap }] });
}

/** Issues `ids` one after the other for a Token, each delivered at once, and valid an hour beside the next. */
async function rotate(store: Store, name: string, ...ids: readonly string[]): Promise<void> {
  let follows: string | null = null;
  for (const id of ids) {
    await issue(store, [await secretOf(store, name, id, follows)]);
    await deliver(store, id, HOUR);
    follows = id;
  }
}

/** Revokes a Token, or lifts that. */
async function revoke(store: Store, name: string, revoked: boolean, when: string): Promise<void> {
  const before = await stored(store, `Token/acme/${name}`);
  await apply(store, [update(before, token(`acme/${name}`, 'ana', { revoked }))], { at: when });
}

function find(store: Store, filter: SecretFilter): Promise<readonly Secret[]> {
  return reading(store, (opened) => opened.secrets(filter));
}

async function ids(store: Store, filter: SecretFilter): Promise<string[]> {
  return (await find(store, filter)).map(({ id }) => id);
}

async function one(store: Store, id: string): Promise<Secret | undefined> {
  return (await find(store, { ids: [id] }))[0];
}

function hash(store: Store, id: string) {
  return reading(store, (opened) => opened.secretHash(id));
}

/** The audit rows since `before`, without what all rows have. */
async function since(store: Store, before: Everything): Promise<Partial<AuditRow>[]> {
  const { audit } = await everything(store);
  expect(isChain(audit)).toBe(true);
  return audit
    .slice(before.audit.length)
    .map(({ action, uid, identity, after }) => ({ action, uid, identity, after }));
}

/** Secrets of tokens: issued, delivered, replaced, ended. */
export function secrets(test: Test): void {
  test('issues secrets, valid from then on, and tells of each in the audit', async (store) => {
    await withTokens(store, 'ci', 'cd');
    const before = await everything(store);
    const [ci, cd] = [
      await secretOf(store, 'ci', 'a'),
      { ...(await secretOf(store, 'cd', 'b')), sink: null },
    ];
    const written = await issue(store, [ci, cd]);
    expect(written).toEqual({ head: await headOf(store), created: false });
    expect(written.head).toMatchObject({ revision: 1 });
    const fresh = { issuedAt: NOON, deliveredAt: null, endsAt: null, revokedAt: null, settled: false };
    const { id: _, token: uid, identity, path } = ci;
    expect(await find(store, { ids: ['a', 'b'] })).toEqual([
      { id: 'b', token: cd.token, identity: cd.identity, sink: null, path: cd.path, ...fresh },
      { id: 'a', token: uid, identity, sink: 'file ci', path, ...fresh },
    ]);
    expect(await since(store, before)).toEqual([
      {
        action: 'issue',
        uid,
        identity,
        after: `{"follows":null,"manager":"default","path":"${path}","secret":"a"}`,
      },
      expect.objectContaining({ action: 'issue', identity: 'Token/acme/cd' }),
    ]);
    await issue(store, [await secretOf(store, 'ci', 'c', 'a')]);
    expect((await since(store, before)).slice(2)).toEqual([
      {
        action: 'rotate',
        uid,
        identity,
        after: `{"follows":"a","manager":"default","path":"${path}","secret":"c"}`,
      },
    ]);
    expect({ ...(await everything(store)), head: 0, audit: 0 }).toEqual({ ...before, head: 0, audit: 0 });
  });

  test('tells the hash of a secret to who asks for it, and nowhere else', async (store) => {
    expect(await hash(store, 'a')).toBeUndefined();
    await withTokens(store, 'ci');
    await rotate(store, 'ci', 'a', 'b');
    expect(await hash(store, 'a')).toEqual({ keyId: 'key of a', hash: 'hash of a' });
    expect(await hash(store, 'b')).toEqual({ keyId: 'key of b', hash: 'hash of b' });
    expect(await hash(store, 'c')).toBeUndefined();
    await apply(store, [remove(await stored(store, 'Token/acme/ci'))]);
    expect(await hash(store, 'a')).toEqual({ keyId: 'key of a', hash: 'hash of a' });
    const all = JSON.stringify([await everything(store), await find(store, { ids: ['a', 'b'] })]);
    expect(all).toContain('"secret\\":\\"b\\"');
    expect(all).not.toMatch(/(hash|key) of/);
  });

  test('issues none for a Token that is gone, revoked, or has another newest secret', async (store) => {
    await withTokens(store, 'ci', 'gone', 'revoked');
    const [gone, revoked] = [await secretOf(store, 'gone', 'x'), await secretOf(store, 'revoked', 'x')];
    await apply(store, [
      remove(await stored(store, 'Token/acme/gone')),
      update(await stored(store, 'Token/acme/revoked'), token('acme/revoked', 'ana', { revoked: true })),
      create(token('acme/gone', 'ana')),
      create(user('ana')),
    ]);
    await rotate(store, 'ci', 'a', 'b');
    const good = await secretOf(store, 'gone', 'good');
    const before = await everything(store);
    const person = { ...good, id: 'x', token: (await stored(store, 'User//ana')).uid };
    for (const stale of [
      gone,
      revoked,
      person,
      await secretOf(store, 'ci', 'x'),
      await secretOf(store, 'ci', 'x', 'a'),
      await secretOf(store, 'ci', 'x', 'elsewhere'),
      { ...good, id: 'x' },
    ]) {
      const refused = issue(store, [good, stale]);
      await expect(refused).rejects.toBeInstanceOf(StaleSecrets);
      await expect(refused).rejects.toMatchObject({ identity: stale.identity });
      expect(await everything(store)).toEqual(before);
      expect(await find(store, { ids: ['good', 'x'] })).toEqual([]);
      expect(await hash(store, 'good')).toBeUndefined();
    }
    await issue(store, [good, { ...(await secretOf(store, 'gone', 'next', 'good')) }]);
    expect(await ids(store, { tokens: [good.token] })).toEqual(['next', 'good']);
  });

  test('of two who replace the same secret one does', async (store) => {
    await withTokens(store, 'ci');
    await rotate(store, 'ci', 'a');
    const both = [await secretOf(store, 'ci', 'b', 'a'), await secretOf(store, 'ci', 'c', 'a')];
    const ends = await Promise.allSettled(both.map((secret) => issue(store, [secret])));
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(ends.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: expect.any(StaleSecrets),
    });
    expect(await ids(store, { unsettled: true })).toHaveLength(1);
  });

  test('a secret that is delivered ends those before it after the overlap, or when they would', async (store) => {
    await withTokens(store, 'ci', 'cd');
    await rotate(store, 'cd', 'other');
    await rotate(store, 'ci', 'a', 'b');
    expect(await one(store, 'a')).toMatchObject({ deliveredAt: NOON, endsAt: at(1), settled: true });
    expect(await one(store, 'b')).toMatchObject({ deliveredAt: NOON, endsAt: null, settled: true });
    await issue(store, [await secretOf(store, 'ci', 'c', 'b')], at(0.5));
    const before = await everything(store);
    expect(await one(store, 'c')).toMatchObject({ issuedAt: at(0.5), deliveredAt: null, settled: false });
    expect(await one(store, 'b')).toMatchObject({ endsAt: null });
    await deliver(store, 'c', 24 * HOUR, at(0.75));
    expect(await one(store, 'a')).toMatchObject({ endsAt: at(1) });
    expect(await one(store, 'b')).toMatchObject({ endsAt: at(24.75), revokedAt: null });
    expect(await one(store, 'c')).toMatchObject({ deliveredAt: at(0.75), endsAt: null, settled: true });
    expect(await one(store, 'other')).toMatchObject({ endsAt: null });
    // Told again, or of one that there is not, it says nothing.
    const known = await find(store, { ids: ['a', 'b', 'c'] });
    await deliver(store, 'c', 0, at(3));
    await deliver(store, 'a', 0, at(3));
    await deliver(store, 'nothing', 0, at(3));
    expect(await find(store, { ids: ['a', 'b', 'c'] })).toEqual(known);
    expect(await everything(store)).toEqual(before);
  });

  test('what was not delivered ends too when the next one is', async (store) => {
    await withTokens(store, 'ci');
    await issue(store, [await secretOf(store, 'ci', 'a')]);
    await issue(store, [await secretOf(store, 'ci', 'b', 'a')]);
    expect(await ids(store, { unsettled: true })).toEqual(['b', 'a']);
    await deliver(store, 'b', 0);
    expect(await one(store, 'a')).toMatchObject({ deliveredAt: null, endsAt: NOON, settled: true });
    expect(await ids(store, { unsettled: true })).toEqual([]);
  });

  test('what ended with its Token stays so: revoked again, delivered late, or followed', async (store) => {
    await withTokens(store, 'ci', 'other');
    await rotate(store, 'ci', 'a', 'b');
    await rotate(store, 'other', 'c');
    const before = await everything(store);
    await revoke(store, 'ci', true, at(1));
    const known = await find(store, { ids: ['a', 'b'] });
    for (const secret of known) expect(secret).toMatchObject({ revokedAt: at(1), settled: true });
    await deliver(store, 'b', 0, at(2));
    for (const revoked of [false, true, false]) await revoke(store, 'ci', revoked, at(3));
    expect(await find(store, { ids: ['a', 'b'] })).toEqual(known);
    const { uid, id: identity } = await stored(store, 'Token/acme/ci');
    expect((await since(store, before)).filter(({ action }) => action === 'revoke')).toEqual(
      ['a', 'b'].map((secret) => ({
        action: 'revoke',
        uid,
        identity,
        after: `{"manager":"default","secret":"${secret}"}`,
      })),
    );
    await issue(store, [await secretOf(store, 'ci', 'd', 'b')], at(4));
    await deliver(store, 'd', 0, at(4));
    expect(await one(store, 'd')).toMatchObject({ revokedAt: null, endsAt: null });
    expect(await find(store, { ids: ['a', 'b'] })).toEqual(known);
    expect(await one(store, 'c')).toMatchObject({ revokedAt: null });
  });

  test('a secret that ended before it was delivered is not delivered any more', async (store) => {
    await withTokens(store, 'ci');
    await rotate(store, 'ci', 'a');
    await issue(store, [await secretOf(store, 'ci', 'b', 'a')]);
    await revoke(store, 'ci', true, at(1));
    await deliver(store, 'b', 0, at(2));
    expect(await one(store, 'b')).toMatchObject({ deliveredAt: null, revokedAt: at(1), settled: false });
  });

  test('deleting or revoking a Token ends its secrets with the same apply', async (store) => {
    await withTokens(store, 'ci', 'cd', 'kept');
    for (const name of ['ci', 'cd', 'kept']) await rotate(store, name, `${name}1`, `${name}2`);
    const [ci, cd, kept] = await Promise.all(
      ['ci', 'cd', 'kept'].map((name) => stored(store, `Token/acme/${name}`)),
    );
    if (!ci || !cd || !kept) throw new Error('a Token is missing');
    const before = await everything(store);
    await apply(
      store,
      [
        update(kept, token('acme/renamed', 'bo')),
        update(cd, token('acme/cd', 'ana', { revoked: true })),
        remove(ci),
        create(token('acme/born', 'ana', { revoked: true })),
      ],
      { at: at(1) },
    );
    const rows = await since(store, before);
    expect(rows.map(({ action }) => action)).toEqual([
      'apply',
      'update',
      'update',
      'delete',
      'create',
      ...Array.from({ length: 4 }, () => 'revoke'),
    ]);
    expect(rows.slice(5)).toEqual(
      ['cd1', 'cd2', 'ci1', 'ci2'].map((secret) => {
        const { uid, id } = secret.startsWith('cd') ? cd : ci;
        return { action: 'revoke', uid, identity: id, after: `{"manager":"default","secret":"${secret}"}` };
      }),
    );
    expect((await everything(store)).audit.slice(-4)).toMatchObject([
      { revision: 2, at: at(1) },
      { revision: 2 },
      { revision: 2 },
      { revision: 2 },
    ]);
    for (const id of ['ci1', 'ci2'])
      expect(await one(store, id)).toMatchObject({ revokedAt: at(1), settled: false });
    for (const id of ['cd1', 'cd2'])
      expect(await one(store, id)).toMatchObject({ revokedAt: at(1), settled: true });
    expect(await one(store, 'kept2')).toMatchObject({ revokedAt: null, identity: 'Token/acme/kept' });
  });

  test('an apply that fails ends no secret', async (store) => {
    await withTokens(store, 'ci');
    await rotate(store, 'ci', 'a');
    const ci = await stored(store, 'Token/acme/ci');
    await expect(apply(store, [remove(ci), { ...remove(ci), uid: 'no-such-uid' }])).rejects.toThrow();
    expect(await one(store, 'a')).toMatchObject({ revokedAt: null, settled: true });
  });

  test('a Token that is not revoked any more has no secret of before', async (store) => {
    await withTokens(store, 'ci');
    await rotate(store, 'ci', 'a');
    for (const revoked of [true, false, true]) await revoke(store, 'ci', revoked, at(revoked ? 1 : 2));
    expect(await one(store, 'a')).toMatchObject({ revokedAt: at(1) });
    // Deleted later, its file is still to be removed.
    await apply(store, [remove(await stored(store, 'Token/acme/ci'))], { at: at(3) });
    expect(await one(store, 'a')).toMatchObject({ revokedAt: at(1), settled: false });
  });

  test('finds secrets by id, by Token, and those whose files want something done', async (store) => {
    expect(await find(store, { ids: ['a'], unsettled: true })).toEqual([]);
    await withTokens(store, 'ci', 'cd');
    await rotate(store, 'ci', 'a', 'b');
    await rotate(store, 'cd', 'c');
    const next = await secretOf(store, 'cd', 'd', 'c');
    await issue(store, [next]);
    expect(await find(store, {})).toEqual([]);
    expect(await ids(store, { ids: ['a', 'zz'] })).toEqual(['a']);
    expect(await ids(store, { tokens: [next.token] })).toEqual(['d', 'c']);
    expect(await ids(store, { unsettled: true })).toEqual(['d']);
    expect(await ids(store, { ids: ['c', 'a', 'a'], tokens: [next.token], unsettled: true })).toEqual([
      'd',
      'c',
      'a',
    ]);
    await apply(store, [remove(await stored(store, 'Token/acme/ci'))]);
    expect(await ids(store, { unsettled: true })).toEqual(['d', 'b', 'a']);
    const before = await everything(store);
    await store.write({ type: 'settled', secrets: ['a', 'd', 'zz'] });
    expect(await ids(store, { unsettled: true })).toEqual(['b']);
    expect(await one(store, 'd')).toMatchObject({ deliveredAt: null, settled: true });
    expect(await everything(store)).toEqual(before);
  });

  test('secrets make no store', async (store) => {
    const ghost = { ...NOBODY, follows: null };
    for (const entry of [
      { type: 'issue', act: act(), secrets: [ghost] },
      { type: 'delivered', act: act(), secrets: [{ id: 'a', overlap: 0 }] },
      { type: 'settled', secrets: ['a'] },
    ] as const)
      expect(await store.write(entry)).toMatchObject({ head: { store: null }, created: false });
    expect(await find(store, { ids: ['a'] })).toEqual([]);
  });
}

const NOBODY = {
  id: 'a',
  token: 'uid',
  identity: 'Token/acme/ci',
  sink: null,
  path: '/secrets/ci',
  keyId: 'k',
  hash: 'h',
} as const;
