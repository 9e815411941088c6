import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';
import type { ReadBlobs } from './git-blobs.ts';
import { type Environment, git } from './git-command.ts';
import { IGNORE_FILE } from './path-rules.ts';

/** Bytes of a listing: those of a million files, or more. */
const MOST_LISTED = 2 ** 27;

/** Files and folders that manifests are looked for among. */
const MOST_ENTRIES = 500_000;

/** Folders in folders. */
const MOST_DEEP = 256;

/** Characters of a path: no system takes more. */
const MOST_LONG = 4096;

/** Bytes of the paths that git is given: there is a limit to arguments, too. */
const MOST_NAMED = 2 ** 16;

/** Bytes that a symbolic link, and an .iamignore, may have. */
const MOST_LINK = 4096;
const MOST_RULES = 2 ** 20;

/** Links whose targets must be looked for. */
const MOST_LINKS = 10_000;

export interface Entry {
  /** 100644, 040000 for a folder, 120000 for a symbolic link, 160000 for a submodule. */
  readonly mode: string;
  readonly object: string;
  /** From the root of the repository, which is `.`. */
  readonly path: string;
  /** What is in it, by name. */
  readonly entries: ReadonlyMap<string, Entry>;
}

/** Where a symbolic link leads: out of the repository, to a folder of it, or to what is none. */
export type Lead = 'out' | 'no folder' | { readonly folder: string };

/** What is below some paths of a commit, and the folders on the way there; nothing else that is in it. */
export interface Tree {
  readonly entries: ReadonlyMap<string, Entry>;
  /** By the paths of symbolic links. */
  readonly leads: ReadonlyMap<string, Lead>;
  /** What an .iamignore says, by object; undefined when it is larger than 1 MiB. */
  readonly rules: ReadonlyMap<string, string | undefined>;
}

export function isFolder({ mode }: Entry): boolean {
  return mode === '040000';
}

export function isLink({ mode }: Entry): boolean {
  return mode === '120000';
}

/**
 * What `git ls-tree` says of everything in a commit or tree, or below some paths of it, each with NUL after it. Throws a Failure
 * (exit 4) where that is too much: a tree of trees that are all the same may have billions of files.
 */
export function listing(cwd: string, revision: string, paths: readonly string[], env?: Environment): Buffer {
  return git(
    cwd,
    [
      ...['ls-tree', '-r', '-t', '-z', '--full-tree', revision, '--'],
      ...paths.map((each) => `:(literal)${each}`),
    ],
    { maxBuffer: MOST_LISTED, env },
  );
}

/**
 * Reads what is below `paths`, which are relative to the root. Throws a Failure (exit 4) where it is too much or too deep, or
 * two things have one name.
 */
export function readTree(cwd: string, revision: string, paths: readonly string[], read: ReadBlobs): Tree {
  // Of what is not in the repository git does not say that it is not there, but fails.
  const inside = paths.filter((each) => !/^\/|^\.\.(?:\/|$)|\0/.test(each));
  const isMuch = inside.reduce((sum, each) => sum + Buffer.byteLength(each) + 16, 0) > MOST_NAMED;
  const listed = inside.length === 0 ? Buffer.of() : listing(cwd, revision, isMuch ? [] : inside);
  const entries = entriesOf(listed);
  const links: Entry[] = [];
  const ignoring = new Set<string>();
  for (const entry of entries.values()) {
    if (isLink(entry)) links.push(entry);
    else if (path.posix.basename(entry.path) === IGNORE_FILE && entry.mode.startsWith('100'))
      ignoring.add(entry.object);
  }
  const targets = new Map<string, string>();
  const rules = new Map<string, string | undefined>();
  for (const [object, content] of read([...links.map(({ object }) => object), ...ignoring], MOST_RULES)) {
    if (ignoring.has(object)) rules.set(object, content?.toString());
    if (content && content.length <= MOST_LINK) targets.set(object, content.toString());
  }
  return { entries, leads: leadsOf(cwd, revision, entries, links, targets), rules };
}

