import { hash } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { LIMITS } from '../core/document.ts';
import { EXIT, Failure, type Problem } from '../core/problem.ts';
import { type InputText, MUCH } from '../core/read-input.ts';
import { decode, tooLarge } from './decode.ts';
import { effort, type Spend } from './effort.ts';
import { expandGlob, isGlob, type Listed } from './glob.ts';
import {
  hasExtension,
  IGNORE_FILE,
  type IgnoreRules,
  ignoreRules,
  isLeftOut,
  nothingIn,
} from './path-rules.ts';
import type { KnownFile, Loaded, Source } from './source.ts';

export interface FilesOptions {
  /** Files, folders, globs, or `-` for standard input (cli.md, PATH). */
  readonly paths: readonly string[];
  /** Paths are relative to it. */
  readonly cwd: string;
  readonly readStdin: () => Promise<Uint8Array>;
}

/** Manifests from files. */
export function filesSource({ paths, cwd, readStdin }: FilesOptions): Source {
  return {
    name: paths.join(' '),
    async load(isKnown, told) {
      const problems: Problem[] = [];
      const texts: InputText[] = [];
      const known: KnownFile[] = [];
      const files = await findFiles(paths, cwd, problems);
      const read = createReader();
      let kept = 0;
      for (const [done, { file, absolute }] of files.entries()) {
        told?.(done, files.length);
        const bytes = read(file, absolute, problems);
        if (!bytes) continue;
        const hash = isKnown && hashOf(file, bytes);
        if (hash !== undefined && isKnown?.(hash)) {
          known.push({ file, hash, read: () => readAgain(file, absolute, hash) });
          continue;
        }
        const text = decode(file, bytes, problems);
        if (text === undefined) continue;
        if (hash === undefined) texts.push({ file, text });
        else {
          kept += bytes.length;
          const again = () => sameText(file, absolute, hash);
          texts.push(
            kept > MUCH ? new LaterText(file, hash, bytes.length, again) : { file, text, hash, again },
          );
        }
      }
      told?.(files.length, files.length);
      if (paths.includes('-')) {
        const text = decode('stdin', await readStdin(), problems);
        if (text !== undefined) texts.push({ file: 'stdin', text });
      }
      return { texts, problems, known } satisfies Loaded;
    },
    async watch(changed) {
      const { watch } = await import('chokidar');
      const roots = paths
        .filter((given) => given !== '-')
        .map((given) => path.resolve(cwd, globBase(given, cwd)));
      const watcher = watch(roots, { ignoreInitial: true });
      await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
      watcher.on('all', changed);
      return () => watcher.close();
    },
  };
}

/** How a text is read hangs on its name too: one of a line each is another than the same bytes as YAML. */
function hashOf(file: string, bytes: Uint8Array): string {
  const found = hash('sha256', bytes, 'hex');
  return /\.jsonl$/i.test(file) ? hash('sha256', `${found} jsonl`, 'hex') : found;
}

function readAgain(file: string, absolute: string, known: string): ReturnType<KnownFile['read']> {
  const problems: Problem[] = [];
  const bytes = createReader()(file, absolute, problems);
  if (bytes && hashOf(file, bytes) !== known) {
    problems.push(unreadable(file, 'changed while it was read', 'run again'));
    return { texts: [], problems };
  }
  const text = bytes && decode(file, bytes, problems);
  return { texts: text === undefined ? [] : [{ file, text, hash: known }], problems };
}

/** A text that was found to be one, and is read again when it is needed. */
class LaterText implements InputText {
  readonly file: string;
  readonly hash: string;
  readonly size: number;
  readonly again: () => string;

  constructor(file: string, hash: string, size: number, again: () => string) {
    this.file = file;
    this.hash = hash;
    this.size = size;
    this.again = again;
  }

  get text(): string {
    return this.again();
  }
}

/** The text of a file that was read before. */
function sameText(file: string, absolute: string, hash: string): string {
  const { texts, problems } = readAgain(file, absolute, hash);
  const [same] = texts;
  if (!same) throw new Failure(EXIT.invalid, problems);
  return same.text;
}

interface Found {
  /** As messages name it: relative as it was given. */
  readonly file: string;
  readonly absolute: string;
}

const RELATIVE = 'paths are relative to the folder that iam runs in';

function unreadable(file: string, message: string, hint?: string): Problem {
  return { code: 'RC101', severity: 'error', message: `${file}: ${message}`, hint };
}

