import { createAccess, riskOf, riskRank } from '../core/access.ts';
import { createdAccess, diffAccess } from '../core/access-diff.ts';
import { lazily, wholeActual } from '../core/actual.ts';
import { diffFields } from '../core/diff.ts';
import { grouped } from '../core/judge.ts';
import {
  BODIES,
  type Change,
  digestOf,
  IDENTITY,
  identityOfChange,
  judgesOf,
  type Plan,
  type PlanNotes,
} from '../core/plan.ts';
import { renamesOf } from '../core/renames.ts';
import { type Identity, kindIn, type Manifest } from '../core/resource.ts';
import { stateOf, withChanges } from '../core/state.ts';
import type { Stored } from '../core/stored.ts';
import { API_VERSION, kindOf } from '../kinds/index.ts';
import { formatTime } from '../kinds/time.ts';
import type { Reading } from '../stores/store.ts';
import { isInWorkspace } from './history.ts';
import { changedBetween, type Past, stateAt } from './state-at.ts';

/** A resource that differs between two revisions; null where it was not there. */
interface Differing {
  readonly before: Past | null;
  readonly after: Past | null;
}

/** What two revisions have, and in what they differ. */
export interface Difference {
  readonly before: readonly Past[];
  readonly differing: readonly Differing[];
}

/**
 * In what two revisions differ, 0 being the one before the first. One that is renamed is the same resource.
 *
 * Throws Untellable (exit 1) when what was there was redacted.
 */
export async function differenceOf(reading: Reading, from: number, to: number): Promise<Difference> {
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  const { resources } = await stateAt(reading, high);
  const were = await changedBetween(reading, low, high);
  const are = new Map(resources.flatMap((one) => (were.has(one.uid) ? [[one.uid, one] as const] : [])));
  const differing = [...were].flatMap(([uid, was]) => {
    const is = are.get(uid) ?? null;
    if (was?.body === is?.body && was?.id === is?.id) return [];
    return [from <= to ? { before: was, after: is } : { before: is, after: was }];
  });
  if (from > to) return { before: resources, differing };
  const kept = resources.filter(({ uid }) => !were.has(uid));
  return { before: [...kept, ...[...were.values()].filter((one) => one !== null)], differing };
}

/** Of more creates the access is told one workspace after the other. */
const HUGE = 20_000;

/** Who gained or lost what by a difference, from `at` (milliseconds) on; in one workspace, when given. */
export function accessOf({ before: resources, differing }: Difference, at: number, workspace?: string) {
  const actual = wholeActual(resources.map(asStored));
  const before = stateOf(actual);
  const come = differing.flatMap(({ after }) => after ?? []);
  const left = new Set(
    differing.flatMap(({ before: was, after: is }) => (was && was.id !== is?.id ? [was.id] : [])),
  );
  const after = withChanges(before, left, come);
  const pairs = differing.map(({ before: was, after: is }) => ({
    get before() {
      return was?.resource ?? null;
    },
    get after() {
      return is?.resource ?? null;
    },
  }));
  const isHuge = come.length > HUGE && differing.every(({ before: was }) => was === null);
  const isWanted = (change: { readonly workspace: string }) =>
    workspace === undefined || change.workspace === workspace;
  const access = lazily(() =>
    diffAccess(before, after, pairs, at, createAccess(before), createAccess(after)).filter(isWanted),
  );
  const names = lazily(() => renamesOf(pairs.filter((pair) => pair.before && pair.after)));
  const notes: PlanNotes = {
    risks: {
      get(role) {
        const [was, is] = [riskOf(before, names().before('Role', role)), riskOf(after, role)];
        return riskRank(was) > riskRank(is) ? was : is;
      },
    },
    *accessByWorkspace() {
      for (const changes of isHuge ? createdAccess(before, after, come, at) : grouped(access()))
        if (changes.every(isWanted)) yield changes;
    },
  };
  return { actual, access, notes };
}

/**
 * A difference as a plan that belongs to no store. It has no verdicts: nobody is to decide about it any more.
 *
 * `at` in milliseconds: from when on access is compared. With `workspace` what bears on it, and access there.
 */
export function planOfDifference(
  difference: Difference,
  at: number,
  manager: string,
  workspace: string | undefined,
): { plan: Plan; notes: PlanNotes; warnings: readonly [] } {
  const { actual, access, notes } = accessOf(difference, at, workspace);
  const changes = difference.differing
    .map(({ before, after }) => changeBetween(before, after))
    .filter((change) => bearsOn(identityOfChange(change), workspace, () => access().length > 0))
    .sort((a, b) => (identityOfChange(a) < identityOfChange(b) ? -1 : 1));
  const count = (action: Change['action']) => changes.filter((change) => change.action === action).length;
  const [create, update, removed] = [count('create'), count('update'), count('delete')];
  const were = new Set(
    difference.before.flatMap(({ id }) => (bearsOn(id, workspace, () => false) ? [id] : [])),
  );
  for (const { before } of difference.differing) if (before) were.delete(before.id);
  const head = {
    base: { store: null, revision: 0 },
    manager,
    prune: false,
    scope: { workspace: workspace ?? null, pruneWorkspaces: [] },
    guards: {},
  };
  const digest = lazily(() => digestOf({ ...head, changes }));
  const judges = lazily(() => judgesOf(actual, { changes, access: access() }));
  const plan: Plan = {
    apiVersion: API_VERSION,
    kind: 'Plan',
    get digest() {
      return digest();
    },
    ...head,
    get judges() {
      return judges();
    },
    at: formatTime(at),
    summary: { create, update, delete: removed, unchanged: were.size },
    changes,
    get access() {
      return access();
    },
    verdicts: [],
    problems: [],
  };
  return { plan, notes, warnings: [] };
}

/**
 * Whether a change is to be told of a workspace: what is in it, it itself, and what is global where somebody's access
 * there changed. Without a workspace all is.
 */
export function bearsOn(id: Identity, workspace: string | undefined, accessChanged: () => boolean): boolean {
  if (workspace === undefined || isInWorkspace(id, workspace)) return true;
  return !kindOf(kindIn(id)).namespaced && kindIn(id) !== 'Workspace' && accessChanged();
}

/** A change that has happened: of who declared it where, nothing is known. One of the two must be there. */
export function changeBetween(
  before: Pick<Past, 'id' | 'body'> | null,
  after: Pick<Past, 'id' | 'body'> | null,
  adopts: string | null = null,
): Change {
  const id = (after ?? before)?.id ?? '';
  const nameBefore = before?.id.split('/')[2];
  const [, namespace, name = ''] = id.split('/');
  const manifest = (one: { readonly body: string } | null) =>
    one === null ? null : (JSON.parse(one.body) as Manifest);
  return {
    action: before === null ? 'create' : after === null ? 'delete' : 'update',
    kind: kindIn(id),
    namespace: namespace || null,
    name,
    previousName: nameBefore !== undefined && nameBefore !== name ? nameBefore : null,
    adopts,
    reason: '',
    get before() {
      return manifest(before);
    },
    get after() {
      return manifest(after);
    },
    get fields() {
      const [was, is] = [manifest(before), manifest(after)];
      return was && is ? diffFields(was, is) : [];
    },
    origin: null,
    declares: [],
    [BODIES]: { before: before?.body ?? null, after: after?.body ?? null },
    [IDENTITY]: id,
  };
}

function asStored(past: Past): Stored {
  const { uid, id, body } = past;
  return {
    uid,
    id,
    body,
    manager: '',
    fieldManagers: {},
    get resource() {
      return past.resource;
    },
  };
}
