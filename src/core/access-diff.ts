import type { KindName, Resource } from '../kinds/index.ts';
import { formatTime } from '../kinds/time.ts';
import {
  type Access,
  compareGrants,
  createAccess,
  type Grant,
  includedRoles,
  type Subject,
  showVia,
} from './access.ts';
import { compareText } from './problem.ts';
import { type Identity, identity, identityOf } from './resource.ts';
import { createState, type Held, type State } from './state.ts';
import { merge, type Span, subtract } from './window.ts';

/** One access that somebody gains or loses. Times are normal forms; `from` null = now, `until` null = without an end. */
export interface AccessLine {
  readonly role: string;
  readonly scope: string;
  /** The shortest path: `direct`, `group:a>b`, ending in `>role:NAME` when the role comes by inclusion. */
  readonly via: string;
  readonly binding: string;
  readonly from: string | null;
  readonly until: string | null;
}

/** What one subject gains and loses in one workspace under one address. */
export interface AccessChange {
  readonly subjectKind: 'User' | 'Token';
  readonly subject: string;
  /** Empty for a Token. */
  readonly email: string;
  readonly workspace: string;
  readonly gains: readonly AccessLine[];
  readonly loses: readonly AccessLine[];
}

/** The two normal forms of one changed resource; null where it does not exist. */
export interface ResourceChange {
  readonly before: Resource | null;
  readonly after: Resource | null;
}

/**
 * Who gains or loses which role, where, through what, from `at` (milliseconds) on.
 *
 * Compares the sets of (subject, e-mail, workspace, role, scope) of two states with their windows, merged over
 * paths. `changes` must hold every resource in which the states differ; only subjects that they reach are looked
 * at. A renamed subject or role is the same one under its new name.
 */
export function diffAccess(
  before: State,
  after: State,
  changes: readonly ResourceChange[],
  at: number,
  accessBefore = createAccess(before),
  accessAfter = createAccess(after),
): AccessChange[] {
  if (changes.length === 0) return [];
  const renames = renamed(changes);
  const spread = rolesWithOtherIncludes(before, after, changes, renames);
  const subjects = new Map<string, { before: Subject | undefined; after: Subject | undefined }>();
  for (const subject of reached(
    before,
    accessBefore,
    changes.map((change) => change.before),
    spread.before,
  )) {
    const now = renameSubject(subject, renames);
    subjects.set(subjectId(now), { before: subject, after: now });
  }
  for (const subject of reached(
    after,
    accessAfter,
    changes.map((change) => change.after),
    spread.after,
  )) {
    const id = subjectId(subject);
    if (!subjects.has(id)) subjects.set(id, { before: subject, after: subject });
  }
  accessBefore.need([...subjects.values()].flatMap((pair) => pair.before ?? []));
  accessAfter.need([...subjects.values()].flatMap((pair) => pair.after ?? []));
  const result: AccessChange[] = [];
  for (const pair of subjects.values()) {
    const had = pair.before
      ? linesOf(before, accessBefore, pair.before, spread.includedBefore, at)
      : new Map<string, Line>();
    const has = pair.after
      ? linesOf(after, accessAfter, pair.after, spread.includedAfter, at)
      : new Map<string, Line>();
    result.push(...compareLines(renameLines(had, renames), has, at));
  }
  return result.sort(byPlace);
}

function byPlace(a: AccessChange, b: AccessChange): number {
  return (
    compareText(a.workspace, b.workspace) ||
    compareText(a.email, b.email) ||
    compareText(a.subjectKind, b.subjectKind) ||
    compareText(a.subject, b.subject)
  );
}

/**
 * What `diffAccess` tells of a plan that only creates, one workspace after the other: of a million resources it does not
 * fit into memory at once. `created` must hold all in which the states differ.
 */
export function* createdAccess(
  before: State,
  after: State,
  created: Iterable<Held>,
  at: number,
): Generator<AccessChange[]> {
  const places = new Map<string, Held[]>();
  for (const held of created) {
    const [kind, workspace = ''] = held.id.split('/', 2);
    // Whoever is new has nothing but by what names him, which is new too.
    if (kind !== 'Group' && kind !== 'RoleBinding' && kind !== 'Token') continue;
    const list = places.get(workspace);
    if (list) list.push(held);
    else places.set(workspace, [held]);
  }
  for (const workspace of [...places.keys()].sort(compareText)) {
    const [was, is] = [inPlace(before, workspace), inPlace(after, workspace)];
    const [accessBefore, accessAfter] = [createAccess(was), createAccess(is)];
    const subjects = new Map<string, Subject>();
    for (const held of places.get(workspace) ?? [])
      for (const subject of reached(is, accessAfter, [held.resource], NONE))
        subjects.set(subjectId(subject), subject);
    const changes: AccessChange[] = [];
    for (const subject of subjects.values()) {
      const had = linesOf(was, accessBefore, subject, NONE, at, workspace);
      const has = linesOf(is, accessAfter, subject, NONE, at, workspace);
      for (const change of compareLines(had, has, at)) changes.push(change);
    }
    if (changes.length > 0) yield changes.sort(byPlace);
  }
}

