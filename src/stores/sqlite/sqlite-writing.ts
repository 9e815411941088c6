import type { DatabaseSync } from 'node:sqlite';
import { canonicalJson } from '../../core/hash.ts';
import { momentsOf } from '../../core/moment.ts';
import { type Edge, edgeKey, edgesOf, type Identity } from '../../core/resource.ts';
import { foldCase } from '../../kinds/text.ts';
import { type AuditInput, auditInputs } from '../sql/audit-chain.ts';
import { Tallies } from '../sql/tallies.ts';
import { deliversSecrets, endsSecrets } from '../sql/tokens.ts';
import { uidsFrom } from '../sql/uid.ts';
import { type Act, type Entry, StaleBase, type WriteChange } from '../store.ts';
import { auditWriter } from './audit-writing.ts';
import { readHead } from './database.ts';
import { markCommit, revokeSecrets, writeLedger } from './ledger-writing.ts';
import { momentWriter } from './moment-writing.ts';

type ApplyEntry = Extract<Entry, { type: 'apply' }>;

/**
 * Writes an entry inside of a transaction that the caller has begun, in steps between which signals can be heard. When
 * one throws, or not all are taken, the caller must roll back.
 */
export function* writeEntry(database: DatabaseSync, entry: Entry): Generator<void> {
  if (entry.type === 'apply') {
    yield* writeApply(database, entry);
  } else if (entry.type === 'refused') {
    insertAudit(database, entry.act, auditInputs(entry));
  } else if (entry.type === 'snapshot') {
    database
      .prepare(
        "INSERT INTO meta (key, value) VALUES ('snapshot', ?) ON CONFLICT (key) DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))",
      )
      .run(String(entry.revision));
  } else {
    const rows = writeLedger(database, entry);
    if ('act' in entry) insertAudit(database, entry.act, rows);
  }
}

/** Writes rows of what makes no revision. */
function insertAudit(database: DatabaseSync, act: Act, rows: readonly AuditInput[]): void {
  const audit = auditWriter(database, act, readHead(database).revision);
  for (const row of rows) audit(row);
}

/** Changes in one step: some milliseconds of work. */
const AT_ONCE = 1000;

function* writeApply(database: DatabaseSync, entry: ApplyEntry): Generator<void> {
  const { base, act, changes } = entry;
  const { store, revision: found } = readHead(database);
  // A plan made where there was no store fits as long as nothing has been applied to it since.
  const fresh = base.store === null && found === 0;
  if (!fresh && (base.store !== store || base.revision !== found))
    throw new StaleBase({ store, revision: found });
  const revision = found + 1;
  insertRevision(database, revision, entry);
  markCommit(database, act);
  const audit = auditWriter(database, act, revision);
  for (const row of auditInputs(entry)) audit(row);
  const write = resourceWriter(database, revision, entry.renames, act.at);
  const tallies = new Tallies();
  const ended: string[] = [];
  let written = 0;
  for (const change of changes) {
    const { uid, before, after } = write(change, tallies);
    audit({ action: change.action, identity: change.id, uid, before, after });
    if (endsSecrets(change)) ended.push(uid);
    if (++written % AT_ONCE === 0) yield;
  }
  writeTallies(database, tallies);
  for (const row of revokeSecrets(database, ended, act.at)) audit(row);
}

