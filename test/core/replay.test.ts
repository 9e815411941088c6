import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wholeActual } from '../../src/core/actual.ts';
import { digestOf, type Plan } from '../../src/core/plan.ts';
import { Failure } from '../../src/core/problem.ts';
import { readPlan, replayPlan } from '../../src/core/replay.ts';
import type { Stored } from '../../src/core/stored.ts';
import { evolution } from '../support/arbitrary.ts';
import { planOf } from '../support/planning.ts';
import { binding, group, NOW, store, user, workspace } from '../support/resources.ts';

const byId = wholeActual;

/** The plan as it is read again after `edit`; `RC406 message` when it is refused. */
function reread(plan: Plan, edit: (plan: Plan) => unknown = (it) => it): Plan | string {
  try {
    return readPlan('plan.json', JSON.stringify(edit(plan)));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.problems.map(({ code, message }) => `${code} ${message}`).join();
  }
}

const acme = workspace('acme');
const people = [user('ana'), user('bo')];
const before = [
  acme,
  ...people,
  group('acme/devs', ['ana']),
  binding('acme/reads', 'source-read-only', ['Group:devs']),
];
const after = [acme, ...people, group('acme/devs', ['bo'])];
const plan = planOf(after, store(before));
const inChange = (edit: object) => (it: Plan) => ({
  ...it,
  changes: it.changes.map((change) => ({ ...change, ...edit })),
});

describe('a saved plan', () => {
  test('is read as it was written, and fits the state that it was made on', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(evolution, fc.boolean(), ({ before, resources: after }, prune) => {
        const made = planOf(after, store(before), { prune });
        fc.pre(made.problems.every(({ severity }) => severity === 'warn'));
        expect(reread(made)).toEqual(made);
        expect(replayPlan(made, byId(store(before)), null, NOW).stale).toBe(undefined);
      }),
      { numRuns: 300 },
    );
  });

  test.each<[what: string, text: string]>([
    ['nothing', ''],
    ['half of it', JSON.stringify(plan).slice(0, 500)],
    ['null', 'null'],
    ['a list', '[]'],
    ['another kind', JSON.stringify({ ...plan, kind: 'List' })],
  ])('is not %s', (_, text) => {
    expect(() => readPlan('plan.json', text)).toThrow(Failure);
  });

  test.each<[what: string, edit: (plan: Plan) => unknown]>([
    ['another manager', (it) => ({ ...it, manager: 'other' })],
    ['another store', (it) => ({ ...it, base: { ...it.base, store: 'store-2' } })],
    ['a change less', (it) => ({ ...it, changes: it.changes.slice(1) })],
  ])('with %s does not have its digest', (_, edit) => {
    expect(reread(plan, edit)).toBe('RC405 plan.json: the changes do not have the digest that it gives');
  });

  test.each([
    ['no fields', { fields: [] }],
    ['other fields', { fields: [{ path: '/spec/description', before: '', after: 'harmless' }] }],
    ['an unknown action', { action: 'replace' }],
    ['a create that has a state before', { action: 'create' }],
    [
      'a state after that is not a normal form',
      { after: { ...plan.changes[0]?.after, spec: { displayName: 'x', members: [{ name: 'bo' }] } } },
    ],
    [
      'a state after of another name',
      { after: { ...plan.changes[0]?.after, metadata: { name: 'ops', namespace: 'acme' } } },
    ],
  ])('with %s is no plan, whatever its digest', (_, edit) => {
    const edited = inChange(edit)(plan) as Plan;
    expect(reread({ ...edited, digest: digestOf(edited) })).toBe(
      'RC406 plan.json: has a change that is not in normal form',
    );
  });
});

describe('a plan is stale', () => {
  const actual = store(before);

  test.each<[what: string, plan: Plan, actual: Stored[], stale: string]>([
    [
      'when what it changes has changed',
      plan,
      store([acme, ...people, group('acme/devs', [])]),
      'Group acme/devs is not as it was',
    ],
    ['when what it changes is gone', plan, store([acme, ...people]), 'Group acme/devs is not as it was'],
    [
      'when what it creates is there',
      planOf(before, store([acme, ...people])),
      actual,
      'Group acme/devs is not as it was',
    ],
    [
      'when what it refers to is gone',
      plan,
      actual.filter(({ id }) => id !== 'User//bo'),
      'Group acme/devs: there is no User "bo"',
    ],
    [
      'when it would change other access',
      plan,
      actual.filter(({ id }) => !id.startsWith('RoleBinding')),
      'it would change the access of people differently now',
    ],
    ['when another manager has it now', plan, store(before, 'other'), 'guards judge it differently now'],
  ])('%s', (_, made, now, stale) => {
    expect(replayPlan(made, byId(now), null, NOW)).toEqual({ stale });
  });

  test('not when something else has changed', () => {
    expect(replayPlan(plan, byId([...actual, ...store([user('cy')])]), null, NOW).stale).toBe(undefined);
  });
});
