import { EXIT, failure } from '../core/problem.ts';
import { identity } from '../core/resource.ts';
import type { Stored } from '../core/stored.ts';
import { didYouMean } from '../core/suggest.ts';
import { readAll, requireStore } from '../engine/plan.ts';
import { findKind, KIND_NAMES, type KindName, kindOf } from '../kinds/index.ts';
import type { Head } from '../stores/store.ts';
import type { Context } from './context.ts';
import { storeOf } from './inputs.ts';
import type { GlobalOptions } from './settings.ts';

/** Everything in the store, which must exist; with -n, the workspace must too. */
export async function readStore(
  context: Context,
  options: GlobalOptions,
): Promise<{ head: Head; stored: readonly Stored[] }> {
  const store = await storeOf(options, context);
  const read = await readAll(store);
  requireStore(read.head, store.location);
  const { workspace } = options;
  if (
    workspace !== undefined &&
    !read.stored.some(({ id }) => id === identity('Workspace', undefined, workspace))
  ) {
    const names = read.stored.flatMap(({ resource }) =>
      resource.kind === 'Workspace' ? [resource.metadata.name] : [],
    );
    throw failure(
      EXIT.invalid,
      'RC126',
      `there is no workspace "${workspace}"`,
      didYouMean(workspace, names) ?? 'iam get workspaces',
    );
  }
  return read;
}

/** The Kind that a word means. */
export function kindArgument(word: string): KindName {
  const kind = findKind(word);
  if (kind) return kind;
  const words = KIND_NAMES.flatMap((name) => [name.toLowerCase(), kindOf(name).plural]);
  throw failure(
    EXIT.invalid,
    'RC106',
    `unknown kind "${word}"`,
    didYouMean(word, words) ?? `kinds: ${KIND_NAMES.map((name) => kindOf(name).plural).join(', ')}`,
  );
}

/** The one resource of a kind and name; a namespaced kind needs -n. */
export function oneOf(
  stored: readonly Stored[],
  kind: KindName,
  name: string,
  workspace: string | undefined,
): Stored {
  const { namespaced } = kindOf(kind);
  if (namespaced && workspace === undefined) {
    throw failure(EXIT.invalid, 'RC121', `a ${kind} is in a workspace: which one?`, 'name it with -n');
  }
  const here = stored.filter(
    ({ resource }) => resource.kind === kind && (!namespaced || resource.metadata.namespace === workspace),
  );
  const found = here.find(({ resource }) => resource.metadata.name === name);
  if (found) return found;
  const where = namespaced ? ` in workspace ${workspace}` : '';
  const names = here.map(({ resource }) => resource.metadata.name);
  throw failure(
    EXIT.invalid,
    'RC126',
    `there is no ${kind} "${name}"${where}`,
    didYouMean(name, names) ?? `iam get ${kindOf(kind).plural}`,
  );
}
