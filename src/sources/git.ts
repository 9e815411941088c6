import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { LIMITS } from '../core/document.ts';
import { EXIT, failure, type Problem } from '../core/problem.ts';
import type { InputText } from '../core/read-input.ts';
import { decode } from './decode.ts';
import { hasExtension, IGNORE_FILE, type IgnoreRules, ignoreRules, isHidden } from './path-rules.ts';
import type { Loaded, Source } from './source.ts';

export interface GitOptions {
  /** A commit, branch or tag. */
  readonly revision: string;
  /** Files, folders or globs, relative to `cwd`, as they are in that commit. */
  readonly paths: readonly string[];
  /** A folder in the work tree of the repository. */
  readonly cwd: string;
  /** Put before file names in messages, to tell two commits apart; empty for the one that people look at. */
  readonly label: string;
  /** Whether paths that the commit does not have mean "nothing declared": only for the older of two commits. */
  readonly mayBeAbsent: boolean;
}

/** Manifests from the objects of a commit. Runs nothing from the repository: no hook, filter, submodule or LFS. */
export function gitSource({ revision, paths, cwd, label, mayBeAbsent }: GitOptions): Source {
  return {
    name: `${paths.join(' ')} at ${revision}`,
    async load() {
      const commit = resolveCommit(revision, cwd);
      const prefix = git(cwd, ['rev-parse', '--show-prefix']).toString().trim();
      const entries = listTree(commit, cwd);
      const problems: Problem[] = [];
      const texts: InputText[] = [];
      const rules = await rulesOf(entries, cwd);
      for (const entry of select(entries, paths, prefix, rules, mayBeAbsent, label, problems)) {
        const file = label + (path.posix.relative(prefix, entry.path) || entry.path);
        if (entry.mode === '120000' || entry.mode === '160000') {
          const what = entry.mode === '120000' ? 'a symbolic link' : 'a submodule';
          problems.push({ code: 'RC129', severity: 'error', message: `${file}: is ${what}, which is not read from a commit`, hint: `name it in ${IGNORE_FILE}` });
          continue;
        }
        const text = decode(file, readBlob(entry.object, cwd), problems);
        if (text !== undefined) texts.push({ file, text });
      }
      return { texts, problems } satisfies Loaded;
    },
  };
}

interface Entry {
  readonly mode: string;
  readonly object: string;
  /** From the root of the repository. */
  readonly path: string;
}

function git(cwd: string, args: readonly string[], input?: string): Buffer {
  return execFileSync('git', ['--no-optional-locks', '-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', ...args], {
    cwd,
    input,
    maxBuffer: 2 * LIMITS.fileBytes,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
}

function resolveCommit(revision: string, cwd: string): string {
  // A name that begins with a dash would be read as an option.
  if (revision.startsWith('-') || revision === '') throw failure(EXIT.invalid, 'RC129', `"${revision}" is not a commit`);
  try {
    return git(cwd, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]).toString().trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw failure(EXIT.error, 'RC129', 'git is not installed, or the folder does not exist');
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw failure(
      EXIT.invalid,
      'RC129',
      said === '' ? `there is no commit "${revision}" here` : said.replace(/^fatal: /, ''),
      said === '' ? 'a shallow clone may lack it: git fetch --unshallow, or fetch that commit' : undefined,
    );
  }
}

function listTree(commit: string, cwd: string): Entry[] {
  const listed = git(cwd, ['ls-tree', '-r', '-z', '--full-tree', commit]).toString();
  return listed
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const [facts = '', file = ''] = line.split('\t');
      const [mode = '', , object = ''] = facts.split(' ');
      return { mode, object, path: file };
    });
}

function readBlob(object: string, cwd: string): Uint8Array {
  return git(cwd, ['cat-file', 'blob', object]);
}

async function rulesOf(entries: readonly Entry[], cwd: string): Promise<IgnoreRules[]> {
  const files = entries.filter(({ path: file }) => path.posix.basename(file) === IGNORE_FILE);
  return Promise.all(
    files.map(({ path: file, object }) => ignoreRules(path.posix.dirname(file), Buffer.from(readBlob(object, cwd)).toString())),
  );
}

function select(
  entries: readonly Entry[],
  paths: readonly string[],
  prefix: string,
  rules: readonly IgnoreRules[],
  mayBeAbsent: boolean,
  label: string,
  problems: Problem[],
): Set<Entry> {
  const selected = new Set<Entry>();
  for (const given of paths) {
    const wanted = path.posix.join(prefix, given).replace(/\/$/, '');
    const inFolder = (file: string) => wanted === '.' || file.startsWith(`${wanted}/`);
    const below = (file: string) => (wanted === '.' ? file : file.slice(wanted.length + 1));
    const found = entries.filter(
      ({ path: file, mode }) =>
        file === wanted ||
        (inFolder(file) && !isHidden(below(file)) && (hasExtension(file) || mode === '160000') && !isIgnored(file, wanted, rules)) ||
        (/[*?[{]/.test(given) && path.posix.matchesGlob(file, wanted) && !isHidden(file)),
    );
    for (const entry of found) selected.add(entry);
    if (found.length === 0 && !mayBeAbsent)
      problems.push({ code: 'RC101', severity: 'error', message: `${label}${given}: the commit has no such file or folder, or nothing to read in it` });
  }
  return selected;
}

/** Whether a rule leaves out the file, or a folder on the way to it below the one that was asked for. */
function isIgnored(file: string, from: string, rules: readonly IgnoreRules[]): boolean {
  const start = from === '.' ? 0 : from.split('/').length;
  const parts = file.split('/');
  for (let length = start + 1; length <= parts.length; length++) {
    const part = parts.slice(0, length).join('/');
    if (rules.some((ignores) => ignores(part, length < parts.length))) return true;
  }
  return false;
}
