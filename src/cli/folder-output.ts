import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { compareText, EXIT, Failure, failure, type Problem } from '../core/problem.ts';
import { Pieces } from '../engine/pieces.ts';

export interface OutputFile {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  /** A text, or the pieces of one. */
  readonly text: string | Iterable<string>;
}

/**
 * Writes `files` into the folder `dir`, and removes what an earlier call with the same `marker` wrote there and
 * this one does not.
 *
 * `dir` must be absent, empty, or have the file `marker`, which lists what is ours in it; anything else there is
 * never touched. Throws Failure (RC128) when something to write exists and is not ours; nothing is written then.
 * Each file is replaced as a whole. After a crash in the middle another call goes on: the marker lists, from
 * before the first write, all that is or may be ours.
 */
export function writeFolder(dir: string, marker: string, files: readonly OutputFile[]): void {
  const paths = begin(dir, marker, files);
  namingFailures(dir, () => {
    for (const { path, text } of files) replaceFile(place(dir, path), text);
    end(dir, marker, paths);
  });
}

export interface StreamedFile {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  readonly text: AsyncIterable<string>;
}

/** As `writeFolder`, of texts that come while they are written. */
export async function streamFolder(
  dir: string,
  marker: string,
  files: readonly StreamedFile[],
): Promise<void> {
  const paths = begin(dir, marker, files);
  for (const { path, text } of files) {
    const file = namingFailures(dir, () => openReplacement(place(dir, path)));
    const pieces = new Pieces((piece) => namingFailures(dir, () => file.write(piece)));
    try {
      for await (const piece of text) pieces.add(piece);
      pieces.flush();
      namingFailures(dir, () => file.place());
    } finally {
      file.drop();
    }
  }
  namingFailures(dir, () => end(dir, marker, paths));
}

/** What is written, and what is removed in the end. */
interface Paths {
  readonly wanted: readonly string[];
  readonly stale: readonly string[];
}

/** Refuses what may not be written, and lists what will be ours. */
function begin(dir: string, marker: string, files: readonly { readonly path: string }[]): Paths {
  const wanted = files.map(({ path }) => path).sort(compareText);
  const twice = wanted.find((path, index) => path === wanted[index + 1]);
  if (twice !== undefined) throw refused(`${join(dir, twice)} would be written twice`);
  const listed = readMarker(dir, marker);
  const stale = [...listed.difference(new Set(wanted))];
  const problems = [...wanted, ...stale].flatMap((path) => obstacle(dir, marker, path, listed.has(path)));
  if (problems.length > 0) throw new Failure(EXIT.invalid, problems);
  namingFailures(dir, () => {
    mkdirSync(dir, { recursive: true });
    replaceFile(join(dir, marker), list([...wanted, ...stale]));
  });
  return { wanted, stale };
}

function end(dir: string, marker: string, { wanted, stale }: Paths): void {
  for (const path of stale) removeFile(dir, path);
  replaceFile(join(dir, marker), list(wanted));
}

/** The full path of a file, whose folder is there from now on. */
function place(dir: string, path: string): string {
  mkdirSync(join(dir, dirname(path)), { recursive: true });
  return join(dir, path);
}

function namingFailures<T>(dir: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    // Anything else comes from the pieces of a text, and is not ours to name.
    if (error instanceof Error && 'syscall' in error)
      throw refused(`${dir} cannot be written: ${reason(error)}`);
    throw error;
  }
}

