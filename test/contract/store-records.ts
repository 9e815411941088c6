import { expect } from 'vitest';
import { type AuditRow, GENESIS, isIntact } from '../../src/core/audit.ts';
import { canonicalJson } from '../../src/core/hash.ts';
import { toManifest } from '../../src/core/resource.ts';
import type { Verdict } from '../../src/core/verdict.ts';
import { user } from '../support/resources.ts';
import {
  act,
  apply,
  applyOn,
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

const VERDICT: Verdict = {
  code: 'RC209',
  class: 'hard',
  severity: 'deny',
  message: 'é "no"',
  numbers: { of: 2 },
  override: null,
};

/** Revisions, audit rows and the snapshot are remembered. */
export function records(test: Test): void {
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

  test('the audit says from whom an apply took what over', async (store) => {
    await apply(store, [create(user('ana'), { manager: 'hr' }), create(user('bo'), { manager: 'it' })]);
    const [ana, bo] = [await stored(store, 'User//ana'), await stored(store, 'User//bo')];
    const changes = [update(bo, user('bo')), update(ana, user('ana'))];
    const entry = applyOn(await headOf(store), changes);
    await store.write({
      ...entry,
      adopts: new Map([
        [bo.id, 'it'],
        [ana.id, 'hr'],
      ]),
    });
    expect((await everything(store)).audit.at(-3)).toMatchObject({
      action: 'apply',
      after: '{"adopts":{"User//ana":"hr","User//bo":"it"},"digest":"sha256:digest","manager":"default"}',
    });
  });

  test('reads the audit rows of later revisions, what was refused there among them', async (store) => {
    await apply(store, [create(user('ana'))]);
    await apply(store, [create(user('bo')), create(user('cy'))]);
    await store.write({ type: 'refused', act: act(who), digest: 'sha256:no', verdicts: [VERDICT] });
    await apply(store, [update(await stored(store, 'User//ana'), user('ana', { displayName: 'A' }))]);
    const { audit } = await everything(store);
    for (const after of [0, 1, 2, 3, 9]) {
      const rows = await reading(store, (opened) => flat(opened.audit({ after })));
      expect(rows).toEqual(audit.filter(({ revision }) => revision > after));
      expect(rows.length).toBe([8, 6, 2, 0, 0][[0, 1, 2, 3, 9].indexOf(after)]);
    }
    expect(await reading(store, (opened) => flat(opened.audit({ revision: 2, after: 1 })))).toEqual(
      audit.filter(({ revision }) => revision === 2),
    );
    expect(await reading(store, (opened) => flat(opened.audit({ revision: 2, after: 2 })))).toEqual([]);
    const all = await reading(store, (opened) => flat(opened.audit()));
    for (const from of [1, 3, all.length, all.length + 1])
      expect(await reading(store, (opened) => flat(opened.audit({ from })))).toEqual(all.slice(from - 1));
    expect(await reading(store, (opened) => flat(opened.audit({ revision: 2, from: 3 })))).toEqual(
      all.slice(2).filter((row) => row.revision === 2),
    );
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

  test('remembers the last commit of each manager, and how it was reviewed', async (store) => {
    const of = (manager: string) => reading(store, (opened) => opened.commitOf(manager));
    expect(await of('default')).toBe(null);
    await store.write({ type: 'commit', act: act({ commit: 'a'.repeat(40) }) });
    expect(await of('default')).toBe(null);
    await apply(store, [create(user('ana'))], { commit: 'a'.repeat(40), review: 'unverified' });
    expect(await of('default')).toBe('a'.repeat(40));
    await apply(store, [create(user('bo'))]);
    expect(await of('default')).toBe('a'.repeat(40));
    const { head } = await store.write({ type: 'commit', act: act({ commit: 'b'.repeat(40) }) });
    expect(await of('default')).toBe('b'.repeat(40));
    expect(await of('other')).toBe(null);
    await store.write({ type: 'commit', act: act({ commit: 'c'.repeat(40), manager: 'other' }) });
    expect([await of('default'), await of('other')]).toEqual(['b'.repeat(40), 'c'.repeat(40)]);
    expect(await headOf(store)).toEqual(head);
    const { audit } = await everything(store);
    expect(audit.filter(({ action }) => action === 'apply').map(({ after }) => after)).toEqual([
      '{"digest":"sha256:digest","manager":"default","review":"unverified"}',
      '{"digest":"sha256:digest","manager":"default"}',
    ]);
  });

  test('refuses what is to follow another commit than the last one, and writes nothing of it', async (store) => {
    const [a, b, c] = ['a', 'b', 'c'].map((one) => one.repeat(40));
    await apply(store, [create(user('ana'))], { commit: a ?? '', follows: null });
    await apply(store, [create(user('bo'))], { commit: b ?? '', follows: a ?? '' });
    const before = await everything(store);
    for (const follows of [a ?? '', null]) {
      const refused = { exit: 5, problems: [{ code: 'RC404' }] };
      await expect(apply(store, [create(user('cy'))], { commit: c ?? '', follows })).rejects.toMatchObject(
        refused,
      );
      const entry = { type: 'commit', act: act({ commit: c ?? '', follows }) } as const;
      await expect(store.write(entry)).rejects.toMatchObject(refused);
    }
    expect(await everything(store)).toEqual(before);
    await store.write({ type: 'commit', act: act({ commit: c ?? '', follows: b ?? '' }) });
    expect(await reading(store, (opened) => opened.commitOf('default'))).toBe(c);
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
