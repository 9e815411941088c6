import type { Code } from '../core/code.ts';
import type { DriftItem } from '../core/drift.ts';
import { grouped } from '../core/judge.ts';
import type { Change, Plan, PlanNotes } from '../core/plan.ts';
import { identityOfChange } from '../core/plan.ts';
import type { PlanOptions } from '../core/plan-changes.ts';
import { EXIT, Failure, type Problem } from '../core/problem.ts';
import { type Identity, identity } from '../core/resource.ts';
import type { Verdict } from '../core/verdict.ts';
import { useOf } from '../engine/apply.ts';
import { compareSources } from '../engine/compare.ts';
import { findDrift } from '../engine/drift.ts';
import { NO_OVERRIDES, type Overriding } from '../engine/judgement.ts';
import type { PlannedSource } from '../engine/plan-source.ts';
import { planSource } from '../engine/plan-source.ts';
import { type GitOptions, gitSource } from '../sources/git.ts';
import type { GitHistory } from '../sources/git-history.ts';
import type { Source } from '../sources/source.ts';
import type { Store } from '../stores/store.ts';
import { CONFIG_FILE, type GitOpsConfig, readConfig } from './config.ts';
import type { FoundOverrides } from './overrides.ts';
import { type ReviewRecord, reviewRecord } from './review-record.ts';
import { storeName } from './store-name.ts';

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
  const is = treeSource(planning, merged, true);
  const { was, mended, ...compared } = await compareWithBase(planning, base, is);
  const { plan } = compared;
  const stored = store && (await planStored(planning, store, was, is, ownOf(plan), asking));
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

export function isMistake(error: unknown): error is Failure {
  return error instanceof Failure && error.exit === EXIT.invalid;
}

function mendedProblem(base: string, sound: string): Problem {
  return {
    code: 'RC607',
    severity: 'warn',
    message: `the manifests of ${base.slice(0, 12)}, the base, have mistakes: compared with ${sound.slice(0, 12)} before it, which has none`,
  };
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
  return {
    ...inMemory(planned),
    pending,
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

/**
 * A plan of a tree that changes nothing but some resources: what others did to the rest is not this pull request's. Where what it
 * changes needs the rest, it is a plan of all.
 */
export async function planOnly(
  planning: Planning,
  store: Store,
  tree: Source,
  own: Own,
  {
    actor = null,
    overriding = NO_OVERRIDES,
    others,
  }: Pick<TreeOptions, 'actor' | 'overriding'> & {
    /** What the tree changes beside them, where that is known already. */
    readonly others?: readonly Identity[] | undefined;
  } = {},
): Promise<PlannedSource> {
  const gone = await presentOf(store, own.gone);
  let known = others;
  if (!known) {
    const whole = await planTree(planning, store, tree, { actor, gone });
    known = whole.plan.changes.map(identityOfChange).filter((id) => !own.ids.has(id));
    if (known.length === 0 && overriding.overrides.length === 0) return whole;
    whole.close();
  }
  try {
    return await planTree(planning, store, tree, { actor, gone, frozen: new Set(known), overriding });
  } catch (error) {
    if (!isMistake(error) || known.length === 0) throw error;
    return planTree(planning, store, tree, { actor, gone, overriding });
  }
}

/** Who asks for a plan, and how to find what lets its refusals pass. */
export interface Asking {
  /** Null where nobody is known. */
  readonly actor: string | null;
  readonly find: ((denied: readonly Verdict[], digest: string) => Promise<FoundOverrides>) | undefined;
}

/** As `planOnly`, and lets pass what somebody who may has let pass. An override holds once. */
export async function planOverridden(
  planning: Planning,
  store: Store,
  tree: Source,
  own: Own,
  { actor, find }: Asking,
  others?: readonly Identity[],
): Promise<FoundOverrides & { readonly planned: PlannedSource }> {
  const planned = await planOnly(planning, store, tree, own, { actor, others });
  const { verdicts, digest } = planned.plan;
  const denied = verdicts.filter(({ severity }) => severity === 'deny');
  if (!find || denied.length === 0) return { planned, overriding: NO_OVERRIDES, void: [] };
  const found = await find(denied, digest);
  const codes = found.overriding.overrides.map(({ code }) => code);
  if (codes.length === 0) return { ...found, planned };
  const used = await useOf(store, digest, codes);
  if (used !== undefined)
    return { planned, overriding: NO_OVERRIDES, void: [...found.void, usedProblem(codes, used)] };
  planned.close();
  return {
    ...found,
    planned: await planOnly(planning, store, tree, own, { actor, overriding: found.overriding, others }),
  };
}

function usedProblem(codes: readonly Code[], revision: number): Problem {
  return {
    code: 'RC606',
    severity: 'warn',
    message: `the override of ${codes.join(', ')} does not count: it was used for revision ${revision}, and holds once`,
    hint: 'change the plan, or undo in two steps',
  };
}

/** What there was before the first commit. */
export const NOTHING: Source = {
  name: 'nothing',
  load: async () => ({ texts: [], problems: [], known: [] }),
};

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

/**
 * The manifests of a commit, or of a tree that is in no commit, where its own configuration says that they are. What it names
 * and is not there is a mistake, never "nothing declared".
 */
export function treeSource(planning: Planning, revision: string, isTree = false): Source {
  return sourceOf(planning, { revision, isTree, mayBeAbsent: false });
}

/** The manifests of a commit that others are compared with: what is not there yet is nothing declared. */
export function treeBefore(planning: Planning, revision: string): Source {
  return sourceOf(planning, { revision, mayBeAbsent: true });
}

function sourceOf(
  { cwd, history, config }: Planning,
  tree: Pick<GitOptions, 'revision' | 'isTree' | 'mayBeAbsent'>,
): Source {
  const own = history.text(tree.revision, CONFIG_FILE);
  const paths = own === undefined ? config.paths : readConfig(own).paths;
  return gitSource({ ...tree, paths, cwd, label: '' });
}
