import type { Declared, ReadManifests } from '../core/manifest.ts';
import type { PlanOptions } from '../core/plan-changes.ts';
import { NOTHING_SETTLED } from '../core/plan-changes.ts';
import type { Problem } from '../core/problem.ts';
import type { Identity } from '../core/resource.ts';
import type { Origins } from '../core/snapshot.ts';
import { createState, type State, stateOf } from '../core/state.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Reading, Store } from '../stores/store.ts';
import { type ActualState, openActual } from './actual-state.ts';
import { edgesAt } from './edges-at.ts';
import { planFrom, refuseMistakes, requireStore } from './plan.ts';
import { originsOf, readOrigins } from './snapshot.ts';
import { revisionAt, stateAt } from './state-at.ts';
import { treatDrift, withDrift } from './treat-drift.ts';

/** What questions are asked of. To be closed. */
export interface Asked {
  readonly state: State;
  /** Asks until nothing is missing; `question` must be pure. */
  readonly ask: ActualState['ask'];
  /** Where parts of these resources come from. */
  origins(ids: readonly Identity[]): Promise<Origins>;
  close(): Promise<void>;
}

/** Today's state of a store. Throws a Failure (exit 4) where there is none. */
export async function stateNow(store: Store): Promise<Asked> {
  const { head, actual, reading, ask, close } = await openActual(store, 1);
  await closingOnFailure(close, async () => requireStore(head, store.location));
  return {
    state: stateOf(actual),
    ask,
    origins: async (ids) => (await readOrigins(reading, { ids })).origins,
    close,
  };
}

/**
 * The state of the newest revision that is not after `at` (milliseconds); of one workspace and what is global, when given.
 *
 * Throws a Failure: exit 4 where there is no store or was nothing yet, exit 1 when the history has lost what was there.
 */
export async function stateThen(store: Store, workspace: string | undefined, at: number): Promise<Asked> {
  const open = await store.read();
  return closingOnFailure(
    () => open.close(),
    async () => {
      requireStore(open.head, store.location);
      const { revision } = await revisionAt(open, at);
      const past = await stateAt(open, revision);
      const inside = past.resources.filter(({ id }) => concerns(id, workspace));
      return {
        state: createState(inside.map(({ resource }) => resource)),
        ask: async (question) => question(),
        origins: async () => (await originsOf(open, await edgesAt(open, revision, past), revision)).origins,
        close: () => open.close(),
      };
    },
  );
}

/** The state after the plan of an input, with what is to be said of it. */
export interface AskedAfter extends Asked {
  readonly declared: ReadonlyMap<Identity, Declared>;
  readonly warnings: readonly Problem[];
  readonly verdicts: readonly Verdict[];
}

/** What an apply of an input would leave, whether or not it would be refused. Throws as `planFrom`. */
export async function stateAfter(
  store: Store,
  input: ReadManifests,
  options: PlanOptions,
  at: number,
): Promise<AskedAfter> {
  const opened = await openActual(store, input.declared.length);
  const { actual, reading, head, ask, close } = opened;
  return closingOnFailure(close, async () => {
    await refuseMistakes(input, opened);
    const desired = { desired: input.declared, settled: NOTHING_SETTLED };
    const treated = await treatDrift(opened, desired, options);
    const planned = await planFrom(opened, treated, options, at);
    const { plan, after, warnings } = withDrift(planned, treated);
    return {
      state: after ?? stateOf(actual),
      ask,
      origins: async (ids) =>
        head.store === null ? () => undefined : (await readOrigins(reading, { ids })).origins,
      close,
      declared: new Map(input.declared.map((declared) => [declared.id, declared])),
      warnings: [...input.problems, ...warnings],
      verdicts: plan.verdicts,
    };
  });
}

/** By its identity, so that what is not needed is not parsed. Workspaces are all needed, to say which there are. */
function concerns(id: Identity, workspace: string | undefined): boolean {
  if (workspace === undefined) return true;
  const [, namespace] = id.split('/', 2);
  return namespace === '' || namespace === workspace;
}

async function closingOnFailure<T>(close: Reading['close'], make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    await close();
    throw error;
  }
}
