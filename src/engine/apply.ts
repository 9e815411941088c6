import type { Actual } from '../core/actual.ts';
import type { AuditRow } from '../core/audit.ts';
import { bodyOf } from '../core/draft.ts';
import { canonicalJson } from '../core/hash.ts';
import { unmanagedFields } from '../core/manifest.ts';
import { BODIES, type Change, identityOfChange, type Plan } from '../core/plan.ts';
import { isInField } from '../core/plan-changes.ts';
import { EXIT, failure } from '../core/problem.ts';
import {
  fromManifest,
  type Identity,
  identity,
  identityOf,
  type Manifest,
  showIdentity,
} from '../core/resource.ts';
import type { Stored } from '../core/stored.ts';
import { isDenied, type Verdict } from '../core/verdict.ts';
import { KIND_NAMES } from '../kinds/index.ts';
import { parseTime } from '../kinds/time.ts';
import { type Act, type Head, StaleBase, type Store, type WriteChange } from '../stores/store.ts';
import type { Overriding } from './judgement.ts';
import type { Planned } from './plan.ts';
import { NO_PROGRESS, type Progress } from './progress.ts';
import { planSaved } from './saved-plan.ts';
import { letSignalsIn } from './signals.ts';
import { identitiesOf, isChange } from './state-at.ts';

/** What became of one change. */
export interface Outcome {
  readonly kind: Change['kind'];
  readonly namespace: string | null;
  readonly name: string;
  readonly outcome: 'created' | 'updated' | 'deleted';
}

/** What became of a plan. */
export interface Applied {
  readonly store: string | null;
  /** The revision that the store is at now. */
  readonly revision: number;
  /** What was written, in the order of writing; nothing where nothing changed. */
  readonly written: readonly Change[];
  readonly auditHead: string | null;
  readonly created: boolean;
}

export function outcomeOf({ kind, namespace, name, action }: Change): Outcome {
  return { kind, namespace, name, outcome: OUTCOMES[action] };
}

const OUTCOMES = { create: 'created', update: 'updated', delete: 'deleted' } as const;

/**
 * Applies exactly a plan, in one write: renames, then grants before revocations, deletes last.
 *
 * A plan without changes writes nothing. Must not be called with a plan that is denied: `recordRefusal` is for that.
 * When the store has moved on since the plan was made, the plan is judged again on what there is now, and applied if
 * nothing that it touches, refers to or is judged by has changed; otherwise throws a Failure (exit 5).
 */
export async function applyPlan(
  store: Store,
  planned: Planned,
  act: Act,
  overriding: Overriding,
  progress: Progress = NO_PROGRESS,
): Promise<Applied> {
  const { plan, actual, head } = planned;
  if (isDenied(plan.verdicts)) throw new Error('a denied plan must not be applied');
  if (plan.changes.length === 0) {
    return {
      store: head.store,
      revision: head.revision,
      written: [],
      auditHead: head.auditHead,
      created: false,
    };
  }
  const codes = planned.remarks.flatMap(({ action, verdicts }) =>
    action === 'override' ? verdicts.map(({ code }) => code) : [],
  );
  if (codes.length > 0) await refuseSecondUse(store, plan.digest, codes);
  const ordered = orderChanges(plan.changes);
  await letSignalsIn();
  try {
    const written = await store.write({
      type: 'apply',
      base: { store: head.store, revision: head.revision },
      act,
      digest: plan.digest,
      verdicts: plan.verdicts,
      remarks: planned.remarks,
      summary: plan.summary,
      changes: writing(ordered, actual, plan.manager, progress),
      renames: renamesOf(ordered),
      adopts: adoptsOf(ordered),
    });
    return {
      store: written.head.store,
      revision: written.head.revision,
      auditHead: written.head.auditHead,
      created: written.created,
      written: ordered,
    };
  } catch (error) {
    if (!(error instanceof StaleBase)) throw error;
    const again = await planSaved(store, plan, overriding, parseTime(act.at) ?? 0);
    await refuseOvertaken(store, planned);
    if (isDenied(again.plan.verdicts))
      throw failure(
        EXIT.stale,
        'RC404',
        'the store has changed since the plan was made, and it would be refused now; nothing was applied',
        'plan again, and look at the new plan',
      );
    return applyPlan(store, { ...again, declares: planned.declares }, act, overriding, progress);
  }
}

/** A change counts when the store asks for the next. */
function* writing(
  changes: readonly Change[],
  actual: Actual,
  manager: string,
  progress: Progress,
): Generator<WriteChange> {
  for (const [done, change] of changes.entries()) {
    progress('apply', done, changes.length);
    yield writeChange(change, actual, manager);
  }
  progress('apply', changes.length, changes.length);
}

/**
 * Two inputs that declare the same may not pass by each other: what this one found as it declares it, and therefore left
 * alone, must still be so, or the end is that of neither order. What it leaves to others they may change.
 */
async function refuseOvertaken(store: Store, { head, declares }: Planned): Promise<void> {
  const reading = await store.read();
  try {
    for await (const rows of reading.audit({ after: head.revision })) {
      const other = rows.find(
        (row) =>
          isChange(row) &&
          identitiesOf(row).some((id) => {
            const given = declares(id);
            return given !== undefined && !isOfOthers(row, given);
          }),
      );
      if (other)
        throw failure(
          EXIT.stale,
          'RC404',
          `${showIdentity(other.identity ?? '')}, which is declared here, was changed by revision ${other.revision} while this plan was made; nothing was applied`,
          'plan again, and look at the new plan',
        );
    }
  } finally {
    await reading.close();
  }
}

