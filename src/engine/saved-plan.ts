import type { Plan } from '../core/plan.ts';
import { EXIT, failure } from '../core/problem.ts';
import { replayPlan } from '../core/replay.ts';
import type { Store } from '../stores/store.ts';
import { type ActualState, withActual } from './actual-state.ts';
import { dueAfter } from './due-secrets.ts';
import { judgePlan, type Overriding } from './judgement.ts';
import { findOut, type Planned } from './plan.ts';

/**
 * A saved plan made ready to apply, on the store as it is now.
 *
 * Throws a Failure (exit 5) when it was made for another store, or what it changes, refers to or is judged by is not
 * as it was. A plan made where there was no store fits only while there is none, or none with a revision.
 *
 * Guards and policies judge it again, as of now (milliseconds): what they refuse is in its verdicts.
 */
export async function planSaved(
  store: Store,
  plan: Plan,
  overriding: Overriding,
  now: number,
): Promise<Planned> {
  return withActual(store, plan.changes.length, (state) => planSavedOn(state, plan, overriding, now));
}

async function planSavedOn(
  state: ActualState,
  plan: Plan,
  overriding: Overriding,
  now: number,
): Promise<Planned> {
  const { head, actual, ask } = state;
  const fits = plan.base.store === null ? head.revision === 0 : plan.base.store === head.store;
  if (!fits) {
    const made =
      plan.base.store === null
        ? 'where there was no store, and there is one now'
        : `for another store (${plan.base.store})`;
    throw stale(`the plan was made ${made}`);
  }
  const replayed = await ask(() => replayPlan(plan, actual, overriding.actor, now));
  if (replayed.stale !== undefined) throw stale(`the plan is stale: ${replayed.stale}`);
  const { notes, between } = replayed;
  await findOut(replayed, state);
  const judged = await judgePlan(replayed.plan, between, overriding, now, ask);
  // What was declared and did not change is not in the plan.
  const due = await dueAfter(state.reading, actual, judged.plan, now);
  return { ...judged, notes, head, actual, declares: () => undefined, warnings: [], due };
}

function stale(message: string) {
  return failure(
    EXIT.stale,
    'RC404',
    `${message}; nothing was applied`,
    'plan again, and look at the new plan',
  );
}
