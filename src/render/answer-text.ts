import type { AccessLine } from '../core/access-diff.ts';
import type { GrantFacts } from '../core/grant-facts.ts';
import type { Answer, Bar, Question, Target } from '../core/question.ts';
import { formatTime, showTime } from '../kinds/time.ts';
import { count, visible, wrap } from './lines.ts';
import type { Paint } from './paint.ts';
import { accessWords } from './plan-words.ts';

export interface AnswerTextOptions {
  /** The time that was asked about, in milliseconds; undefined for now. */
  readonly at: number | undefined;
  readonly paint: Paint;
  /** Columns of the terminal. */
  readonly width: number;
  /** Longer lists are folded to a count; Infinity shows all. */
  readonly most: number;
}

/** Yes, and through what; or no, and why not. */
export function canIText(
  { allowed, bars, subject }: Answer,
  grants: readonly GrantFacts[],
  question: Question,
  { at, paint, width, most }: AnswerTextOptions,
): string {
  const who = subjectWords(subject);
  const verb = allowed ? 'can' : 'cannot';
  const head = wrap(
    visible(`${allowed ? 'yes' : 'no'}: ${who} ${verb} ${actWords(question, at)}`),
    width,
    '  ',
  ).replace(/^\w+/, (word) => paint(allowed ? 'good' : 'bad', word));
  const lines = allowed
    ? grants.slice(0, most).map((grant) => accessWords(accessLine(grant, question.role)))
    : bars.map((bar) => visible(barWords(bar, question)));
  const rest = allowed ? grants.length - most : 0;
  if (rest > 0) lines.push(`and in ${count(rest, 'other way')} (all with -v)`);
  return `${[head, ...lines.map((line) => wrap(`  ${line}`, width, '    '))].join('\n')}\n`;
}

/** The same in one line, for programs. */
export function reasonWords(
  { allowed, bars }: Answer,
  [first]: readonly GrantFacts[],
  question: Question,
): string {
  if (allowed) return first ? accessWords(accessLine(first, question.role)) : '';
  return bars.map((bar) => visible(barWords(bar, question))).join('; ');
}

/** `ana-diaz`, `token ci-deploy`. */
export function subjectWords({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return kind === 'Token' ? `token ${name}` : name;
}

/** `act as source-admin on Source/website in acme-prod, at 2027-01-31 00:00 UTC`. */
export function actWords(question: Question, at: number | undefined): string {
  return `act as ${question.role} ${targetWords(question, question.workspace)}${atWords(at)}`;
}

export function targetWords({ resource, labels }: Target, workspace: string): string {
  const labelled =
    labels &&
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(', ');
  if (resource)
    return `on ${resource.type}/${resource.id}${labelled === undefined ? '' : ` (${labelled})`} in ${workspace}`;
  return labelled === undefined
    ? `on the whole workspace ${workspace}`
    : `on all with ${labelled} in ${workspace}`;
}

export function atWords(at: number | undefined): string {
  return at === undefined ? '' : `, at ${showMoment(at)}`;
}

function showMoment(time: number): string {
  return showTime(formatTime(time));
}

/** A grant as a line of access to the role that was asked for, which it may only include. */
export function accessLine(
  { role, scope, via, binding, state, notBefore, expiresAt }: GrantFacts,
  asked: string,
): AccessLine {
  return {
    role: asked,
    scope,
    via: role === asked ? via : `${via}>role:${role}`,
    binding,
    from: state.startsWith('From ') ? notBefore : null,
    until: expiresAt,
  };
}

/** Why not, in a line. */
export function barWords(
  bar: Bar,
  { role, workspace }: { readonly role: string; readonly workspace: string },
): string {
  switch (bar.is) {
    case 'no grant':
      return `no grant in ${workspace} gives ${role}`;
    case 'suspended':
      return 'suspended';
    case 'revoked':
      return 'the token is revoked';
    case 'owner gone':
      return `${bar.owner}, who answered for the token, is gone`;
    case 'owner suspended':
      return `${bar.owner}, who answers for the token, is suspended`;
    case 'owner ended':
      return `the time of ${bar.owner}, who answers for the token, ended at ${showMoment(bar.at)}`;
    case 'owner begins':
      return `the time of ${bar.owner}, who answers for the token, begins at ${showMoment(bar.at)}`;
    case 'own time ended':
      return `their own time ended at ${showMoment(bar.at)}`;
    case 'own time begins':
      return `their own time begins at ${showMoment(bar.at)}`;
    case 'ended':
    case 'begins': {
      const { scope, binding } = bar.grant;
      const on = bar.part ? `only ${scopeWords(bar.grant.entry.labels !== undefined, scope)}, and that ` : '';
      return `${on}${bar.is} at ${showMoment(bar.at)}, ${bindingWords(binding)}`;
    }
    case 'only': {
      const parts = [...named(bar.on, false), ...named(bar.labelled, true)];
      return `only ${parts.join(', or ')}`;
    }
  }
}

function named(scopes: readonly string[], labelled: boolean): string[] {
  if (scopes.length === 0) return [];
  const shown = scopes.slice(0, 5);
  const more = scopes.length > shown.length ? [`${scopes.length - shown.length} more`] : [];
  return [scopeWords(labelled, [...shown, ...more].join(labelled ? ' or ' : ', '))];
}

function scopeWords(labelled: boolean, scope: string): string {
  return labelled ? `if labelled ${scope}` : `on ${scope}`;
}

function bindingWords(binding: string): string {
  return binding.startsWith('token/') ? 'by the role of the token itself' : `by binding ${binding}`;
}
