import { OWNER_ROLE } from '../kinds/catalogue.ts';
import type { Resource } from '../kinds/index.ts';
import type { JsonValue } from '../kinds/kind.ts';
import type { Risk } from '../kinds/role.ts';
import { type ResourceEntry, showScope } from '../kinds/role-binding.ts';
import { pointerPart } from './document.ts';
import { compareText } from './problem.ts';
import { type Identity, identity, identityOf, listAt } from './resource.ts';
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
  /** Every grant of a subject, active or not, in no particular order; in one workspace, when given. */
  grantsOf(subject: Subject, workspace?: string): Grant[];
  /** Everyone that a binding's subject, a group or a token stands for, nested groups followed. */
  subjectsUnder(kind: 'User' | 'Group' | 'Token', namespace: string, name: string): Subject[];
  /** Tokens that a user answers for. */
  tokensOf(user: string): readonly Resource<'Token'>[];
  /** Says whose grants will be asked for, so that what they need is fetched at once. */
  need(subjects: readonly Subject[]): void;
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

/** What names a subject or a group in one workspace. */
interface Above {
  readonly groups: Edge[];
  readonly bindings: Resource<'RoleBinding'>[];
}

const NOTHING_ABOVE: Above = { groups: [], bindings: [] };

type SubjectKind = 'User' | 'Group' | 'Token';

