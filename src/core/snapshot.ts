import type { Resource } from '../kinds/index.ts';
import { formatTime } from '../kinds/time.ts';
import { isOwnership, riskOf } from './access.ts';
import { compareText } from './problem.ts';
import {
  type Contents,
  type Gift,
  type Held,
  type Holder,
  holdersIn,
  type Origin,
  type Origins,
  usersNamedBy,
} from './snapshot-holders.ts';
import type { State } from './state.ts';
import { contains } from './window.ts';

export type { Contents, Origin, Origins };
export { usersNamedBy };

const USER_COLUMNS = [
  'workspace',
  'user',
  'email',
  'display_name',
  'type',
  'state',
  'permission',
  'roles',
  'groups',
  'since',
  'next_expiry',
] as const;

const GRANT_COLUMNS = [
  'workspace',
  'subject_kind',
  'subject',
  'email',
  'state',
  'role',
  'risk',
  'scope',
  'via',
  'binding',
  'not_before',
  'expires_at',
  'granted_at',
  'granted_by',
  'reason',
] as const;

export type Layout = 'users' | 'grants';

export const COLUMNS = { users: USER_COLUMNS, grants: GRANT_COLUMNS } as const satisfies Record<
  Layout,
  readonly string[]
>;

/** How rows become text. Cells that many rows share are written once. */
export interface RowForm {
  /** Some cells that stand side by side. */
  cells(values: readonly string[]): string;
  /** What stands between two cells. */
  readonly between: string;
  /** What ends a row. */
  readonly end: string;
}

/** Who has what in one workspace at a time (manifests.md, CSV snapshot): each row as text, sorted. */
export interface WorkspaceSnapshot {
  /** One row for each person who belongs to the workspace. */
  users(): Iterable<string>;
  /** One row for each grant whose end is not past. */
  grants(): Iterable<string>;
  /** From when on (milliseconds) rows differ though nothing changes; Infinity when never. */
  readonly until: number;
}

/** What there is of a workspace in a state. */
export function contentsOf(state: State, workspace: string): Contents {
  const groups = [...state.inWorkspace('Group', workspace)];
  const bindings = [...state.inWorkspace('RoleBinding', workspace)];
  const tokens = [...state.inWorkspace('Token', workspace)];
  const names = new Set([...groups, ...bindings, ...tokens].flatMap((one) => [...usersNamedBy(one)]));
  const users = [...names].sort().flatMap((name) => state.get('User', undefined, name) ?? []);
  return { workspace, groups, bindings, tokens, users };
}

/** The snapshot of a workspace at a time (milliseconds). Nothing but Roles is looked up in `state`. */
export function snapshotOf(
  contents: Contents,
  state: State,
  origins: Origins,
  at: number,
  form: RowForm,
): WorkspaceSnapshot {
  const { workspace } = contents;
  const { all, next } = holdersIn(contents, origins, at);
  return {
    *users() {
      const named = roleNames(state);
      for (const holder of all) {
        if (holder.resource.kind !== 'User') continue;
        const row = userCells(holder.resource, holder, at, named);
        yield form.cells([workspace, ...row]) + form.end;
      }
    },
    *grants() {
      const giftText = giftTexts(state, form);
      for (const { resource, email, state, grants } of all) {
        const { kind, metadata } = resource;
        const who = form.cells([workspace, kind, metadata.name, email, state]) + form.between;
        for (const held of grants) yield who + giftText(held);
      }
    },
    until: next,
  };
}

/** The rest of a row of grants, which all have in common who hold the same. */
function giftTexts(state: State, { cells, end }: RowForm): (held: Held) => string {
  const risks = new Map<string, string>();
  const risk = (role: string) => {
    const known = risks.get(role) ?? riskOf(state, role);
    risks.set(role, known);
    return known;
  };
  const texts: string[] = [];
  return ({ index, gift, span, origin }) => {
    let text = texts[index];
    if (text !== undefined) return text;
    const { role, scope, via, binding, reason } = gift;
    text =
      cells([
        role,
        risk(role),
        scope,
        via,
        binding,
        timeCell(span.from),
        timeCell(span.until),
        origin?.at ?? '',
        origin?.by ?? '',
        reason,
      ]) + end;
    texts[index] = text;
    return text;
  };
}

function timeCell(time: number): string {
  return Number.isFinite(time) ? formatTime(time) : '';
}

/** All cells of a row of users but the first. */
function userCells(
  { metadata: { name }, spec }: Resource<'User'>,
  { grants, memberships }: Holder,
  at: number,
  named: (gift: Gift) => string,
): string[] {
  const { email, displayName, type, state } = spec;
  const enabled = state === 'Active';
  const active = enabled ? grants.filter(({ span }) => contains(span, at)) : [];
  const owns = type !== 'Service' && active.some(({ gift }) => isOwnership(gift));
  const belongsNow = active.length > 0 || (enabled && memberships.some(({ span }) => contains(span, at)));
  let since: Origin | undefined;
  let ends = Infinity;
  for (const parts of [grants, memberships]) {
    for (const { span, origin } of parts) {
      if (origin && (!since || origin.revision < since.revision)) since = origin;
      if (span.until < ends) ends = span.until;
    }
  }
  const inGroups = [
    ...grants.flatMap(({ gift }) => gift.groups),
    ...memberships.flatMap(({ groups }) => groups),
  ];
  return [
    name,
    email,
    displayName,
    type,
    state,
    owns ? 'Owner' : belongsNow ? 'Member' : '',
    join(active.map(({ gift }) => named(gift))),
    join(inGroups),
    since?.at ?? '',
    timeCell(ends),
  ];
}

/** The display name of a role, with its scope where it is not the whole workspace. */
function roleNames(state: State): (gift: Gift) => string {
  const known = new Map<Gift, string>();
  return (gift) => {
    let name = known.get(gift);
    if (name === undefined) {
      name = state.get('Role', undefined, gift.role)?.spec.displayName ?? gift.role;
      if (gift.scope !== 'Workspace') name = `${name} [${gift.scope}]`;
      known.set(gift, name);
    }
    return name;
  };
}

/** Parts without repeats, by code point. */
function join(parts: readonly string[]): string {
  if (parts.length < 2) return parts[0] ?? '';
  return [...new Set(parts)].sort(compareText).join('; ');
}
