import { randomUUID } from 'node:crypto';
import { statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EXIT, Failure, failure } from '../../core/problem.ts';
import { foldCase } from '../../kinds/text.ts';
import { parseTime } from '../../kinds/time.ts';
import type { Head } from '../store.ts';
import { createFile, refuseUnsafe } from './file-safety.ts';
import { frozen } from './frozen.ts';
import { MIGRATIONS } from './migrations.ts';

/** "ROLE": marks the file as ours (PRAGMA application_id). */
const APPLICATION_ID = 0x524f4c45;

/** A database whose read transaction has begun. */
export interface OpenedToRead {
  readonly database: DatabaseSync;
  readonly head: Head;
  /** To be called after each part that is read: throws a Failure when that part may not be of the same moment. */
  check(): void;
}

/** Opens for reading, or returns undefined where there is no store yet. Never creates or migrates. */
export function openToRead(file: string, timeout: number): OpenedToRead | undefined {
  return guarded(file, () => {
    if (isAbsent(file)) return undefined;
    refuseUnsafe(file);
    const { url, check } = frozen(file) ?? { url: file, check() {} };
    const database = new DatabaseSync(url, { readOnly: true, timeout });
    try {
      database.exec('BEGIN');
      const version = schemaVersion(database, file);
      if (version === 0) {
        database.close();
        return undefined;
      }
      if (version < MIGRATIONS.length) {
        throw notOurs(file, 'was made by an older version of iam', 'the next apply brings it up to date');
      }
      const head = readHead(database);
      check();
      return { database, head, check };
    } catch (error) {
      database.close();
      if (!isInterrupted(error)) throw error;
    }
    rollBack(file, timeout);
    return openToRead(file, timeout);
  });
}

const SQLITE_READONLY_ROLLBACK = 776;

/**
 * Whether a write outside of WAL mode was interrupted: when the store was being made, or always on a file system that
 * has no WAL mode. The database is not to be read before that write is rolled back.
 */
function isInterrupted(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_READONLY_ROLLBACK;
}

function rollBack(file: string, timeout: number): void {
  const database = new DatabaseSync(file, { timeout });
  try {
    database.exec('SELECT count(*) FROM sqlite_schema');
  } finally {
    database.close();
  }
}

/** Whether there is no database. An empty file is none: a crash between its creation and the first write leaves it. */
export function isAbsent(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found && !found.isFile()) throw notOurs(file, 'is not a file');
  return !found || found.size === 0;
}

/**
 * Opens for writing and begins a transaction, which holds SQLite's own lock: undefined when another process has it.
 * Creates the file, but not yet the store. `timeout`: how long the end of the transaction waits for readers where there
 * is no WAL mode, in milliseconds.
 */
export function lockToWrite(file: string, timeout: number): DatabaseSync | undefined {
  return guarded(file, () => {
    createFile(file);
    const database = new DatabaseSync(file, { timeout: 0 });
    try {
      // First of all refuses what is not ours: the rest changes the file.
      schemaVersion(database, file);
      database.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536',
      );
      database.exec(`BEGIN IMMEDIATE; PRAGMA busy_timeout = ${timeout}`);
      return database;
    } catch (error) {
      database.close();
      if (isBusy(error)) return undefined;
      throw error;
    }
  });
}

/**
 * Rewrites the whole file, so that what was deleted or redacted is nowhere in it, nor in its write-ahead log. Throws a
 * Failure where somebody who reads keeps it from that.
 */
export function forget(database: DatabaseSync, file: string): void {
  database.exec('PRAGMA secure_delete = ON; VACUUM');
  if (database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0) return;
  throw failure(
    EXIT.stale,
    'RC407',
    `${file} is being read: what was redacted is not told any more, but still in the file`,
    'the next write, when nobody reads, takes it out of the file',
  );
}

/** Brings the schema up to date inside of the caller's transaction. Returns whether this makes the store. */
export function migrate(database: DatabaseSync, file: string): boolean {
  const version = schemaVersion(database, file);
  const created = version === 0;
  if (created) {
    database.exec(
      `PRAGMA application_id = ${APPLICATION_ID};
       CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT`,
    );
  }
  database.function('fold_case', { deterministic: true }, (text) => foldCase(String(text)));
  database.function('milliseconds', { deterministic: true }, (text) => parseTime(String(text)) ?? null);
  for (const [index, { name, checksum, sql }] of MIGRATIONS.entries()) {
    if (index < version) continue;
    database.exec(sql);
    database
      .prepare('INSERT INTO migration (version, name, checksum) VALUES (?, ?, ?)')
      .run(index + 1, name, checksum);
  }
  if (created) database.prepare("INSERT INTO meta (key, value) VALUES ('store', ?)").run(randomUUID());
  return created;
}

