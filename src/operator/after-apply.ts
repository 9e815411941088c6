import { createAccess } from '../core/access.ts';
import { isOwnerAt, ownersOf } from '../core/guards/owners.ts';
import { Failure, type Problem } from '../core/problem.ts';
import { type Identity, identity } from '../core/resource.ts';
import { stateOf } from '../core/state.ts';
import { withActual } from '../engine/actual-state.ts';
import { deliverSecrets } from '../engine/deliver.ts';
import { passTime } from '../engine/passing.ts';
import type { ClusterStatus } from '../sources/cluster-object.ts';
import { isGone, say } from './object-writer.ts';
import { type Key, workspaceOfKey } from './objects.ts';
import type { Operation } from './operation.ts';
import { type Applied, actOf } from './plan-key.ts';

/** What is told of what follows from an apply. */
export interface After {
  /** The Tokens whose secrets could not be delivered. */
  readonly undelivered: ReadonlyMap<Identity, Problem>;
}

/**
 * All that every apply does afterwards, for one key: what has ended is retired, secrets are delivered, the snapshots are made, and the
 * Workspaces told what is in them. What fails of secrets is told of their Tokens; all else is thrown.
 */
export async function afterApply(operation: Operation, key: Key, { revision }: Applied): Promise<After> {
  const { store, now, snapshots, memory } = operation;
  const undelivered = new Map<Identity, Problem>();
  const workspace = workspaceOfKey(key);
  if (revision === 0) return { undelivered };
  const at = now();
  await passTime(store, actOf(operation, at), at);
  if (workspace !== undefined)
    for (const [id, problem] of await deliver(operation, workspace)) undelivered.set(id, problem);
  await snapshots.refresh();
  // What a person is, or a role, shows in the snapshots of many.
  for (const stale of memory.stale.union(new Set(workspace === undefined ? [] : [workspace]))) {
    memory.stale.delete(stale);
    await tellWorkspace(operation, stale);
  }
  return { undelivered };
}

async function deliver(operation: Operation, workspace: string): Promise<ReadonlyMap<Identity, Problem>> {
  const { store, manager, now, sinks, peppers, log, objects } = operation;
  const scope = { manager, workspace };
  const act = () => actOf(operation, now());
  const undelivered = new Map<Identity, Problem>();
  try {
    const delivering = { act, scope, sinks, peppers, replacesLost: true };
    const { issued, failed, warnings } = await deliverSecrets(store, delivering);
    for (const { token } of issued)
      log.info('a secret was issued', { object: `Token/${workspace}/${token.metadata.name}` });
    for (const problem of [...failed, ...warnings])
      if (objects.get(problem.identity)) undelivered.set(problem.identity, problem);
      else
        log.warn('a secret is not where it belongs', {
          key: `workspace/${workspace}`,
          error: problem.message,
        });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const [problem] = error.problems;
    for (const { kind, id, object } of objects.of(`workspace/${workspace}`))
      if (problem && kind === 'Token' && deliversSecret(object.spec)) undelivered.set(id, problem);
  }
  return undelivered;
}

function deliversSecret(spec: unknown): boolean {
  return typeof spec === 'object' && spec !== null && 'deliverTo' in spec;
}

/** So many owners are named. */
const NAMED = 20;

/** Says on the Workspace what is in it, beside what is said of itself there. */
async function tellWorkspace(operation: Operation, workspace: string): Promise<void> {
  const { kube, objects, memory, snapshots } = operation;
  const known = objects.get(identity('Workspace', undefined, workspace));
  const last = memory.facts.get(workspace)?.snapshot ?? known?.object.status?.snapshot;
  const found = snapshots.facts(workspace);
  // The same rows are the same snapshot, whichever process has written them last.
  const made = found && last?.sha256 === found.sha256 ? last : found;
  const facts = await factsOf(operation, workspace, made?.rows ?? 0);
  const told = made === undefined ? facts : { ...facts, snapshot: made };
  memory.facts.set(workspace, told);
  await operation.copies?.write(workspace);
  // Before anything is said of the Workspace itself its own key has the first word.
  if (!known?.object.status?.conditions) return;
  const unwritten = await say(kube, [{ known, status: { ...known.object.status, ...told } }]);
  const failed = unwritten.find((one) => !isGone(one));
  if (failed) throw failed.error;
}

/** `people`: who belong to it, whom its snapshot has a row of each. */
async function factsOf(
  { store, now }: Operation,
  workspace: string,
  people: number,
): Promise<Pick<ClusterStatus, 'counts' | 'owners'>> {
  const at = now();
  return withActual(store, 0, async ({ actual, ask }) =>
    ask(() => {
      const state = stateOf(actual);
      const access = createAccess(state);
      const owners = ownersOf(state, access, workspace, at);
      const names = [...owners.keys()].filter((name) => isOwnerAt(owners, name, at)).sort();
      const count = (kind: 'Group' | 'RoleBinding' | 'Token') =>
        actual
          .tally()
          .reduce(
            (sum, one) => (one.kind === kind && one.workspace === workspace ? sum + one.count : sum),
            0,
          );
      return {
        counts: {
          people,
          groups: count('Group'),
          roleBindings: count('RoleBinding'),
          tokens: count('Token'),
        },
        owners: { count: names.length, names: names.slice(0, NAMED) },
      };
    }),
  );
}
