import { randomUUID } from 'node:crypto';
import type { Context } from './context.ts';

/**
 * Tells GitHub Actions, where this runs in it, that nothing in the log from now on is for it to do: it takes `::add-mask::` and the
 * like for orders wherever they stand, and what is said of manifests others wrote.
 */
export function giveNoOrders({ env, stderr, atExit }: Context): void {
  if (env.GITHUB_ACTIONS !== 'true') return;
  const word = randomUUID();
  stderr.write(`::stop-commands::${word}\n`);
  atExit?.(() => stderr.write(`::${word}::\n`));
}
