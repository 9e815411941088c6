import type { DriftItem } from '../core/drift.ts';
import { grouped } from '../core/judge.ts';
import { type Change, identityOfChange, type Plan, type PlanNotes } from '../core/plan.ts';
import type { Problem } from '../core/problem.ts';
import { type Identity, identity } from '../core/resource.ts';
import { compareSources } from '../engine/compare.ts';
import { findDrift } from '../engine/drift.ts';
import type { Source } from '../sources/source.ts';
import type { Store } from '../stores/store.ts';
import { type Asking, type Own, ownOf, planOverridden } from './plan-own.ts';
import {
  isMistake,
  NOTHING,
  type Planning,
  planTree,
  refuseWithoutConfig,
  treeBefore,
  treeSource,
} from './planning.ts';
import { type ReviewRecord, reviewRecord } from './review-record.ts';
import { storeName } from './store-name.ts';

/** What a pull request does, apart from what others have done. */
export interface RequestPlan {
  readonly base: string;
  readonly head: string;
  /** Head against base, files against files. */
  readonly difference: Difference;
  /** The same against the store; undefined without one. */
  readonly stored: StoredPlan | undefined;
  readonly record: ReviewRecord;
}

export interface Difference {
  readonly plan: Plan;
  readonly notes: PlanNotes;
  readonly warnings: readonly Problem[];
}

export interface StoredPlan extends Difference {
  /** Merged before, and not yet applied. */
  readonly pending: readonly Change[];
  /** Changed by others since it was applied. */
  readonly drift: readonly DriftItem[];
  /** Comments that were to override something, and do not count. */
  readonly void: readonly Problem[];
  /** How people are told of it. */
  readonly store: string;
}

/** A pull request that cannot be merged. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
}

/**
 * Plans what merging `head` into `base` does. Throws `Conflict` when they cannot be merged, and a Failure (exit 4) with every
 * mistake of what merging would make.
 */
export async function planRequest(
  planning: Planning,
  base: string,
  head: string,
  asking: Asking = { actor: null, find: undefined },
): Promise<RequestPlan> {
  const { history, store } = planning;
  const merged = history.merge(base, head);
  if (merged === undefined) throw new Conflict(`${head} conflicts with ${base}`);
  refuseWithoutConfig(planning, base, merged);
  const is = treeSource(planning, merged, true);
  const { was, mended, ...compared } = await compareWithBase(planning, base, is);
  const { plan } = compared;
  const stored = store && (await planStored(planning, store, was, is, ownOf(plan), asking));
  const access = [...plan.access, ...(stored?.plan.access ?? [])];
  const record = reviewRecord(
    {
      // Whoever plans it for one says so.
      pull: null,
      head,
      base,
      store: stored?.plan.base.store ?? null,
      revision: stored?.plan.base.revision ?? null,
      digest: stored?.plan.digest ?? null,
    },
    access,
  );
  const withMended = <T extends Difference>(told: T): T => ({
    ...told,
    warnings: [...mended, ...told.warnings],
  });
  return { base, head, difference: withMended(compared), stored: stored && withMended(stored), record };
}

/** So many commits before the base are looked at for one whose manifests hold. */
const MOST_UNSOUND = 20;

/**
 * What merging makes of the base; where the manifests of the base have mistakes, and what merging makes has none, of the last
 * commit before it that has none either. Throws the Failure of what merging makes where that has mistakes.
 */
async function compareWithBase(
  planning: Planning,
  base: string,
  is: Source,
): Promise<Difference & { readonly was: Source; readonly mended: readonly Problem[] }> {
  const { config, at, history } = planning;
  const compare = async (was: Source, head: Source) =>
    inMemory(await compareSources(was, head, config.manager, at, config.prune));
  const was = treeBefore(planning, base);
  try {
    return { was, mended: [], ...(await compare(was, is)) };
  } catch (error) {
    if (!isMistake(error)) throw error;
    await compare(NOTHING, is);
    let commit: string | null = base;
    for (let tried = 0; commit !== null && tried < MOST_UNSOUND; tried++) {
      const source = treeBefore(planning, commit);
      if (await holds(compare(NOTHING, source))) {
        // Neither has a mistake of its own: they do not go together.
        if (commit === base) break;
        return { was: source, mended: [mendedProblem(base, commit)], ...(await compare(source, is)) };
      }
      commit = history.parent(commit);
    }
    throw error;
  }
}

/** The same, whose access is gone through as often as one likes: it is shown, recorded and saved. */
function inMemory({ plan, notes, warnings }: Difference): Difference {
  return { plan, notes: { ...notes, accessByWorkspace: () => grouped(plan.access) }, warnings };
}

async function holds(compared: Promise<unknown>): Promise<boolean> {
  try {
    await compared;
    return true;
  } catch (error) {
    if (isMistake(error)) return false;
    throw error;
  }
}

function mendedProblem(base: string, sound: string): Problem {
  return {
    code: 'RC607',
    severity: 'warn',
    message: `the manifests of ${base.slice(0, 12)}, the base, have mistakes: compared with ${sound.slice(0, 12)} before it, which has none`,
  };
}

async function planStored(
  planning: Planning,
  store: Store,
  base: Source,
  merged: Source,
  own: Own,
  asking: Asking,
): Promise<StoredPlan> {
  const drift = await driftOf(planning, store);
  const drifted = new Set(drift.map(idOfDrift));
  const before = await planTree(planning, store, base);
  const pending = before.plan.changes.filter((change) => !drifted.has(identityOfChange(change)));
  before.close();
  // What merging changes and is not its own, the base changes too.
  const others = before.plan.changes.map(identityOfChange).filter((id) => !own.ids.has(id));
  const { planned, void: voids } = await planOverridden(planning, store, merged, own, asking, others);
  planned.close();
  const done = new Set(planned.plan.changes.map(identityOfChange));
  return {
    ...inMemory(planned),
    pending: pending.filter((change) => !done.has(identityOfChange(change))),
    drift,
    void: voids,
    store: storeName(planned.plan.base.store),
  };
}

/** What the manager's resources have that was not applied. */
export async function driftOf({ config }: Planning, store: Store): Promise<readonly DriftItem[]> {
  const reading = await store.read();
  try {
    if (reading.head.store === null) return [];
    return (await findDrift(reading, config.manager, undefined))?.items ?? [];
  } finally {
    await reading.close();
  }
}

function idOfDrift({ kind, namespace, name }: DriftItem): Identity {
  return identity(kind, namespace ?? undefined, name);
}
