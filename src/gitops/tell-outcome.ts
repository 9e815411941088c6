import type { Problem } from '../core/problem.ts';
import type { Verdict } from '../core/verdict.ts';
import type { MarkdownPart } from '../render/plan-markdown.ts';
import { pullsOf, type UnitOutcome } from './apply-unit.ts';
import { markerOf, publish } from './comments.ts';
import type { Forge } from './forge.ts';
import type { MergedUnit } from './merged-units.ts';
import { outcomeParts, waitingParts } from './outcome-markdown.ts';
import { isApprovable, wayOut } from './overrides.ts';
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

function tell(
  forge: Forge,
  { config, is }: UnitOutcome,
  unit: MergedUnit,
  parts: readonly MarkdownPart[],
): Promise<void> {
  const numbers = new Set(pullsOf(unit).map(({ number }) => number));
  return publishOutcome(forge, numbers, config.manager, parts, { onlyOver: is === 'nothing to do' });
}

/** Our pages about what became of a merge, which are not those of its plan. */
const bookOf = (manager: string) => `${manager}:applied`;

/** Writes on pull requests what became of them. */
export async function publishOutcome(
  forge: Forge,
  numbers: Iterable<number>,
  manager: string,
  parts: readonly MarkdownPart[],
  options: { readonly onlyOver?: boolean } = {},
): Promise<void> {
  const book = bookOf(manager);
  const made = pages(parts, (page) => markerOf(book, page), 'iam plan tells all of it');
  for (const number of numbers) await publish(forge, number, book, made, options);
}

/** Whether what became of a pull request was told, and says something. */
export async function isTold(
  forge: Forge,
  number: number,
  manager: string,
  says: (page: string) => boolean,
): Promise<boolean> {
  const marker = markerOf(bookOf(manager), 1);
  return (await forge.comments(number)).some(({ body }) => body.startsWith(marker) && says(body));
}

/** A summary of a run of Actions has at most 1 MiB. */
const LONGEST_SUMMARY = 250_000;

/** What is said of a unit on one page, for those who look at the run. */
export function outcomeSummary(outcome: UnitOutcome): string {
  const limits = { longest: LONGEST_SUMMARY, most: 1 };
  const [page = ''] = pages(outcomeParts(outcome), () => '', 'iam plan tells all of it', limits);
  return `${page.trim()}\n\n`;
}

/** The digest of what was refused, where an approval of the environment may let just that pass. */
export function digestToApprove(outcome: UnitOutcome): string | undefined {
  if (outcome.is !== 'refused' || pullsOf(outcome.unit).length === 0) return undefined;
  const { verdicts, digest } = outcome.planned.plan;
  const denied = verdicts.filter(({ severity }) => severity === 'deny');
  return isApprovable(denied, digest, outcome.config) ? digest : undefined;
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
