import { OWNER_ROLE } from '../kinds/catalogue.ts';
import type { ResourceEntry } from '../kinds/role-binding.ts';
import { type Access, compareGrants, createAccess, type Grant, type Subject } from './access.ts';
import { grantState, isRevoked, rolesWithin } from './grant-facts.ts';
import { compareText } from './problem.ts';
import type { State } from './state.ts';
import { contains, spanOf } from './window.ts';

/** One resource of a workspace; its id may have any characters. */
export interface ResourceName {
  readonly type: string;
  readonly id: string;
}

/** On what: one resource, or the whole workspace; with labels, what has these. */
export interface Target {
  readonly resource?: ResourceName | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Whether somebody may act as a role (manifests.md, Meaning). */
export interface Question extends Target {
  readonly role: string;
  readonly workspace: string;
}

/** Why not. */
export type Bar =
  | { readonly is: 'no grant' | 'suspended' | 'revoked' }
  | { readonly is: 'owner gone' | 'owner suspended'; readonly owner: string }
  /** The own time of the subject, or of who answers for the token. */
  | { readonly is: 'owner ended' | 'owner begins'; readonly owner: string; readonly at: number }
  | { readonly is: 'own time ended' | 'own time begins'; readonly at: number }
  /** `part`: and even then only on the scope of the grant. */
  | { readonly is: 'ended' | 'begins'; readonly at: number; readonly grant: Grant; readonly part: boolean }
  | { readonly is: 'only'; readonly on: readonly string[]; readonly labelled: readonly string[] };

export interface Answer {
  readonly subject: Subject;
  readonly allowed: boolean;
  /** When allowed the grants that give it, else all of that role there that do not; the shortest path first. */
  readonly grants: readonly Grant[];
  /** Empty when allowed, else one or two. */
  readonly bars: readonly Bar[];
}

/** Answers about one state at one time (milliseconds). */
export interface Questions {
  can(subject: Subject, question: Question): Answer;
  /**
   * Everybody who can, and with the active grants that they have, who could on a part of what is asked about only:
   * people first, then tokens, by name.
   */
  whoCan(question: Question): Answer[];
  /** Every grant of a subject that bears on a target, active or not: those that have ended last. */
  why(subject: Subject, workspace: string | undefined, target: Target): Grant[];
  /** What keeps a subject that has no grant at all from having one, if anything does. */
  whyNothing(subject: Subject): Bar[];
}

export function createQuestions(state: State, at: number): Questions {
  const access = createAccess(state);
  const givers = new Map<string, ReadonlySet<string>>();
  const gives = (granted: string, asked: string): boolean => {
    if (granted === asked || granted === OWNER_ROLE) return true;
    const known = givers.get(granted) ?? rolesWithin(state, granted);
    givers.set(granted, known);
    return known.has(asked);
  };

  const can = (subject: Subject, question: Question): Answer => {
    const grants = access
      .grantsOf(subject)
      .filter(({ workspace, role }) => workspace === question.workspace && gives(role, question.role))
      .sort(compareGrants);
    const allowing = grants.filter(
      (grant) => reachOf(grant.entry, question) === 'all' && grantState(state, grant, at) === 'Active',
    );
    if (allowing.length > 0) return { subject, allowed: true, grants: allowing, bars: [] };
    return { subject, allowed: false, grants, bars: barsOf(state, access, subject, grants, question, at) };
  };

  /** The active ones that could decide, were more known of what is asked about. */
  const partsOf = (grants: readonly Grant[], target: Target) =>
    grants.filter((grant) => bearsOn(grant.entry, target) && grantState(state, grant, at) === 'Active');

  return {
    can,
    whoCan: (question) =>
      subjectsIn(state, question.workspace)
        .map((subject) => can(subject, question))
        .map((answer) => (answer.allowed ? answer : { ...answer, grants: partsOf(answer.grants, question) }))
        .filter(({ grants }) => grants.length > 0),
    why: (subject, workspace, target) =>
      access
        .grantsOf(subject)
        .filter((grant) => workspace === undefined || grant.workspace === workspace)
        .filter(({ entry }) => bearsOn(entry, target))
        .sort(
          (a, b) =>
            compareText(a.workspace, b.workspace) ||
            Number(a.span.until <= at) - Number(b.span.until <= at) ||
            compareText(a.role, b.role) ||
            compareText(a.scope, b.scope) ||
            compareGrants(a, b),
        ),
    whyNothing: (subject) =>
      subject.kind === 'Token' && access.grantsOf(subject).length === 0 ? ownerless(state, subject, at) : [],
  };
}

/** How far a resource entry reaches: all that is asked about, what has its labels if that has them, or elsewhere. */
function reachOf(entry: ResourceEntry, { resource, labels }: Target): 'all' | 'labelled' | 'elsewhere' {
  if (entry.labels !== undefined)
    return labels !== undefined && hasLabels(labels, entry.labels) ? 'all' : 'labelled';
  if (entry.id === undefined) return 'all';
  return resource?.type === entry.type && resource.id === entry.id ? 'all' : 'elsewhere';
}

/** Whether an entry may decide about a target: not when it is about another resource, or about other labels. */
function bearsOn(entry: ResourceEntry, target: Target): boolean {
  if (entry.labels !== undefined)
    return target.labels === undefined || hasLabels(target.labels, entry.labels);
  return target.resource === undefined || reachOf(entry, target) === 'all';
}

function hasLabels(
  labels: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
}

function barsOf(
  state: State,
  access: Access,
  subject: Subject,
  grants: readonly Grant[],
  question: Question,
  at: number,
): Bar[] {
  // A token has at least its own grant, but when nobody can answer for it.
  if (subject.kind === 'Token' && access.grantsOf(subject).length === 0) return ownerless(state, subject, at);
  const live = grants.filter(({ span }) => span.until > at);
  if (live.length === 0) return [ownEnd(state, subject, at, grants) ?? endedBar(grants, question)];
  const isCovering = ({ entry }: Grant) => reachOf(entry, question) === 'all';
  const now = live.filter((grant) => contains(grant.span, at) && !isCovering(grant));
  const only = now.length > 0 ? [onlyBar(now)] : [];
  const covering = live.filter(isCovering);
  if (live.some(({ enabled }) => !enabled))
    return [disabledBar(state, subject), ...(covering.length > 0 ? [] : only)];
  if (covering.length > 0) return [beginBar(covering, false), ...only];
  if (only.length === 0) return [beginBar(live, true)];
  return grants.some(isCovering) ? [...only, endedBar(grants, question)] : only;
}

/** Whose time is over has nothing, whatever his grants say. */
function ownEnd(
  state: State,
  { kind, namespace, name }: Subject,
  at: number,
  grants: readonly Grant[],
): Bar | undefined {
  if (grants.length === 0) return undefined;
  const spec = state.get(kind, namespace, name)?.spec;
  if (spec && spanOf(spec).until <= at) return { is: 'own time ended', at: spanOf(spec).until };
  const owner = spec && 'owner' in spec ? spec.owner : undefined;
  const his = owner === undefined ? undefined : state.get('User', undefined, owner);
  const until = his ? spanOf(his.spec).until : Infinity;
  return owner !== undefined && until <= at ? { is: 'owner ended', owner, at: until } : undefined;
}

function disabledBar(state: State, subject: Subject): Bar {
  if (subject.kind === 'User') return { is: 'suspended' };
  if (isRevoked(state, subject)) return { is: 'revoked' };
  return {
    is: 'owner suspended',
    owner: state.get('Token', subject.namespace, subject.name)?.spec.owner ?? '',
  };
}

function ownerless(state: State, { namespace, name }: Subject, at: number): Bar[] {
  const token = state.get('Token', namespace, name);
  if (!token) return [{ is: 'no grant' }];
  const { owner } = token.spec;
  const user = state.get('User', undefined, owner);
  if (!user) return [{ is: 'owner gone', owner }];
  const [own, his] = [spanOf(token.spec), spanOf(user.spec)];
  if (token.spec.revoked) return [{ is: 'revoked' }];
  if (his.until <= at) return [{ is: 'owner ended', owner, at: his.until }];
  if (own.until <= at) return [{ is: 'own time ended', at: own.until }];
  return his.from > at
    ? [{ is: 'owner begins', owner, at: his.from }]
    : [{ is: 'own time begins', at: own.from }];
}

/** The one that ended last, of those that gave all that is asked about if there are any. */
function endedBar(grants: readonly Grant[], question: Question): Bar {
  const covering = grants.filter(({ entry }) => reachOf(entry, question) === 'all');
  const [last] = (covering.length > 0 ? covering : grants).toSorted((a, b) => b.span.until - a.span.until);
  if (!last) return { is: 'no grant' };
  return { is: 'ended', at: last.span.until, grant: last, part: covering.length === 0 };
}

function beginBar(grants: readonly Grant[], part: boolean): Bar {
  const [first] = grants.toSorted((a, b) => a.span.from - b.span.from);
  return first ? { is: 'begins', at: first.span.from, grant: first, part } : { is: 'no grant' };
}

function onlyBar(grants: readonly Grant[]): Bar {
  const scopes = (labelled: boolean) =>
    [
      ...new Set(
        grants.filter(({ entry }) => (entry.labels !== undefined) === labelled).map(({ scope }) => scope),
      ),
    ].sort(compareText);
  return { is: 'only', on: scopes(false), labelled: scopes(true) };
}

/** Every user, and the tokens of a workspace. */
function subjectsIn(state: State, workspace: string): Subject[] {
  const byName = (a: Subject, b: Subject) => compareText(a.name, b.name);
  const people = state
    .ofKind('User')
    .map(({ metadata }): Subject => ({ kind: 'User', namespace: undefined, name: metadata.name }));
  const tokens = state
    .ofKind('Token')
    .filter(({ metadata }) => metadata.namespace === workspace)
    .map(({ metadata }): Subject => ({ kind: 'Token', namespace: workspace, name: metadata.name }));
  return [...people.sort(byName), ...tokens.sort(byName)];
}
