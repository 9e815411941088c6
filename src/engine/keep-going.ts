import type { ReadManifests } from '../core/manifest.ts';
import { type Change, identityOfChange, type Plan, type PlanNotes } from '../core/plan.ts';
import { NOTHING_SETTLED, type PlanOptions, planChanges } from '../core/plan-changes.ts';
import { EXIT, Failure, failure, type Problem, sortProblems } from '../core/problem.ts';
import { fromManifest, type Identity, identity, referencesOf, showIdentity } from '../core/resource.ts';
import type { Stored } from '../core/stored.ts';
import type { Verdict } from '../core/verdict.ts';
import { toProblems } from '../core/violation-problem.ts';
import { OWNER_ROLE } from '../kinds/catalogue.ts';
import type { KindName } from '../kinds/index.ts';
import type { ActualState } from './actual-state.ts';
import { dueAfter } from './due-secrets.ts';
import { explainDrift } from './explain-drift.ts';
import { judgePlan, type Overriding } from './judgement.ts';
import type { Planned } from './plan.ts';
import { treatDrift } from './treat-drift.ts';

/** One resource that stays as it is, and why. */
export interface LeftOut {
  readonly id: Identity;
  readonly problem: Problem;
}

/** A plan of what can be done, and what was left out of it. */
export interface PartlyPlanned extends Planned {
  readonly leftOut: readonly LeftOut[];
  /** The plan as it was when something was first refused; undefined when nothing was. */
  readonly refused: Plan | undefined;
}

/** Mistakes that belong to one manifest, whose counterpart can be left alone. All others make the input unclear. */
const OF_ONE_MANIFEST: readonly Problem['code'][] = ['RC107', 'RC108', 'RC109', 'RC111', 'RC117', 'RC119'];

/**
 * Plans an input without what is invalid or refused, and without what refers to it: its counterparts in the store are
 * frozen, neither changed nor deleted.
 *
 * Throws a Failure (exit 4) when it is not clear what the input declares: that is never read as "fewer resources".
 */
export async function planKeepingGoing(
  { head, actual, ask, reading }: ActualState,
  input: ReadManifests,
  options: PlanOptions,
  at: number,
  overriding: Overriding,
): Promise<PartlyPlanned> {
  const errors = input.problems.filter(({ severity }) => severity === 'error');
  if (input.unknown || !errors.every(({ code }) => OF_ONE_MANIFEST.includes(code)))
    throw invalid(input.problems);
  // A workspace is gone from the input only when nothing of it is there, mistaken or not.
  const half = [...input.broken.keys()].some((id) => {
    const [kind, workspace, name = ''] = id.split('/');
    return options.pruneWorkspaces.includes(kind === 'Workspace' ? name : (workspace ?? ''));
  });
  if (half) throw invalid(input.problems);
  const leftOut = new Map<Identity, LeftOut>();
  const used = new Set<string>();
  for (const [id, problem] of input.broken) leftOut.set(id, { id, problem });
  const kept =
    input.broken.size === 0 ? [] : await ask(() => neighbours(input, [...actual.all()], options.deletes));
  const whole = { desired: input.declared, settled: NOTHING_SETTLED };
  const treated = await treatDrift({ head, actual, ask, reading }, whole, options);
  let refused: Plan | undefined;
  for (;;) {
    const frozen = new Set([...(options.frozen ?? []), ...leftOut.keys(), ...kept]);
    const changes = await ask(() =>
      planChanges({
        ...whole,
        desired: treated.desired,
        actual,
        base: { store: head.store, revision: head.revision },
        options: { ...options, frozen },
        at,
      }),
    );
    const { plan, notes, between } = changes;
    const failed = (await ask(() => plan.problems)).filter(({ severity }) => severity === 'error');
    if (failed.length > 0) {
      const before = leftOut.size;
      const changing = new Set(plan.changes.map(identityOfChange));
      for (const violation of between?.violations ?? []) {
        const id = changing.has(violation.id) ? violation.id : (violation.cause ?? violation.id);
        const [mistake] = toProblems([violation], input.declared);
        if (!changing.has(id) || !mistake) continue;
        const { missing } = violation;
        const problem =
          missing !== undefined && leftOut.has(missing) ? follows(id, missing, leftOut) : mistake;
        leftOut.set(id, { id, problem });
      }
      if (leftOut.size === before) throw invalid(failed);
      leaveReferrersOut(plan, leftOut);
      continue;
    }
    await ask(() => plan.verdicts);
    // Each round is another plan: an override is for one of them.
    const overrides =
      overriding.overrides.length === 0
        ? []
        : overriding.overrides.filter(({ digest }) => digest === plan.digest);
    for (const { code } of overrides) used.add(code);
    const judged = await judgePlan(plan, between, { ...overriding, overrides }, at, ask);
    const denied = judged.plan.verdicts.filter(({ severity }) => severity === 'deny');
    if (denied.length === 0) {
      refuseUnused(overriding, used, plan);
      const mild = input.problems.filter(({ severity }) => severity === 'warn');
      const warnings = [...mild, ...plan.problems, ...treated.warnings];
      const given = new Map(input.declared.map(({ id, declares }) => [id, declares]));
      const declares = (id: Identity) => given.get(id);
      const due = await dueAfter(reading, actual, plan, at);
      await explainDrift({ actual, reading }, plan, options.manager);
      const left = [...leftOut.values()];
      return { ...judged, notes, head, actual, declares, warnings, due, leftOut: left, refused };
    }
    refused ??= judged.plan;
    const found = await ask(() => denied.map((verdict) => culprits(plan, notes, verdict)));
    // The narrowest first: without them the rest may be allowed.
    const least = found.reduce((most, { ids }) => Math.min(most, ids.length), Number.POSITIVE_INFINITY);
    for (const { verdict, ids, areNamed } of found) {
      if (!areNamed && ids.length > least) continue;
      const problem: Problem = { code: verdict.code, severity: 'error', message: verdict.message };
      for (const id of ids) leftOut.set(id, { id, problem });
    }
    leaveReferrersOut(plan, leftOut);
  }
}

