import { realpathSync } from 'node:fs';
import path from 'node:path';
import { LIMITS } from '../core/document.ts';
import { EXIT, failure, type Problem } from '../core/problem.ts';
import type { InputText } from '../core/read-input.ts';
import { decode, tooLarge } from './decode.ts';
import { git, resolveCommit } from './git-command.ts';
import { expandGlob, isGlob, type Listed } from './glob.ts';
import {
  hasExtension,
  IGNORE_FILE,
  type IgnoreRules,
  ignoreRules,
  isLeftOut,
  nothingIn,
} from './path-rules.ts';
import type { Loaded, Source } from './source.ts';

export interface GitOptions {
  /** A commit, branch or tag; the id of a tree where `isTree`. */
  readonly revision: string;
  readonly isTree?: boolean;
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
export function gitSource({ revision, isTree, paths, cwd, label, mayBeAbsent }: GitOptions): Source {
  return {
    name: `${paths.join(' ')} at ${revision}`,
    async load() {
      const commit = isTree ? revision : resolveCommit(revision, cwd);
      const prefix = git(cwd, ['rev-parse', '--show-prefix']).toString().replace(/\n$/, '');
      const tree = listTree(commit, cwd);
      const problems: Problem[] = [];
      const shown = (entry: string) => label + (path.posix.relative(prefix, entry) || entry);
      const files = new Set<Entry>();
      for (const given of paths) {
        const passed: string[] = [];
        const roots = rootsOf(tree, given, prefix, cwd, passed);
        for (const link of passed)
          problems.push({
            code: 'RC129',
            severity: 'error',
            message: `${shown(link)}: is a symbolic link to a folder, which ** does not follow`,
            hint: `give the folder itself, where ${IGNORE_FILE} can name it`,
          });
        if (roots.length === 0 && (given === '' || !mayBeAbsent))
          problems.push({
            code: 'RC101',
            severity: 'error',
            message: `${label}${given || '""'}: the commit has no such file or folder`,
            hint: 'is it committed? paths are relative to the folder that iam runs in',
          });
        for (const root of roots) {
          const found = await walk(tree, root, cwd);
          if (found.length === 0 && !mayBeAbsent && !isGlob(given)) problems.push(nothingIn(label + given));
          for (const entry of found) {
            const what = refusal(tree, root, entry, found, cwd);
            if (what === undefined) files.add(entry);
            else if (what !== 'nothing')
              problems.push({
                code: 'RC129',
                severity: 'error',
                message: `${shown(entry.path)}: is ${what}, which is not read from a commit`,
                hint: `put what it leads to there, or name it in ${IGNORE_FILE}`,
              });
          }
        }
      }
      const texts: InputText[] = [];
      const blobs = readBlobs([...files], cwd);
      for (const entry of files) {
        const file = shown(entry.path);
        const bytes = blobs.get(entry.object);
        if (!bytes) problems.push(tooLarge(file));
        const text = bytes && decode(file, bytes, problems);
        if (text !== undefined) texts.push({ file, text });
      }
      return { texts, problems, known: [] } satisfies Loaded;
    },
  };
}

interface Entry {
  /** 100644, 040000 for a folder, 120000 for a symbolic link, 160000 for a submodule. */
  readonly mode: string;
  readonly object: string;
  /** From the root of the repository, which is `.`. */
  readonly path: string;
  /** What is in it, by name. */
  readonly entries: Map<string, Entry>;
}

type Tree = ReadonlyMap<string, Entry>;

/** Everything in a commit, folders too, by path. */
function listTree(commit: string, cwd: string): Tree {
  const root: Entry = { mode: '040000', object: '', path: '.', entries: new Map() };
  const tree = new Map([['.', root]]);
  const listing = git(
    cwd,
    ['ls-tree', '-r', '-t', '-z', '--full-tree', commit],
    undefined,
    2 ** 30,
  ).toString();
  for (const line of listing.split('\0')) {
    const tab = line.indexOf('\t');
    const [mode = '', , object = ''] = line.slice(0, Math.max(tab, 0)).split(' ');
    const file = line.slice(tab + 1);
    if (tab < 0) continue;
    const entry: Entry = { mode, object, path: file, entries: new Map() };
    tree.set(file, entry);
    tree.get(path.posix.dirname(file))?.entries.set(path.posix.basename(file), entry);
  }
  return tree;
}

/** The files and folders of a commit that a path means; `passed` gets links to folders that a glob left unread. */
function rootsOf(tree: Tree, given: string, prefix: string, cwd: string, passed: string[]): string[] {
  if (given === '') return [];
  const relative = path.isAbsolute(given) ? path.relative(realpathSync(cwd), given) : given;
  const wanted = path.posix.join(prefix, relative).replace(/\/$/, '');
  if (tree.has(wanted)) return [wanted];
  if (!isGlob(given)) return [];
  const visited = new Set<string>();
  const links: string[] = [];
  const list = (folder: string) => {
    visited.add(folder);
    return listed(tree, folder, cwd);
  };
  const matches = expandGlob(wanted, list, (link) => links.push(link));
  passed.push(...links.filter((link) => !visited.has(linkTarget(tree, tree.get(link), cwd)?.path ?? '')));
  return matches;
}

/** What a symbolic link of a commit leads to, when that is in the commit. */
function linkTarget(tree: Tree, link: Entry | undefined, cwd: string): Entry | undefined {
  if (!link) return undefined;
  const target = readBlobs([link], cwd).get(link.object)?.toString() ?? '';
  if (target.startsWith('/')) return undefined;
  return tree.get(path.posix.join(path.posix.dirname(link.path), target).replace(/\/$/, ''));
}

function isFolder({ mode }: Entry): boolean {
  return mode === '040000';
}

function listed(tree: Tree, folder: string, cwd: string): Listed[] {
  return [...(tree.get(folder)?.entries ?? [])].map(([name, entry]) => ({
    name,
    isFolder: isFolder(entry.mode === '120000' ? (linkTarget(tree, entry, cwd) ?? entry) : entry),
    isLink: entry.mode === '120000',
  }));
}

/** What is to be read of a file or folder, links and submodules among it. */
async function walk(
  tree: Tree,
  root: string,
  cwd: string,
  outer: readonly IgnoreRules[] = [],
): Promise<Entry[]> {
  const top = tree.get(root);
  if (!top || !isFolder(top)) return top ? [top] : [];
  const ignoring = top.entries.get(IGNORE_FILE);
  const text = ignoring && !isFolder(ignoring) && readBlobs([ignoring], cwd).get(ignoring.object)?.toString();
  const rules = typeof text !== 'string' ? outer : [...outer, await ignoreRules(root, text)];
  const found: Entry[] = ignoring?.mode === '120000' ? [ignoring] : [];
  for (const [name, entry] of top.entries) {
    if (name.startsWith('.') || isLeftOut(rules, entry.path, isFolder(entry))) continue;
    if (isFolder(entry)) found.push(...(await walk(tree, entry.path, cwd, rules)));
    else if (hasExtension(name) || entry.mode === '120000' || entry.mode === '160000') found.push(entry);
  }
  return found;
}

/** Why an entry cannot be read: its content is not in it. `nothing` when it does not matter. */
function refusal(
  tree: Tree,
  root: string,
  entry: Entry,
  walked: readonly Entry[],
  cwd: string,
): string | undefined {
  if (entry.mode === '160000') return 'a submodule';
  if (entry.mode !== '120000') return undefined;
  if (entry.path === root || hasExtension(entry.path) || path.posix.basename(entry.path) === IGNORE_FILE)
    return 'a symbolic link';
  // As in a folder on disk: one to a folder inside is walked where that folder is, one to a file that is no manifest is none.
  const target = readBlobs([entry], cwd).get(entry.object)?.toString() ?? '';
  const to = path.posix.join(path.posix.dirname(entry.path), target);
  if (target.startsWith('/') || to.startsWith('..'))
    return 'a symbolic link that leads out of the repository';
  const found = tree.get(to.replace(/\/$/, ''));
  const within = root === '.' || found?.path === root || found?.path.startsWith(`${root}/`);
  if (!found || !isFolder(found)) return 'nothing';
  if (!within) return 'a symbolic link that leads out of its folder';
  const isWalked = found.path === root || walked.some(({ path: file }) => file.startsWith(`${found.path}/`));
  return isWalked ? 'nothing' : 'a symbolic link to a folder that is left out';
}

/** The content of entries by object, in one run of git; without those that are too large. */
function readBlobs(entries: readonly Entry[], cwd: string): Map<string, Buffer> {
  const blobs = new Map<string, Buffer>();
  if (entries.length === 0) return blobs;
  const names = entries.map(({ object }) => object);
  const sizes = git(cwd, ['cat-file', '--batch-check=%(objectsize)'], names.join('\n'))
    .toString()
    .trim()
    .split('\n')
    .map(Number);
  if (sizes.some(Number.isNaN))
    throw failure(
      EXIT.invalid,
      'RC129',
      'the repository lacks a file of that commit',
      'it is a partial clone: fetch all of it',
    );
  const readable = names.flatMap((name, i) =>
    (sizes[i] ?? 0) > LIMITS.fileBytes ? [] : [{ name, size: sizes[i] ?? 0 }],
  );
  const total = readable.reduce((sum, { size }) => sum + size + 200, 0);
  const all = git(cwd, ['cat-file', '--batch'], readable.map(({ name }) => name).join('\n'), total);
  let at = 0;
  for (const { name, size } of readable) {
    const start = all.indexOf('\n', at) + 1;
    blobs.set(name, all.subarray(start, start + size));
    at = start + size + 1;
  }
  return blobs;
}
