import { EXIT, type ExitStatus, Failure } from '../core/problem.ts';
import type { Source } from '../sources/source.ts';
import type { Context } from './context.ts';
import { note, reportProblems, type Voice } from './report.ts';

/** Changes that come within this time (milliseconds) of each other are applied together. */
const QUIET = 200;

/** Others may bring an earlier moment: it is asked for again within this time (milliseconds). */
const LOOK_AGAIN = 60_000;

/** What to do, and when by the clock alone. */
export interface Watching {
  apply(): Promise<ExitStatus>;
  /** The first moment after `time` (both milliseconds) at which to apply again though no file has changed. */
  nextDue(time: number): Promise<number | undefined>;
}

/**
 * Applies now, again after every change of the source, and when the next moment is due, until somebody stops it. A run
 * that fails is told and changes nothing; it is tried again at the next change, and after a minute where no change would mend it.
 */
export async function watchAndApply(
  context: Context,
  source: Source,
  voice: Voice,
  { apply, nextDue }: Watching,
): Promise<ExitStatus> {
  if (!source.watch) throw new Error(`${source.name} cannot be watched`);
  let quiet: NodeJS.Timeout | undefined;
  let alarm: NodeJS.Timeout | undefined;
  let isOver = false;
  // What came due while a run went on is due after it: it may have come too late for that run.
  let begun = context.now();
  let running = Promise.resolve();
  const failed = Promise.withResolvers<never>();
  // The first run is waited for by itself.
  failed.promise.catch(() => {});
  const enqueue = (work: () => Promise<void>) => {
    running = running.then(work);
    running.catch(failed.reject);
  };
  const telling = async <T>(work: Promise<T>): Promise<T | Failure> => {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      reportProblems(context, voice, error.problems);
      return error;
    }
  };
  const attempt = async () => {
    if (isOver) return;
    begun = context.now();
    const became = await telling(apply());
    // What was due is due still, and the clock would not tell it again. Mistakes in files wait for their next change.
    if (became instanceof Failure && became.exit !== EXIT.invalid) tryLater();
    else await setAlarm();
  };
  const tryLater = () => {
    clearTimeout(alarm);
    if (!isOver) alarm = setTimeout(() => enqueue(attempt), LOOK_AGAIN);
  };
  // A timer may be early, and cannot be as long as a month: whether it is time is for the clock to say.
  const setAlarm = async () => {
    clearTimeout(alarm);
    const told = await telling(nextDue(begun));
    if (isOver) return;
    const due = told instanceof Failure ? undefined : told;
    const left = due === undefined ? LOOK_AGAIN : Math.max(0, Math.min(due - context.now(), LOOK_AGAIN));
    alarm = setTimeout(
      () => enqueue(due !== undefined && due <= context.now() ? attempt : setAlarm),
      Math.ceil(left),
    );
  };
  const close = await source.watch(() => {
    clearTimeout(quiet);
    quiet = setTimeout(() => enqueue(attempt), QUIET);
  });
  try {
    enqueue(attempt);
    await running;
    note(context, voice, `watching ${source.name}, stop with Ctrl-C`);
    await Promise.race([context.stopped(), failed.promise]);
    isOver = true;
    await running;
  } finally {
    isOver = true;
    clearTimeout(quiet);
    clearTimeout(alarm);
    await close();
  }
  return EXIT.done;
}
