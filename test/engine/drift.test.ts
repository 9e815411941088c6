/** Drift of random organisations, against what was done to them. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffFields, type FieldChange } from '../../src/core/diff.ts';
import type { DriftItem } from '../../src/core/drift.ts';
import { canonicalJson } from '../../src/core/hash.ts';
import { amended, type Change, identityOfChange } from '../../src/core/plan.ts';
import { NOTHING_SETTLED } from '../../src/core/plan-changes.ts';
import { Failure } from '../../src/core/problem.ts';
import { type Identity, identity, identityOf, toManifest } from '../../src/core/resource.ts';
import { withActual } from '../../src/engine/actual-state.ts';
import { applyPlan } from '../../src/engine/apply.ts';
import { findDrift } from '../../src/engine/drift.ts';
import { NO_OVERRIDES } from '../../src/engine/judgement.ts';
import { planFrom } from '../../src/engine/plan.ts';
import { kindOf, type Resource } from '../../src/kinds/index.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { Store } from '../../src/stores/store.ts';
import { act, reading } from '../contract/entries.ts';
import { evolve, organisation } from '../support/arbitrary.ts';
import { temporaryFolder } from '../support/folder.ts';
import { inMemoryStore } from '../support/in-memory-store.ts';
import { OPTIONS } from '../support/planning.ts';
import { newStore } from '../support/postgres.ts';
import { declare, leavingOut, NOW, user } from '../support/resources.ts';

const LONG = process.env.ROLECALL_LONG === '1';

/** What was changed, whatever guards say of it; undefined where it is not allowed at all, or is another manager's. */
async function applyAs(
  store: Store,
  manager: string,
  resources: readonly Resource[],
  options: { readonly adopt?: boolean; readonly prune?: boolean } = {},
): Promise<readonly Change[] | undefined> {
  const desired = { desired: declare(resources), settled: NOTHING_SETTLED };
  try {
    const planned = await withActual(store, 1, (state) =>
      planFrom(state, desired, { ...OPTIONS, ...options, manager }, NOW),
    );
    const isOthers = planned.plan.verdicts.some(({ code }) => ['RC209', 'RC210', 'RC213'].includes(code));
    if (isOthers) return undefined;
    const changes = planned.plan.changes.map((change) => JSON.parse(JSON.stringify(change)) as Change);
    const plan = amended(planned.plan, { verdicts: [] });
    await applyPlan(store, { ...planned, plan }, act({ manager }), NO_OVERRIDES);
    return changes;
  } catch (error) {
    if (error instanceof Failure && error.exit === 4) return undefined;
    throw error;
  }
}

function driftIn(store: Store, manager: string): Promise<readonly DriftItem[]> {
  return reading(store, async (open) => {
    const drift = await findDrift(open, manager, undefined);
    if (!drift) throw new Error('there is no such workspace');
    expect([drift.ignored, drift.unknown]).toEqual([0, 0]);
    return drift.items;
  });
}

/** Which fields of what differ, as a map. */
function fieldsIn(items: readonly DriftItem[]): Map<Identity, readonly FieldChange[]> {
  return new Map(
    items.map(({ kind, namespace, name, fields }) => [identity(kind, namespace ?? undefined, name), fields]),
  );
}

const MANAGERS = ['default', 'hr', 'idp'] as const;

/** Who manages what: global resources are the default's, each workspace hr's or idp's. */
function ownerOf({ metadata: { namespace } }: Resource): (typeof MANAGERS)[number] {
  if (namespace === undefined) return 'default';
  return namespace === 'acme' ? 'hr' : 'idp';
}

test('nothing has drifted after any manager has applied what is its own', {
  timeout: 3_600_000,
}, async () => {
  let applied = 0;
  await fc.assert(
    fc.asyncProperty(organisation, fc.integer({ min: 1, max: 5 }), fc.gen(), async (first, steps, g) => {
      const store = inMemoryStore();
      let org = first;
      for (let step = 0; step < steps; step++) {
        for (const manager of MANAGERS) {
          const own = org.filter((one) => ownerOf(one) === manager);
          // What the default leaves out of a User anybody may have.
          const states = org
            .filter(({ kind }) => kind === 'User')
            .map((one) => leavingOut(one, 'displayName'));
          const declared = own.map((one) => (g(fc.boolean) ? withoutUnmanaged(one) : one));
          const desired = manager === 'idp' && g(fc.boolean) ? [...declared, ...states] : declared;
          const changes = await applyAs(store, manager, desired, { prune: g(fc.boolean) });
          if (changes && changes.length > 0) applied++;
          for (const other of MANAGERS) expect(await driftIn(store, other)).toEqual([]);
        }
        ({ resources: org } = g(evolve, org));
      }
    }),
    { endOnFailure: true, numRuns: LONG ? 3000 : 60 },
  );
  expect(applied).toBeGreaterThan(100);
});

function withoutUnmanaged(resource: Resource): Resource {
  return leavingOut(resource, ...Object.keys(kindOf(resource.kind).unmanaged));
}

