import { devNull } from 'node:os';
import type { Context, Output } from '../../src/cli/context.ts';
import { run } from '../../src/cli/run.ts';

export interface RunOptions {
  /** The folder to run in. Without one, a command that touches a relative path fails. */
  readonly cwd?: string;
  /** The whole environment; the one of the tests is not seen. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  /** The clock: a time as people write it, or what tells the milliseconds. */
  readonly now?: string | (() => number);
  /** Whether somebody can answer, as on a terminal. */
  readonly interactive?: boolean;
  /** What he answers to one question after the other; a question too many is an error. */
  readonly answers?: readonly boolean[];
  readonly colour?: boolean;
  readonly columns?: number;
  /** Resolves when the command shall stop; without it never. */
  readonly stopped?: Promise<void>;
}

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What was asked. */
  readonly questions: readonly string[];
}

/** The time of every run that gives none. */
export const NOW = '2026-11-24T12:00:00Z';

/** Runs `iam` with these arguments in this process, as a user would, and gives all that it said. */
export async function runIam(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { context, said } = contextFor(argv, options);
  const exit = await run(context);
  return { exit, ...said() };
}

/** What a command gets, and what was said to it and by it. */
export function contextFor(
  argv: readonly string[],
  options: RunOptions = {},
): { context: Context; said(): Omit<Ran, 'exit'> } {
  const { cwd = devNull, env = {}, stdin = '', now = NOW, interactive = false, stopped } = options;
  const stdout = collector(options);
  const stderr = collector(options);
  const questions: string[] = [];
  const context: Context = {
    argv,
    env,
    cwd,
    stdout,
    stderr,
    interactive,
    readStdin: async () => (typeof stdin === 'string' ? new TextEncoder().encode(stdin) : stdin),
    now: typeof now === 'function' ? now : () => Date.parse(now),
    async confirm(question) {
      const answer = interactive ? options.answers?.[questions.length] : false;
      questions.push(question);
      if (answer === undefined) throw new Error(`nobody answers: ${question}`);
      return answer;
    },
    stopped: () => stopped ?? new Promise(() => {}),
    hurries: true,
  };
  return { context, said: () => ({ stdout: stdout.text(), stderr: stderr.text(), questions }) };
}

function collector({
  interactive = false,
  colour = false,
  columns = 80,
}: RunOptions): Output & { text(): string } {
  let all = '';
  return {
    write: (text) => {
      all += text;
    },
    isTTY: interactive,
    columns,
    colour,
    text: () => all,
  };
}
