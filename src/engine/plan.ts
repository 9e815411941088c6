import type { Actual } from '../core/judge.ts';
import type { Declared, ReadManifests } from '../core/manifest.ts';
import type { Plan, PlanNotes } from '../core/plan.ts';
import { type PlanOptions, planChanges } from '../core/plan-changes.ts';
import { EXIT, failure, type Problem } from '../core/problem.ts';
import type { Stored } from '../core/stored.ts';
import type { Head, Store } from '../stores/store.ts';
import { hasErrors, problemsAcross, refuseErrors } from './load.ts';

/** A plan, and what applying it needs beside it. */
export interface Planned {
  readonly plan: Plan;
  readonly notes: PlanNotes;
  readonly head: Head;
  /** What the store had, by identity. */
  readonly actual: Actual;
  readonly warnings: readonly Problem[];
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
): Promise<Planned> {
  const { head, stored } = await readAll(store);
  if (hasErrors(input.problems)) {
    const others = stored.map(({ resource }) => resource);
    refuseErrors([...input.problems, ...problemsAcross(input, others)]);
  }
  const planned = planFrom(head, stored, input.declared, options, at);
  return { ...planned, warnings: [...input.problems, ...planned.warnings] };
}

/** Plans declared resources against a state that has been read already; throws as `planInput`. */
export function planFrom(
  head: Head,
  stored: readonly Stored[],
  desired: readonly Declared[],
  options: PlanOptions,
  at: number,
): Planned {
  const base = { store: head.store, revision: head.revision };
  const { plan, notes } = planChanges({ desired, actual: stored, base, options, at });
  refuseErrors(plan.problems);
  return { plan, notes, head, actual: new Map(stored.map((one) => [one.id, one])), warnings: plan.problems };
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
