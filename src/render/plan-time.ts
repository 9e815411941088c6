import type { PlanTime } from '../core/horizon.ts';
import type { Plan } from '../core/plan.ts';
import { parseTime } from '../kinds/time.ts';
import { count, visible, wrap } from './lines.ts';
import type { Paint } from './paint.ts';
import { endedWords, endingWords, horizonWords } from './time-words.ts';

/** What a plan says of time as paragraphs: what has ended, then what ends within the horizon, soonest first. */
export function planTimeTexts(
  { at }: Pick<Plan, 'at'>,
  { ended, ending }: PlanTime,
  { paint, width, most }: { paint: Paint; width: number; most: number },
): string[] {
  const texts: string[] = [];
  if (ended.length > 0)
    texts.push(wrap(`Ended, to be retired by the apply: ${endedWords(ended, most)}`, width, '  '));
  if (!ending) return texts;
  const horizon = horizonWords(ending.horizon);
  if (ending.access.length === 0) return [...texts, `No access ends within ${horizon}.`];
  const lines = [paint('strong', `Ends within ${horizon}`)];
  for (const [workspace, access] of Map.groupBy(ending.access, (one) => one.workspace)) {
    lines.push(`  ${paint('strong', visible(workspace))}`);
    for (const one of access.slice(0, most)) {
      const { when, who, what } = endingWords(one, parseTime(at) ?? 0);
      lines.push(wrap(`    ${when}: ${who} loses ${what}`, width, '        '));
    }
    const more = access.length - most;
    if (more > 0)
      lines.push(paint('faint', `    … and ${count(more, 'more', 'more')} (all of them with -o json)`));
  }
  return [...texts, lines.join('\n')];
}
