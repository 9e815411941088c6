import type { AccessChange } from '../core/access-diff.ts';
import type { Problem } from '../core/problem.ts';
import { isDenied } from '../core/verdict.ts';
import { type Applied, applyPlan } from '../engine/apply.ts';
import { compareSources } from '../engine/compare.ts';
import type { Overriding } from '../engine/judgement.ts';
import type { PlannedSource } from '../engine/plan-source.ts';
import type { Progress } from '../engine/progress.ts';
import { formatTime } from '../kinds/time.ts';
import type { Act, Store } from '../stores/store.ts';
import { approversOf } from './approved-head.ts';
import type { GitOpsConfig } from './config.ts';
import type { Forge, PullRequest } from './forge.ts';
import { type MergedUnit, partsOf } from './merged-units.ts';
import { nameOf, overridesOf } from './overrides.ts';
import { ownOf, planOverridden } from './plan-own.ts';
import {
  isMistake,
  NOTHING,
  type Planning,
  refuseWithoutConfig,
  treeBefore,
  treeSource,
} from './planning.ts';
import { unseen } from './review-record.ts';
import { storeName } from './store-name.ts';
import { type Reviewed, reviewOf } from './unit-review.ts';

/** What became of what was merged together. */
export type UnitOutcome = PlannedUnit | MistakenUnit;

interface Unit {
  readonly unit: MergedUnit;
  readonly config: GitOpsConfig;
}

/** One that could not be planned. */
export interface MistakenUnit extends Unit {
  readonly is: 'mistaken';
  readonly problems: readonly Problem[];
}

export interface PlannedUnit extends Unit {
  /** `planned`: what it would do, and nothing came of it. */
  readonly is: 'applied' | 'nothing to do' | 'refused' | 'not reviewed' | 'planned';
  readonly planned: Pick<PlannedSource, 'plan' | 'notes' | 'warnings'>;
  readonly act: Act;
  /** How people are told of it. */
  readonly store: string;
  /** The revision that the store is at. */
  readonly revision: number;
  readonly applied: Applied | undefined;
  /** Undefined for what came without a pull request. */
  readonly review: 'verified' | 'unverified' | undefined;
  /** Access that changes, and nobody looked at. */
  readonly unseen: readonly AccessChange[];
  /** Pull requests that were merged since this one was looked at. */
  readonly together: readonly number[];
  /** Comments that were to override something, and do not count. */
  readonly void: readonly Problem[];
}

export interface Applying {
  readonly progress?: Progress | undefined;
  /** Called before a plan is applied; throws a Failure when something that it needs is not there. */
  readonly refuse?: (planned: PlannedSource) => Promise<void>;
  /** The commit that must be the last one applied: another run may have gone on meanwhile. */
  readonly follows?: string | null;
  /** The digest of the plan that this run's environment was approved for; without it no approval counts. */
  readonly approved?: string | undefined;
  /** Fetches the head of a pull request that is not here; throws a Failure when that cannot be done. */
  readonly fetch?: (pull: PullRequest) => void;
}

type StorePlanning = Planning & { readonly store: Store };

/** Whether it is not applied, and what comes after it must wait. */
export function isHeldBack({ is }: UnitOutcome): boolean {
  return is === 'refused' || is === 'not reviewed' || is === 'mistaken';
}

/**
 * Applies what one pull request, or push, made of the manifests: exactly what is its own. What others changed in the store is
 * left as it is. What is held back changes nothing at all.
 */
export async function applyUnit(
  planning: StorePlanning,
  forge: Forge | undefined,
  unit: MergedUnit,
  applying: Applying = {},
): Promise<UnitOutcome> {
  const { store } = planning;
  const judged = await mistakenOr(planning, unit, judgeUnit(planning, forge, unit, applying));
  if ('is' in judged) return judged;
  const { told, planned, overriding } = judged;
  const { act } = told;
  try {
    if (isDenied(planned.plan.verdicts)) return { ...told, is: 'refused' };
    if (told.unseen.length > 0) return { ...told, is: 'not reviewed' };
    if (planned.plan.changes.length === 0) {
      // It is remembered all the same, so that the next run begins after it.
      const { head } = await store.write({ type: 'commit', act });
      return { ...told, is: 'nothing to do', revision: head.revision };
    }
    await applying.refuse?.(planned);
    const applied = await applyPlan(store, planned, act, overriding, applying.progress);
    return { ...told, is: 'applied', revision: applied.revision, applied };
  } finally {
    planned.close();
  }
}

/** What applying it would do, whoever looked at it. Changes nothing. */
export async function planUnit(planning: StorePlanning, unit: MergedUnit): Promise<UnitOutcome> {
  const judged = await mistakenOr(planning, unit, judgeUnit(planning, undefined, unit, {}));
  if ('is' in judged) return judged;
  judged.planned.close();
  return { ...judged.told, is: 'planned' };
}

