import { describe, expect, it } from 'vitest';
import { type AuditRow, GENESIS, isIntact } from '../../src/core/audit.ts';
import { canonicalJson } from '../../src/core/hash.ts';
import { identityOf, toManifest } from '../../src/core/resource.ts';
import type { Verdict } from '../../src/core/verdict.ts';
import { KIND_NAMES } from '../../src/kinds/index.ts';
import { StaleBase, type Store } from '../../src/stores/store.ts';
import { binding, group, role, token, user, workspace } from '../support/resources.ts';
import {
  act,
  apply,
  applyOn,
  create,
  edgesOf,
  everything,
  flat,
  headOf,
  NOWHERE,
  reading,
  remove,
  stored,
  update,
} from './entries.ts';

export interface StoreContract {
  readonly name: string;
  /** A store that does not exist yet, another one each time. The suite closes it. */
  readonly newStore: () => Store | Promise<Store>;
  /** Tests that this store cannot pass, by title, and why. */
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[];
}

type Test = (title: string, run: (store: Store) => Promise<void>) => void;

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
    edges(test);
    records(test);
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

function resources(test: Test): void {
  test('gives back what was written', async (store) => {
    const odd =
      'Zoë "quoted" \\ \u2028 𝒜 \0 \u0007 \r\n\t \uFEFF \ud800 e\u0301 é \'; DROP TABLE resource; --';
    const written = [
      user(
        'ana',
        { displayName: odd },
        { labels: { team: 'é-"x"' }, annotations: { 'rolecall.dev/protect': 'true' } },
      ),
      role('huge', { description: 'long text, é '.repeat(100_000) }),
      binding('acme/b', 'huge', ['ana', 'Group:devs', 'Token:ci'], {
        resources: [{ type: 'Source', id: 'a/b~c d' }, { type: 'Workspace' }],
      }),
    ];
    const ledger = { manager: 'tëam "a"', fieldManagers: { state: 'hr', displayName: 'tëam "a"' } };
    await apply(
      store,
      written.map((resource) => create(resource, ledger)),
    );
    for (const resource of written) {
      const id = identityOf(resource);
      expect(await stored(store, id)).toMatchObject({
        id,
        body: canonicalJson(toManifest(resource)),
        resource,
        ...ledger,
      });
    }
    const ana = await stored(store, 'User//ana');
    await apply(store, [update(ana, user('ana'), { manager: 'other', fieldManagers: {} })]);
    expect(await stored(store, 'User//ana')).toEqual({
      ...ana,
      resource: user('ana'),
      body: canonicalJson(toManifest(user('ana'))),
      manager: 'other',
      fieldManagers: {},
    });
  });

  test('keeps apart what differs only by case, accent or workspace', async (store) => {
    const all = [
      user('ana'),
      user('Ana'),
      user('aná'),
      user('ana '),
      group('acme/ana', []),
      group('Acme/ana', []),
      group('beta/ana', []),
    ];
    await apply(
      store,
      all.map((one) => create(one)),
    );
    const { resources } = await everything(store);
    expect(resources.map(({ id }) => id).sort()).toEqual(all.map(identityOf).sort());
    expect((await everything(store, { workspace: 'acme' })).resources.map(({ id }) => id)).toEqual([
      'Group/acme/ana',
    ]);
  });

  test('keeps a uid over updates and renames, and never gives it again', async (store) => {
    await apply(store, [create(user('ana')), create(user('bo'))]);
    const { uid } = await stored(store, 'User//ana');
    expect(uid).not.toBe((await stored(store, 'User//bo')).uid);
    await apply(store, [update(await stored(store, 'User//ana'), user('ana', { displayName: 'Ana' }))]);
    expect(await stored(store, 'User//ana')).toMatchObject({ uid });
    await apply(store, [update(await stored(store, 'User//ana'), user('ana-diaz'))]);
    expect(await stored(store, 'User//ana-diaz')).toMatchObject({ uid });
    await apply(store, [create(user('ana'))]);
    const seen = new Set([uid, (await stored(store, 'User//ana')).uid]);
    expect(seen.size).toBe(2);
    for (let again = 3; again < 6; again++) {
      await apply(store, [remove(await stored(store, 'User//ana'))]);
      await apply(store, [create(user('ana'))]);
      expect(seen.add((await stored(store, 'User//ana')).uid).size).toBe(again);
    }
  });

  test('takes changes one after the other', async (store) => {
    await apply(store, [create(user('ana')), create(user('bo'))]);
    const [ana, bo] = [await stored(store, 'User//ana'), await stored(store, 'User//bo')];
    await apply(store, [
      update(ana, user('cy')),
      update(bo, user('ana')),
      remove({ ...ana, id: 'User//cy' }),
      create(user('bo')),
    ]);
    const { resources } = await everything(store);
    expect(resources.map(({ id }) => id).sort()).toEqual(['User//ana', 'User//bo']);
    expect(await stored(store, 'User//ana')).toMatchObject({ uid: bo.uid });
  });

  test('reads one workspace: what is in it, and its Workspace', async (store) => {
    const inside = [
      workspace('acme', { owners: { required: [{ name: 'ana' }] } }),
      group('acme/devs', ['ana']),
      binding('acme/b', 'keeper', ['ana']),
      token('acme/ci', 'ana'),
    ];
    const outside = [
      workspace('beta'),
      workspace('acme-2'),
      group('beta/acme', ['ana']),
      user('acme'),
      user('ana'),
      role('keeper'),
      role('acme'),
    ];
    await apply(
      store,
      [...outside, ...inside].map((one) => create(one)),
    );
    const all = await everything(store);
    const acme = await everything(store, { workspace: 'acme' });
    const ids = inside.map(identityOf);
    expect(acme.resources.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(acme.resources).toEqual(all.resources.filter(({ id }) => ids.includes(id)));
    expect(acme.edges).toEqual(all.edges.filter(({ id }) => ids.includes(id)));
    expect(acme.edges.length).toBeGreaterThanOrEqual(4);
    expect((await everything(store, { workspace: 'nowhere' })).resources).toEqual([]);
    expect((await everything(store, { workspace: '' })).resources).toEqual([]);
  });
}

const MANY = 2600;

function readings(test: Test): void {
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

function edges(test: Test): void {
  test('an edge keeps the revision that made it while it stays', async (store) => {
    await apply(store, [
      create(group('acme/devs', ['ana', 'bo'])),
      create(binding('acme/b', 'keeper', ['ana'])),
    ]);
    expect(await edgesOf(store, 'Group/acme/devs')).toEqual({
      '/spec/members/User:ana': 1,
      '/spec/members/User:bo': 1,
    });
    const devs = await stored(store, 'Group/acme/devs');
    await apply(store, [
      update(devs, group('acme/devs', [{ name: 'ana', expiresAt: '2027-01-01T00:00:00.000Z' }, 'cy'])),
    ]);
    expect(await edgesOf(store, 'Group/acme/devs')).toEqual({
      '/spec/members/User:ana': 1,
      '/spec/members/User:cy': 2,
    });
    const b = await stored(store, 'RoleBinding/acme/b');
    const entries = { resources: [{ type: 'Workspace' }, { type: 'Source', id: 'a/b' }] };
    await apply(store, [update(b, binding('acme/b', 'reader', ['ana', 'Group:devs'], entries))]);
    expect(await edgesOf(store, 'RoleBinding/acme/b')).toEqual({
      '/spec/role': 3,
      '/spec/subjects/User:ana': 1,
      '/spec/subjects/Group:devs': 3,
      '/spec/resources/Workspace': 1,
      '/spec/resources/Source~1a~1b': 3,
    });
  });

  test('an edge that comes back is new', async (store) => {
    await apply(store, [create(group('acme/devs', ['ana']))]);
    for (const members of [[], ['ana']])
      await apply(store, [update(await stored(store, 'Group/acme/devs'), group('acme/devs', members))]);
    expect(await edgesOf(store, 'Group/acme/devs')).toEqual({ '/spec/members/User:ana': 3 });
  });

  test('an edge outlasts a rename of what it is of, and of its target', async (store) => {
    await apply(store, [create(user('ana')), create(group('acme/devs', ['ana', 'bo']))]);
    const ana = await stored(store, 'User//ana');
    const devs = await stored(store, 'Group/acme/devs');
    await apply(store, [
      update(ana, user('ana-diaz')),
      update(devs, group('acme/engineers', ['ana-diaz', 'bo', 'cy'])),
    ]);
    expect(await edgesOf(store, 'Group/acme/engineers')).toEqual({
      '/spec/members/User:ana-diaz': 1,
      '/spec/members/User:bo': 1,
      '/spec/members/User:cy': 2,
    });
    // A new one with the name of before is somebody else.
    const engineers = await stored(store, 'Group/acme/engineers');
    await apply(store, [
      create(user('ana')),
      update(engineers, group('acme/engineers', ['ana', 'ana-diaz'])),
    ]);
    expect(await edgesOf(store, 'Group/acme/engineers')).toEqual({
      '/spec/members/User:ana': 3,
      '/spec/members/User:ana-diaz': 1,
    });
  });

  test('edges go with their resource', async (store) => {
    await apply(store, [create(group('acme/devs', ['ana'])), create(group('acme/ops', ['ana']))]);
    await apply(store, [remove(await stored(store, 'Group/acme/devs'))]);
    expect((await everything(store)).edges).toEqual([
      { id: 'Group/acme/ops', pointer: '/spec/members/User:ana', since: 1 },
    ]);
    await apply(store, [create(group('acme/devs', ['ana']))]);
    expect(await edgesOf(store, 'Group/acme/devs')).toEqual({ '/spec/members/User:ana': 3 });
  });
}

const VERDICT: Verdict = {
  code: 'RC209',
  class: 'hard',
  severity: 'deny',
  message: 'é "no"',
  numbers: { of: 2 },
  override: null,
};

function records(test: Test): void {
  const who = {
    actor: 'ana',
    actorVerified: true,
    reason: 'é "why"\nTICKET-1',
    commit: 'abc',
    pr: '17',
    approvers: ['bo', 'cy'],
  };

  test('remembers revisions, newest first', async (store) => {
    await apply(store, [create(user('ana')), create(user('bo'))], { at: '2026-06-01T00:00:00.000Z' });
    const [ana, bo] = [await stored(store, 'User//ana'), await stored(store, 'User//bo')];
    const entry = applyOn(
      await headOf(store),
      [create(user('cy')), update(ana, user('ana', { displayName: 'A' })), remove(bo)],
      { ...who, at: '2026-06-02T00:00:00.000Z' },
    );
    await store.write({ ...entry, digest: 'sha256:second', act: { ...entry.act, manager: 'team-a' } });
    const { actor, actorVerified, reason, commit } = who;
    expect((await everything(store)).revisions).toEqual([
      {
        revision: 2,
        at: '2026-06-02T00:00:00.000Z',
        manager: 'team-a',
        digest: 'sha256:second',
        actor,
        actorVerified,
        reason,
        commit,
        summary: { create: 1, update: 1, delete: 1 },
      },
      {
        revision: 1,
        at: '2026-06-01T00:00:00.000Z',
        manager: 'default',
        digest: 'sha256:digest',
        actor: null,
        actorVerified: false,
        reason: null,
        commit: null,
        summary: { create: 2, update: 0, delete: 0 },
      },
    ]);
  });

  test('writes an audit row for the apply and one for each change, in order', async (store) => {
    await apply(store, [create(user('ana')), create(user('bo'))]);
    const [ana, bo] = [await stored(store, 'User//ana'), await stored(store, 'User//bo')];
    const renamed = user('ana-diaz');
    const entry = applyOn(await headOf(store), [update(ana, renamed), create(user('cy')), remove(bo)], who);
    const { head } = await store.write({ ...entry, verdicts: [VERDICT] });
    const { audit } = await everything(store);
    const cy = await stored(store, 'User//cy');
    const { actor, actorVerified, reason, commit, pr } = who;
    const same = {
      revision: 2,
      at: entry.act.at,
      actor,
      actorVerified,
      reason,
      commit,
      pr,
      approvers: '["bo","cy"]',
    };
    const none = { uid: null, identity: null, before: null, after: null, verdicts: null };
    const second = audit.slice(3);
    expect(second.map(({ payloadHash: _, prevHash: __, hash: ___, ...facts }) => facts)).toEqual([
      {
        ...none,
        ...same,
        seq: 4,
        action: 'apply',
        after: '{"digest":"sha256:digest","manager":"default"}',
        verdicts: canonicalJson([VERDICT]),
      },
      {
        ...none,
        ...same,
        seq: 5,
        action: 'update',
        uid: ana.uid,
        identity: 'User//ana-diaz',
        before: ana.body,
        after: canonicalJson(toManifest(renamed)),
      },
      { ...none, ...same, seq: 6, action: 'create', uid: cy.uid, identity: 'User//cy', after: cy.body },
      { ...none, ...same, seq: 7, action: 'delete', uid: bo.uid, identity: 'User//bo', before: bo.body },
    ]);
    expect(audit.slice(0, 3)).toMatchObject([
      { action: 'apply', approvers: null },
      { action: 'create' },
      { action: 'create' },
    ]);
    expect(head.auditHead).toBe(`7:${second.at(-1)?.hash}`);
    expect(await reading(store, (opened) => flat(opened.audit({ revision: 2 })))).toEqual(second);
    expect(await reading(store, (opened) => flat(opened.audit({ revision: 9 })))).toEqual([]);
  });

  test('writes one row for what was refused, and no revision', async (store) => {
    const { head } = await apply(store, [create(user('ana'))]);
    const written = await store.write({
      type: 'refused',
      act: act(who),
      digest: 'sha256:no',
      verdicts: [VERDICT],
    });
    const { audit, revisions } = await everything(store);
    expect(revisions.length).toBe(1);
    expect(audit.slice(2)).toMatchObject([
      {
        seq: 3,
        revision: 1,
        action: 'refused',
        actor: 'ana',
        after: '{"digest":"sha256:no","manager":"default"}',
        verdicts: canonicalJson([VERDICT]),
      },
    ]);
    expect(written).toEqual({ created: false, head: { ...head, auditHead: `3:${audit[2]?.hash}` } });
    expect(await headOf(store)).toEqual(written.head);
  });

  test('chains the audit rows, so that any change shows', async (store) => {
    await apply(store, [create(user('ana')), create(user('bo'))], who);
    await store.write({ type: 'refused', act: act(who), digest: 'sha256:no', verdicts: [VERDICT] });
    await apply(store, [update(await stored(store, 'User//ana'), user('ana', { displayName: 'A' }))]);
    const { audit } = await everything(store);
    expect(audit.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(isChain(audit)).toBe(true);
    audit.forEach((row, at) => {
      for (const [column, value] of Object.entries(row)) {
        const altered =
          typeof value === 'number' ? value + 1 : typeof value === 'boolean' ? !value : `${value ?? ''}x`;
        expect(isChain(audit.with(at, { ...row, [column]: altered })), `${column} of row ${at + 1}`).toBe(
          false,
        );
      }
      if (at < audit.length - 1) expect(isChain(audit.toSpliced(at, 1)), `without row ${at + 1}`).toBe(false);
      const redacted = { ...row, before: null, after: null, reason: null };
      expect(isChain(audit.with(at, redacted)), `row ${at + 1} redacted`).toBe(true);
    });
    expect(isChain(audit.toReversed())).toBe(false);
  });

  test('remembers the revision whose snapshot was written', async (store) => {
    const { head } = await apply(store, [create(user('ana'))]);
    const audit = (await everything(store)).audit;
    expect(await store.write({ type: 'snapshot', revision: 1 })).toEqual({
      head: { ...head, snapshotRevision: 1 },
      created: false,
    });
    const next = await apply(store, [create(user('bo'))]);
    expect(next.head).toMatchObject({ revision: 2, snapshotRevision: 1 });
    await store.write({ type: 'snapshot', revision: 2 });
    expect(await headOf(store)).toEqual({ ...next.head, snapshotRevision: 2 });
    expect((await everything(store)).audit.slice(0, audit.length)).toEqual(audit);
    expect((await everything(store)).audit.length).toBe(4);
  });
}

export function isChain(rows: readonly AuditRow[]): boolean {
  return rows.every((row, at) => isIntact(row, rows[at - 1]?.hash ?? GENESIS));
}
