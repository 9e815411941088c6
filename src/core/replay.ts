import { isKindName, kindOf } from '../kinds/index.ts';
import { parseTime } from '../kinds/time.ts';
import type { Actual } from './actual.ts';
import { diffFields } from './diff.ts';
import { bodyOf, type Draft } from './draft.ts';
import { canonicalJson } from './hash.ts';
import { type Between, grouped, judge } from './judge.ts';
import { parseLimit } from './limit.ts';
import { readManifests } from './manifest.ts';
import { withWaysOut } from './override.ts';
import {
  amended,
  type Change,
  digestOf,
  identityOfChange,
  judgesOf,
  type Plan,
  type PlanNotes,
} from './plan.ts';
import { hindrancesOf, isInField } from './plan-changes.ts';
import { EXIT, type Failure, failure } from './problem.ts';
import { identity, type Manifest, showIdentity, toManifest } from './resource.ts';
import type { Stored } from './stored.ts';
import type { Verdict } from './verdict.ts';

/**
 * Reads a plan that `iam plan --out` wrote.
 *
 * Throws a Failure: exit 4 when it is not a plan, exit 5 when its digest is not that of its changes.
 */
export function readPlan(file: string, text: string): Plan {
  const notAPlan = (message: string): Failure =>
    failure(EXIT.invalid, 'RC406', `${file}: ${message}`, 'iam plan -f PATH --out FILE writes one');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw notAPlan(error instanceof SyntaxError ? `is not JSON: ${error.message}` : String(error));
  }
  if (!isPlan(value)) throw notAPlan('is not a plan');
  const whole = value.changes.every(isChange);
  if (!whole) throw notAPlan('has a change that is not in normal form');
  if (new Set(value.changes.map(identityOfChange)).size < value.changes.length)
    throw notAPlan('changes a resource twice');
  if (digestOf(value) !== value.digest)
    throw failure(
      EXIT.stale,
      'RC405',
      `${file}: the changes do not have the digest that it gives`,
      'it was edited after it was made: plan again',
    );
  if (!countsRight(value)) throw notAPlan('has a summary that is not that of its changes');
  return value;
}

function isPlan(value: unknown): value is Plan {
  const plan = value as Partial<Plan> | null;
  return (
    typeof plan === 'object' &&
    plan?.kind === 'Plan' &&
    typeof plan.digest === 'string' &&
    typeof plan.manager === 'string' &&
    typeof plan.prune === 'boolean' &&
    typeof plan.judges === 'string' &&
    typeof plan.at === 'string' &&
    parseTime(plan.at) !== undefined &&
    typeof plan.base === 'object' &&
    typeof plan.base?.revision === 'number' &&
    typeof plan.scope === 'object' &&
    isGuards(plan.guards) &&
    Array.isArray(plan.changes) &&
    Array.isArray(plan.access) &&
    Array.isArray(plan.verdicts)
  );
}

function isGuards(guards: Plan['guards'] | undefined): boolean {
  return (
    typeof guards === 'object' &&
    guards !== null &&
    Object.entries(guards).every(([name, value]) =>
      name === 'requireOwners'
        ? Array.isArray(value) && value.every((one) => typeof one === 'string')
        : ['maxRemovals', 'maxUpdates', 'maxPrivilegedGains'].includes(name) &&
          parseLimit(String(value)) === value,
    )
  );
}

/** Whether a change is whole: a valid normal form after it, and the identity that it says. */
function isChange(change: Change | null): boolean {
  if (typeof change !== 'object' || change === null) return false;
  if (!isKindName(change.kind) || !Array.isArray(change.declares) || !Array.isArray(change.fields))
    return false;
  const shape = { create: [false, true], update: [true, true], delete: [true, false] }[change.action];
  if (!shape || (change.before !== null) !== shape[0] || (change.after !== null) !== shape[1]) return false;
  const { before, after } = change;
  if (![before, after].every((manifest) => manifest === null || isNormalForm(manifest, change))) return false;
  // What people read, and what tells whose a change is: no digest covers it.
  const fields = before && after ? diffFields(before, after) : [];
  return canonicalJson(change.fields) === canonicalJson(fields) && declaresAll(change);
}

/** Whether the unmanaged fields that a change says its manifest gives are such fields, and all that it changes. */
function declaresAll({ kind, fields, declares }: Change): boolean {
  const unmanaged = Object.keys(kindOf(kind).unmanaged);
  const changed = unmanaged.filter((field) => fields.some(({ path }) => isInField(path, field)));
  return (
    declares.every((field) => unmanaged.includes(field)) && changed.every((field) => declares.includes(field))
  );
}

