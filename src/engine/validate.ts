import { toProblems } from '../core/violation-problem.ts';
import { EXIT, Failure, type Problem, sortProblems } from '../core/problem.ts';
import { createState } from '../core/state.ts';
import { completed } from '../core/unmanaged.ts';
import { checkState } from '../core/validate.ts';
import type { Declared } from '../core/manifest.ts';
import type { Source } from '../sources/source.ts';
import { readSource } from './load.ts';

/**
 * Checks files by themselves, without a store. With `partial`, references to what the files do not have are warnings.
 *
 * Throws a Failure (exit 4) with every problem when there is an error.
 */
export async function validateFiles(
  source: Source,
  partial: boolean,
): Promise<{ declared: readonly Declared[]; warnings: readonly Problem[] }> {
  const { declared, problems } = await readSource(source);
  const all = [...problems];
  // With unreadable files every reference into them would be a second complaint about the same thing.
  const broken = problems.some(({ severity }) => severity === 'error');
  const violations = checkState(createState(declared.map(({ resource }) => completed(resource, undefined))));
  const across = toProblems(broken ? violations.filter(({ code }) => code !== 'RC112') : violations, declared);
  all.push(...across.map((problem) => (partial && problem.code === 'RC112' ? { ...problem, severity: 'warn' as const } : problem)));
  const sorted = sortProblems(all);
  if (sorted.some(({ severity }) => severity === 'error')) throw new Failure(EXIT.invalid, sorted);
  return { declared, warnings: sorted };
}
