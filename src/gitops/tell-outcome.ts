import type { Problem } from '../core/problem.ts';
import type { Verdict } from '../core/verdict.ts';
import type { MarkdownPart } from '../render/plan-markdown.ts';
import type { UnitOutcome } from './apply-unit.ts';
import { markerOf, publish } from './comments.ts';
import type { Forge } from './forge.ts';
import { type MergedUnit, partsOf } from './merged-units.ts';
import { outcomeParts, waitingParts } from './outcome-markdown.ts';
import { wayOut } from './overrides.ts';
import { pages } from './pages.ts';
import { unreviewed } from './unreviewed.ts';

/** Tells the pull requests of a unit what became of it. Whoever merged without an effect need not be told so. */
export function tellOutcome(forge: Forge, outcome: UnitOutcome): Promise<void> {
  return tell(forge, outcome, outcome.unit, outcomeParts(outcome));
}

/** Tells the pull requests of a unit that it waits for one before it. */
export function tellWaiting(forge: Forge, unit: MergedUnit, cause: UnitOutcome): Promise<void> {
  return tell(forge, cause, unit, waitingParts(cause));
}

async function tell(
  forge: Forge,
  { config, is }: UnitOutcome,
  unit: MergedUnit,
  parts: readonly MarkdownPart[],
): Promise<void> {
  const manager = `${config.manager}:applied`;
  const made = pages(parts, (page) => markerOf(manager, page), 'iam plan tells all of it');
  const numbers = new Set(partsOf(unit).flatMap(({ pull }) => pull?.number ?? []));
  for (const number of numbers)
    await publish(forge, number, manager, made, { onlyOver: is === 'nothing to do' });
}

/** Why a unit is not applied, and what to do. */
export function outcomeProblems(outcome: UnitOutcome): readonly Problem[] {
  switch (outcome.is) {
    case 'mistaken':
      return outcome.problems;
    case 'refused':
    case 'planned': {
      const { planned, config } = outcome;
      const { verdicts, digest } = planned.plan;
      const denied = verdicts.filter(({ severity }) => severity === 'deny');
      const hintOf = (verdict: Verdict) => {
        const way = wayOut(verdict, digest, config);
        return way === null ? undefined : `to let it pass: ${way}`;
      };
      return [...denied.map((verdict) => problemOf(verdict, hintOf(verdict))), ...outcome.void];
    }
    case 'not reviewed': {
      const hint = 'take it back, and open it again: its plan then says this';
      return [problemOf(unreviewed(outcome.unseen, outcome.together), hint), ...outcome.void];
    }
    case 'applied':
    case 'nothing to do':
      return [];
  }
}

function problemOf({ code, message }: Verdict, hint: string | undefined): Problem {
  return { code, severity: 'error', message, hint };
}
