import { diffAccess } from '../core/access-diff.ts';
import type { Declared } from '../core/manifest.ts';
import { type Problem, sortProblems } from '../core/problem.ts';
import { createState } from '../core/state.ts';
import { completed } from '../core/unmanaged.ts';
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

/**
 * What every policy among declared resources says of all of them, as if each were new: problems at the place of the first
 * that it is about. A policy that denies, or cannot be evaluated, is an error. `at` in milliseconds.
 */
export async function auditFiles(declared: readonly Declared[], at: number): Promise<Problem[]> {
  const { policyWork } = await import('../core/policy-input.ts');
  const [before, after] = [createState([]), createState(declared.map(({ resource }) => completed(resource)))];
  const pairs = [...after.all()].map((resource) => ({ before: null, after: resource }));
  const work = policyWork({ before, after, pairs, access: diffAccess(before, after, pairs, at), at });
  if (work.length === 0) return [];
  const { judgePolicies } = await import('./policies.ts');
  const { verdicts, remarks } = await judgePolicies(work);
  const places = new Map(declared.map((one) => [one.id, one]));
  const placeOf = (ids: readonly string[]) => places.get(ids.find((id) => places.has(id)) ?? '')?.place();
  return sortProblems([
    ...verdicts.map(({ code, severity, message, numbers }): Problem => {
      const causes = Array.isArray(numbers.causes) ? numbers.causes.map(String) : [];
      const place = placeOf([...causes, `AccessPolicy//${numbers.policy}`]);
      return { code, severity: severity === 'deny' ? 'error' : 'warn', message, place };
    }),
    ...remarks.map(
      ({ identity, message }): Problem => ({
        code: 'RC301',
        severity: 'warn',
        message,
        place: placeOf([identity]),
      }),
    ),
  ]);
}
