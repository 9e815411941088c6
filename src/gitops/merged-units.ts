import type { Commit, GitHistory } from '../sources/git-history.ts';
import { originsOf } from './commit-origin.ts';
import type { Forge, PullRequest } from './forge.ts';

/** Commits of the default branch that were merged together, and are applied together: the way between is nobody's. */
export interface MergedUnit {
  /** What was there before; null for the first commit of all. */
  readonly parent: string | null;
  readonly tip: string;
  readonly subject: string;
  /** Undefined for what was pushed without one. */
  readonly pull: PullRequest | undefined;
  /** Those just before it that could not be applied without it, the oldest first. */
  readonly held: readonly MergedUnit[];
}

/**
 * Commits of a branch, the oldest first, by what they came from. A rebase merge makes several of one pull request. Without a
 * branch those of pull requests into any count.
 */
export async function unitsOf(
  forge: Forge | undefined,
  commits: readonly Commit[],
  branch?: string,
): Promise<MergedUnit[]> {
  const units: MergedUnit[] = [];
  const originOf = forge && originsOf(forge, commits, branch);
  for (const [at, { sha, parent, subject }] of commits.entries()) {
    const pull = await originOf?.(at);
    const last = units.at(-1);
    if (pull && last?.pull?.number === pull.number) units[units.length - 1] = { ...last, tip: sha, subject };
    else units.push({ parent, tip: sha, subject, pull, held: [] });
  }
  return units;
}

/** A unit with those just before it that were held back: what was taken back, or mended, is to be judged with that. */
export function withHeld(unit: MergedUnit, held: readonly MergedUnit[]): MergedUnit {
  const [first = unit] = held;
  return { ...unit, parent: first.parent, held };
}

/** What it consists of, the oldest first. */
export function partsOf(unit: MergedUnit): readonly MergedUnit[] {
  return [...unit.held, unit];
}

/** Where a commit stands to the last one that was applied. */
export type Standing =
  | { readonly is: 'next'; readonly commits: readonly Commit[] }
  /** A run of before that was started again. */
  | { readonly is: 'applied already' }
  /** Not on the same way: a branch, or the way was rewritten. */
  | { readonly is: 'elsewhere' };

/** `trunk`: where the default branch stands, where that is known. */
export function standingOf(
  history: GitHistory,
  last: string,
  head: string,
  trunk: string | undefined,
): Standing {
  if (!history.has(last)) return { is: 'elsewhere' };
  const commits = history.firstParents(last, head);
  if (commits) return { is: 'next', commits };
  const isBefore = history.firstParents(head, last) !== undefined;
  const isThere = trunk === undefined || history.firstParents(last, trunk) !== undefined;
  return { is: isBefore && isThere ? 'applied already' : 'elsewhere' };
}
