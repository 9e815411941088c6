import { API_VERSION, type Resource } from '../kinds/index.ts';
import { formatTime } from '../kinds/time.ts';
import { type Actual, lazily } from './actual.ts';
import { diffFields, type FieldChange } from './diff.ts';
import { bodyOf, type Draft, PlannedCreate, PlannedDelete, PlannedUpdate } from './draft.ts';
import { canonicalJson } from './hash.ts';
import { type Between, type Judged, judge } from './judge.ts';
import { type Declared, unmanagedFields } from './manifest.ts';
import { withWaysOut } from './override.ts';
import {
  type Change,
  DECLARED_DIFFERENT,
  digestOf,
  type GuardSettings,
  identityOfChange,
  judgesOf,
  type Plan,
  type PlanNotes,
} from './plan.ts';
import { type Problem, sortProblems } from './problem.ts';
import { prunable } from './prune.ts';
import { findRenames } from './rename.ts';
import { type Identity, identity, kindIn, showIdentity, toManifest } from './resource.ts';
import type { Stored } from './stored.ts';
import { normalBody } from './stored-manifest.ts';
import { completed } from './unmanaged.ts';
import { toProblems } from './violation-problem.ts';

export interface PlanOptions {
  readonly manager: string;
  readonly prune: boolean;
  readonly pruneWorkspaces: readonly string[];
  readonly adopt: boolean;
  /** Only this workspace and what is in it. */
  readonly workspace: string | undefined;
  /** Identities to delete because somebody asked (`iam delete`). */
  readonly deletes: readonly Identity[];
  readonly guards: GuardSettings;
  /** Who asks for it (`--as`); null when nobody says. */
  readonly actor: string | null;
  /** What stays as it is, whatever the manifests say: neither changed nor deleted. */
  readonly frozen?: ReadonlySet<Identity>;
  /** Whether what was asked for is deleted though it is paused: an object of a cluster that is deleted cannot be kept. */
  readonly deletesPaused?: boolean;
  /** Whether a Workspace and what is in it come by two plans: then one in which there is nothing yet is new. */
  readonly plansApart?: boolean;
}

/** What an input declares beside `desired`, and the store has just so: none of it need be looked at. */
export interface Settled {
  readonly count: number;
  has(id: Identity): boolean;
  /** All that prune may have to delete; undefined when that is not known, and all must be looked through. */
  readonly undeclared: readonly Identity[] | undefined;
}

export const NOTHING_SETTLED: Settled = { count: 0, has: () => false, undeclared: undefined };

export interface PlanInput {
  /** One for each identity, none of those that are settled. */
  readonly desired: readonly Declared[];
  readonly settled: Settled;
  readonly actual: Actual;
  readonly base: Plan['base'];
  readonly options: PlanOptions;
  /** Time of the plan, in milliseconds. */
  readonly at: number;
}

/** A plan, and what is known beside it. */
export interface PlannedChanges {
  readonly plan: Plan;
  readonly notes: PlanNotes;
  /** The states that the plan lies between, and the rules that it breaks; undefined when nothing changes. */
  readonly between: (Between & Pick<Judged, 'violations'>) | undefined;
}

/**
 * Compares desired with actual state. Pure; the same input in any order gives the same plan.
 *
 * `plan.problems` has everything wrong, errors and warnings; with an error among them the plan must not be applied.
 * The plan's access, verdicts, problems, digest and judges are found out when they are first asked for: with actual state that is
 * not all at hand each of them, like this function, may throw `Missing`, and is asked again.
 */