/** What the marker says is ours; nothing when `dir` is absent or empty. */
function readMarker(dir: string, marker: string): Set<string> {
  const stats = look(dir, statSync);
  if (!stats) {
    // statSync follows links, and so does mkdir: a dangling one must not decide where we write.
    if (look(dir, lstatSync)) throw refused(`${dir} is a link to nothing`);
    return new Set();
  }
  if (!stats.isDirectory()) throw refused(`${dir} is not a folder`);
  const path = join(dir, marker);
  try {
    const own = look(path, lstatSync);
    if (own?.isFile())
      return new Set(
        readFileSync(path, 'utf8')
          .split('\n')
          .filter((line) => line !== '' && !line.startsWith('#')),
      );
    if (own) throw refused(`${path} is not a file`);
    if (readdirSync(dir).length === 0) return new Set();
  } catch (error) {
    throw error instanceof Failure ? error : refused(`${dir} cannot be read: ${reason(error)}`);
  }
  throw refused(
    `${dir} is not empty and has no ${marker}`,
    'give a folder that does not exist yet, or is empty',
  );
}

function list(paths: readonly string[]): string {
  return `# Written by iam, which replaces and removes these files.\n${paths
    .toSorted(compareText)
    .map((path) => `${path}\n`)
    .join('')}`;
}

/** Why the file at `path` may be neither written nor removed. Paths of a marker may have been written by anybody. */
function obstacle(dir: string, marker: string, path: string, ours: boolean): Problem[] {
  const parts = path.split('/');
  if (
    parts.some((part) => part === '' || part === '.' || part === '..') ||
    /[\\\p{Cc}]|^[A-Za-z]:/u.test(path) ||
    path.startsWith('#') ||
    path === marker
  ) {
    return [
      wrong(
        `${JSON.stringify(path)} is not the path of a file in ${dir}`,
        ours ? `remove the line from ${join(dir, marker)}` : undefined,
      ),
    ];
  }
  for (let depth = 1; depth < parts.length; depth++) {
    const parent = join(dir, ...parts.slice(0, depth));
    const stats = look(parent, lstatSync);
    if (!stats) return [];
    if (!stats.isDirectory())
      return [
        wrong(
          `${parent} is not a folder, but ${stats.isSymbolicLink() ? 'a link' : 'a file'}`,
          'move it away',
        ),
      ];
  }
  const file = join(dir, path);
  const stats = look(file, lstatSync);
  if (!stats) return [];
  if (!stats.isFile())
    return [
      wrong(`${file} is not a file, but ${stats.isSymbolicLink() ? 'a link' : 'a folder'}`, 'move it away'),
    ];
  return ours ? [] : [wrong(`${file} exists, and ${marker} does not list it`, 'move it away')];
}

function look(
  path: string,
  stat: (path: string, options: { throwIfNoEntry: false }) => Stats | undefined,
): Stats | undefined {
  try {
    return stat(path, { throwIfNoEntry: false });
  } catch (error) {
    throw refused(`${path} cannot be read: ${reason(error)}`);
  }
}

/** A new file beside, then a rename: nobody ever reads half a file. */
function replaceFile(path: string, text: string | Iterable<string>): void {
  const file = openReplacement(path);
  try {
    for (const piece of typeof text === 'string' ? [text] : text) file.write(piece);
    file.place();
  } finally {
    file.drop();
  }
}

interface Replacement {
  write(text: string): void;
  place(): void;
  /** Leaves all as it was; nothing once it is in its place. */
  drop(): void;
}

function openReplacement(path: string): Replacement {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  const file = openSync(temporary, 'wx');
  let open = true;
  let placed = false;
  const close = () => {
    if (open) closeSync(file);
    open = false;
  };
  return {
    write: (text) => writeAll(file, Buffer.from(text)),
    place() {
      fsyncSync(file);
      close();
      renameSync(temporary, path);
      placed = true;
    },
    drop() {
      close();
      if (!placed) rmSync(temporary, { force: true });
    },
  };
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

/** Removes a file, and the folders that are empty without it. */
function removeFile(dir: string, path: string): void {
  rmSync(join(dir, path), { force: true });
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    try {
      rmdirSync(join(dir, parent));
    } catch {
      return;
    }
  }
}

function reason(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function wrong(message: string, hint?: string): Problem {
  return { code: 'RC128', severity: 'error', message, hint };
}

function refused(message: string, hint?: string): Failure {
  return failure(EXIT.invalid, 'RC128', message, hint);
}
