import type { Risk } from '../kinds/role.ts';
import { createAccess, riskOf, riskRank } from './access.ts';
import { type AccessChange, createdAccess, diffAccess, type ResourceChange } from './access-diff.ts';
import { type Actual, lazily } from './actual.ts';
import type { Draft } from './draft.ts';
import { judgeByGuards } from './guards/guards.ts';
import type { JudgeSettings, Scene } from './guards/scene.ts';
import type { PlanNotes } from './plan.ts';
import { renamesOf } from './renames.ts';
import type { Identity } from './resource.ts';
import { type Held, type State, stateOf, withChanges } from './state.ts';
import { checkState, type Violation } from './validate.ts';
import type { Verdict } from './verdict.ts';

/** The two states that changes lie between. */
export interface Between {
  readonly before: State;
  readonly after: State;
  readonly pairs: readonly ResourceChange[];
}

/**
 * What the rules, the access diff and the guards say of changes. Each is found out when it is first asked for, and then
 * kept: of a state that is not all at hand any of them may throw `Missing`, and is asked again.
 */
export interface Judged extends Between {
  /** Broken rules across resources, in the state after the changes. */
  readonly violations: readonly Violation[];
  /** Empty when a rule is broken: such a state has no access worth telling. */
  readonly access: readonly AccessChange[];
  /** What the guards say; empty when a rule is broken. Policies are judged apart: they need a worker. */
  readonly verdicts: readonly Verdict[];
  readonly risks: PlanNotes['risks'];
  readonly accessByWorkspace: PlanNotes['accessByWorkspace'];
}

/** Judges changes against the state that they are made on. `at` in milliseconds. */
export function judge(actual: Actual, drafts: readonly Draft[], settings: JudgeSettings, at: number): Judged {
  const before = stateOf(actual);
  const leaving = new Set<Identity>();
  const changed: Held[] = [];
  for (const { stored, after } of drafts) {
    if (after) changed.push(after);
    if (stored && stored.id !== after?.id) leaving.add(stored.id);
  }
  const pairs = lazily(() => drafts.map((draft): ResourceChange => new Pair(draft)));
  const touched = drafts.filter(({ stored }) => stored).map((draft): ResourceChange => new Pair(draft));
  const after = withChanges(before, leaving, changed);
  const names = renamesOf(touched);
  const [accessBefore, accessAfter] = [createAccess(before), createAccess(after)];
  const violations = lazily(() => checkState(after, changed, leaving, before));
  const isBroken = () => violations().length > 0;
  const access = lazily(() =>
    isBroken() ? [] : diffAccess(before, after, pairs(), at, accessBefore, accessAfter),
  );
  const known = new Map<string, Risk>();
  const risks = {
    get(role: string) {
      const risk = known.get(role) ?? highestRisk(before, after, role, names.before('Role', role));
      known.set(role, risk);
      return risk;
    },
  };
  const scene: Scene = {
    settings,
    actual,
    drafts,
    touched,
    before,
    after,
    accessBefore,
    accessAfter,
    get access() {
      return access();
    },
    risks,
    at,
    userAfter: (name) => names.after('User', name),
    userBefore: (name) => names.before('User', name),
    workspaceBefore: (name) => names.before('Workspace', name),
  };
  const verdicts = lazily(() => (isBroken() ? [] : judgeByGuards(scene, leaving)));
  return {
    before,
    after,
    get pairs() {
      return pairs();
    },
    get violations() {
      return violations();
    },
    get access() {
      return access();
    },
    get verdicts() {
      return verdicts();
    },
    risks,
    accessByWorkspace() {
      if (isBroken()) return [];
      // Of a state that is fetched all has been found out while the store was open.
      const isHuge = !before.partial && touched.length === 0 && changed.length > HUGE;
      return isHuge ? createdAccess(before, after, changed, at) : grouped(access());
    },
  };
}

/** Of more creates the access is told one workspace after the other. */
const HUGE = 20_000;

/** Sorted by workspace, as access is. */
export function grouped(access: readonly AccessChange[]): Iterable<readonly AccessChange[]> {
  return Map.groupBy(access, ({ workspace }) => workspace).values();
}

/** The two forms of what changes, made when they are asked for. */
class Pair implements ResourceChange {
  readonly #draft: Draft;

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  get before() {
    return this.#draft.stored?.resource ?? null;
  }

  get after() {
    return this.#draft.after?.resource ?? null;
  }
}

/** A plan that lowers the risk of a role is judged by what it was. */
function highestRisk(before: State, after: State, role: string, old: string) {
  const [was, is] = [riskOf(before, old), riskOf(after, role)];
  return riskRank(was) > riskRank(is) ? was : is;
}
