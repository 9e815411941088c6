import type { Revision, Store } from '../stores/store.ts';
import type { Forge } from './forge.ts';
import { appliedAgainParts, saysApplied } from './outcome-markdown.ts';
import { isTold, publishOutcome } from './tell-outcome.ts';

/** Further back nobody waits for a word any more. */
const MOST = 10;

/** What was applied of pull requests. */
interface AppliedPulls {
  readonly revision: Revision;
  readonly commit: string;
  readonly numbers: readonly number[];
}

/**
 * Tells the pull requests that were applied last that they were, where a run ended, or the forge did not take it, between the one and
 * the other. They are told in the order in which they are applied: before one that knows it all do.
 */
export async function tellAgain(forge: Forge, store: Store, manager: string): Promise<void> {
  const { id, applied } = await appliedLast(store, manager);
  for (const { revision, commit, numbers } of applied) {
    const untold: number[] = [];
    for (const number of numbers) {
      if (!(await isTold(forge, number, manager, (body) => saysApplied(body, commit)))) untold.push(number);
    }
    if (untold.length === 0) return;
    await publishOutcome(forge, untold, manager, appliedAgainParts(revision, commit, id));
  }
}

/** The newest first. */
async function appliedLast(
  store: Store,
  manager: string,
): Promise<{ readonly id: string | null; readonly applied: readonly AppliedPulls[] }> {
  const reading = await store.read();
  const applied: AppliedPulls[] = [];
  try {
    let looked = 0;
    for await (const batch of reading.revisions())
      for (const revision of batch) {
        if (looked++ === MOST) return { id: reading.head.store, applied };
        const { commit } = revision;
        if (revision.manager !== manager || commit === null) continue;
        const numbers = await pullsOf(revision.revision);
        if (numbers.length > 0) applied.push({ revision, commit, numbers });
      }
    return { id: reading.head.store, applied };
  } finally {
    await reading.close();
  }

  async function pullsOf(revision: number): Promise<number[]> {
    for await (const rows of reading.audit({ revision })) {
      const whole = rows.find(({ action }) => action === 'apply');
      if (whole) return (whole.pr?.split(', ') ?? []).map(Number).filter((number) => number > 0);
    }
    return [];
  }
}
