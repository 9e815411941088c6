import { EXIT, type ExitStatus, Failure } from '../core/problem.ts';
import type { Source } from '../sources/source.ts';
import type { Context } from './context.ts';
import { note, reportProblems, type Voice } from './report.ts';

/** Changes that come within this time (milliseconds) of each other are applied together. */
const QUIET = 200;

/**
 * Applies now, and again after every change of the source, until somebody stops it. A run that fails is told and
 * changes nothing; the next change is tried as if nothing had happened.
 */
export async function watchAndApply(
  context: Context,
  source: Source,
  voice: Voice,
  apply: () => Promise<ExitStatus>,
): Promise<ExitStatus> {
  if (!source.watch) throw new Error(`${source.name} cannot be watched`);
  const attempt = async () => {
    try {
      await apply();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      reportProblems(context, voice, error.problems);
    }
  };
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  const failed = Promise.withResolvers<never>();
  const run = () => {
    running = running.then(attempt);
    running.catch(failed.reject);
  };
  const close = await source.watch(() => {
    clearTimeout(timer);
    timer = setTimeout(run, QUIET);
  });
  try {
    run();
    await running;
    note(context, voice, `watching ${source.name}, stop with Ctrl-C`);
    await Promise.race([context.stopped(), failed.promise]);
    clearTimeout(timer);
    await running;
  } finally {
    await close();
  }
  return EXIT.done;
}
