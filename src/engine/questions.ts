import { resourcesAfter } from '../core/judge.ts';
import type { Declared, ReadManifests } from '../core/manifest.ts';
import type { PlanOptions } from '../core/plan-changes.ts';
import type { Problem } from '../core/problem.ts';
import type { Identity } from '../core/resource.ts';
import type { Origins } from '../core/snapshot.ts';
import { createState, type State } from '../core/state.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Resource } from '../kinds/index.ts';
import type { Reading, Store } from '../stores/store.ts';
import { edgesAt } from './edges-at.ts';
import { planInput, requireStore } from './plan.ts';
import { originsOf, readOrigins } from './snapshot.ts';
import { revisionAt, stateAt } from './state-at.ts';

/** What questions are asked of. */
export interface Asked {
  readonly state: State;
  /** Where parts of resources come from; knows nothing unless it was asked for. */
  readonly origins: Origins;
}

export interface Wanted {
  /** Only this workspace and what is global; all when absent. */
  readonly workspace?: string | undefined;
  /** Whether it matters which revisions things come from. */
  readonly origins: boolean;
}

const UNKNOWN: Origins = () => undefined;

/** Today's state of a store. Throws a Failure (exit 4) where there is none. */
export async function stateNow(store: Store, { workspace, origins }: Wanted): Promise<Asked> {
  return reading(store, async (open) => {
    const resources: Resource[] = [];
    for await (const batch of open.resources())
      for (const stored of batch) if (concerns(stored.id, workspace)) resources.push(stored.resource);
    const filter = workspace === undefined ? {} : { workspace };
    return {
      state: createState(resources),
      origins: origins ? (await readOrigins(open, filter)).origins : UNKNOWN,
    };
  });
}

/**
 * The state of the newest revision that is not after `at` (milliseconds).
 *
 * Throws a Failure: exit 4 where there is no store or was nothing yet, exit 1 when the history has lost what was there.
 */
export async function stateThen(store: Store, { workspace, origins }: Wanted, at: number): Promise<Asked> {
  return reading(store, async (open) => {
    const { revision } = await revisionAt(open, at);
    const past = await stateAt(open, revision);
    const inside = past.resources.filter(({ id }) => concerns(id, workspace));
    const known = origins && (await originsOf(open, await edgesAt(open, revision, past), revision));
    return {
      state: createState(inside.map(({ resource }) => resource)),
      origins: known ? known.origins : UNKNOWN,
    };
  });
}

/** The state after the plan of an input, with what is to be said of it. */
export interface AskedAfter extends Asked {
  readonly declared: ReadonlyMap<Identity, Declared>;
  readonly warnings: readonly Problem[];
  readonly verdicts: readonly Verdict[];
}

/** What an apply of an input would leave, whether or not it would be refused. Throws as `planInput`. */
export async function stateAfter(
  store: Store,
  input: ReadManifests,
  options: PlanOptions,
  at: number,
  wanted: Pick<Wanted, 'origins'>,
): Promise<AskedAfter> {
  const { plan, actual, head, warnings } = await planInput(store, input, options, at);
  const origins =
    wanted.origins && head.store !== null
      ? await reading(store, async (open) => (await readOrigins(open, {})).origins)
      : UNKNOWN;
  return {
    state: createState(resourcesAfter(actual, plan.changes)),
    origins,
    declared: new Map(input.declared.map((declared) => [declared.id, declared])),
    warnings,
    verdicts: plan.verdicts,
  };
}

/** By its identity, so that what is not needed is not parsed. Workspaces are all needed, to say which there are. */
function concerns(id: Identity, workspace: string | undefined): boolean {
  if (workspace === undefined) return true;
  const [, namespace] = id.split('/', 2);
  return namespace === '' || namespace === workspace;
}

async function reading<T>(store: Store, use: (open: Reading) => Promise<T>): Promise<T> {
  const open = await store.read();
  try {
    requireStore(open.head, store.location);
    return await use(open);
  } finally {
    await open.close();
  }
}