/** The number of migrations that the file has; 0 when it has nothing at all. Refuses what is not ours or too new. */
function schemaVersion(database: DatabaseSync, file: string): number {
  const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n;
  if (tables === 0) return 0;
  if (database.prepare('PRAGMA application_id').get()?.application_id !== APPLICATION_ID) {
    throw notOurs(file, 'is not a store of Rolecall');
  }
  const rows = database.prepare('SELECT version, checksum FROM migration ORDER BY version').all();
  if (rows.length === 0) throw notOurs(file, 'has lost the list of its migrations');
  for (const [index, row] of rows.entries()) {
    const migration = MIGRATIONS[index];
    if (!migration) throw notOurs(file, 'was made by a newer version of iam');
    if (row.version !== index + 1 || row.checksum !== migration.checksum) {
      throw notOurs(file, `has another migration ${index + 1} than this version of iam`);
    }
  }
  return rows.length;
}

function notOurs(
  file: string,
  what: string,
  hint = 'give another --store, or use the version of iam that made it',
) {
  return failure(EXIT.error, 'RC403', `${file} ${what}`, hint);
}

/** Failures of SQLite and of the file system as ours; everything else passes. */
export function guarded<T>(file: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw asFailure(file, error);
  }
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

function isBusy(error: unknown): boolean {
  return [SQLITE_BUSY, SQLITE_LOCKED].includes(resultOf(error) ?? 0);
}

/** The result code of SQLite, without what extends it. */
function resultOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
}

function asFailure(file: string, error: unknown): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error;
  const code = resultOf(error);
  if (code === undefined && !('syscall' in error)) return error;
  if (isBusy(error)) {
    return failure(
      EXIT.stale,
      'RC407',
      `${file}: another process is writing`,
      'try again, or raise --lock-timeout',
    );
  }
  if (code === SQLITE_NOTADB) return notOurs(file, 'is not a database');
  if (isFull(file, error))
    return failure(EXIT.error, 'RC408', `${file}: the disk is full`, 'make room, and try again');
  if (code === SQLITE_READONLY)
    return failure(EXIT.error, 'RC408', `${file} cannot be written: it is read-only`);
  // SQLite does not pass on what the system said.
  const hint = code === SQLITE_IOERR ? 'look for a quota, a limit (ulimit -f) or a broken disk' : undefined;
  return failure(EXIT.error, 'RC408', `${file}: ${error.message}`, hint);
}

const NO_ROOM = ['ENOSPC', 'EDQUOT', 'EFBIG'];
/** Less than SQLite needs to begin: its -shm alone grows by 32 KiB. */
const LITTLE_ROOM = 64 * 1024;

/** Whether there is no room for more. SQLite calls it an I/O error when its -shm cannot grow. */
function isFull(file: string, error: Error): boolean {
  const code = resultOf(error);
  if (code === undefined) return 'code' in error && NO_ROOM.includes(String(error.code));
  return code === SQLITE_FULL || (code === SQLITE_IOERR && roomFor(file) < LITTLE_ROOM);
}

function roomFor(file: string): number {
  try {
    const { bavail, bsize } = statfsSync(path.dirname(file));
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

export function readHead(database: DatabaseSync): Head {
  const meta = new Map(
    database
      .prepare('SELECT key, value FROM meta')
      .all()
      .map((row) => [String(row.key), String(row.value)]),
  );
  const revision = database.prepare('SELECT max(revision) AS n FROM revision').get()?.n;
  const audit = lastAudit(database);
  return {
    store: meta.get('store') ?? null,
    revision: Number(revision ?? 0),
    auditHead: audit ? `${audit.seq}:${audit.hash}` : null,
    snapshotRevision: Number(meta.get('snapshot') ?? 0),
  };
}

/** The newest audit row, which the next one follows. */
export function lastAudit(
  database: DatabaseSync,
): { readonly seq: number; readonly hash: string } | undefined {
  const row = database.prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').get();
  return row && { seq: Number(row.seq), hash: String(row.hash) };
}