export function planChanges(input: PlanInput): PlannedChanges {
  const { options, at, actual, settled } = input;
  const problems: Problem[] = [];
  const desired = inScope(input, actual, problems);
  actual.need({ ids: desired.map(({ id }) => id) });
  const declaredIds = new Set(desired.map(({ id }) => id));
  const renames = findRenames(
    desired,
    actual,
    options.manager,
    (id) => declaredIds.has(id) || settled.has(id),
    problems,
  );

  const keeps = desired.length <= MOST_KEPT;
  const drafts: Draft[] = [];
  const claimed = new Set<Identity>();
  let unchanged = settled.count;
  for (const declared of desired) {
    const stored = actual.get(declared.id) ?? renames.get(declared.id);
    if (stored) claimed.add(stored.id);
    if (options.frozen?.has(declared.id)) continue;
    const draft = draftChange(declared, stored, options, problems, keeps);
    if (draft) drafts.push(draft);
    else unchanged++;
  }
  for (const id of options.frozen ?? []) claimed.add(id);
  for (const { stored, reason } of prunable({ ...input, desired }, actual, claimed, problems)) {
    const draft = draftDelete(stored, reason, options, problems);
    if (draft) drafts.push(draft);
    else unchanged++;
  }
  drafts.sort((a, b) => (identityOfChange(a.change) < identityOfChange(b.change) ? -1 : 1));
  const changes = drafts.map(({ change }) => change);

  const { manager, guards, actor } = options;
  const { pruneWorkspaces, plansApart = false } = options;
  const settings = { manager, pruneWorkspaces, guards, actor, plansApart };
  const judged = drafts.length === 0 ? undefined : judge(actual, drafts, settings, at);
  const allProblems = lazily(() =>
    sortProblems([...problems, ...toProblems(judged?.violations ?? [], desired, input)]),
  );
  const verdicts = lazily(() => withWaysOut(judged?.verdicts ?? [], () => digest()));
  const scope = {
    workspace: options.workspace ?? null,
    pruneWorkspaces: [...pruneWorkspaces].sort(),
  };
  const { base } = input;
  const head = { base, manager, prune: options.prune, scope, guards };
  const count = (action: Change['action']) => changes.filter((change) => change.action === action).length;
  const digest = lazily(() => digestOf({ ...head, changes }));
  // What only creates gives access only where it creates.
  const isNew = drafts.every(({ stored }) => !stored);
  const judges = lazily(() => judgesOf(actual, { changes, access: isNew ? [] : (judged?.access ?? []) }));
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
    summary: { create: count('create'), update: count('update'), delete: count('delete'), unchanged },
    changes,
    get access() {
      return judged?.access ?? [];
    },
    get verdicts() {
      return verdicts();
    },
    get problems() {
      return allProblems();
    },
  };
  const notes: PlanNotes = {
    risks: judged?.risks ?? new Map(),
    accessByWorkspace: () => judged?.accessByWorkspace() ?? [],
  };
  return { plan, notes, between: judged };
}

/** So many changes are kept as they are in memory; of more only their texts. */
export const MOST_KEPT = 20_000;

/** The declared resources that the plan is about. */
function inScope({ desired, options }: PlanInput, actual: Actual, problems: Problem[]): readonly Declared[] {
  const { workspace } = options;
  if (workspace === undefined) return desired;
  const id = identity('Workspace', undefined, workspace);
  if (!actual.get(id) && !desired.some((declared) => declared.id === id)) {
    problems.push({
      code: 'RC126',
      severity: 'error',
      message: `workspace ${workspace} is neither in the input nor in the store`,
      hint: 'correct -n, or plan once without it',
    });
  }
  return desired.filter((declared) => declared.id === id || declared.id.split('/')[1] === workspace);
}

/** The change that a declared resource asks for; undefined when there is none. */
function draftChange(
  declared: Declared,
  stored: Stored | undefined,
  options: PlanOptions,
  problems: Problem[],
  keeps: boolean,
): Draft | undefined {
  const { id, declares } = declared;
  if (!stored) {
    const change = new PlannedCreate(declared);
    return { change, stored, after: keeps ? bodyOf(id, declared.body, keeps) : change, conflict: undefined };
  }
  const body = bodyBeside(declared, stored);
  if (stored.body === body) return undefined;
  const after = bodyOf(id, body, keeps);
  const fields = diffFields(toManifest(stored.resource), toManifest(after.resource));
  // What a store has without its default, or in another order, is the same.
  const isAdded = fields.every(({ before }) => before === null);
  if (isAdded && normalBody(toManifest(stored.resource)) === body) return undefined;
  const paused = isPaused(stored.resource) || isPaused(after.resource);
  if (paused && !fields.every(({ path }) => path === PAUSED_PATH)) {
    problems.push(pausedProblem(id, declared.place()));
    return undefined;
  }
  const previousName = stored.id === id ? null : stored.resource.metadata.name;
  const { other, conflict, reactivates } = hindrancesOf(fields, declares, stored, options.manager);
  const reason = previousName === null ? DECLARED_DIFFERENT : `renamed from ${previousName}`;
  const adopts = options.adopt ? (other ?? null) : null;
  const facts = { id, reason, stored, adopts };
  return {
    change: new PlannedUpdate(facts, declared, { after: body, fields, previousName }),
    stored,
    after,
    conflict: options.adopt ? undefined : conflict,
    reactivates: options.adopt ? undefined : reactivates,
  };
}

