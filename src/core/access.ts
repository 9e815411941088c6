import { OWNER_ROLE } from '../kinds/catalogue.ts';
import type { Resource } from '../kinds/index.ts';
import type { JsonValue } from '../kinds/kind.ts';
import type { Risk } from '../kinds/role.ts';
import { type ResourceEntry, showScope } from '../kinds/role-binding.ts';
import { pointerPart } from './document.ts';
import { compareText } from './problem.ts';
import { type Identity, identity, listAt } from './resource.ts';
import type { State } from './state.ts';
import { intersect, type Span, spanOf } from './window.ts';

/** Who can have access: a person (or service), or a token of one workspace. */
export interface Subject {
  readonly kind: 'User' | 'Token';
  /** The workspace of a Token; undefined for a User. */
  readonly namespace: string | undefined;
  readonly name: string;
}

/** One subject × one binding × one resource entry × one path (manifests.md, Meaning). */
export interface Grant {
  readonly subject: Subject;
  /** Empty for a Token. */
  readonly email: string;
  readonly workspace: string;
  readonly role: string;
  readonly entry: ResourceEntry;
  /** `Workspace`, `Source/website` or `environment=prod,tier=1`. */
  readonly scope: string;
  /** Groups on the path, the bound one first; empty when direct. */
  readonly groups: readonly string[];
  /** The binding's name, or `token/NAME` for a token's own role. */
  readonly binding: string;
  /** Intersection of all windows on the path; never empty. */
  readonly span: Span;
  /** False while the subject may have nothing: suspended, revoked, its owner suspended. */
  readonly enabled: boolean;
  readonly reason: string;
  /** The parts of resources that the grant rests on: identity and JSON Pointer. */
  readonly rests: readonly (readonly [Identity, string])[];
}

/** `direct`, `group:a` or `group:a>b`: the bound group first. */
export function showVia(groups: readonly string[]): string {
  return groups.length === 0 ? 'direct' : `group:${groups.join('>')}`;
}

/** Answers about the access that a state gives, at no particular time. */
export interface Access {
  /** Every grant of a subject, active or not, in no particular order. */
  grantsOf(subject: Subject): Grant[];
  /** Everyone that a binding's subject, a group or a token stands for, nested groups followed. */
  subjectsUnder(kind: 'User' | 'Group' | 'Token', namespace: string, name: string): Subject[];
  /** Tokens that a user answers for. */
  tokensOf(user: string): readonly Resource<'Token'>[];
  /** Every membership in groups of a user, in all workspaces, nested groups followed: groups bound or not. */
  membershipsOf(user: string): Membership[];
}

export interface Membership {
  readonly workspace: string;
  /** From the outermost group to the one that names the user. */
  readonly groups: readonly string[];
  readonly span: Span;
  readonly rests: readonly (readonly [Identity, string])[];
}

interface Edge {
  readonly group: Resource<'Group'>;
  readonly span: Span;
  readonly pointer: string;
}

