import { existsSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';
import { LACKING } from './git-blobs.ts';
import { type Environment, git, resolveCommit, saidOf } from './git-command.ts';
import { listing } from './git-tree.ts';

/** A commit on the way of a branch, without those that were merged into it. */
export interface Commit {
  readonly sha: string;
  /** The one before it on that way; null for the first of all. */
  readonly parent: string | null;
  /** The first line of its message, cut where it is longer than anybody reads. */
  readonly subject: string;
  /** All ids of what was merged into it. */
  readonly merged: readonly string[];
}

/** The history of a repository, read from its objects. Nothing is checked out, and nothing of it is run. */
export interface GitHistory {
  /** The root of the work tree; of a bare repository, the repository. */
  readonly root: string;
  /** The whole id of a commit, branch or tag. Throws a Failure (exit 4) where there is none. */
  resolve(revision: string): string;
  /** Whether an object is here: a shallow clone may lack it. */
  has(sha: string): boolean;
  /** The commit before one on its way; null for the first of all, and where the clone ends. */
  parent(sha: string): string | null;
  /**
   * First parents of `head` after `base`, the oldest first; undefined when `base` is not one of them, or not here. It costs what
   * is between them, whatever was before.
   */
  firstParents(base: string, head: string): Commit[] | undefined;
  /** The newest commit that both have; undefined when there is none, or the clone is too shallow to tell. */
  mergeBase(a: string, b: string): string | undefined;
  /**
   * The id of the tree that merging `head` into `base` makes; undefined when they conflict. Throws a Failure: exit 1 where the
   * clone is too shallow to tell, exit 4 where `head` has more in it than can be merged.
   */
  merge(base: string, head: string): string | undefined;
  /**
   * The text of a file in a commit; undefined where there is none, or it is no plain file. Throws a Failure (RC103, exit 4) when
   * it is larger than 1 MiB, and one (exit 1) when its content is not here, and cannot be fetched.
   */
  text(revision: string, path: string): string | undefined;
  /** Fetches commits from a remote, with all that is before them. Throws a Failure (exit 1) when that fails. */
  fetch(remote: string, refs: readonly string[]): void;
  /**
   * The default branch of a remote, as that says itself; undefined where there is no such remote. Throws a Failure (exit 1) when
   * it does not say.
   */
  defaultBranch(remote: string): string | undefined;
}

/** A text longer than that is read by nobody. */
const MOST_TEXT = 2 ** 20;

/** As many columns of a subject are given: twice of what GitHub takes as a title. */
const MOST_SUBJECT = 500;

/**
 * `env`: the environment that git runs in; `patience`: milliseconds that it may take each time. Throws a Failure (exit 4) where
 * there is no repository.
 */
export function gitHistory(cwd: string, env: Environment, patience?: number): GitHistory {
  const run = (...args: string[]) =>
    git(cwd, args, { maxBuffer: 2 ** 28, env, ...(patience === undefined ? {} : { patience }) }).toString();
  const tried = (...args: string[]): string | undefined => {
    try {
      return run(...args);
    } catch (error) {
      // Git says by its exit status that there is no such thing; anything else is no answer.
      if (!(error instanceof Error && 'status' in error && typeof error.status === 'number')) throw error;
      return undefined;
    }
  };
  const whole = (sha: string) => {
    if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(sha))
      throw failure(EXIT.invalid, 'RC129', `${JSON.stringify(sha)} is not the id of a commit`);
    return sha;
  };
  /** The commits that a shallow clone ends at. */
  const shallow = (): string[] => {
    const file = path.resolve(cwd, run('rev-parse', '--git-path', 'shallow').trim());
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  };
  const isCut = (...commits: string[]): boolean => {
    const ends = new Set(shallow());
    return (
      ends.size > 0 &&
      run('rev-list', '--max-parents=0', ...commits, '--')
        .split('\n')
        .some((root) => ends.has(root))
    );
  };
  return {
    root: rootOf(cwd, env),
    resolve: (revision) => resolveCommit(revision, cwd),
    has: (sha) => tried('cat-file', '-e', `${whole(sha)}^{commit}`) !== undefined,
    parent: (sha) => tried('rev-parse', '--verify', '--quiet', `${whole(sha)}^`)?.trim() ?? null,
    firstParents(base, head) {
      if (tried('cat-file', '-e', `${whole(base)}^{commit}`) === undefined) return undefined;
      const format = `--format=%H%x00%P%x00%<(${MOST_SUBJECT},trunc)%s`;
      const range = ['--first-parent', '--ancestry-path', `${base}..${whole(head)}`, '--'];
      const listed = run('log', '--no-show-signature', format, ...range);
      const commits: Commit[] = [];
      // Of commits that claim to be older than their parents git may list what is not between.
      let next: string | null = head;
      for (const line of listed.split('\n').filter(Boolean)) {
        const [sha = '', parents = '', subject = ''] = line.split('\0');
        if (sha !== next) return undefined;
        const [parent = null, ...merged] = parents.split(' ').filter(Boolean);
        commits.push({ sha, parent, subject: subject.slice(0, MOST_SUBJECT).trimEnd(), merged });
        next = parent;
      }
      return next === base ? commits.reverse() : undefined;
    },
    mergeBase: (a, b) => tried('merge-base', whole(a), whole(b))?.trim(),
    merge(base, head) {
      // Without a merge nothing need be known of what was before.
      if (base === head || tried('merge-base', '--is-ancestor', whole(base), whole(head)) !== undefined)
        return run('rev-parse', '--verify', `${whole(head)}^{tree}`).trim();
      if (isCut(base, head))
        throw failure(
          EXIT.error,
          'RC129',
          `the clone is shallow: what merging ${head.slice(0, 12)} into ${base.slice(0, 12)} makes cannot be told`,
          'actions/checkout with fetch-depth: 0, or git fetch --unshallow',
        );
      try {
        // A tree of trees that are all the same may have billions of files, which git would look at one by one.
        listing(cwd, whole(head), [], env);
        return mergeTree(cwd, env, whole(base), head);
      } catch (error) {
        if (error instanceof Error && 'status' in error && error.status === 1) return undefined;
        throw unreadable(error, `${head} cannot be merged into ${base}`);
      }
    },
    text(revision, path) {
      const listed = tried('ls-tree', '-z', '--full-tree', whole(revision), '--', `:(literal)${path}`);
      const [, mode, object] = /^(\d+) \w+ ([0-9a-f]+)\t/.exec(listed ?? '') ?? [];
      if (!mode?.startsWith('100') || object === undefined) return undefined;
      try {
        if (Number(run('cat-file', '-s', object)) <= MOST_TEXT) return run('cat-file', 'blob', object);
      } catch (error) {
        throw saidOf(error, EXIT.error, `${path} of ${revision} cannot be read`, LACKING);
      }
      throw failure(
        EXIT.invalid,
        'RC103',
        `${path} is larger than 1 MiB in ${revision.slice(0, 12)}`,
        'no configuration is: is it another file?',
      );
    },
    fetch(remote, refs) {
      refuseOptions(remote, ...refs);
      try {
        run(
          'fetch',
          ...(shallow().length > 0 ? ['--unshallow'] : []),
          '--quiet',
          '--no-tags',
          '--no-recurse-submodules',
          '--no-write-fetch-head',
          '--',
          remote,
          ...refs,
        );
      } catch (error) {
        throw unreadable(error, `cannot fetch ${refs.join(', ')}`);
      }
    },
    defaultBranch(remote) {
      refuseOptions(remote);
      if (tried('remote', 'get-url', remote) === undefined) return undefined;
      let listed: string;
      try {
        listed = run('ls-remote', '--symref', '--', remote, 'HEAD');
      } catch (error) {
        throw unreadable(error, `cannot ask ${remote} for its default branch`);
      }
      const [, branch] = /^ref: refs\/heads\/(.+)\tHEAD$/m.exec(listed) ?? [];
      if (branch === undefined)
        throw failure(EXIT.error, 'RC129', `${remote} does not say which is its default branch`);
      return branch;
    },
  };
}

