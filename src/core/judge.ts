import type { Resource } from '../kinds/index.ts';
import { riskOf } from './access.ts';
import { type AccessChange, diffAccess } from './access-diff.ts';
import { guardAnotherManager, guardStillReferredTo } from './guards.ts';
import type { Change, PlanNotes } from './plan.ts';
import { fromManifest, type Identity, identityOf } from './resource.ts';
import { createState } from './state.ts';
import type { Stored } from './stored.ts';
import { checkState, type Violation } from './validate.ts';
import type { Verdict } from './verdict.ts';

/** Actual state by identity. */
export type Actual = ReadonlyMap<Identity, Stored>;

/** A change on the way to the plan. */
export interface Draft {
  readonly change: Change;
  readonly stored: Stored | undefined;
  /** The manager that stands in its way. */
  readonly conflict: string | undefined;
}

/** What the rules, the access diff and the guards say of changes. */
export interface Judged {
  /** Broken rules across resources, in the state after the changes. */
  readonly violations: readonly Violation[];
  /** Empty when a rule is broken: such a state has no access worth telling. */
  readonly access: readonly AccessChange[];
  readonly verdicts: readonly Verdict[];
  readonly risks: PlanNotes['risks'];
}

/** Judges changes against the state that they are made on. `at` in milliseconds. */
export function judge(actual: Actual, drafts: readonly Draft[], at: number): Judged {
  const before = createState([...actual.values()].map(({ resource }) => resource));
  const after = createState(statesAfter(actual, drafts));
  const leaving = new Set<Identity>();
  const changed: Resource[] = [];
  const pairs = drafts.map(({ change, stored }) => {
    const now = change.after && fromManifest(change.after);
    if (now) changed.push(now);
    if (stored && (!now || stored.id !== identityOf(now))) leaving.add(stored.id);
    return { before: stored?.resource ?? null, after: now };
  });
  const violations = checkState(after, changed, leaving);
  const verdicts = [...guardStillReferredTo(after, leaving, actual), ...guardAnotherManager(drafts)];
  const access = violations.length > 0 ? [] : diffAccess(before, after, pairs, at);
  const risks = new Map(
    access
      .flatMap(({ gains, loses }) => [...gains, ...loses])
      .map(({ role }) => [role, riskOf(after.get('Role', undefined, role) ? after : before, role)] as const),
  );
  return { violations, access, verdicts, risks };
}

function* statesAfter(actual: Actual, drafts: readonly Draft[]): Generator<Resource> {
  const touched = new Set(drafts.map(({ stored }) => stored?.id));
  for (const stored of actual.values()) if (!touched.has(stored.id)) yield stored.resource;
  for (const { change } of drafts) if (change.after) yield fromManifest(change.after);
}
