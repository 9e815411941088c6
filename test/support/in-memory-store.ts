import { randomUUID } from 'node:crypto';
import { type AuditRow, GENESIS } from '../../src/core/audit.ts';
import { compareText } from '../../src/core/problem.ts';
import { type Edge, edgesOf, identity, identityOf, workspaceOf } from '../../src/core/resource.ts';
import type { Stored } from '../../src/core/stored.ts';
import { KIND_NAMES, type KindName } from '../../src/kinds/index.ts';
import { foldCase } from '../../src/kinds/text.ts';
import { parseTime } from '../../src/kinds/time.ts';
import { type AuditInput, auditChain, auditInputs } from '../../src/stores/sql/audit-chain.ts';
import { refuseOvertaken } from '../../src/stores/sql/commits.ts';
import { deliversSecrets, endsSecrets } from '../../src/stores/sql/tokens.ts';
import {
  type Act,
  type Entry,
  type Reading,
  type Revision,
  StaleBase,
  type Store,
  type StoredEdge,
  type Tally,
  type WriteChange,
} from '../../src/stores/store.ts';
import {
  type Books,
  booksAfter,
  type HeldMoment,
  momentsFrom,
  momentsIn,
  redacted,
  revoked,
  secretsIn,
} from './in-memory-ledger.ts';

interface Row {
  readonly stored: Stored;
  readonly edges: readonly (StoredEdge & Edge)[];
  readonly moments: readonly HeldMoment[];
}

/** All of a store at one moment; never changed once made. */
interface Ledger extends Books {
  /** The last one, by manager. */
  readonly commits: ReadonlyMap<string, string>;
  readonly store: string | null;
  /** By uid. */
  readonly resources: ReadonlyMap<string, Row>;
  readonly revisions: readonly Revision[];
  readonly audit: readonly AuditRow[];
}

type Apply = Extract<Entry, { type: 'apply' }>;

const kinds = Object.fromEntries(KIND_NAMES.map((name) => [name, true])) as Record<KindName, boolean>;

/** A store that is gone with the process: the store seam in its shortest form, to test and to learn from. */
export function inMemoryStore(): Store {
  let ledger: Ledger = {
    store: null,
    snapshot: 0,
    resources: new Map(),
    revisions: [],
    audit: [],
    secrets: [],
    commits: new Map(),
  };
  return {
    location: 'memory',
    supports: { kinds },
    read: async () => readingOf(ledger),
    async write(entry) {
      const created = ledger.store === null;
      if (entry.type === 'apply') ledger = applied(ledger, entry);
      else if (!created) ledger = written(ledger, entry);
      return { head: headOf(ledger), created: created && ledger.store !== null };
    },
    async close() {},
  };
}

function headOf({ store, revisions, snapshot, audit }: Ledger) {
  const last = audit.at(-1);
  return {
    store,
    revision: revisions.length,
    snapshotRevision: snapshot,
    auditHead: last ? `${last.seq}:${last.hash}` : null,
  };
}

function readingOf(ledger: Ledger): Reading {
  let closed = false;
  async function* batches<T>(rows: readonly T[]): AsyncGenerator<readonly T[]> {
    for (let at = 0; at < rows.length; at += 1000) {
      if (closed) throw new Error('the reading is closed');
      yield rows.slice(at, at + 1000);
    }
  }
  const all = (workspace?: string) =>
    [...ledger.resources.values()].filter(
      ({ stored }) => workspace === undefined || workspaceOf(stored.resource) === workspace,
    );
  return {
    head: headOf(ledger),
    resources: ({ workspace } = {}) => batches(all(workspace).map(({ stored }) => stored)),
    async find({ ids = [], targets = [], emails = [], kinds = [], uids = [], delivers = false, page }) {
      const rows = [...ledger.resources.values()];
      const found = rows.filter(
        ({ stored: { id, uid, resource }, edges }) =>
          ids.includes(id) ||
          uids.includes(uid) ||
          kinds.includes(resource.kind) ||
          (delivers && deliversSecrets(resource)) ||
          edges.some(({ target }) => target !== null && targets.includes(target)) ||
          (resource.kind === 'User' && emails.includes(foldCase(resource.spec.email))),
      );
      const paged = rows
        .filter(
          ({ stored: { id, resource } }) =>
            page && id === identity(page.kind, page.workspace, resource.metadata.name),
        )
        .filter(({ stored: { resource } }) => page && compareText(resource.metadata.name, page.after) > 0)
        .sort((a, b) => compareText(a.stored.id, b.stored.id))
        .slice(0, page?.limit ?? 0);
      return [...new Set([...found, ...paged])].map(({ stored }) => stored);
    },
    async tally() {
      const tallies = new Map<string, Tally>();
      for (const { stored } of ledger.resources.values()) {
        const { kind, metadata } = stored.resource;
        const [workspace, { manager }] = [metadata.namespace ?? '', stored];
        const key = JSON.stringify([kind, workspace, manager]);
        const count = (tallies.get(key)?.count ?? 0) + 1;
        tallies.set(key, { kind, workspace, manager, count });
      }
      return [...tallies.values()];
    },
    edges: (filter = {}) =>
      batches(
        ('ids' in filter
          ? all().filter(({ stored }) => filter.ids.includes(stored.id))
          : all(filter.workspace)
        ).flatMap(({ edges }) => edges.map(({ id, pointer, since }) => ({ id, pointer, since }))),
      ),
    revisions: () => batches(ledger.revisions.toReversed()),
    audit: ({ revision, after = -1, from = 0, uids } = {}) =>
      batches(
        ledger.audit.filter(
          (row) =>
            row.seq >= from &&
            row.revision > after &&
            (revision === undefined || row.revision === revision) &&
            (uids === undefined || uids.includes(row.uid ?? '')),
        ),
      ),
    moments: (filter) => batches(momentsIn(ledger, filter)),
    secrets: async (filter) => secretsIn(ledger, filter),
    commitOf: async (manager) => ledger.commits.get(manager) ?? null,
    async secretHash(id) {
      const found = ledger.secrets.find((one) => one.id === id);
      return found && { keyId: found.keyId, hash: found.hash };
    },
    async close() {
      closed = true;
    },
  };
}

