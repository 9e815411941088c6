import type { Cause, History } from '../core/applied.ts';
import { causeWords } from '../core/drift.ts';
import { mayTreatDrift, type Treatment, treatmentOf } from '../core/drift-treatment.ts';
import { lettingBe } from '../core/let-be.ts';
import type { Declared } from '../core/manifest.ts';
import { amended } from '../core/plan.ts';
import { bodyBeside, type PlanOptions } from '../core/plan-changes.ts';
import { type Problem, sortProblems } from '../core/problem.ts';
import { previousIds } from '../core/rename.ts';
import { fromManifest, type Identity, identityOf, showIdentity, toManifest } from '../core/resource.ts';
import type { Stored } from '../core/stored.ts';
import type { ActualState } from './actual-state.ts';
import { allChanges, historiesOf } from './histories.ts';
import { isInWorkspace } from './history.ts';
import type { Desired, Planned } from './plan.ts';

/** What an input declares, with what it lets be (`rolecall.dev/drift`) declared as it is. */
export interface Treated extends Desired {
  /** What is only to be reported, a problem for each resource. */
  readonly warnings: readonly Problem[];
  /** The files that let something be: what they declare is not what the store has. */
  readonly files: ReadonlySet<string>;
}

type Options = Pick<PlanOptions, 'manager' | 'workspace'>;

type State = Omit<ActualState, 'close'>;

/** A manifest that asks to let drift be, and what there is of it. */
interface Lenient {
  readonly declared: Declared;
  readonly treatment: Treatment;
  readonly stored: Stored | undefined;
}

/** Manifests without the annotation cost nothing; the audit is read only where what they declare differs. */
export async function treatDrift(state: State, desired: Desired, options: Options): Promise<Treated> {
  const nothing = { ...desired, warnings: [], files: new Set<string>() };
  const asking = desired.desired.filter((one) => asksToLetBe(one, options.workspace));
  if (asking.length === 0 || state.head.revision === 0) return nothing;
  const differing = await differingOf(state, asking);
  if (differing.length === 0) return nothing;
  const histories = await historiesFor(state, differing, options.manager);
  const instead = new Map<Declared, Declared | undefined>();
  const warnings: Problem[] = [];
  for (const { declared, treatment, stored } of differing) {
    const history = histories.get(stored?.uid ?? declared.id);
    if (!history) continue;
    const letBe = stored && lettingBe(declared, stored, history);
    if (!letBe && (stored || !isGone(declared, history))) continue;
    instead.set(declared, letBe?.declared);
    if (treatment !== 'report') continue;
    warnings.push(letBe ? changedProblem(declared, letBe.parts) : goneProblem(declared, history));
  }
  return {
    ...desired,
    desired: desired.desired.flatMap((one) => (instead.has(one) ? (instead.get(one) ?? []) : one)),
    warnings,
    files: new Set([...instead.keys()].map(({ file }) => file)),
  };
}

function asksToLetBe(declared: Declared, workspace: string | undefined): boolean {
  return (
    mayTreatDrift(declared.body) &&
    (workspace === undefined || isInWorkspace(declared.id, workspace)) &&
    treatmentOf(toManifest(declared.resource)) !== 'enforce'
  );
}

/** What the store does not have as it is declared. */
function differingOf({ actual, ask }: State, asking: readonly Declared[]): Promise<Lenient[]> {
  return ask(() => {
    const names = asking.map((declared) => [declared, [declared.id, ...previousIds(declared)]] as const);
    actual.need({ ids: names.flatMap(([, ids]) => ids) });
    return names.flatMap(([declared, ids]) => {
      const stored = ids.map((id) => actual.get(id)).find((one) => one !== undefined);
      if (stored && bodyBeside(declared, stored) === stored.body) return [];
      return [{ declared, treatment: treatmentOf(toManifest(declared.resource)), stored }];
    });
  });
}

/** By uid; of what is not there, by its identity. */
async function historiesFor(
  { reading }: State,
  differing: readonly Lenient[],
  manager: string,
): Promise<Map<string, History>> {
  const missing = new Set(differing.flatMap(({ declared, stored }) => (stored ? [] : declared.id)));
  const gone = new Map<Identity, string>();
  if (missing.size > 0) {
    for await (const batch of allChanges(reading))
      for (const { row, uid, by } of batch)
        if (by.manager === manager && missing.has(row.identity ?? '')) gone.set(row.identity ?? '', uid);
  }
  const uids = differing.flatMap(({ stored }) => stored?.uid ?? []);
  const histories = await historiesOf(reading, new Set([...uids, ...gone.values()]), manager);
  for (const [id, uid] of gone) {
    const history = histories.get(uid);
    if (history) histories.set(id, history);
  }
  return histories;
}

/** Whether what is declared and not there was applied, and then taken away by somebody else. */
function isGone({ id }: Declared, { applied }: History): boolean {
  return applied != null && identityOf(fromManifest(applied)) === id;
}

const HINT = 'iam drift shows what differs; rolecall.dev/drift: enforce brings it back';

function changedProblem(
  declared: Declared,
  parts: readonly { readonly part: string; readonly cause: Cause }[],
): Problem {
  const byCause = Map.groupBy(parts, ({ cause }) => causeWords(cause));
  const said = [...byCause].map(
    ([words, some]) => `${some.map(({ part }) => part).join(', ')} changed ${words}`,
  );
  return {
    code: 'RC410',
    severity: 'warn',
    message: `${showIdentity(declared.id)} is not as it was applied, and is left so: ${said.join('; ')}`,
    place: declared.place(),
    hint: HINT,
  };
}

function goneProblem(declared: Declared, history: History): Problem {
  const { ledger } = history;
  const cause = ledger ? history.causesIn(ledger)('/metadata/name') : history.causeOfLoss;
  const verb = cause.cause === 'manager' && ledger ? 'renamed' : 'deleted';
  return {
    code: 'RC410',
    severity: 'warn',
    message: `${showIdentity(declared.id)} was ${verb} ${causeWords(cause)}, and is not created again`,
    place: declared.place(),
    hint: HINT,
  };
}

/** A plan with what is to be said of the drift that it lets be. */
export function withDrift<T extends Planned>(planned: T, { warnings }: Treated): T {
  if (warnings.length === 0) return planned;
  const problems = sortProblems([...planned.plan.problems, ...warnings]);
  return {
    ...planned,
    plan: amended(planned.plan, { problems }),
    warnings: [...planned.warnings, ...warnings],
  };
}
