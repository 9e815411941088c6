import {
  type Access,
  createAccess,
  type Grant,
  isOwnership,
  riskOf,
  type Subject,
  showVia,
} from '../../src/core/access.ts';
import { compareText } from '../../src/core/problem.ts';
import { COLUMNS, type Origin, type Origins } from '../../src/core/snapshot.ts';
import type { State } from '../../src/core/state.ts';
import { contains } from '../../src/core/window.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { formatTime } from '../../src/kinds/time.ts';

type Row<Column extends string> = Readonly<Record<Column, string>>;
export type UserRow = Row<(typeof COLUMNS)['users'][number]>;
export type GrantRow = Row<(typeof COLUMNS)['grants'][number]>;

/** Who has what at a time (milliseconds), workspace by workspace (manifests.md, CSV snapshot). */
interface Snapshots {
  /** One row for each person who belongs to the workspace, sorted. */
  users(workspace: string): UserRow[];
  /** One row for each grant whose end is not past, sorted. */
  grants(workspace: string): GrantRow[];
}

/** The snapshot as the contract says it, person by person and row by row: what a faster way is held against. */
export function createSnapshots(state: State, origins: Origins, at: number): Snapshots {
  const access = createAccess(state);
  const people = peopleByWorkspace(state, access, at);
  const tokens = Map.groupBy(state.ofKind('Token'), ({ metadata }) => metadata.namespace ?? '');
  const risks = new Map<string, string>();
  const risk = (role: string) => {
    const known = risks.get(role) ?? riskOf(state, role);
    risks.set(role, known);
    return known;
  };

  const made = (rests: Grant['rests']): Origin | undefined => {
    let latest: Origin | undefined;
    for (const [id, pointer] of rests) {
      const origin = origins(id, pointer);
      if (origin && (!latest || origin.revision > latest.revision)) latest = origin;
    }
    return latest;
  };

  const grantRow = (grant: Grant, rowState: string): GrantRow => {
    const origin = made(grant.rests);
    return {
      workspace: grant.workspace,
      subject_kind: grant.subject.kind,
      subject: grant.subject.name,
      email: grant.email,
      state: rowState,
      role: grant.role,
      risk: risk(grant.role),
      scope: grant.scope,
      via: showVia(grant.groups),
      binding: grant.binding,
      not_before: grant.span.from === -Infinity ? '' : formatTime(grant.span.from),
      expires_at: grant.span.until === Infinity ? '' : formatTime(grant.span.until),
      granted_at: origin?.at ?? '',
      granted_by: origin?.by ?? '',
      reason: grant.reason,
    };
  };

  const userRow = (workspace: string, person: Person): UserRow => {
    const { user, grants, memberships } = person;
    const { email, displayName, type, state: userState } = user.spec;
    const enabled = userState === 'Active';
    const active = enabled ? grants.filter(({ span }) => contains(span, at)) : [];
    const owns = type !== 'Service' && active.some(isOwnership);
    const belongsNow = active.length > 0 || (enabled && memberships.some(({ span }) => contains(span, at)));
    const roleNames = active.map(({ role, scope }) => {
      const name = state.get('Role', undefined, role)?.spec.displayName ?? role;
      return scope === 'Workspace' ? name : `${name} [${scope}]`;
    });
    const origins = [...grants, ...memberships].flatMap(({ rests }) => made(rests) ?? []);
    const since = origins.sort((a, b) => a.revision - b.revision)[0];
    const ends = [...grants, ...memberships]
      .map(({ span }) => span.until)
      .filter((until) => until !== Infinity);
    return {
      workspace,
      user: user.metadata.name,
      email,
      display_name: displayName,
      type,
      state: userState,
      permission: owns ? 'Owner' : belongsNow ? 'Member' : '',
      roles: join(roleNames),
      groups: join([...grants, ...memberships].flatMap(({ groups }) => groups)),
      since: since?.at ?? '',
      next_expiry: ends.length === 0 ? '' : formatTime(Math.min(...ends)),
    };
  };

  return {
    users: (workspace) =>
      sortRows(
        (people.get(workspace) ?? []).map((person) => userRow(workspace, person)),
        COLUMNS.users,
      ),
    grants(workspace) {
      const rows = (people.get(workspace) ?? []).flatMap(({ user, grants }) =>
        grants.map((grant) => grantRow(grant, user.spec.state)),
      );
      for (const token of tokens.get(workspace) ?? []) {
        const subject: Subject = { kind: 'Token', namespace: workspace, name: token.metadata.name };
        const tokenState = token.spec.revoked ? 'Revoked' : 'Active';
        for (const grant of access.grantsOf(subject)) {
          if (grant.span.until <= at) continue;
          rows.push(grantRow(grant, grant.enabled || token.spec.revoked ? tokenState : 'Suspended'));
        }
      }
      return sortRows(rows, COLUMNS.grants);
    },
  };
}

interface Person {
  readonly user: Resource<'User'>;
  readonly grants: Grant[];
  readonly memberships: ReturnType<Access['membershipsOf']>;
}

/** Everyone who belongs to a workspace: named by a grant or a membership whose end is not past. */
function peopleByWorkspace(state: State, access: Access, at: number): Map<string, Person[]> {
  const people = new Map<string, Person[]>();
  for (const user of state.ofKind('User')) {
    const subject: Subject = { kind: 'User', namespace: undefined, name: user.metadata.name };
    const byWorkspace = new Map<string, Person>();
    const person = (workspace: string): Person => {
      const known = byWorkspace.get(workspace) ?? { user, grants: [], memberships: [] };
      byWorkspace.set(workspace, known);
      return known;
    };
    for (const grant of access.grantsOf(subject))
      if (grant.span.until > at) person(grant.workspace).grants.push(grant);
    for (const membership of access.membershipsOf(user.metadata.name))
      if (membership.span.until > at) person(membership.workspace).memberships.push(membership);
    for (const [workspace, one] of byWorkspace) {
      const list = people.get(workspace);
      if (list) list.push(one);
      else people.set(workspace, [one]);
    }
  }
  return people;
}

/** Parts without repeats, by code point. */
function join(parts: readonly string[]): string {
  return [...new Set(parts)].sort(compareText).join('; ');
}

/** By workspace, e-mail, then the rest. */
function sortRows<Column extends string>(rows: Row<Column>[], columns: readonly Column[]): Row<Column>[] {
  const first = ['workspace', 'email'] as readonly string[];
  const order = [...columns].sort((a, b) => Number(first.includes(b)) - Number(first.includes(a)));
  return rows.sort((a, b) => {
    for (const column of order) {
      const compared = compareText(a[column], b[column]);
      if (compared !== 0) return compared;
    }
    return 0;
  });
}
