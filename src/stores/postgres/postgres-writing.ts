import { type AuditRow, GENESIS } from '../../core/audit.ts';
import { parseTime } from '../../kinds/time.ts';
import { type AuditInput, auditChain, auditInputs } from '../sql/audit-chain.ts';
import { Tallies } from '../sql/tallies.ts';
import { endsSecrets } from '../sql/tokens.ts';
import { uidsFrom } from '../sql/uid.ts';
import { type Act, type Entry, StaleBase } from '../store.ts';
import { integerArray, textArray } from './arrays.ts';
import { type BatchSize, chunks, parts } from './batching.ts';
import { markCommit, revokeSecrets, writeLedger } from './ledger.ts';
import { meet, type Placed, type Writing, writeResources } from './resources.ts';
import { readHead } from './schema.ts';
import type { Session } from './session.ts';

type ApplyEntry = Extract<Entry, { type: 'apply' }>;

/** How much of an entry is in memory beside what it came with. */
const CHUNK: BatchSize = { changes: 1000, text: 4_000_000 };

/**
 * Writes an entry inside of a transaction that the caller has begun, and which has the lock. When it throws, the caller
 * must roll back.
 */
export async function writeEntry(session: Session, entry: Entry): Promise<void> {
  if (entry.type === 'apply') await writeApply(session, entry);
  else if (entry.type === 'refused') {
    await addAudit(session, entry.act, auditInputs(entry));
  } else if (entry.type === 'snapshot') {
    await session.query(
      `INSERT INTO meta (key, value) VALUES ('snapshot', $1) ON CONFLICT (key)
       DO UPDATE SET value = greatest(meta.value::bigint, excluded.value::bigint)::text`,
      [String(entry.revision)],
    );
  } else {
    const rows = await writeLedger(session, entry);
    if ('act' in entry) await addAudit(session, entry.act, rows);
  }
}

/** Writes rows of what makes no revision. */
async function addAudit(session: Session, act: Act, rows: readonly AuditInput[]): Promise<void> {
  const { revision, auditHead } = await readHead(session);
  await insertAudit(session, rows.map(auditChain(act, revision, lastOf(auditHead))));
}

async function writeApply(session: Session, entry: ApplyEntry): Promise<void> {
  const { base, act, changes, renames } = entry;
  const { store, revision: found, auditHead } = await readHead(session);
  // A plan made where there was no store fits as long as nothing has been applied to it since.
  const fresh = base.store === null && found === 0;
  if (!fresh && (base.store !== store || base.revision !== found))
    throw new StaleBase({ store, revision: found });
  const revision = found + 1;
  await insertRevision(session, revision, entry);
  await markCommit(session, act);
  const chain = auditChain(act, revision, lastOf(auditHead));
  await insertAudit(session, auditInputs(entry).map(chain));
  const now = parseTime(act.at) ?? 0;
  const writing: Writing = { session, revision, renames, now, newRow: await rowCounter(session) };
  const newUid = uidsFrom(act.at);
  const tallies = new Tallies();
  const ended: string[] = [];
  for (const chunk of chunks(changes, CHUNK)) {
    const placed = (await meet(session, chunk)).map((met) => ({ ...met, uid: met.change.uid ?? newUid() }));
    await writeResources(writing, placed);
    for (const one of placed) {
      count(tallies, one);
      if (endsSecrets(one.change)) ended.push(one.uid);
    }
    await insertAudit(
      session,
      placed.map(({ change, found: was, uid }) =>
        chain({
          action: change.action,
          identity: change.id,
          uid,
          before: was?.body ?? null,
          after: change.after?.body ?? null,
        }),
      ),
    );
  }
  await writeTallies(session, tallies);
  await insertAudit(session, (await revokeSecrets(session, ended, act.at)).map(chain));
}

/** The newest row that an audit head names. */
function lastOf(auditHead: string | null): { seq: number; hash: string } {
  if (auditHead === null) return { seq: 0, hash: GENESIS };
  const colon = auditHead.indexOf(':');
  return { seq: Number(auditHead.slice(0, colon)), hash: auditHead.slice(colon + 1) };
}

function count(tallies: Tallies, { change, found }: Placed): void {
  if (found) tallies.add(found.kind, found.workspace, found.manager, -1);
  if (!change.after) return;
  const { kind, metadata } = change.after.resource;
  tallies.add(kind, metadata.namespace ?? '', change.manager, 1);
}

async function rowCounter(session: Session): Promise<() => number> {
  const { rows } = await session.query('SELECT max(id) AS id FROM resource');
  let last = Number(rows[0]?.id ?? 0);
  return () => {
    last += 1;
    return last;
  };
}

async function insertRevision(
  session: Session,
  revision: number,
  { act, digest, summary }: ApplyEntry,
): Promise<void> {
  await session.query(
    `INSERT INTO revision (revision, at, actor, actor_verified, manager, digest, reason, commit_sha, created, updated, deleted)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      revision,
      act.at,
      act.actor,
      act.actorVerified,
      act.manager,
      digest,
      act.reason,
      act.commit,
      summary.create,
      summary.update,
      summary.delete,
    ],
  );
}

/** Writes rows of one entry: they have the revision and all that its act says in common. */
async function insertAudit(session: Session, rows: readonly AuditRow[]): Promise<void> {
  for (const part of parts(rows, CHUNK.changes)) {
    const [first] = part;
    if (!first) return;
    const column = (of: (row: AuditRow) => string | null) => textArray(part.map(of));
    await session.query(
      `INSERT INTO audit (seq, action, uid, identity, before, after, verdicts, payload_hash, prev_hash, hash,
         revision, at, actor, actor_verified, reason, "commit", pr, approvers)
       SELECT *, $11::bigint, $12::text, $13::text, $14::boolean, $15::text, $16::text, $17::text, $18::text
       FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
         $9::text[], $10::text[])`,
      [
        integerArray(part.map(({ seq }) => seq)),
        column(({ action }) => action),
        column(({ uid }) => uid),
        column(({ identity }) => identity),
        column(({ before }) => before),
        column(({ after }) => after),
        column(({ verdicts }) => verdicts),
        column(({ payloadHash }) => payloadHash),
        column(({ prevHash }) => prevHash),
        column(({ hash }) => hash),
        first.revision,
        first.at,
        first.actor,
        first.actorVerified,
        first.reason,
        first.commit,
        first.pr,
        first.approvers,
      ],
      'audit',
    );
  }
}

async function writeTallies(session: Session, tallies: Tallies): Promise<void> {
  const changes = tallies.entries();
  const place = (at: 0 | 1 | 2) => textArray(changes.map((change) => change.place[at]));
  const values = [place(0), place(1), place(2), integerArray(changes.map(({ by }) => by))];
  const given =
    'unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS n (kind, workspace, manager, by)';
  const same = '(t.kind, t.workspace, t.manager) = (n.kind, n.workspace, n.manager)';
  await session.query(`DELETE FROM tally t USING ${given} WHERE ${same} AND t.count + n.by = 0`, values);
  await session.query(`UPDATE tally t SET count = t.count + n.by FROM ${given} WHERE ${same}`, values);
  await session.query(
    `INSERT INTO tally (kind, workspace, manager, count)
     SELECT * FROM ${given} WHERE n.by > 0 AND NOT EXISTS (SELECT FROM tally t WHERE ${same})`,
    values,
  );
}
