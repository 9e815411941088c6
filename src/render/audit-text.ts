import type { AuditRow } from '../core/audit.ts';
import { payloadOf, verdictsOf } from '../core/audit-payload.ts';
import { aboutWords, actorWords, noteWords, whenWords } from './audit-words.ts';
import { visible, wrap } from './lines.ts';
import type { Paint } from './paint.ts';
import { verdictLines } from './plan-parts.ts';
import { table } from './table.ts';

const HEADER = ['SEQ', 'REVISION', 'WHEN', 'BY', 'ACTION', 'WHAT', 'NOTE'];

/** Audit rows as a table; where that is wider than the terminal, two lines for each. */
export function auditText(rows: readonly AuditRow[], { width }: { width: number }): string {
  const cells = rows.map((row) => [
    String(row.seq),
    String(row.revision),
    whenWords(row.at),
    byWords(row),
    row.action,
    aboutWords(row),
    noteWords(row),
  ]);
  const text = table(HEADER, cells);
  if (text.split('\n').every((line) => line.length <= width)) return text;
  return rows
    .map((row) => {
      const first = `${row.seq}  revision ${row.revision}, ${whenWords(row.at)}, ${byWords(row)}`;
      const note = noteWords(row);
      const what = [row.action, aboutWords(row)].filter(Boolean).join(' ');
      const second = `  ${what}${note === '' ? '' : `: ${note}`}`;
      return `${wrap(visible(first), width, '    ')}\n${wrap(visible(second), width, '    ')}\n`;
    })
    .join('');
}

function byWords(row: AuditRow): string {
  const { manager } = payloadOf(row);
  return row.actor ?? (manager === undefined ? '-' : `manager:${manager}`);
}

/** Refusals with all that was said: by whom, when, and why. */
export function refusalsText(
  rows: readonly AuditRow[],
  { paint, width }: { paint: Paint; width: number },
): string {
  const parts = rows.map((row) => {
    const { manager, digest } = payloadOf(row);
    const who = [actorWords(row), manager === undefined ? '' : `manager ${manager}`]
      .filter(Boolean)
      .join(', ');
    const head = `${whenWords(row.at)}, at revision ${row.revision}${who === '' ? '' : `, ${who}`}`;
    const facts = [
      row.reason === null ? '' : `reason: ${row.reason.replaceAll('\n', ' ')}`,
      digest === undefined ? '' : `digest ${digest}`,
      `audit row ${row.seq}${digest === undefined ? ', redacted' : ''}`,
    ].filter(Boolean);
    // What let it pass then, lets nothing pass now.
    const verdicts = verdictsOf(row).map((verdict) => ({ ...verdict, override: null }));
    return [
      paint('strong', wrap(visible(head), width, '  ')),
      ...verdictLines(verdicts, { paint, width }),
      ...facts.map((fact) => paint('faint', wrap(`  ${visible(fact)}`, width, '    '))),
    ].join('\n');
  });
  return `${parts.join('\n\n')}\n`;
}
