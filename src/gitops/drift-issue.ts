import type { DriftItem } from '../core/drift.ts';
import { count } from '../render/lines.ts';
import { prose } from '../render/plan-markdown.ts';
import type { Forge } from './forge.ts';
import { pages } from './pages.ts';
import { driftRow } from './request-markdown.ts';

function markerOf(manager: string): string {
  return `<!-- rolecall:${manager}:drift -->`;
}

/** What an issue says of drift. */
export function driftPage(drift: readonly DriftItem[], manager: string): string {
  const plain = (text: string) => ({ head: [text], rows: [], foot: [] });
  const [page = ''] = pages(
    [
      plain(`### ${count(drift.length, 'resource is', 'resources are')} not as applied`),
      plain(`What manager ${prose(manager)} applied, and others changed since.`),
      { head: [], rows: drift.map(driftRow), foot: [], isFolded: true },
      plain('The next apply that touches them brings them back. `iam drift` tells more.'),
    ],
    () => markerOf(manager),
    'iam drift',
    { most: 1 },
  );
  return page;
}

/**
 * Keeps one issue that tells of drift: opened, brought up to date, and closed when there is none any more. Two runs that did not see
 * each other may both have opened one: the first stays.
 */
export async function keepDriftIssue(
  forge: Forge,
  drift: readonly DriftItem[],
  manager: string,
): Promise<'opened' | 'updated' | 'as it was' | 'closed' | 'none'> {
  const [known, ...again] = await forge.issuesWith(markerOf(manager));
  for (const { number } of again) await forge.closeIssue(number, `#${known?.number} tells it.`);
  if (drift.length === 0) {
    if (!known) return 'none';
    await forge.closeIssue(known.number, 'All is as it was applied.');
    return 'closed';
  }
  const body = driftPage(drift, manager);
  if (known?.body.trim() === body.trim()) return 'as it was';
  await forge.writeIssue(`Access has drifted (${manager})`, body, known?.number);
  return known ? 'updated' : 'opened';
}
