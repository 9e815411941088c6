import { type Actual, lazily } from '../core/actual.ts';
import type { ReadManifests } from '../core/manifest.ts';
import { identityOfChange, type Plan, type PlanNotes } from '../core/plan.ts';
import {
  NOTHING_SETTLED,
  type PlanInput,
  type PlannedChanges,
  type PlanOptions,
  planChanges,
  type Settled,
} from '../core/plan-changes.ts';
import { EXIT, failure, type Problem } from '../core/problem.ts';
import { type Identity, identity } from '../core/resource.ts';
import { type State, stateOf } from '../core/state.ts';
import type { Violation } from '../core/validate.ts';
import { toProblems } from '../core/violation-problem.ts';
import type { AuditRemark, Head } from '../stores/store.ts';
import type { ActualState } from './actual-state.ts';
import { type DueSecret, dueAfter } from './due-secrets.ts';
import { explainDrift } from './explain-drift.ts';
import { judgePlan, NO_OVERRIDES, type Overriding } from './judgement.ts';
import { hasErrors, refuseErrors, violationsAcross } from './load.ts';
import { letSignalsIn } from './signals.ts';

/** A plan, and what applying it needs beside it. */
export interface Planned {
  readonly plan: Plan;
  readonly notes: PlanNotes;
  readonly head: Head;
  /** What the store had: what the plan changes is at hand. */
  readonly actual: Actual;
  /**
   * The unmanaged fields that the input gives of something, changed or not; undefined when it does not declare it. Of what is
   * settled they are not known, and left out.
   */
  readonly declares: (id: Identity) => readonly string[] | undefined;
  /** What there is after the plan; undefined where nothing changes. */
  readonly after?: State | undefined;
  readonly warnings: readonly Problem[];
  /** What the audit says beside the changes. */
  readonly remarks: readonly AuditRemark[];
  /** The Tokens that want a secret once it is applied. */
  readonly due: readonly DueSecret[];
}

/** What is to be planned. */
export type Desired = Pick<PlanInput, 'desired' | 'settled'>;

/** Throws a Failure (exit 4) with everything that is wrong when an input has a mistake; `NeedsEverything` as `planFrom`. */
export async function refuseMistakes(
  input: ReadManifests,
  { actual, ask }: ActualState,
  settled = NOTHING_SETTLED,
): Promise<void> {
  if (!hasErrors(input.problems)) return;
  const across = await ask(() => violationsAcross(input, stateOf(actual)));
  refuseUnclear(across, settled);
  refuseErrors([...input.problems, ...toProblems(across, input.declared)]);
}

/** A mistake whose place, or whose share in it, only a reading of the whole input tells. */
export class NeedsEverything extends Error {
  override readonly name = 'NeedsEverything';
}

/** Who of several complains of an address or a chain depends on all of them. */
const OF_SEVERAL: readonly string[] = ['RC113', 'RC114'];

function refuseUnclear(violations: readonly Violation[], settled: Settled): void {
  if (settled === NOTHING_SETTLED) return;
  if (violations.some(({ id, code }) => OF_SEVERAL.includes(code) || settled.has(id)))
    throw new NeedsEverything();
}

/**
 * Plans what is desired against a state that is open.
 *
 * Throws a Failure (exit 4) with every problem when the result would break a rule; `NeedsEverything` where some of it is
 * settled and that does not suffice to tell. Verdicts that deny are part of the plan, not an error.
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
  await letSignalsIn();
  const changes = await ask(() => planChanges({ ...desired, actual, base, options, at }));
  const problems = await ask(() => changes.plan.problems);
  if (hasErrors(problems)) refuseUnclear(changes.between?.violations ?? [], desired.settled);
  refuseErrors(problems);
  await ask(() => refuseUnknownOwners(options.guards.requireOwners ?? [], actual, changes.plan));
  await findOut(changes, state);
  await explainDrift(state, changes.plan, options.manager);
  const { plan, remarks } = await judgePlan(changes.plan, changes.between, overriding, at, ask);
  const after = changes.between?.after;
  const given = lazily(() => new Map(desired.desired.map(({ id, declares }) => [id, declares])));
  const declares = (id: Identity) => given().get(id) ?? (desired.settled.has(id) ? [] : undefined);
  const due = await dueAfter(state.reading, actual, plan, at);
  const { notes } = changes;
  return { plan, notes, head, actual, declares, after, warnings: plan.problems, remarks, due };
}

/** All that a plan would have to fetch for is found out while the store is open; what is at hand can wait. */
export async function findOut(
  { plan, notes }: Pick<PlannedChanges, 'plan' | 'notes'>,
  { actual, ask }: ActualState,
): Promise<void> {
  await ask(() => plan.verdicts);
  if (!actual.partial) return;
  // What is shown of roles asks for their risk.
  await ask(() =>
    plan.access.map(({ gains, loses }) => [...gains, ...loses].map(({ role }) => notes.risks.get(role))),
  );
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
