import type { Resource } from '../kinds/index.ts';
import { createAccess, riskOf, riskRank } from './access.ts';
import { type AccessChange, diffAccess, type ResourceChange } from './access-diff.ts';
import { judgeByGuards } from './guards/guards.ts';
import type { JudgeSettings, Scene } from './guards/scene.ts';
import type { Change, PlanNotes } from './plan.ts';
import { renamesOf } from './renames.ts';
import { fromManifest, type Identity, identity, identityOf } from './resource.ts';
import { createState, type State } from './state.ts';
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
  /** The manager who suspended the person whom it would activate again. */
  readonly reactivates?: string | undefined;
}

/** The two states that changes lie between. */
export interface Between {
  readonly before: State;
  readonly after: State;
  readonly pairs: readonly ResourceChange[];
}

/** What the rules, the access diff and the guards say of changes. */
export interface Judged extends Between {
  /** Broken rules across resources, in the state after the changes. */
  readonly violations: readonly Violation[];
  /** Empty when a rule is broken: such a state has no access worth telling. */
  readonly access: readonly AccessChange[];
  /** What the guards say; empty when a rule is broken. Policies are judged apart: they need a worker. */
  readonly verdicts: readonly Verdict[];
  readonly risks: PlanNotes['risks'];
}

/** Judges changes against the state that they are made on. `at` in milliseconds. */
export function judge(actual: Actual, drafts: readonly Draft[], settings: JudgeSettings, at: number): Judged {
  const before = createState([...actual.values()].map(({ resource }) => resource));
  const after = createState(
    resourcesAfter(
      actual,
      drafts.map(({ change }) => change),
    ),
  );
  const leaving = new Set<Identity>();
  const changed: Resource[] = [];
  const pairs = drafts.map(({ change, stored }) => {
    const now = change.after && fromManifest(change.after);
    if (now) changed.push(now);
    if (stored && (!now || stored.id !== identityOf(now))) leaving.add(stored.id);
    return { before: stored?.resource ?? null, after: now };
  });
  const names = renamesOf(pairs);
  const violations = checkState(after, changed, leaving);
  if (violations.length > 0)
    return { before, after, pairs, violations, access: [], verdicts: [], risks: new Map() };
  const [accessBefore, accessAfter] = [createAccess(before), createAccess(after)];
  const access = diffAccess(before, after, pairs, at, accessBefore, accessAfter);
  const risks = new Map(
    access
      .flatMap(({ gains, loses }) => [...gains, ...loses])
      .map(({ role }) => [role, highestRisk(before, after, role, names.before('Role', role))] as const),
  );
  const scene: Scene = {
    settings,
    actual,
    drafts,
    pairs,
    before,
    after,
    accessBefore,
    accessAfter,
    access,
    at,
    userAfter: (name) => names.after('User', name),
    workspaceBefore: (name) => names.before('Workspace', name),
  };
  return { before, after, pairs, violations, access, verdicts: judgeByGuards(scene, leaving, risks), risks };
}

/** A plan that lowers the risk of a role is judged by what it was. */
function highestRisk(before: State, after: State, role: string, old: string) {
  const [was, is] = [riskOf(before, old), riskOf(after, role)];
  return riskRank(was) > riskRank(is) ? was : is;
}

/** What there is after changes of what there was. */
export function* resourcesAfter(actual: Actual, changes: readonly Change[]): Generator<Resource> {
  const touched = new Set(
    changes.map(({ kind, namespace, name, previousName }) =>
      identity(kind, namespace ?? undefined, previousName ?? name),
    ),
  );
  for (const stored of actual.values()) if (!touched.has(stored.id)) yield stored.resource;
  for (const { after } of changes) if (after) yield fromManifest(after);
}
