import type { Resource } from '../kinds/index.ts';
import { createAccess, type Grant, isOwnership, type Subject } from './access.ts';
import { isOwnerAt, ownersOf } from './guards/owners.ts';
import { compareText } from './problem.ts';
import { createQuestions } from './question.ts';
import { type Identity, identityOf } from './resource.ts';
import type { State } from './state.ts';

/** A workspace that somebody owns. */
export interface OwnedWorkspace {
  readonly workspace: string;
  readonly owners: number;
  readonly minimum: number;
  /** Whether it has fewer owners than its minimum once he is none. */
  readonly tooFewWithout: boolean;
}

/** All that hangs on one person; every list by code point. */
export interface Offboarding {
  readonly user: Resource<'User'>;
  /** Those that have not ended. */
  readonly grants: readonly Grant[];
  /** Groups that name him, and those that he is in through them. */
  readonly groups: readonly {
    readonly workspace: string;
    readonly group: string;
    readonly direct: boolean;
  }[];
  readonly owns: readonly OwnedWorkspace[];
  /** Workspaces that name him in owners.required. */
  readonly requiredIn: readonly string[];
  /** Tokens that he answers for: they give nothing while he is suspended. */
  readonly tokens: readonly Resource<'Token'>[];
  /** Users that he sponsors. */
  readonly sponsors: readonly string[];
  /** Everything that refers to him. */
  readonly referrers: readonly Identity[];
  /** Bindings among them that name nobody else. */
  readonly soleSubject: readonly Identity[];
}

/** What hangs on a person at a time in milliseconds. */
export function offboardingOf(state: State, user: Resource<'User'>, at: number): Offboarding {
  const { name } = user.metadata;
  const access = createAccess(state);
  const subject: Subject = { kind: 'User', namespace: undefined, name };
  const grants = createQuestions(state, at)
    .why(subject, undefined, {})
    .filter(({ span }) => span.until > at);
  const groups = new Map<string, Offboarding['groups'][number]>();
  for (const { workspace, groups: path, span } of access.membershipsOf(name)) {
    const [group] = path;
    if (group === undefined || span.until <= at) continue;
    const key = `${workspace}/${group}`;
    groups.set(key, { workspace, group, direct: path.length === 1 || groups.get(key)?.direct === true });
  }
  const owned = new Set(grants.filter(isOwnership).map(({ workspace }) => workspace));
  const referrers = state.referrers(identityOf(user));
  return {
    user,
    grants,
    groups: [...groups].sort(([a], [b]) => compareText(a, b)).map(([, group]) => group),
    owns: [...owned].sort(compareText).flatMap((workspace): OwnedWorkspace[] => {
      const owners = ownersOf(state, access, workspace, at);
      if (!isOwnerAt(owners, name, at)) return [];
      const count = [...owners.keys()].filter((owner) => isOwnerAt(owners, owner, at)).length;
      const minimum = state.get('Workspace', undefined, workspace)?.spec.owners.minimum ?? 0;
      return [{ workspace, owners: count, minimum, tooFewWithout: count - 1 < minimum }];
    }),
    requiredIn: referrers
      .filter((one) => one.kind === 'Workspace')
      .map(({ metadata }) => metadata.name)
      .sort(compareText),
    tokens: access.tokensOf(name).toSorted((a, b) => compareText(identityOf(a), identityOf(b))),
    sponsors: referrers
      .filter((one) => one.kind === 'User')
      .map(({ metadata }) => metadata.name)
      .sort(compareText),
    referrers: referrers.map(identityOf).sort(compareText),
    soleSubject: referrers
      .filter((one) => one.kind === 'RoleBinding' && one.spec.subjects.length === 1)
      .map(identityOf)
      .sort(compareText),
  };
}
