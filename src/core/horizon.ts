import type { KindName } from '../kinds/index.ts';
import { formatTime, parseTime } from '../kinds/time.ts';
import { type Access, compareGrants, createAccess, type Grant, type Subject, showVia } from './access.ts';
import { pointerParts } from './document.ts';
import { type Moment, momentsOf } from './moment.ts';
import { BODIES, type Change, identityOfChange } from './plan.ts';
import { compareText } from './problem.ts';
import { fromManifest, type Identity, identity } from './resource.ts';
import type { State } from './state.ts';
import { merge, type Span } from './window.ts';

/** How far ahead a plan looks. */
export interface Horizon {
  /** As it was given: `7d`. */
  readonly text: string;
  /** Milliseconds. */
  readonly length: number;
}

/** What a plan says of passing time beside its changes (docs/decisions/0014). */
export interface PlanTime {
  /** What has ended, and the apply retires; by time. */
  readonly ended: readonly Ended[];
  /** Only where a horizon was asked for. */
  readonly ending?: Ending;
}

/** The end of a window that has come. */
export interface Ended {
  readonly kind: KindName;
  readonly namespace: string | null;
  readonly name: string;
  /** A JSON Pointer to what has the window: `/spec`, or `/spec/members/User:ana`. */
  readonly path: string;
  /** Normal form. */
  readonly until: string;
}

export interface Ending {
  readonly horizon: string;
  /** Soonest first. */
  readonly access: readonly EndingAccess[];
}

/** Access that somebody loses by time alone. */
export interface EndingAccess {
  readonly subjectKind: 'User' | 'Token';
  readonly subject: string;
  /** Empty for a Token. */
  readonly email: string;
  readonly workspace: string;
  readonly role: string;
  readonly scope: string;
  /** The shortest of the paths that last to the end. */
  readonly via: string;
  readonly binding: string;
  /** Normal form. */
  readonly until: string;
}

/** A moment of a resource. */
export interface MomentAt extends Moment {
  readonly id: Identity;
}

/** The ends among moments that have come, as they are after changes: what a change moves or removes is not retired. */
export function endedAfter(moments: readonly MomentAt[], changes: readonly Change[]): Ended[] {
  const ends = moments.filter(({ type }) => type === 'ends');
  if (ends.length === 0) return [];
  const changed = changedBefore(changes, new Set(ends.map(({ id }) => id)));
  return ends.flatMap((end) => {
    const change = changed.get(end.id);
    if (change && !momentsAfter(change).some((moment) => isSame(moment, end))) return [];
    return [endedOf({ ...end, id: change ? identityOfChange(change) : end.id })];
  });
}

/** A moment that has come as it is told. */
export function endedOf({ id, pointer, at }: MomentAt): Ended {
  const [kind, namespace, name = ''] = id.split('/', 3) as [KindName, string, string];
  return { kind, namespace: namespace || null, name, path: pointer, until: formatTime(at) };
}

/** The moments of a state after changes: those of the state before in what stays as it is, and those of what changes. */
export function momentsAfterAll(moments: readonly MomentAt[], changes: readonly Change[]): MomentAt[] {
  const changed = changedBefore(changes, new Set(moments.map(({ id }) => id)));
  const come = changes.flatMap((change) =>
    momentsAfter(change).map((moment) => ({ ...moment, id: identityOfChange(change) })),
  );
  return [...moments.filter(({ id }) => !changed.has(id)), ...come];
}

/** The changes of these, by the identities that they had. */
function changedBefore(
  changes: readonly Change[],
  ids: ReadonlySet<Identity>,
): ReadonlyMap<Identity, Change> {
  const found = new Map<Identity, Change>();
  if (ids.size === 0) return found;
  for (const change of changes) {
    const { kind, namespace, previousName } = change;
    const id =
      previousName === null ? identityOfChange(change) : identity(kind, namespace ?? undefined, previousName);
    if (ids.has(id)) found.set(id, change);
  }
  return found;
}

function momentsAfter(change: Change): Moment[] {
  // Of a million changes few have an end, and to read them all takes long.
  if (change[BODIES]?.after?.includes('"expiresAt"') === false) return [];
  const { after } = change;
  return after === null ? [] : momentsOf(fromManifest(after));
}

