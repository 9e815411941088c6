import { CATALOGUE, OWNER_ROLE } from '../kinds/catalogue.ts';
import type { KindName, Resource } from '../kinds/index.ts';
import { keys } from '../kinds/kind.ts';
import type { Tier } from '../kinds/role.ts';
import { showScope } from '../kinds/role-binding.ts';
import { foldCase } from '../kinds/text.ts';
import type { Code } from './code.ts';
import { pointerPart } from './document.ts';
import { groupCycles, roleCycles } from './nesting.ts';
import { compareText } from './problem.ts';
import {
  type Identity,
  identity,
  identityOf,
  kindIn,
  referencesOf,
  showIdentity,
  targetsOf,
  workspaceOf,
} from './resource.ts';
import type { Held, State } from './state.ts';
import { didYouMean } from './suggest.ts';

/** A broken rule across resources: which resource breaks it, and where in it. */
export interface Violation {
  readonly id: Identity;
  /** JSON Pointer, list entries by key. */
  readonly pointer: string;
  readonly code: Code;
  readonly message: string;
  readonly hint?: string | undefined;
  /** What does not exist, when that is the matter. */
  readonly missing?: Identity | undefined;
  /** Where to point at when `id` is not in the input: a change that causes it. */
  readonly cause?: Identity | undefined;
}

const TIERS: readonly Tier[] = ['Free', 'Team', 'Business'];

/**
 * Every rule across resources that the state breaks: references, one address per User, cycles, tiers, scopes, labels.
 *
 * Looks at `changed` and at what refers to it, or at everything when it is left out; what else is in the state must
 * hold already. References to what is in `leaving` (renamed or deleted) are not judged here. With the state `before` the
 * changes, what they leave as it was in the eyes of those who refer to it is not judged again.
 */
export function checkState(
  state: State,
  changed?: Iterable<Held>,
  leaving: ReadonlySet<Identity> = new Set(),
  before?: State,
): Violation[] {
  const causes = new Map<Identity, Identity | undefined>();
  const focus = new Map<Identity, Held>();
  for (const held of changed ?? allOf(state)) focus.set(held.id, held);
  if (changed) {
    for (const [id, held] of [...focus].filter(([id]) => isReferredToWithRules(id))) {
      const resource = held.resource as Resource<'Role' | 'Workspace'>;
      if (bindsAsBefore(resource, before)) continue;
      for (const referrer of state.referrers(id)) {
        const referring = identityOf(referrer);
        if (focus.has(referring)) continue;
        focus.set(referring, { id: referring, resource: referrer });
        causes.set(referring, id);
      }
    }
  }
  needFor(state, focus);
  const violations: Violation[] = [];
  const holders = new Map<string, string | string[]>();
  const groups: Identity[] = [];
  const roles: Resource<'Role'>[] = [];
  let reaching: ReadonlySet<string> | undefined;
  for (const [id, held] of focus) {
    // Made once: of a million resources each is looked at and forgotten.
    const { resource } = held;
    const cause = causes.get(id);
    const report: Report = (code, pointer, message, hint, missing) =>
      violations.push({
        id,
        code,
        pointer,
        message: `${showIdentity(id)}: ${message}`,
        hint,
        missing,
        cause,
      });
    checkReferences(state, resource, leaving, report);
    switch (resource.kind) {
      case 'RoleBinding':
        checkBinding(state, resource, report);
        break;
      case 'Token':
        checkRole(state, resource, resource.spec.role, report);
        break;
      case 'Group':
        checkGroupTier(state, resource, report);
        groups.push(id);
        break;
      case 'Role':
        roles.push(resource);
        reaching ??= rolesReachingOwner(state);
        checkRoleIncludes(resource, reaching, report);
        break;
      case 'User': {
        const email = foldCase(resource.spec.email);
        const { name } = resource.metadata;
        const known = holders.get(email);
        // Of a million addresses nearly all have one holder.
        if (known === undefined) holders.set(email, name);
        else holders.set(email, [known, name].flat());
        break;
      }
      case 'Workspace':
      case 'AccessPolicy':
        break;
    }
  }
  violations.push(...emailClashes(state, before, holders));
  violations.push(...groupCycles(state, groups), ...roleCycles(state, roles));
  return violations;
}

