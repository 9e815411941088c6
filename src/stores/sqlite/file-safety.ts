import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { EXIT, failure } from '../../core/problem.ts';

/** What SQLite keeps beside a database, and believes when it opens it. */
const COMPANIONS = ['-wal', '-shm', '-journal'];

/**
 * Refuses a database that others could write: the file or a companion when group- or world-writable or another
 * user's, the folder when world-writable without the sticky bit (safety.md, Trust). Not on Windows, which has no modes.
 */
export function refuseUnsafe(file: string): void {
  const user = process.getuid?.();
  if (user === undefined) return;
  const folder = path.dirname(existsSync(file) ? realpathSync(file) : file);
  const mode = statSync(folder, { throwIfNoEntry: false })?.mode ?? 0;
  if (mode & 0o002 && !(mode & 0o1000)) {
    throw unsafe(`folder ${folder} can be written by everybody`, `chmod o-w ${folder}`);
  }
  for (const part of [file, ...COMPANIONS.map((end) => file + end)]) {
    const found = statSync(part, { throwIfNoEntry: false });
    if (!found) continue;
    if (found.mode & 0o022) throw unsafe(`${part} can be written by others`, `chmod 600 ${part}`);
    if (found.uid !== user) {
      throw unsafe(
        `${part} belongs to another user (uid ${found.uid})`,
        'run as that user, or use a store of your own',
      );
    }
  }
}

function unsafe(message: string, hint: string) {
  return failure(EXIT.error, 'RC402', message, hint);
}

/** Makes the folder (0700) and the empty database (0600), if they are not there. A new `.iam` also gets its .gitignore. */
export function createFile(file: string): void {
  const folder = path.dirname(file);
  makeFolder(folder);
  refuseUnsafe(file);
  refuseReadOnly(folder);
  // What is there is not opened: closing it would give back the locks that this process has on it as a reader.
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
}

function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  if (path.basename(folder) === '.iam') makeIgnored(folder);
  else mkdirSync(folder, { recursive: true, mode: 0o700 });
}

/** Whole with its .gitignore, and then renamed: a crash never leaves one that git would take in. */
function makeIgnored(folder: string): void {
  const fresh = mkdtempSync(`${folder}-`);
  try {
    writeFileSync(path.join(fresh, '.gitignore'), '*\n', { mode: 0o600 });
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another process may have made it meanwhile.
    if (!existsSync(folder)) throw error;
  }
}

/** SQLite writes beside the database too, and would name neither the folder nor the cause. */
function refuseReadOnly(folder: string): void {
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    throw failure(EXIT.error, 'RC408', `${folder} cannot be written${code}`);
  }
}