/** All that the access in one workspace rests on, made once. */
function inPlace(state: State, workspace: string): State {
  const [groups, bindings, tokens] = [
    [...state.inWorkspace('Group', workspace)],
    [...state.inWorkspace('RoleBinding', workspace)],
    [...state.inWorkspace('Token', workspace)],
  ];
  const users = new Set<string>(tokens.map(({ spec }) => spec.owner));
  for (const { kind, name } of [
    ...groups.flatMap(({ spec }) => spec.members),
    ...bindings.flatMap(({ spec }) => spec.subjects),
  ])
    if (kind === 'User') users.add(name);
  const named = [...users].flatMap((name) => state.get('User', undefined, name) ?? []);
  return createState([...groups, ...bindings, ...tokens, ...named]);
}

const NONE: ReadonlySet<string> = new Set();

/** All access of one (subject, e-mail, workspace, role, scope), merged over paths. */
interface Line {
  readonly subject: Subject;
  readonly email: string;
  readonly workspace: string;
  readonly role: string;
  readonly scope: string;
  readonly paths: { via: string; binding: string; span: Span }[];
}

function linesOf(
  state: State,
  access: Access,
  subject: Subject,
  included: ReadonlySet<string>,
  at: number,
  workspace?: string,
): Map<string, Line> {
  const lines = new Map<string, Line>();
  const note = (grant: Grant, role: string, via: string) => {
    const { email, workspace, scope, span, binding } = grant;
    const line: Line = { subject, email, workspace, role, scope, paths: [] };
    const key = lineKey(line);
    const known = lines.get(key);
    const paths = (known ?? line).paths;
    paths.push({ via, binding, span });
    if (!known) lines.set(key, line);
  };
  const grants = access
    .grantsOf(subject, workspace)
    .filter(({ enabled, span }) => enabled && span.until > at);
  // Shortest first, so that the first path that covers a moment is the one to name.
  for (const grant of grants.sort(compareGrants)) note(grant, grant.role, showVia(grant.groups));
  // Whoever keeps such a role through another one that includes it neither gains nor loses it.
  for (const grant of included.size === 0 ? [] : grants) {
    for (const role of [...includedRoles(state, grant.role).intersection(included)].sort(compareText))
      note(grant, role, `${showVia(grant.groups)}>role:${grant.role}`);
  }
  return lines;
}

function lineKey({ subject, email, workspace, role, scope }: Line): string {
  return JSON.stringify([subject.kind, subject.name, email, workspace, role, scope]);
}

function compareLines(had: Map<string, Line>, has: Map<string, Line>, at: number): AccessChange[] {
  const changes = new Map<string, AccessChange & { gains: AccessLine[]; loses: AccessLine[] }>();
  for (const key of new Set([...had.keys(), ...has.keys()])) {
    const [b, a] = [had.get(key), has.get(key)];
    const line = a ?? b;
    if (!line) continue;
    const [was, is] = [spansOf(b, at), spansOf(a, at)];
    const gained = subtract(is, was);
    const lost = subtract(was, is);
    if (gained.length === 0 && lost.length === 0) continue;
    const where = JSON.stringify([line.email, line.workspace]);
    let change = changes.get(where);
    if (!change) {
      const { subject, email, workspace } = line;
      change = { subjectKind: subject.kind, subject: subject.name, email, workspace, gains: [], loses: [] };
      changes.set(where, change);
    }
    if (a) change.gains.push(...gained.map((span) => show(a, span, at)));
    if (b) change.loses.push(...lost.map((span) => show(b, span, at)));
  }
  for (const change of changes.values()) {
    change.gains.sort(compareAccessLines);
    change.loses.sort(compareAccessLines);
  }
  return [...changes.values()];
}

function compareAccessLines(a: AccessLine, b: AccessLine): number {
  return (
    compareText(a.role, b.role) || compareText(a.scope, b.scope) || compareText(a.from ?? '', b.from ?? '')
  );
}

/** The moments from `at` on. */
function spansOf(line: Line | undefined, at: number): Span[] {
  if (!line) return [];
  return merge(
    line.paths
      .filter(({ span }) => span.until > at)
      .map(({ span }) => ({ from: Math.max(span.from, at), until: span.until })),
  );
}

function show(line: Line, span: Span, at: number): AccessLine {
  const path =
    line.paths.find((path) => path.span.from < span.until && span.from < path.span.until) ?? line.paths[0];
  return {
    role: line.role,
    scope: line.scope,
    via: path?.via ?? 'direct',
    binding: path?.binding ?? '',
    from: span.from <= at ? null : formatTime(span.from),
    until: span.until === Infinity ? null : formatTime(span.until),
  };
}

