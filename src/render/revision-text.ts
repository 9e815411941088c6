import { type AuditRow, isRedacted } from '../core/audit.ts';
import { payloadOf } from '../core/audit-payload.ts';
import type { Change, PlanNotes } from '../core/plan.ts';
import type { Verdict } from '../core/verdict.ts';
import { aboutWords, actorWords, codeWords, noteWords, whenWords } from './audit-words.ts';
import { count, visible, wrap } from './lines.ts';
import type { Paint } from './paint.ts';
import { accessText, changesText, verdictLines } from './plan-parts.ts';

/** What is told of one revision. */
export interface RevisionWords {
  readonly revision: {
    readonly revision: number;
    readonly at: string;
    readonly actor: string | null;
    readonly actorVerified: boolean;
    readonly manager: string;
    readonly digest: string;
    readonly reason: string | null;
    readonly commit: string | null;
    readonly summary: { readonly create: number; readonly update: number; readonly delete: number };
  };
  readonly pr: string | null;
  readonly approvers: readonly string[];
  readonly review: string | null;
  readonly changes: readonly Change[];
  readonly access: PlanNotes | null;
  readonly untellable: string | null;
  readonly verdicts: readonly Verdict[];
  readonly overrides: readonly AuditRow[];
  readonly findings: readonly AuditRow[];
  readonly events: readonly AuditRow[];
  readonly redacted: readonly AuditRow[];
}

interface Options {
  readonly store: string;
  readonly paint: Paint;
  readonly width: number;
  /** Longer lists are folded to a count. */
  readonly most: number;
}

/** A revision for people at a terminal: who and why, who gained and lost what, the changes, and what else was noted. */
export function revisionText(words: RevisionWords, options: Options): string {
  const { revision, changes, access, untellable, verdicts } = words;
  const { paint, width, most } = options;
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [[paint('strong', title), ...lines].join('\n')];
  const list = (title: string, rows: readonly AuditRow[], words: (row: AuditRow) => string) => {
    const lines = rows.slice(0, most).map((row) => wrap(`  ${visible(words(row))}`, width, '    '));
    const more = rows.length - most;
    if (more > 0) lines.push(paint('faint', `  … and ${count(more, 'more', 'more')} (all of them with -v)`));
    return section(title, lines);
  };
  const { create, update, delete: removed } = revision.summary;
  const parts = [
    factsText(words, options),
    ...section('Verdicts', verdictLines(verdicts, options)),
    ...list('Overrides', words.overrides, overrideWords),
    ...list('Found by policies', words.findings, (row) => `${aboutWords(row)}: ${noteWords(row)}`),
    access === null
      ? wrap(`Who gained or lost what cannot be told: ${visible(untellable ?? '')}`, width, '  ')
      : (accessText(access, options) ?? "Nobody's access changed."),
    ...(changes.length === 0 ? [] : [changesText(changes, options)]),
    ...list('Redacted', words.redacted, redactedWords),
    ...list('While it was the newest', words.events, eventWords),
    `${paint('strong', `${create} created, ${update} updated, ${removed} deleted`)}\n${paint('faint', `digest ${visible(revision.digest)}`)}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function factsText(
  { revision, pr, approvers, review, redacted }: RevisionWords,
  { store, paint, width }: Options,
): string {
  const { at, manager, commit } = revision;
  const isGone = redacted.some(({ action }) => action === 'apply');
  const reason = isGone ? 'redacted' : revision.reason?.replaceAll('\n', ' ');
  const facts: [name: string, value: string | null | undefined][] = [
    ['when', whenWords(at)],
    ['by', actorWords(revision)],
    ['manager', manager],
    ['reason', reason],
    ['commit', commit],
    ['pr', pr],
    ['approvers', approvers.join(', ')],
    ['review', review],
  ];
  const lines = facts.flatMap(([name, value]) =>
    value ? [wrap(`  ${name.padEnd(9)}  ${visible(value)}`, width, ' '.repeat(13))] : [],
  );
  return [
    paint('strong', wrap(`Revision ${revision.revision} of ${visible(store)}`, width, '  ')),
    ...lines,
  ].join('\n');
}

/** `RC207, answered for by ana (not verified): handover`. */
function overrideWords(row: AuditRow): string {
  const reason = isRedacted(row) ? 'redacted' : (row.reason ?? '').replaceAll('\n', ' ');
  const who = payloadOf(row).message ?? `by ${actorWords(row) ?? 'somebody unnamed'}`;
  return `${codeWords(row)}, answered for ${who}: ${reason}`;
}

/** `audit row 5: update User bo`. */
function redactedWords(row: AuditRow): string {
  return `audit row ${row.seq}: ${[row.action, aboutWords(row)].filter(Boolean).join(' ')}`;
}

/** `2026-06-01 00:00 UTC, ana (not verified): refused RC203`. */
function eventWords(row: AuditRow): string {
  const { manager } = payloadOf(row);
  const who = actorWords(row) ?? (manager === undefined ? '' : `manager ${manager}`);
  const what = [row.action, aboutWords(row)].filter(Boolean).join(' ');
  const note = noteWords(row);
  const said = note === '' ? '' : row.action === 'refused' ? ` ${note}` : `: ${note}`;
  return `${whenWords(row.at)}${who === '' ? '' : `, ${who}`}: ${what}${said}`;
}
