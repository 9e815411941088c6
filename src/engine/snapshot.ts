import { type Identity, identity, identityOf } from '../core/resource.ts';
import {
  type Contents,
  contentsOf,
  type Origin,
  type Origins,
  type RowForm,
  snapshotOf,
  usersNamedBy,
  type WorkspaceSnapshot,
} from '../core/snapshot.ts';
import { createState } from '../core/state.ts';
import type { Resource } from '../kinds/index.ts';
import type { EdgeFilter, Head, Reading } from '../stores/store.ts';
import { type Affected, contentsAbove } from './affected.ts';
import { type EdgeRevisions, edgesAt } from './edges-at.ts';
import { revisionAt, stateAt } from './state-at.ts';

/** A store's snapshot at a time, one workspace after the other, as long as its reading is open. */
export interface StoreSnapshot {
  readonly head: Head;
  /** Names of the workspaces, sorted. */
  readonly workspaces: readonly string[];
  /** The commit of the newest revision, when it came from one. */
  readonly commit: string | null;
  /** Reads what one workspace needs, and no more. */
  of(workspace: string): Promise<WorkspaceSnapshot>;
  /** All rows of some in a workspace; what it has of others is not all. */
  ofSome(workspace: string, some: Affected): Promise<WorkspaceSnapshot>;
}

/** What a snapshot is wanted of. */
export interface SnapshotWanted {
  /** Milliseconds. */
  readonly at: number;
  readonly form: RowForm;
  /** All when left out. */
  readonly workspace?: string | undefined;
  /** Of the state of the newest revision then, not of today's. */
  readonly past?: boolean;
}

/**
 * Makes ready what the CSV snapshot needs.
 *
 * Throws a Failure with `past`: exit 4 when there was nothing yet, exit 1 when the history has lost what was there.
 */
export function readSnapshot(reading: Reading, wanted: SnapshotWanted): Promise<StoreSnapshot> {
  const isPast = wanted.past === true && reading.head.store !== null;
  return isPast ? past(reading, wanted) : present(reading, wanted);
}

async function past(reading: Reading, wanted: SnapshotWanted): Promise<StoreSnapshot> {
  const { revision } = await revisionAt(reading, wanted.at);
  const then = await stateAt(reading, revision);
  const known = await originsOf(reading, await edgesAt(reading, revision, then), revision);
  const state = createState(then.resources.map(({ resource }) => resource));
  const of = async (workspace: string) =>
    snapshotOf(contentsOf(state, workspace), state, known.origins, wanted.at, wanted.form);
  return opened(reading, wanted, state.ofKind('Workspace'), known.commit, { of, ofSome: of });
}

async function present(reading: Reading, wanted: SnapshotWanted): Promise<StoreSnapshot> {
  const shared = (await reading.find({ kinds: ['Workspace', 'Role'] })).map(({ resource }) => resource);
  const revisions = await readRevisions(reading, Infinity);
  const state = createState(shared);
  const users: Users = new Map();
  const snapshot = async (contents: Contents, edges: EdgeFilter) => {
    const origins = originsFrom(await readEdges(reading, edges), revisions.origins);
    return snapshotOf(contents, state, origins, wanted.at, wanted.form);
  };
  return opened(reading, wanted, shared, revisions.commit, {
    of: async (workspace) => snapshot(await readContents(reading, workspace, users), { workspace }),
    async ofSome(workspace, some) {
      const contents = await contentsAbove(reading, workspace, some);
      const ids = [...contents.groups, ...contents.bindings, ...contents.tokens].map(identityOf);
      return snapshot(contents, { ids });
    },
  });
}

async function readContents(reading: Reading, workspace: string, known: Users): Promise<Contents> {
  const groups: Resource<'Group'>[] = [];
  const bindings: Resource<'RoleBinding'>[] = [];
  const tokens: Resource<'Token'>[] = [];
  const names = new Set<string>();
  for await (const batch of reading.resources({ workspace })) {
    for (const { resource } of batch) {
      for (const name of usersNamedBy(resource)) names.add(name);
      if (resource.kind === 'Group') groups.push(resource);
      else if (resource.kind === 'RoleBinding') bindings.push(resource);
      else if (resource.kind === 'Token') tokens.push(resource);
    }
  }
  const inOrder = [...names].sort();
  await lookUp(reading, inOrder, known);
  const users = inOrder.flatMap((name) => known.get(name) ?? []);
  return { workspace, groups, bindings, tokens, users };
}

