import { causeWords, type DriftItem } from '../core/drift.ts';
import { count, visible, wrap } from './lines.ts';
import type { Paint } from './paint.ts';
import { changeName, changeSign, fieldWords } from './plan-words.ts';

export interface DriftTextOptions {
  readonly paint: Paint;
  /** Columns of the terminal. */
  readonly width: number;
  /** Longer lists are folded to a count; Infinity shows all. */
  readonly most: number;
}

export interface DriftAnswer {
  /** Whose resources were looked at. */
  readonly manager: string;
  /** Undefined for all. */
  readonly workspace: string | undefined;
  /** By identity. */
  readonly items: readonly DriftItem[];
  /** How many resources there are, how many differ and are ignored, and of how many it cannot be told. */
  readonly resources: number;
  readonly ignored: number;
  readonly unknown: number;
}

/** What is not as it was applied, by workspace, with who did it and when, and what to do about it. */
export function driftText(answer: DriftAnswer, options: DriftTextOptions): string {
  const { items, ignored, unknown } = answer;
  const { paint, width, most } = options;
  const byPlace = Map.groupBy(items.slice(0, most), placeOf);
  const places = [...byPlace].sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = [
    headText(answer, options),
    ...places.map(([place, some]) =>
      [
        paint('strong', place === '' ? 'Global' : visible(place)),
        ...some.map((item) => itemText(item, answer.manager, options)),
      ].join('\n'),
    ),
  ];
  const rest = items.length - most;
  const notes = [
    rest > 0 ? `… and ${count(rest, 'more', 'more')} (all of them with -v)` : '',
    ignored > 0
      ? `${count(ignored, 'resource differs', 'resources differ')}, and ${ignored === 1 ? 'is' : 'are'} to be ignored (rolecall.dev/drift)`
      : '',
    unknown > 0 ? `of ${count(unknown, 'resource')} it cannot be told: audit rows are redacted` : '',
  ].filter(Boolean);
  if (notes.length > 0) parts.push(notes.map((note) => wrap(note, width, '  ')).join('\n'));
  const steps = nextSteps(items, answer.manager);
  if (steps.length > 0)
    parts.push(
      [paint('strong', 'Next'), ...steps.map((step) => wrap(`  ${visible(step)}`, width, '    '))].join('\n'),
    );
  return `${parts.join('\n\n')}\n`;
}

function headText({ items, resources, manager, workspace }: DriftAnswer, { paint, width }: DriftTextOptions) {
  const where = visible(`manager ${manager}${workspace === undefined ? '' : `, workspace ${workspace}`}`);
  if (items.length === 0)
    return wrap(
      `${paint('good', 'No drift.')} ${count(resources, 'resource')} compared with what was applied (${where}).`,
      width,
      '  ',
    );
  const differing = new Set(items.map((item) => changeName(item))).size;
  const verb = differing === 1 ? 'is not as it was' : 'are not as they were';
  return paint('strong', wrap(`${count(differing, 'resource')} ${verb} applied (${where})`, width, '  '));
}

/** The workspace that an item is in; empty for what is in none. */
function placeOf({ kind, namespace, name }: DriftItem): string {
  return kind === 'Workspace' ? name : (namespace ?? '');
}

const TONES = { create: 'good', update: 'warn', delete: 'bad' } as const;
const VERBS = { create: 'made', update: 'changed', delete: 'deleted' } as const;

function itemText(item: DriftItem, manager: string, { paint, width, most }: DriftTextOptions): string {
  const { action, kind, cause, managedBy, treatment, revision, reason, fields } = item;
  const sign = changeSign(action);
  const whose = cause === 'database' && managedBy !== manager ? ` (manager ${managedBy})` : '';
  const words = [
    `${changeName(item)}${whose} ${VERBS[action]} ${causeWords(item)}`,
    revision === null ? '' : `revision ${revision}`,
    treatment === 'report' ? 'only reported' : '',
  ];
  const first = wrap(visible(`  ${sign} ${words.filter(Boolean).join(', ')}`), width, '      ');
  const shown = fields
    .slice(0, most)
    .map((field) => (field.path === '' ? 'what is stored is no manifest' : fieldWords(kind, field)));
  if (fields.length > most) shown.push(`… and ${count(fields.length - most, 'more field')}`);
  if (reason !== null) shown.push(`reason: ${visible(reason.replaceAll('\n', ' '))}`);
  return [
    first.replace(sign, paint(TONES[action], sign)),
    ...shown.map((line) => wrap(`      ${line}`, width, '        ')),
  ].join('\n');
}

/** What there is to do about it: what is taken back by whom, and how. */
function nextSteps(items: readonly DriftItem[], manager: string): string[] {
  const enforced = items.filter(({ treatment }) => treatment === 'enforce');
  const taken = enforced.filter(({ action, cause }) => action === 'update' && cause === 'manager');
  const made = enforced.filter(({ action }) => action === 'create');
  const lost = enforced.filter((item) => !taken.includes(item) && !made.includes(item));
  const others = new Set(lost.flatMap(({ managedBy }) => (managedBy === manager ? [] : [managedBy])));
  return [
    lost.some(({ managedBy }) => managedBy === manager)
      ? `iam apply -f PATH brings back what was deleted, or changed in the database`
      : '',
    taken.length > 0
      ? `iam plan -f PATH --adopt shows what comes back of what another manager took over${taken.some(isSuspended) ? '; whoever he suspended would be active again' : ''}`
      : '',
    ...[...others]
      .sort()
      .map((other) => `what manager ${other} has, an apply with --manager ${other} brings back`),
    made.length > 0 ? 'declare what was made in the database, or delete it with iam delete' : '',
    enforced.length < items.length ? 'what is only reported stays as it is (rolecall.dev/drift)' : '',
  ].filter(Boolean);
}

function isSuspended({ kind, fields }: DriftItem): boolean {
  return kind === 'User' && fields.some(({ path, after }) => path === '/spec/state' && after === 'Suspended');
}
