import type { AuditRow } from '../../src/core/audit.ts';
import { canonicalJson } from '../../src/core/hash.ts';
import { type Identity, identityOf, toManifest } from '../../src/core/resource.ts';
import type { Stored } from '../../src/core/stored.ts';
import type { Resource } from '../../src/kinds/index.ts';
import type {
  Act,
  Entry,
  Head,
  Reading,
  Revision,
  Store,
  StoredEdge,
  WriteChange,
  Written,
} from '../../src/stores/store.ts';

/** Registers one test of a contract; each gets a store that does not exist yet. */
export type Test = (title: string, run: (store: Store) => Promise<void>) => void;

export const NOWHERE: Pick<Head, 'store' | 'revision'> = { store: null, revision: 0 };

export function act(more: Partial<Act> = {}): Act {
  return {
    at: '2026-06-01T00:00:00.000Z',
    manager: 'default',
    actor: null,
    actorVerified: false,
    reason: null,
    commit: null,
    pr: null,
    approvers: [],
    ...more,
  };
}

type Ledger = Partial<Pick<WriteChange, 'manager' | 'fieldManagers'>>;

export function create(resource: Resource, ledger: Ledger = {}): WriteChange {
  return {
    action: 'create',
    id: identityOf(resource),
    uid: null,
    after: whole(resource),
    manager: 'default',
    fieldManagers: {},
    ...ledger,
  };
}

export function update(stored: Stored, resource: Resource, ledger: Ledger = {}): WriteChange {
  const { uid, manager, fieldManagers } = stored;
  const change: WriteChange = {
    action: 'update',
    id: identityOf(resource),
    uid,
    after: whole(resource),
    manager,
    fieldManagers,
    ...ledger,
  };
  if (change.id !== stored.id) renamed.set(change, stored.id);
  return change;
}

/** What a change was called before, when it renames. */
const renamed = new WeakMap<WriteChange, Identity>();

function whole(resource: Resource): WriteChange['after'] {
  return { body: canonicalJson(toManifest(resource)), resource };
}

export function remove({ uid, id, manager }: Stored): WriteChange {
  return { action: 'delete', id, uid, after: null, manager, fieldManagers: {} };
}

/** An entry on the state that `base` is the head of. */
export function applyOn(
  { store, revision }: Pick<Head, 'store' | 'revision'>,
  changes: readonly WriteChange[],
  more: Partial<Act> = {},
): Extract<Entry, { type: 'apply' }> {
  const count = (action: WriteChange['action']) => changes.filter((one) => one.action === action).length;
  return {
    type: 'apply',
    base: { store, revision },
    act: act(more),
    digest: 'sha256:digest',
    verdicts: [],
    remarks: [],
    summary: { create: count('create'), update: count('update'), delete: count('delete') },
    changes,
    renames: new Map(
      changes.flatMap((change) => {
        const before = renamed.get(change);
        return before === undefined ? [] : [[before, change.id] as const];
      }),
    ),
    adopts: new Map(),
  };
}

/** Applies on whatever is there. */
export async function apply(
  store: Store,
  changes: readonly WriteChange[],
  more: Partial<Act> = {},
): Promise<Written> {
  return store.write(applyOn(await headOf(store), changes, more));
}

export async function reading<T>(store: Store, use: (reading: Reading) => Promise<T>): Promise<T> {
  const opened = await store.read();
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

export function headOf(store: Store): Promise<Head> {
  return reading(store, async ({ head }) => head);
}

export async function flat<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

export interface Everything {
  readonly head: Head;
  readonly resources: readonly Stored[];
  readonly edges: readonly StoredEdge[];
  readonly revisions: readonly Revision[];
  readonly audit: readonly AuditRow[];
}

/** All that a store says of itself, as plain data. */
export function everything(store: Store, filter?: { workspace?: string }): Promise<Everything> {
  return reading(store, async (opened) => ({
    head: opened.head,
    resources: (await flat(opened.resources(filter))).map(plain),
    edges: await flat(opened.edges(filter)),
    revisions: await flat(opened.revisions()),
    audit: await flat(opened.audit()),
  }));
}

function plain({ uid, id, body, manager, fieldManagers, resource }: Stored): Stored {
  return { uid, id, body, manager, fieldManagers, resource };
}

/** The one stored resource with an identity. */
export async function stored(store: Store, id: string): Promise<Stored> {
  const found = (await everything(store)).resources.find((one) => one.id === id);
  if (!found) throw new Error(`${id} is not in the store`);
  return found;
}

/** The revision that made each edge of a resource, by pointer. */
export async function edgesOf(store: Store, id: string): Promise<Record<string, number>> {
  const { edges } = await everything(store);
  return Object.fromEntries(
    edges.filter((edge) => edge.id === id).map(({ pointer, since }) => [pointer, since]),
  );
}
