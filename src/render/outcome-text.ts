import type { Change, Plan } from '../core/plan.ts';
import { count, visible, wrap } from './lines.ts';
import type { Paint } from './paint.ts';
import { accessSummary, changeName, changeRemark } from './plan-words.ts';

/** What the engine says became of a plan; the part that is printed. */
interface Result {
  readonly revision: number;
  readonly outcomes: readonly {
    readonly kind: Change['kind'];
    readonly namespace: string | null;
    readonly name: string;
    readonly outcome: string;
  }[];
}

const TONES: Readonly<Record<string, 'good' | 'warn' | 'bad'>> = {
  created: 'good',
  updated: 'warn',
  deleted: 'bad',
};

/** One line for each change, then the summary. With `quiet` only the lines. */
export function outcomeText(
  plan: Plan,
  { revision, outcomes }: Result,
  { paint, quiet, width }: { paint: Paint; quiet: boolean; width: number },
): string {
  const remarks = new Map(
    plan.changes.map((change) => [
      changeName(change),
      change.action === 'update' ? changeRemark(change) : '',
    ]),
  );
  const lines = outcomes.map(({ outcome, ...change }) => {
    const remark = remarks.get(changeName(change)) ?? '';
    return `${paint(TONES[outcome] ?? 'good', outcome)} ${changeName(change)}${remark === '' ? '' : ` (${remark})`}`;
  });
  if (quiet) return lines.map((line) => `${line}\n`).join('');
  const { summary, access, verdicts } = plan;
  if (outcomes.length === 0)
    lines.push(`Nothing to do: ${count(summary.unchanged, 'resource')} as declared (revision ${revision}).`);
  else {
    lines.push(
      `Revision ${revision}: ${summary.create} created, ${summary.update} updated, ${summary.delete} deleted, ${summary.unchanged} unchanged.`,
    );
    if (access.length > 0) lines.push(`Access: ${accessSummary(access)}.`);
    for (const { severity, code, message } of verdicts) {
      if (severity !== 'warn') continue;
      const word = `warning ${code}`;
      // Painted when it is wrapped: what paints takes no room.
      lines.push(wrap(`${word}: ${visible(message)}`, width, '  ').replace(word, paint('warn', word)));
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}
