import type { Actual } from '../core/judge.ts';
import type { Declared, ReadManifests } from '../core/manifest.ts';
import { identityOfChange, type Plan, type PlanNotes } from '../core/plan.ts';
import { type PlanOptions, planChanges } from '../core/plan-changes.ts';
import { EXIT, failure, type Problem } from '../core/problem.ts';
import { identity } from '../core/resource.ts';
import type { Stored } from '../core/stored.ts';
import type { AuditRemark, Head, Store } from '../stores/store.ts';
import { judgePlan, NO_OVERRIDES, type Overriding } from './judgement.ts';
import { hasErrors, problemsAcross, refuseErrors } from './load.ts';

/** A plan, and what applying it needs beside it. */
export interface Planned {
  readonly plan: Plan;
  readonly notes: PlanNotes;
  readonly head: Head;
  /** What the store had, by identity. */
  readonly actual: Actual;
  readonly warnings: readonly Problem[];
  /** What the audit says beside the changes. */
  readonly remarks: readonly AuditRemark[];
}

/**
 * Plans an input against a store.
 *
 * Throws a Failure (exit 4) with every problem when the input has one, or the result would break a rule. Verdicts
 * that deny are part of the plan, not an error.
 */
export async function planInput(
  store: Store,
  input: ReadManifests,
  options: PlanOptions,
  at: number,
  overriding: Overriding = NO_OVERRIDES,
): Promise<Planned> {
  const { head, stored } = await readAll(store);
  if (hasErrors(input.problems)) {
    const others = stored.map(({ resource }) => resource);
    refuseErrors([...input.problems, ...problemsAcross(input, others)]);
  }
  const planned = await planFrom(head, stored, input.declared, options, at, overriding);
  return { ...planned, warnings: [...input.problems, ...planned.warnings] };
}

/** Plans declared resources against a state that has been read already; throws as `planInput`. */
export async function planFrom(
  head: Head,
  stored: readonly Stored[],
  desired: readonly Declared[],
  options: PlanOptions,
  at: number,
  overriding: Overriding = NO_OVERRIDES,
): Promise<Planned> {
  const base = { store: head.store, revision: head.revision };
  const { plan: planned, notes, between } = planChanges({ desired, actual: stored, base, options, at });
  refuseErrors(planned.problems);
  const actual = new Map(stored.map((one) => [one.id, one]));
  refuseUnknownOwners(options.guards.requireOwners ?? [], actual, planned);
  const { plan, remarks } = await judgePlan(planned, between, overriding, at);
  return { plan, notes, head, actual, warnings: plan.problems, remarks };
}

/** A name that is nobody's would guard nothing. */
function refuseUnknownOwners(names: readonly string[], actual: Actual, plan: Plan): void {
  for (const name of names) {
    const id = identity('User', undefined, name);
    if (actual.has(id) || plan.changes.some((change) => identityOfChange(change) === id)) continue;
    throw failure(EXIT.invalid, 'RC126', `--require-owner: there is no User "${name}"`, 'iam get users');
  }
}

/** Everything that a store has, at one moment. */
export async function readAll(
  store: Store,
  filter?: { workspace?: string },
): Promise<{ head: Head; stored: Stored[] }> {
  const reading = await store.read();
  try {
    const stored: Stored[] = [];
    for await (const batch of reading.resources(filter)) stored.push(...batch);
    return { head: reading.head, stored };
  } finally {
    await reading.close();
  }
}

/** Throws a Failure (exit 4) where there is no store to read. */
export function requireStore(head: Head, location: string): void {
  if (head.store === null)
    throw failure(EXIT.invalid, 'RC401', `no store at ${location}`, 'the first iam apply creates it');
}
