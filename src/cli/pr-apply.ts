import { EXIT, type ExitStatus, Failure, type Problem } from '../core/problem.ts';
import { applyMerged } from '../gitops/apply-merged.ts';
import type { UnitOutcome } from '../gitops/apply-unit.ts';
import { markerOf, publish } from '../gitops/comments.ts';
import type { Forge } from '../gitops/forge.ts';
import { outcomeParts, outcomeWords } from '../gitops/outcome-markdown.ts';
import { pages } from '../gitops/pages.ts';
import { untold } from '../gitops/plan-pull-request.ts';
import { wrap } from '../render/lines.ts';
import { gitHistory } from '../sources/git-history.ts';
import type { Store } from '../stores/store.ts';
import type { Context } from './context.ts';
import { storeOf } from './inputs.ts';
import { forgeOf, type PullRequestOptions } from './pr-environment.ts';
import type { Handler } from './program.ts';
import { note, reportProblems } from './report.ts';
import { retireAfter, retiredText } from './retire.ts';
import { deliverAfter, deliveringOf, issuedWords, refuseUndeliverable } from './secrets.ts';
import { snapshotAfter } from './snapshot-after.ts';

interface Options extends PullRequestOptions {
  readonly since?: string;
  readonly snapshot?: string | boolean;
}

export const command: Handler = async (context, _args, options: Options) => {
  const forge = forgeOf(options, context);
  const history = gitHistory(context.cwd, context.env);
  const store = await storeOf(options, context);
  const head = history.resolve(options.head ?? context.env.GITHUB_SHA ?? 'HEAD');
  const since = options.since === undefined ? undefined : history.resolve(options.since);
  let manager = 'default';
  let hasApplied = false;
  const problems: Problem[] = [];
  const applying = applyMerged({
    cwd: history.root,
    history,
    store,
    forge,
    head,
    since,
    now: () => context.now(),
    progress: context.progress,
    async refuse(planned) {
      const delivering = deliveringOf(context, options, { manager: planned.plan.manager });
      const { base } = planned.plan;
      const orders = await refuseUndeliverable(store, planned.due, delivering, base.revision);
      if (orders.length > 0) delivering.peppers();
    },
    async told(outcome) {
      manager = outcome.config.manager;
      hasApplied ||= outcome.applied !== undefined;
      context.stdout.write(`${outcomeWords(outcome)}\n`);
      // What is applied is applied, whether or not it can be told.
      if (forge) problems.push(...(await untold(tell(forge, outcome))));
    },
  });
  const { outcomes, waiting, exit } = await applying.catch(async (error: unknown) => {
    if (!(error instanceof Failure) || !hasApplied) throw error;
    // What went before it is done, and is settled.
    const more = await untold(settle(context, options, store, manager, error.exit));
    throw new Failure(error.exit, [...error.problems, ...problems, ...more]);
  });
  if (outcomes.length === 0) note(context, options, `nothing to do: ${head.slice(0, 12)} is applied`);
  if (waiting > 0) note(context, options, `${waiting} more wait until that is mended or taken back`);
  reportProblems(context, options, problems);
  const settled = await settle(context, options, store, manager, exit);
  return problems.length > 0 && settled === EXIT.done ? EXIT.error : settled;
};

async function tell(forge: Forge, outcome: UnitOutcome): Promise<void> {
  const { pull } = outcome.unit;
  // Whoever merged without an effect need not be told so.
  if (!pull || outcome.is === 'nothing to do') return;
  const manager = `${outcome.config.manager}:applied`;
  const made = pages(outcomeParts(outcome), (page) => markerOf(manager, page), 'iam plan tells all of it');
  await publish(forge, pull.number, manager, made);
}

/** What every apply does afterwards: secrets, what has ended, the snapshots. */
async function settle(
  context: Context,
  options: Options,
  store: Store,
  manager: string,
  exit: ExitStatus,
): Promise<ExitStatus> {
  const reading = await store.read();
  const { revision } = reading.head;
  await reading.close();
  if (revision === 0) return exit;
  const delivering = deliveringOf(context, options, { manager });
  const { issued, failed } = await deliverAfter(store, delivering, revision, exit === EXIT.done);
  const retired = await retireAfter(store, delivering.act());
  const { stdout } = context;
  for (const one of issued) stdout.write(`${wrap(issuedWords(one), stdout.columns, '  ')}\n`);
  if (!(retired instanceof Failure) && retired.length > 0) stdout.write(retiredText(retired, stdout.columns));
  if (options.snapshot !== false) await snapshotAfter(context, options, store, revision);
  if (retired instanceof Failure) throw retired;
  if (failed.length > 0) throw new Failure(EXIT.error, failed);
  return exit;
}
