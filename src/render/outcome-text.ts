import type { Change, Plan } from '../core/plan.ts';
import { count, visible, wrap } from './lines.ts';
import type { Paint } from './paint.ts';
import { accessSummary, changeName, changeRemark } from './plan-words.ts';

/** What the engine says became of a plan; the part that is printed. */
interface Result {
  readonly revision: number;
  readonly written: readonly Change[];
}

const DONE = {
  create: { word: 'created', tone: 'good' },
  update: { word: 'updated', tone: 'warn' },
  delete: { word: 'deleted', tone: 'bad' },
} as const;

/** Of more changes nobody reads how many people they concern, and to find out costs more than to apply them. */
const MOST = 20_000;

/** One line for each change, then the summary. With `quiet` only the lines. */
export function* outcomeText(
  plan: Plan,
  { revision, written }: Result,
  { paint, quiet, width }: { paint: Paint; quiet: boolean; width: number },
): Generator<string> {
  for (const change of written) {
    const remark = change.action === 'update' ? changeRemark(change) : '';
    const { word, tone } = DONE[change.action];
    yield `${paint(tone, word)} ${changeName(change)}${remark === '' ? '' : ` (${remark})`}\n`;
  }
  if (quiet) return;
  const { summary, verdicts } = plan;
  if (written.length === 0) {
    yield `Nothing to do: ${count(summary.unchanged, 'resource')} as declared (revision ${revision}).\n`;
    return;
  }
  yield `Revision ${revision}: ${summary.create} created, ${summary.update} updated, ${summary.delete} deleted, ${summary.unchanged} unchanged.\n`;
  if (written.length <= MOST && plan.access.length > 0) yield `Access: ${accessSummary(plan.access)}.\n`;
  for (const { severity, code, message } of verdicts) {
    if (severity !== 'warn') continue;
    const word = `warning ${code}`;
    // Painted when it is wrapped: what paints takes no room.
    yield `${wrap(`${word}: ${visible(message)}`, width, '  ').replace(word, paint('warn', word))}\n`;
  }
}
