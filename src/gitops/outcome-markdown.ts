import { count } from '../render/lines.ts';
import { code, type MarkdownPart, planMarkdownParts, problemItem, prose } from '../render/plan-markdown.ts';
import { accessWords, planSummary, subjectName } from '../render/plan-words.ts';
import type { UnitOutcome } from './apply-unit.ts';

const LIKE = 200;

/** What is said on a pull request once it was merged: applied, or why not and what to do. */
export function outcomeParts(outcome: UnitOutcome): MarkdownPart[] {
  const { unit, planned, is, revision, location, unseen, together } = outcome;
  const { plan } = planned;
  const commit = code(unit.tip.slice(0, 12));
  const notes = outcome.void.length > 0 ? [plain(outcome.void.map(problemItem).join('\n'))] : [];
  switch (is) {
    case 'applied':
      return [
        plain(`### Applied to ${prose(location)}`),
        plain(`**${planSummary(plan)}**: revision ${revision}, ${commit}${reviewWords(outcome)}`),
        ...notes,
        plain(`digest ${code(plan.digest)}`),
      ];
    case 'nothing to do':
      return [plain(`### Nothing to apply to ${prose(location)}`), plain(`${commit}, revision ${revision}`)];
    case 'refused':
      return [
        plain(`### Not applied to ${prose(location)}: refused`),
        plain('What is merged after this waits until it passes, or is taken back.'),
        ...notes,
        ...planParts(outcome),
      ];
    case 'not reviewed': {
      const who = together.length === 0 ? '' : ` together with ${together.map((n) => `#${n}`).join(', ')}`;
      return [
        plain(`### Not applied to ${prose(location)}: nobody looked at this`),
        plain(
          `**RC605**: merged${who}, this changes access that was not to be seen in the pull request. What is merged after this waits. Take it back, or open a pull request that says so.`,
        ),
        {
          head: ['| who | access that nobody looked at |', '|---|---|'],
          rows: unseen.flatMap((change) => [
            ...change.gains.map(
              (line) =>
                `| ${prose(subjectName(change), 'cell')} | **gains** ${prose(accessWords(line), 'cell')} in ${prose(change.workspace, 'cell')} |`,
            ),
            ...change.loses.map(
              (line) =>
                `| ${prose(subjectName(change), 'cell')} | loses ${prose(accessWords(line), 'cell')} in ${prose(change.workspace, 'cell')} |`,
            ),
          ]),
          foot: [],
        },
        ...notes,
        ...planParts(outcome),
      ];
    }
  }
}

function planParts({ planned, location }: UnitOutcome): MarkdownPart[] {
  const where = `Planned anew for ${location}`;
  return planMarkdownParts(planned.plan, planned.notes, {
    store: location,
    title: 'Plan',
    where,
    limit: LIKE,
  });
}

function reviewWords({ review }: UnitOutcome): string {
  if (review === undefined) return ', pushed without a pull request';
  return review === 'verified' ? ', review: verified' : ', review: unverified';
}

/** The same in a line, for a log. */
export function outcomeWords({ unit, planned, is, revision, unseen }: UnitOutcome): string {
  const what = unit.pull ? `#${unit.pull.number}` : 'pushed without a pull request';
  const name = `${unit.tip.slice(0, 12)} (${what})`;
  switch (is) {
    case 'applied':
      return `${name}: ${planSummary(planned.plan)}, revision ${revision}`;
    case 'nothing to do':
      return `${name}: nothing to do`;
    case 'refused':
      return `${name}: refused`;
    case 'not reviewed':
      return `${name}: not applied, access of ${count(unseen.length, 'subject')} was not to be seen in review (RC605)`;
  }
}

function plain(text: string): MarkdownPart {
  return { head: [text], rows: [], foot: [] };
}