async function mistakenOr(
  { config }: Planning,
  unit: MergedUnit,
  judging: Promise<Judged>,
): Promise<Judged | MistakenUnit> {
  try {
    return await judging;
  } catch (error) {
    if (!isMistake(error)) throw error;
    return { unit, config, is: 'mistaken', problems: error.problems };
  }
}

interface Judged {
  readonly told: Omit<PlannedUnit, 'is'>;
  readonly planned: PlannedSource;
  readonly overriding: Overriding;
}

async function judgeUnit(
  planning: StorePlanning,
  forge: Forge | undefined,
  unit: MergedUnit,
  { fetch, follows, approved }: Applying,
): Promise<Judged> {
  const { config, store, at } = planning;
  const { parent, tip, pull } = unit;
  const pulls = pullsOf(unit);
  refuseWithoutConfig(planning, parent, tip);
  const target = treeSource(planning, tip);
  const before = parent === null ? NOTHING : treeBefore(planning, parent);
  const { plan } = await compareSources(before, target, config.manager, at, config.prune);
  const { planned, ...found } = await planOverridden(planning, store, target, ownOf(plan), {
    actor: pull ? nameOf(pull.author, config) : null,
    find:
      forge && pulls.length > 0
        ? (denied, digest) => overridesOf(forge, pulls, config, denied, digest, approved)
        : undefined,
  });
  const reviewed = forge && (await reviewOf(planning, forge, unit, fetch));
  const notSeen = reviewed ? unseen(planned.plan.access, reviewed.records, reviewed.keys) : [];
  return {
    planned,
    overriding: found.overriding,
    told: {
      unit,
      config,
      planned,
      act: {
        ...(await actOf(planning, forge, unit, reviewed)),
        ...(follows === undefined ? {} : { follows }),
      },
      store: storeName(planned.plan.base.store),
      revision: planned.plan.base.revision,
      applied: undefined,
      review: reviewed?.review,
      unseen: notSeen,
      together: notSeen.length > 0 ? await mergedSince(planning, forge, unit, reviewed) : [],
      void: found.void,
    },
  };
}

/** More pull requests than these are not looked for. */
const MOST_SINCE = 50;

/** The pull requests that were merged between what was looked at and what it was merged into. */
async function mergedSince(
  { history }: Planning,
  forge: Forge | undefined,
  { parent, pull, held }: MergedUnit,
  reviewed: Reviewed | undefined,
): Promise<number[]> {
  const base = reviewed?.base;
  // What is held back is told of by itself.
  if (!forge || held.length > 0) return [];
  if (parent === null || base === undefined || !history.has(base)) return [];
  const numbers = new Set<number>();
  for (const { sha } of (history.firstParents(base, parent) ?? []).slice(-MOST_SINCE))
    for (const { number, state } of await forge.pullRequestsOf(sha))
      if (state === 'merged' && number !== pull?.number) numbers.add(number);
  return [...numbers].sort((a, b) => a - b);
}

async function actOf(
  { config, at }: Planning,
  forge: Forge | undefined,
  unit: MergedUnit,
  reviewed: Reviewed | undefined,
): Promise<Act> {
  const { tip, pull } = unit;
  const pulls = pullsOf(unit);
  const approvers = forge && pull ? await approversOf(forge, pull) : [];
  return {
    at: formatTime(at),
    manager: config.manager,
    actor: pull ? nameOf(pull.author, config) : null,
    // The forge says who opened it; who somebody is here, the configuration does.
    actorVerified:
      pull !== undefined &&
      pulls.every(({ author }) => author === pull.author) &&
      config.people.has(pull.author.toLowerCase()),
    reason: partsOf(unit)
      .map((part) => reasonOf(part, forge !== undefined))
      .join('; '),
    commit: tip,
    pr: pulls.length > 0 ? pulls.map(({ number }) => number).join(', ') : null,
    approvers: approvers.map((login) => nameOf(login, config)).sort(),
    ...(reviewed ? { review: reviewed.review } : {}),
  };
}

/** All pull requests that are applied together. */
export function pullsOf(unit: MergedUnit): PullRequest[] {
  return partsOf(unit).flatMap(({ pull }) => pull ?? []);
}

/** `isAsked`: whether there was a forge to ask for a pull request. */
function reasonOf({ subject, pull, parent }: MergedUnit, isAsked: boolean): string {
  if (pull) return `${pull.title} (#${pull.number})`;
  return parent === null || !isAsked ? subject : `${subject} (pushed without a pull request)`;
}
