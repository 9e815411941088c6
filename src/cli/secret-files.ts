import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';

/**
 * All that is done to the disk where secrets and peppers are kept, each a system call that throws what Node throws. A
 * test gives its own, which end the process between two of them, or fail.
 */
export interface SecretFiles {
  /** Makes one folder, 0700. */
  makeFolder(folder: string): void;
  /** Opens a new file, 0600, for writing. It must be there neither as a file nor as a link. */
  create(file: string): number;
  /** Returns how many of the bytes it wrote. */
  write(descriptor: number, bytes: Uint8Array): number;
  sync(descriptor: number): void;
  close(descriptor: number): void;
  /** Makes what is in a folder outlive a loss of power. */
  syncFolder(folder: string): void;
  /** Gives a file a second name, which must not be there. */
  link(file: string, name: string): void;
  rename(from: string, to: string): void;
  remove(file: string): void;
}

// Windows has no O_NOFOLLOW, and cannot open a folder.
const { O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY, O_WRONLY } = constants;

export const secretFiles: SecretFiles = {
  makeFolder: (folder) => void mkdirSync(folder, { mode: 0o700 }),
  create: (file) => openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
  write: (descriptor, bytes) => writeSync(descriptor, bytes),
  sync: fsyncSync,
  close: closeSync,
  syncFolder(folder) {
    if (process.platform === 'win32') return;
    const descriptor = openSync(folder, O_RDONLY);
    try {
      fsyncSync(descriptor);
    } catch (error) {
      // Some file systems cannot, and say so thus.
      if (codeOf(error) !== 'EINVAL') throw error;
    } finally {
      closeSync(descriptor);
    }
  },
  link: linkSync,
  rename: renameSync,
  remove: unlinkSync,
};

/** Writes a new file (0600) that outlives a loss of power once its folder is synced. Leaves none where it throws. */
export function createWhole(files: SecretFiles, file: string, text: string): void {
  const descriptor = files.create(file);
  let open = true;
  try {
    for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(files.write(descriptor, rest));
    files.sync(descriptor);
    open = false;
    files.close(descriptor);
  } catch (error) {
    if (open) quietly(() => files.close(descriptor));
    quietly(() => files.remove(file));
    throw error;
  }
}

/** Does it if it can be done, where another error is the one to tell. */
export function quietly(act: () => void): void {
  try {
    act();
  } catch {
    return;
  }
}

/** Makes a folder and those above it that are not there, 0700, durably; a new `.iam` is ignored by git from the first. */
export function makeFolders(files: SecretFiles, folder: string): void {
  if (look(folder)) return;
  const above = path.dirname(folder);
  makeFolders(files, above);
  try {
    if (path.basename(folder) === '.iam') makeIgnored(files, folder);
    else files.makeFolder(folder);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!look(folder)) throw error;
  }
  files.syncFolder(above);
}

/** Whole with its .gitignore, and then renamed: a crash never leaves one that git would take in. */
function makeIgnored(files: SecretFiles, folder: string): void {
  const fresh = `${folder}-${randomUUID()}`;
  const ignore = path.join(fresh, '.gitignore');
  files.makeFolder(fresh);
  try {
    createWhole(files, ignore, '*\n');
    files.syncFolder(fresh);
    files.rename(fresh, folder);
  } catch (error) {
    quietly(() => files.remove(ignore));
    quietly(() => rmdirSync(fresh));
    throw error;
  }
}

/** What is there, itself and not what a link leads to; undefined when nothing is. Throws when that cannot be told. */
export function look(file: string): Stats | undefined {
  return lstatSync(file, { throwIfNoEntry: false });
}

/** A file that was opened without following a link, and what is known of the one that was opened. */
export interface Opened {
  readonly stats: Stats;
  /** Its text as Latin-1; undefined when it has more bytes than `limit`. */
  text(limit: number): string | undefined;
}

/** Opens a file to read it; undefined when there is none. Throws what Node throws: ELOOP for a link. */
export function withFile<T>(file: string, act: (opened: Opened) => T): T | undefined {
  let descriptor: number;
  try {
    // Without O_NONBLOCK a named pipe would be waited for.
    descriptor = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return act({
      stats: fstatSync(descriptor),
      text(limit) {
        const bytes = Buffer.alloc(limit + 1);
        let length = 0;
        for (let more = 1; more > 0 && length < bytes.length; length += more)
          more = readSync(descriptor, bytes, length, bytes.length - length, null);
        return length > limit ? undefined : bytes.toString('latin1', 0, length);
      },
    });
  } finally {
    closeSync(descriptor);
  }
}

/** The nearest folder that is there, without links on its way, and the parts that lead from it to `file`. */
export function nearest(file: string): { readonly folder: string; readonly missing: readonly string[] } {
  const missing: string[] = [];
  for (let at = file; ; at = path.dirname(at)) {
    try {
      return { folder: realpathSync(at), missing };
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || path.dirname(at) === at) throw error;
      missing.unshift(path.basename(at));
    }
  }
}

/** Whether a path is a folder or something below it. Both absolute. */
export function isWithin(file: string, folder: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

const CAUSES: Readonly<Record<string, string>> = {
  EACCES: 'not permitted',
  EPERM: 'not permitted',
  EDQUOT: 'the quota is used up',
  EFBIG: 'a limit on the size of files (ulimit -f)',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is not a folder',
  EROFS: 'the file system is read-only',
};

/** Why a system call failed, for a message. Never more than its code and words of ours: no bytes of any file. */
export function causeOf(error: unknown): string {
  const code = codeOf(error);
  if (code === undefined) throw error;
  const words = CAUSES[code];
  return words === undefined ? code : `${words} (${code})`;
}

/** The code of an error of Node; undefined for any other. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
