import { amended, type Plan } from '../core/plan.ts';
import { EXIT, type ExitStatus, type Failure, failure } from '../core/problem.ts';
import { isDenied } from '../core/verdict.ts';
import { recordRefusal } from '../engine/apply.ts';
import { formatTime } from '../kinds/time.ts';
import { count } from '../render/lines.ts';
import type { GitHistory } from '../sources/git-history.ts';
import type { Store } from '../stores/store.ts';
import {
  type Applying,
  applyUnit,
  isHeldBack,
  type PlannedUnit,
  planUnit,
  type UnitOutcome,
} from './apply-unit.ts';
import { CONFIG_FILE, type GitOpsConfig, readConfig } from './config.ts';
import type { Forge } from './forge.ts';
import { type MergedUnit, standingOf, unitsOf, withHeld } from './merged-units.ts';
import { configUpTo } from './planning.ts';
import { unreviewed } from './unreviewed.ts';

/** What is to be applied, and with what. */
export interface ApplyMerged extends Applying {
  readonly cwd: string;
  readonly history: GitHistory;
  readonly store: Store;
  /** Undefined where there is none to ask: then nothing is known of pull requests. */
  readonly forge: Forge | undefined;
  /** The commit of the default branch to come to. */
  readonly head: string;
  /** The default branch, and where it stands; undefined where there is no remote that could tell. */
  readonly trunk: { readonly branch: string; readonly tip: string } | undefined;
  /** The last commit that counts as applied, where the store remembers none, or one that is not on the way to `head`. */
  readonly since: string | undefined;
  /** Milliseconds. */
  readonly now: () => number;
  /** Called after each unit, with all there is to tell of it. */
  readonly told?: (outcome: UnitOutcome) => Promise<void>;
}

export interface MergedOutcome {
  readonly outcomes: readonly UnitOutcome[];
  /** Those that wait because one before them is held back: the last of the outcomes. */
  readonly waiting: readonly MergedUnit[];
  readonly exit: ExitStatus;
}

/**
 * Applies, one after the other, what was merged since the last commit that was applied, whichever run it is. What nobody
 * looked at, a guard refuses, or has mistakes is held back, and with it what comes after it: until what comes after it mends it,
 * or takes it back. Then they are applied together, judged by what they come to.
 *
 * Throws a Failure: RC604 (exit 5) when the commit does not follow the last one, or is not of the default branch.
 */
export async function applyMerged(asked: ApplyMerged): Promise<MergedOutcome> {
  const { store, forge, head, history, told } = asked;
  const config = configUpTo(history, head);
  const outcomes: UnitOutcome[] = [];
  const tell = async (outcome: UnitOutcome) => {
    outcomes.push(outcome);
    await told?.(outcome);
  };
  let held: readonly MergedUnit[] = [];
  let cause: UnitOutcome | undefined;
  const { units, mark, last } = await unitsToApply(asked, config);
  let follows = mark ?? last;
  if (mark !== undefined)
    await store.write({
      type: 'commit',
      act: { ...NOBODY, at: formatTime(asked.now()), manager: config.manager, commit: mark, follows: last },
    });
  for (const unit of units) {
    const tried = withHeld(unit, held);
    const outcome = await applyUnit(planningOf(asked, tried, config), forge, tried, { ...asked, follows });
    if (isHeldBack(outcome)) {
      held = [...held, unit];
      cause ??= outcome;
    } else {
      held = [];
      cause = undefined;
      follows = tried.tip;
      await tell(outcome);
    }
  }
  if (!cause) return { outcomes, waiting: [], exit: EXIT.done };
  if (cause.is !== 'mistaken') await recordRefusal(store, refusedPlan(cause), cause.act);
  await tell(cause);
  return { outcomes, waiting: held.slice(1), exit: exitOf(cause) };
}