/** Whether a change is in unmanaged fields alone, and in none of those that are `given`. */
function isOfOthers({ before, after }: AuditRow, given: readonly string[]): boolean {
  if (before === null || after === null) return false;
  const rest = (text: string) => {
    const manifest = JSON.parse(text) as Manifest;
    const left = unmanagedFields(manifest.kind).filter((field) => !given.includes(field));
    const spec = Object.entries(manifest.spec).filter(([field]) => !left.includes(field));
    return canonicalJson({ ...manifest, spec: Object.fromEntries(spec) });
  };
  return rest(before) === rest(after);
}

/** An override is for once: the same plan on the same state is asked for again. */
async function refuseSecondUse(store: Store, digest: string, codes: readonly string[]): Promise<void> {
  const used = await useOf(store, digest, codes);
  if (used !== undefined)
    throw failure(
      EXIT.stale,
      'RC405',
      `this override was used for revision ${used}; an override holds once`,
      'change the plan (--reason does not), or undo in two steps',
    );
}

/** The revision that an override of one of these codes was used for with this plan; undefined when none was. */
export async function useOf(
  store: Store,
  digest: string,
  codes: readonly string[],
): Promise<number | undefined> {
  const reading = await store.read();
  try {
    for await (const batch of reading.revisions()) {
      for (const { revision } of batch.filter((one) => one.digest === digest)) {
        for await (const rows of reading.audit({ revision })) {
          const used = rows.some(
            ({ action, verdicts }) =>
              action === 'override' &&
              (JSON.parse(verdicts ?? '[]') as Verdict[]).some(({ code }) => codes.includes(code)),
          );
          if (used) return revision;
        }
      }
    }
    return undefined;
  } finally {
    await reading.close();
  }
}

/** Records that a plan was refused: one audit row, no revision, nothing where there is no store. Returns the new head. */
export async function recordRefusal(store: Store, plan: Plan, act: Act): Promise<Head> {
  const { head } = await store.write({ type: 'refused', act, digest: plan.digest, verdicts: plan.verdicts });
  return head;
}

/**
 * The order of writing. Renames first, so that their old names are free. Then what only gives (creates, what is
 * referred to before what refers to it), then what may also take (updates), deletes last and in reverse.
 */
function orderChanges(changes: readonly Change[]): Change[] {
  const rank = (change: Change): number => {
    const kind = KIND_NAMES.indexOf(change.kind);
    if (change.previousName !== null) return kind;
    if (change.action === 'create') return 100 + kind;
    return change.action === 'update' ? 200 + kind : 400 - kind;
  };
  // By identity they are sorted already, and so they stay within a rank.
  const ranks = Map.groupBy(changes, rank);
  return [...ranks.keys()].sort((a, b) => a - b).flatMap((one) => ranks.get(one) ?? []);
}

function writeChange(change: Change, actual: Actual, manager: string): WriteChange {
  const { before } = change;
  const stored =
    before === null
      ? undefined
      : actual.get(identity(change.kind, change.namespace ?? undefined, change.previousName ?? change.name));
  if (before !== null && !stored)
    throw new Error(`${identityOf(fromManifest(before))} is not in the state that was read`);
  return {
    action: change.action,
    id: identityOfChange(change),
    uid: stored?.uid ?? null,
    after: afterOf(change),
    manager: stored && !takesOver(change) ? stored.manager : manager,
    fieldManagers: fieldManagersAfter(change, stored, manager),
  };
}

function renamesOf(changes: readonly Change[]): Map<Identity, Identity> {
  return new Map(
    changes.flatMap((change) =>
      change.previousName === null
        ? []
        : [
            [
              identity(change.kind, change.namespace ?? undefined, change.previousName),
              identityOfChange(change),
            ] as const,
          ],
    ),
  );
}

function adoptsOf(changes: readonly Change[]): Map<Identity, string> {
  return new Map(
    changes.flatMap((change) =>
      change.adopts === null ? [] : [[identityOfChange(change), change.adopts] as const],
    ),
  );
}

function afterOf(change: Change): WriteChange['after'] {
  const body = change[BODIES] ? change[BODIES].after : change.after && canonicalJson(change.after);
  return body === null ? null : bodyOf(identityOfChange(change), body, false);
}

/** Adopting a field leaves the resource with its manager; adopting anything else takes the whole. */
function takesOver({ adopts, fields, declares }: Change): boolean {
  return adopts !== null && fields.some(({ path }) => !declares.some((field) => isInField(path, field)));
}

/** The declared unmanaged fields become the manager's; those that were its and are no longer declared nobody's. */
function fieldManagersAfter(
  change: Change,
  stored: Stored | undefined,
  manager: string,
): Record<string, string> {
  const kept = Object.entries(stored?.fieldManagers ?? {}).filter(([, other]) => other !== manager);
  const declared = change.declares.filter((field) => !isSuspendedByOther(change, field, stored, manager));
  return Object.fromEntries([...kept, ...declared.map((field) => [field, manager] as const)]);
}

/** Whoever suspends somebody keeps the state, also when a manifest says the same: a leaver stays gone (RC213). */
function isSuspendedByOther(
  change: Change,
  field: string,
  stored: Stored | undefined,
  manager: string,
): boolean {
  const other = stored?.fieldManagers[field];
  return (
    field === 'state' &&
    other !== undefined &&
    other !== manager &&
    change.adopts !== other &&
    change.after?.spec.state === 'Suspended'
  );
}