/** Users who were looked up: many are in more than one workspace. */
type Users = Map<string, Resource<'User'>>;

/** More users than these are not kept for the next workspace. */
const KEPT = 100_000;

/** Looks up those that are not known yet. In order, so that look-ups that follow each other are near each other. */
async function lookUp(reading: Reading, names: readonly string[], known: Users): Promise<void> {
  if (known.size > KEPT) known.clear();
  const wanted = names.filter((name) => !known.has(name));
  for (const some of chunks(wanted, AT_ONCE)) {
    const ids = some.map((name) => identity('User', undefined, name));
    for (const { resource } of await reading.find({ ids }))
      if (resource.kind === 'User') known.set(resource.metadata.name, resource);
  }
}

function opened(
  reading: Reading,
  { workspace }: SnapshotWanted,
  resources: readonly Resource[],
  commit: string | null,
  ways: Pick<StoreSnapshot, 'of' | 'ofSome'>,
): StoreSnapshot {
  const workspaces = resources
    .filter(({ kind }) => kind === 'Workspace')
    .map(({ metadata }) => metadata.name)
    .filter((name) => workspace === undefined || name === workspace)
    .sort();
  return { head: reading.head, workspaces, commit, ...ways };
}

/** How many users are looked up at once. */
const AT_ONCE = 2000;

function* chunks<T>(list: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < list.length; i += size) yield list.slice(i, i + size);
}

/** Where parts of resources come from, and the commit of the newest revision that came from one. */
export interface KnownOrigins {
  readonly origins: Origins;
  readonly commit: string | null;
}

/** Where all that there is now comes from. */
export async function readOrigins(reading: Reading, filter: EdgeFilter): Promise<KnownOrigins> {
  const { origins, commit } = await readRevisions(reading, Infinity);
  return { origins: originsFrom(await readEdges(reading, filter), origins), commit };
}

/** Where edges come from: what the ledger says of the revisions that made them, none of them after `last`. */
export async function originsOf(reading: Reading, edges: EdgeRevisions, last: number): Promise<KnownOrigins> {
  const { origins, commit } = await readRevisions(reading, last);
  return { origins: originsFrom((id, pointer) => edges.get(id)?.get(pointer), origins), commit };
}

/** The revision that made an edge. */
type MadeIn = (id: Identity, pointer: string) => number | undefined;
type RevisionOrigins = ReadonlyMap<number, Origin>;

function originsFrom(madeIn: MadeIn, revisions: RevisionOrigins): Origins {
  return (id, pointer) => revisions.get(madeIn(id, pointer) ?? -1);
}

/** Keeps one revision for a resource as long as all of its edges, which a store tells one after the other, are of it. */
async function readEdges(reading: Reading, filter: EdgeFilter): Promise<MadeIn> {
  const made = new Map<Identity, number | Map<string, number>>();
  let last: Identity | undefined;
  let revision = 0;
  let pointers: string[] = [];
  let several: Map<string, number> | undefined;
  for await (const batch of reading.edges(filter)) {
    for (const { id, pointer, since } of batch) {
      if (id !== last) {
        if (last !== undefined) made.set(last, several ?? revision);
        [last, revision, pointers, several] = [id, since, [], undefined];
      }
      if (!several && since !== revision) several = new Map(pointers.map((other) => [other, revision]));
      if (several) several.set(pointer, since);
      else pointers.push(pointer);
    }
  }
  if (last !== undefined) made.set(last, several ?? revision);
  return (id, pointer) => {
    const known = made.get(id);
    return typeof known === 'object' ? known.get(pointer) : known;
  };
}

async function readRevisions(
  reading: Reading,
  last: number,
): Promise<{ origins: RevisionOrigins; commit: string | null }> {
  const origins = new Map<number, Origin>();
  let commit: string | null | undefined;
  for await (const batch of reading.revisions()) {
    for (const { revision, at, actor, manager, commit: made } of batch) {
      if (revision > last) continue;
      origins.set(revision, { revision, at, by: actor ?? `manager:${manager}` });
      commit ??= made;
    }
  }
  return { origins, commit: commit ?? null };
}
