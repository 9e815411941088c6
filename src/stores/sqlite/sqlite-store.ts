import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { EXIT, failure } from '../../core/problem.ts';
import type { KindName } from '../../kinds/index.ts';
import { emptyReading, NO_STORE } from '../sql/no-store.ts';
import type { Entry, Store, StoreSupport, Written } from '../store.ts';
import { forget, guarded, isAbsent, lockToWrite, migrate, openToRead, readHead } from './database.ts';
import { announce, holderOf } from './holder.ts';
import { sqliteReading } from './sqlite-reading.ts';
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
  let writer = 'iam';
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
      writer = writerOf(entry) ?? writer;
      const database = await waitToWrite(file, lockTimeout);
      const takeBack = announce(file, writer);
      try {
        const created = guarded(file, () => migrate(database, file));
        if (created && entry.type !== 'apply') return { head: NO_STORE, created: false };
        const steps = writeEntry(database, entry);
        // A signal that comes meanwhile ends the process, and with it the transaction.
        while (!guarded(file, () => steps.next()).done) await nextTurn();
        return guarded(file, () => {
          const head = readHead(database);
          database.exec('COMMIT');
          if (entry.type === 'redact') forget(database, file);
          return { head, created };
        });
      } finally {
        // Rolls back what was not committed.
        database.close();
        takeBack();
      }
    },
    async close() {},
  };
}

/** Who is named to those who wait; what has no act is written by whoever applied before. */
function writerOf(entry: Entry): string | undefined {
  return 'act' in entry ? (entry.act.actor ?? `manager:${entry.act.manager}`) : undefined;
}

const SHORTEST_PAUSE = 20;
const LONGEST_PAUSE = 200;

/** Tries until it has the lock, at most `lockTimeout` milliseconds, and leaves the process free meanwhile. */
async function waitToWrite(file: string, lockTimeout: number): Promise<DatabaseSync> {
  const end = performance.now() + lockTimeout;
  for (;;) {
    const database = lockToWrite(file, lockTimeout);
    if (database) return database;
    const left = end - performance.now();
    if (left <= 0) throw busy(file);
    // Chance keeps those who wait from always meeting each other.
    const pause = SHORTEST_PAUSE + Math.random() * (LONGEST_PAUSE - SHORTEST_PAUSE);
    await sleep(Math.min(pause, left));
  }
}

function busy(file: string) {
  const found = holderOf(file);
  const who = found
    ? `${found.holder} has been writing since ${found.since} (process ${found.pid} on ${found.host})`
    : 'another process is writing';
  return failure(EXIT.stale, 'RC407', `${file}: ${who}`, 'wait for it, or raise --lock-timeout');
}
