import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { formatTime } from '../../kinds/time.ts';

/** Who writes to a store: what the file beside the database says. */
export interface Holder {
  /** The actor, else `manager:NAME`. */
  readonly holder: string;
  readonly host: string;
  readonly pid: number;
  /** When that process began, as its system counts; null where that is not known. A number of a process is used again. */
  readonly started: string | null;
  readonly since: string;
}

/**
 * Says beside the database who holds its lock, which the caller must have. Returns what takes it back, to be called
 * when the lock has been given back.
 *
 * The lock is SQLite's own: this file only serves those who wait. So a failure to write it fails nothing (a full disk
 * is told by the write itself, and an urgent revocation must not wait for a courtesy), and what somebody else put
 * in its place stays there. They are then told that another process is writing, without its name.
 */
export function announce(file: string, holder: string): () => void {
  const place = holderFile(file);
  // One name for all: only who has the lock writes it, so that kills never leave more than one behind.
  const fresh = `${place}.new`;
  try {
    if (!isOursOrAbsent(place) || !isOursOrAbsent(fresh)) return () => {};
    rmSync(fresh, { force: true });
    const ino = writeNew(fresh, `${JSON.stringify(describeSelf(holder))}\n`);
    renameSync(fresh, place);
    return () => takeBack(place, ino);
  } catch {
    return () => {};
  }
}

/** Who holds the lock of a database, as far as that is known. Whoever is gone for certain is not named. */
export function holderOf(file: string): Holder | undefined {
  const text = readOurs(holderFile(file));
  const holder = text === undefined ? undefined : parseHolder(text);
  return holder && (holder.host !== hostname() || isAlive(holder)) ? holder : undefined;
}

function holderFile(file: string): string {
  return `${file}-holder`;
}

function describeSelf(holder: string): Holder {
  const { pid } = process;
  return { holder, host: hostname(), pid, started: startOf(pid) ?? null, since: formatTime(Date.now()) };
}

/** Makes a file that must not be there, and returns its number. */
function writeNew(file: string, text: string): bigint {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    writeFileSync(descriptor, text);
    return fstatSync(descriptor, { bigint: true }).ino;
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** Removes the file, unless the next holder has put its own there meanwhile. */
function takeBack(place: string, ino: bigint): void {
  try {
    if (lstatSync(place, { bigint: true }).ino === ino) rmSync(place);
  } catch {
    // It then names a process that does not write any more, until the next one writes its own.
  }
}

/** Whether nothing is there, or a file that an iam of this user wrote; an empty one is what a power cut leaves of it. */
function isOursOrAbsent(file: string): boolean {
  const found = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  if (!found) return true;
  const text = readOurs(file);
  return text !== undefined && (text === '' || parseHolder(text) !== undefined);
}

/** More than a holder ever takes. */
const LIMIT = 4096;

/** The text of a file of this user that nobody else can write; never follows a link, nor waits for a pipe. */
function readOurs(file: string): string | undefined {
  try {
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return isOurs(fstatSync(descriptor, { bigint: true })) ? readFileSync(descriptor, 'utf8') : undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

function isOurs(found: BigIntStats): boolean {
  const user = process.getuid?.();
  return (
    found.isFile() &&
    found.size <= LIMIT &&
    (user === undefined || (Number(found.uid) === user && (Number(found.mode) & 0o022) === 0))
  );
}

function parseHolder(text: string): Holder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { holder, host, pid, started, since } = value as Partial<Record<keyof Holder, unknown>>;
  if (!isWord(holder) || !isWord(host) || !isWord(since)) return undefined;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return started === null || isWord(started) ? { holder, host, pid, started, since } : undefined;
}

/** What can be printed in a line. */
function isWord(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 300 && !/\p{C}/u.test(value);
}

function isAlive({ pid, started }: Holder): boolean {
  if ((startOf(pid) ?? null) !== started) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** When a process of this host began, where /proc tells; undefined when it is gone. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the name in brackets, may have anything in it.
    const [state = '', ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return 'ZX'.includes(state) ? undefined : fields[18];
  } catch {
    return undefined;
  }
}
