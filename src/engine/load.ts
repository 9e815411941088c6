import type { ReadManifests } from '../core/manifest.ts';
import { EXIT, Failure, type Problem, sortProblems } from '../core/problem.ts';
import { readInput } from '../core/read-input.ts';
import { type State, withChanges } from '../core/state.ts';
import { completed } from '../core/unmanaged.ts';
import { checkState } from '../core/validate.ts';
import { toProblems } from '../core/violation-problem.ts';
import type { Loaded, Source } from '../sources/source.ts';

/** Reads a whole input and checks all that each manifest says by itself. Never throws on bad input. */
export async function readSource(source: Source): Promise<ReadManifests> {
  return readLoaded(await source.load());
}

/** As `readSource`, of what a source has loaded. `isPart`: there is more, and "no manifest" says nothing. */
export async function readLoaded(
  { texts, problems: unread }: Loaded,
  isPart = false,
): Promise<ReadManifests> {
  const read = readInput(texts);
  // Nor does it beside the reason why the files could not be read.
  const problems = [
    ...unread,
    ...(isPart || unread.length > 0 ? read.problems.filter(({ code }) => code !== 'RC120') : read.problems),
  ];
  if (read.declared.some(({ resource }) => resource.kind === 'AccessPolicy')) {
    const { checkExpressions } = await import('../core/policy.ts');
    problems.push(...checkExpressions(read.declared));
  }
  return { ...read, problems, unknown: read.unknown || unread.length > 0 };
}

/**
 * The broken rules across resources, of what an input declares on top of a state.
 *
 * For an input that has mistakes: references are judged only as far as the mistakes leave them clear.
 */
export function problemsAcross({ declared, broken, unknown }: ReadManifests, before: State): Problem[] {
  const own = declared.map(({ resource }) => completed(resource));
  const violations = checkState(withChanges(before, new Set(), own), own, new Set(broken.keys()));
  return toProblems(unknown ? violations.filter(({ code }) => code !== 'RC112') : violations, declared);
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}

/** Throws a Failure (exit 4) when there is an error among the problems. */
export function refuseErrors(problems: readonly Problem[]): void {
  if (hasErrors(problems)) throw new Failure(EXIT.invalid, sortProblems(problems));
}
