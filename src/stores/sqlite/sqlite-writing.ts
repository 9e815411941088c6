import type { DatabaseSync } from 'node:sqlite';
import { GENESIS } from '../../core/audit.ts';
import { canonicalJson } from '../../core/hash.ts';
import { type Edge, edgeKey, edgesOf, type Identity } from '../../core/resource.ts';
import { foldCase } from '../../kinds/text.ts';
import { type AuditInput, auditChain, auditInputs } from '../sql/audit-chain.ts';
import { Tallies } from '../sql/tallies.ts';
import { uidsFrom } from '../sql/uid.ts';
import { type Act, type Entry, StaleBase, type WriteChange } from '../store.ts';
import { lastAudit, readHead } from './database.ts';

type ApplyEntry = Extract<Entry, { type: 'apply' }>;

/**
 * Writes an entry inside of a transaction that the caller has begun, in steps between which signals can be heard. When
 * one throws, or not all are taken, the caller must roll back.
 */
export function* writeEntry(database: DatabaseSync, entry: Entry): Generator<void> {
  if (entry.type === 'apply') {
    yield* writeApply(database, entry);
  } else if (entry.type === 'refused') {
    const { revision } = readHead(database);
    const audit = auditWriter(database, entry.act, revision);
    for (const row of auditInputs(entry)) audit(row);
  } else {
    database
      .prepare(
        "INSERT INTO meta (key, value) VALUES ('snapshot', ?) ON CONFLICT (key) DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))",
      )
      .run(String(entry.revision));
  }
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
  const audit = auditWriter(database, act, revision);
  for (const row of auditInputs(entry)) audit(row);
  const write = resourceWriter(database, revision, entry.renames, uidsFrom(act.at));
  const tallies = new Tallies();
  let written = 0;
  for (const change of changes) {
    audit({ action: change.action, identity: change.id, ...write(change, tallies) });
    if (++written % AT_ONCE === 0) yield;
  }
  writeTallies(database, tallies);
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

function auditWriter(database: DatabaseSync, act: Act, revision: number): (input: AuditInput) => void {
  const next = auditChain(act, revision, lastAudit(database) ?? { seq: 0, hash: GENESIS });
  const insert = database.prepare(
    `INSERT INTO audit (seq, revision, at, actor, actor_verified, action, uid, identity, before, after, reason, "commit", pr, approvers, verdicts, payload_hash, prev_hash, hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return (input) => {
    const row = next(input);
    insert.run(
      row.seq,
      row.revision,
      row.at,
      row.actor,
      Number(row.actorVerified),
      row.action,
      row.uid,
      row.identity,
      row.before,
      row.after,
      row.reason,
      row.commit,
      row.pr,
      row.approvers,
      row.verdicts,
      row.payloadHash,
      row.prevHash,
      row.hash,
    );
  };
}

/** Returns a function that writes one change to the resources and their edges, and tells which and what it was and is. */
function resourceWriter(
  database: DatabaseSync,
  revision: number,
  renames: ReadonlyMap<Identity, Identity>,
  newUid: () => string,
) {
  const insert = database.prepare(
    'INSERT INTO resource (uid, kind, workspace, name, manager, field_managers, body, revision, email) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const find = database.prepare('SELECT id, kind, workspace, manager, body FROM resource WHERE uid = ?');
  const update = database.prepare(
    'UPDATE resource SET workspace = ?, name = ?, manager = ?, field_managers = ?, body = ?, revision = ?, email = ? WHERE id = ?',
  );
  const remove = database.prepare('DELETE FROM resource WHERE id = ?');
  const edges = edgeWriter(database, revision, renames);
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
    tallies.add(resource.kind, namespace, manager, 1);
    if (found) {
      const id = Number(found.id);
      update.run(namespace, name, manager, fields, body, revision, email, id);
      edges.replace(id, edgesOf(resource));
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
      );
      edges.insert(Number(lastInsertRowid), edgesOf(resource));
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