interface Building extends Entry {
  readonly entries: Map<string, Entry>;
}

function entriesOf(listed: Buffer): Map<string, Building> {
  let count = 0;
  for (let end = listed.indexOf(0); end >= 0; end = listed.indexOf(0, end + 1)) count++;
  if (count > MOST_ENTRIES)
    throw failure(
      EXIT.invalid,
      'RC129',
      `there are ${count.toLocaleString('en')} files and folders to look through, more than 500,000`,
      'name only the folders with the manifests',
    );
  const none = new Map<string, Entry>();
  const entries = new Map<string, Building>();
  entries.set('.', { mode: '040000', object: '', path: '.', entries: new Map() });
  for (let start = 0; start < listed.length; ) {
    const end = listed.indexOf(0, start);
    const line = listed.toString('utf8', start, end);
    start = end + 1;
    const tab = line.indexOf('\t');
    const [mode = '', , object = ''] = line.slice(0, tab).split(' ');
    const file = line.slice(tab + 1);
    // Which of two is meant nobody can tell.
    if (entries.has(file))
      throw failure(
        EXIT.invalid,
        'RC129',
        `${file}: the commit has two of this name`,
        'names must be UTF-8, each once in a folder; git fsck says more',
      );
    if (file.length > MOST_LONG)
      throw failure(
        EXIT.invalid,
        'RC129',
        `${file.slice(0, 40)}…: the path is longer than ${MOST_LONG.toLocaleString('en')} characters`,
        'name only the folders with the manifests',
      );
    if (file.length > 2 * MOST_DEEP && file.split('/').length > MOST_DEEP)
      throw failure(
        EXIT.invalid,
        'RC129',
        `${file.slice(0, 40)}…: there are more than ${MOST_DEEP} folders in folders`,
        'name only the folders with the manifests',
      );
    entries.set(file, { mode, object, path: file, entries: mode === '040000' ? new Map() : none });
  }
  for (const entry of entries.values()) {
    const folder = entries.get(path.posix.dirname(entry.path));
    if (folder && isFolder(folder) && folder !== entry)
      folder.entries.set(path.posix.basename(entry.path), entry);
  }
  return entries;
}

function leadsOf(
  cwd: string,
  revision: string,
  entries: ReadonlyMap<string, Entry>,
  links: readonly Entry[],
  targets: ReadonlyMap<string, string>,
): Map<string, Lead> {
  const leads = new Map<string, Lead>();
  const elsewhere: { readonly link: string; readonly to: string }[] = [];
  for (const { path: link, object } of links) {
    const target = targets.get(object) ?? '';
    const to = path.posix.join(path.posix.dirname(link), target).replace(/\/$/, '');
    const found = entries.get(to);
    if (target.startsWith('/') || /^\.\.(?:\/|$)/.test(to)) leads.set(link, 'out');
    else if (found && target !== '') leads.set(link, isFolder(found) ? { folder: to } : 'no folder');
    else if (target === '' || /[\0\n]/.test(to)) leads.set(link, 'no folder');
    else elsewhere.push({ link, to });
  }
  if (elsewhere.length === 0) return leads;
  if (elsewhere.length > MOST_LINKS)
    throw failure(
      EXIT.invalid,
      'RC129',
      `there are more than ${MOST_LINKS.toLocaleString('en')} symbolic links that lead elsewhere`,
      'name only the folders with the manifests',
    );
  // With a slash after it only a folder is found, and of a file that is not here the content is not asked for.
  const input = elsewhere.map(({ to }) => `${revision}:${to}/`).join('\n');
  const types = git(cwd, ['cat-file', '--batch-check=%(objecttype)'], { input }).toString().split('\n');
  for (const [i, { link, to }] of elsewhere.entries())
    leads.set(link, types[i] === 'tree' ? { folder: to } : 'no folder');
  return leads;
}
