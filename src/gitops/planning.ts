import type { PlanOptions } from '../core/plan-changes.ts';
import { EXIT, Failure, failure } from '../core/problem.ts';
import type { Identity } from '../core/resource.ts';
import { NO_OVERRIDES, type Overriding } from '../engine/judgement.ts';
import { type PlannedSource, planSource } from '../engine/plan-source.ts';
import { type GitOptions, gitSource } from '../sources/git.ts';
import type { GitHistory } from '../sources/git-history.ts';
import type { Source } from '../sources/source.ts';
import type { Store } from '../stores/store.ts';
import { CONFIG_FILE, type GitOpsConfig, readConfig } from './config.ts';

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

/** Whether it says that manifests, or a configuration, have mistakes. */
export function isMistake(error: unknown): error is Failure {
  return error instanceof Failure && error.exit === EXIT.invalid;
}

/** Of so many commits before one the configuration is looked at, too. */
const MOST_UNREADABLE = 100;

/**
 * The configuration of a commit, or of the last one before it that has one that can be read: what broke it is held back by
 * itself, and nothing before it. Throws the Failure of the commit itself (exit 4) where there is none.
 */
export function configUpTo(history: GitHistory, head: string): GitOpsConfig {
  let failed: unknown;
  let commit: string | null = head;
  for (let tried = 0; commit !== null && tried <= MOST_UNREADABLE; tried++) {
    try {
      return readConfig(history.text(commit, CONFIG_FILE));
    } catch (error) {
      if (!isMistake(error)) throw error;
      failed ??= error;
    }
    commit = history.parent(commit);
  }
  throw failed;
}

/**
 * Throws a Failure (exit 4) where the configuration was there before and is there no more: it would go on as if nobody had taken
 * it away. `before` is null for the first commit of all.
 */
export function refuseWithoutConfig({ history }: Planning, before: string | null, after: string): void {
  if (history.text(after, CONFIG_FILE) !== undefined) return;
  if (before !== null && history.text(before, CONFIG_FILE) === undefined) return;
  throw failure(
    EXIT.invalid,
    'RC601',
    `it has no ${CONFIG_FILE} any more`,
    'put it back: without it nothing is planned or applied',
  );
}

/** What there was before the first commit. */
export const NOTHING: Source = {
  name: 'nothing',
  load: async () => ({ texts: [], problems: [], known: [] }),
};

export interface TreeOptions {
  readonly actor?: string | null;
  readonly gone?: readonly string[];
  readonly frozen?: ReadonlySet<Identity>;
  readonly overriding?: Overriding;
}

/** What applying a tree does to a store, as its manager. Throws a Failure (exit 4) with every mistake. */
export function planTree(
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
