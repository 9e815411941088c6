import type { Comment, Forge } from './forge.ts';

/** What a comment of ours begins with, by which it is found again. It is not shown. */
export function markerOf(manager: string, page: number): string {
  return `<!-- rolecall:${manager}:${page} -->`;
}

/**
 * Makes the comments of a pull request say these pages: the same ones again, so that nobody is told twice, and none more.
 * What others wrote with our marker in it is not ours. Writes nothing where they say so already; with `onlyOver` only over what
 * was said before.
 */
export async function publish(
  forge: Forge,
  number: number,
  manager: string,
  pages: readonly string[],
  { onlyOver = false }: { readonly onlyOver?: boolean } = {},
): Promise<void> {
  const ours = await oursOf(forge, number, manager);
  if (onlyOver && ours.length === 0) return;
  for (const [at, body] of pages.entries()) {
    const known = ours.find(({ page }) => page === at + 1);
    if (known?.body.trim() === body.trim()) continue;
    await forge.writeComment(number, body, known?.id);
  }
  for (const [at, { page, id }] of ours.entries()) {
    const isAgain = ours.findIndex((one) => one.page === page) < at;
    if (isAgain || page > pages.length) await forge.removeComment(id);
  }
}

/** Whether a text begins as our comments do, whoever wrote it. */
export function isPage(body: string): boolean {
  return body.startsWith('<!-- rolecall:');
}

type Page = Comment & { readonly page: number };

/**
 * Ours, the oldest first. Only those of bots are, and of the person whose token this is: others can write anything. Two runs that
 * did not see each other may both have written a page.
 */
async function oursOf(forge: Forge, number: number, manager: string): Promise<Page[]> {
  const marked = (await forge.comments(number)).flatMap((comment) => {
    const page = [1, 2, 3].find((one) => comment.body.startsWith(markerOf(manager, one)));
    return page === undefined ? [] : [{ ...comment, page }];
  });
  const self = marked.every(({ isBot }) => isBot) ? undefined : await forge.self();
  return marked.filter(({ isBot, author }) => isBot || author === self).sort((a, b) => a.id - b.id);
}
