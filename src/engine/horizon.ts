import {
  type Ended,
  type Ending,
  endedAfter,
  endingWithin,
  type Horizon,
  type MomentAt,
  momentsAfterAll,
  type PlanTime,
} from '../core/horizon.ts';
import { stateOf } from '../core/state.ts';
import type { MomentFilter } from '../stores/store.ts';
import type { ActualState } from './actual-state.ts';
import type { Planned } from './plan.ts';

/** What a plan made at `at` (milliseconds) says of time, while the state that it was made on is open. */
export async function timeOf(
  state: ActualState,
  planned: Pick<Planned, 'plan' | 'after'>,
  at: number,
  horizon: Horizon | undefined,
): Promise<PlanTime> {
  const ended = await endedOf(state, planned, at);
  return horizon === undefined ? { ended } : { ended, ending: await endingOf(state, planned, at, horizon) };
}

async function endedOf(state: ActualState, { plan }: Pick<Planned, 'plan'>, at: number): Promise<Ended[]> {
  return endedAfter(await momentsIn(state, { until: at, open: true }), plan.changes);
}

async function endingOf(
  state: ActualState,
  { plan, after }: Pick<Planned, 'plan' | 'after'>,
  at: number,
  { text, length }: Horizon,
): Promise<Ending> {
  const span = { from: at, until: at + length };
  const stored = await momentsIn(state, { after: span.from, until: span.until });
  const moments = momentsAfterAll(stored, plan.changes);
  const workspace = plan.scope.workspace ?? undefined;
  const access = await state.ask(() =>
    endingWithin(after ?? stateOf(state.actual), moments, span, workspace),
  );
  return { horizon: text, access };
}

async function momentsIn({ reading }: ActualState, filter: MomentFilter): Promise<MomentAt[]> {
  const found: MomentAt[] = [];
  for await (const moments of reading.moments(filter)) found.push(...moments);
  return found;
}