function refuseUnused({ overrides }: Overriding, used: ReadonlySet<string>, plan: Plan): void {
  const unused = overrides.find(({ code }) => !used.has(code));
  if (unused)
    throw failure(
      EXIT.stale,
      'RC405',
      `--override ${unused.code} is for the plan ${unused.digest}, and this one is ${plan.digest}`,
      'an override holds for one plan: look at this one, and decide again',
    );
}

function invalid(problems: readonly Problem[]): Failure {
  return new Failure(EXIT.invalid, sortProblems(problems));
}

/**
 * What is stored of the same kind in the same workspace as a manifest with a mistake, and neither declared nor asked to be deleted:
 * one of them may be what that manifest renames.
 */
function neighbours(
  { broken, declared }: ReadManifests,
  stored: readonly Stored[],
  deletes: readonly Identity[],
): Identity[] {
  const place = (id: Identity) => id.slice(0, id.lastIndexOf('/'));
  const places = new Set([...broken.keys()].map(place));
  const known = new Set([...declared.map(({ id }) => id), ...deletes]);
  return stored.map(({ id }) => id).filter((id) => places.has(place(id)) && !known.has(id));
}

/** Guards of what is taken away: for these alone somebody's leaving waits. */
const OF_REMOVALS: readonly Verdict['code'][] = [
  'RC201',
  'RC203',
  'RC204',
  'RC205',
  'RC206',
  'RC207',
  'RC208',
  'RC209',
  'RC214',
];

/** The changes that a denial is about. */
interface Culprits {
  readonly verdict: Verdict;
  readonly ids: readonly Identity[];
  /** Whether the denial is of these and no others. */
  readonly areNamed: boolean;
}

/**
 * The changes that a denial rests on: those that it names; where it is about the people of a workspace, those that the access in
 * question comes by; where it is about a workspace as a whole, all in it; else all. What only takes access away does not wait for others
 * to be mended, unless it is what is denied.
 */
function culprits(plan: Plan, notes: PlanNotes, verdict: Verdict): Culprits {
  const named = namedIn(plan, verdict);
  if (named.length > 0) return { verdict, ids: named, areNamed: true };
  const byAccess = changesBehind(plan, notes, verdict);
  const found = byAccess.length > 0 ? byAccess : placedIn(plan, verdict);
  if (OF_REMOVALS.includes(verdict.code)) return { verdict, ids: found, areNamed: false };
  const revoking = new Set(plan.changes.filter(isRevocation).map(identityOfChange));
  const others = found.filter((id) => !revoking.has(id));
  return { verdict, ids: others.length > 0 ? others : found, areNamed: false };
}

