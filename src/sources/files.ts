import { closeSync, existsSync, fstatSync, globSync, openSync, readdirSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { LIMITS } from '../core/document.ts';
import type { Problem } from '../core/problem.ts';
import type { InputText } from '../core/read-input.ts';
import { hasExtension, IGNORE_FILE, type IgnoreRules, ignoreRules, isHidden } from './path-rules.ts';
import { decode, tooLarge } from './decode.ts';
import type { Loaded, Source } from './source.ts';

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
    async load() {
      const problems: Problem[] = [];
      const texts: InputText[] = [];
      const files = await findFiles(paths, cwd, problems);
      for (const { file, absolute } of files) {
        const bytes = readWhole(file, absolute, problems);
        const text = bytes && decode(file, bytes, problems);
        if (text !== undefined) texts.push({ file, text });
      }
      if (paths.includes('-')) {
        const text = decode('stdin', await readStdin(), problems);
        if (text !== undefined) texts.push({ file: 'stdin', text });
      }
      return { texts, problems } satisfies Loaded;
    },
    async watch(changed) {
      const { watch } = await import('chokidar');
      const roots = paths.filter((given) => given !== '-').map((given) => path.resolve(cwd, globBase(given, cwd)));
      const watcher = watch(roots, { ignoreInitial: true });
      await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
      watcher.on('all', changed);
      return () => watcher.close();
    },
  };
}

interface Found {
  /** As messages name it: relative as it was given. */
  readonly file: string;
  readonly absolute: string;
}

function unreadable(file: string, message: string, hint?: string): Problem {
  return { code: 'RC101', severity: 'error', message: `${file}: ${message}`, hint };
}

async function findFiles(paths: readonly string[], cwd: string, problems: Problem[]): Promise<Found[]> {
  const found = new Map<string, Found>();
  const add = (file: string) => {
    const absolute = path.resolve(cwd, file);
    const real = realpathSync(absolute);
    // Of several paths to one file the first in order of names counts, whatever the order of the arguments.
    const known = found.get(real);
    if (!known || file < known.file) found.set(real, { file, absolute: real });
  };
  for (const given of paths) {
    if (given === '-') continue;
    for (const one of expand(given, cwd, problems)) {
      await attempt(one, problems, async () => {
        const stat = statSync(path.resolve(cwd, one));
        if (stat.isDirectory()) await walk(one, cwd, realpathSync(path.resolve(cwd, one)), [], add, problems);
        else if (stat.isFile()) add(one);
        else problems.push(unreadable(one, 'is neither a file nor a folder'));
      });
    }
  }
  return [...found.values()];
}

/** A path that exists is itself; otherwise it may be a glob. */
function expand(given: string, cwd: string, problems: Problem[]): string[] {
  if (existsSync(path.resolve(cwd, given))) return [given];
  if (!/[*?[{]/.test(given)) {
    problems.push(unreadable(given, 'there is no such file or folder'));
    return [];
  }
  const matches = globSync(given, { cwd }).filter((match) => !isHidden(match) || isHidden(given));
  if (matches.length === 0) problems.push(unreadable(given, 'matches no file'));
  return matches;
}

/** The folder that a glob's matches are under; the path itself when it is not a glob. */
function globBase(given: string, cwd: string): string {
  if (existsSync(path.resolve(cwd, given))) return given;
  const parts = given.split('/');
  const first = parts.findIndex((part) => /[*?[{]/.test(part));
  return first < 0 ? given : parts.slice(0, first).join('/') || '.';
}

async function walk(
  folder: string,
  cwd: string,
  root: string,
  outer: readonly IgnoreRules[],
  add: (file: string) => void,
  problems: Problem[],
): Promise<void> {
  const absolute = path.resolve(cwd, folder);
  const rules = [...outer];
  if (existsSync(path.join(absolute, IGNORE_FILE))) {
    rules.push(await ignoreRules(absolute, readFileSync(path.join(absolute, IGNORE_FILE), 'utf8')));
  }
  for (const entry of readdirSync(absolute, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const file = path.join(folder, entry.name);
    const full = path.join(absolute, entry.name);
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && statSync(full, { throwIfNoEntry: false })?.isDirectory() === true);
    if (rules.some((ignores) => ignores(full, isFolder))) continue;
    await attempt(file, problems, async () => {
      if (entry.isSymbolicLink() && (isFolder || hasExtension(entry.name))) {
        const target = realpathSync(full);
        if (target !== root && !target.startsWith(root + path.sep)) {
          problems.push(unreadable(file, 'is a symbolic link that leads out of its folder', `copy the file, or name it in ${IGNORE_FILE}`));
          return;
        }
        // A link to a folder inside is walked where that folder is.
        if (isFolder) return;
      }
      if (isFolder) await walk(file, cwd, root, rules, add, problems);
      else if (!hasExtension(entry.name)) return;
      else if (statSync(full).isFile()) add(file);
      else problems.push(unreadable(file, 'is not a file', `name it in ${IGNORE_FILE}`));
    });
  }
}

/** Turns failures of the file system into problems, so that all of them are told. */
async function attempt(file: string, problems: Problem[], run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    problems.push(unreadable(file, reason(error)));
  }
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file or folder (it may have vanished while it was read)';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read (permission denied)';
    case 'ELOOP':
      return 'is a symbolic link that leads to itself';
    default:
      if (error instanceof Error) return error.message;
      throw error;
  }
}

/** All bytes of a regular file, or undefined with a problem. */
function readWhole(file: string, absolute: string, problems: Problem[]): Uint8Array | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(absolute, 'r');
    const before = fstatSync(descriptor);
    if (before.size > LIMITS.fileBytes) {
      problems.push(tooLarge(file));
      return undefined;
    }
    const bytes = Buffer.allocUnsafe(before.size);
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
    problems.push(unreadable(file, reason(error)));
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
