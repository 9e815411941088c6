import type { Resource } from '../kinds/index.ts';
import type { JsonValue } from '../kinds/kind.ts';
import { type Access, createAccess, type Grant, includedRoles, riskOf, type Subject } from './access.ts';
import type { AccessChange, ResourceChange } from './access-diff.ts';
import { canonicalJson } from './hash.ts';
import type { PolicyObject } from './policy-object.ts';
import { compareText } from './problem.ts';
import type { Renames } from './renames.ts';
import { type Identity, identity, identityOf } from './resource.ts';
import type { State } from './state.ts';
import { intersect, type Span } from './window.ts';

/** What policies judge: two states, what differs, and who gains or loses what. `at` in milliseconds. */
export interface Judging {
  readonly before: State;
  readonly after: State;
  readonly pairs: readonly ResourceChange[];
  readonly access: readonly AccessChange[];
  readonly at: number;
}

/** What is judged, and what is asked of it time and again. */
export interface Scene extends Judging {
  readonly names: Renames;
  /** A whole manifest; the same object for the same resource. */
  objectOf(resource: Resource): PolicyObject;
}

/** A grant of the state after the plan that policies on grants look at. */
export interface SeenGrant {
  readonly grant: Grant;
  /** The User; for a Token its owner. */
  readonly user: Resource<'User'> | undefined;
  readonly causes: readonly Identity[];
  /** Where the user has access, now or later. */
  readonly workspaces: readonly string[];
  /** The roles, included ones too, that he has in the same workspace in a window that overlaps the grant's. */
  readonly roles: readonly string[];
}

/** Every grant that policies look at, each once, by subject. */
export function seenGrants(scene: Scene): SeenGrant[] {
  const { after, access, at, pairs } = scene;
  const index = createAccess(after);
  const touched = touchedBy(scene, index);
  const gains = new Map<string, Set<string>>();
  for (const { subjectKind, subject, workspace, gains: lines } of access) {
    if (lines.length === 0) continue;
    const namespace = subjectKind === 'Token' ? workspace : undefined;
    const who: Subject = { kind: subjectKind, namespace, name: subject };
    touched.subjects.set(keyOf(who), who);
    const key = `${keyOf(who)} ${workspace}`;
    gains.set(
      key,
      new Set([...(gains.get(key) ?? []), ...lines.map(({ role, scope }) => `${role} ${scope}`)]),
    );
  }
  const changed = new Set(pairs.flatMap(({ after: now }) => (now ? [identityOf(now)] : [])));
  const isLive = (grant: Grant) => grant.enabled && grant.span.until > at;
  const seen: SeenGrant[] = [];
  for (const key of [...touched.subjects.keys()].sort(compareText)) {
    const subject = touched.subjects.get(key);
    if (!subject) continue;
    const live = index.grantsOf(subject).filter(isLive);
    const owner =
      subject.kind === 'User'
        ? subject.name
        : (after.get('Token', subject.namespace, subject.name)?.spec.owner ?? '');
    const person: Subject = { kind: 'User', namespace: undefined, name: owner };
    const held = subject.kind === 'User' ? live : index.grantsOf(person).filter(isLive);
    const workspaces = [...new Set(held.map(({ workspace }) => workspace))].sort(compareText);
    const rolesDuring = rolesOf(after, held);
    for (const grant of live) {
      const { workspace, role, scope } = grant;
      const gained = gains.get(`${key} ${workspace}`);
      const isGained =
        gained?.has(`${role} ${scope}`) ||
        (gained && [...includedRoles(after, role)].some((one) => gained.has(`${one} ${scope}`)));
      const isTouched =
        touched.roles.has(role) ||
        touched.workspaces.has(workspace) ||
        touched.users.has(owner) ||
        touched.tokens.has(key);
      if (!isGained && !isTouched) continue;
      seen.push({
        grant,
        user: after.get('User', undefined, owner),
        causes: [...new Set(grant.rests.map(([id]) => id))].filter((id) => changed.has(id)),
        workspaces,
        roles: rolesDuring(grant),
      });
    }
  }
  return seen;
}

