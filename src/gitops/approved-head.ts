import type { Forge, PullRequest } from './forge.ts';

/**
 * Logins of those who may write to the repository, did not open the pull request, and have approved of just the head that it has now.
 * Anybody can approve of what is public, and what is approved of before it is pushed to again does not count.
 */
export async function approversOf(
  forge: Forge,
  { number, head, author }: Pick<PullRequest, 'number' | 'head' | 'author'>,
): Promise<string[]> {
  const own = author.toLowerCase();
  const approvers: string[] = [];
  for (const review of await forge.reviews(number)) {
    const login = review.author.toLowerCase();
    if (!review.isApproval || review.commit !== head || login === own || login.endsWith('[bot]')) continue;
    const permission = await forge.permissionOf(review.author);
    if (permission === 'admin' || permission === 'write') approvers.push(review.author);
  }
  return approvers;
}
