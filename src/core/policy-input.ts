import type { AccessPolicySpec } from '../kinds/access-policy.ts';
import type { Resource } from '../kinds/index.ts';
import { includedRoles, riskOf, riskRank, showVia } from './access.ts';
import { canonicalJson } from './hash.ts';
import { type Judging, type Scene, type SeenGrant, seenGrants } from './policy-grants.ts';
import { createObjects, type PolicyValue } from './policy-object.ts';
import { compareText } from './problem.ts';
import { renamesOf } from './renames.ts';
import { type Identity, identityOf, showIdentity, toManifest, workspaceOf } from './resource.ts';
import type { State } from './state.ts';

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
function userObject({ objectOf }: Scene, { user, workspaces, roles }: SeenGrant): PolicyValue {
  return user ? { ...objectOf(user), status: { workspaces, roles } } : null;
}

function workspaceObject({ before, after, objectOf }: Scene, name: string | undefined): PolicyValue {
  if (name === undefined) return null;
  const found = after.get('Workspace', undefined, name) ?? before.get('Workspace', undefined, name);
  return found ? objectOf(found) : null;
}