function refuseOptions(...names: readonly string[]): void {
  if (names.some((name) => name.startsWith('-')))
    throw failure(EXIT.invalid, 'RC129', 'a remote or ref cannot begin with a dash');
}

function rootOf(cwd: string, env: Environment): string {
  try {
    // Nothing of a bare repository, or of its own folder, is above it.
    const up = git(cwd, ['rev-parse', '--show-cdup'], { env }).toString();
    return path.resolve(cwd, up.replace(/\n$/, ''));
  } catch (error) {
    throw saidOf(
      error,
      EXIT.invalid,
      'the folder is in no repository that git can read',
      'run it in a checkout of the repository with the manifests',
    );
  }
}

/** The id of the tree without anything in it. */
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/**
 * Merges as a repository without files would that has no attributes: those of the files could name a program of the
 * configuration that merges or filters them.
 */
function mergeTree(cwd: string, env: Environment, base: string, head: string): string {
  const folder = git(cwd, ['rev-parse', '--absolute-git-dir'], { env }).toString().replace(/\n$/, '');
  const settings = {
    'core.bare': 'true',
    'core.attributesFile': devNull,
    'attr.tree': EMPTY_TREE,
    'merge.default': 'text',
    'merge.renormalize': 'false',
  };
  const args = [
    `--git-dir=${folder}`,
    '--bare',
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ...['merge-tree', '--write-tree', '--no-messages', base, head],
  ];
  return git(cwd, args, { env: { ...env, GIT_INDEX_FILE: path.join(folder, 'no-index') } })
    .toString()
    .trim();
}

function unreadable(error: unknown, what: string) {
  return saidOf(
    error,
    EXIT.error,
    what,
    'a shallow clone may lack what is needed: actions/checkout with fetch-depth: 0, or git fetch --unshallow',
  );
}
