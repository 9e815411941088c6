import { type Change, identityOfChange } from '../core/plan.ts';
import type { PlanOptions } from '../core/plan-changes.ts';
import { EXIT, Failure, type Problem } from '../core/problem.ts';
import { type Identity, identity } from '../core/resource.ts';
import { withActual } from '../engine/actual-state.ts';
import { applyPlan, recordRefusal } from '../engine/apply.ts';
import { NO_OVERRIDES } from '../engine/judgement.ts';
import { type PartlyPlanned, planKeepingGoing } from '../engine/keep-going.ts';
import { formatTime } from '../kinds/time.ts';
import type { Act } from '../stores/store.ts';
import { desiredOf } from './desired.ts';
import { type Key, type Known, workspaceOfKey } from './objects.ts';
import type { Operation } from './operation.ts';

/** What is to be planned of a key. */
export interface Wanted {
  /** What must be in the store as it is declared. */
  readonly declared: readonly Known[];
  /** What must not be in the store any more. */
  readonly deleted: readonly Known[];
  /** What stays as it is meanwhile. */
  readonly frozen: ReadonlySet<Identity>;
}

/** What became of it. */
export interface Applied {
  readonly revision: number;
  readonly written: readonly Change[];
  /** Why some of it was left out. */
  readonly leftOut: ReadonlyMap<Identity, Problem>;
  readonly warnings: readonly Problem[];
  /** Those of `deleted` that the store has no more. */
  readonly gone: ReadonlySet<Identity>;
}

/** The workspace of a key is not in the store: what is in it cannot be planned. */
export class NoWorkspace extends Error {
  override readonly name = 'NoWorkspace';
}

/**
 * Makes one plan of a key, and applies it: all that can be done, without what is mistaken or refused and what depends on it.
 *
 * Nothing is deleted because it is not there: only what an object that is being deleted stands for. Throws a Failure when the store is
 * not to be had, or others have written meanwhile (exit 5); `NoWorkspace`.
 */
export async function applyKey(operation: Operation, key: Key, wanted: Wanted): Promise<Applied> {
  const { store, memory } = operation;
  const input = await desiredOf(wanted.declared);
  const at = operation.now();
  const options = optionsOf(operation, key, wanted);
  const size = input.declared.length + wanted.deleted.length;
  const planned = await withActual(store, size, async (state) => {
    const { workspace } = options;
    const isThere =
      workspace === undefined ||
      (await state.ask(() => state.actual.get(identity('Workspace', undefined, workspace)) !== undefined));
    if (!isThere) throw new NoWorkspace();
    return planKeepingGoing(state, input, options, at, NO_OVERRIDES);
  });
  const act = actOf(operation, at);
  await record(operation, key, planned, act);
  const { revision, written } = await applyPlan(store, planned, act, NO_OVERRIDES);
  if (written.length > 0) {
    const { summary } = planned.plan;
    operation.metrics.applied(summary, revision);
    operation.log.info('applied', { key, revision, ...summary });
  }
  if (!planned.refused) memory.refused.delete(key);
  return {
    revision,
    written,
    leftOut: new Map(planned.leftOut.map(({ id, problem }) => [id, problem])),
    warnings: planned.warnings,
    gone: await goneOf(operation, wanted.deleted),
  };
}

/** The act of an operator: nobody else is known to have asked for it. */
export function actOf({ manager, account }: Operation, at: number): Act {
  return {
    at: formatTime(at),
    manager,
    actor: account,
    actorVerified: account !== null,
    reason: null,
    commit: null,
    pr: null,
    approvers: [],
  };
}

function optionsOf({ manager, account }: Operation, key: Key, { deleted, frozen }: Wanted): PlanOptions {
  return {
    manager,
    prune: false,
    pruneWorkspaces: [],
    adopt: false,
    workspace: workspaceOfKey(key),
    deletes: deleted.map(({ id }) => id),
    guards: {},
    actor: account,
    frozen,
    deletesPaused: true,
    plansApart: true,
  };
}

/** The same refusal is told the audit once, however often it is planned. */
async function record({ store, memory }: Operation, key: Key, { refused }: PartlyPlanned, act: Act) {
  if (!refused || memory.refused.get(key) === refused.digest) return;
  await recordRefusal(store, refused, act);
  memory.refused.set(key, refused.digest);
}

/** Those that the store does not have. */
export async function goneOf({ store }: Operation, deleted: readonly Known[]): Promise<Set<Identity>> {
  const gone = new Set(deleted.map(({ id }) => id));
  if (gone.size === 0) return gone;
  const reading = await store.read();
  try {
    for (const { id } of await reading.find({ ids: [...gone] })) gone.delete(id);
    return gone;
  } finally {
    await reading.close();
  }
}

/** Whether others have written while it was planned: it need only be planned again. */
export function isOvertaken(error: unknown): boolean {
  return error instanceof Failure && error.exit === EXIT.stale;
}

/** The changes that bring back what others have changed since it was applied. */
export function driftsOf(
  written: readonly Change[],
  isApplied: (id: Identity) => boolean,
): readonly Change[] {
  return written.filter((change) => change.action !== 'delete' && isApplied(identityOfChange(change)));
}
