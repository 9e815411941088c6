import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { EXIT, type ExitStatus, Failure, failure, type Problem } from '../core/problem.ts';
import { CONFIG_FILE, type GitOpsConfig, readConfig } from '../gitops/config.ts';
import type { Forge, PullRequest } from '../gitops/forge.ts';
import { type MergeGroup, pullOfGroup } from '../gitops/merge-group.ts';
import {
  type PullRequestReport,
  planPullRequest,
  saysLess,
  tellPullRequest,
  tellUnplanned,
  untold,
} from '../gitops/plan-pull-request.ts';
import { type GitHistory, gitHistory } from '../sources/git-history.ts';
import type { Store } from '../stores/store.ts';
import { giveNoOrders } from './actions-log.ts';
import type { Context } from './context.ts';
import { storeOf } from './inputs.ts';
import { savePlan } from './plan-json.ts';
import { eventOf, forgeOf, type PullRequestOptions, sayProblems } from './pr-environment.ts';
import type { Handler } from './program.ts';
import { note, unexpected } from './report.ts';

interface Options extends PullRequestOptions {
  readonly all?: boolean;
  readonly approvedForks?: boolean;
  readonly remote?: string;
  readonly artifact?: string;
}

export const command: Handler = async (context, _args, options: Options) => {
  giveNoOrders(context);
  const forge = forgeOf(options, context);
  const history = gitHistory(context.cwd, context.env);
  const event = eventOf(context);
  const number = options.pr === undefined ? event.number : Number(options.pr);
  if (number !== undefined && !(Number.isSafeInteger(number) && number > 0))
    throw failure(
      EXIT.invalid,
      'RC121',
      `--pr cannot be ${JSON.stringify(options.pr ?? number)}`,
      'its number',
    );
  const store = await storeToAsk(context, options);
  if (options.all === true) {
    if (!forge) throw noForge('--all asks a forge which pull requests are open');
    return planAll(context, options, forge, history, store);
  }
  if (forge && number !== undefined)
    return planOne(context, options, forge, history, store, await forge.pullRequest(number));
  const base = options.base ?? event.base;
  if (base === undefined)
    throw failure(
      EXIT.invalid,
      'RC121',
      'no pull request given',
      '--pr NUMBER with GITHUB_TOKEN and --repo OWNER/NAME, or by hand: --base main [--head HEAD]',
    );
  const pull = {
    base: history.resolve(base),
    head: history.resolve(options.head ?? event.head ?? 'HEAD'),
    isFork: false,
    isDraft: false,
  };
  const group =
    forge && event.groupRef !== undefined
      ? { forge, pull: await pullQueued(options, forge, history, { ...pull, ref: event.groupRef }) }
      : undefined;
  const report = await planPullRequest({ ...asked(context, options, history, store), pull, asking: group });
  const exit = conclude(context, options, report);
  // A merge queue has a commit of its own, and no comments.
  if (forge) return told(context, options, exit, await untold(forge.writeCheck(report.check)));
  context.stdout.write(`${report.pages.join('\n\n')}\n`);
  return exit;
};

function pullQueued(options: Options, forge: Forge, history: GitHistory, group: MergeGroup) {
  const remote = options.remote ?? 'origin';
  return pullOfGroup(forge, history, group, ({ number }) =>
    history.fetch(remote, [`refs/pull/${number}/head`]),
  );
}

/** Plans them all; what keeps one from being planned keeps no other. That one is refused, its own check says. */
async function planAll(
  context: Context,
  options: Options,
  forge: Forge,
  history: GitHistory,
  store: Store | undefined,
): Promise<ExitStatus> {
  const remote = options.remote ?? 'origin';
  const base = options.base ?? history.defaultBranch(remote) ?? 'main';
  const failed: ExitStatus[] = [];
  for (const pull of await forge.openPullRequests(base)) {
    try {
      const one = await planOne(context, { ...options, artifact: undefined }, forge, history, store, pull);
      if (one === EXIT.error) failed.push(one);
    } catch (error) {
      note(context, options, `#${pull.number}: not planned`);
      const isKnown = error instanceof Failure;
      sayProblems(context, options, isKnown ? error.problems : [unexpected(error)]);
      failed.push(isKnown ? error.exit : EXIT.error);
    }
  }
  return failed.sort((a, b) => b - a)[0] ?? EXIT.done;
}

