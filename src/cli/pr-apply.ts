import { EXIT, type ExitStatus, Failure, failure } from '../core/problem.ts';
import { applyMerged, exitOf, planMerged } from '../gitops/apply-merged.ts';
import { outcomeParts, outcomeWords } from '../gitops/outcome-markdown.ts';
import { untold } from '../gitops/plan-pull-request.ts';
import { configUpTo } from '../gitops/planning.ts';
import { tellAgain } from '../gitops/tell-again.ts';
import {
  digestToApprove,
  outcomeProblems,
  outcomeSummary,
  tellOutcome,
  tellWaiting,
} from '../gitops/tell-outcome.ts';
import { count, wrap } from '../render/lines.ts';
import { partText } from '../render/plan-markdown.ts';
import { type GitHistory, gitHistory } from '../sources/git-history.ts';
import type { Store } from '../stores/store.ts';
import { appendTo } from './actions-file.ts';
import { giveNoOrders } from './actions-log.ts';
import type { Context } from './context.ts';
import { storeOf } from './inputs.ts';
import { forgeOf, type PullRequestOptions, sayProblems } from './pr-environment.ts';
import type { Handler } from './program.ts';
import { note } from './report.ts';
import { retireAfter, retiredText } from './retire.ts';
import { deliverAfter, deliveringOf, issuedWords, refuseUndeliverable } from './secrets.ts';
import { snapshotAfter } from './snapshot-after.ts';

interface Options extends PullRequestOptions {
  readonly since?: string;
  readonly approved?: string;
  readonly remote?: string;
  readonly snapshot?: string | boolean;
}

export const command: Handler = async (context, _args, options: Options) => {
  giveNoOrders(context);
  const approved = approvedDigest(options);
  const forge = forgeOf(options, context);
  const history = gitHistory(context.cwd, context.env);
  const store = await storeOf(options, context);
  const remote = options.remote ?? 'origin';
  const trunk = trunkOf(history, remote);
  const head = history.resolve(options.head ?? context.env.GITHUB_SHA ?? 'HEAD');
  const since = options.since === undefined ? undefined : history.resolve(options.since);
  const asked = { cwd: history.root, history, store, forge, head, trunk, since, now: () => context.now() };
  if (options.dryRun === true) {
    const planned = await planMerged(asked);
    if (!planned) note(context, options, `nothing to do: ${head.slice(0, 12)} is applied`);
    else
      context.stdout.write(
        `${outcomeParts(planned)
          .map((part) => partText(part))
          .join('\n\n')}\n`,
      );
    sayProblems(context, options, planned ? outcomeProblems(planned) : []);
    return planned ? exitOf(planned) : EXIT.done;
  }
  let { manager } = configUpTo(history, head);
  let hasApplied = false;
  const problems = forge ? [...(await untold(tellAgain(forge, store, manager)))] : [];
  const applying = applyMerged({
    ...asked,
    approved,
    progress: context.progress,
    fetch: (pull) => history.fetch(remote, [`refs/pull/${pull.number}/head`]),
    async refuse(planned) {
      const delivering = deliveringOf(context, options, { manager: planned.plan.manager });
      const { base } = planned.plan;
      const orders = await refuseUndeliverable(store, planned.due, delivering, base.revision);
      if (orders.length > 0) delivering.peppers();
    },
    async told(outcome) {
      manager = outcome.config.manager;
      hasApplied ||= outcome.is === 'applied';
      context.stdout.write(`${outcomeWords(outcome)}\n`);
      sayProblems(context, options, outcomeProblems(outcome));
      appendTo(context, options, 'GITHUB_STEP_SUMMARY', outcomeSummary(outcome));
      const digest = digestToApprove(outcome);
      if (digest !== undefined) appendTo(context, options, 'GITHUB_OUTPUT', `digest=${digest}\n`);
      // What is applied is applied, whether or not it can be told.
      if (forge) problems.push(...(await untold(tellOutcome(forge, outcome))));
    },
  });
  const { outcomes, waiting, exit } = await applying.catch(async (error: unknown) => {
    if (!(error instanceof Failure) || !hasApplied) throw error;
    // What went before it is done, and is settled.
    const more = await untold(settle(context, options, store, manager, error.exit));
    throw new Failure(error.exit, [...error.problems, ...problems, ...more]);
  });
  const cause = outcomes.at(-1);
  if (outcomes.length === 0) note(context, options, `nothing to do: ${head.slice(0, 12)} is applied`);
  if (waiting.length > 0) {
    const many = count(waiting.length, 'more waits', 'more wait');
    note(context, options, `${many} until that is mended or taken back`);
    for (const unit of waiting)
      if (forge && cause) problems.push(...(await untold(tellWaiting(forge, unit, cause))));
  }
  sayProblems(context, options, problems);
  const settled = await settle(context, options, store, manager, exit);
  return problems.length > 0 && settled === EXIT.done ? EXIT.error : settled;
};

/** Throws a Failure (exit 4) when it is no digest. */
function approvedDigest({ approved }: Options): string | undefined {
  if (approved === undefined || /^sha256:[0-9a-f]{64}$/.test(approved)) return approved;
  throw failure(
    EXIT.invalid,
    'RC121',
    `--approved cannot be ${JSON.stringify(approved)}`,
    'the digest that the refused apply printed',
  );
}

/** Where the default branch of a remote stands; undefined where there is no such remote. */
function trunkOf(history: GitHistory, remote: string) {
  const branch = history.defaultBranch(remote);
  if (branch === undefined) return undefined;
  history.fetch(remote, [`+refs/heads/${branch}:refs/rolecall/trunk`]);
  return { branch, tip: history.resolve('refs/rolecall/trunk') };
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
  const { issued, failed, ...after } = await deliverAfter(store, delivering, revision, exit === EXIT.done);
  const retired = await retireAfter(store, delivering.act());
  const { stdout } = context;
  for (const one of issued) stdout.write(`${wrap(issuedWords(one), stdout.columns, '  ')}\n`);
  if (!(retired instanceof Failure) && retired.length > 0) stdout.write(retiredText(retired, stdout.columns));
  if (options.snapshot !== false) await snapshotAfter(context, options, store, revision);
  const problems = [...failed, ...(retired instanceof Failure ? retired.problems : [])];
  const status = retired instanceof Failure && failed.length === 0 ? retired.exit : after.exit;
  if (problems.length > 0) throw new Failure(status, problems);
  return exit;
}
