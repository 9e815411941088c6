import { documentsOf } from '../core/document.ts';
import { type Declared, readManifests } from '../core/manifest.ts';
import type { Problem } from '../core/problem.ts';

/** What a text declares that has nothing wrong with it; of any other undefined: that is for whoever tells people. */
export function readPlain(file: string, text: string, again?: () => string): readonly Declared[] | undefined {
  const unread: Problem[] = [];
  const { declared, problems, broken, unknown } = readManifests(documentsOf(file, text, unread, again));
  const isPlain = unread.length + problems.length + broken.size === 0 && !unknown && declared.length > 0;
  return isPlain ? declared : undefined;
}