function subjectId(subject: Subject): Identity {
  return identity(subject.kind, subject.namespace, subject.name);
}

/** Every subject whose access a changed resource may bear on, in one of the two states. */
function* reached(
  state: State,
  access: Access,
  resources: readonly (Resource | null)[],
  spread: ReadonlySet<string>,
): Generator<Subject> {
  state.need({ targets: resources.flatMap((one) => (one?.kind === 'User' ? [identityOf(one)] : [])) });
  for (const resource of resources) {
    if (!resource) continue;
    const namespace = resource.metadata.namespace ?? '';
    const { name } = resource.metadata;
    switch (resource.kind) {
      case 'User':
        yield { kind: 'User', namespace: undefined, name };
        for (const token of access.tokensOf(name)) yield tokenSubject(token);
        break;
      case 'Group':
        yield* access.subjectsUnder('Group', namespace, name);
        break;
      case 'RoleBinding':
        for (const subject of resource.spec.subjects)
          yield* access.subjectsUnder(subject.kind, namespace, subject.name);
        break;
      case 'Token':
        yield tokenSubject(resource);
        break;
      case 'Role':
      case 'Workspace':
      case 'AccessPolicy':
        break;
    }
  }
  state.need({ targets: [...spread].map((role) => identity('Role', undefined, role)) });
  for (const role of spread) {
    for (const one of state.referrers(identity('Role', undefined, role))) {
      if (one.kind === 'Token') yield tokenSubject(one);
      if (one.kind !== 'RoleBinding') continue;
      for (const subject of one.spec.subjects)
        yield* access.subjectsUnder(subject.kind, one.metadata.namespace ?? '', subject.name);
    }
  }
}

function tokenSubject(token: Resource<'Token'>): Subject {
  return { kind: 'Token', namespace: token.metadata.namespace, name: token.metadata.name };
}

/** What follows from changed includes, by the names before and after. */
interface Spread {
  /** Roles that include something else than before: their holders' access changes. */
  readonly before: Set<string>;
  readonly after: Set<string>;
  /** The roles that come or go with them. */
  readonly includedBefore: Set<string>;
  readonly includedAfter: Set<string>;
}

function rolesWithOtherIncludes(
  before: State,
  after: State,
  changes: readonly ResourceChange[],
  renames: Renames,
): Spread {
  const spread: Spread = {
    before: new Set(),
    after: new Set(),
    includedBefore: new Set(),
    includedAfter: new Set(),
  };
  const changed = changes.some(
    (change) =>
      change.before?.kind === 'Role' &&
      change.after?.kind === 'Role' &&
      change.before.spec.includes.join() !== change.after.spec.includes.join(),
  );
  if (!changed) return spread;
  const nameBefore = new Map(
    [...renames].map(([id, name]) => [`${id.split('/')[0]} ${name}`, id.split('/')[2]]),
  );
  for (const role of before.ofKind('Role')) {
    const old = role.metadata.name;
    const name = renames.get(identity('Role', undefined, old)) ?? old;
    if (!after.get('Role', undefined, name)) continue;
    const was = new Set(
      [...includedRoles(before, old)].map((it) => renames.get(identity('Role', undefined, it)) ?? it),
    );
    const is = includedRoles(after, name);
    const moved = was.symmetricDifference(is);
    if (moved.size === 0) continue;
    spread.before.add(old);
    spread.after.add(name);
    for (const it of moved) {
      // Under both names on both sides: another role may include it still, or already.
      spread.includedBefore.add(nameBefore.get(`Role ${it}`) ?? it);
      spread.includedAfter.add(it);
    }
  }
  return spread;
}

/** Old identity → new name. */
type Renames = ReadonlyMap<Identity, string>;

function renamed(changes: readonly ResourceChange[]): Renames {
  const renames = new Map<Identity, string>();
  for (const { before, after } of changes) {
    if (!before || !after || before.metadata.name === after.metadata.name) continue;
    renames.set(identity(before.kind, before.metadata.namespace, before.metadata.name), after.metadata.name);
  }
  return renames;
}

function renameSubject(subject: Subject, renames: Renames): Subject {
  const name = renames.get(subjectId(subject));
  return name === undefined ? subject : { ...subject, name };
}

function renameLines(lines: Map<string, Line>, renames: Renames): Map<string, Line> {
  if (renames.size === 0) return lines;
  const result = new Map<string, Line>();
  const rename = (kind: KindName, name: string) => renames.get(identity(kind, undefined, name)) ?? name;
  for (const line of lines.values()) {
    const renamedLine: Line = {
      ...line,
      subject: renameSubject(line.subject, renames),
      role: rename('Role', line.role),
      workspace: rename('Workspace', line.workspace),
    };
    const known = result.get(lineKey(renamedLine));
    if (known) known.paths.push(...line.paths);
    else result.set(lineKey(renamedLine), renamedLine);
  }
  return result;
}
