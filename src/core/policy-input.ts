import type { AccessPolicySpec } from '../kinds/access-policy.ts';
import type { Resource } from '../kinds/index.ts';
import type { JsonObject, JsonValue } from '../kinds/kind.ts';
import { parseTime } from '../kinds/time.ts';
import {
  type Access,
  createAccess,
  type Grant,
  includedRoles,
  riskOf,
  riskRank,
  type Subject,
  showVia,
} from './access.ts';
import type { AccessChange, ResourceChange } from './access-diff.ts';
import { canonicalJson } from './hash.ts';
import { compareText } from './problem.ts';
import { type Identity, identity, identityOf, showIdentity, toManifest, workspaceOf } from './resource.ts';
import type { State } from './state.ts';

/** What policies judge: two states, what differs, and who gains or loses what. `at` in milliseconds. */
export interface Judging {
  readonly before: State;
  readonly after: State;
  readonly pairs: readonly ResourceChange[];
  readonly access: readonly AccessChange[];
  readonly at: number;
}

/** JSON, with timestamps as `{ $time: milliseconds }`; whole numbers are integers. Can be sent to a worker. */
export type PolicyValue =
  | string
  | number
  | boolean
  | null
  | readonly PolicyValue[]
  | { readonly [key: string]: PolicyValue };

/** One thing that a policy looks at. */
export interface PolicyItem {
  /** For people. */
  readonly what: string;
  readonly workspaces: readonly string[];
  /** The changes that it is about, where that is known. */
  readonly causes: readonly Identity[];
  readonly variables: Readonly<Record<string, PolicyValue>>;
}

/** One version of a policy, with all that it looks at. */
export interface PolicyWork {
  readonly policy: string;
  /** Unchanged, or the one of the store (which the plan changes or deletes), or that of the manifest. */
  readonly version: 'both' | 'store' | 'manifest';
  readonly enforcement: AccessPolicySpec['enforcement'];
  readonly validations: AccessPolicySpec['validations'];
  readonly items: readonly PolicyItem[];
}

/**
 * What each policy of the two states has to look at (safety.md, Policies); none that has nothing.
 *
 * A policy that the plan changes judges in both versions, and one that it deletes still judges.
 */
export function policyWork(judging: Judging): PolicyWork[] {
  const versions = versionsOf(judging);
  if (versions.length === 0) return [];
  const scene: Scene = { ...judging, names: renamesOf(judging.pairs), objectOf: createObjects() };
  let known: readonly SeenGrant[] | undefined;
  const seen = () => {
    known ??= seenGrants(scene);
    return known;
  };
  return versions.flatMap(({ policy, version }): PolicyWork[] => {
    const { enforcement, validations } = policy.spec;
    const match = version === 'store' ? withNamesAfter(scene, policy.spec.match) : policy.spec.match;
    const items = match.on === 'Change' ? changeItems(scene, match) : grantItems(scene, match, seen());
    return items.length === 0
      ? []
      : [{ policy: policy.metadata.name, version, enforcement, validations, items }];
  });
}

/** What is judged, and what is asked of it time and again. */
interface Scene extends Judging {
  readonly names: Renames;
  /** A whole manifest; the same object for the same resource. */
  objectOf(resource: Resource): PolicyObject;
}

type GlobalKind = 'Role' | 'User' | 'Workspace';

/** The names of what the plan renames, in both directions: a new name is no way around a policy. */
interface Renames {
  before(kind: GlobalKind, name: string): string;
  after(kind: GlobalKind, name: string): string;
}

function renamesOf(pairs: Judging['pairs']): Renames {
  const [before, after] = [new Map<string, string>(), new Map<string, string>()];
  for (const { before: was, after: is } of pairs) {
    if (!was || !is || was.metadata.name === is.metadata.name) continue;
    before.set(`${is.kind} ${is.metadata.name}`, was.metadata.name);
    after.set(`${was.kind} ${was.metadata.name}`, is.metadata.name);
  }
  return {
    before: (kind, name) => before.get(`${kind} ${name}`) ?? name,
    after: (kind, name) => after.get(`${kind} ${name}`) ?? name,
  };
}

/** What a policy of the store matches, in the words of the state after the plan. */
function withNamesAfter({ names }: Scene, match: Match): Match {
  return match.roles ? { ...match, roles: match.roles.map((role) => names.after('Role', role)) } : match;
}

