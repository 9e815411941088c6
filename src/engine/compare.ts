import { wholeActual } from '../core/actual.ts';
import { bodyOf } from '../core/draft.ts';
import type { Declared } from '../core/manifest.ts';
import { amended, type Plan, type PlanNotes } from '../core/plan.ts';
import { NOTHING_SETTLED, planChanges } from '../core/plan-changes.ts';
import type { Problem } from '../core/problem.ts';
import { createState } from '../core/state.ts';
import type { Stored } from '../core/stored.ts';
import { toProblems } from '../core/violation-problem.ts';
import type { Source } from '../sources/source.ts';
import { judgePlan, NO_OVERRIDES } from './judgement.ts';
import { readSource, refuseErrors, violationsAcross } from './load.ts';

/**
 * What changing one set of manifests into another does, as a plan that belongs to no store.
 *
 * Throws a Failure (exit 4) when either does not hold by itself. A `base` without manifests is an empty one.
 * Without `prune` nothing is deleted that only `base` has.
 */
export async function compareSources(
  base: Source,
  head: Source,
  manager: string,
  at: number,
  prune = true,
): Promise<{ plan: Plan; notes: PlanNotes; warnings: readonly Problem[] }> {
  const [was, is] = [await readSource(base), await readSource(head)];
  const across = toProblems(violationsAcross(was, createState([])), was.declared);
  const problems = [...was.problems.filter(({ code }) => code !== 'RC120'), ...across, ...is.problems];
  refuseErrors(problems);
  const kept = new Set(is.declared.map(({ id }) => id));
  const { plan, notes, between } = planChanges({
    desired: is.declared,
    settled: NOTHING_SETTLED,
    actual: wholeActual(was.declared.map((declared) => asStored(declared, manager))),
    base: { store: null, revision: 0 },
    options: {
      manager,
      prune: false,
      pruneWorkspaces: [],
      adopt: false,
      workspace: undefined,
      guards: {},
      actor: null,
      deletes: prune ? was.declared.map(({ id }) => id).filter((id) => !kept.has(id)) : [],
    },
    at,
  });
  refuseErrors([...problems, ...plan.problems]);
  const judged = await judgePlan(plan, between, NO_OVERRIDES, at);
  // Nobody applies a difference, so nothing lets it pass either.
  const verdicts = judged.plan.verdicts.map((verdict) => ({ ...verdict, override: null }));
  return { plan: amended(judged.plan, { verdicts }), notes, warnings: [...problems, ...plan.problems] };
}

function asStored({ id, body, declares }: Declared, manager: string): Stored {
  return {
    uid: id,
    id,
    body,
    manager,
    fieldManagers: Object.fromEntries(declares.map((field) => [field, manager])),
    resource: bodyOf(id, body, true).resource,
  };
}
