import type { KindName } from '../../kinds/index.ts';
import type { Code } from '../code.ts';
import { allowed, isShare, type Limit, showLimit, showShare, tightest } from '../limit.ts';
import type { Action } from '../plan.ts';
import { compareText } from '../problem.ts';
import type { Identity } from '../resource.ts';
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

interface Count {
  total: number;
  readonly changed: Identity[];
}

function guardKinds(scene: Scene, action: Action, code: Code, verb: string, isTooMuch: IsTooMuch): Verdict[] {
  const exempt = new Set(scene.settings.pruneWorkspaces);
  const counts = new Map<string, Count>();
  const places = (id: Identity): { kind: KindName; workspace: string | null }[] => {
    const [kind, workspace = ''] = id.split('/') as [KindName, string];
    if (exempt.has(workspace) || (kind === 'Workspace' && exempt.has(id.split('/')[2] ?? ''))) return [];
    return workspace === ''
      ? [{ kind, workspace: null }]
      : [
          { kind, workspace },
          { kind, workspace: null },
        ];
  };
  for (const { change, stored } of scene.drafts) {
    if (change.action !== action || !stored) continue;
    for (const place of places(stored.id)) {
      const key = JSON.stringify(place);
      const count = counts.get(key) ?? { total: 0, changed: [] };
      counts.set(key, count);
      count.changed.push(stored.id);
    }
  }
  if (counts.size === 0) return [];
  for (const id of scene.actual.keys()) {
    for (const place of places(id)) {
      const count = counts.get(JSON.stringify(place));
      if (count) count.total++;
    }
  }
  const verdicts: Verdict[] = [];
  const told = new Set<string>();
  // Workspaces first: `"` comes before the `n` of null.
  for (const key of [...counts.keys()].sort(compareText)) {
    const { total, changed } = counts.get(key) ?? { total: 0, changed: [] };
    const { kind, workspace } = JSON.parse(key) as { kind: KindName; workspace: string | null };
    const limits =
      workspace === null
        ? [action === 'delete' ? STORE_REMOVALS : STORE_UPDATES]
        : limitsOf(scene, workspace, action === 'delete' ? 'maxRemovals' : 'maxUpdates');
    const asked = scene.settings.guards[action === 'delete' ? 'maxRemovals' : 'maxUpdates'];
    const over = overLimit(
      changed.length,
      total,
      asked === undefined ? limits : [...limits, asked],
      isTooMuch,
    );
    if (over === undefined) continue;
    // The only workspace that has any of this kind says it already.
    const same = `${kind} ${changed.length} ${total}`;
    if (workspace === null && told.has(same)) continue;
    told.add(same);
    verdicts.push({
      code,
      class: 'soft',
      severity: 'deny',
      message: `${verb} ${ratio(changed.length, total, plural(kind), workspace === null ? 'the store' : workspace, over)}`,
      numbers: {
        kind,
        workspace,
        changed: changed.length,
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
  const { access, accessBefore, accessAfter, at, before, settings } = scene;
  const losing = new Map<string, Set<string>>();
  for (const { subjectKind, subject, workspace, loses } of access) {
    if (subjectKind !== 'User' || loses.length === 0) continue;
    const known = losing.get(workspace);
    if (known) known.add(subject);
    else losing.set(workspace, new Set([subject]));
  }
  const verdicts: Verdict[] = [];
  for (const workspace of [...losing.keys()].sort(compareText)) {
    const candidates = losing.get(workspace) ?? new Set();
    // Suspension is outside of the fraction: whoever keeps his grants is not removed.
    const isLeft = (user: string, isActive: boolean) =>
      accessAfter
        .grantsOf({ kind: 'User', namespace: undefined, name: user })
        .some(
          ({ workspace: where, span }) =>
            where === workspace && span.until > at && (!isActive || contains(span, at)),
        );
    const people = peopleOf(scene.workspaceBefore(workspace));
    const gone = [...people].flatMap(([user, isActive]) => {
      const now = scene.userAfter(user);
      return candidates.has(now) && !isLeft(now, isActive) ? [user] : [];
    });
    if (gone.length === 0) continue;
    const names = nameSome(gone.sort(compareText));
    const [n, total] = [gone.length, people.size];
    if (n === total)
      verdicts.push({
        code: 'RC203',
        class: 'hard',
        severity: 'deny',
        message: `removes ${n === 1 ? 'the only person' : `all ${n} people`} of ${workspace}: ${names}`,
        numbers: { what: 'people', removed: n, total, workspaces: [workspace] },
        override: null,
      });
    if (settings.pruneWorkspaces.includes(workspace)) continue;
    const asked = settings.guards.maxRemovals;
    const limits = [...limitsOf(scene, workspace, 'maxRemovals'), ...(asked === undefined ? [] : [asked])];
    const over = overLimit(n, total, limits, isTooMuchRemoved);
    if (over === undefined) continue;
    verdicts.push({
      code: 'RC204',
      class: 'soft',
      severity: 'deny',
      message: `removes ${ratio(n, total, 'people', workspace, over)}: ${names}`,
      numbers: { workspace, removed: n, total, limit: over },
      override: null,
    });
  }
  return verdicts;

  /** Everybody with access that has not ended, and whether some of it is active now. */
  function peopleOf(workspace: string): Map<string, boolean> {
    const names = new Set<string>();
    for (const { metadata, spec } of before.ofKind('RoleBinding')) {
      if (metadata.namespace !== workspace) continue;
      for (const { kind, name } of spec.subjects)
        for (const subject of accessBefore.subjectsUnder(kind, workspace, name))
          if (subject.kind === 'User') names.add(subject.name);
    }
    const people = new Map<string, boolean>();
    for (const name of names) {
      const spans = accessBefore
        .grantsOf({ kind: 'User', namespace: undefined, name })
        .filter((grant) => grant.workspace === workspace && grant.enabled && grant.span.until > at)
        .map(({ span }) => span);
      if (spans.length > 0)
        people.set(
          name,
          spans.some((span) => contains(span, at)),
        );
    }
    return people;
  }
}

/** RC203 for resources: all that this manager has in a workspace, or in the store. */
function guardEverything({ actual, drafts, settings, ...scene }: Scene): Verdict[] {
  const deleted = new Set(
    drafts.flatMap(({ change, stored }) => (change.action === 'delete' && stored ? [stored.id] : [])),
  );
  const places = new Map<string | null, { total: number; deleted: number }>();
  const count = (place: string | null, id: Identity) => {
    const known = places.get(place) ?? { total: 0, deleted: 0 };
    places.set(place, known);
    known.total++;
    if (deleted.has(id)) known.deleted++;
  };
  for (const { id, manager } of actual.values()) {
    if (manager !== settings.manager) continue;
    const [kind, workspace = '', name = ''] = id.split('/');
    count(null, id);
    if (workspace !== '') count(workspace, id);
    // A Workspace that stays is not part of what is in it.
    else if (kind === 'Workspace' && deleted.has(id)) count(name, id);
  }
  const all = scene.before.ofKind('Workspace').map(({ metadata }) => metadata.name);
  return [...places.keys()]
    .filter((place) => {
      const { total, deleted: n } = places.get(place) ?? { total: 0, deleted: 0 };
      return total >= 2 && n === total;
    })
    .sort((a, b) => compareText(a ?? '', b ?? ''))
    .map((place) => {
      const total = places.get(place)?.total ?? 0;
      return {
        code: 'RC203',
        class: 'hard',
        severity: 'deny',
        message: `deletes all ${total} resources of manager ${settings.manager} in ${place ?? 'the store'}`,
        numbers: {
          what: 'resources',
          removed: total,
          total,
          workspaces: place === null ? all.sort() : [place],
        },
        override: null,
      };
    });
}