function insertRevision(
  database: DatabaseSync,
  revision: number,
  { act, digest, summary }: ApplyEntry,
): void {
  database
    .prepare(
      `INSERT INTO revision (revision, at, actor, actor_verified, manager, digest, reason, commit_sha, created, updated, deleted)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      revision,
      act.at,
      act.actor,
      Number(act.actorVerified),
      act.manager,
      digest,
      act.reason,
      act.commit,
      summary.create,
      summary.update,
      summary.delete,
    );
}

/** Returns a function that writes one change to the resources and their edges, and tells which and what it was and is. */
function resourceWriter(
  database: DatabaseSync,
  revision: number,
  renames: ReadonlyMap<Identity, Identity>,
  now: string,
) {
  const newUid = uidsFrom(now);
  const insert = database.prepare(
    'INSERT INTO resource (uid, kind, workspace, name, manager, field_managers, body, revision, email, delivers) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const find = database.prepare('SELECT id, kind, workspace, manager, body FROM resource WHERE uid = ?');
  const update = database.prepare(
    'UPDATE resource SET workspace = ?, name = ?, manager = ?, field_managers = ?, body = ?, revision = ?, email = ?, delivers = ? WHERE id = ?',
  );
  const remove = database.prepare('DELETE FROM resource WHERE id = ?');
  const edges = edgeWriter(database, revision, renames);
  const moments = momentWriter(database, now);
  return ({ id: identity, uid: known, after, manager, fieldManagers }: WriteChange, tallies: Tallies) => {
    const found = known === null ? undefined : find.get(known);
    if (known !== null && !found) throw new Error(`${identity}: the store has nothing with uid ${known}`);
    const uid = known ?? newUid();
    const before = found ? String(found.body) : null;
    if (found) tallies.add(String(found.kind), String(found.workspace), String(found.manager), -1);
    if (!after) {
      if (!found) throw new Error(`${identity} has neither a uid nor a state after`);
      remove.run(Number(found.id));
      return { uid, before, after: null };
    }
    const { body, resource } = after;
    const { name, namespace = '' } = resource.metadata;
    const fields = canonicalJson(fieldManagers);
    const email = resource.kind === 'User' ? foldCase(resource.spec.email) : null;
    const delivers = Number(deliversSecrets(resource));
    tallies.add(resource.kind, namespace, manager, 1);
    if (found) {
      const id = Number(found.id);
      update.run(namespace, name, manager, fields, body, revision, email, delivers, id);
      edges.replace(id, edgesOf(resource));
      moments.replace(id, momentsOf(resource));
    } else {
      const { lastInsertRowid } = insert.run(
        uid,
        resource.kind,
        namespace,
        name,
        manager,
        fields,
        body,
        revision,
        email,
        delivers,
      );
      edges.insert(Number(lastInsertRowid), edgesOf(resource));
      moments.insert(Number(lastInsertRowid), momentsOf(resource));
    }
    return { uid, before, after: body };
  };
}

function writeTallies(database: DatabaseSync, tallies: Tallies): void {
  const remove = database.prepare(
    'DELETE FROM tally WHERE kind = ? AND workspace = ? AND manager = ? AND count + ? = 0',
  );
  const update = database.prepare(
    'UPDATE tally SET count = count + ? WHERE kind = ? AND workspace = ? AND manager = ?',
  );
  const insert = database.prepare('INSERT INTO tally (count, kind, workspace, manager) VALUES (?, ?, ?, ?)');
  for (const { place, by } of tallies.entries()) {
    if (remove.run(...place, by).changes > 0) continue;
    if (update.run(by, ...place).changes === 0) insert.run(by, ...place);
  }
}

function edgeWriter(database: DatabaseSync, revision: number, renames: ReadonlyMap<Identity, Identity>) {
  const insert = database.prepare('INSERT INTO edge (resource, pointer, target, since) VALUES (?, ?, ?, ?)');
  const list = database.prepare('SELECT pointer, target, since FROM edge WHERE resource = ?');
  const remove = database.prepare('DELETE FROM edge WHERE resource = ? AND pointer = ?');
  return {
    insert(id: number, edges: readonly Edge[]) {
      for (const { pointer, target } of edges) insert.run(id, pointer, target, revision);
    },
    /** What was there before keeps the revision that made it, also when its target was renamed. */
    replace(id: number, edges: readonly Edge[]) {
      const gone = new Map<string, { pointer: string; target: string | null; since: number }>();
      for (const row of list.all(id)) {
        const [pointer, target] = [String(row.pointer), row.target === null ? null : String(row.target)];
        gone.set(edgeKey(pointer, target === null ? null : (renames.get(target) ?? target)), {
          pointer,
          target,
          since: Number(row.since),
        });
      }
      const made: [pointer: string, target: string | null, since: number][] = [];
      for (const { pointer, target } of edges) {
        const key = edgeKey(pointer, target);
        const was = gone.get(key);
        if (was?.pointer === pointer && was.target === target) gone.delete(key);
        else made.push([pointer, target, was?.since ?? revision]);
      }
      for (const { pointer } of gone.values()) remove.run(id, pointer);
      for (const edge of made) insert.run(id, ...edge);
    },
  };
}
