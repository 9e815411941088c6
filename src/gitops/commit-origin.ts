import { Failure } from '../core/problem.ts';
import type { Commit } from '../sources/git-history.ts';
import type { Forge, PullRequest } from './forge.ts';

/** What GitHub writes where it merges or squashes. */
const NAMED = /^Merge pull request #(\d+) from |\(#(\d+)\)$/;

/** How often it is waited for a forge that does not know yet what happened just now. */
const WAITS = 4;

/**
 * Finds the pull request that a commit of these, the oldest first, came from, by its index; undefined for one that was pushed
 * without. It must be merged into `branch`: one that brought the commit into another branch says nothing about this one.
 *
 * Just after a merge a forge may not know yet what a commit came from. Then its message says so, or the pull requests that were
 * merged last do, and a while is waited: without a pull request nobody would ask who looked at it.
 */
export function originsOf(
  forge: Forge,
  commits: readonly Commit[],
  branch: string | undefined,
): (at: number) => Promise<PullRequest | undefined> {
  const isIts = ({ state, baseRef }: PullRequest) =>
    state === 'merged' && (branch === undefined || baseRef === branch);
  const subjects = new Map<number, Promise<readonly string[]>>();
  let merged: Promise<readonly PullRequest[]> | undefined;
  let waits = 0;

  async function told({ sha }: Commit): Promise<PullRequest | undefined> {
    const found = (await forge.pullRequestsOf(sha)).filter(isIts);
    return found.find(({ mergeCommit }) => mergeCommit === sha) ?? found[0];
  }

  /** The pull request itself must confirm it: anybody may write such a message. */
  async function named({ sha, subject }: Commit): Promise<PullRequest | undefined> {
    const [, ...numbers] = NAMED.exec(subject) ?? [];
    const number = Number(numbers.find((one) => one !== undefined));
    if (!Number.isSafeInteger(number)) return undefined;
    try {
      const pull = await forge.pullRequest(number);
      return isIts(pull) && pull.mergeCommit === sha ? pull : undefined;
    } catch (error) {
      // An issue, or one of another repository.
      if (error instanceof Failure) return undefined;
      throw error;
    }
  }

  async function merging(at: number): Promise<PullRequest | undefined> {
    merged ??= forge.mergedLast(branch);
    for (const pull of (await merged).filter(isIts)) {
      const end = commits.findIndex(({ sha }) => sha === pull.mergeCommit);
      if (end === at) return pull;
      if (end < at) continue;
      const listed = subjects.get(pull.number) ?? forge.subjectsOf(pull.number);
      subjects.set(pull.number, listed);
      if (beginOfRebase(commits, end, await listed) <= at) return pull;
    }
    return undefined;
  }

  return async (at) => {
    const commit = commits[at];
    const tip = commits.at(-1);
    if (!commit || !tip) return undefined;
    for (;;) {
      const found = (await told(commit)) ?? (await named(commit)) ?? (await merging(at));
      if (found || waits === WAITS) return found;
      // Where the last one is not so new, none is.
      waits = (await forge.waitsFor(tip.sha)) ? waits + 1 : WAITS;
      merged = undefined;
    }
  };
}

/** What of a subject is compared: of a very long one git gives no more than its beginning. */
function beginOf(subject: string): string {
  return subject.slice(0, 200).trimEnd();
}

/** Where the commits of a rebase merge begin that ends at `end`: they are copies, and keep their subjects. */
function beginOfRebase(commits: readonly Commit[], end: number, subjects: readonly string[]): number {
  let begin = end + 1;
  for (const subject of subjects.toReversed()) {
    const before = commits[begin - 1];
    // Git leaves one out that changes nothing any more.
    if (before?.merged.length === 0 && beginOf(before.subject) === beginOf(subject)) begin--;
  }
  return begin;
}