/** Builds the indexes that questions about access need: one pass over groups, bindings and tokens. */
export function createAccess(state: State): Access {
  const parents = new Map<Identity, Edge[]>();
  const bindings = new Map<Identity, Resource<'RoleBinding'>[]>();
  const tokens = new Map<string, Resource<'Token'>[]>();
  const workspacesOf = new Map<string, Set<string>>();
  const noteUser = (user: string, workspace: string) => add(workspacesOf, user, workspace);

  for (const group of state.ofKind('Group')) {
    const namespace = group.metadata.namespace ?? '';
    for (const member of group.spec.members) {
      const key = subjectKey(member.kind, namespace, member.name);
      push(parents, key, {
        group,
        span: spanOf(member),
        pointer: `/spec/members/${member.kind}:${member.name}`,
      });
      if (member.kind === 'User') noteUser(member.name, namespace);
    }
  }
  for (const binding of state.ofKind('RoleBinding')) {
    const namespace = binding.metadata.namespace ?? '';
    for (const subject of binding.spec.subjects) {
      push(bindings, subjectKey(subject.kind, namespace, subject.name), binding);
      if (subject.kind === 'User') noteUser(subject.name, namespace);
    }
  }
  for (const token of state.ofKind('Token')) push(tokens, token.spec.owner, token);

  /** Every way up from a subject in a workspace to something that may be bound, the subject itself first. */
  function* pathsUp(key: Identity, workspace: string, start: Span): Generator<Path> {
    const path: Path = { key, groups: [], span: start, rests: [] };
    yield path;
    yield* above(path, workspace);
  }
  function* above(path: Path, workspace: string): Generator<Path> {
    for (const edge of parents.get(path.key) ?? []) {
      const name = edge.group.metadata.name;
      const span = intersect(path.span, edge.span);
      if (!span || path.groups.includes(name)) continue;
      const next: Path = {
        key: subjectKey('Group', workspace, name),
        groups: [name, ...path.groups],
        span,
        rests: [...path.rests, [identity('Group', workspace, name), edge.pointer]],
      };
      yield next;
      yield* above(next, workspace);
    }
  }

  function grantsAlong(
    subject: Subject,
    workspace: string,
    start: Span,
    who: { email: string; enabled: boolean },
  ): Grant[] {
    const grants: Grant[] = [];
    const from = subjectKey(subject.kind, workspace, subject.name);
    for (const path of pathsUp(from, workspace, start)) {
      for (const binding of bindings.get(path.key) ?? []) {
        const span = intersect(path.span, spanOf(binding.spec));
        if (!span) continue;
        const id = identity('RoleBinding', workspace, binding.metadata.name);
        const bound = path.groups[0];
        const pointer = bound === undefined ? `${subject.kind}:${subject.name}` : `Group:${bound}`;
        for (const entry of binding.spec.resources) {
          grants.push({
            subject,
            ...who,
            workspace,
            role: binding.spec.role,
            entry,
            scope: showScope(entry),
            groups: path.groups,
            binding: binding.metadata.name,
            span,
            reason: binding.spec.reason ?? '',
            rests: [
              ...path.rests,
              [id, '/spec/role'],
              [id, `/spec/subjects/${pointer}`],
              [id, `/spec/resources/${pointerPart(resourceKey(entry))}`],
            ],
          });
        }
      }
    }
    return grants;
  }

  function grantsOfUser(subject: Subject): Grant[] {
    const user = state.get('User', undefined, subject.name);
    if (!user) return [];
    const start = spanOf(user.spec);
    const who = { email: user.spec.email, enabled: user.spec.state === 'Active' };
    return [...(workspacesOf.get(subject.name) ?? [])].flatMap((workspace) =>
      grantsAlong(subject, workspace, start, who),
    );
  }

  function grantsOfToken(subject: Subject): Grant[] {
    const workspace = subject.namespace ?? '';
    const token = state.get('Token', workspace, subject.name);
    if (!token) return [];
    const owner = state.get('User', undefined, token.spec.owner);
    // A contract that has ended leaves nobody to answer for the token, as if its owner were gone.
    const start = owner && intersect(spanOf(token.spec), spanOf(owner.spec));
    if (!start) return [];
    const who = { email: '', enabled: owner.spec.state === 'Active' && !token.spec.revoked };
    const own: Grant = {
      subject,
      ...who,
      workspace,
      role: token.spec.role,
      entry: { type: 'Workspace' },
      scope: 'Workspace',
      groups: [],
      binding: `token/${subject.name}`,
      span: start,
      reason: '',
      rests: [[identity('Token', workspace, subject.name), '/spec/role']],
    };
    return [own, ...grantsAlong(subject, workspace, start, who)];
  }

  return {
    grantsOf: (subject) => (subject.kind === 'User' ? grantsOfUser(subject) : grantsOfToken(subject)),
    tokensOf: (user) => tokens.get(user) ?? [],
    subjectsUnder(kind, namespace, name) {
      if (kind !== 'Group') return [{ kind, namespace: kind === 'Token' ? namespace : undefined, name }];
      const users = new Set<string>();
      const seen = new Set<string>();
      const open = [name];
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        if (seen.has(next)) continue;
        seen.add(next);
        for (const member of state.get('Group', namespace, next)?.spec.members ?? []) {
          if (member.kind === 'User') users.add(member.name);
          else open.push(member.name);
        }
      }
      return [...users].map((user): Subject => ({ kind: 'User', namespace: undefined, name: user }));
    },
    membershipsOf(name) {
      const user = state.get('User', undefined, name);
      if (!user) return [];
      const memberships: Membership[] = [];
      for (const workspace of workspacesOf.get(name) ?? []) {
        for (const path of pathsUp(subjectKey('User', workspace, name), workspace, spanOf(user.spec))) {
          if (path.groups.length === 0) continue;
          memberships.push({ workspace, groups: path.groups, span: path.span, rests: path.rests });
        }
      }
      return memberships;
    },
  };
}

interface Path {
  readonly key: Identity;
  readonly groups: readonly string[];
  readonly span: Span;
  readonly rests: readonly (readonly [Identity, string])[];
}

/** Users are global, but what they are bound to is not: the key has the workspace of the binding. */
function subjectKey(kind: 'User' | 'Group' | 'Token', workspace: string, name: string): string {
  return `${kind}/${workspace}/${name}`;
}

const resourceList = listAt('RoleBinding', ['resources']);

function resourceKey(entry: ResourceEntry): string {
  return resourceList?.key(entry as unknown as JsonValue) ?? '';
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

function add(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key);
  if (set) set.add(value);
  else map.set(key, new Set([value]));
}

/** Every role that a role includes, transitively, itself not among them. */
export function includedRoles(state: State, role: string): Set<string> {
  const found = new Set<string>();
  const open = [role];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const name of state.get('Role', undefined, next)?.spec.includes ?? []) {
      if (name === role || found.has(name)) continue;
      found.add(name);
      open.push(name);
    }
  }
  return found;
}

const RISKS: readonly Risk[] = ['Normal', 'Sensitive', 'Privileged'];

/** A role's risk: the highest of its own and of all that it includes. */
export function riskOf(state: State, role: string): Risk {
  let highest = 0;
  for (const name of [role, ...includedRoles(state, role)]) {
    highest = Math.max(highest, RISKS.indexOf(state.get('Role', undefined, name)?.spec.risk ?? 'Normal'));
  }
  return RISKS[highest] ?? 'Normal';
}

/** Higher is more dangerous. */
export function riskRank(risk: Risk): number {
  return RISKS.indexOf(risk);
}

/** Whether a grant makes its holder an owner, as long as it is active and the holder is a person. */
export function isOwnership(grant: Pick<Grant, 'role' | 'scope'>): boolean {
  return grant.role === OWNER_ROLE && grant.scope === 'Workspace';
}

/** Fewest groups first, then by code point. */
export function compareGrants(a: Grant, b: Grant): number {
  return (
    a.groups.length - b.groups.length ||
    compareText(showVia(a.groups), showVia(b.groups)) ||
    compareText(a.binding, b.binding)
  );
}