/** What applying would do: all that was merged since, together. Undefined where there is nothing. Changes nothing, asks no forge. */
export async function planMerged(asked: ApplyMerged): Promise<UnitOutcome | undefined> {
  const config = configUpTo(asked.history, asked.head);
  const { units } = await unitsToApply({ ...asked, forge: undefined }, config);
  const last = units.at(-1);
  if (!last) return undefined;
  const all = withHeld(last, units.slice(0, -1));
  return planUnit(planningOf(asked, all, config), all);
}

export function exitOf(outcome: UnitOutcome): ExitStatus {
  if (outcome.is === 'mistaken') return EXIT.invalid;
  if (outcome.is === 'not reviewed' || isDenied(outcome.planned.plan.verdicts)) return EXIT.refused;
  return EXIT.done;
}

/** The plan with all that speaks against it. */
function refusedPlan({ is, planned, unseen, together }: PlannedUnit): Plan {
  const { plan } = planned;
  return is === 'not reviewed'
    ? amended(plan, { verdicts: [...plan.verdicts, unreviewed(unseen, together)] })
    : plan;
}

/** Who may let refusals pass is not for the merge itself to say: what was there before it says so. */
function planningOf({ cwd, history, store, now }: ApplyMerged, { parent }: MergedUnit, config: GitOpsConfig) {
  const before = parent === null ? undefined : history.text(parent, CONFIG_FILE);
  const judging =
    before === undefined ? { ...config, overrides: new Map(), environment: undefined } : readConfig(before);
  return { cwd, history, config: judging, store, at: now() };
}

/** The units after the last commit that was applied; `mark`: what counts as that from now on. */
async function unitsToApply(
  { history, store, forge, head, since, trunk }: ApplyMerged,
  { manager }: GitOpsConfig,
): Promise<{ readonly units: readonly MergedUnit[]; readonly mark?: string; readonly last: string | null }> {
  if (trunk !== undefined && history.firstParents(head, trunk.tip) === undefined)
    throw failure(
      EXIT.stale,
      'RC604',
      `${head.slice(0, 12)} is not on ${trunk.branch}: what is not merged is never applied`,
      `apply from ${trunk.branch}`,
    );
  const reading = await store.read();
  const last = await reading.commitOf(manager).finally(() => reading.close());
  if (last === null && since === undefined) {
    if (reading.head.revision > 0)
      throw failure(
        EXIT.invalid,
        'RC604',
        `the store has ${count(reading.head.revision, 'revision')}, and none of a commit: it is not known what was applied`,
        'name the last commit that it has with --since COMMIT',
      );
    return {
      last,
      units: [{ parent: null, tip: head, subject: 'all that there is', pull: undefined, held: [] }],
    };
  }
  const standing = last === null ? undefined : standingOf(history, last, head, trunk?.tip);
  if (standing?.is === 'next') return { last, units: await unitsOf(forge, standing.commits, trunk?.branch) };
  if (standing?.is === 'applied already') return { last, units: [] };
  // Where the store does not know, or history was rewritten, somebody must say what counts as applied.
  const commits = since === undefined ? undefined : history.firstParents(since, head);
  if (since === undefined || !commits) throw strayed(history, last ?? since ?? head, head);
  return { last, units: await unitsOf(forge, commits, trunk?.branch), mark: since };
}

const NOBODY = { actor: null, actorVerified: false, reason: null, pr: null, approvers: [] };

function strayed(history: GitHistory, last: string, head: string): Failure {
  if (!history.has(last))
    return failure(
      EXIT.stale,
      'RC604',
      `the commit that was applied last, ${last.slice(0, 12)}, is not here; nothing was applied`,
      'a shallow clone may lack it: actions/checkout with fetch-depth: 0; where history was rewritten: --since COMMIT',
    );
  return failure(
    EXIT.stale,
    'RC604',
    `${head.slice(0, 12)} does not follow ${last.slice(0, 12)}, which was applied last; nothing was applied`,
    'apply from the default branch; where its history was rewritten, see what differs, then --since COMMIT',
  );
}
