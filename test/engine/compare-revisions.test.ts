/** What differs between any two revisions, told from the audit, against what was there. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AccessChange, diffAccess } from '../../src/core/access-diff.ts';
import { BODIES, identityOfChange } from '../../src/core/plan.ts';
import { compareText } from '../../src/core/problem.ts';
import { type Identity, identityOf } from '../../src/core/resource.ts';
import { createState } from '../../src/core/state.ts';
import type { Stored } from '../../src/core/stored.ts';
import { accessOf, differenceOf, planOfDifference } from '../../src/engine/compare-revisions.ts';
import { readRevision } from '../../src/engine/history-revision.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { formatTime } from '../../src/kinds/time.ts';
import type { Store, WriteChange } from '../../src/stores/store.ts';
import { apply, create, type Everything, everything, reading, remove, update } from '../contract/entries.ts';
import { evolve, organisation } from '../support/arbitrary.ts';
import { inMemoryStore } from '../support/in-memory-store.ts';

const AT = Date.parse('2026-06-01T00:00:00Z');
const LONG = process.env.ROLECALL_LONG === '1';

/** What makes a store that has `before` have `after`: what is renamed keeps its uid. */
function changesTo(
  before: readonly Stored[],
  after: readonly Resource[],
  renamed: ReadonlyMap<Identity, Identity>,
): WriteChange[] {
  const left = new Map(before.map((one) => [renamed.get(one.id) ?? one.id, one]));
  const written = after.flatMap((resource): WriteChange[] => {
    const was = left.get(identityOf(resource));
    left.delete(identityOf(resource));
    if (!was) return [create(resource)];
    const change = update(was, resource);
    return change.after?.body === was.body ? [] : [change];
  });
  return [...[...left.values()].map(remove), ...written];
}

/** A store that has lived, and what it had at each revision, the empty one first. */
async function lived(g: fc.GeneratorValue, first: Resource[], steps: number) {
  const store = inMemoryStore();
  const past: Everything[] = [await everything(store)];
  let org = first;
  let renamed: ReadonlyMap<Identity, Identity> = new Map();
  for (let revision = 1; revision <= steps; revision++) {
    const { resources } = await everything(store);
    await apply(store, changesTo(resources, org, renamed), { at: formatTime(AT) });
    past.push(await everything(store));
    ({ resources: org, renamed } = g(evolve, org));
  }
  return { store, past };
}

/** By hand: of everything that differs, by uid. */
function accessBetween(before: readonly Stored[], after: readonly Stored[]): AccessChange[] {
  const [was, is] = [before, after].map((all) => new Map(all.map((one) => [one.uid, one])));
  if (!was || !is) throw new Error('two states');
  const pairs = [...new Set([...was.keys(), ...is.keys()])].map((uid) => ({
    before: was.get(uid)?.resource ?? null,
    after: is.get(uid)?.resource ?? null,
  }));
  const state = (all: readonly Stored[]) => createState(all.map(({ resource }) => resource));
  return diffAccess(state(before), state(after), pairs, AT);
}

const bodies = (all: Iterable<{ readonly body: string }>) =>
  Array.from(all, ({ body }) => body).sort(compareText);

async function expectDifference(store: Store, past: readonly Everything[], from: number, to: number) {
  const [before, after] = [past[from]?.resources ?? [], past[to]?.resources ?? []];
  const difference = await reading(store, (open) => differenceOf(open, from, to));
  expect(bodies(difference.before)).toEqual(bodies(before));
  const { plan, notes } = planOfDifference(difference, AT, 'default', undefined);
  const left = new Map(before.map((one) => [one.id, one.body]));
  for (const change of plan.changes) if (change[BODIES]?.before) left.delete(idBefore(change));
  for (const change of plan.changes)
    if (change[BODIES]?.after) left.set(identityOfChange(change), change[BODIES].after);
  expect([...left.values()].sort(compareText)).toEqual(bodies(after));
  expect(plan.summary.unchanged + plan.changes.length - plan.summary.create).toBe(before.length);
  expect(plan.access).toEqual(accessBetween(before, after));
  expect([...notes.accessByWorkspace()].flat()).toEqual(plan.access);
}

function idBefore(change: Parameters<typeof identityOfChange>[0] & { readonly previousName: string | null }) {
  const { kind, namespace, name, previousName } = change;
  return identityOfChange({ kind, namespace, name: previousName ?? name });
}

test('the difference of any two revisions is that of what was there', { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(organisation, fc.integer({ min: 1, max: 4 }), fc.gen(), async (org, steps, g) => {
      const { store, past } = await lived(g, org, steps);
      for (let from = 0; from <= steps; from++)
        for (let to = 0; to <= steps; to++) await expectDifference(store, past, from, to);
    }),
    { numRuns: LONG ? 3000 : 60 },
  );
});

test('what is told of a revision is its difference to the one before', { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(organisation, fc.gen(), async (org, g) => {
      const { store, past } = await lived(g, org, 3);
      for (const revision of [1, 2, 3]) {
        const [before, after] = [past[revision - 1]?.resources ?? [], past[revision]?.resources ?? []];
        const story = await reading(store, (open) => readRevision(open, revision, undefined));
        const difference = await reading(store, (open) => differenceOf(open, revision - 1, revision));
        const { plan } = planOfDifference(difference, AT, 'default', undefined);
        expect(JSON.stringify(story.changes)).toBe(JSON.stringify(plan.changes));
        expect([...(story.access?.accessByWorkspace() ?? [])].flat()).toEqual(accessBetween(before, after));
        for (const { metadata } of after.flatMap(({ resource }) =>
          resource.kind === 'Workspace' ? resource : [],
        )) {
          const one = accessOf(difference, AT, metadata.name).access();
          expect(one).toEqual(plan.access.filter(({ workspace }) => workspace === metadata.name));
        }
      }
    }),
    { numRuns: LONG ? 3000 : 60 },
  );
});