async function findFiles(paths: readonly string[], cwd: string, problems: Problem[]): Promise<Found[]> {
  const found = new Map<string, Found>();
  const add = (file: string, real = realpathSync(path.resolve(cwd, file))) => {
    // Of several paths to one file the first in order of names counts, whatever the order of the arguments.
    const known = found.get(real);
    if (!known || file < known.file) found.set(real, { file, absolute: real });
  };
  const empty: string[] = [];
  const spend = effort();
  for (const given of paths) {
    if (given === '-') continue;
    for (const one of expand(given, cwd, problems, spend)) {
      await attempt(one, cwd, problems, async () => {
        const absolute = path.resolve(cwd, one);
        const stat = statSync(absolute);
        if (stat.isFile()) add(one);
        else if (!stat.isDirectory())
          problems.push(
            unreadable(one, 'is neither a file nor a folder', 'for a pipe give -f - and let it be stdin'),
          );
        else {
          let any = false;
          const inFolder: Add = (file, real) => {
            any = true;
            add(file, real);
          };
          const before = problems.length;
          const root = realpathSync(absolute);
          const seen: Seen = { folders: new Set(), links: [] };
          await walk(one, { cwd, root, real: root, rules: [], seen, spend }, inFolder, problems);
          for (const { file, target } of seen.links) {
            if (!seen.folders.has(target))
              problems.push(
                unreadable(
                  file,
                  'is a symbolic link to a folder that is left out',
                  `name the link in ${IGNORE_FILE} too, or put the folder in its place`,
                ),
              );
          }
          if (!any && problems.length === before && !isGlob(given)) empty.push(one);
        }
      });
    }
  }
  // A folder that is given by name has something in it, or is not the one that was meant. Where all are empty, the
  // input is.
  if (found.size > 0 || paths.includes('-')) for (const folder of empty) problems.push(nothingIn(folder));
  return [...found.values()];
}

/** A path that exists is itself; otherwise it may be a glob. */
function expand(given: string, cwd: string, problems: Problem[], spend: Spend): string[] {
  if (given === '') {
    problems.push(unreadable('""', 'is not a path', 'is a variable not set?'));
    return [];
  }
  if (exists(path.resolve(cwd, given))) return [path.normalize(given)];
  if (!isGlob(given)) {
    problems.push(unreadable(given, 'there is no such file or folder', RELATIVE));
    return [];
  }
  const before = problems.length;
  const known = new Map<string, Listed[]>();
  const list = (folder: string) => {
    const names = known.get(folder) ?? listed(folder, cwd, problems);
    known.set(folder, names);
    return names;
  };
  const links: string[] = [];
  const matches = expandGlob(given, list, (link) => links.push(link), spend);
  const visited = new Set([...known.keys()].map((folder) => realpathSync(path.resolve(cwd, folder))));
  for (const link of links) {
    if (!visited.has(realpathSync(path.resolve(cwd, link))))
      problems.push(
        unreadable(
          link,
          'is a symbolic link to a folder, which ** does not follow',
          `give the folder itself, where ${IGNORE_FILE} can name it`,
        ),
      );
  }
  if (matches.length === 0 && problems.length === before)
    problems.push(unreadable(given, 'matches no file', RELATIVE));
  return matches;
}

/** Whether something is there, if only a link that leads nowhere, or what may not be looked at. */
function exists(absolute: string): boolean {
  try {
    lstatSync(absolute);
    return true;
  } catch (error) {
    return !isFault(error, 'ENOENT', 'ENOTDIR');
  }
}

function listed(folder: string, cwd: string, problems: Problem[]): Listed[] {
  try {
    const absolute = path.resolve(cwd, folder);
    return readdirSync(absolute, { withFileTypes: true }).map((entry) => {
      const isLink = entry.isSymbolicLink();
      return {
        name: entry.name,
        isLink,
        isFolder: isLink ? leadsToFolder(path.join(absolute, entry.name)) : entry.isDirectory(),
      };
    });
  } catch (error) {
    if (!isFault(error, 'ENOENT', 'ENOTDIR')) problems.push(failed(folder, path.resolve(cwd, folder), error));
    return [];
  }
}

