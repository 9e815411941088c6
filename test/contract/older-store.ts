import { expect } from 'vitest';
import { momentsOf } from '../../src/core/moment.ts';
import { EXIT } from '../../src/core/problem.ts';
import { identityOf } from '../../src/core/resource.ts';
import type { Entry, Store, StoredMoment } from '../../src/stores/store.ts';
import { user } from '../support/resources.ts';
import { WITH_WINDOWS } from '../support/windows.ts';
import { act, apply, applyOn, create, everything, flat, NOWHERE, reading } from './entries.ts';
import { isChain } from './store-records.ts';

const AT = '2026-06-01T00:00:00Z';

/** Any entry brings a store up to date. */
const ENTRIES: readonly Entry[] = [
  { type: 'pass', act: act({ at: AT }) },
  { type: 'snapshot', revision: 0 },
  { type: 'refused', act: act(), digest: 'd', verdicts: [] },
];

/**
 * Holds that a store of the version that knew neither time nor secrets is refused by who reads, and brought up to date
 * by who writes. `older` makes another one each time, of what `from` has.
 */
export async function expectUpdate(from: Store, older: () => Promise<Store>): Promise<void> {
  await from.write(
    applyOn(
      NOWHERE,
      WITH_WINDOWS.map((one) => create(one)),
      { at: AT },
    ),
  );
  const before = await everything(from);
  for (const entry of ENTRIES) {
    const store = await older();
    await expect(store.read()).rejects.toMatchObject({
      exit: EXIT.error,
      problems: [{ code: 'RC403', hint: 'the next apply brings it up to date' }],
    });
    await store.write(entry);
    const { audit, resources, edges, revisions } = await everything(store);
    expect({ resources, edges, revisions, audit: audit.slice(0, before.audit.length) }).toEqual({
      resources: before.resources,
      edges: before.edges,
      revisions: before.revisions,
      audit: before.audit,
    });
    expect(isChain(audit)).toBe(true);
    await expectMoments(store);
  }
  await expectFirstPass(await older());
}

async function expectMoments(store: Store): Promise<void> {
  await reading(store, async (opened) => {
    const moments = await flat(opened.moments());
    expect(sorted(moments)).toEqual(
      sorted(
        WITH_WINDOWS.flatMap((one) => momentsOf(one).map((moment) => ({ id: identityOf(one), ...moment }))),
      ),
    );
    expect(moments.map(({ at }) => at)).toEqual(moments.map(({ at }) => at).toSorted((a, b) => a - b));
    expect((await opened.find({ delivers: true })).map(({ id }) => id).sort()).toEqual([
      'Token/acme/cd',
      'Token/acme/ci',
    ]);
  });
}

/** Nobody has told anything yet: the first pass tells all that has ended. */
async function expectFirstPass(store: Store): Promise<void> {
  for (let i = 0; i < 2; i++) await store.write({ type: 'pass', act: act({ at: AT }) });
  const { audit } = await everything(store);
  const told = audit.filter(({ action }) => action === 'retire');
  expect(told.map(({ identity, after }) => `${identity} ${after}`)).toEqual([
    'Group/acme/devs {"manager":"default","path":"/spec/members/Group:interns","until":"0001-01-01T00:00:00Z"}',
    'RoleBinding/acme/a {"manager":"default","path":"/spec","until":"2026-05-01T00:00:00Z"}',
    'Group/acme/devs {"manager":"default","path":"/spec/members/User:ana","until":"2026-05-01T00:00:00.001Z"}',
  ]);
  await apply(store, [create(user('di', { expiresAt: '2026-07-01' }))]);
  expect(await reading(store, (opened) => flat(opened.moments({ open: true })))).toContainEqual({
    id: 'User//di',
    pointer: '/spec',
    type: 'ends',
    at: Date.parse('2026-07-01T00:00:00Z'),
  });
}

function sorted(moments: readonly StoredMoment[]): string[] {
  return moments.map(({ id, pointer, type, at }) => `${id} ${pointer} ${type} ${at}`).sort();
}
