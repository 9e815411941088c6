import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { EXIT, failure } from '../../core/problem.ts';

/**
 * How to read a database in a folder that cannot be written, such as one mounted read-only.
 *
 * In WAL mode SQLite reads through -wal and -shm, and makes them when they are not there. Where it cannot, and there is
 * nothing in a -wal or -journal, the file by itself is the whole database. SQLite then takes no notice of other writers; `check`
 * does, and must be called after each part that is read.
 */
export interface Frozen {
  readonly url: URL;
  /** Throws a Failure when the file was written since. */
  check(): void;
}

/** Undefined when SQLite can read it in its own way. Throws a Failure when the file is not the whole. */
export function frozen(file: string): Frozen | undefined {
  if (isWritable(path.dirname(file))) return undefined;
  const [wal, shm, journal] = ['-wal', '-shm', '-journal'].map((end) =>
    statSync(file + end, { throwIfNoEntry: false }),
  );
  if (wal && shm) return undefined;
  if ((wal?.size ?? 0) > 0 || (journal?.size ?? 0) > 0) {
    throw failure(
      EXIT.error,
      'RC408',
      `${file}: its latest write was interrupted, and cannot be put in order in a folder that cannot be written`,
      'read it once where the folder can be written',
    );
  }
  const url = pathToFileURL(file);
  url.searchParams.set('immutable', '1');
  const before = stateOf(file);
  return {
    url,
    check() {
      if (stateOf(file) === before) return;
      throw failure(EXIT.stale, 'RC407', `${file} was written while it was being read`, 'try again');
    },
  };
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** What differs when somebody has written, or is writing. */
function stateOf(file: string): string {
  const { ino, size, mtimeNs } = statSync(file, { bigint: true });
  const wal = statSync(`${file}-wal`, { throwIfNoEntry: false });
  return [ino, size, mtimeNs, wal?.size ?? 0].join();
}
