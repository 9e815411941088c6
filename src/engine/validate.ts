import { diffAccess } from '../core/access-diff.ts';
import { bodyOf } from '../core/draft.ts';
import type { Declared } from '../core/manifest.ts';
import { type Problem, sortProblems } from '../core/problem.ts';
import { identity } from '../core/resource.ts';
import { createState } from '../core/state.ts';
import { toProblems } from '../core/violation-problem.ts';
import type { Source } from '../sources/source.ts';
import { readSource, refuseErrors, violationsAcross } from './load.ts';
import type { Progress } from './progress.ts';

/**
 * Checks files by themselves, without a store. With `partial`, references to what the files do not have are warnings.
 *
 * Throws a Failure (exit 4) with every problem when there is an error.
 */
export async function validateFiles(
  source: Source,
  partial: boolean,
  progress?: Progress,
): Promise<{ declared: readonly Declared[]; warnings: readonly Problem[] }> {
  const read = await readSource(source, progress);
  const across = toProblems(violationsAcross(read, createState([])), read.declared).map((problem) =>
    partial && problem.code === 'RC112' ? { ...problem, severity: 'warn' as const } : problem,
  );
  const problems = sortProblems([...read.problems, ...across]);
  refuseErrors(problems);
  return { declared: read.declared, warnings: problems };
}

/**
 * What every policy among declared resources says of all of them, as if each were new: a problem for each violation, at the
 * place of the first resource that it is about. A policy that denies, or cannot be evaluated, is an error.
 *
 * `at` in milliseconds.
 */
export async function auditFiles(declared: readonly Declared[], at: number): Promise<Problem[]> {
  const { policyWork } = await import('../core/policy-input.ts');
  const [before, after] = [
    createState([]),
    createState(declared.map(({ id, body }) => bodyOf(id, body, true).resource)),
  ];
  const pairs = [...after.all()].map((resource) => ({ before: null, after: resource }));
  const work = policyWork({ before, after, pairs, access: diffAccess(before, after, pairs, at), at });
  if (work.length === 0) return [];
  const { findViolations, problemOf } = await import('./policies.ts');
  const places = new Map(declared.map((one) => [one.id, () => one.place()] as const));
  const problems = new Map<string, Problem>();
  for (const { work: one, findings } of await findViolations(work)) {
    for (const finding of findings) {
      const causes = one.items[finding.item]?.causes ?? [];
      const id = [...causes, identity('AccessPolicy', undefined, one.policy)].find((it) => places.has(it));
      const problem = { ...problemOf(one, finding), place: places.get(id ?? '')?.() };
      // Of a person, several grants may say the same.
      problems.set(JSON.stringify([problem.place, problem.code, problem.message]), problem);
    }
  }
  return sortProblems([...problems.values()]);
}
