import type { KindName } from '../../kinds/index.ts';
import type { Subject } from '../access.ts';
import type { Code } from '../code.ts';
import { allowed, isShare, type Limit, showLimit, showShare, tightest } from '../limit.ts';
import type { Action } from '../plan.ts';
import { compareText } from '../problem.ts';
import { nameSome, type Verdict } from '../verdict.ts';
import { contains } from '../window.ts';
import type { Scene } from './scene.ts';

/** Limits of global kinds and of the store as a whole (safety.md). */
const STORE_REMOVALS: Limit = '25%';
const STORE_UPDATES: Limit = '30%';

/** Below this many, a share of the limit says little: more than half, and more than one, is too many. */
const FEW = 10;

/** RC201 to RC204: how much of what there was would go, or change. */
export function guardFractions(scene: Scene): Verdict[] {
  const deletes = scene.drafts.some(({ change }) => change.action === 'delete');
  return [
    ...guardPeople(scene),
    ...(deletes ? guardEverything(scene) : []),
    ...(deletes ? guardKinds(scene, 'delete', 'RC201', 'deletes', isTooMuchRemoved) : []),
    ...guardKinds(scene, 'update', 'RC202', 'updates', isTooMuchUpdated),
  ];
}

type IsTooMuch = (n: number, total: number, limit: Limit) => boolean;

function isTooMuchRemoved(n: number, total: number, limit: Limit): boolean {
  if (total >= FEW || !isShare(limit)) return n > allowed(limit, total);
  return n > 1 && n * 2 > total;
}

function isTooMuchUpdated(n: number, total: number, limit: Limit): boolean {
  return (total >= FEW || !isShare(limit)) && n > allowed(limit, total);
}

function guardKinds(scene: Scene, action: Action, code: Code, verb: string, isTooMuch: IsTooMuch): Verdict[] {
  const exempt = new Set(scene.settings.pruneWorkspaces);
  const counts = new Map<string, { readonly kind: KindName; readonly workspace: string | null; n: number }>();
  const count = (kind: KindName, workspace: string | null) => {
    const key = JSON.stringify({ kind, workspace });
    const known = counts.get(key) ?? { kind, workspace, n: 0 };
    counts.set(key, known);
    known.n++;
  };
  for (const { change, stored } of scene.drafts) {
    if (change.action !== action || !stored) continue;
    const [kind, workspace = '', name = ''] = stored.id.split('/') as [KindName, string, string];
    if (exempt.has(workspace) || (kind === 'Workspace' && exempt.has(name))) continue;
    if (workspace !== '') count(kind, workspace);
    count(kind, null);
  }
  const totalOf = (kind: KindName, workspace: string | null) => {
    const all = scene.actual
      .tally()
      .filter((one) => one.kind === kind && !exempt.has(one.workspace))
      .filter((one) => workspace === null || one.workspace === workspace)
      .reduce((sum, one) => sum + one.count, 0);
    const left = [...exempt].filter((name) => scene.before.get('Workspace', undefined, name));
    return kind === 'Workspace' ? all - left.length : all;
  };
  const verdicts: Verdict[] = [];
  const told = new Set<string>();
  // Workspaces first: `"` comes before the `n` of null.
  for (const key of [...counts.keys()].sort(compareText)) {
    const found = counts.get(key);
    if (!found) continue;
    const { kind, workspace, n } = found;
    const total = totalOf(kind, workspace);
    const limits =
      workspace === null
        ? [action === 'delete' ? STORE_REMOVALS : STORE_UPDATES]
        : limitsOf(scene, workspace, action === 'delete' ? 'maxRemovals' : 'maxUpdates');
    const asked = scene.settings.guards[action === 'delete' ? 'maxRemovals' : 'maxUpdates'];
    const over = overLimit(n, total, asked === undefined ? limits : [...limits, asked], isTooMuch);
    if (over === undefined) continue;
    // The only workspace that has any of this kind says it already.
    const same = `${kind} ${n} ${total}`;
    if (workspace === null && told.has(same)) continue;
    told.add(same);
    verdicts.push({
      code,
      class: 'soft',
      severity: 'deny',
      message: `${verb} ${ratio(n, total, plural(kind), workspace === null ? 'the store' : workspace, over)}`,
      numbers: {
        kind,
        workspace,
        changed: n,
        total,
        limit: over,
      },
      override: null,
    });
  }
  return verdicts;
}

