import { expect } from 'vitest';
import type { AuditFilter, Store } from '../../src/stores/store.ts';
import { user } from '../support/resources.ts';
import {
  act,
  apply,
  create,
  everything,
  flat,
  reading,
  remove,
  stored,
  type Test,
  update,
} from './entries.ts';
import { isChain } from './store-records.ts';

/** Three revisions of two people: 8 audit rows, all with a reason. */
async function filled(store: Store): Promise<void> {
  const because = { reason: 'a private matter' };
  await apply(store, [create(user('ana')), create(user('bo'))], because);
  const [ana, bo] = [await stored(store, 'User//ana'), await stored(store, 'User//bo')];
  await apply(store, [update(ana, user('ana', { displayName: 'Ana' })), remove(bo)], because);
  await apply(store, [update(ana, user('ana-diaz'))], because);
}

function redact(store: Store, rows: readonly number[]) {
  return store.write({ type: 'redact', act: act({ actor: 'ana', reason: 'she asked' }), rows });
}

/** Payloads of audit rows can be taken away, and rows be found by what they are of. */
export function redactions(test: Test): void {
  test('takes payloads away, says so in one row, and the chain holds', async (store) => {
    await filled(store);
    const before = await everything(store);
    const written = await redact(store, [2, 3, 5, 99, 2]);
    const { audit, ...rest } = await everything(store);
    expect(rest).toEqual({
      head: written.head,
      resources: before.resources,
      edges: before.edges,
      revisions: before.revisions,
    });
    expect(written).toMatchObject({ created: false, head: { revision: 3 } });
    expect(audit.slice(0, 8)).toEqual(
      before.audit.map((row) =>
        [2, 3, 5].includes(row.seq) ? { ...row, before: null, after: null, reason: null } : row,
      ),
    );
    expect(audit.slice(8)).toMatchObject([
      {
        seq: 9,
        revision: 3,
        action: 'redact',
        actor: 'ana',
        reason: 'she asked',
        after: '{"manager":"default","rows":[2,3,5]}',
      },
    ]);
    expect(isChain(audit)).toBe(true);
    await apply(store, [create(user('cy'))]);
    expect(isChain((await everything(store)).audit)).toBe(true);
  });

  test('the reason of a revision goes with that of its apply', async (store) => {
    await filled(store);
    const before = await everything(store);
    const reasons = async () => (await everything(store)).revisions.map(({ reason }) => reason);
    // Rows of changes in the second revision.
    await redact(store, [5, 6]);
    expect((await everything(store)).revisions).toEqual(before.revisions);
    await redact(store, [4]);
    expect(await reasons()).toEqual(['a private matter', null, 'a private matter']);
    await redact(store, [1, 7, 9]);
    expect(await reasons()).toEqual([null, null, null]);
    expect((await everything(store)).revisions).toEqual(
      before.revisions.map((one) => ({ ...one, reason: null })),
    );
  });

  test('takes nothing away where there is no such row, and says nothing', async (store) => {
    expect(await redact(store, [1])).toMatchObject({ head: { store: null }, created: false });
    await filled(store);
    const before = await everything(store);
    for (const rows of [[], [99], [0, -1]]) await redact(store, rows);
    expect(await everything(store)).toEqual(before);
  });

  test('finds the audit rows of resources, under all their names', async (store) => {
    await filled(store);
    const { audit } = await everything(store);
    const of = (name: string) => audit.find(({ identity }) => identity === `User//${name}`)?.uid ?? '';
    const [ana, bo] = [of('ana'), of('bo')];
    const seqs = async (filter: AuditFilter) =>
      (await reading(store, (opened) => flat(opened.audit(filter)))).map(({ seq }) => seq);
    expect(await seqs({ uids: [ana] })).toEqual([2, 5, 8]);
    expect(await seqs({ uids: [bo, ana, bo, 'nobody'] })).toEqual([2, 3, 5, 6, 8]);
    expect(await seqs({ uids: [ana, bo], from: 3 })).toEqual([3, 5, 6, 8]);
    expect(await seqs({ uids: [ana, bo], after: 1 })).toEqual([5, 6, 8]);
    expect(await seqs({ uids: [ana, bo], revision: 2 })).toEqual([5, 6]);
    expect(await seqs({ uids: [ana, bo], revision: 2, from: 6, after: 1 })).toEqual([6]);
    expect(await seqs({ uids: [ana, bo], revision: 2, after: 2 })).toEqual([]);
    expect(await seqs({ uids: ['nobody'] })).toEqual([]);
    expect(await seqs({ uids: [] })).toEqual([]);
    const rows = await reading(store, (opened) => flat(opened.audit({ uids: [bo] })));
    expect(rows).toEqual(audit.filter(({ uid }) => uid === bo));
  });
}
