import type { Actual } from '../core/actual.ts';
import { EXIT, failure } from '../core/problem.ts';
import { identity } from '../core/resource.ts';
import type { Stored } from '../core/stored.ts';
import { didYouMean } from '../core/suggest.ts';
import { type ActualState, withActual } from '../engine/actual-state.ts';
import { requireStore } from '../engine/plan.ts';
import { findKind, KIND_NAMES, type KindName, kindOf } from '../kinds/index.ts';
import type { Store } from '../stores/store.ts';
import type { Context } from './context.ts';
import { storeOf } from './inputs.ts';
import type { GlobalOptions } from './settings.ts';

/** Uses the state of the store, which must exist; with -n, the workspace must too. */
export async function withStore<T>(
  context: Context,
  options: GlobalOptions,
  use: (state: ActualState, store: Store) => Promise<T>,
): Promise<T> {
  const store = await storeOf(options, context);
  return withActual(store, 1, async (state) => {
    requireStore(state.head, store.location);
    const { workspace } = options;
    if (workspace !== undefined) await state.ask(() => refuseUnknownWorkspace(state.actual, workspace));
    return use(state, store);
  });
}

function refuseUnknownWorkspace(actual: Actual, workspace: string): void {
  if (actual.get(identity('Workspace', undefined, workspace))) return;
  const names = actual.ofKind('Workspace').map(({ resource }) => resource.metadata.name);
  throw failure(
    EXIT.invalid,
    'RC126',
    `there is no workspace "${workspace}"`,
    didYouMean(workspace, names) ?? 'iam get workspaces',
  );
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
export function oneOf(actual: Actual, kind: KindName, name: string, workspace: string | undefined): Stored {
  const { namespaced } = kindOf(kind);
  if (namespaced && workspace === undefined) {
    throw failure(EXIT.invalid, 'RC121', `a ${kind} is in a workspace: which one?`, 'name it with -n');
  }
  const found = actual.get(identity(kind, namespaced ? workspace : undefined, name));
  if (found) return found;
  const where = namespaced ? ` in workspace ${workspace}` : '';
  const names = actual
    .ofKind(kind)
    .map(({ resource }) => resource.metadata)
    .filter((metadata) => !namespaced || metadata.namespace === workspace)
    .map((metadata) => metadata.name);
  throw failure(
    EXIT.invalid,
    'RC126',
    `there is no ${kind} "${name}"${where}`,
    didYouMean(name, names) ?? `iam get ${kindOf(kind).plural}`,
  );
}
