import type { KindName } from '../../kinds/index.ts';
import type { Store, StoreSupport, Written } from '../store.ts';
import { guarded, isAbsent, migrate, NO_STORE, openToRead, openToWrite, readHead } from './database.ts';
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
      const opened = openToRead(file, lockTimeout);
      return opened ? sqliteReading(opened, file) : emptyReading();
    },
    async write(entry): Promise<Written> {
      const absent = guarded(file, () => isAbsent(file));
      // Only an apply makes a store.
      if (absent && entry.type !== 'apply') return { head: NO_STORE, created: false };
      const database = openToWrite(file, lockTimeout);
      try {
        return guarded(file, () => {
          database.exec('BEGIN IMMEDIATE');
          const created = migrate(database, file);
          if (created && entry.type !== 'apply') return { head: NO_STORE, created: false };
          writeEntry(database, entry);
          const head = readHead(database);
          database.exec('COMMIT');
          return { head, created };
        });
      } finally {
        // Rolls back what was not committed.
        database.close();
      }
    },
    async close() {},
  };
}