/** The roles that somebody has while a grant lasts. Most of what one person has is in few workspaces and few spans. */
function rolesOf(after: State, held: readonly Grant[]): (grant: Grant) => readonly string[] {
  const heldIn = Map.groupBy(held, ({ workspace }) => workspace);
  const known = new Map<string, readonly string[]>();
  return ({ workspace, span }) => {
    const key = `${workspace} ${span.from} ${span.until}`;
    const roles = known.get(key) ?? rolesDuring(after, heldIn.get(workspace) ?? [], span);
    known.set(key, roles);
    return roles;
  };
}

function rolesDuring(after: State, held: readonly Grant[], span: Span): string[] {
  const granted = new Set(held.filter((one) => intersect(one.span, span)).map(({ role }) => role));
  const roles = new Set([...granted].flatMap((role) => [role, ...includedRoles(after, role)]));
  return [...roles].sort(compareText);
}

/** What changes in a way that policies on grants may judge by, a token by its owner, and whom that reaches. */
function touchedBy({ before, after, pairs, names }: Scene, index: Access) {
  const [roles, users, workspaces] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const tokens = new Map<Identity, Subject>();
  const subjects = new Map<Identity, Subject>();
  const differs = (was: JsonValue, is: JsonValue) => canonicalJson(was) !== canonicalJson(is);
  for (const { before: was, after: is } of pairs) {
    if (was?.kind === 'Role' && is?.kind === 'Role') {
      const facts = ({ spec }: Resource<'Role'>) => [spec.risk, spec.labels, spec.includes];
      if (differs(facts(was), facts(is))) roles.add(is.metadata.name);
    } else if (was?.kind === 'User' && is?.kind === 'User') {
      const facts = ({ spec, metadata }: Resource<'User'>) => [
        spec.type,
        spec.sponsor ?? null,
        { ...metadata.labels },
      ];
      if (differs(facts(was), facts(is))) users.add(is.metadata.name);
    } else if (was?.kind === 'Workspace' && is?.kind === 'Workspace') {
      const facts = ({ spec, metadata }: Resource<'Workspace'>) => [spec.tier, { ...metadata.labels }];
      if (differs(facts(was), facts(is))) workspaces.add(is.metadata.name);
    } else if (was?.kind === 'Token' && is?.kind === 'Token') {
      const token = tokenSubject(is);
      if (names.after('User', was.spec.owner) !== is.spec.owner) tokens.set(keyOf(token), token);
    }
  }
  if (roles.size > 0)
    for (const { metadata } of after.ofKind('Role')) {
      const { name } = metadata;
      if (
        includedRoles(after, name).intersection(roles).size > 0 ||
        riskOf(before, names.before('Role', name)) !== riskOf(after, name)
      )
        roles.add(name);
    }
  const reach = (found: readonly Subject[]) => {
    for (const one of found) subjects.set(keyOf(one), one);
  };
  reach([...tokens.values()]);
  if (roles.size + workspaces.size > 0) {
    for (const { metadata, spec } of after.ofKind('RoleBinding')) {
      const namespace = metadata.namespace ?? '';
      if (!roles.has(spec.role) && !workspaces.has(namespace)) continue;
      for (const { kind, name } of spec.subjects) reach(index.subjectsUnder(kind, namespace, name));
    }
    for (const token of after.ofKind('Token'))
      if (roles.has(token.spec.role) || workspaces.has(token.metadata.namespace ?? ''))
        reach([tokenSubject(token)]);
  }
  for (const name of users) {
    reach([{ kind: 'User', namespace: undefined, name }]);
    reach(index.tokensOf(name).map(tokenSubject));
  }
  return { roles, users, workspaces, tokens, subjects };
}

function tokenSubject({ metadata }: Resource<'Token'>): Subject {
  return { kind: 'Token', namespace: metadata.namespace, name: metadata.name };
}

function keyOf({ kind, namespace, name }: Subject): Identity {
  return identity(kind, namespace, name);
}
