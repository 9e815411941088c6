import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { type AuditFacts, chainRow, GENESIS } from '../../core/audit.ts';
import { canonicalJson } from '../../core/hash.ts';
import { edgesOf, fromManifest, type Identity, identityOf, type Manifest } from '../../core/resource.ts';
import { type Act, type Entry, StaleBase, type WriteChange } from '../store.ts';
import { readHead } from './database.ts';

/** Writes an entry inside of a transaction that the caller has begun. */
export function writeEntry(database: DatabaseSync, entry: Entry): void {
  if (entry.type === 'snapshot') {
    database
      .prepare("INSERT INTO meta (key, value) VALUES ('snapshot', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
      .run(String(entry.revision));
    return;
  }
  const head = readHead(database);
  const audit = auditWriter(database, entry.act, entry.verdicts);
  if (entry.type === 'refused') {
    audit({ revision: head.revision, action: 'refused', digest: entry.digest });
    return;
  }
  // A plan made where there was no store fits as long as nothing has been applied to it since.
  const fresh = entry.base.store === null && head.revision === 0;
  if (!fresh && (entry.base.store !== head.store || entry.base.revision !== head.revision)) {
    throw new StaleBase({ store: head.store, revision: head.revision });
  }
  const revision = head.revision + 1;
  const { act, digest, changes } = entry;
  const count = (action: WriteChange['action']) => changes.filter((change) => change.action === action).length;
  database
    .prepare(
      `INSERT INTO revision (revision, at, actor, actor_verified, manager, digest, reason, commit_sha, created, updated, deleted)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(revision, act.at, act.actor, Number(act.actorVerified), act.manager, digest, act.reason, act.commit, count('create'), count('update'), count('delete'));
  audit({ revision, action: 'apply', digest });
  const apply = resourceWriter(database, revision, changes);
  for (const change of changes) {
    const uid = apply(change);
    audit({ revision, action: change.action, uid, identity: change.id, before: change.before, after: change.after });
  }
}

type AuditInput = Pick<AuditFacts, 'revision' | 'action'> & {
  uid?: string;
  identity?: Identity;
  before?: Manifest | null;
  after?: Manifest | null;
  digest?: string;
};

function auditWriter(database: DatabaseSync, act: Act, verdicts: readonly unknown[]): (input: AuditInput) => void {
  const last = database.prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').get();
  let seq = Number(last?.seq ?? 0);
  let prevHash = last ? String(last.hash) : GENESIS;
  const insert = database.prepare(
    `INSERT INTO audit (seq, revision, at, actor, actor_verified, action, uid, identity, before, after, reason, "commit", pr, approvers, verdicts, payload_hash, prev_hash, hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const json = (value: unknown) => (value === null || value === undefined ? null : canonicalJson(value));
  return ({ revision, action, uid, identity, before, after, digest }) => {
    seq += 1;
    const whole = digest !== undefined;
    const facts: AuditFacts = {
      seq,
      revision,
      at: act.at,
      actor: act.actor,
      actorVerified: act.actorVerified,
      action,
      uid: uid ?? null,
      identity: identity ?? null,
      before: json(before),
      after: whole ? canonicalJson({ digest, manager: act.manager }) : json(after),
      reason: act.reason,
      commit: act.commit,
      pr: act.pr,
      approvers: act.approvers.length === 0 ? null : canonicalJson(act.approvers),
      verdicts: whole && verdicts.length > 0 ? canonicalJson(verdicts) : null,
    };
    const { payloadHash, hash } = chainRow(facts, prevHash);
    insert.run(
      facts.seq,
      facts.revision,
      facts.at,
      facts.actor,
      Number(facts.actorVerified),
      facts.action,
      facts.uid,
      facts.identity,
      facts.before,
      facts.after,
      facts.reason,
      facts.commit,
      facts.pr,
      facts.approvers,
      facts.verdicts,
      payloadHash,
      prevHash,
      hash,
    );
    prevHash = hash;
  };
}

/** Returns a function that writes one change to the resources and their edges, and gives the resource's uid. */
function resourceWriter(database: DatabaseSync, revision: number, changes: readonly WriteChange[]) {
  const insert = database.prepare(
    `INSERT INTO resource (uid, kind, workspace, name, manager, field_managers, body, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
  );
  const find = database.prepare('SELECT id FROM resource WHERE uid = ?');
  const update = database.prepare(
    'UPDATE resource SET workspace = ?, name = ?, manager = ?, field_managers = ?, body = ?, revision = ? WHERE id = ?',
  );
  const remove = database.prepare('DELETE FROM resource WHERE id = ?');
  const edges = edgeWriter(database, revision, renamesOf(changes));
  return (change: WriteChange): string => {
    const { uid, after } = change;
    if (uid === null) {
      if (!after) throw new Error(`${change.id} has neither a uid nor a state after`);
      const fresh = randomUUID();
      const { name, namespace } = fromManifest(after).metadata;
      const row = insert.get(fresh, after.kind, namespace ?? '', name, change.manager, canonicalJson(change.fieldManagers), canonicalJson(after), revision);
      edges.insert(Number(row?.id), after);
      return fresh;
    }
    const id = Number(find.get(uid)?.id);
    if (!after) {
      remove.run(id);
      return uid;
    }
    const { name, namespace } = fromManifest(after).metadata;
    update.run(namespace ?? '', name, change.manager, canonicalJson(change.fieldManagers), canonicalJson(after), revision, id);
    edges.replace(id, after);
    return uid;
  };
}

function edgeWriter(database: DatabaseSync, revision: number, renames: ReadonlyMap<Identity, Identity>) {
  const insert = database.prepare('INSERT INTO edge (resource, pointer, target, since) VALUES (?, ?, ?, ?)');
  const list = database.prepare('SELECT pointer, target, since FROM edge WHERE resource = ?');
  const clear = database.prepare('DELETE FROM edge WHERE resource = ?');
  const write = (id: number, after: Manifest, since: (pointer: string, target: string | null) => number) => {
    for (const { pointer, target } of edgesOf(fromManifest(after))) insert.run(id, pointer, target, since(pointer, target));
  };
  return {
    insert: (id: number, after: Manifest) => write(id, after, () => revision),
    /** What was there before keeps the revision that made it, also when its target was renamed. */
    replace(id: number, after: Manifest) {
      const known = new Map<string, number>();
      for (const row of list.all(id)) {
        const target = row.target === null ? null : String(row.target);
        known.set(edgeKey(String(row.pointer), target === null ? null : (renames.get(target) ?? target)), Number(row.since));
      }
      clear.run(id);
      write(id, after, (pointer, target) => known.get(edgeKey(pointer, target)) ?? revision);
    },
  };
}

function edgeKey(pointer: string, target: string | null): string {
  return target === null ? pointer : `${pointer.slice(0, pointer.lastIndexOf('/'))} ${target}`;
}

function renamesOf(changes: readonly WriteChange[]): Map<Identity, Identity> {
  const renames = new Map<Identity, Identity>();
  for (const { before, after } of changes) {
    if (!before || !after) continue;
    const [was, is] = [identityOf(fromManifest(before)), identityOf(fromManifest(after))];
    if (was !== is) renames.set(was, is);
  }
  return renames;
}
