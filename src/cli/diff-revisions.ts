import type { ExitStatus } from '../core/problem.ts';
import { differenceOf, planOfDifference } from '../engine/compare-revisions.ts';
import { findRevision, refuseUnknownWorkspace } from '../engine/history.ts';
import { parseTime } from '../kinds/time.ts';
import { whenWords } from '../render/audit-words.ts';
import type { Context } from './context.ts';
import type { DiffOptions } from './diff.ts';
import { revisionArgument, withReading } from './history-options.ts';
import { planExit, printPlan } from './plan.ts';
import { managerName } from './settings.ts';

/** Shows what differs between two revisions of the store, access as of the time of the second. */
export async function diffRevisions(
  context: Context,
  options: DiffOptions,
  from: string,
  to: string | undefined,
): Promise<ExitStatus> {
  const first = revisionArgument(from, '--from');
  const second = to === undefined ? undefined : revisionArgument(to, '--to');
  return withReading(context, options, async (reading, store) => {
    // Before the first there was nothing, which can be compared too.
    if (first > 0) await findRevision(reading, first);
    const { revision, at } = await findRevision(reading, second ?? reading.head.revision);
    await refuseUnknownWorkspace(reading, options.workspace);
    const difference = await differenceOf(reading, first, revision);
    const compared = planOfDifference(
      difference,
      parseTime(at) ?? 0,
      managerName(options, context),
      options.workspace,
    );
    const where = options.workspace === undefined ? '' : `, workspace ${options.workspace}`;
    await printPlan(
      context,
      options,
      compared,
      store.location,
      `Difference of revisions ${first} and ${revision} of ${store.location}${where}, access as of ${whenWords(at)}`,
    );
    return planExit(context, options, compared, false);
  });
}
