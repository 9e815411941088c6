import type { Comment, Forge } from './forge.ts';

/** What a comment of ours begins with, by which it is found again. It is not shown. */
export function markerOf(manager: string, page: number): string {
  return `<!-- rolecall:${manager}:${page} -->`;
}

/**
 * Makes the comments of a pull request say these pages: the same ones again, so that nobody is told twice, and none more.
 * What people wrote with our marker in it is not ours. Writes nothing where they say so already; with `onlyOver` only over what
 * was said before.
 */
export async function publish(
  forge: Forge,
  number: number,
  manager: string,
  pages: readonly string[],
  { onlyOver = false }: { readonly onlyOver?: boolean } = {},
): Promise<void> {
  const own = oursAmong(await forge.comments(number), manager);
  if (onlyOver && own.size === 0) return;
  for (const [at, body] of pages.entries()) {
    const known = own.get(at + 1);
    if (known?.body.trim() === body.trim()) continue;
    await forge.writeComment(number, body, known?.id);
  }
  for (const [page, { id }] of own) if (page > pages.length) await forge.removeComment(id);
}

/** Ours, by their page. Only a bot's are: people can write anything. */
function oursAmong(comments: readonly Comment[], manager: string): Map<number, Comment> {
  const found = new Map<number, Comment>();
  for (const comment of comments) {
    if (!comment.isBot) continue;
    for (const page of [1, 2, 3])
      if (comment.body.startsWith(markerOf(manager, page)) && !found.has(page)) found.set(page, comment);
  }
  return found;
}