/** Whether the counts that people read are those of the changes. */
function countsRight({ summary, changes }: Plan): boolean {
  return (['create', 'update', 'delete'] as const).every(
    (action) => summary?.[action] === changes.filter((change) => change.action === action).length,
  );
}

function isNormalForm(manifest: Manifest, change: Change): boolean {
  const place = () => ({ file: '', line: 1, column: 1 });
  const { declared } = readManifests([{ file: '', value: manifest, place, placeInside: place }]);
  const [one] = declared;
  if (!one || canonicalJson(toManifest(one.resource)) !== canonicalJson(manifest)) return false;
  const name = manifest === change.before ? (change.previousName ?? change.name) : change.name;
  return one.id === identity(change.kind, change.namespace ?? undefined, name);
}

/**
 * Judges a saved plan again, against what the store has now.
 *
 * Returns why it is stale when what it changes, refers to, or is judged by is not as it was: so it is judged as of the
 * time that it was made. What the guards say of it at `now` (milliseconds) for `actor` is in the plan that is returned.
 */
export function replayPlan(
  plan: Plan,
  actual: Actual,
  actor: string | null,
  now: number,
): { stale: string } | { stale?: undefined; plan: Plan; notes: PlanNotes; between: Between | undefined } {
  const drafts: Draft[] = [];
  const idsOf = ({ kind, namespace, name, previousName }: Change) =>
    [name, previousName ?? name].map((one) => identity(kind, namespace ?? undefined, one));
  actual.need({ ids: plan.changes.flatMap(idsOf) });
  for (const change of plan.changes) {
    const before = identity(change.kind, change.namespace ?? undefined, change.previousName ?? change.name);
    const stored = actual.get(before);
    const expected = change.before === null ? undefined : canonicalJson(change.before);
    if (stored?.body !== expected) return { stale: `${showIdentity(before)} is not as it was` };
    const target = identityOfChange(change);
    if (target !== before && actual.get(target)) return { stale: `${showIdentity(target)} exists now` };
    const after = change.after ? bodyOf(target, canonicalJson(change.after), true) : undefined;
    drafts.push({ change, stored, after, ...standing(change, stored, plan.manager) });
  }
  if (drafts.length === 0)
    return { plan, notes: { risks: new Map(), accessByWorkspace: () => [] }, between: undefined };
  const { manager, guards } = plan;
  const settings = { manager, guards, actor, pruneWorkspaces: plan.scope.pruneWorkspaces };
  const judged = judge(actual, drafts, settings, parseTime(plan.at) ?? 0);
  const [violation] = judged.violations;
  if (violation) return { stale: violation.message };
  if (canonicalJson(judged.access) !== canonicalJson(plan.access))
    return { stale: 'it would change the access of people differently now' };
  if (judgesOf(actual, plan) !== plan.judges)
    return { stale: 'what plans are judged by (policies, owners or limits of workspaces) is not as it was' };
  if (!isSameJudgement(judged.verdicts, plan.verdicts)) return { stale: 'guards judge it differently now' };
  const again = judge(actual, drafts, settings, now);
  const verdicts = withWaysOut(again.verdicts, () => plan.digest);
  return {
    plan: amended(plan, { verdicts }),
    notes: { risks: judged.risks, accessByWorkspace: () => grouped(plan.access) },
    between: again,
  };
}

/** What stands in the way of a change now that it does not take over. */
function standing(
  change: Change,
  stored: Stored | undefined,
  manager: string,
): Pick<Draft, 'conflict' | 'reactivates'> {
  if (!stored) return { conflict: undefined };
  const unlessAdopted = (other: string | undefined) => (other === change.adopts ? undefined : other);
  if (change.action === 'delete')
    return { conflict: stored.manager === manager ? undefined : unlessAdopted(stored.manager) };
  const { conflict, reactivates } = hindrancesOf(change.fields, change.declares, stored, manager);
  return { conflict: unlessAdopted(conflict), reactivates: unlessAdopted(reactivates) };
}

/**
 * Whether guards say the same. Who applies a plan need not be who made it, so RC207 is not compared; nor are policies,
 * which judge anew, nor whether somebody has overridden it.
 */
function isSameJudgement(now: readonly Verdict[], then: readonly Verdict[]): boolean {
  const comparable = (verdicts: readonly Verdict[]) =>
    canonicalJson(
      verdicts
        .filter(({ code }) => code !== 'RC207' && !code.startsWith('RC3'))
        .map(({ code, numbers: { overridden: _, ...numbers } }) => ({ code, numbers })),
    );
  return comparable(now) === comparable(then);
}
