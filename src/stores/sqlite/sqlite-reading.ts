import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { KindName, Resource } from '../../kinds/index.ts';
import { fromManifest, type Identity, identity, type Manifest } from '../../core/resource.ts';
import type { Stored } from '../../core/stored.ts';
import type { AuditRow, Reading, Revision, StoredEdge } from '../store.ts';
import { guarded, NO_STORE, readHead } from './database.ts';

type Row = Record<string, SQLOutputValue>;

/** A reading of a database whose read transaction has begun. */
export function sqliteReading(database: DatabaseSync, file: string): Reading {
  const head = guarded(file, () => readHead(database));
  const rows = <T>(sql: string, values: readonly string[], map: (row: Row) => T) => batches(database, file, sql, values, map);
  return {
    head,
    resources({ workspace } = {}) {
      const columns = 'SELECT uid, kind, workspace, name, manager, field_managers, body FROM resource';
      const order = 'ORDER BY kind, workspace, name';
      return workspace === undefined
        ? rows(`${columns} ${order}`, [], storedOf)
        : rows(`${columns} WHERE workspace = ? OR (kind = 'Workspace' AND name = ?) ${order}`, [workspace, workspace], storedOf);
    },
    edges({ workspace } = {}) {
      const select = 'SELECT kind, workspace, name, pointer, since FROM edge JOIN resource ON resource.id = edge.resource';
      return workspace === undefined
        ? rows(select, [], edgeOf)
        : rows(`${select} WHERE workspace = ?`, [workspace], edgeOf);
    },
    revisions: () => rows('SELECT * FROM revision ORDER BY revision DESC', [], revisionOf),
    audit({ revision } = {}) {
      return revision === undefined
        ? rows('SELECT * FROM audit ORDER BY seq', [], auditOf)
        : rows('SELECT * FROM audit WHERE revision = CAST(? AS INTEGER) ORDER BY seq', [String(revision)], auditOf);
    },
    async close() {
      database.close();
    },
  };
}

/** What there is to read where there is no store. */
export function emptyReading(): Reading {
  const nothing = async function* <T>(): AsyncGenerator<readonly T[]> {};
  return {
    head: NO_STORE,
    resources: () => nothing<Stored>(),
    edges: () => nothing<StoredEdge>(),
    revisions: () => nothing<Revision>(),
    audit: () => nothing<AuditRow>(),
    close: async () => {},
  };
}

const BATCH = 1000;

async function* batches<T>(
  database: DatabaseSync,
  file: string,
  sql: string,
  values: readonly string[],
  map: (row: Row) => T,
): AsyncGenerator<readonly T[]> {
  const rows = guarded(file, () => database.prepare(sql).iterate(...values));
  for (;;) {
    const batch: T[] = [];
    const ended = guarded(file, () => {
      while (batch.length < BATCH) {
        const next = rows.next();
        if (next.done) return true;
        batch.push(map(next.value));
      }
      return false;
    });
    if (batch.length > 0) yield batch;
    if (ended) return;
  }
}

function idOf(row: Row): Identity {
  return identity(row.kind as KindName, row.workspace === '' ? undefined : String(row.workspace), String(row.name));
}

function storedOf(row: Row): Stored {
  let resource: Resource | undefined;
  const body = String(row.body);
  return {
    uid: String(row.uid),
    id: idOf(row),
    body,
    manager: String(row.manager),
    fieldManagers: row.field_managers === '{}' ? {} : (JSON.parse(String(row.field_managers)) as Record<string, string>),
    get resource() {
      resource ??= fromManifest(JSON.parse(body) as Manifest);
      return resource;
    },
  };
}

function edgeOf(row: Row): StoredEdge {
  return { id: idOf(row), pointer: String(row.pointer), since: Number(row.since) };
}

function text(value: SQLOutputValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function revisionOf(row: Row): Revision {
  return {
    revision: Number(row.revision),
    at: String(row.at),
    actor: text(row.actor),
    actorVerified: row.actor_verified === 1,
    manager: String(row.manager),
    digest: String(row.digest),
    reason: text(row.reason),
    commit: text(row.commit_sha),
    summary: { create: Number(row.created), update: Number(row.updated), delete: Number(row.deleted) },
  };
}

function auditOf(row: Row): AuditRow {
  return {
    seq: Number(row.seq),
    revision: Number(row.revision),
    at: String(row.at),
    actor: text(row.actor),
    actorVerified: row.actor_verified === 1,
    action: String(row.action),
    uid: text(row.uid),
    identity: text(row.identity),
    before: text(row.before),
    after: text(row.after),
    reason: text(row.reason),
    commit: text(row.commit),
    pr: text(row.pr),
    approvers: text(row.approvers),
    verdicts: text(row.verdicts),
    payloadHash: String(row.payload_hash),
    prevHash: String(row.prev_hash),
    hash: String(row.hash),
  };
}
