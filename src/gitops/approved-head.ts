import type { Forge, PullRequest } from './forge.ts';

/**
 * Whether somebody who may write to the repository, and did not open the pull request, has approved of just the head that it has
 * now. What is approved of before it is pushed to again does not count.
 */
export async function isHeadApproved(
  forge: Forge,
  { number, head, author }: Pick<PullRequest, 'number' | 'head' | 'author'>,
): Promise<boolean> {
  const own = author.toLowerCase();
  for (const review of await forge.reviews(number)) {
    const login = review.author.toLowerCase();
    if (!review.isApproval || review.commit !== head || login === own || login.endsWith('[bot]')) continue;
    const permission = await forge.permissionOf(review.author);
    if (permission === 'admin' || permission === 'write') return true;
  }
  return false;
}
