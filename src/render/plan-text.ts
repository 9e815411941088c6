import type { AccessChange } from '../core/access-diff.ts';
import type { Change, Plan, PlanNotes } from '../core/plan.ts';
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
  planScope,
  planSummary,
  subjectName,
} from './plan-words.ts';

export interface PlanTextOptions {
  /** Where it was made, without a password. */
  readonly store: string;
  /** Instead of the first line that names store, manager and scope. */
  readonly title?: string;
  readonly paint: Paint;
  /** Columns of the terminal. */
  readonly width: number;
  /** Longer lists are folded to a count; Infinity shows all. */
  readonly most: number;
}

/** A plan for people at a terminal: what refuses first, then people's access by risk, then the changes. */
export function planText(plan: Plan, notes: PlanNotes, options: PlanTextOptions): string {
  const { paint, store, width } = options;
  const parts = [wrap(options.title ?? planScope(plan, store), width, '  ')];
  if (plan.verdicts.length > 0) parts.push(verdictsText(plan.verdicts, options));
  if (plan.changes.length === 0) {
    parts.push(
      `${paint('good', 'Nothing to do.')} ${count(plan.summary.unchanged, 'resource')} as declared.`,
    );
    return `${parts.join('\n\n')}\n`;
  }
  const access = accessText(notes, options);
  if (access !== undefined) parts.push(access);
  else if (!plan.verdicts.some(({ severity }) => severity === 'deny')) parts.push("Nobody's access changes.");
  parts.push(changesText(plan.changes, options));
  parts.push(`${paint('strong', planSummary(plan))}\n${paint('faint', `digest ${plan.digest}`)}`);
  return `${parts.join('\n\n')}\n`;
}

/** Verdicts with their codes, denials first. */
function verdictsText(
  verdicts: readonly Verdict[],
  { paint, width }: Pick<PlanTextOptions, 'paint' | 'width'>,
): string {
  const order = [...verdicts].sort((a, b) => Number(a.severity === 'warn') - Number(b.severity === 'warn'));
  const lines = order.map(({ severity, code, message, override }, i) => {
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
  return [paint('strong', 'Verdicts'), ...lines].join('\n');
}

/** Undefined where nobody's access changes. */
function accessText(notes: PlanNotes, options: PlanTextOptions): string | undefined {
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

function personLines(
  change: AccessChange,
  notes: PlanNotes,
  { paint, width, most }: PlanTextOptions,
): string[] {
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

function changesText(changes: readonly Change[], options: PlanTextOptions): string {
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