interface Version {
  readonly policy: Resource<'AccessPolicy'>;
  readonly version: PolicyWork['version'];
}

function versionsOf({ before, after }: Judging): Version[] {
  const names = new Set(
    [before, after].flatMap((state) => state.ofKind('AccessPolicy').map(({ metadata }) => metadata.name)),
  );
  return [...names].sort(compareText).flatMap((name): Version[] => {
    const [was, is] = [before, after].map((state) => state.get('AccessPolicy', undefined, name));
    if (was && is && canonicalJson(toManifest(was)) === canonicalJson(toManifest(is)))
      return [{ policy: is, version: 'both' }];
    const versions: Version[] = [];
    if (was) versions.push({ policy: was, version: 'store' });
    if (is) versions.push({ policy: is, version: 'manifest' });
    return versions;
  });
}

type Match = AccessPolicySpec['match'];

/** Whether a selector takes a workspace in by its labels before or after: a plan does not relabel its way out. */
function isSelected({ before, after, names }: Scene, match: Match, workspace: string | undefined): boolean {
  const labels = match.workspaceSelector?.matchLabels;
  if (!labels) return true;
  if (workspace === undefined) return false;
  const was = before.get('Workspace', undefined, names.before('Workspace', workspace));
  return [was, after.get('Workspace', undefined, workspace)].some((found) => {
    return found && Object.entries(labels).every(([key, value]) => found.metadata.labels[key] === value);
  });
}

function changeItems(scene: Scene, match: Match): PolicyItem[] {
  return scene.pairs.flatMap(({ before, after }): PolicyItem[] => {
    const resource = after ?? before;
    if (!resource || resource.kind === 'AccessPolicy') return [];
    const action = before === null ? 'create' : after === null ? 'delete' : 'update';
    const workspace = workspaceOf(resource);
    if (match.kinds && !match.kinds.includes(resource.kind)) return [];
    if (match.actions && !match.actions.includes(action)) return [];
    if (!isSelected(scene, match, workspace)) return [];
    return [
      {
        what: `${action} of ${showIdentity(identityOf(resource))}`,
        workspaces: workspace === undefined ? placesOf(scene, before, after) : [workspace],
        causes: [identityOf(resource)],
        variables: {
          object: after && scene.objectOf(after),
          oldObject: before && scene.objectOf(before),
          action,
          workspace: workspaceObject(scene, workspace),
        },
      },
    ];
  });
}

/** The workspaces that a global resource concerns: those that name it; all, where none does. */
function placesOf({ before, after }: Judging, was: Resource | null, is: Resource | null): string[] {
  const naming = [...reaching(before, was), ...reaching(after, is)];
  const named = naming.flatMap((one) => workspaceOf(one) ?? []);
  const all = [before, after].flatMap((state) =>
    state.ofKind('Workspace').map(({ metadata }) => metadata.name),
  );
  return [...new Set(named.length > 0 ? named : all)].sort(compareText);
}

/** What refers to a global resource, through whatever other global ones: a role through those that include it. */
function reaching(state: State, resource: Resource | null): readonly Resource[] {
  const found = new Set<Resource>(resource ? [resource] : []);
  for (const one of found) {
    if (workspaceOf(one) !== undefined) continue;
    for (const other of state.referrers(identityOf(one))) found.add(other);
  }
  return [...found];
}

/** A grant of the state after the plan that policies on grants look at. */
interface SeenGrant {
  readonly grant: Grant;
  /** The User; for a Token its owner. */
  readonly user: Resource<'User'> | undefined;
  readonly causes: readonly Identity[];
  /** What the user has in the same workspace, also later; what overlaps is asked for each grant. */
  readonly held: readonly Grant[];
  readonly workspaces: readonly string[];
}

function seenGrants(scene: Scene): SeenGrant[] {
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
    const heldIn = Map.groupBy(held, ({ workspace }) => workspace);
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
        held: heldIn.get(workspace) ?? [],
        workspaces,
      });
    }
  }
  return seen;
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

