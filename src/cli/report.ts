import { type Problem, sortProblems } from '../core/problem.ts';
import type { Verdict } from '../core/verdict.ts';
import { visible } from '../render/lines.ts';
import type { Context } from './context.ts';
import { type GlobalOptions, paintFor } from './settings.ts';

/** Problems as cli.md's ProblemList: one JSON document. */
function problemList(problems: readonly Problem[]): string {
  return `${JSON.stringify({ kind: 'ProblemList', items: problemItems(problems) })}\n`;
}

/** Problems as the items of a ProblemList, by place. */
export function problemItems(problems: readonly Problem[]) {
  return sortProblems(problems).map(({ code, severity, message, place, hint }) => ({
    code,
    severity,
    message,
    file: place?.file ?? null,
    line: place?.line ?? null,
    column: place?.column ?? null,
    hint: hint ?? null,
  }));
}

/** How a command speaks on stderr. */
export type Voice = Pick<GlobalOptions, 'quiet' | 'logFormat'> & { readonly output?: string | undefined };

/** Writes problems to stderr, by place: as one JSON document with `-o json`, else a line or two each. */
export function reportProblems(context: Context, voice: Voice, problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  if (voice.output === 'json') {
    context.stderr.write(problemList(problems));
    return;
  }
  const paint = paintFor(context.stderr);
  for (const { code, severity, message, place, hint } of sortProblems(problems)) {
    if (voice.logFormat === 'json') {
      context.stderr.write(`${JSON.stringify({ level: severity, code, msg: message, ...place, hint })}\n`);
      continue;
    }
    const at = place ? `${visible(place.file)}:${place.line}:${place.column}: ` : '';
    const word = paint(
      severity === 'error' ? 'bad' : 'warn',
      `${severity === 'error' ? 'error' : 'warning'} ${code}`,
    );
    context.stderr.write(`${at}${word}: ${visible(message)}\n`);
    if (hint !== undefined) context.stderr.write(`  ${paint('faint', visible(hint))}\n`);
  }
}

/** What nobody thought of, as a problem. */
export function unexpected(error: unknown): Problem {
  return {
    code: 'RC408',
    severity: 'error',
    message: `unexpected: ${error instanceof Error ? error.message : error}`,
    hint: 'this is a mistake in iam: please report it, with what -v adds',
  };
}

/** Warnings of a command that succeeds; `-q` keeps them quiet. */
export function reportWarnings(context: Context, voice: Voice, warnings: readonly Problem[]): void {
  if (voice.quiet !== true) reportProblems(context, voice, warnings);
}

/** A line about what goes on: on stderr, nothing with `-q` or `-o json`. */
export function note(context: Context, voice: Voice, message: string): void {
  if (voice.quiet === true || voice.output === 'json') return;
  context.stderr.write(
    voice.logFormat === 'json' ? `${JSON.stringify({ level: 'info', msg: message })}\n` : `${message}\n`,
  );
}

/** Verdicts that deny, as problems: with `-o json` a refusal is a failure like any other. */
export function denialProblems(verdicts: readonly Verdict[]): Problem[] {
  return verdicts
    .filter(({ severity }) => severity === 'deny')
    .map(({ code, message, override }) => ({
      code,
      severity: 'error',
      message,
      hint: override ?? undefined,
    }));
}
