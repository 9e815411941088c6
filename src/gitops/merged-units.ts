import type { Commit, GitHistory } from '../sources/git-history.ts';
import type { Forge, PullRequest } from './forge.ts';

/** Commits of the default branch that were merged together, and are applied together: the way between is nobody's. */
export interface MergedUnit {
  /** What was there before; null for the first commit of all. */
  readonly parent: string | null;
  readonly tip: string;
  readonly subject: string;
  /** Undefined for what was pushed without one. */
  readonly pull: PullRequest | undefined;
}

/** Commits, the oldest first, by what they came from. A rebase merge makes several of one pull request. */
export async function unitsOf(forge: Forge | undefined, commits: readonly Commit[]): Promise<MergedUnit[]> {
  const units: MergedUnit[] = [];
  for (const { sha, parent, subject } of commits) {
    const pull = forge && (await forge.pullRequestsOf(sha)).find(({ state }) => state === 'merged');
    const last = units.at(-1);
    if (pull && last?.pull?.number === pull.number) units[units.length - 1] = { ...last, tip: sha, subject };
    else units.push({ parent, tip: sha, subject, pull });
  }
  return units;
}

/** Where a commit stands to the last one that was applied. */
export type Standing =
  | { readonly is: 'next'; readonly commits: readonly Commit[] }
  /** A run of before that was started again. */
  | { readonly is: 'applied already' }
  /** Not on the same way: a branch, or the way was rewritten. */
  | { readonly is: 'elsewhere' };

export function standingOf(history: GitHistory, last: string, head: string): Standing {
  const commits = history.has(last) ? history.firstParents(last, head) : undefined;
  if (commits) return { is: 'next', commits };
  const isBefore = history.has(last) && history.firstParents(head, last) !== undefined;
  return { is: isBefore ? 'applied already' : 'elsewhere' };
}