/** Whether a link leads to a folder; one that leads nowhere, or to itself, does not. */
function leadsToFolder(link: string): boolean {
  try {
    return statSync(link).isDirectory();
  } catch (error) {
    if (isFault(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return false;
    throw error;
  }
}

/** The folder that a glob's matches are under; the path itself when it is not a glob. */
function globBase(given: string, cwd: string): string {
  if (existsSync(path.resolve(cwd, given))) return given;
  const parts = given.split('/');
  const first = parts.findIndex(isGlob);
  return first < 0 ? given : parts.slice(0, first).join('/') || '.';
}

interface Walk {
  readonly cwd: string;
  /** The real path of the folder that was given: links must not leave it. */
  readonly root: string;
  /** The real path of the folder that is walked. */
  readonly real: string;
  /** Of the folders on the way, the outermost first. */
  readonly rules: readonly IgnoreRules[];
  readonly seen: Seen;
  readonly spend: Spend;
}

/** What a walk met, by real paths: a link to a folder is fine when that folder is walked where it is. */
interface Seen {
  readonly folders: Set<string>;
  readonly links: { readonly file: string; readonly target: string }[];
}

/** Takes in a file; its real path is found out where it is not given. */
type Add = (file: string, real?: string) => void;

async function walk(
  folder: string,
  { cwd, root, real, rules: outer, seen, spend }: Walk,
  add: Add,
  problems: Problem[],
): Promise<void> {
  const absolute = path.resolve(cwd, folder);
  seen.folders.add(real);
  const entries = readdirSync(absolute, { withFileTypes: true });
  const rules = entries.some(({ name }) => name === IGNORE_FILE)
    ? [...outer, ...(await rulesIn(folder, absolute, problems, spend))]
    : outer;
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const file = path.join(folder, entry.name);
    const full = path.join(absolute, entry.name);
    await attempt(file, cwd, problems, async () => {
      const isLink = entry.isSymbolicLink();
      const isFolder = isLink ? leadsToFolder(full) : entry.isDirectory();
      if ((!isFolder && !hasExtension(entry.name)) || isLeftOut(rules, full, isFolder)) return;
      if (isLink) {
        const target = realpathSync(full);
        if (target !== root && !target.startsWith(root + path.sep)) {
          problems.push(
            unreadable(
              file,
              'is a symbolic link that leads out of its folder',
              `put what it leads to there, or name it in ${IGNORE_FILE}`,
            ),
          );
          return;
        }
        if (isFolder) {
          seen.links.push({ file, target });
          return;
        }
      }
      if (isFolder)
        await walk(file, { cwd, root, real: path.join(real, entry.name), rules, seen, spend }, add, problems);
      else if (entry.isFile()) add(file, path.join(real, entry.name));
      else if (statSync(full).isFile()) add(file);
      else problems.push(unreadable(file, 'is not a file', `name it in ${IGNORE_FILE}`));
    });
  }
}

/** What the .iamignore of a folder says. */
async function rulesIn(
  folder: string,
  absolute: string,
  problems: Problem[],
  spend: Spend,
): Promise<IgnoreRules[]> {
  const ignoreFile = path.join(absolute, IGNORE_FILE);
  const file = path.join(folder, IGNORE_FILE);
  const bytes = readWhole(file, ignoreFile, problems);
  const text = bytes?.length === 0 ? '' : bytes && decode(file, bytes, problems);
  return text === undefined ? [] : [await ignoreRules(absolute, text, spend)];
}

/** Turns failures of the file system into problems, so that all of them are told. */
async function attempt(
  file: string,
  cwd: string,
  problems: Problem[],
  run: () => Promise<void>,
): Promise<void> {
  try {
    await run();
  } catch (error) {
    problems.push(failed(file, path.resolve(cwd, file), error));
  }
}

function isFault(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

function failed(file: string, absolute: string, error: unknown): Problem {
  if (isFault(error, 'ENOENT'))
    return lstatSync(absolute, { throwIfNoEntry: false })?.isSymbolicLink() === true
      ? unreadable(file, 'is a symbolic link that leads nowhere', `remove it, or name it in ${IGNORE_FILE}`)
      : unreadable(file, 'vanished while it was read', 'run again');
  if (isFault(error, 'EACCES', 'EPERM'))
    return unreadable(
      file,
      'may not be read (permission denied)',
      'whoever runs iam must be able to read it',
    );
  if (isFault(error, 'ELOOP'))
    return unreadable(
      file,
      'is a symbolic link that leads to itself',
      `remove it, or name it in ${IGNORE_FILE}`,
    );
  if (error instanceof Error && 'code' in error) return unreadable(file, `cannot be read (${error.code})`);
  throw error;
}

/**
 * Reads one file after the other, all bytes of a regular file, or undefined with a problem. What is read is good until
 * the next file: all are read into the same memory.
 */
function createReader(): (file: string, absolute: string, problems: Problem[]) => Uint8Array | undefined {
  let memory = Buffer.alloc(0);
  return (file, absolute, problems) =>
    readWhole(file, absolute, problems, (size) => {
      if (memory.length < size) memory = Buffer.allocUnsafeSlow(Math.max(size, 2 * memory.length));
      return memory.subarray(0, size);
    });
}

/** All bytes of a regular file, or undefined with a problem. */
function readWhole(
  file: string,
  absolute: string,
  problems: Problem[],
  memoryOf: (size: number) => Buffer = Buffer.allocUnsafe,
): Uint8Array | undefined {
  let descriptor: number | undefined;
  try {
    // A pipe put in the place of a file must not make us wait for whoever writes into it.
    descriptor = openSync(absolute, constants.O_RDONLY | constants.O_NONBLOCK);
    const before = fstatSync(descriptor);
    if (!before.isFile()) {
      problems.push(unreadable(file, 'is not a file', 'put a file in its place, or remove it'));
      return undefined;
    }
    if (before.size > LIMITS.fileBytes) {
      problems.push(tooLarge(file));
      return undefined;
    }
    const bytes = memoryOf(before.size);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(descriptor, bytes, length, bytes.length - length, length);
      if (read === 0) break;
      length += read;
    }
    const after = fstatSync(descriptor);
    if (length !== before.size || after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
      problems.push(unreadable(file, 'changed while it was read', 'run again'));
      return undefined;
    }
    return bytes;
  } catch (error) {
    problems.push(failed(file, absolute, error));
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
