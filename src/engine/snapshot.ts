import type { Identity } from '../core/resource.ts';
import { createSnapshots, type Origin, type Origins, type Snapshots } from '../core/snapshot.ts';
import { createState, type State } from '../core/state.ts';
import type { Resource } from '../kinds/index.ts';
import type { EdgeFilter, Head, Reading, Store } from '../stores/store.ts';
import { type EdgeRevisions, edgesAt } from './edges-at.ts';
import { revisionAt, stateAt } from './state-at.ts';

/** A store's snapshot at a time, ready to be written. */
export interface StoreSnapshot {
  readonly head: Head;
  /** Names of the workspaces, sorted. */
  readonly workspaces: readonly string[];
  readonly rows: Snapshots;
  /** The commit of the newest revision, when it came from one. */
  readonly commit: string | null;
}

/**
 * Reads what the CSV snapshot needs at a time in milliseconds: of today's state, or with `past` of that of the newest
 * revision then.
 *
 * Throws a Failure with `past`: exit 4 when there was nothing yet, exit 1 when the history has lost what was there.
 */
export async function readSnapshot(
  store: Store,
  at: number,
  workspace?: string,
  past = false,
): Promise<StoreSnapshot> {
  const reading = await store.read();
  try {
    if (past && reading.head.store !== null) return await readPast(reading, at, workspace);
    const resources: Resource[] = [];
    const filter = workspace === undefined ? {} : { workspace };
    for await (const batch of reading.resources(filter))
      for (const stored of batch) resources.push(stored.resource);
    if (workspace !== undefined) await addGlobals(reading, resources);
    const { origins, commit } = await readOrigins(reading, filter);
    return snapshotOf(reading, createState(resources), { origins, commit }, at, workspace);
  } finally {
    await reading.close();
  }
}

async function readPast(reading: Reading, at: number, workspace: string | undefined): Promise<StoreSnapshot> {
  const { revision } = await revisionAt(reading, at);
  const past = await stateAt(reading, revision);
  const known = await originsOf(reading, await edgesAt(reading, revision, past), revision);
  const state = createState(past.resources.map(({ resource }) => resource));
  return snapshotOf(reading, state, known, at, workspace);
}

function snapshotOf(
  reading: Reading,
  state: State,
  { origins, commit }: KnownOrigins,
  at: number,
  workspace: string | undefined,
): StoreSnapshot {
  const workspaces = state.ofKind('Workspace').map(({ metadata }) => metadata.name);
  return {
    head: reading.head,
    workspaces: workspaces.filter((name) => workspace === undefined || name === workspace).sort(),
    rows: createSnapshots(state, origins, at),
    commit,
  };
}

/** Users and roles are global: a workspace's snapshot needs them too. */
async function addGlobals(reading: Reading, resources: Resource[]): Promise<void> {
  for await (const batch of reading.resources()) {
    // By its identity, so that what is not needed is not parsed.
    for (const stored of batch) {
      if (stored.id.startsWith('User/') || stored.id.startsWith('Role/')) resources.push(stored.resource);
    }
  }
}

/** Where parts of resources come from, and the commit of the newest revision that came from one. */
export interface KnownOrigins {
  readonly origins: Origins;
  readonly commit: string | null;
}

/** Where all that there is now comes from. */
export async function readOrigins(reading: Reading, filter: EdgeFilter): Promise<KnownOrigins> {
  const edges = new Map<Identity, Map<string, number>>();
  for await (const batch of reading.edges(filter)) {
    for (const edge of batch) {
      const known = edges.get(edge.id);
      if (known) known.set(edge.pointer, edge.since);
      else edges.set(edge.id, new Map([[edge.pointer, edge.since]]));
    }
  }
  return originsOf(reading, edges, Infinity);
}

/** Where edges come from: what the ledger says of the revisions that made them, none of them after `last`. */
export async function originsOf(reading: Reading, edges: EdgeRevisions, last: number): Promise<KnownOrigins> {
  const revisions = new Map<number, Origin>();
  let commit: string | null | undefined;
  for await (const batch of reading.revisions()) {
    for (const { revision, at, actor, manager, commit: made } of batch) {
      if (revision > last) continue;
      revisions.set(revision, { revision, at, by: actor ?? `manager:${manager}` });
      commit ??= made;
    }
  }
  return {
    origins: (id, pointer) => revisions.get(edges.get(id)?.get(pointer) ?? -1),
    commit: commit ?? null,
  };
}
