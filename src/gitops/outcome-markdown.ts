import { count } from '../render/lines.ts';
import { code, type MarkdownPart, planMarkdownParts, problemItem, prose } from '../render/plan-markdown.ts';
import { planSummary } from '../render/plan-words.ts';
import type { Revision } from '../stores/store.ts';
import { accessPart } from './access-part.ts';
import type { PlannedUnit, UnitOutcome } from './apply-unit.ts';
import { type MergedUnit, partsOf } from './merged-units.ts';
import { wayOut } from './overrides.ts';
import { storeName } from './store-name.ts';

const LIKE = 200;

/** What is said on a pull request once it was merged: applied, or why not and what to do. */
export function outcomeParts(outcome: UnitOutcome): MarkdownPart[] {
  if (outcome.is === 'mistaken')
    return [
      plain('### Not applied: mistakes in the manifests'),
      plain(WAITS),
      { head: [], rows: outcome.problems.map(problemItem), foot: [], isFolded: true },
      plain(code(outcome.unit.tip.slice(0, 12))),
    ];
  const { unit, planned, is, revision, store, unseen, together } = outcome;
  const { plan } = planned;
  const commit = code(unit.tip.slice(0, 12));
  const rows = outcome.void.map(problemItem);
  const notes = rows.length > 0 ? [{ head: [], rows, foot: [], isFolded: true }] : [];
  switch (is) {
    case 'applied':
      return [
        plain(`### Applied to ${prose(store)}`),
        plain(
          `**${planSummary(plan)}**: revision ${revision}, ${commit}${reviewWords(outcome)}${heldWords(unit)}`,
        ),
        ...notes,
        plain(`digest ${code(plan.digest)}`),
      ];
    case 'nothing to do':
      return [
        plain(`### Nothing to apply to ${prose(store)}`),
        plain(`${commit}, revision ${revision}${heldWords(unit)}`),
      ];
    case 'planned':
      return [
        plain(`### To be applied to ${prose(store)}: ${commit}${heldWords(unit)}`),
        ...planParts(outcome),
      ];
    case 'refused':
      return [
        plain(`### Not applied to ${prose(store)}: refused`),
        plain(WAITS),
        ...notes,
        ...planParts(outcome),
      ];
    case 'not reviewed': {
      const who = together.length === 0 ? '' : ` together with ${numbers(together)}`;
      return [
        plain(`### Not applied to ${prose(store)}: nobody looked at this`),
        plain(
          `**RC605**: merged${who}, this changes access that was not to be seen in the pull request. ${WAITS} Opened again, its plan says this.`,
        ),
        accessPart('access that nobody looked at', unseen),
        ...notes,
        ...planParts(outcome),
      ];
    }
  }
}

/** What is said once more, or for the first time, by a run that came after the one that applied it. */
export function appliedAgainParts(
  { revision, summary, digest }: Revision,
  commit: string,
  store: string | null,
): MarkdownPart[] {
  const done = `${summary.create} created, ${summary.update} updated, ${summary.delete} deleted`;
  return [
    plain(`### Applied to ${prose(storeName(store))}`),
    plain(`**${done}**: revision ${revision}, ${code(commit.slice(0, 12))}, told by a later run`),
    plain(`digest ${code(digest)}`),
  ];
}

/** Whether a page says that a commit is applied. */
export function saysApplied(page: string, commit: string): boolean {
  return /^### (?:Applied|Nothing to apply) to /m.test(page) && page.includes(code(commit.slice(0, 12)));
}

const WAITS =
  'What is merged after this waits until it passes, is mended, or is taken back by another pull request.';

function numbers(list: readonly number[]): string {
  return list.map((number) => `#${number}`).join(', ');
}

/** What is said on a pull request that waits for what was merged before it. */
export function waitingParts({ unit }: UnitOutcome): MarkdownPart[] {
  const { pull, tip } = unit;
  return [
    plain('### Not applied yet'),
    plain(
      `It waits for ${pull ? numbers([pull.number]) : code(tip.slice(0, 12))} before it, which is not applied.`,
    ),
  ];
}

/** What was held back until this came, and is part of it. */
function heldWords({ held }: MergedUnit): string {
  const pulls = held.flatMap(({ pull }) => pull?.number ?? []);
  const pushed = held.filter(({ pull }) => !pull).map(({ tip }) => code(tip.slice(0, 12)));
  const all = [...(pulls.length > 0 ? [numbers([...new Set(pulls)])] : []), ...pushed];
  return all.length === 0 ? '' : `, with ${all.join(', ')}, which waited for it`;
}

function planParts({ planned, store, config }: PlannedUnit): MarkdownPart[] {
  const where = `Planned anew for ${store}`;
  return planMarkdownParts(planned.plan, planned.notes, {
    store,
    title: 'Plan',
    where,
    wayOut: (verdict) => wayOut(verdict, planned.plan.digest, config),
    limit: LIKE,
  });
}

function reviewWords({ review }: PlannedUnit): string {
  if (review === undefined) return ', pushed without a pull request';
  return review === 'verified' ? ', review: verified' : ', review: unverified';
}

/** The same in a line, for a log. */
export function outcomeWords(outcome: UnitOutcome): string {
  const { unit } = outcome;
  const name = partsOf(unit)
    .map(({ tip, pull, parent }) => `${tip.slice(0, 12)} (${whatWords(pull, parent)})`)
    .join(', ');
  if (outcome.is === 'mistaken') return `${name}: not applied, ${count(outcome.problems.length, 'mistake')}`;
  const { planned, is, revision, unseen } = outcome;
  switch (is) {
    case 'applied':
      return `${name}: ${planSummary(planned.plan)}, revision ${revision}`;
    case 'nothing to do':
      return `${name}: nothing to do`;
    case 'planned':
      return `${name}: ${planSummary(planned.plan)}, not applied`;
    case 'refused':
      return `${name}: refused, digest ${planned.plan.digest}`;
    case 'not reviewed':
      return `${name}: not applied, access of ${count(unseen.length, 'subject')} was not to be seen in review (RC605)`;
  }
}

function whatWords(pull: MergedUnit['pull'], parent: string | null): string {
  if (pull) return `#${pull.number}`;
  return parent === null ? 'the first apply' : 'pushed without a pull request';
}

function plain(text: string): MarkdownPart {
  return { head: [text], rows: [], foot: [] };
}