function grantItems(scene: Scene, match: Match, seen: readonly SeenGrant[]): PolicyItem[] {
  const { before, after, at, names } = scene;
  return seen.flatMap((one): PolicyItem[] => {
    const { grant, causes } = one;
    if (!isSelected(scene, match, grant.workspace)) return [];
    return matchedRoles(after, match, grant.role).map((role) => {
      const via = `${showVia(grant.groups)}${role === grant.role ? '' : `>role:${grant.role}`}`;
      const [was, is] = [riskOf(before, names.before('Role', role)), riskOf(after, role)];
      const { from, until } = grant.span;
      const who = grant.subject.kind === 'Token' ? `token ${grant.subject.name}` : grant.subject.name;
      return {
        what: `${role} for ${who} on ${grant.scope === 'Workspace' ? 'the whole workspace' : grant.scope} of ${grant.workspace}`,
        workspaces: [grant.workspace],
        causes,
        variables: {
          grant: {
            subjectKind: grant.subject.kind,
            subject: grant.subject.name,
            email: grant.email,
            role,
            risk: riskRank(was) > riskRank(is) ? was : is,
            scope: grant.scope,
            via,
            binding: grant.binding,
            ...(from === -Infinity ? {} : { notBefore: { $time: from } }),
            ...(until === Infinity ? {} : { expiresAt: { $time: until } }),
          },
          workspace: workspaceObject(scene, grant.workspace),
          user: userObject(scene, one),
          now: { $time: at },
        },
      };
    });
  });
}

/** The roles by which a grant matches: its own, or those listed that it includes, so that wrapping one is no way around. */
function matchedRoles(after: State, match: Match, role: string): string[] {
  if (!match.roles || match.roles.includes(role)) return [role];
  return match.roles.filter((one) => includedRoles(after, role).has(one));
}

/** A user with what he has after the plan, which single grants do not tell (docs/decisions/0008). */
function userObject({ after, objectOf }: Scene, { user, held, workspaces, grant }: SeenGrant): PolicyValue {
  if (!user) return null;
  return { ...objectOf(user), status: { workspaces, roles: rolesDuring(after, held, grant) } };
}

/** By what somebody holds, and for a span of it: most grants of one person have few spans. */
const known = new WeakMap<readonly Grant[], Map<string, readonly string[]>>();

/** The roles, included ones too, that are held in a window that overlaps the grant's. */
function rolesDuring(after: State, held: readonly Grant[], { span }: Grant): readonly string[] {
  const spans = known.get(held) ?? new Map<string, readonly string[]>();
  known.set(held, spans);
  const key = `${span.from} ${span.until}`;
  const before = spans.get(key);
  if (before) return before;
  const granted = new Set(
    held.filter((one) => one.span.from < span.until && span.from < one.span.until).map(({ role }) => role),
  );
  const roles = new Set([...granted].flatMap((role) => [role, ...includedRoles(after, role)]));
  const sorted = [...roles].sort(compareText);
  spans.set(key, sorted);
  return sorted;
}

function workspaceObject({ before, after, objectOf }: Scene, name: string | undefined): PolicyValue {
  if (name === undefined) return null;
  const found = after.get('Workspace', undefined, name) ?? before.get('Workspace', undefined, name);
  return found ? objectOf(found) : null;
}

type PolicyObject = { readonly [key: string]: PolicyValue };

function createObjects(): Scene['objectOf'] {
  const known = new Map<Resource, PolicyObject>();
  return (resource) => {
    const object = known.get(resource) ?? toObject(resource);
    known.set(resource, object);
    return object;
  };
}

/** A whole manifest: defaults filled in, labels and annotations always there, times as timestamps. */
function toObject(resource: Resource): PolicyObject {
  const manifest = toManifest(resource);
  const { labels = {}, annotations = {}, ...metadata } = manifest.metadata;
  return {
    apiVersion: manifest.apiVersion,
    kind: manifest.kind,
    metadata: { ...(metadata as JsonObject), labels, annotations } as PolicyValue,
    spec: withTimes(manifest.spec),
  };
}

function withTimes(value: JsonValue, key?: string): PolicyValue {
  if (typeof value === 'string' && (key === 'notBefore' || key === 'expiresAt')) {
    const time = parseTime(value);
    return time === undefined ? value : { $time: time };
  }
  if (Array.isArray(value)) return value.map((one: JsonValue) => withTimes(one));
  if (typeof value !== 'object' || value === null) return value as PolicyValue;
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([name, one]) => [name, withTimes(one, name)]),
  );
}
