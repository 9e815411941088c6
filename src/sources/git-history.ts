import { EXIT, failure } from '../core/problem.ts';
import { git, resolveCommit } from './git-command.ts';

/** A commit on the way of a branch, without those that were merged into it. */
export interface Commit {
  readonly sha: string;
  /** The one before it on that way; null for the first of all. */
  readonly parent: string | null;
  /** The first line of its message. */
  readonly subject: string;
  /** All ids of what was merged into it. */
  readonly merged: readonly string[];
}

/** The history of a repository, read from its objects. Nothing is checked out, and nothing of it is run. */
export interface GitHistory {
  /** The whole id of a commit, branch or tag. Throws a Failure (exit 4) where there is none. */
  resolve(revision: string): string;
  /** Whether an object is here: a shallow clone may lack it. */
  has(sha: string): boolean;
  /** First parents of `head` after `base`, the oldest first; undefined when `base` is not one of them. */
  firstParents(base: string, head: string): Commit[] | undefined;
  /** The newest commit that both have; undefined when there is none, or the clone is too shallow to tell. */
  mergeBase(a: string, b: string): string | undefined;
  /** The id of the tree that merging `head` into `base` makes; undefined when they conflict. */
  merge(base: string, head: string): string | undefined;
  /** The text of a file in a commit; undefined where there is none, or it is no plain file. */
  text(revision: string, path: string): string | undefined;
  /** The paths that differ between two commits. */
  changedPaths(base: string, head: string): string[];
  /** Fetches commits from a remote. Throws a Failure (exit 1) when that fails. */
  fetch(remote: string, refs: readonly string[]): void;
}

export function gitHistory(cwd: string): GitHistory {
  const run = (...args: string[]) => git(cwd, args, undefined, 2 ** 28).toString();
  const tried = (...args: string[]): string | undefined => {
    try {
      return run(...args);
    } catch {
      // Git says by its exit status that there is no such thing.
      return undefined;
    }
  };
  const whole = (sha: string) => {
    if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(sha))
      throw failure(EXIT.invalid, 'RC129', `${JSON.stringify(sha)} is not the id of a commit`);
    return sha;
  };
  return {
    resolve: (revision) => resolveCommit(revision, cwd),
    has: (sha) => tried('cat-file', '-e', `${whole(sha)}^{commit}`) !== undefined,
    firstParents(base, head) {
      const listed = run('log', '--first-parent', '--format=%H%x00%P%x00%s', whole(head), '--');
      const commits: Commit[] = [];
      for (const line of listed.split('\n').filter(Boolean)) {
        const [sha = '', parents = '', subject = ''] = line.split('\0');
        if (sha === base) return commits.reverse();
        const [parent = null, ...merged] = parents.split(' ').filter(Boolean);
        commits.push({ sha, parent, subject, merged });
      }
      return undefined;
    },
    mergeBase: (a, b) => tried('merge-base', whole(a), whole(b))?.trim(),
    merge(base, head) {
      if (base === head) return run('rev-parse', '--verify', `${whole(head)}^{tree}`).trim();
      try {
        return run('merge-tree', '--write-tree', '--no-messages', whole(base), whole(head)).trim();
      } catch (error) {
        if (error instanceof Error && 'status' in error && error.status === 1) return undefined;
        throw unreadable(error, `${head} cannot be merged into ${base}`);
      }
    },
    text(revision, path) {
      const listed = tried('ls-tree', '-z', '--full-tree', whole(revision), '--', `:(literal)${path}`);
      const [, mode, object] = /^(\d+) \w+ ([0-9a-f]+)\t/.exec(listed ?? '') ?? [];
      return mode?.startsWith('100') && object ? run('cat-file', 'blob', object) : undefined;
    },
    changedPaths: (base, head) =>
      run('diff-tree', '-r', '-z', '--name-only', '--no-renames', whole(base), whole(head))
        .split('\0')
        .filter(Boolean),
    fetch(remote, refs) {
      if (remote.startsWith('-') || refs.some((ref) => ref.startsWith('-')))
        throw failure(EXIT.invalid, 'RC129', 'a remote or ref cannot begin with a dash');
      try {
        run(
          'fetch',
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
  };
}

function unreadable(error: unknown, what: string) {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return failure(
    EXIT.error,
    'RC129',
    `${what}: ${(said.split('\n')[0] ?? '').replace(/^(?:fatal|error): /, '')}`,
    'a shallow clone may lack what is needed: actions/checkout with fetch-depth: 0, or git fetch --unshallow',
  );
}