function* allOf(state: State): Generator<Held> {
  for (const resource of state.all()) yield { id: identityOf(resource), resource };
}

function isReferredToWithRules(id: Identity): boolean {
  const kind = kindIn(id);
  return kind === 'Role' || kind === 'Workspace';
}

/** Whether all that the rules ask of a Role or Workspace for those who refer to it is as before. */
function bindsAsBefore(resource: Resource<'Role' | 'Workspace'>, before: State | undefined): boolean {
  const was = before?.get(resource.kind, undefined, resource.metadata.name);
  if (!was) return false;
  if (resource.kind === 'Workspace') return was.kind === 'Workspace' && was.spec.tier === resource.spec.tier;
  const asked = ({ spec }: Resource<'Role'>) =>
    JSON.stringify([spec.minimumTier ?? null, spec.labels, [...spec.scopes].sort()]);
  return was.kind === 'Role' && asked(was) === asked(resource);
}

/** What the rules look at. */
function needFor(state: State, focus: ReadonlyMap<Identity, Held>): void {
  if (!state.partial) return;
  const ids = new Set<Identity>();
  const emails: string[] = [];
  const groups: Identity[] = [];
  for (const [id, { resource }] of focus) {
    const workspace = workspaceOf(resource);
    if (workspace !== undefined) ids.add(identity('Workspace', undefined, workspace));
    for (const target of targetsOf(resource)) ids.add(target);
    if (resource.kind === 'User') emails.push(foldCase(resource.spec.email));
    if (resource.kind === 'Group') groups.push(id);
  }
  state.need({ ids: [...ids], emails, targets: groups });
}

type Report = (code: Code, pointer: string, message: string, hint?: string, missing?: Identity) => void;

function checkReferences(
  state: State,
  resource: Resource,
  leaving: ReadonlySet<Identity>,
  report: Report,
): void {
  for (const { pointer, kind, namespace, name } of referencesOf(resource)) {
    const id = identity(kind, namespace, name);
    if (state.has(id) || leaving.has(id) || (kind === 'Role' && CATALOGUE.has(name))) continue;
    const known = candidates(state, kind, namespace);
    const where = namespace === undefined ? '' : ` in workspace ${namespace}`;
    report(
      'RC112',
      pointer,
      `there is no ${kind} "${name}"${where}`,
      didYouMean(name, known) ??
        (kind === 'Role'
          ? 'declare it, or take one of the built-in catalogue: iam explain roles'
          : 'declare it, or correct the name'),
      identity(kind, namespace, name),
    );
  }
}

function candidates(state: State, kind: KindName, namespace: string | undefined): string[] {
  const names = state.names(kind, namespace);
  return kind === 'Role' ? [...names, ...CATALOGUE.keys()] : names;
}

function tierOf(state: State, workspace: string | undefined): Tier | undefined {
  return state.get('Workspace', undefined, workspace ?? '')?.spec.tier;
}

function isBelow(tier: Tier | undefined, needed: Tier): boolean {
  return tier !== undefined && TIERS.indexOf(tier) < TIERS.indexOf(needed);
}

function checkGroupTier(state: State, group: Resource<'Group'>, report: Report): void {
  const workspace = group.metadata.namespace;
  const tier = tierOf(state, workspace);
  if (!isBelow(tier, 'Business')) return;
  report(
    'RC115',
    '/metadata/namespace',
    `groups need tier Business, ${workspace} is ${tier}`,
    `raise spec.tier of Workspace ${workspace}, or grant to users`,
  );
}

function checkRole(
  state: State,
  resource: Resource<'RoleBinding' | 'Token'>,
  roleName: string,
  report: Report,
): void {
  const role = state.get('Role', undefined, roleName);
  const workspace = workspaceOf(resource);
  const tier = tierOf(state, workspace);
  if (!role) return;
  if (isBelow(tier, role.spec.minimumTier))
    report(
      'RC115',
      '/spec/role',
      `role ${roleName} needs tier ${role.spec.minimumTier}, ${workspace} is ${tier}`,
      `raise spec.tier of Workspace ${workspace}`,
    );
  if (resource.kind === 'Token' && !role.spec.scopes.includes('Workspace'))
    report(
      'RC116',
      '/spec/role',
      `role ${roleName} cannot be granted on a whole workspace, as a Token has it`,
      `it is for ${role.spec.scopes.join(', ')}: give the token another role, and this one by a RoleBinding`,
    );
}

