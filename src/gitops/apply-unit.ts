import type { AccessChange } from '../core/access-diff.ts';
import type { Plan } from '../core/plan.ts';
import type { Problem } from '../core/problem.ts';
import { isDenied } from '../core/verdict.ts';
import { type Applied, applyPlan, recordRefusal } from '../engine/apply.ts';
import { compareSources } from '../engine/compare.ts';
import type { PlannedSource } from '../engine/plan-source.ts';
import type { Progress } from '../engine/progress.ts';
import { formatTime } from '../kinds/time.ts';
import type { Source } from '../sources/source.ts';
import type { Act, Store } from '../stores/store.ts';
import { accessKeys } from './access-keys.ts';
import type { GitOpsConfig } from './config.ts';
import type { Forge, PullRequest } from './forge.ts';
import type { MergedUnit } from './merged-units.ts';
import { type FoundOverrides, nameOf, overridesOf } from './overrides.ts';
import { checkName } from './plan-pull-request.ts';
import { Conflict, ownOf, type Planning, planOnly, planRequest, treeSource } from './plan-request.ts';
import { type ReviewRecord, readRecord, unseen } from './review-record.ts';

/** What became of what was merged together. */
export interface UnitOutcome {
  readonly unit: MergedUnit;
  readonly config: GitOpsConfig;
  readonly is: 'applied' | 'nothing to do' | 'refused' | 'not reviewed';
  readonly planned: Pick<PlannedSource, 'plan' | 'notes' | 'warnings'>;
  readonly location: string;
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
}

type StorePlanning = Planning & { readonly store: Store };

/**
 * Applies what one pull request, or push, made of the manifests: exactly what is its own. What others changed in the store is
 * left as it is.
 */
export async function applyUnit(
  planning: StorePlanning,
  forge: Forge | undefined,
  unit: MergedUnit,
  { progress, refuse }: Applying = {},
): Promise<UnitOutcome> {
  const { config, store, at } = planning;
  const { parent, tip, pull } = unit;
  const target = treeSource(planning, tip);
  const before = parent === null ? nothing : treeSource(planning, parent);
  const difference = await compareSources(before, target, config.manager, at, config.prune);
  const own = ownOf(difference.plan);
  const actor = pull ? nameOf(pull.author, config) : null;
  let planned = await planOnly(planning, store, target, own, { actor });
  try {
    const found = await overridesFor(forge, pull, config, planned.plan);
    if (found.overriding.overrides.length > 0) {
      planned.close();
      planned = await planOnly(planning, store, target, own, { actor, overriding: found.overriding });
    }
    const reviewed = forge && pull ? await reviewOf(planning, forge, pull) : undefined;
    const notSeen = reviewed ? unseen(planned.plan.access, reviewed.records, reviewed.keys) : [];
    const act = await actOf(planning, forge, unit, reviewed);
    const told = {
      unit,
      config,
      planned,
      location: store.location,
      review: reviewed?.review,
      unseen: notSeen,
      together: notSeen.length > 0 && forge ? await mergedSince(planning, forge, unit, reviewed) : [],
      void: found.void,
    };
    if (notSeen.length > 0 || isDenied(planned.plan.verdicts)) {
      const { revision } = await recordRefusal(store, planned.plan, act);
      const is = isDenied(planned.plan.verdicts) ? 'refused' : 'not reviewed';
      return { ...told, is, revision, applied: undefined };
    }
    if (planned.plan.changes.length === 0) {
      // It is remembered all the same, so that the next run begins after it.
      const { head } = await store.write({ type: 'commit', act });
      return { ...told, is: 'nothing to do', revision: head.revision, applied: undefined };
    }
    await refuse?.(planned);
    const applied = await applyPlan(store, planned, act, found.overriding, progress);
    return { ...told, is: 'applied', revision: applied.revision, applied };
  } finally {
    planned.close();
  }
}