async function planOne(
  context: Context,
  options: Omit<Options, 'artifact'> & { readonly artifact?: string | undefined },
  forge: Forge,
  history: GitHistory,
  store: Store | undefined,
  pull: PullRequest,
): Promise<ExitStatus> {
  if (pull.state !== 'open') {
    note(context, options, `#${pull.number} is ${pull.state}: nothing to plan`);
    return EXIT.done;
  }
  const remote = options.remote ?? 'origin';
  const head = `refs/pull/${pull.number}/head`;
  // What the base is now, not what it was when the pull request was pushed to last.
  const baseNow = (...more: string[]) => {
    history.fetch(remote, [`+refs/heads/${pull.baseRef}:refs/rolecall/base`, ...more]);
    return history.resolve('refs/rolecall/base');
  };
  let base = baseNow(head);
  let planned: Planned;
  for (let tried = 1; ; tried++) {
    const on = base;
    planned = await settled(() =>
      planPullRequest({
        ...asked(context, options, history, store),
        pull: { ...pull, base: on },
        asking: { forge, pull },
      }),
    );
    const now = await newest(forge, pull);
    if (now.head !== pull.head || now.baseRef !== pull.baseRef || now.state !== 'open') {
      const became =
        now.state === 'open' ? `is at ${now.head.slice(0, 12)} into ${now.baseRef}` : `is ${now.state}`;
      note(context, options, `#${pull.number} ${became} since this was planned: nothing is told of it`);
      return now.state === 'open' ? EXIT.stale : EXIT.done;
    }
    if (tried === MOST_TRIES || 'error' in planned) break;
    // Another run may have told already what is merged, or applied, meanwhile: this one must not say less after it.
    const became = baseNow();
    if (became === base && !(await hasStoreMoved(store, planned.report))) break;
    note(context, options, `#${pull.number}: its base or the store moved since this was planned: again`);
    base = became;
  }
  if ('error' in planned) {
    await untold(tellUnplanned(forge, pull.head, planned.error, configOf(history, base)));
    throw planned.error;
  }
  const { report } = planned;
  note(context, options, `#${pull.number}: ${report.check.title}`);
  if (pull.isFork && options.approvedForks === true && report.planned && !report.planned.stored)
    note(
      context,
      options,
      store
        ? `#${pull.number}: not against the store: nobody else who may write has approved of ${pull.head.slice(0, 12)}`
        : `#${pull.number}: not against the store: none is named`,
    );
  const exit = conclude(context, options, report);
  if (saysLess(pull, report)) {
    note(context, options, `#${pull.number}: with what the store adds it is told already`);
    return exit;
  }
  return told(context, options, exit, await tellPullRequest(forge, pull, report));
}

/** So often one is planned while what it is planned on moves. */
const MOST_TRIES = 4;

/** Whether somebody applied something since a plan with the store was made. */
async function hasStoreMoved(store: Store | undefined, { planned }: PullRequestReport): Promise<boolean> {
  if (!store || !planned?.stored) return false;
  const reading = await store.read();
  await reading.close();
  return reading.head.revision !== planned.stored.plan.base.revision;
}

/** The configuration of a commit; undefined where it cannot be read. */
function configOf(history: GitHistory, commit: string): GitOpsConfig | undefined {
  try {
    return readConfig(history.text(commit, CONFIG_FILE));
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

type Planned = { readonly report: PullRequestReport } | { readonly error: unknown };

/** What came of planning, whether or not it failed. */
async function settled(plan: () => Promise<PullRequestReport>): Promise<Planned> {
  try {
    return { report: await plan() };
  } catch (error) {
    return { error };
  }
}

/** The pull request as it is now: it may have been pushed to while it was planned. As it was, where the forge does not say. */
async function newest(forge: Forge, pull: PullRequest): Promise<PullRequest> {
  try {
    return await forge.pullRequest(pull.number);
  } catch (error) {
    if (error instanceof Failure) return pull;
    throw error;
  }
}

/** Says what could not be told. A plan that is refused stays that. */
function told(
  context: Context,
  options: { readonly quiet?: boolean },
  exit: ExitStatus,
  problems: readonly Problem[],
): ExitStatus {
  sayProblems(context, options, problems);
  return problems.length > 0 && exit === EXIT.done ? EXIT.error : exit;
}

function asked(
  context: Context,
  options: Pick<Options, 'approvedForks'> & { readonly artifact?: string | undefined },
  history: GitHistory,
  store: Store | undefined,
) {
  const run = context.env.GITHUB_RUN_ID;
  return {
    cwd: history.root,
    history,
    store,
    at: context.now(),
    approvedForks: options.approvedForks,
    elsewhere:
      options.artifact === undefined
        ? 'iam pr plan --artifact DIR writes them'
        : `in the artifact${run === undefined ? '' : ` of run ${run}`}`,
  };
}

/** The store that is named; a pull request is planned without one where none is. */
async function storeToAsk(context: Context, options: Options): Promise<Store | undefined> {
  return options.store === undefined && !context.env.IAM_STORE ? undefined : storeOf(options, context);
}

function conclude(
  context: Context,
  options: { readonly artifact?: string | undefined; readonly quiet?: boolean },
  { planned, problems, exit }: PullRequestReport,
): ExitStatus {
  sayProblems(context, options, problems);
  if (options.artifact !== undefined && planned) {
    const folder = path.resolve(context.cwd, options.artifact);
    mkdirSync(folder, { recursive: true });
    savePlan(path.join(folder, 'plan.json'), planned.stored ?? planned.difference);
  }
  return exit;
}

function noForge(what: string) {
  return failure(EXIT.invalid, 'RC121', what, 'set GITHUB_TOKEN, and --repo OWNER/NAME');
}
