import { OWNER_ROLE } from '../../kinds/catalogue.ts';
import type { Resource } from '../../kinds/index.ts';
import { formatTime, showTime } from '../../kinds/time.ts';
import { type Access, isOwnership, type Subject } from '../access.ts';
import type { Code } from '../code.ts';
import { compareText } from '../problem.ts';
import { identity, identityOf } from '../resource.ts';
import type { State } from '../state.ts';
import { nameSome, type Verdict } from '../verdict.ts';
import { contains, type Span } from '../window.ts';
import type { Scene } from './scene.ts';

/** How far ahead the end of an ownership is judged like one of now, in milliseconds. */
const HORIZON = 7 * 24 * 3_600_000;

/** Who owns a workspace, and when. */
export type Owners = ReadonlyMap<string, readonly Span[]>;

/**
 * Every owner of a workspace with the moments in which he is one, of those that end after `at`: an Active Human or
 * BreakGlass user who holds workspace-owner for the whole workspace, directly or through groups.
 */
export function ownersOf(state: State, access: Access, workspace: string, at: number): Owners {
  const users = new Set<string>();
  for (const binding of state.referrers(identity('Role', undefined, OWNER_ROLE))) {
    if (binding.kind !== 'RoleBinding' || binding.metadata.namespace !== workspace) continue;
    for (const { kind, name } of binding.spec.subjects)
      for (const subject of access.subjectsUnder(kind, workspace, name))
        if (subject.kind === 'User') users.add(subject.name);
  }
  access.need([...users].map((name) => ({ kind: 'User', namespace: undefined, name })));
  const owners = new Map<string, readonly Span[]>();
  for (const name of [...users].sort(compareText)) {
    if (state.get('User', undefined, name)?.spec.type === 'Service') continue;
    const spans = access
      .grantsOf({ kind: 'User', namespace: undefined, name })
      .filter((grant) => grant.workspace === workspace && grant.enabled && isOwnership(grant))
      .map(({ span }) => span)
      .filter(({ until }) => until > at);
    if (spans.length > 0) owners.set(name, spans);
  }
  return owners;
}

export function isOwnerAt(owners: Owners, name: string, time: number): boolean {
  return owners.get(name)?.some((span) => contains(span, time)) ?? false;
}

function countAt(owners: Owners, time: number): number {
  return [...owners.keys()].filter((name) => isOwnerAt(owners, name, time)).length;
}

/** One workspace whose owners a plan may change, with its owners by their names after the plan. */
interface Place {
  readonly workspace: string;
  /** Its name before. */
  readonly old: string;
  readonly isNew: boolean;
  readonly was: Owners;
  readonly is: Owners;
  /** The moments after now at which somebody's ownership begins or ends; sorted. */
  readonly edges: readonly number[];
}

/** RC205, RC206, RC207 and RC214: nobody may be locked out, and ownership not be carried over unseen. */
export function guardOwners(scene: Scene): Verdict[] {
  const places = placesOf(scene);
  return [
    ...places.flatMap((place) => guardMinimum(scene, place)),
    ...places.flatMap((place) => guardRequired(scene, place)),
    ...guardSelf(scene, places),
    ...guardEmails(scene),
  ];
}

function placesOf(scene: Scene): Place[] {
  const { before, after, at } = scene;
  const names = touchedWorkspaces(scene);
  return [...names].sort(compareText).flatMap((workspace) => {
    // A workspace that goes needs no owner.
    if (!after.get('Workspace', undefined, workspace)) return [];
    const old = scene.workspaceBefore(workspace);
    const isNew = !before.get('Workspace', undefined, old);
    const had = ownersOf(before, scene.accessBefore, old, at);
    const was = new Map([...had].map(([name, spans]) => [scene.userAfter(name), spans]));
    const is = ownersOf(after, scene.accessAfter, workspace, at);
    const edges = [...was.values(), ...is.values()]
      .flat()
      .flatMap(({ from, until }) => [from, until])
      .filter((time) => time > at && time !== Infinity);
    return [{ workspace, old, isNew, was, is, edges: [...new Set(edges)].sort((a, b) => a - b) }];
  });
}

