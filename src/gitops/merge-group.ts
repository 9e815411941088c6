import { Failure } from '../core/problem.ts';
import type { GitHistory } from '../sources/git-history.ts';
import type { Forge, PullRequest } from './forge.ts';

/** What a merge queue made to be checked. */
export interface MergeGroup {
  readonly base: string;
  readonly head: string;
  /** The branch that it is on, which names the last pull request of it. */
  readonly ref: string;
}

/**
 * The pull request that a group of a merge queue is of alone; undefined where it has several, or that is not known. The name is not
 * believed: what is there must be what merging its head makes, by whatever way. `fetch` gets the head when it is not here.
 */
export async function pullOfGroup(
  forge: Forge,
  history: GitHistory,
  { base, head, ref }: MergeGroup,
  fetch: (pull: PullRequest) => void,
): Promise<PullRequest | undefined> {
  const [, number] = /\/pr-(\d+)-[0-9a-f]+$/.exec(ref) ?? [];
  if (number === undefined) return undefined;
  try {
    const pull = await forge.pullRequest(Number(number));
    if (!history.has(pull.head)) fetch(pull);
    // Nothing is merged where both are the same: that is the tree of the commit.
    return history.merge(base, pull.head) === history.merge(head, head) ? pull : undefined;
  } catch (error) {
    // Then no comment counts; the plan is made all the same.
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