/** The body of a declared resource, with what its manifest leaves to others as the store has it. */
export function bodyBeside(declared: Declared, stored: Stored): string {
  if (declared.declares.length === unmanagedFields(kindIn(declared.id)).length) return declared.body;
  return canonicalJson(toManifest(completed(declared.resource, stored)));
}

const STATE_PATH = '/spec/state';

/** What stands in the way of an update. */
interface Hindrances {
  /** The manager of anything that would change, if it is another one: --adopt takes it over from him. */
  readonly other: string | undefined;
  /** The same, but for a state that RC213 judges. */
  readonly conflict: string | undefined;
  /** The other manager who suspended the person whom it would activate again. */
  readonly reactivates: string | undefined;
}

export function hindrancesOf(
  fields: readonly FieldChange[],
  declares: readonly string[],
  stored: Stored,
  manager: string,
): Hindrances {
  const other = conflictOf(fields, declares, stored, manager);
  const state = fields.filter(({ path, before }) => path === STATE_PATH && before === 'Suspended');
  const reactivates =
    stored.resource.kind === 'User' ? conflictOf(state, declares, stored, manager) : undefined;
  if (reactivates === undefined) return { other, conflict: other, reactivates };
  const rest = fields.filter(({ path }) => path !== STATE_PATH);
  return { other, conflict: conflictOf(rest, declares, stored, manager), reactivates };
}

function draftDelete(
  stored: Stored,
  reason: string,
  options: PlanOptions,
  problems: Problem[],
): Draft | undefined {
  if (isPaused(stored.resource) && !options.deletesPaused) {
    problems.push(pausedProblem(stored.id));
    return undefined;
  }
  const other = stored.manager === options.manager ? undefined : stored.manager;
  const adopts = options.adopt ? (other ?? null) : null;
  return {
    change: new PlannedDelete({ id: stored.id, reason, stored, adopts }),
    stored,
    after: undefined,
    conflict: options.adopt ? undefined : other,
  };
}

const PAUSED = 'rolecall.dev/paused';
const PAUSED_PATH = '/metadata/annotations/rolecall.dev~1paused';

/** Whether a resource may be neither updated nor deleted. */
export function isPaused(resource: Resource): boolean {
  return resource.metadata.annotations[PAUSED] === 'true';
}

function pausedProblem(id: Identity, place?: Problem['place']): Problem {
  return {
    code: 'RC124',
    severity: 'warn',
    message: `${showIdentity(id)} is paused and stays as it is`,
    place,
    hint: `remove the annotation ${PAUSED} to go on`,
  };
}

/** Whether a pointer is to a field of the spec, or into it. */
export function isInField(path: string, field: string): boolean {
  return path === `/spec/${field}` || path.startsWith(`/spec/${field}/`);
}

/**
 * The other manager of anything that would change: an unmanaged field has its own, or nobody, and then whoever
 * declares it may have it; all else is the resource's.
 */
function conflictOf(
  fields: readonly { path: string }[],
  declares: readonly string[],
  stored: Stored,
  manager: string,
): string | undefined {
  for (const { path } of fields) {
    const field = declares.find((name) => isInField(path, name));
    const other = field === undefined ? stored.manager : stored.fieldManagers[field];
    if (other !== undefined && other !== manager) return other;
  }
  return undefined;
}
