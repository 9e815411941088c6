import type { History } from '../core/applied.ts';
import { PlannedUpdate } from '../core/draft.ts';
import { causeWords } from '../core/drift.ts';
import { changedParts } from '../core/part.ts';
import type { Change, Plan } from '../core/plan.ts';
import { identityOfChange } from '../core/plan.ts';
import type { ActualState } from './actual-state.ts';
import { historiesOf } from './histories.ts';

/** Of more updates nobody reads the reasons one by one. */
const MOST = 1000;

/** Says in the reasons of updates what they bring back: who changed it since `manager` applied it, and when. */
export async function explainDrift(
  { actual, reading }: Pick<ActualState, 'actual' | 'reading'>,
  { changes }: Pick<Plan, 'changes'>,
  manager: string,
): Promise<void> {
  const updates = changes.filter((change) => change instanceof PlannedUpdate && change.previousName === null);
  if (updates.length === 0 || updates.length > MOST) return;
  const uids = new Map(
    updates.flatMap((change) => {
      const stored = actual.get(identityOfChange(change));
      return stored ? [[stored.uid, change] as const] : [];
    }),
  );
  const histories = await historiesOf(reading, new Set(uids.keys()), manager);
  for (const [uid, change] of uids) {
    const history = histories.get(uid);
    const reason = history && driftReason(change, history);
    if (reason !== undefined && change instanceof PlannedUpdate) change.reason = reason;
  }
}

/** Undefined where an update brings nothing back. */
function driftReason({ before, after }: Change, history: History): string | undefined {
  const { applied } = history;
  if (!applied || !before || !after) return undefined;
  const authored = changedParts(applied, after);
  const back = [...changedParts(applied, before)].filter((part) => !authored.has(part));
  const causeOf = history.causesIn(before);
  const causes = new Set(back.map((part) => causeWords(causeOf(part))));
  return causes.size === 0 ? undefined : `changed ${[...causes].join(' and ')} since it was applied`;
}
