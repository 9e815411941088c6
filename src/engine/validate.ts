import type { Declared } from '../core/manifest.ts';
import { type Problem, sortProblems } from '../core/problem.ts';
import type { Source } from '../sources/source.ts';
import { problemsAcross, readSource, refuseErrors } from './load.ts';

/**
 * Checks files by themselves, without a store. With `partial`, references to what the files do not have are warnings.
 *
 * Throws a Failure (exit 4) with every problem when there is an error.
 */
export async function validateFiles(
  source: Source,
  partial: boolean,
): Promise<{ declared: readonly Declared[]; warnings: readonly Problem[] }> {
  const read = await readSource(source);
  const across = problemsAcross(read, []).map((problem) =>
    partial && problem.code === 'RC112' ? { ...problem, severity: 'warn' as const } : problem,
  );
  const problems = sortProblems([...read.problems, ...across]);
  refuseErrors(problems);
  return { declared: read.declared, warnings: problems };
}
