import { setFlagsFromString } from 'node:v8';
import { bodyOf } from '../core/draft.ts';
import type { ReadManifests } from '../core/manifest.ts';
import { MOST_KEPT } from '../core/plan-changes.ts';
import { EXIT, Failure, type Problem, sortProblems } from '../core/problem.ts';
import { MUCH, readInput, sizeOf } from '../core/read-input.ts';
import { kindIn } from '../core/resource.ts';
import { type State, withChanges } from '../core/state.ts';
import { checkState, type Violation } from '../core/validate.ts';
import type { Loaded, Source } from '../sources/source.ts';
import { NO_PROGRESS, type Progress } from './progress.ts';
import { letSignalsIn } from './signals.ts';

/** Reads a whole input and checks all that each manifest says by itself. Never throws on bad input. */
export async function readSource(source: Source, progress: Progress = NO_PROGRESS): Promise<ReadManifests> {
  const loaded = await source.load(undefined, (done, total) => progress('load', done, total));
  return readLoaded(loaded, progress);
}

/** In characters: of less it is read before a second thread is there. */
const WORTH_IT = 4 * 2 ** 20;

/**
 * With very much to read the heap grows in small steps: left to itself V8 lets garbage of the size of all that is alive
 * gather before it looks for it, and a million resources would need half as much memory again.
 */
function growSlowly(): void {
  setFlagsFromString('--heap-growing-percent=20');
}

/** As `readSource`, of what a source has loaded. `isPart`: there is more, and "no manifest" says nothing. */
export async function readLoaded(
  { texts, problems: unread }: Loaded,
  progress: Progress = NO_PROGRESS,
  isPart = false,
): Promise<ReadManifests> {
  await letSignalsIn();
  const size = sizeOf(texts);
  if (size > MUCH) growSlowly();
  let most = 0;
  const told = (done: number, total: number | undefined) => {
    // What was prepared is counted once more, together with the rest.
    most = Math.max(most, done);
    progress('validate', most, total && Math.max(total, most));
  };
  const prepared =
    size < WORTH_IT ? undefined : await (await import('./read-parallel.ts')).prepareInParallel(texts, told);
  const read = readInput(texts, told, prepared);
  // Nor does it beside the reason why the files could not be read.
  const problems = [
    ...unread,
    ...(isPart || unread.length > 0 ? read.problems.filter(({ code }) => code !== 'RC120') : read.problems),
  ];
  const policies = read.declared.filter(({ id }) => kindIn(id) === 'AccessPolicy');
  if (policies.length > 0) {
    const { checkExpressions } = await import('../core/policy.ts');
    problems.push(...checkExpressions(policies));
  }
  return { ...read, problems, unknown: read.unknown || unread.length > 0 };
}

/**
 * The broken rules across resources, of what an input declares on top of a state.
 *
 * For an input that has mistakes: references are judged only as far as the mistakes leave them clear.
 */
export function violationsAcross({ declared, broken, unknown }: ReadManifests, before: State): Violation[] {
  const own = declared.map(({ id, body }) => bodyOf(id, body, declared.length <= MOST_KEPT));
  const violations = checkState(withChanges(before, new Set(), own), own, new Set(broken.keys()));
  return unknown ? violations.filter(({ code }) => code !== 'RC112') : violations;
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}

/** Throws a Failure (exit 4) when there is an error among the problems. */
export function refuseErrors(problems: readonly Problem[]): void {
  if (hasErrors(problems)) throw new Failure(EXIT.invalid, sortProblems(problems));
}
