import { EXIT, failure } from '../../core/problem.ts';
import type { KindName } from '../../kinds/index.ts';
import { emptyReading, NO_STORE } from '../sql/no-store.ts';
import type { Entry, Head, Reading, Store, StoreSupport, Written } from '../store.ts';
import { isLost, LEASE } from './failures.ts';
import { type Lock, takeLock, waitForLock } from './lock.ts';
import { MIGRATIONS } from './migrations.ts';
import { postgresReading } from './postgres-reading.ts';
import { writeEntry } from './postgres-writing.ts';
import { migrate, readHead, schemaVersion, tooOld } from './schema.ts';
import { Session } from './session.ts';
import { type Place, readUrl } from './url.ts';

const kinds = {
  Workspace: true,
  User: true,
  Role: true,
  Group: true,
  Token: true,
  RoleBinding: true,
  AccessPolicy: true,
} as const satisfies Record<KindName, boolean>;

const supports: StoreSupport = { kinds };

export interface PostgresOptions {
  /** `postgres://USER@HOST:PORT/DATABASE?schema=NAME`; what it leaves out is taken from the PG* variables. */
  readonly url: string;
  /** How long to wait for another writer, in milliseconds. */
  readonly lockTimeout: number;
}

/** How often a writer that asks nothing else says that it is there, in milliseconds. */
const HEARTBEAT = 4000;

/** A store in one schema of a Postgres database; every write is one transaction, every reading one snapshot. */
export function postgresStore({ url, lockTimeout }: PostgresOptions): Store {
  const place = readUrl(url);
  let writer = 'iam';
  return {
    location: place.location,
    supports,
    read: () => read(place),
    write(entry) {
      // What has no act is written by whoever applied before.
      if ('act' in entry) writer = entry.act.actor ?? `manager:${entry.act.manager}`;
      return write(place, entry, { writer, lockTimeout });
    },
    async close() {},
  };
}

/** The most that the server takes as a time. 0 would be without end. */
const LONGEST = 2 ** 31 - 1;

/** `statement_timeout` and the like may be set for a role: none of them is meant for us. */
function settings(place: Place, idle: string, lockTimeout: number): string {
  return `SET LOCAL search_path = "${place.schema}", pg_temp;
    SET LOCAL statement_timeout = 0;
    SET LOCAL lock_timeout = ${Math.min(Math.max(1, Math.round(lockTimeout)), LONGEST)};
    SET LOCAL idle_in_transaction_session_timeout = '${idle}';
    SET LOCAL jit = off`;
}

async function read(place: Place): Promise<Reading> {
  const session = await Session.open(place);
  try {
    // A plan may take its time; a reader that is gone keeps the server from cleaning up.
    await session.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${settings(place, '1h', 10_000)}`);
    const version = await schemaVersion(session, place);
    if (version === MIGRATIONS.length) return postgresReading(session, await readHead(session));
    if (version > 0) throw tooOld(place);
    await session.close();
    return emptyReading();
  } catch (error) {
    await session.close();
    throw session.fail(error);
  }
}

interface Waiting {
  /** Who is named to those who wait. */
  readonly writer: string;
  readonly lockTimeout: number;
}

async function write(place: Place, entry: Entry, { writer, lockTimeout }: Waiting): Promise<Written> {
  const session = await Session.open(place);
  let lock: Lock | undefined;
  try {
    await session.query(
      `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; ${settings(place, `${LEASE}s`, lockTimeout)};
       SET LOCAL tcp_keepalives_idle = 5; SET LOCAL tcp_keepalives_interval = 3; SET LOCAL tcp_keepalives_count = 3`,
    );
    // Only an apply makes a store.
    if (entry.type !== 'apply' && (await schemaVersion(session, place)) === 0)
      return { head: NO_STORE, created: false };
    session.keepAlive(HEARTBEAT);
    lock = await takeLock(session, place, writer);
    const version = await schemaVersion(session, place);
    await migrate(session, place, version);
    await writeEntry(session, entry);
    const head = await readHead(session);
    await commit(session, place, head);
    return { head, created: version === 0 };
  } catch (error) {
    await session.query('ROLLBACK').catch(() => {});
    throw entry.type === 'redact'
      ? session.failAs('redact audit rows', 'migrator', error)
      : session.fail(error);
  } finally {
    await lock?.release();
    await session.close();
  }
}

/** Commits. When the connection is lost before the server says that it did, asks it again on another one. */
async function commit(session: Session, place: Place, head: Head): Promise<void> {
  const { rows } = await session.query('SELECT txid_current() AS id');
  try {
    await session.query('COMMIT');
  } catch (error) {
    if (!isLost(error)) throw error;
    const found = await isWritten(place, head, String(rows[0]?.id)).catch(() => undefined);
    if (found === true) return;
    if (found === false) throw error;
    throw failure(
      EXIT.error,
      'RC408',
      `${place.location}: the connection was lost at the end: whether revision ${head.revision} was written is not known`,
      'iam history tells, when the server answers again',
    );
  }
}

/** Whether the store got as far as `head`, and by this transaction, when nobody writes any more. */
async function isWritten(place: Place, { store, auditHead }: Head, transaction: string): Promise<boolean> {
  const session = await Session.open(place);
  try {
    await session.query(
      `BEGIN ISOLATION LEVEL READ COMMITTED; ${settings(place, `${LEASE}s`, 2 * LEASE * 1000)}`,
    );
    await waitForLock(session, place);
    if ((await schemaVersion(session, place)) === 0) return false;
    const { rows } = await session.query(
      `SELECT 1 FROM audit, meta WHERE seq || ':' || hash = $1 AND seq = $2 AND key = 'store' AND value = $3
       AND txid_status($4::bigint) = 'committed'`,
      [auditHead, Number(auditHead?.split(':')[0]), store, transaction],
    );
    return rows.length > 0;
  } finally {
    await session.close();
  }
}
