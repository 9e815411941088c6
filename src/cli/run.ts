import { CommanderError } from 'commander';
import { EXIT, Failure, type Problem } from '../core/problem.ts';
import type { Context } from './context.ts';
import { masked } from './masked.ts';
import { createProgram } from './program.ts';
import { createProgress } from './progress.ts';
import { reportProblems, unexpected, type Voice } from './report.ts';

/** Runs one command line and returns its exit status (cli.md). Never throws; everything it has to say is said. */
export async function run(world: Context): Promise<number> {
  let status: number = EXIT.done;
  let voice: Voice = {};
  const { context, end } = createProgress(masked(world), () => voice);
  const program = createProgram(context, (exit) => {
    status = exit;
  }).hook('preAction', (_, command) => {
    voice = command.optsWithGlobals();
  });
  try {
    // Everybody tries --version first.
    const argv = context.argv.length === 1 && context.argv[0] === '--version' ? ['version'] : context.argv;
    await program.parseAsync(argv, { from: 'user' });
    return status;
  } catch (error) {
    const exit = fail(context, error);
    // A question that is not answered must not read as a no.
    const [name, action] = program.args;
    const isQuestion = name === 'can-i' || (name === 'token' && action === 'verify');
    return isQuestion && exit === EXIT.error ? EXIT.invalid : exit;
  } finally {
    end();
  }
}

function fail(context: Context, error: unknown): number {
  const { argv } = context;
  const voice = {
    output: wantsJson(argv) ? 'json' : undefined,
    logFormat: argv.some(
      (word, i) => word === '--log-format=json' || (word === '--log-format' && argv[i + 1] === 'json'),
    )
      ? ('json' as const)
      : ('text' as const),
  };
  if (error instanceof Failure) {
    reportProblems(context, voice, error.problems);
    return error.exit;
  }
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.done;
    reportProblems(context, voice, [usageProblem(error)]);
    return EXIT.invalid;
  }
  reportProblems(context, voice, [unexpected(error)]);
  if (argv.includes('-v') || argv.includes('--verbose'))
    context.stderr.write(`${error instanceof Error ? error.stack : ''}\n`);
  return EXIT.error;
}

/** commander says "error: …" and, on a line of its own, "(Did you mean …?)". */
function usageProblem(error: CommanderError): Problem {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const hint = rest
    .join(' ')
    .replace(/^\(|\)$/g, '')
    .trim();
  return {
    code: 'RC121',
    severity: 'error',
    message: first === '(outputHelp)' ? 'no command given' : first,
    hint: hint === '' ? 'iam --help, iam COMMAND --help' : hint.replace(/^Did/, 'did'),
  };
}

function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, i) =>
      word === '-ojson' ||
      word === '--output=json' ||
      ((word === '-o' || word === '--output') && argv[i + 1] === 'json'),
  );
}
