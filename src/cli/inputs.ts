import path from 'node:path';
import { sha256 } from '../core/hash.ts';
import type { PlanOptions } from '../core/plan-changes.ts';
import { EXIT, failure } from '../core/problem.ts';
import { type IndexFile, indexFile } from '../engine/index-file.ts';
import type { Overriding } from '../engine/judgement.ts';
import { formatTime } from '../kinds/time.ts';
import { filesSource } from '../sources/files.ts';
import type { Source } from '../sources/source.ts';
import { folderOfStore, openStore } from '../stores/open.ts';
import type { Act, Store } from '../stores/store.ts';
import type { Context } from './context.ts';
import type { GuardOptions } from './guard-options.ts';
import { guardSettings, overridesOf } from './guard-settings.ts';
import { actorName, type GlobalOptions, lockTimeout, managerName, storeUrl } from './settings.ts';
import { programVersion } from './version-number.ts';

export interface InputOptions extends GlobalOptions, ClusterAccess {
  readonly filename?: readonly string[];
  readonly source?: 'cluster';
}

/** How to get at a cluster. */
export interface ClusterAccess {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly class?: string;
}

export interface ScopeOptions extends GuardOptions {
  readonly prune?: boolean;
  readonly pruneWorkspace?: readonly string[];
  readonly adopt?: boolean;
}

/** Whether what is declared is given, by files or in a cluster. */
export function hasSource({ filename, source }: InputOptions): boolean {
  return filename !== undefined || source !== undefined;
}

/** The source of `-f` or `--source`, one of which must be given. */
export function sourceOf(options: InputOptions, context: Context): Source {
  const paths = options.filename ?? [];
  if (options.source === 'cluster') {
    if (paths.length > 0)
      throw failure(EXIT.invalid, 'RC121', '--source cluster and -f: which is it?', 'leave one of them out');
    return {
      name: 'the cluster',
      async load() {
        const { kubeClient } = await import('../sources/kube-client.ts');
        const { clusterSource } = await import('../sources/cluster.ts');
        return clusterSource({
          connect: () => kubeClient({ kubeconfig: options.kubeconfig, context: options.context }),
          ofClass: options.class,
        }).load();
      },
    };
  }
  if (paths.length === 0)
    throw failure(EXIT.invalid, 'RC121', 'no manifests given', 'name files, a folder, a glob or - with -f');
  return filesSource({ paths, cwd: context.cwd, readStdin: () => context.readStdin() });
}

export function storeOf(options: GlobalOptions, context: Context): Promise<Store> {
  return openStore(storeUrl(options, context), context.cwd, lockTimeout(options));
}

/**
 * Where it is kept which files are settled in a store: beside its database, else in the user's folder of caches; never
 * where the manifests are, whose authors could hide a change by it. Undefined where there is no such folder.
 */
export function indexOf(store: Store, options: GlobalOptions, context: Context): IndexFile | undefined {
  const { HOME, XDG_CACHE_HOME } = context.env;
  const caches = XDG_CACHE_HOME || (HOME ? path.join(HOME, '.cache') : undefined);
  const folder =
    folderOfStore(storeUrl(options, context), context.cwd) ?? (caches && path.join(caches, 'rolecall'));
  if (folder === undefined) return undefined;
  // What another version found to be settled, this one may have something to say of.
  const facts = [store.location, managerName(options, context), programVersion()];
  const key = sha256(facts.join('\n')).slice('sha256:'.length);
  return indexFile(path.join(folder, `cache-${key.slice(0, 16)}.index`));
}

export function planOptions(options: ScopeOptions, context: Context): PlanOptions {
  return {
    manager: managerName(options, context),
    prune: options.prune ?? false,
    pruneWorkspaces: [...new Set(options.pruneWorkspace ?? [])],
    adopt: options.adopt ?? false,
    workspace: options.workspace,
    deletes: [],
    guards: guardSettings(options),
    actor: actorName(options, context),
  };
}

/** Who answers for what is refused. */
export function overridingOf(options: GuardOptions, context: Context): Overriding {
  return {
    overrides: overridesOf(options),
    actor: actorName(options, context),
    reason: options.reason ?? null,
  };
}

/** Who acts, and why. Somebody named on the command line is not verified. */
export function actOf(options: GlobalOptions & { reason?: string }, context: Context, manager: string): Act {
  return {
    at: formatTime(context.now()),
    manager,
    actor: actorName(options, context),
    actorVerified: false,
    reason: options.reason ?? null,
    commit: null,
    pr: null,
    approvers: [],
  };
}
