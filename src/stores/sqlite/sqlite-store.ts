import type { KindName } from '../../kinds/index.ts';
import type { Store, StoreSupport, Written } from '../store.ts';
import { guarded, NO_STORE, openToRead, openToWrite, readHead } from './database.ts';
import { emptyReading, sqliteReading } from './sqlite-reading.ts';
import { writeEntry } from './sqlite-writing.ts';

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

export interface SqliteOptions {
  readonly file: string;
  /** How messages name it. */
  readonly location: string;
  /** How long to wait for another writer, in milliseconds. */
  readonly lockTimeout: number;
}

/** A store in one SQLite file, in WAL mode; every write is one transaction, every reading one snapshot. */
export function sqliteStore({ file, location, lockTimeout }: SqliteOptions): Store {
  return {
    location,
    supports,
    async read() {
      const database = openToRead(file);
      return database ? sqliteReading(database, file) : emptyReading();
    },
    async write(entry): Promise<Written> {
      const existing = openToRead(file);
      existing?.close();
      const created = existing === undefined;
      // Only an apply makes a store.
      if (created && entry.type !== 'apply') return { head: NO_STORE, created: false };
      const database = openToWrite(file, lockTimeout);
      try {
        return guarded(file, () => {
          database.exec('BEGIN IMMEDIATE');
          try {
            writeEntry(database, entry);
            database.exec('COMMIT');
          } catch (error) {
            if (database.isTransaction) database.exec('ROLLBACK');
            throw error;
          }
          return { head: readHead(database), created };
        });
      } finally {
        database.close();
      }
    },
    async close() {},
  };
}