/** The changes that the access goes by, or comes by, that a guard of owners or people is about. */
function changesBehind({ changes, access }: Plan, { risks }: PlanNotes, verdict: Verdict): Identity[] {
  const { code, numbers } = verdict;
  const isAbout = (role: string) => {
    if (OF_OWNERS.includes(code)) return role === OWNER_ROLE;
    return code === 'RC211' ? risks.get(role) === 'Privileged' : true;
  };
  const isOfPeople = code === 'RC204' || (code === 'RC203' && numbers.what === 'people');
  if (!isOfPeople && code !== 'RC211' && !OF_OWNERS.includes(code)) return [];
  const places = [numbers.workspaces, numbers.workspace].flat().map(String);
  const ways = new Set<Identity>();
  for (const { subjectKind, subject, workspace, gains, loses } of access) {
    if (!places.includes(workspace)) continue;
    for (const { role, binding, via } of code === 'RC211' ? gains : loses) {
      if (!isAbout(role)) continue;
      ways.add(identity(subjectKind, subjectKind === 'Token' ? workspace : undefined, subject));
      const [, token] = /^token\/(.+)$/.exec(binding) ?? [];
      ways.add(token ? identity('Token', workspace, token) : identity('RoleBinding', workspace, binding));
      for (const step of via.split(/[:>]/)) ways.add(identity('Group', workspace, step));
    }
  }
  return changes.map(identityOfChange).filter((id) => ways.has(id));
}

/** Guards of who owns a workspace. */
const OF_OWNERS: readonly Verdict['code'][] = ['RC205', 'RC206', 'RC207'];

/** Whether a change can give nobody anything: a leaver's. */
function isRevocation({ kind, action, fields }: Change): boolean {
  if (kind === 'AccessPolicy' || kind === 'Workspace' || kind === 'Role') return false;
  if (action === 'delete') return true;
  return (
    action === 'update' &&
    fields.length > 0 &&
    fields.every(
      ({ path, after }) =>
        (after === null && /^\/spec\/(members|subjects|resources)\/[^/]+$/.test(path)) ||
        (path === '/spec/state' && after === 'Suspended') ||
        (path === '/spec/revoked' && after === true),
    )
  );
}

/** The changes of what a denial names. */
function namedIn({ changes }: Plan, { numbers }: Verdict): Identity[] {
  const named = [numbers.resource, ...texts(numbers.resources), ...texts(numbers.causes)].map(String);
  return changes
    .filter((change) =>
      [
        identityOfChange(change),
        identity(change.kind, change.namespace ?? undefined, change.previousName ?? change.name),
      ].some((id) => named.includes(id)),
    )
    .map(identityOfChange);
}

function texts(list: Verdict['numbers'][string] | undefined): string[] {
  return Array.isArray(list) ? list.map(String) : [];
}

/** The changes of the kind, or in the workspaces, that a denial is about; else all. */
function placedIn({ changes }: Plan, { numbers }: Verdict): Identity[] {
  const matching = (test: (change: Change) => boolean) => changes.filter(test).map(identityOfChange);
  const kind = numbers.kind as KindName | undefined;
  if (kind !== undefined) {
    const gone = matching(
      (change) =>
        change.kind === kind &&
        change.action !== 'create' &&
        (numbers.workspace === null || change.namespace === numbers.workspace),
    );
    if (gone.length > 0) return gone;
  }
  const places = [...texts(numbers.workspaces), String(numbers.workspace)];
  const inside = matching(
    ({ kind: changed, namespace, name }) =>
      (namespace !== null && places.includes(namespace)) ||
      (changed === 'Workspace' && places.includes(name)),
  );
  return inside.length > 0 ? inside : matching(() => true);
}

/** What refers to something that is left out is left out with it. */
function leaveReferrersOut({ changes }: Plan, leftOut: Map<Identity, LeftOut>): void {
  for (let size = -1; size !== leftOut.size; ) {
    size = leftOut.size;
    for (const change of changes) {
      const id = identityOfChange(change);
      if (leftOut.has(id) || !change.after) continue;
      const target = referencesOf(fromManifest(change.after))
        .map(({ kind, namespace, name }) => identity(kind, namespace, name))
        .find((one) => leftOut.has(one));
      if (target === undefined) continue;
      const problem = follows(id, target, leftOut);
      leftOut.set(id, { id, problem });
    }
  }
}

/** Why something is left out that is fine by itself. */
function follows(id: Identity, target: Identity, leftOut: ReadonlyMap<Identity, LeftOut>): Problem {
  return {
    code: leftOut.get(target)?.problem.code ?? 'RC112',
    severity: 'error',
    message: `${showIdentity(id)} refers to ${showIdentity(target)}, which is left out`,
  };
}