/** The tightest of the limits that is passed. */
function overLimit(
  n: number,
  total: number,
  limits: readonly Limit[],
  isTooMuch: IsTooMuch,
): Limit | undefined {
  return tightest(
    limits.filter((limit) => isTooMuch(n, total, limit)),
    total,
  );
}

/** The limits of a workspace, as the store and as the manifests have them: both judge. */
function limitsOf(
  { before, after, workspaceBefore }: Scene,
  workspace: string,
  field: 'maxRemovals' | 'maxUpdates',
): Limit[] {
  return [
    before.get('Workspace', undefined, workspaceBefore(workspace)),
    after.get('Workspace', undefined, workspace),
  ].flatMap((found) => found?.spec.guards[field] ?? []);
}

/** `7 of 20 people in acme-prod, 35 %, limit 25 %`. */
function ratio(n: number, total: number, what: string, where: string, limit: Limit): string {
  const said = total < FEW && isShare(limit) ? 'half, below 10' : showLimit(limit);
  return `${n} of ${total} ${what} in ${where}, ${showShare(n, total)}, limit ${said}`;
}

function plural(kind: KindName): string {
  return kind === 'AccessPolicy' ? 'AccessPolicies' : `${kind}s`;
}

/** RC204, and RC203 for people. */
function guardPeople(scene: Scene): Verdict[] {
  // What is new takes nothing away.
  if (scene.touched.length === 0) return [];
  const losing = new Map<string, Set<string>>();
  for (const { subjectKind, subject, workspace, loses } of scene.access) {
    if (subjectKind !== 'User' || loses.length === 0) continue;
    const known = losing.get(workspace);
    if (known) known.add(subject);
    else losing.set(workspace, new Set([subject]));
  }
  return [...losing.keys()]
    .sort(compareText)
    .flatMap((workspace) => guardPeopleOf(scene, workspace, losing.get(workspace) ?? new Set()));
}

function guardPeopleOf(scene: Scene, workspace: string, losing: ReadonlySet<string>): Verdict[] {
  const { accessAfter, at, settings } = scene;
  const place = scene.workspaceBefore(workspace);
  // Suspension is outside of the fraction: whoever keeps his grants is not removed.
  const isLeft = (user: string, isActive: boolean) =>
    accessAfter
      .grantsOf(person(user))
      .some(
        ({ workspace: where, span }) =>
          where === workspace && span.until > at && (!isActive || contains(span, at)),
      );
  const gone = [...losing].map(scene.userBefore).flatMap((user) => {
    const standing = standingOf(scene, place, user);
    return standing !== 'none' && !isLeft(scene.userAfter(user), standing === 'active') ? [user] : [];
  });
  if (gone.length === 0) return [];
  const n = gone.length;
  const isPruned = settings.pruneWorkspaces.includes(workspace);
  const asked = settings.guards.maxRemovals;
  const limits = isPruned
    ? []
    : [...limitsOf(scene, workspace, 'maxRemovals'), ...(asked === undefined ? [] : [asked])];
  const total = countPeople(scene, place, (found) => {
    // From ten on more people only make the share smaller.
    return found >= FEW && found > n && overLimit(n, found, limits, isTooMuchRemoved) === undefined;
  });
  if (total === 'enough') return [];
  const names = nameSome(gone.sort(compareText));
  const verdicts: Verdict[] = [];
  if (n === total)
    verdicts.push({
      code: 'RC203',
      class: 'hard',
      severity: 'deny',
      message: `removes ${n === 1 ? 'the only person' : `all ${n} people`} of ${workspace}: ${names}`,
      numbers: { what: 'people', removed: n, total, workspaces: [workspace] },
      override: null,
    });
  const over = overLimit(n, total, limits, isTooMuchRemoved);
  if (over !== undefined)
    verdicts.push({
      code: 'RC204',
      class: 'soft',
      severity: 'deny',
      message: `removes ${ratio(n, total, 'people', workspace, over)}: ${names}`,
      numbers: { workspace, removed: n, total, limit: over },
      override: null,
    });
  return verdicts;
}

