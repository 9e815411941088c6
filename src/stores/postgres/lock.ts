import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, lockTimedOut } from './failures.ts';
import { Session } from './session.ts';
import type { Place } from './url.ts';

/** "ROLE": the first half of the key of our advisory locks. */
const CLASS = 0x524f4c45;

/** The second half: which schema of the database. Two that share one only wait for each other. */
function keyOf(schema: string): number {
  return createHash('sha256').update(schema).digest().readInt32BE();
}

/** A transaction that has a lock. Its number counts only from the start of the server. */
const TRANSACTION = "l.virtualtransaction || ' ' || extract(epoch FROM pg_postmaster_start_time())";

/** How long the end of a write waits for what tells of its holder, in milliseconds. */
const PATIENCE = 1000;

/** The lock of one writer, until its transaction ends. */
export interface Lock {
  /** Takes away what was written of the holder. To be called after the transaction. */
  release(): Promise<void>;
}

/**
 * Takes the lock of a schema's only writer in the transaction that `session` has begun, and tells others who has it.
 * Throws a Failure that names the holder when its lock_timeout has passed.
 */
export async function takeLock(session: Session, place: Place, holder: string): Promise<Lock> {
  try {
    await waitForLock(session, place);
  } catch (error) {
    if (codeOf(error) !== '55P03') throw error;
    await session.query('ROLLBACK');
    throw lockTimedOut(place.location, await holderOf(session, place));
  }
  const { rows } = await session.query(
    `SELECT ${TRANSACTION} AS transaction, to_regclass($1) IS NOT NULL AS told
     FROM pg_locks l WHERE locktype = 'virtualxid' AND pid = pg_backend_pid() LIMIT 1`,
    [`"${place.schema}".lock`],
  );
  const [own] = rows;
  const transaction = String(own?.transaction);
  // The first apply has no table yet to tell it in.
  const end = new AbortController();
  const telling = own?.told === true ? tell(place, transaction, holder, end.signal) : undefined;
  return {
    async release() {
      await Promise.race([telling, sleep(PATIENCE, undefined, { ref: false })]);
      end.abort();
      await session
        .query(`DELETE FROM "${place.schema}".lock WHERE transaction = $1`, [transaction])
        .catch(() => {});
    },
  };
}

/** Takes the lock of a schema without a word, as soon as nobody writes any more. */
export async function waitForLock(session: Session, { schema }: Place): Promise<void> {
  await session.query('SELECT pg_advisory_xact_lock($1::int, $2::int)', [CLASS, keyOf(schema)]);
}

/**
 * Writes who has the lock, in a transaction of its own, so that others see it. That is for people alone: the lock is
 * held without it, so no failure of it counts.
 */
async function tell(place: Place, transaction: string, holder: string, end: AbortSignal): Promise<void> {
  try {
    const session = await Session.open(place);
    const abandon = () => session.abandon();
    end.addEventListener('abort', abandon);
    try {
      if (end.aborted) return;
      await session.query(
        `INSERT INTO "${place.schema}".lock (transaction, holder, host, pid, since)
         VALUES ($1, $2, $3, $4, to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
         ON CONFLICT (one) DO UPDATE SET transaction = excluded.transaction, holder = excluded.holder,
           host = excluded.host, pid = excluded.pid, since = excluded.since`,
        [transaction, holder, hostname(), process.pid],
      );
    } finally {
      end.removeEventListener('abort', abandon);
      await session.close();
    }
  } catch {
    // As above.
  }
}

/** Who has the lock now. What a holder that is gone has left is nobody's: its transaction does not hold the lock. */
async function holderOf(session: Session, { schema }: Place): Promise<string> {
  try {
    const { rows } = await session.query(
      `SELECT h.holder, h.host, h.pid, h.since FROM "${schema}".lock h JOIN pg_locks l ON h.transaction = ${TRANSACTION}
       WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = $1 AND l.objid::bigint = $2
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [CLASS, keyOf(schema) >>> 0],
    );
    const [row] = rows;
    if (row) return `${row.holder} has been writing since ${row.since} (process ${row.pid} on ${row.host})`;
  } catch {
    // Made just now by the first apply, or not ours to read.
  }
  return 'another process is writing';
}