test('what another manager takes over has drifted, just that, until it is taken back', {
  timeout: 3_600_000,
}, async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(organisation, fc.gen(), async (org, g) => {
      const store = inMemoryStore();
      expect(await applyAs(store, 'default', org)).toBeDefined();
      const { resources, renamed } = g(evolve, org);
      const news = new Set(renamed.values());
      const other = resources.filter((one) => !news.has(identityOf(one)) && !org.includes(one));
      const changes = await applyAs(store, 'idp', other, { adopt: true });
      const adopted = (changes ?? []).filter(({ adopts }) => adopts !== null);
      const expected = new Map(
        adopted.map((change) => [
          identityOfChange(change),
          change.before && change.after ? diffFields(change.before, change.after) : [],
        ]),
      );
      const items = await driftIn(store, 'default');
      expect(fieldsIn(items)).toEqual(expected);
      for (const item of items)
        expect(item).toMatchObject({ action: 'update', cause: 'manager', manager: 'idp', revision: 2 });
      expect(await driftIn(store, 'idp')).toEqual([]);
      taken += items.length;
      if (!(await applyAs(store, 'default', org, { adopt: true }))) return;
      expect(await driftIn(store, 'default')).toEqual([]);
      expect(await applyAs(store, 'default', org)).toEqual([]);
      expect([...fieldsIn(await driftIn(store, 'idp')).keys()]).toEqual([...expected.keys()].sort());
    }),
    { endOnFailure: true, numRuns: LONG ? 3000 : 100 },
  );
  expect(taken).toBeGreaterThan(30);
});

test('what is changed in the database has drifted, just that, for whoever asks', {
  timeout: 3_600_000,
}, async () => {
  let edited = 0;
  await fc.assert(
    fc.asyncProperty(organisation, fc.gen(), async (org, g) => {
      const folder = temporaryFolder();
      const file = join(folder, 'iam.db');
      const store = sqliteStore({ file, location: 'iam.db', lockTimeout: 1000 });
      expect(await applyAs(store, 'default', org)).toBeDefined();
      const { resources } = g(evolve, org);
      const before = new Map(org.map((one) => [identityOf(one), one]));
      const expected = new Map<Identity, readonly FieldChange[]>();
      const database = new DatabaseSync(file);
      const write = database.prepare(
        'UPDATE resource SET body = ? WHERE kind = ? AND workspace = ? AND name = ?',
      );
      for (const after of resources) {
        const id = identityOf(after);
        const was = before.get(id);
        if (!was) continue;
        const { name, namespace = '' } = after.metadata;
        write.run(shuffled(after), after.kind, namespace, name);
        const fields = diffFields(toManifest(was), toManifest(after));
        if (fields.length > 0) expected.set(id, fields);
      }
      database.close();
      for (const manager of ['default', 'idp']) {
        const items = await driftIn(store, manager);
        expect(fieldsIn(items)).toEqual(new Map([...expected].sort(([a], [b]) => (a < b ? -1 : 1))));
        for (const item of items) expect(item).toMatchObject({ cause: 'database', managedBy: 'default' });
      }
      edited += expected.size;
      const planned = await applyAs(store, 'default', org);
      if (!planned) return;
      expect(planned.map(identityOfChange)).toEqual([...expected.keys()].sort());
      expect(await driftIn(store, 'default')).toEqual([]);
      expect(await applyAs(store, 'default', org)).toEqual([]);
      await store.close();
    }),
    { endOnFailure: true, numRuns: LONG ? 300 : 25 },
  );
  expect(edited).toBeGreaterThan(5);
});

/** The body with its members in another order. */
function shuffled(resource: Resource): string {
  return JSON.stringify(JSON.parse(canonicalJson(toManifest(resource))), undefined, 1).replace(/^\{/, '{ ');
}

test('Postgres tells the same, of many as of one', { timeout: 120_000 }, async () => {
  const store = await newStore();
  const org = Array.from({ length: 1500 }, (_, i) => user(`u${i}`));
  expect(await applyAs(store, 'default', org)).toHaveLength(1500);
  expect(await driftIn(store, 'default')).toEqual([]);
  const service = org.map(({ metadata }) => user(metadata.name, { type: 'Service' }));
  for (const some of [service.slice(0, 1), service]) {
    await applyAs(store, 'idp', some, { adopt: true });
    const items = await driftIn(store, 'default');
    expect(items).toHaveLength(some.length);
    for (const item of items)
      expect(item).toMatchObject({ manager: 'idp', fields: [{ path: '/spec/type', before: 'Human' }] });
  }
  const taken = await applyAs(store, 'default', org.slice(0, 900), { adopt: true });
  expect(new Set(taken?.map(({ reason }) => reason))).toEqual(
    new Set(['changed by manager idp at 2026-06-01 00:00 UTC since it was applied']),
  );
  expect(await driftIn(store, 'default')).toHaveLength(600);
  await store.close();
});