/** The workspaces in which a change may bear on who owns them. */
function touchedWorkspaces({
  drafts,
  touched,
  before,
  after,
  accessBefore,
  accessAfter,
}: Scene): Set<string> {
  const names = new Set<string>();
  for (const { change, stored } of drafts) {
    if (change.namespace !== null) names.add(change.namespace);
    if (change.kind !== 'Workspace') continue;
    names.add(change.name);
    if (stored) names.add(stored.resource.metadata.name);
  }
  // Whoever is new owns only by what changes too, and names its workspace.
  const known = (resource: Resource | null): Subject[] =>
    resource?.kind === 'User' ? [{ kind: 'User', namespace: undefined, name: resource.metadata.name }] : [];
  accessBefore.need(touched.flatMap((pair) => known(pair.before)));
  accessAfter.need(touched.flatMap((pair) => known(pair.after)));
  for (const pair of touched) {
    for (const [resource, access] of [
      [pair.before, accessBefore],
      [pair.after, accessAfter],
    ] as const) {
      if (resource?.kind !== 'User') continue;
      for (const grant of access.grantsOf({
        kind: 'User',
        namespace: undefined,
        name: resource.metadata.name,
      }))
        if (isOwnership(grant)) names.add(grant.workspace);
      // Whoever is required is looked at also where he owns nothing yet.
      const user = identity('User', undefined, resource.metadata.name);
      for (const state of [before, after])
        for (const one of state.referrers(user, 'Workspace')) names.add(one.metadata.name);
    }
  }
  return names;
}

function verdict(
  code: Code,
  severity: Verdict['severity'],
  message: string,
  workspace: string,
  numbers: Verdict['numbers'] = {},
): Verdict {
  return {
    code,
    class: 'hard',
    severity,
    message,
    numbers: { ...numbers, workspaces: [workspace] },
    override: null,
  };
}

function guardMinimum(
  { before, after, at }: Scene,
  { workspace, old: oldName, isNew, was, is, edges }: Place,
): Verdict[] {
  const minimumOf = (state: State, name: string) =>
    state.get('Workspace', undefined, name)?.spec.owners.minimum ?? 0;
  const [old, now] = [minimumOf(before, oldName), minimumOf(after, workspace)];
  const minimum = Math.max(old, now);
  const say = (severity: Verdict['severity'], time: number) => {
    const [had, has] = [countAt(was, time), countAt(is, time)];
    const names = [...was.keys()].filter((name) => isOwnerAt(was, name, at) && !isOwnerAt(is, name, time));
    const when = time === at ? '' : ` from ${showTime(formatTime(time))} on`;
    const gone = names.length === 0 ? '' : `: no longer ${nameSome(names)}`;
    return verdict(
      'RC205',
      severity,
      `${workspace} ${time === at ? 'has' : 'will have'} ${has === 1 ? '1 owner' : `${has} owners`}${when}, minimum ${minimum}${gone}`,
      workspace,
      { owners: has, before: had, minimum, ...(time === at ? {} : { from: formatTime(time) }) },
    );
  };
  const [had, has] = [countAt(was, at), countAt(is, at)];
  if (has < minimum && !isNew && (had >= minimum || has < had)) return [say('deny', at)];
  const below = edges.filter((time) => countAt(is, time) < minimum);
  const caused = isNew ? [] : below.filter((time) => countAt(is, time) < countAt(was, time));
  const near = caused.find((time) => time <= at + HORIZON);
  if (near !== undefined) return [say('deny', near)];
  if (has < minimum) return isNew || now > old ? [say('warn', at)] : [];
  const [later] = caused;
  if (later !== undefined) return [say('warn', later)];
  const [first] = below;
  return first !== undefined && (isNew || first <= at + HORIZON) ? [say('warn', first)] : [];
}

