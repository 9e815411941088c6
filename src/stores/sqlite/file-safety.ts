import { closeSync, existsSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EXIT, failure } from '../../core/problem.ts';

/**
 * Refuses a database that others could write: the file, its -wal and -shm when group- or world-writable or another
 * user's, the folder when world-writable without the sticky bit (safety.md, Trust).
 */
export function refuseUnsafe(file: string): void {
  const folder = path.dirname(file);
  const mode = statSync(folder, { throwIfNoEntry: false })?.mode ?? 0;
  if (mode & 0o002 && !(mode & 0o1000)) {
    throw unsafe(`folder ${folder} can be written by everybody`, `chmod o-w ${folder}`);
  }
  for (const part of [file, `${file}-wal`, `${file}-shm`]) {
    const found = statSync(part, { throwIfNoEntry: false });
    if (!found) continue;
    if (found.mode & 0o022) throw unsafe(`${part} can be written by others`, `chmod 600 ${part}`);
    const user = process.getuid?.();
    if (user !== undefined && found.uid !== user)
      throw unsafe(`${part} belongs to another user (uid ${found.uid})`, 'run as that user, or use a store of your own');
  }
}

function unsafe(message: string, hint: string) {
  return failure(EXIT.error, 'RC402', message, hint);
}

/** Makes the folder (0700) and the empty database (0600), if they are not there. `.iam` also gets its .gitignore. */
export function createFile(file: string): void {
  const folder = path.dirname(file);
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (path.basename(folder) === '.iam') writeFileSync(path.join(folder, '.gitignore'), '*\n', { mode: 0o600 });
  }
  refuseUnsafe(file);
  if (!existsSync(file)) closeSync(openSync(file, 'wx', 0o600));
}
