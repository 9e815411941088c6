import type { Identity } from '../core/resource.ts';
import { createSnapshots, type Origin, type Origins, type Snapshots } from '../core/snapshot.ts';
import { createState } from '../core/state.ts';
import type { Resource } from '../kinds/index.ts';
import type { Head, Reading, Store } from '../stores/store.ts';

/** A store's snapshot at a time, ready to be written. */
export interface StoreSnapshot {
  readonly head: Head;
  /** Names of the workspaces, sorted. */
  readonly workspaces: readonly string[];
  readonly rows: Snapshots;
  /** The commit of the newest revision, when it came from one. */
  readonly commit: string | null;
}

/** Reads what the CSV snapshot needs: today's state, at a time in milliseconds. */
export async function readSnapshot(store: Store, at: number, workspace?: string): Promise<StoreSnapshot> {
  const reading = await store.read();
  try {
    const resources: Resource[] = [];
    const filter = workspace === undefined ? {} : { workspace };
    for await (const batch of reading.resources(filter))
      for (const stored of batch) resources.push(stored.resource);
    if (workspace !== undefined) await addGlobals(reading, resources);
    const { origins, commit } = await readOrigins(reading, filter);
    const state = createState(resources);
    const workspaces = state.ofKind('Workspace').map(({ metadata }) => metadata.name);
    return {
      head: reading.head,
      workspaces: workspaces.filter((name) => workspace === undefined || name === workspace).sort(),
      rows: createSnapshots(state, origins, at),
      commit,
    };
  } finally {
    await reading.close();
  }
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

async function readOrigins(
  reading: Reading,
  filter: { workspace?: string },
): Promise<{ origins: Origins; commit: string | null }> {
  const revisions = new Map<number, Origin>();
  let commit: string | null | undefined;
  for await (const batch of reading.revisions()) {
    for (const { revision, at, actor, manager, commit: made } of batch) {
      revisions.set(revision, { revision, at, by: actor ?? `manager:${manager}` });
      commit ??= made;
    }
  }
  const since = new Map<Identity, Map<string, number>>();
  for await (const batch of reading.edges(filter)) {
    for (const edge of batch) {
      const known = since.get(edge.id);
      if (known) known.set(edge.pointer, edge.since);
      else since.set(edge.id, new Map([[edge.pointer, edge.since]]));
    }
  }
  return {
    origins: (id, pointer) => revisions.get(since.get(id)?.get(pointer) ?? -1),
    commit: commit ?? null,
  };
}