function guardRequired(scene: Scene, { workspace, old: oldName, isNew, was, is, edges }: Place): Verdict[] {
  const { before, after, at, settings } = scene;
  const requiredIn = (state: State, name: string) =>
    (state.get('Workspace', undefined, name)?.spec.owners.required ?? []).map(({ name }) => name);
  const old = new Set(requiredIn(before, oldName).map((name) => scene.userAfter(name)));
  const now = new Set(requiredIn(after, workspace));
  const asked = (settings.guards.requireOwners ?? []).map((name) => scene.userAfter(name));
  return [...new Set([...old, ...now, ...asked])].sort(compareText).flatMap((name) => {
    const say = (severity: Verdict['severity'], words: string) =>
      verdict('RC206', severity, `${name} ${words} ${workspace}, and is required to`, workspace, {
        user: name,
      });
    if (!isOwnerAt(is, name, at)) {
      if (isOwnerAt(was, name, at)) return [say('deny', 'would no longer own')];
      const isNewRule = now.has(name) && (isNew || !old.has(name));
      return isNewRule ? [say('warn', 'does not own')] : [];
    }
    const gone = edges.filter((time) => !isOwnerAt(is, name, time));
    const caused = gone.find((time) => isOwnerAt(was, name, time));
    const edge = caused ?? gone[0];
    if (edge === undefined) return [];
    const near = edge <= at + HORIZON;
    const words = `will no longer, from ${showTime(formatTime(edge))} on, own`;
    if (caused !== undefined && near) return [say('deny', words)];
    const isNewRule = isNew || (now.has(name) && !old.has(name));
    return caused !== undefined || near || isNewRule ? [say('warn', words)] : [];
  });
}

function guardSelf({ before, at, settings, userAfter }: Scene, places: readonly Place[]): Verdict[] {
  const { actor } = settings;
  const loses = ({ was, is, edges }: Place, name: string) =>
    [at, ...edges.filter((time) => time <= at + HORIZON)].find(
      (time) => isOwnerAt(was, name, time) && !isOwnerAt(is, name, time),
    );
  if (actor !== null && before.get('User', undefined, actor)) {
    const name = userAfter(actor);
    return places
      .filter((place) => loses(place, name) !== undefined)
      .map(({ workspace }) =>
        verdict('RC207', 'deny', `you (${actor}) would no longer own ${workspace}`, workspace, {
          user: actor,
        }),
      );
  }
  const lost = places.filter((place) =>
    [...place.was.keys()].some((name) => loses(place, name) !== undefined),
  );
  if (lost.length === 0) return [];
  const who = actor === null ? 'it is not known who applies this (--as USER)' : `"${actor}" is not a User`;
  return [
    {
      code: 'RC207',
      class: 'hard',
      severity: 'warn',
      message: `not checked whether you lock yourself out of ${nameSome(lost.map(({ workspace }) => workspace))}: ${who}`,
      numbers: { actor, workspaces: lost.map(({ workspace }) => workspace) },
      override: null,
    },
  ];
}

function guardEmails(scene: Scene): Verdict[] {
  const { touched, before, after, accessBefore, accessAfter, at } = scene;
  return touched.flatMap((pair) => {
    if (pair.before?.kind !== 'User' || pair.after?.kind !== 'User') return [];
    const [old, now] = [pair.before, pair.after];
    if (old.spec.email === now.spec.email) return [];
    const owned = new Set<string>();
    for (const [state, access, name] of [
      [before, accessBefore, old.metadata.name],
      [after, accessAfter, now.metadata.name],
    ] as const) {
      for (const { workspace, role, scope } of access.grantsOf({ kind: 'User', namespace: undefined, name }))
        if (isOwnership({ role, scope }) && ownersOf(state, access, workspace, at).has(name))
          owned.add(workspace);
    }
    if (owned.size === 0) return [];
    const workspaces = [...owned].sort(compareText);
    return [
      {
        code: 'RC214',
        class: 'hard',
        severity: 'deny',
        message: `changes the e-mail of ${now.metadata.name}, an owner of ${nameSome(workspaces)}, from ${old.spec.email} to ${now.spec.email}`,
        numbers: { user: now.metadata.name, resource: identityOf(now), workspaces },
        override: null,
      } satisfies Verdict,
    ];
  });
}
