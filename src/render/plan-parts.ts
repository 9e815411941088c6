import type { AccessChange } from '../core/access-diff.ts';
import type { Change, PlanNotes } from '../core/plan.ts';
import type { Verdict } from '../core/verdict.ts';
import { KIND_NAMES } from '../kinds/index.ts';
import { count, visible, wrap } from './lines.ts';
import type { Paint } from './paint.ts';
import {
  accessByWorkspace,
  accessWords,
  changedFields,
  changeName,
  changeRemark,
  changeSign,
  fieldWords,
  subjectName,
} from './plan-words.ts';

/** How a part of a plan is shown. */
export interface PartOptions {
  readonly paint: Paint;
  /** Columns of the terminal. */
  readonly width: number;
  /** Longer lists are folded to a count; Infinity shows all. */
  readonly most: number;
}

/** Verdicts with their codes, denials first; each may be several lines. */
export function verdictLines(
  verdicts: readonly Verdict[],
  { paint, width }: Pick<PartOptions, 'paint' | 'width'>,
): string[] {
  const order = [...verdicts].sort((a, b) => Number(a.severity === 'warn') - Number(b.severity === 'warn'));
  return order.map(({ severity, code, message, override }, i) => {
    const word = severity === 'deny' ? 'refused' : 'warning';
    const text = wrap(`  ${word} ${code}: ${visible(message)}`, width, '    ');
    // One override is for all of its code; on a line of its own, to be copied.
    const way =
      override === null || order[i + 1]?.override === override
        ? ''
        : `\n    to let it pass:\n      ${visible(override)}`;
    return (
      text.replace(`${word} ${code}`, paint(severity === 'deny' ? 'bad' : 'warn', `${word} ${code}`)) + way
    );
  });
}

/** Undefined where nobody's access changes. */
export function accessText(notes: PlanNotes, options: PartOptions): string | undefined {
  const { paint, width, most } = options;
  const { said, summary } = accessByWorkspace(notes, (workspace, changes) => {
    const lines = [`  ${paint('strong', workspace)}`];
    for (const change of changes.slice(0, most)) lines.push(...personLines(change, notes, options));
    const more = changes.length - most;
    if (more > 0)
      lines.push(paint('faint', `    … and ${count(more, 'more', 'more')} (all of them with -o json)`));
    return lines;
  });
  if (summary === '') return undefined;
  return [paint('strong', wrap(`Access: ${summary}`, width, '  ')), ...said].join('\n');
}

function personLines(change: AccessChange, notes: PlanNotes, { paint, width, most }: PartOptions): string[] {
  const lines = [wrap(`    ${subjectName(change)}`, width, '        ')];
  const signs = [
    ...change.gains.map((line) => ['good', '+', line] as const),
    ...change.loses.map((line) => ['bad', '-', line] as const),
  ];
  for (const [tone, sign, line] of signs.slice(0, most)) {
    const text = wrap(`      ${sign} ${accessWords(line, notes.risks.get(line.role))}`, width, '          ');
    lines.push(text.replace(`${sign} `, `${paint(tone, sign)} `));
  }
  if (signs.length > most)
    lines.push(paint('faint', `      … and ${count(signs.length - most, 'more line')}`));
  return lines;
}

const TONES = { create: 'good', update: 'warn', delete: 'bad' } as const;

/** Changes with their fields, by Kind; like ones folded. */
export function changesText(changes: readonly Change[], options: PartOptions): string {
  const { paint, width, most } = options;
  const lines = [paint('strong', 'Changes')];
  const ordered = [...changes].sort((a, b) => KIND_NAMES.indexOf(a.kind) - KIND_NAMES.indexOf(b.kind));
  const groups = Map.groupBy(ordered, ({ action, kind, namespace }) =>
    JSON.stringify([action, kind, namespace]),
  );
  for (const group of groups.values()) {
    const shown = group.length > most ? group.slice(0, Math.max(1, Math.floor(most / 4))) : group;
    for (const change of shown) {
      const remark = changeRemark(change);
      const text = wrap(
        `  ${changeSign(change.action)} ${changeName(change)}${remark === '' ? '' : ` (${remark})`}`,
        width,
        '      ',
      );
      lines.push(
        text.replace(changeSign(change.action), paint(TONES[change.action], changeSign(change.action))),
      );
      const fields = changedFields(change);
      for (const field of fields.slice(0, most))
        lines.push(wrap(`      ${fieldWords(change.kind, field)}`, width, '        '));
      if (fields.length > most)
        lines.push(paint('faint', `      … and ${count(fields.length - most, 'more field')}`));
    }
    const more = group.length - shown.length;
    const [first] = group;
    if (more > 0 && first) {
      const where = first.namespace === null ? '' : ` in ${first.namespace}`;
      lines.push(
        paint('faint', `  ${changeSign(first.action)} … and ${count(more, `more ${first.kind}`)}${where}`),
      );
    }
  }
  return lines.join('\n');
}