function applied(ledger: Ledger, entry: Apply): Ledger {
  const { base, act, digest, summary, changes, renames } = entry;
  const { store, revision: found } = headOf(ledger);
  const fresh = base.store === null && found === 0;
  if (!fresh && (base.store !== store || base.revision !== found))
    throw new StaleBase({ store, revision: found });
  const revision = found + 1;
  const { at, actor, actorVerified, manager, reason, commit } = act;
  if (commit !== null) refuseOvertaken(act, ledger.commits.get(manager) ?? null);
  const resources = new Map(ledger.resources);
  const rows = auditInputs(entry);
  const ended: string[] = [];
  for (const change of changes) {
    const { uid, ...bodies } = write(resources, change, renames, { revision, at: parseTime(at) ?? 0 });
    rows.push({ action: change.action, identity: change.id, uid, ...bodies });
    if (endsSecrets(change)) ended.push(uid);
  }
  const after = revoked({ ...ledger, resources }, ended, at);
  return {
    ...after.books,
    commits: commit === null ? ledger.commits : new Map([...ledger.commits, [manager, commit]]),
    store: store ?? randomUUID(),
    revisions: [
      ...ledger.revisions,
      { revision, at, actor, actorVerified, manager, digest, reason, commit, summary },
    ],
    audit: withRows(ledger.audit, act, revision, [...rows, ...after.rows]),
  };
}

function written(ledger: Ledger, entry: Exclude<Entry, Apply>): Ledger {
  const tell = (audit: Ledger['audit'], act: Act, rows: readonly AuditInput[]) =>
    withRows(audit, act, ledger.revisions.length, rows);
  switch (entry.type) {
    case 'refused':
      return { ...ledger, audit: tell(ledger.audit, entry.act, auditInputs(entry)) };
    case 'commit': {
      const { manager, commit } = entry.act;
      if (commit !== null) refuseOvertaken(entry.act, ledger.commits.get(manager) ?? null);
      return commit === null
        ? ledger
        : { ...ledger, commits: new Map([...ledger.commits, [manager, commit]]) };
    }
    case 'snapshot':
      return { ...ledger, snapshot: Math.max(ledger.snapshot, entry.revision) };
    case 'redact': {
      const { there, rows } = redacted(ledger.audit.length, entry);
      const audit = ledger.audit.map((row) =>
        there.includes(row.seq) ? { ...row, before: null, after: null, reason: null } : row,
      );
      const applies = audit.filter(({ seq, action }) => action === 'apply' && there.includes(seq));
      const revisions = ledger.revisions.map((one) =>
        applies.some(({ revision }) => revision === one.revision) ? { ...one, reason: null } : one,
      );
      return { ...ledger, revisions, audit: tell(audit, entry.act, rows) };
    }
    default: {
      const { books, rows } = booksAfter(ledger, entry);
      return 'act' in entry ? { ...books, audit: tell(books.audit, entry.act, rows) } : books;
    }
  }
}

function withRows(
  audit: Ledger['audit'],
  act: Act,
  revision: number,
  rows: readonly AuditInput[],
): Ledger['audit'] {
  return [...audit, ...rows.map(auditChain(act, revision, audit.at(-1) ?? { seq: 0, hash: GENESIS }))];
}

function write(
  resources: Map<string, Row>,
  change: WriteChange,
  renames: Apply['renames'],
  { revision, at }: { readonly revision: number; readonly at: number },
) {
  const was = change.uid === null ? undefined : resources.get(change.uid);
  if (change.uid !== null && !was) throw new Error(`nothing has uid ${change.uid}`);
  const uid = change.uid ?? randomUUID();
  const before = was?.stored.body ?? null;
  const { after, manager, fieldManagers } = change;
  if (!after) {
    resources.delete(uid);
    return { uid, before, after: null };
  }
  const { body, resource } = after;
  const id = identityOf(resource);
  for (const [other, { stored }] of resources)
    if (stored.id === id && other !== uid) throw new Error(`${id} is there already`);
  const edges = edgesOf(resource).map((edge) => {
    const same = was?.edges.find((old) => isSame(old, edge, renames));
    return { ...edge, id, since: same?.since ?? revision };
  });
  const moments = momentsFrom({ id, resource }, was?.moments ?? [], at);
  resources.set(uid, { stored: { uid, id, body, manager, fieldManagers, resource }, edges, moments });
  return { uid, before, after: body };
}

/** Whether an edge is the one that was there, its target renamed or not. */
function isSame(old: Edge, edge: Edge, renames: Apply['renames']): boolean {
  if (edge.target === null) return old.pointer === edge.pointer;
  return (
    (renames.get(old.target ?? '') ?? old.target) === edge.target &&
    parent(old.pointer) === parent(edge.pointer)
  );
}

function parent(pointer: string): string {
  return pointer.slice(0, pointer.lastIndexOf('/'));
}
