import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wholeActual } from '../../src/core/actual.ts';
import { digestOf, type Plan, type PlanNotes } from '../../src/core/plan.ts';
import { NOTHING_SETTLED, planChanges } from '../../src/core/plan-changes.ts';
import { identityOf, toManifest } from '../../src/core/resource.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { applyInMemory } from '../support/apply-in-memory.ts';
import { evolution, evolve, organisation } from '../support/arbitrary.ts';
import { changesOf, OPTIONS, planOf, problemsOf, verdictsOf } from '../support/planning.ts';
import {
  binding,
  declare,
  group,
  leavingOut,
  NOW,
  store,
  token,
  user,
  workspace,
} from '../support/resources.ts';

const acme = workspace('acme');
const ana = user('ana');

function names(resources: readonly Resource[], kind: Resource['kind']): string[] {
  return resources.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);
}

/** Whether the plan may be applied as far as references and rules go; limits on its size are another matter. */
function holds(plan: Plan): boolean {
  return (
    plan.problems.every(({ severity }) => severity === 'warn') &&
    plan.verdicts.every(({ code }) => !['RC209', 'RC210'].includes(code))
  );
}

describe('after an apply a second plan is empty', { timeout: 60_000 }, () => {
  test('of a first apply, which creates everything', () => {
    fc.assert(
      fc.property(organisation, fc.boolean(), (org, prune) => {
        const first = planOf(org, [], { prune });
        expect(first.summary).toEqual({ create: org.length, update: 0, delete: 0, unchanged: 0 });
        const stored = applyInMemory([], first);
        const second = planOf(org, stored, { prune });
        expect(second).toMatchObject({ changes: [], access: [], verdicts: [], problems: [] });
        expect(second.summary.unchanged).toBe(org.length);
      }),
      { numRuns: 500 },
    );
  });

  test('of any evolution with pruning, which leaves exactly what is declared', () => {
    fc.assert(
      fc.property(evolution, ({ before, resources: after }) => {
        const pruneWorkspaces = names(before, 'Workspace').filter(
          (name) => !names(after, 'Workspace').includes(name),
        );
        const plan = planOf(after, store(before), { prune: true, pruneWorkspaces });
        expect(problemsOf(plan)).toEqual([]);
        expect(holds(plan)).toBe(true);
        const stored = applyInMemory(store(before), plan);
        expect(new Set(stored.map(({ body }) => body))).toEqual(
          new Set(store(after).map(({ body }) => body)),
        );
        expect(changesOf(planOf(after, stored, { prune: true }))).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test('of two evolutions, one after the other', () => {
    const twice = organisation
      .chain((org) => fc.tuple(fc.constant(org), evolve(org)))
      .chain(([org, next]) => fc.tuple(fc.constant([org, next.resources]), evolve(next.resources)));
    fc.assert(
      fc.property(twice, ([first, last]) => {
        let stored = store([]);
        for (const org of [...first, last.resources]) {
          const declared = names(org, 'Workspace');
          const gone = stored
            .filter(({ resource }) => resource.kind === 'Workspace')
            .map(({ resource }) => resource.metadata.name);
          const plan = planOf(org, stored, {
            prune: true,
            pruneWorkspaces: gone.filter((name) => !declared.includes(name)),
          });
          fc.pre(holds(plan));
          stored = applyInMemory(stored, plan);
          expect(changesOf(planOf(org, stored, { prune: true }))).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('of any evolution without pruning, which leaves what is not declared as it is', () => {
    fc.assert(
      fc.property(evolution, ({ before, resources: after }) => {
        const plan = planOf(after, store(before));
        fc.pre(holds(plan));
        expect(plan.summary.delete).toBe(0);
        const stored = applyInMemory(store(before), plan);
        expect(changesOf(planOf(after, stored))).toEqual([]);
        const touched = new Set(
          plan.changes.map(
            ({ kind, namespace, name, previousName }) => `${kind}/${namespace ?? ''}/${previousName ?? name}`,
          ),
        );
        for (const one of store(before)) if (!touched.has(one.id)) expect(stored).toContainEqual(one);
      }),
      { numRuns: 1000 },
    );
  });

  test('of taking over what another manager has', () => {
    fc.assert(
      fc.property(evolution, ({ before, resources: after }) => {
        const theirs = store(before, 'other');
        const plan = planOf(after, theirs, { adopt: true });
        fc.pre(holds(plan));
        const stored = applyInMemory(theirs, plan);
        expect(verdictsOf(planOf(after, stored))).toEqual([]);
        expect(changesOf(planOf(after, stored))).toEqual([]);
        for (const { id, manager } of stored) {
          const changed = plan.changes.some(
            ({ kind, namespace, name }) => `${kind}/${namespace ?? ''}/${name}` === id,
          );
          expect(manager).toBe(changed ? 'default' : 'other');
        }
      }),
      { numRuns: 1000 },
    );
  });
});

test('the order of what is declared and of what the store has means nothing', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(
      evolution,
      fc.boolean(),
      fc.infiniteStream(fc.nat()),
      ({ before, resources: after }, prune, noise) => {
        const shuffled = <T>(list: readonly T[]): T[] =>
          list
            .map((one) => ({ one, at: noise.next().value ?? 0 }))
            .sort((a, b) => a.at - b.at)
            .map(({ one }) => one);
        const whole = {
          settled: NOTHING_SETTLED,
          base: { store: 's', revision: 1 },
          options: { ...OPTIONS, prune },
          at: NOW,
        };
        const { plan, notes } = planChanges({
          ...whole,
          desired: declare(after),
          actual: wholeActual(store(before)),
        });
        const other = planChanges({
          ...whole,
          desired: shuffled(declare(after)),
          actual: wholeActual(shuffled(store(before))),
        });
        const seen = (planned: { plan: Plan; notes: PlanNotes }) => {
          const access = [...planned.notes.accessByWorkspace()];
          const roles = access
            .flat()
            .flatMap(({ gains, loses }) => [...gains, ...loses].map(({ role }) => role));
          return JSON.stringify([planned.plan, access, roles.map((role) => planned.notes.risks.get(role))]);
        };
        expect(seen(other)).toBe(seen({ plan, notes }));
      },
    ),
    { numRuns: 500 },
  );
});

describe('the digest', () => {
  const before = [
    acme,
    ana,
    user('bo'),
    user('cy'),
    group('acme/devs', ['ana', 'bo']),
    token('acme/ci', 'ana'),
  ];
  const after = [
    acme,
    user('ana', { displayName: 'Ana' }),
    user('bo'),
    user('cy'),
    group('acme/devs', ['ana', 'cy']),
    binding('acme/b', 'workspace-member', ['Group:devs']),
  ];
  const plan = planOf(after, store(before), { prune: true });
  const change = (index: number, edit: Partial<Plan['changes'][number]>): Plan => ({
    ...plan,
    changes: plan.changes.map((one, i) => (i === index ? { ...one, ...edit } : one)),
  });

  test('is of the plan as it stands, with changes of each action', () => {
    expect(digestOf(plan)).toBe(plan.digest);
    expect(plan.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(changesOf(plan)).toEqual([
      'update Group acme/devs: /spec/members/User:bo /spec/members/User:cy',
      'create RoleBinding acme/b',
      'delete Token acme/ci',
      'update User ana: /spec/displayName',
    ]);
  });

  test.each<[what: string, other: Plan]>([
    ['origin', change(0, { origin: { file: 'elsewhere.yaml', line: 9, column: 9 } })],
    ['reason', change(2, { reason: 'because' })],
    ['fields', change(0, { fields: [] })],
    ['declares', change(0, { declares: [] })],
    ['time', { ...plan, at: '2030-01-01T00:00:00Z' }],
    ['revision', { ...plan, base: { ...plan.base, revision: 99 } }],
    ['access', { ...plan, access: [] }],
    [
      'verdicts',
      {
        ...plan,
        verdicts: [
          { code: 'RC209', class: 'hard', severity: 'deny', message: '', numbers: {}, override: null },
        ],
      },
    ],
    ['problems', { ...plan, problems: [{ code: 'RC124', severity: 'warn', message: 'paused' }] }],
    ['summary', { ...plan, summary: { create: 0, update: 0, delete: 0, unchanged: 0 } }],
    ['order of changes', { ...plan, changes: plan.changes.toReversed() }],
  ])('does not cover %s', (_, other) => {
    expect(digestOf(other)).toBe(plan.digest);
  });

  test.each<[what: string, other: Plan]>([
    ['store id', { ...plan, base: { ...plan.base, store: 'store-2' } }],
    ['absence of a store', { ...plan, base: { store: null, revision: 7 } }],
    ['manager', { ...plan, manager: 'other' }],
    ['prune', { ...plan, prune: false }],
    ['workspace', { ...plan, scope: { ...plan.scope, workspace: 'acme' } }],
    ['pruned workspaces', { ...plan, scope: { ...plan.scope, pruneWorkspaces: ['acme'] } }],
    ['action', change(0, { action: 'create' })],
    ['kind', change(3, { kind: 'Role' })],
    ['namespace', change(0, { namespace: 'beta' })],
    ['name', change(0, { name: 'ops' })],
    ['previous name', change(0, { previousName: 'ops' })],
    ['manager that it is taken over from', change(0, { adopts: 'other' })],
    ['state before', change(0, { before: toManifest(ana) })],
    ['state after', change(0, { after: toManifest(ana) })],
    ['state after that is gone', change(0, { after: null })],
    ['number of changes', { ...plan, changes: plan.changes.slice(1) }],
  ])('covers the %s', (_, other) => {
    expect(digestOf(other)).not.toBe(plan.digest);
  });

  test('covers the guard settings', () => {
    const tightened = (maxRemovals: string) => digestOf({ ...plan, guards: { maxRemovals } });
    expect(tightened('10%')).not.toBe(plan.digest);
    expect(tightened('10%')).not.toBe(tightened('20%'));
  });

  test('of the same files and store is the same at another time and revision, and from other places', {
    timeout: 60_000,
  }, () => {
    fc.assert(
      fc.property(evolution, ({ before, resources: after }) => {
        const moved = declare(after).map((one) => ({
          ...one,
          place: () => ({ file: 'all.yaml', line: 5, column: 3 }),
        }));
        const input = { actual: wholeActual(store(before)), settled: NOTHING_SETTLED, options: OPTIONS };
        const one = planChanges({
          ...input,
          desired: declare(after),
          base: { store: 's', revision: 1 },
          at: NOW,
        });
        const other = planChanges({
          ...input,
          desired: moved,
          base: { store: 's', revision: 2 },
          at: NOW + 1000,
        });
        expect(other.plan.digest).toBe(one.plan.digest);
      }),
      { numRuns: 300 },
    );
  });
});

describe('fields that are not managed when absent', () => {
  const stored = user('ana', { displayName: 'Ana Díaz', state: 'Suspended' });

  test('get their default at first', () => {
    const [change] = planOf([leavingOut(ana, 'displayName', 'state')]).changes;
    expect(change?.after?.spec).toMatchObject({ displayName: '', state: 'Active' });
    expect(change?.declares).toEqual([]);
    const [, empty] = planOf([acme, leavingOut(group('acme/devs', []), 'members')]).changes.toReversed();
    expect(empty?.after?.spec).toMatchObject({ members: [] });
  });

  test('stay as they are when absent', () => {
    expect(changesOf(planOf([leavingOut(ana, 'displayName', 'state')], store([stored])))).toEqual([]);
    const devs = group('acme/devs', ['ana']);
    expect(changesOf(planOf([acme, ana, leavingOut(devs, 'members')], store([acme, ana, devs])))).toEqual([]);
  });

  test('stay as they are when something else changes, or the name', () => {
    const other = leavingOut(user('ana', { email: 'ana@new.example' }), 'displayName', 'state');
    const [change] = planOf([other], store([stored])).changes;
    expect(change?.fields.map(({ path }) => path)).toEqual(['/spec/email']);
    expect(change?.after?.spec).toMatchObject({ displayName: 'Ana Díaz', state: 'Suspended' });
    const renamed = leavingOut(
      user('anna', { email: ana.spec.email }, { annotations: { 'rolecall.dev/previous-names': 'ana' } }),
      'displayName',
      'state',
    );
    expect(planOf([renamed], store([stored])).changes[0]?.after?.spec).toMatchObject({
      displayName: 'Ana Díaz',
      state: 'Suspended',
    });
  });

  test('are compared when declared', () => {
    expect(changesOf(planOf([leavingOut(ana, 'displayName')], store([stored])))).toEqual([
      'update User ana: /spec/state',
    ]);
    expect(planOf([leavingOut(ana, 'displayName')], store([stored])).changes[0]?.declares).toEqual(['state']);
  });

  test('declared as they are, or no longer declared, are no change', () => {
    expect(changesOf(planOf([stored], store([stored], 'default', null)))).toEqual([]);
    expect(changesOf(planOf([leavingOut(stored, 'displayName', 'state')], store([stored])))).toEqual([]);
  });

  test('all other fields have their default when absent, never what they were', () => {
    const contract = user('ana', { expiresAt: '2026-12-31', sponsor: 'bo' });
    expect(planOf([ana, user('bo')], store([contract, user('bo')])).changes[0]?.fields).toEqual([
      { path: '/spec/expiresAt', before: '2026-12-31T00:00:00Z', after: null },
      { path: '/spec/sponsor', before: 'bo', after: null },
    ]);
  });
});

describe('the summary', () => {
  test('counts each declared resource once', () => {
    fc.assert(
      fc.property(evolution, ({ before, resources: after }) => {
        const { summary } = planOf(after, store(before));
        expect(summary.create + summary.update + summary.unchanged).toBe(after.length);
        const kept = new Set(before.map(identityOf));
        expect(summary.create).toBeLessThanOrEqual(after.filter((one) => !kept.has(identityOf(one))).length);
      }),
      { numRuns: 300 },
    );
  });
});
