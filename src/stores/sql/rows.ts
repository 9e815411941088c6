import type { AuditRow } from '../../core/audit.ts';
import { fromManifest, type Identity, identity, type Manifest } from '../../core/resource.ts';
import type { Secret, SecretHash } from '../../core/secret.ts';
import type { Stored } from '../../core/stored.ts';
import type { KindName, Resource } from '../../kinds/index.ts';
import type { Revision, StoredEdge, StoredMoment, Tally } from '../store.ts';

/** A row as a driver gives it: numbers may come as text, truths as 0 and 1. */
export type Row = Readonly<Record<string, unknown>>;

function text(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

function truth(value: unknown): boolean {
  return value === true || value === 1;
}

function idOf(row: Row): Identity {
  return identity(
    row.kind as KindName,
    row.workspace === '' ? undefined : String(row.workspace),
    String(row.name),
  );
}

class StoredRow implements Stored {
  readonly uid: string;
  readonly id: Identity;
  readonly body: string;
  readonly manager: string;
  readonly fieldManagers: Stored['fieldManagers'];
  #resource: Resource | undefined;

  constructor(row: Row, fieldManagers: Stored['fieldManagers']) {
    this.uid = String(row.uid);
    this.id = idOf(row);
    this.body = String(row.body);
    this.manager = String(row.manager);
    this.fieldManagers = fieldManagers;
  }

  get resource(): Resource {
    this.#resource ??= fromManifest(JSON.parse(this.body) as Manifest);
    return this.#resource;
  }
}

/** Reads resources, and parses the few field managers that there are only once. */
export function storedReader(): (row: Row) => Stored {
  const parsed = new Map<string, Stored['fieldManagers']>();
  return (row) => {
    const fields = String(row.field_managers);
    let fieldManagers = parsed.get(fields);
    if (!fieldManagers) {
      fieldManagers = JSON.parse(fields) as Stored['fieldManagers'];
      parsed.set(fields, fieldManagers);
    }
    return new StoredRow(row, fieldManagers);
  };
}

export function tallyOf(row: Row): Tally {
  return {
    kind: row.kind as KindName,
    workspace: String(row.workspace),
    manager: String(row.manager),
    count: Number(row.count),
  };
}

export function edgeOf(row: Row): StoredEdge {
  return { id: idOf(row), pointer: String(row.pointer), since: Number(row.since) };
}

export function revisionOf(row: Row): Revision {
  return {
    revision: Number(row.revision),
    at: String(row.at),
    actor: text(row.actor),
    actorVerified: truth(row.actor_verified),
    manager: String(row.manager),
    digest: String(row.digest),
    reason: text(row.reason),
    commit: text(row.commit_sha),
    summary: { create: Number(row.created), update: Number(row.updated), delete: Number(row.deleted) },
  };
}

export function auditOf(row: Row): AuditRow {
  return {
    seq: Number(row.seq),
    revision: Number(row.revision),
    at: String(row.at),
    actor: text(row.actor),
    actorVerified: truth(row.actor_verified),
    action: row.action as AuditRow['action'],
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

export function momentOf(row: Row): StoredMoment {
  const type = row.type === 'begins' ? 'begins' : 'ends';
  return { id: idOf(row), pointer: String(row.pointer), type, at: Number(row.at) };
}

export function secretOf(row: Row): Secret {
  return {
    id: String(row.id),
    token: String(row.token),
    identity: String(row.identity) as Identity,
    issuedAt: String(row.issued_at),
    sink: text(row.sink),
    path: String(row.path),
    deliveredAt: text(row.delivered_at),
    endsAt: text(row.ends_at),
    revokedAt: text(row.revoked_at),
    settled: truth(row.settled),
  };
}

export function hashOf(row: Row): SecretHash {
  return { keyId: String(row.key_id), hash: String(row.hash) };
}