/** What there was before the first commit. */
const nothing: Source = { name: 'nothing', load: async () => ({ texts: [], problems: [], known: [] }) };

async function overridesFor(
  forge: Forge | undefined,
  pull: PullRequest | undefined,
  config: GitOpsConfig,
  { verdicts, digest }: Plan,
): Promise<FoundOverrides> {
  const denied = verdicts.filter(({ severity }) => severity === 'deny');
  if (!forge || !pull || denied.length === 0)
    return { overriding: { overrides: [], actor: null, reason: null }, void: [] };
  return overridesOf(forge, pull, config, denied, digest);
}

/** The pull requests that were merged between what was looked at and what it was merged into. */
async function mergedSince(
  { history }: Planning,
  forge: Forge,
  { parent, pull }: MergedUnit,
  reviewed: Reviewed | undefined,
): Promise<number[]> {
  const base = reviewed?.base;
  if (parent === null || base === undefined || !history.has(base)) return [];
  const numbers = new Set<number>();
  for (const { sha } of history.firstParents(base, parent) ?? [])
    for (const { number, state } of await forge.pullRequestsOf(sha))
      if (state === 'merged' && number !== pull?.number) numbers.add(number);
  return [...numbers].sort((a, b) => a - b);
}

interface Reviewed {
  /** The base that it was looked at on. */
  readonly base: string | undefined;
  readonly review: 'verified' | 'unverified';
  readonly records: readonly ReviewRecord[];
  /** What the files of the pull request alone say. */
  readonly keys: ReadonlySet<string>;
}

/**
 * What people could see who looked at a pull request: what was recorded of its last head, and what its files say. Only a
 * record that an App of one's own wrote is one that nobody else can have written.
 */
async function reviewOf(planning: Planning, forge: Forge, pull: PullRequest): Promise<Reviewed> {
  const { config, history } = planning;
  const checks = await forge.checks(pull.head, checkName(config));
  const known = checks.flatMap(({ app, record }) => {
    const read = readRecord(record);
    return read && read.head === pull.head ? [{ app, read }] : [];
  });
  const verified = known.filter(({ app }) => config.app !== undefined && app === config.app);
  const records = (verified.length > 0 ? verified : known).map(({ read }) => read);
  const base = records[0]?.base ?? history.mergeBase(pull.base, pull.head);
  const keys = base === undefined ? new Set<string>() : await filesKeys(planning, base, pull.head);
  return { base, review: verified.length > 0 ? 'verified' : 'unverified', records, keys };
}

async function filesKeys(planning: Planning, base: string, head: string): Promise<ReadonlySet<string>> {
  const { history } = planning;
  if (!history.has(base) || !history.has(head)) return new Set();
  try {
    const { difference } = await planRequest({ ...planning, store: undefined }, base, head);
    return accessKeys(difference.plan.access);
  } catch (error) {
    // It was not to be merged as it stood: what nobody could see, nobody looked at.
    if (error instanceof Conflict) return new Set();
    throw error;
  }
}

async function actOf(
  { config, at }: Planning,
  forge: Forge | undefined,
  { tip, subject, pull }: MergedUnit,
  reviewed: Reviewed | undefined,
): Promise<Act> {
  const reviews = forge && pull ? await forge.reviews(pull.number) : [];
  const approvers = reviews
    .filter(({ isApproval, commit, author }) => isApproval && commit === pull?.head && author !== pull.author)
    .map(({ author }) => nameOf(author, config))
    .sort();
  return {
    at: formatTime(at),
    manager: config.manager,
    actor: pull ? nameOf(pull.author, config) : null,
    // The forge says who opened it; who somebody is here, the configuration does.
    actorVerified: pull !== undefined && config.people.has(pull.author.toLowerCase()),
    reason: pull ? `${pull.title} (#${pull.number})` : `${subject} (pushed without a pull request)`,
    commit: tip,
    pr: pull ? String(pull.number) : null,
    approvers,
    ...(reviewed ? { review: reviewed.review } : {}),
  };
}
