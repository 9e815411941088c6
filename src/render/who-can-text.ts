import type { GrantFacts } from '../core/grant-facts.ts';
import type { Question } from '../core/question.ts';
import { showTime } from '../kinds/time.ts';
import { type AnswerTextOptions, accessLine, actWords } from './answer-text.ts';
import { count, visible, wrap } from './lines.ts';
import { accessWords } from './plan-words.ts';
import { table } from './table.ts';

/** One who can, or could on a part of what is asked about; his grants, the shortest path first. */
export interface Capable {
  readonly subjectKind: 'User' | 'Token';
  readonly subject: string;
  /** Empty for a Token. */
  readonly email: string;
  readonly allowed: boolean;
  readonly grants: readonly GrantFacts[];
}

/** How many can, and who, each by his shortest path; those who can on a part only come last, a line for each part. */
export function whoCanText(
  subjects: readonly Capable[],
  question: Question,
  options: AnswerTextOptions,
): string {
  const { paint, width, most, at } = options;
  const head = wrap(visible(summary(subjects, question, at)), width, '  ');
  if (subjects.length === 0) return `${head}\n`;
  const shown = [
    ...subjects.filter(({ allowed }) => allowed),
    ...subjects.filter(({ allowed }) => !allowed),
  ].slice(0, most);
  const rest = subjects.length - shown.length;
  const more = rest > 0 ? `… and ${count(rest, 'more', 'more')} (all of them with -v)\n` : '';
  return `${paint('strong', head)}\n\n${asTable(shown, question, width) ?? asList(shown, question, width)}${more}`;
}

function summary(subjects: readonly Capable[], question: Question, at: number | undefined): string {
  const full = subjects.filter(({ allowed }) => allowed);
  const tokens = full.filter(({ subjectKind }) => subjectKind === 'Token').length;
  const names = [
    full.length > tokens ? count(full.length - tokens, 'person', 'people') : '',
    tokens > 0 ? count(tokens, 'token') : '',
  ].filter(Boolean);
  const partly = subjects.length - full.length;
  const on = question.resource ? 'only if it has the labels' : 'only on part of it';
  return `${names.length === 0 ? 'nobody' : names.join(' and ')} can ${actWords(question, at)}${partly === 0 ? '' : `, ${partly} more ${on}`}`;
}

/** One grant a subject; of those who can on parts only one for each part. */
function pathsOf({ allowed, grants }: Capable): readonly GrantFacts[] {
  if (allowed) return grants.slice(0, 1);
  const byScope = new Map<string, GrantFacts>();
  for (const grant of grants) if (!byScope.has(grant.scope)) byScope.set(grant.scope, grant);
  return [...byScope.values()];
}

/** Columns that nobody has anything in are left out. Undefined when it does not fit. */
function asTable(subjects: readonly Capable[], { role }: Question, width: number): string | undefined {
  const rows = subjects.flatMap((one) =>
    pathsOf(one).map((grant) => [
      one.subjectKind === 'Token' ? `token/${one.subject}` : one.subject,
      one.email,
      grant.scope,
      grant.via,
      grant.binding,
      grant.expiresAt === null ? '' : showTime(grant.expiresAt),
      grant.role === role ? '' : grant.role,
    ]),
  );
  const header = ['SUBJECT', 'EMAIL', 'ON', 'VIA', 'BINDING', 'UNTIL', 'AS PART OF'];
  const used = header.flatMap((_, column) => (rows.some((row) => row[column] !== '') ? [column] : []));
  const pick = (row: readonly string[]) => used.map((column) => row[column] ?? '');
  const text = table(pick(header), rows.map(pick));
  return text.split('\n').every((line) => line.length <= width) ? text : undefined;
}

function asList(subjects: readonly Capable[], { role }: Question, width: number): string {
  return subjects
    .map((one) => {
      const who = one.subjectKind === 'Token' ? `token/${one.subject}` : `${one.subject} <${one.email}>`;
      const paths = pathsOf(one).map((grant) => {
        const words = accessWords(accessLine(grant, role)).slice(role.length + 1);
        return wrap(`  ${words}`, width, '    ');
      });
      return `${[visible(who), ...paths].join('\n')}\n`;
    })
    .join('');
}