function checkBinding(state: State, binding: Resource<'RoleBinding'>, report: Report): void {
  checkRole(state, binding, binding.spec.role, report);
  const role = state.get('Role', undefined, binding.spec.role);
  const workspace = binding.metadata.namespace;
  for (const entry of binding.spec.resources) {
    const pointer = `/spec/resources/${pointerPart(keys.resource(entry as never))}`;
    if (entry.labels && isBelow(tierOf(state, workspace), 'Business'))
      report(
        'RC115',
        `${pointer}/labels`,
        `labels need tier Business, ${workspace} is ${tierOf(state, workspace)}`,
        `raise spec.tier of Workspace ${workspace}`,
      );
    if (!role) continue;
    if (entry.labels && !role.spec.labels)
      report(
        'RC116',
        `${pointer}/labels`,
        `role ${role.metadata.name} cannot be narrowed by labels (${showScope(entry)})`,
        'grant it on the whole workspace, or take a role with labels',
      );
    if (!role.spec.scopes.includes(entry.type))
      report(
        'RC116',
        `${pointer}/type`,
        `role ${role.metadata.name} cannot be granted on ${entry.type}`,
        didYouMean(entry.type, role.spec.scopes) ?? `it is for ${role.spec.scopes.join(', ')}`,
      );
  }
}

function checkRoleIncludes(role: Resource<'Role'>, reaching: ReadonlySet<string>, report: Report): void {
  for (const name of role.spec.includes) {
    if (name === OWNER_ROLE || reaching.has(name))
      report(
        'RC119',
        `/spec/includes/${name}`,
        `no role may include ${OWNER_ROLE}`,
        'ownership is granted by itself or not at all',
      );
  }
}

/** The roles that reach workspace-owner by what they include. */
function rolesReachingOwner(state: State): Set<string> {
  const includers = new Map<string, string[]>();
  for (const { metadata, spec } of state.ofKind('Role')) {
    for (const name of spec.includes) {
      const list = includers.get(name);
      if (list) list.push(metadata.name);
      else includers.set(name, [metadata.name]);
    }
  }
  const found = new Set<string>();
  const open = [OWNER_ROLE];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const name of includers.get(next) ?? []) {
      if (found.has(name)) continue;
      found.add(name);
      open.push(name);
    }
  }
  return found;
}

/** `focus`: by address, the names of the users that are looked at. */
function emailClashes(
  state: State,
  before: State | undefined,
  focus: ReadonlyMap<string, string | string[]>,
): Violation[] {
  const violations: Violation[] = [];
  const namesOf = (email: string) => [focus.get(email) ?? []].flat();
  for (const [email, found] of focus) {
    const there = (before ?? state).usersWith(email);
    if (typeof found === 'string' && there.length === 0) continue;
    const names = namesOf(email);
    // What was there before and is not looked at has its address still.
    const others = there
      .map(({ metadata }) => metadata.name)
      .filter((name) => !names.includes(name))
      .filter((name) => foldCase(state.get('User', undefined, name)?.spec.email ?? '') === email);
    if (names.length + others.length < 2) continue;
    const sorted = [...names, ...others].sort(compareText);
    // All but one complain; the one left alone is what the others are told about: a stored one, else the first.
    const kept = sorted.find((name) => !names.includes(name)) ?? sorted[0] ?? '';
    for (const name of sorted) {
      if (name === kept || !names.includes(name)) continue;
      violations.push({
        id: identity('User', undefined, name),
        pointer: '/spec/email',
        code: 'RC113',
        message: `User ${name}: e-mail ${state.get('User', undefined, name)?.spec.email} already belongs to User ${kept}`,
        hint: 'one person is one User; bind that one',
      });
    }
  }
  return violations;
}