function isSame(a: Moment, b: Moment): boolean {
  return a.type === b.type && a.at === b.at && a.pointer === b.pointer;
}

/**
 * The access of a state that ends after `at` and not after `until` (milliseconds), in one workspace when given: who loses
 * which role on what. Merged over paths: what lasts longer by another path, or goes on at once, does not end.
 *
 * `moments` must hold all ends in that time; only whom they reach is looked at. With a state that is not all at hand it may
 * throw `Missing`.
 */
export function endingWithin(
  state: State,
  moments: readonly MomentAt[],
  { from, until }: Span,
  workspace?: string,
): EndingAccess[] {
  const ends = moments.filter(({ type, at }) => type === 'ends' && at > from && at <= until);
  const access = createAccess(state);
  state.need({ ids: ends.map(({ id }) => id) });
  const reached = ends.flatMap((end) => [...reachedBy(end, state, access)]);
  const wanted = new Map(
    reached
      .map((one) => ({ ...one, workspace: one.workspace ?? workspace }))
      .filter((one) => workspace === undefined || one.workspace === workspace)
      .map((one) => [JSON.stringify([one.subject, one.workspace]), one]),
  );
  access.need([...wanted.values()].map(({ subject }) => subject));
  const found = new Map<string, EndingAccess>();
  for (const { subject, workspace: place } of wanted.values())
    for (const one of endingOf(access.grantsOf(subject, place), { from, until }))
      found.set(JSON.stringify(one), one);
  return [...found.values()].sort(
    (a, b) =>
      (parseTime(a.until) ?? 0) - (parseTime(b.until) ?? 0) ||
      compareText(a.workspace, b.workspace) ||
      compareText(a.email, b.email) ||
      compareText(a.subjectKind, b.subjectKind) ||
      compareText(a.subject, b.subject) ||
      compareText(a.role, b.role) ||
      compareText(a.scope, b.scope),
  );
}

interface Reached {
  readonly subject: Subject;
  /** Undefined = in all. */
  readonly workspace: string | undefined;
}

/** Whose access an end may bear on, and where. */
function* reachedBy({ id, pointer }: MomentAt, state: State, access: Access): Generator<Reached> {
  const resource = state.byId(id);
  if (!resource) return;
  const { name, namespace } = resource.metadata;
  const under = (kind: Subject['kind'] | 'Group', who: string): Reached[] =>
    access.subjectsUnder(kind, namespace ?? '', who).map((subject) => ({ subject, workspace: namespace }));
  switch (resource.kind) {
    case 'User':
      yield* under('User', name);
      state.need({ targets: [id] });
      for (const token of access.tokensOf(name))
        yield {
          subject: { kind: 'Token', namespace: token.metadata.namespace, name: token.metadata.name },
          workspace: token.metadata.namespace,
        };
      return;
    case 'Token':
      yield* under('Token', name);
      return;
    case 'Group': {
      const [kind, who = ''] = (pointerParts(pointer).at(-1) ?? '').split(':');
      yield* under(kind === 'Group' ? 'Group' : 'User', who);
      return;
    }
    case 'RoleBinding':
      for (const subject of resource.spec.subjects) yield* under(subject.kind, subject.name);
      return;
    case 'Workspace':
    case 'Role':
    case 'AccessPolicy':
      return;
  }
}

/** What of the grants of one subject ends in a time. */
function endingOf(grants: readonly Grant[], { from, until }: Span): EndingAccess[] {
  const open = grants.filter(({ enabled, span }) => enabled && span.until > from).sort(compareGrants);
  const lines = Map.groupBy(open, ({ workspace, role, scope }) => JSON.stringify([workspace, role, scope]));
  return [...lines.values()].flatMap((paths) =>
    merge(paths.map(({ span }) => span)).flatMap((whole) => {
      const last = paths.find(({ span }) => span.until === whole.until);
      if (whole.until > until || !last) return [];
      const { subject, email, workspace, role, scope, groups, binding } = last;
      return [
        {
          subjectKind: subject.kind,
          subject: subject.name,
          email,
          workspace,
          role,
          scope,
          via: showVia(groups),
          binding,
          until: formatTime(whole.until),
        },
      ];
    }),
  );
}
