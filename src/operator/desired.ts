import type { Declared, ReadManifests } from '../core/manifest.ts';
import type { Problem } from '../core/problem.ts';
import type { Identity } from '../core/resource.ts';
import { kindIn } from '../core/resource.ts';
import type { Known } from './objects.ts';

/** What the objects of a key declare, each by itself: one with a mistake is known to be there, and its counterpart stays as it is. */
export async function desiredOf(objects: readonly Known[]): Promise<ReadManifests> {
  const declared: Declared[] = [];
  const warnings: Problem[] = [];
  const broken = new Map<Identity, Problem>();
  for (const { id, declares } of objects) {
    const mistake = declares.problems.find(({ severity }) => severity === 'error');
    if (mistake) broken.set(id, mistake);
    else for (const one of declares.declared) declared.push(one);
    for (const problem of declares.problems) if (problem.severity === 'warn') warnings.push(problem);
  }
  const policies = declared.filter(({ id }) => kindIn(id) === 'AccessPolicy');
  if (policies.length > 0) {
    const { checkExpressions } = await import('../core/policy.ts');
    for (const policy of policies) {
      const [mistake] = checkExpressions([policy]);
      if (mistake) broken.set(policy.id, mistake);
    }
  }
  const sound = broken.size === 0 ? declared : declared.filter(({ id }) => !broken.has(id));
  return { declared: sound, problems: warnings, broken, unknown: false };
}
