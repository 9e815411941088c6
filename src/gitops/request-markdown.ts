import { causeWords, type DriftItem } from '../core/drift.ts';
import type { Change, Plan } from '../core/plan.ts';
import type { Problem } from '../core/problem.ts';
import { isDenied, nameSome } from '../core/verdict.ts';
import { count } from '../render/lines.ts';
import {
  changeItem,
  code,
  type MarkdownPart,
  planMarkdownParts,
  problemItem,
  prose,
} from '../render/plan-markdown.ts';
import { changeName, changeSign } from '../render/plan-words.ts';
import { accessKeys } from './access-keys.ts';
import { accessPart } from './access-part.ts';
import type { GitOpsConfig } from './config.ts';
import { wayOut } from './overrides.ts';
import type { RequestPlan } from './plan-request.ts';
import { type ReviewRecord, unseen } from './review-record.ts';

/** Of like changes so many are listed one by one, unless all are wanted. */
const LIKE = 200;

/**
 * What is said of a pull request: what it does, what waits beside it, what others changed; the digest last. `earlier`: what was
 * recorded of it before, the newest first. `isFork`: whether the store is not asked before somebody approves.
 */
export function requestParts(
  planned: RequestPlan,
  config: GitOpsConfig,
  earlier: readonly ReviewRecord[],
  isFork = false,
): MarkdownPart[] {
  const { difference, stored, base, head } = planned;
  const shown = stored ?? difference;
  const where = stored
    ? `What merging this pull request does to ${stored.store}`
    : `What merging this pull request does, files against files${isFork ? FORK : ''}`;
  const parts = planMarkdownParts(shown.plan, shown.notes, {
    store: stored?.store ?? '',
    title: 'Access',
    where,
    wayOut: (verdict) => wayOut(verdict, shown.plan.digest, config),
    limit: LIKE,
  });
  const isNothing = shown.plan.changes.length === 0;
  const body = isNothing ? parts : parts.slice(0, -1);
  const warnings = shown.warnings.filter(({ severity }) => severity === 'warn');
  const revision = stored ? `, revision ${shown.plan.base.revision}` : '';
  const commits = `${code(head.slice(0, 12))} into ${code(base.slice(0, 12))}${revision}`;
  const voids = stored?.void ?? [];
  return [
    ...body.slice(0, 2),
    ...stalePart(planned.record, earlier),
    ...body.slice(2),
    ...(voids.length > 0 ? [{ head: [], rows: voids.map(problemItem), foot: [], isFolded: true }] : []),
    ...(!stored && isDenied(shown.plan.verdicts) ? [plain(LATER)] : []),
    ...(warnings.length > 0 ? [{ head: [], rows: warnings.map(problemItem), foot: [], isFolded: true }] : []),
    ...(stored ? filesParts(difference.plan, stored.plan) : []),
    ...(stored ? [...pendingParts(stored.pending), ...driftParts(stored.drift)] : []),
    plain(isNothing ? commits : `digest ${code(shown.plan.digest)}, ${commits}`),
  ];
}

const FORK =
  '. It can be planned against the store once somebody else who may write to the repository approves of this head';

/** A digest knows the store, and an override the digest. */
const LATER = 'What lets a refusal pass is said, and answered, once this is planned against the store.';

/** What only the files say: what was merged before them is not applied, or others changed what there is. */
function filesParts(files: Plan, stored: Plan): MarkdownPart[] {
  const access = unseen(files.access, [], accessKeys(stored.access));
  if (access.length === 0) return [];
  return [
    plain('**Beside that, by the files alone**, once all that is merged before is applied:'),
    accessPart('access', access),
  ];
}

/** What people looked at before, where that was another plan of the same commit. */
function stalePart(record: ReviewRecord, earlier: readonly ReviewRecord[]): MarkdownPart[] {
  const stale = earlier.find(
    ({ head, digest, accessSum }) =>
      head === record.head &&
      // That the store is known now makes it no other plan.
      (digest === null) === (record.digest === null) &&
      (digest !== record.digest || accessSum !== record.accessSum),
  );
  if (!stale) return [];
  const revision = stale.revision === null ? '' : `, revision ${stale.revision}`;
  return [
    plain(
      `**Planned again**: into ${code(stale.base.slice(0, 12))}${revision} the same commit did something else. What was approved then is stale.`,
    ),
  ];
}

/** What is said of a pull request that cannot be planned. `title` is of our own words. */
export function mistakesParts(title: string, problems: readonly Problem[]): MarkdownPart[] {
  return [
    plain('### Access'),
    plain(`**${title}**`),
    { head: [], rows: problems.map(problemItem), foot: [], isFolded: true },
    plain(`${count(problems.length, 'problem')}`),
  ];
}

function pendingParts(pending: readonly Change[]): MarkdownPart[] {
  if (pending.length === 0) return [];
  return folded(
    `${count(pending.length, 'change')} merged before, and not applied yet: not of this pull request`,
    pending.map((change) => changeItem(change, LIKE)),
  );
}

/** What others changed since it was applied. */
function driftParts(drift: readonly DriftItem[]): MarkdownPart[] {
  if (drift.length === 0) return [];
  return folded(
    `${count(drift.length, 'resource')} not as applied: not of this pull request`,
    drift.map(driftRow),
  );
}

export function driftRow(item: DriftItem): string {
  const { action, kind, namespace, name, fields, treatment } = item;
  const paths = nameSome(
    fields.map(({ path }) => path),
    20,
  );
  const what = changeName({ kind, namespace, name });
  const said = `${what}${paths === '' ? '' : `: ${paths}`} changed ${causeWords(item)}${treatment === 'report' ? ', left alone' : ''}`;
  return `- ${code(changeSign(action))} ${prose(said)}`;
}

function folded(summary: string, rows: readonly string[]): MarkdownPart[] {
  return [
    { head: [`<details><summary>${summary}</summary>`, ''], rows, foot: ['', '</details>'], isFolded: true },
  ];
}

function plain(text: string): MarkdownPart {
  return { head: [text], rows: [], foot: [] };
}
