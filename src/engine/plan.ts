import type { Actual } from '../core/actual.ts';
import type { ReadManifests } from '../core/manifest.ts';
import { identityOfChange, type Plan, type PlanNotes } from '../core/plan.ts';
import { type PlanInput, type PlannedChanges, type PlanOptions, planChanges } from '../core/plan-changes.ts';
import { EXIT, failure, type Problem } from '../core/problem.ts';
import { identity } from '../core/resource.ts';
import { type State, stateOf } from '../core/state.ts';
import type { AuditRemark, Head } from '../stores/store.ts';
import type { ActualState } from './actual-state.ts';
import { judgePlan, NO_OVERRIDES, type Overriding } from './judgement.ts';
import { hasErrors, problemsAcross, refuseErrors } from './load.ts';

/** A plan, and what applying it needs beside it. */
export interface Planned {
  readonly plan: Plan;
  readonly notes: PlanNotes;
  readonly head: Head;
  /** What the store had: what the plan changes is at hand. */
  readonly actual: Actual;
  /** What there is after the plan; undefined where nothing changes. */
  readonly after?: State | undefined;
  readonly warnings: readonly Problem[];
  /** What the audit says beside the changes. */
  readonly remarks: readonly AuditRemark[];
}

/** What is to be planned. */
export type Desired = Pick<PlanInput, 'desired' | 'settled'>;

/** Throws a Failure (exit 4) with everything that is wrong when an input has a mistake. */
export async function refuseMistakes(input: ReadManifests, { actual, ask }: ActualState): Promise<void> {
  if (!hasErrors(input.problems)) return;
  const across = await ask(() => problemsAcross(input, stateOf(actual)));
  refuseErrors([...input.problems, ...across]);
}

/**
 * Plans what is desired against a state that is open.
 *
 * Throws a Failure (exit 4) with every problem when the result would break a rule. Verdicts that deny are part of the
 * plan, not an error.
 */
export async function planFrom(
  state: ActualState,
  desired: Desired,
  options: PlanOptions,
  at: number,
  overriding: Overriding = NO_OVERRIDES,
): Promise<Planned> {
  const { head, actual, ask } = state;
  const base = { store: head.store, revision: head.revision };
  const changes = await ask(() => planChanges({ ...desired, actual, base, options, at }));
  refuseErrors(await ask(() => changes.plan.problems));
  await ask(() => refuseUnknownOwners(options.guards.requireOwners ?? [], actual, changes.plan));
  await findOut(changes, state);
  const { plan, remarks } = await judgePlan(changes.plan, changes.between, overriding, at, ask);
  const after = changes.between?.after;
  return { plan, notes: changes.notes, head, actual, after, warnings: plan.problems, remarks };
}

/** All that a plan would have to fetch for is found out while the store is open; what is at hand can wait. */
export async function findOut(
  { plan, notes }: Pick<PlannedChanges, 'plan' | 'notes'>,
  { actual, ask }: ActualState,
): Promise<void> {
  await ask(() => plan.verdicts);
  if (!actual.partial) return;
  await ask(() => notes.risks);
  await ask(() => plan.judges);
}

/** A name that is nobody's would guard nothing. */
function refuseUnknownOwners(names: readonly string[], actual: Actual, plan: Plan): void {
  for (const name of names) {
    const id = identity('User', undefined, name);
    if (actual.get(id) || plan.changes.some((change) => identityOfChange(change) === id)) continue;
    throw failure(EXIT.invalid, 'RC126', `--require-owner: there is no User "${name}"`, 'iam get users');
  }
}

/** Throws a Failure (exit 4) where there is no store to read. */
export function requireStore(head: Head, location: string): void {
  if (head.store === null)
    throw failure(EXIT.invalid, 'RC401', `no store at ${location}`, 'the first iam apply creates it');
}