/** Answers from what refers to whom; what was looked up once is kept. */
export function createAccess(state: State): Access {
  const known = new Map<Identity, ReadonlyMap<string, Above>>();
  const memberOf = memberFinder();

  /** By workspace. */
  function above(kind: SubjectKind, workspace: string, name: string): ReadonlyMap<string, Above> {
    const id = identity(kind, kind === 'User' ? undefined : workspace, name);
    const found = known.get(id);
    if (found) return found;
    const places = new Map<string, Above>();
    for (const referrer of state.referrers(id)) {
      const { namespace } = referrer.metadata;
      if (namespace === undefined || (referrer.kind !== 'Group' && referrer.kind !== 'RoleBinding')) continue;
      let place = places.get(namespace);
      if (!place) {
        place = { groups: [], bindings: [] };
        places.set(namespace, place);
      }
      if (referrer.kind === 'RoleBinding') place.bindings.push(referrer);
      else {
        const member = kind === 'Token' ? undefined : memberOf(referrer, kind, name);
        const pointer = `/spec/members/${kind}:${name}`;
        if (member) place.groups.push({ group: referrer, span: spanOf(member), pointer });
      }
    }
    known.set(id, places);
    return places;
  }

  /** Every way up from a subject in a workspace to something that may be bound, the subject itself first. */
  function* pathsUp(subject: Subject, workspace: string, start: Span): Generator<Path> {
    const here = above(subject.kind, workspace, subject.name).get(workspace) ?? NOTHING_ABOVE;
    const path: Path = { above: here, groups: [], span: start, rests: [] };
    yield path;
    yield* pathsAbove(path, workspace);
  }
  function* pathsAbove(path: Path, workspace: string): Generator<Path> {
    for (const edge of path.above.groups) {
      const name = edge.group.metadata.name;
      const span = intersect(path.span, edge.span);
      if (!span || path.groups.includes(name)) continue;
      const next: Path = {
        above: above('Group', workspace, name).get(workspace) ?? NOTHING_ABOVE,
        groups: [name, ...path.groups],
        span,
        rests: [...path.rests, [identity('Group', workspace, name), edge.pointer]],
      };
      yield next;
      yield* pathsAbove(next, workspace);
    }
  }

  function grantsAlong(
    subject: Subject,
    workspace: string,
    start: Span,
    who: { email: string; enabled: boolean },
  ): Grant[] {
    const grants: Grant[] = [];
    for (const path of pathsUp(subject, workspace, start)) {
      for (const binding of path.above.bindings) {
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

  function grantsOfUser(subject: Subject, only: string | undefined): Grant[] {
    const user = state.get('User', undefined, subject.name);
    if (!user) return [];
    const start = spanOf(user.spec);
    const who = { email: user.spec.email, enabled: user.spec.state === 'Active' };
    const places = only === undefined ? [...above('User', '', subject.name).keys()] : [only];
    return places.flatMap((workspace) => grantsAlong(subject, workspace, start, who));
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
    grantsOf(subject, workspace) {
      if (subject.kind === 'User') return grantsOfUser(subject, workspace);
      return workspace === undefined || workspace === subject.namespace ? grantsOfToken(subject) : [];
    },
    tokensOf: (user) =>
      state
        .referrers(identity('User', undefined, user))
        .filter((one): one is Resource<'Token'> => one.kind === 'Token' && one.spec.owner === user),
    need(subjects) {
      if (!state.partial) return;
      const ids = subjects.map(({ kind, namespace, name }) => identity(kind, namespace, name));
      state.need({ ids, targets: ids });
      state.need({
        ids: subjects.flatMap(({ kind, namespace, name }) => {
          const token = kind === 'Token' ? state.get('Token', namespace, name) : undefined;
          return token ? [identity('User', undefined, token.spec.owner)] : [];
        }),
      });
      const seen = new Set<Identity>();
      let open: readonly { kind: SubjectKind; namespace: string; name: string }[] = subjects.map(
        ({ kind, namespace = '', name }) => ({ kind, namespace, name }),
      );
      while (open.length > 0) {
        const groups = open
          .flatMap(({ kind, namespace, name }) => [...above(kind, namespace, name).values()])
          .flatMap((place) => place.groups.map(({ group }) => group))
          .filter((group) => !seen.has(identityOf(group)));
        for (const group of groups) seen.add(identityOf(group));
        state.need({ targets: groups.map(identityOf) });
        open = groups.map(({ metadata: { namespace = '', name } }) => ({ kind: 'Group', namespace, name }));
      }
    },
    subjectsUnder(kind, namespace, name) {
      if (kind !== 'Group') return [{ kind, namespace: kind === 'Token' ? namespace : undefined, name }];
      const users = new Set<string>();
      const seen = new Set([name]);
      for (let open = [name]; open.length > 0; ) {
        state.need({ ids: open.map((group) => identity('Group', namespace, group)) });
        const inner = open.flatMap((group) => state.get('Group', namespace, group)?.spec.members ?? []);
        open = [];
        for (const member of inner) {
          if (member.kind === 'User') users.add(member.name);
          else if (!seen.has(member.name)) {
            seen.add(member.name);
            open.push(member.name);
          }
        }
      }
      return [...users].map((user): Subject => ({ kind: 'User', namespace: undefined, name: user }));
    },
    membershipsOf(name) {
      const user = state.get('User', undefined, name);
      if (!user) return [];
      const memberships: Membership[] = [];
      const subject: Subject = { kind: 'User', namespace: undefined, name };
      for (const workspace of above('User', '', name).keys()) {
        for (const path of pathsUp(subject, workspace, spanOf(user.spec))) {
          if (path.groups.length === 0) continue;
          memberships.push({ workspace, groups: path.groups, span: path.span, rests: path.rests });
        }
      }
      return memberships;
    },
  };
}

interface Path {
  /** What names the end of the path. */
  readonly above: Above;
  readonly groups: readonly string[];
  readonly span: Span;
  readonly rests: readonly (readonly [Identity, string])[];
}

type Member = Resource<'Group'>['spec']['members'][number];

/** Finds the entry of a member in a group; of a large group by an index, made once. */
function memberFinder(): (
  group: Resource<'Group'>,
  kind: Member['kind'],
  name: string,
) => Member | undefined {
  const indexes = new WeakMap<Resource<'Group'>, ReadonlyMap<string, Member>>();
  return (group, kind, name) => {
    const { members } = group.spec;
    if (members.length < 16) return members.find((member) => member.name === name && member.kind === kind);
    let index = indexes.get(group);
    if (!index) {
      index = new Map(members.map((member) => [`${member.kind}:${member.name}`, member]));
      indexes.set(group, index);
    }
    return index.get(`${kind}:${name}`);
  };
}

const resourceList = listAt('RoleBinding', ['resources']);

function resourceKey(entry: ResourceEntry): string {
  return resourceList?.key(entry as unknown as JsonValue) ?? '';
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
