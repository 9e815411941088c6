import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { sha256 } from '../../core/hash.ts';
import { EXIT, failure, Failure } from '../../core/problem.ts';
import type { Head } from '../store.ts';
import { createFile, refuseUnsafe } from './file-safety.ts';
import { MIGRATIONS } from './migrations.ts';

/** "ROLE": marks the file as ours (PRAGMA application_id). */
const APPLICATION_ID = 0x524f4c45;

/** The head of a store that does not exist. */
export const NO_STORE: Head = { store: null, revision: 0, auditHead: null, snapshotRevision: 0 };

/** Opens for reading, or returns undefined where there is no store yet. Never creates or migrates. */
export function openToRead(file: string): DatabaseSync | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) return undefined;
  if (!found.isFile()) throw notOurs(file, 'is not a file');
  refuseUnsafe(file);
  // An empty file is what a crash between creation and the first write leaves behind.
  if (found.size === 0) return undefined;
  return guarded(file, () => {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      database.exec('BEGIN');
      const version = schemaVersion(database, file);
      if (version === 0) {
        database.close();
        return undefined;
      }
      if (version < MIGRATIONS.length) throw notOurs(file, 'was made by an older version; the next apply brings it up to date');
      return database;
    } catch (error) {
      if (database.isOpen) database.close();
      throw error;
    }
  });
}

/** Opens for writing; creates and migrates as needed. `timeout`: how long to wait for another writer, in milliseconds. */
export function openToWrite(file: string, timeout: number): DatabaseSync {
  createFile(file);
  return guarded(file, () => {
    const database = new DatabaseSync(file, { timeout });
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
      if (schemaVersion(database, file) < MIGRATIONS.length) migrate(database, file);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function migrate(database: DatabaseSync, file: string): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = schemaVersion(database, file);
    if (version === 0) {
      database.exec(
        `PRAGMA application_id = ${APPLICATION_ID};
         CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT`,
      );
    }
    const note = database.prepare('INSERT INTO migration (version, name, checksum) VALUES (?, ?, ?)');
    for (const [index, { name, sql }] of MIGRATIONS.entries()) {
      if (index < version) continue;
      database.exec(sql);
      note.run(index + 1, name, sha256(sql));
    }
    database.prepare("INSERT OR IGNORE INTO meta (key, value) VALUES ('store', ?)").run(randomUUID());
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** The number of migrations that the file has; 0 when it has nothing at all. Refuses what is not ours or too new. */
function schemaVersion(database: DatabaseSync, file: string): number {
  const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n;
  if (tables === 0) return 0;
  if (database.prepare('PRAGMA application_id').get()?.application_id !== APPLICATION_ID)
    throw notOurs(file, 'is not a store of Rolecall');
  const rows = database.prepare('SELECT version, checksum FROM migration ORDER BY version').all();
  for (const [index, row] of rows.entries()) {
    const migration = MIGRATIONS[index];
    if (!migration) throw notOurs(file, 'was made by a newer version of iam');
    if (row.version !== index + 1 || row.checksum !== sha256(migration.sql))
      throw notOurs(file, `has another migration ${index + 1} than this version of iam`);
  }
  return rows.length;
}

function notOurs(file: string, what: string) {
  return failure(EXIT.error, 'RC403', `${file} ${what}`, 'give another --store, or the version of iam that made it');
}

/** Failures of SQLite as ours; everything else passes. */
export function guarded<T>(file: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw asFailure(file, error);
  }
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_NOTADB = 26;

function asFailure(file: string, error: unknown): unknown {
  if (error instanceof Failure || !(error instanceof Error) || !('errcode' in error)) return error;
  const code = Number(error.errcode) & 0xff;
  if (code === SQLITE_BUSY || code === SQLITE_LOCKED)
    return failure(EXIT.stale, 'RC407', `${file}: another process is writing`, 'try again, or raise --lock-timeout');
  if (code === SQLITE_NOTADB) return notOurs(file, 'is not a database');
  return failure(EXIT.error, 'RC408', `${file}: ${error.message}`);
}

export function readHead(database: DatabaseSync): Head {
  const meta = new Map(
    database
      .prepare('SELECT key, value FROM meta')
      .all()
      .map((row) => [String(row.key), String(row.value)]),
  );
  const revision = database.prepare('SELECT max(revision) AS n FROM revision').get()?.n;
  const audit = database.prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').get();
  return {
    store: meta.get('store') ?? null,
    revision: Number(revision ?? 0),
    auditHead: audit ? `${audit.seq}:${audit.hash}` : null,
    snapshotRevision: Number(meta.get('snapshot') ?? 0),
  };
}