function person(name: string): Subject {
  return { kind: 'User', namespace: undefined, name };
}

/** Whether somebody had access in a workspace before that has not ended, and whether some of it is active now. */
function standingOf(
  { accessBefore, at }: Scene,
  workspace: string,
  user: string,
): 'none' | 'later' | 'active' {
  const spans = accessBefore
    .grantsOf(person(user))
    .filter((grant) => grant.workspace === workspace && grant.enabled && grant.span.until > at)
    .map(({ span }) => span);
  if (spans.length === 0) return 'none';
  return spans.some((span) => contains(span, at)) ? 'active' : 'later';
}

/** How many are looked up at once. */
const BATCH = 50;

/** How many people had access in a workspace that has not ended; stops as soon as so many are found that it is enough. */
function countPeople(
  scene: Scene,
  workspace: string,
  isEnough: (found: number) => boolean,
): number | 'enough' {
  const { before, accessBefore } = scene;
  const seen = new Set<string>();
  let waiting: string[] = [];
  let found = 0;
  const count = () => {
    accessBefore.need(waiting.map(person));
    for (const user of waiting) if (standingOf(scene, workspace, user) !== 'none') found++;
    waiting = [];
    return isEnough(found);
  };
  for (const { spec } of before.inWorkspace('RoleBinding', workspace)) {
    for (const { kind, name } of spec.subjects)
      for (const subject of accessBefore.subjectsUnder(kind, workspace, name)) {
        if (subject.kind !== 'User' || seen.has(subject.name)) continue;
        seen.add(subject.name);
        waiting.push(subject.name);
      }
    if (waiting.length >= BATCH && count()) return 'enough';
  }
  return count() ? 'enough' : found;
}

/** RC203 for resources: all that this manager has in a workspace, or in the store. */
function guardEverything({ actual, drafts, settings, before }: Scene): Verdict[] {
  const deleted = new Map<string | null, number>();
  const total = new Map<string | null, number>();
  const add = (counts: Map<string | null, number>, place: string | null, by: number) =>
    counts.set(place, (counts.get(place) ?? 0) + by);
  for (const { change, stored } of drafts) {
    if (change.action !== 'delete' || stored?.manager !== settings.manager) continue;
    const [kind, workspace = '', name = ''] = stored.id.split('/');
    add(deleted, null, 1);
    if (workspace !== '') add(deleted, workspace, 1);
    // A Workspace that stays is not part of what is in it.
    else if (kind === 'Workspace') for (const counts of [deleted, total]) add(counts, name, 1);
  }
  for (const { manager, workspace, count } of actual.tally()) {
    if (manager !== settings.manager) continue;
    add(total, null, count);
    if (workspace !== '') add(total, workspace, count);
  }
  return [...deleted.keys()]
    .filter((place) => (total.get(place) ?? 0) >= 2 && deleted.get(place) === total.get(place))
    .sort((a, b) => compareText(a ?? '', b ?? ''))
    .map((place) => {
      const n = total.get(place) ?? 0;
      const workspaces =
        place === null
          ? before
              .ofKind('Workspace')
              .map(({ metadata }) => metadata.name)
              .sort()
          : [place];
      return {
        code: 'RC203',
        class: 'hard',
        severity: 'deny',
        message: `deletes all ${n} resources of manager ${settings.manager} in ${place ?? 'the store'}`,
        numbers: { what: 'resources', removed: n, total: n, workspaces },
        override: null,
      };
    });
}
