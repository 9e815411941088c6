import { realpathSync } from 'node:fs';
import path from 'node:path';
import { EXIT, type Problem } from '../core/problem.ts';
import type { InputText } from '../core/read-input.ts';
import { decode, tooLarge } from './decode.ts';
import { effort, type Spend } from './effort.ts';
import { blobsOf, LACKING } from './git-blobs.ts';
import { git, resolveCommit, saidOf } from './git-command.ts';
import { type Entry, isFolder, isLink, readTree, type Tree } from './git-tree.ts';
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
export function gitSource(options: GitOptions): Source {
  return {
    name: `${options.paths.join(' ')} at ${options.revision}`,
    async load() {
      try {
        return await read(options);
      } catch (error) {
        throw saidOf(error, EXIT.error, `${options.revision} cannot be read`, LACKING);
      }
    },
  };
}

async function read({ revision, isTree, paths, cwd, label, mayBeAbsent }: GitOptions): Promise<Loaded> {
  const commit = isTree ? revision : resolveCommit(revision, cwd);
  const prefix = git(cwd, ['rev-parse', '--show-prefix']).toString().replace(/\n$/, '');
  const wanted = paths.map((given) => ({ given, from: fromRoot(given, prefix, cwd) }));
  const blobs = blobsOf(cwd, commit);
  const bases = wanted.flatMap(({ given, from }) => (given === '' ? [] : baseOf(from)));
  const tree = readTree(cwd, commit, bases, blobs);
  const problems: Problem[] = [];
  const shown = (entry: string) => label + (path.posix.relative(prefix, entry) || entry);
  const files = new Set<Entry>();
  const spend = effort();
  for (const { given, from } of wanted) {
    const passed: string[] = [];
    const roots = given === '' ? [] : rootsOf(tree, from, passed, spend);
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
      const found: Entry[] = [];
      await walk(tree, root, [], found, spend, (file) => problems.push(rulesTooLarge(shown(file))));
      if (found.length === 0 && !mayBeAbsent && !isGlob(given)) problems.push(nothingIn(label + given));
      const walked = foldersOf(found);
      for (const entry of found) {
        const what = refusal(tree, root, entry, walked);
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
  const named = Map.groupBy(files, ({ object }) => object);
  const texts: InputText[] = [];
  for (const [object, bytes] of blobs(Array.from(files, (entry) => entry.object)))
    for (const entry of named.get(object) ?? []) {
      const file = shown(entry.path);
      if (!bytes) problems.push(tooLarge(file));
      const text = bytes && decode(file, bytes, problems);
      if (text !== undefined) texts.push({ file, text });
    }
  return { texts, problems, known: [] };
}

/** A path as it is from the root of the repository. */
function fromRoot(given: string, prefix: string, cwd: string): string {
  const relative = path.isAbsolute(given) ? path.relative(realpathSync(cwd), given) : given;
  return path.posix.join(prefix, relative).replace(/\/$/, '');
}

/** What must be known of a commit to find what a path means: the folder that everything which it matches is below. */
function baseOf(from: string): string {
  const parts = from.split('/');
  const first = parts.findIndex(isGlob);
  return first < 0 ? from : parts.slice(0, first).join('/') || '.';
}

/** The files and folders of a commit that a path means; `passed` gets links to folders that a glob left unread. */
function rootsOf(tree: Tree, from: string, passed: string[], spend: Spend): string[] {
  if (tree.entries.has(from)) return [from];
  if (!isGlob(from)) return [];
  const visited = new Set<string>();
  const links: string[] = [];
  const list = (folder: string) => {
    visited.add(folder);
    return listed(tree, folder);
  };
  const matches = expandGlob(from, list, (link) => links.push(link), spend);
  passed.push(...links.filter((link) => !visited.has(folderOf(tree, link) ?? '')));
  return matches;
}

/** The folder that a symbolic link leads to, when that is in the commit. */
function folderOf(tree: Tree, link: string): string | undefined {
  const lead = tree.leads.get(link);
  return typeof lead === 'object' ? lead.folder : undefined;
}

function listed(tree: Tree, folder: string): Listed[] {
  return Array.from(tree.entries.get(folder)?.entries ?? [], ([name, entry]) => ({
    name,
    isFolder: isFolder(entry) || folderOf(tree, entry.path) !== undefined,
    isLink: isLink(entry),
  }));
}

/** What looking at a file costs, in steps of comparing. */
const LOOKING = 500;

/** Finds what is to be read of a file or folder, links and submodules among it. */
async function walk(
  tree: Tree,
  root: string,
  outer: readonly IgnoreRules[],
  found: Entry[],
  spend: Spend,
  tooLarge: (file: string) => void,
): Promise<void> {
  const top = tree.entries.get(root);
  if (!top) return;
  if (!isFolder(top)) {
    found.push(top);
    return;
  }
  // Any number of paths may be of the same folder.
  spend(top.entries.size * LOOKING);
  const ignoring = top.entries.get(IGNORE_FILE);
  if (ignoring && isLink(ignoring)) found.push(ignoring);
  const isSaid = ignoring !== undefined && tree.rules.has(ignoring.object) && !isLink(ignoring);
  const text = isSaid ? tree.rules.get(ignoring.object) : undefined;
  if (isSaid && text === undefined) tooLarge(ignoring.path);
  const rules = text === undefined ? outer : [...outer, await ignoreRules(root, text, spend)];
  for (const [name, entry] of top.entries) {
    if (name.startsWith('.') || isLeftOut(rules, entry.path, isFolder(entry))) continue;
    if (isFolder(entry)) await walk(tree, entry.path, rules, found, spend, tooLarge);
    else if (hasExtension(name) || isLink(entry) || entry.mode === '160000') found.push(entry);
  }
}

/** A folder in which everything would be read that it says is not. */
function rulesTooLarge(file: string): Problem {
  return {
    code: 'RC103',
    severity: 'error',
    message: 'the file is larger than 1 MiB',
    place: { file, line: 1, column: 1 },
    hint: 'name folders instead of files in it',
  };
}

/** All folders that files are in, or below. */
function foldersOf(files: readonly Entry[]): Set<string> {
  const folders = new Set<string>();
  for (const { path: file } of files)
    for (let folder = path.posix.dirname(file); !folders.has(folder); folder = path.posix.dirname(folder))
      folders.add(folder);
  return folders;
}

/** Why an entry cannot be read: its content is not in it. `nothing` when it does not matter. */
function refusal(tree: Tree, root: string, entry: Entry, walked: ReadonlySet<string>): string | undefined {
  if (entry.mode === '160000') return 'a submodule';
  if (!isLink(entry)) return undefined;
  if (entry.path === root || hasExtension(entry.path) || path.posix.basename(entry.path) === IGNORE_FILE)
    return 'a symbolic link';
  // As in a folder on disk: one to a folder inside is walked where that folder is, one to a file that is no manifest is none.
  const lead = tree.leads.get(entry.path);
  if (lead === 'out') return 'a symbolic link that leads out of the repository';
  if (typeof lead !== 'object') return 'nothing';
  const within = root === '.' || lead.folder === root || lead.folder.startsWith(`${root}/`);
  if (!within) return 'a symbolic link that leads out of its folder';
  return lead.folder === root || walked.has(lead.folder)
    ? 'nothing'
    : 'a symbolic link to a folder that is left out';
}
