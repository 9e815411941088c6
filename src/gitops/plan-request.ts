import type { DriftItem } from '../core/drift.ts';
import type { Change, Plan, PlanNotes } from '../core/plan.ts';
import { identityOfChange } from '../core/plan.ts';
import type { PlanOptions } from '../core/plan-changes.ts';
import { EXIT, Failure, type Problem } from '../core/problem.ts';
import { type Identity, identity } from '../core/resource.ts';
import { compareSources } from '../engine/compare.ts';
import { findDrift } from '../engine/drift.ts';
import { NO_OVERRIDES, type Overriding } from '../engine/judgement.ts';
import type { PlannedSource } from '../engine/plan-source.ts';
import { planSource } from '../engine/plan-source.ts';
import { gitSource } from '../sources/git.ts';
import type { GitHistory } from '../sources/git-history.ts';
import type { Source } from '../sources/source.ts';
import type { Store } from '../stores/store.ts';
import { CONFIG_FILE, type GitOpsConfig, readConfig } from './config.ts';
import { type ReviewRecord, reviewRecord } from './review-record.ts';

/** The repository, and how it is planned. */
export interface Planning {
  /** The root of the work tree, or of a bare repository; of it only objects are read. */
  readonly cwd: string;
  readonly history: GitHistory;
  readonly config: GitOpsConfig;
  /** Undefined where nobody may see it: for forks, files are compared with files. */
  readonly store: Store | undefined;
  /** Milliseconds. */
  readonly at: number;
}

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
  readonly location: string;
}

/** A pull request that cannot be merged. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
}

/**
 * Plans what merging `head` into `base` does. Throws `Conflict` when they cannot be merged, and a Failure (exit 4) with every
 * mistake of what merging would make.
 */
export async function planRequest(planning: Planning, base: string, head: string): Promise<RequestPlan> {
  const { history, config, store, at } = planning;
  const merged = history.merge(base, head);
  if (merged === undefined) throw new Conflict(`${head} conflicts with ${base}`);
  const [was, is] = [treeSource(planning, base), treeSource(planning, merged, true)];
  const { plan, notes, warnings } = await compareSources(was, is, config.manager, at, config.prune);
  const difference = { plan, notes, warnings };
  const stored = store && (await planStored(planning, store, was, is, ownOf(plan)));
  const access = [...plan.access, ...(stored?.plan.access ?? [])];
  const record = reviewRecord(
    {
      head,
      base,
      store: stored?.plan.base.store ?? null,
      revision: stored?.plan.base.revision ?? null,
      digest: stored?.plan.digest ?? null,
    },
    access,
  );
  return { base, head, difference, stored, record };
}

/** What somebody's own changes are about. */
export interface Own {
  readonly ids: ReadonlySet<Identity>;
  /** The workspaces that they take away. */
  readonly gone: readonly string[];
}

export function ownOf({ changes }: Plan): Own {
  const gone = changes.flatMap(({ kind, action, name }) =>
    kind === 'Workspace' && action === 'delete' ? [name] : [],
  );
  return { ids: new Set(changes.map(identityOfChange)), gone };
}

async function planStored(
  planning: Planning,
  store: Store,
  base: Source,
  merged: Source,
  own: Own,
): Promise<StoredPlan> {
  const drift = await driftOf(planning, store);
  const drifted = new Set(drift.map(idOfDrift));
  const before = await planTree(planning, store, base);
  const pending = before.plan.changes.filter((change) => !drifted.has(identityOfChange(change)));
  before.close();
  const planned = await planOnly(planning, store, merged, own);
  planned.close();
  return {
    plan: planned.plan,
    notes: planned.notes,
    warnings: planned.warnings,
    pending,
    drift,
    location: store.location,
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

/**
 * A plan of a tree that changes nothing but some resources: what others did to the rest is not this pull request's. Where what it
 * changes needs the rest, it is a plan of all.
 */
export async function planOnly(
  planning: Planning,
  store: Store,
  tree: Source,
  own: Own,
  { actor = null, overriding = NO_OVERRIDES }: Pick<TreeOptions, 'actor' | 'overriding'> = {},
): Promise<PlannedSource> {
  const gone = await presentOf(store, own.gone);
  const whole = await planTree(planning, store, tree, { actor, gone });
  const others = whole.plan.changes.map(identityOfChange).filter((id) => !own.ids.has(id));
  if (others.length === 0 && overriding.overrides.length === 0) return whole;
  whole.close();
  try {
    return await planTree(planning, store, tree, { actor, gone, frozen: new Set(others), overriding });
  } catch (error) {
    if (!(error instanceof Failure) || error.exit !== EXIT.invalid || others.length === 0) throw error;
    return planTree(planning, store, tree, { actor, gone, overriding });
  }
}

/** Those of some workspaces that the store has. */
async function presentOf(store: Store, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const reading = await store.read();
  try {
    const ids = names.map((name) => identity('Workspace', undefined, name));
    return (await reading.find({ ids })).map(({ resource }) => resource.metadata.name);
  } finally {
    await reading.close();
  }
}

interface TreeOptions {
  readonly actor?: string | null;
  readonly gone?: readonly string[];
  readonly frozen?: ReadonlySet<Identity>;
  readonly overriding?: Overriding;
}

function planTree(
  { config, at }: Planning,
  store: Store,
  tree: Source,
  { actor = null, gone = [], frozen, overriding = NO_OVERRIDES }: TreeOptions = {},
): Promise<PlannedSource> {
  const options: PlanOptions = {
    manager: config.manager,
    prune: config.prune,
    pruneWorkspaces: config.prune ? gone : [],
    adopt: false,
    workspace: undefined,
    deletes: [],
    guards: {},
    actor,
    ...(frozen === undefined ? {} : { frozen }),
  };
  return planSource(store, tree, { options, at, overriding, index: undefined });
}

/** The manifests of a commit, or of a tree that is in no commit, where its own configuration says that they are. */
export function treeSource({ cwd, history, config }: Planning, revision: string, isTree = false): Source {
  const own = history.text(revision, CONFIG_FILE);
  const paths = own === undefined ? config.paths : readConfig(own).paths;
  return gitSource({ revision, isTree, paths, cwd, label: '', mayBeAbsent: true });
}
