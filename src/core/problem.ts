import type { Code } from './code.ts';

/** Where something stands in the input. Line and column count from 1; column counts UTF-16 units. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing wrong with the input, or worth knowing about it. */
export interface Problem {
  readonly code: Code;
  readonly severity: 'error' | 'warn';
  /** One sentence without a full stop: the object, then the cause. */
  readonly message: string;
  readonly place?: Place | undefined;
  /** What to do next. */
  readonly hint?: string | undefined;
}

/** Exit statuses of the program (cli.md). */
export const EXIT = {
  done: 0,
  error: 1,
  pending: 2,
  refused: 3,
  invalid: 4,
  stale: 5,
  partial: 6,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/**
 * An expected end of a command that is not success.
 *
 * `exit` is what the process ends with; `problems` is all that is known to be wrong, never empty.
 */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exit: ExitStatus;
  readonly problems: readonly Problem[];

  constructor(exit: ExitStatus, problems: readonly Problem[]) {
    super(problems.map((problem) => problem.message).join('\n'));
    this.exit = exit;
    this.problems = problems;
  }
}

/** A Failure of one problem. */
export function failure(exit: ExitStatus, code: Code, message: string, hint?: string): Failure {
  return new Failure(exit, [{ code, severity: 'error', message, hint }]);
}

export function comparePlaces(a: Place | undefined, b: Place | undefined): number {
  if (!a || !b) return a ? 1 : b ? -1 : 0;
  return compareText(a.file, b.file) || a.line - b.line || a.column - b.column;
}

/** Order by code point, unlike `<` on strings, which orders by UTF-16 unit. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xs = x >= 0xd800 && x <= 0xdfff;
    const ys = y >= 0xd800 && y <= 0xdfff;
    return xs === ys ? x - y : xs ? 1 : -1;
  }
  return a.length - b.length;
}

export function sortProblems(problems: readonly Problem[]): Problem[] {
  return [...problems].sort(
    (a, b) =>
      comparePlaces(a.place, b.place) || compareText(a.code, b.code) || compareText(a.message, b.message),
  );
}
