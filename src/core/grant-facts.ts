import { CATALOGUE, OWNER_ROLE } from '../kinds/catalogue.ts';
import type { Resource } from '../kinds/index.ts';
import { formatTime } from '../kinds/time.ts';
import { createAccess, type Grant, includedRoles, type Subject, showVia } from './access.ts';
import { compareText } from './problem.ts';
import type { State } from './state.ts';
import { contains } from './window.ts';

/** What becomes of a grant at a time: `From 2027-01-31` while it is still to begin. */
export type GrantState = 'Active' | 'Expired' | 'Suspended' | 'Revoked' | `From ${string}`;

/** A grant at a time as every command tells it, in JSON too. Times are normal forms; null = without that end. */
export interface GrantFacts {
  readonly subjectKind: 'User' | 'Token';
  readonly subject: string;
  /** Empty for a Token. */
  readonly email: string;
  readonly workspace: string;
  /** What was granted. */
  readonly role: string;
  /** What it includes, transitively, by code point; of workspace-owner every other role. */
  readonly includes: readonly string[];
  /** `Workspace`, `Source/website` or `environment=prod,tier=1`. */
  readonly scope: string;
  /** `direct`, `group:a` or `group:a>b`. */
  readonly via: string;
  /** The bound one first; empty when direct. */
  readonly groups: readonly string[];
  readonly binding: string;
  readonly state: GrantState;
  readonly active: boolean;
  readonly notBefore: string | null;
  readonly expiresAt: string | null;
  readonly reason: string;
}

/** Tells the facts of grants of one state at one time (milliseconds). */
export function createGrantFacts(state: State, at: number): (grant: Grant) => GrantFacts {
  const included = new Map<string, readonly string[]>();
  const includesOf = (role: string): readonly string[] => {
    const known = included.get(role) ?? [...rolesWithin(state, role)].sort(compareText);
    included.set(role, known);
    return known;
  };
  return (grant) => {
    const { subject, email, workspace, role, scope, groups, binding, span, reason } = grant;
    const now = grantState(state, grant, at);
    return {
      subjectKind: subject.kind,
      subject: subject.name,
      email,
      workspace,
      role,
      includes: includesOf(role),
      scope,
      via: showVia(groups),
      groups,
      binding,
      state: now,
      active: now === 'Active',
      notBefore: span.from === -Infinity ? null : formatTime(span.from),
      expiresAt: span.until === Infinity ? null : formatTime(span.until),
      reason,
    };
  };
}

/** The one definition of a grant's state: what has ended stays Expired, whatever becomes of its subject. */
export function grantState(state: State, grant: Grant, at: number): GrantState {
  if (grant.span.until <= at) return 'Expired';
  if (!grant.enabled) return isRevoked(state, grant.subject) ? 'Revoked' : 'Suspended';
  return contains(grant.span, at) ? 'Active' : `From ${formatTime(grant.span.from).slice(0, 10)}`;
}

export function isRevoked(state: State, { kind, namespace, name }: Subject): boolean {
  return kind === 'Token' && state.get('Token', namespace, name)?.spec.revoked === true;
}

/** Every role that a role gives beside itself: what it includes, transitively; of workspace-owner all there are. */
export function rolesWithin(state: State, role: string): Set<string> {
  if (role !== OWNER_ROLE) return includedRoles(state, role);
  const all = new Set([...CATALOGUE.keys(), ...state.ofKind('Role').map(({ metadata }) => metadata.name)]);
  all.delete(OWNER_ROLE);
  return all;
}

/** The grants that a resource has, or that rest on it; of one workspace when given. */
export function grantsThrough(state: State, resource: Resource, workspace: string | undefined): Grant[] {
  const access = createAccess(state);
  const namespace = resource.metadata.namespace ?? '';
  const { name } = resource.metadata;
  const subjects: Subject[] = [];
  let rests: (grant: Grant) => boolean = () => true;
  switch (resource.kind) {
    case 'User':
      subjects.push({ kind: 'User', namespace: undefined, name });
      break;
    case 'Token':
      subjects.push({ kind: 'Token', namespace, name });
      break;
    case 'Group':
      subjects.push(...access.subjectsUnder('Group', namespace, name));
      rests = (grant) => grant.workspace === namespace && grant.groups.includes(name);
      break;
    case 'RoleBinding':
      for (const { kind, name: subject } of resource.spec.subjects)
        subjects.push(...access.subjectsUnder(kind, namespace, subject));
      rests = (grant) => grant.workspace === namespace && grant.binding === name;
      break;
    case 'Role':
    case 'Workspace':
    case 'AccessPolicy':
      break;
  }
  const unique = new Map(subjects.map((subject) => [`${subject.kind}/${subject.name}`, subject]));
  return [...unique.values()]
    .flatMap((subject) => access.grantsOf(subject))
    .filter((grant) => rests(grant) && (workspace === undefined || grant.workspace === workspace));
}
