import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { EXIT, type ExitStatus, Failure, failure, type Problem } from '../core/problem.ts';
import type { Forge, PullRequest } from '../gitops/forge.ts';
import {
  type PullRequestReport,
  planPullRequest,
  tellPullRequest,
  tellUnplanned,
  untold,
} from '../gitops/plan-pull-request.ts';
import { type GitHistory, gitHistory } from '../sources/git-history.ts';
import type { Store } from '../stores/store.ts';
import type { Context } from './context.ts';
import { storeOf } from './inputs.ts';
import { savePlan } from './plan-json.ts';
import { eventOf, forgeOf, type PullRequestOptions } from './pr-environment.ts';
import type { Handler } from './program.ts';
import { note, reportProblems } from './report.ts';

interface Options extends PullRequestOptions {
  readonly all?: boolean;
  readonly remote?: string;
  readonly artifact?: string;
}

export const command: Handler = async (context, _args, options: Options) => {
  const forge = forgeOf(options, context);
  const history = gitHistory(context.cwd, context.env);
  const event = eventOf(context);
  const number = options.pr === undefined ? event.number : Number(options.pr);
  if (number !== undefined && !(Number.isSafeInteger(number) && number > 0))
    throw failure(EXIT.invalid, 'RC121', `--pr cannot be ${JSON.stringify(options.pr)}`, 'its number');
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
  const report = await planPullRequest({ ...asked(context, options, history, store), pull });
  const exit = conclude(context, options, report);
  // A merge queue has a commit of its own, and no comments.
  if (forge) return told(context, options, exit, await untold(forge.writeCheck(report.check)));
  context.stdout.write(`${report.pages.join('\n\n')}\n`);
  return exit;
};

async function planAll(
  context: Context,
  options: Options,
  forge: Forge,
  history: GitHistory,
  store: Store | undefined,
): Promise<ExitStatus> {
  const remote = options.remote ?? 'origin';
  const base = options.base ?? history.defaultBranch(remote) ?? 'main';
  let exit: ExitStatus = EXIT.done;
  for (const pull of await forge.openPullRequests(base)) {
    try {
      const one = await planOne(context, { ...options, artifact: undefined }, forge, history, store, pull);
      // That it is refused, its own check says.
      if (one === EXIT.error) exit = one;
    } catch (error) {
      // The others are planned all the same.
      if (!(error instanceof Failure)) throw error;
      note(context, options, `#${pull.number}: not planned`);
      reportProblems(context, options, error.problems);
      exit = error.exit;
    }
  }
  return exit;
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
  // What the base is now, not what it was when the pull request was pushed to last.
  history.fetch(remote, [`+refs/heads/${pull.baseRef}:refs/rolecall/base`, `refs/pull/${pull.number}/head`]);
  const base = history.resolve('refs/rolecall/base');
  const planned = planPullRequest({
    ...asked(context, options, history, store),
    pull: { ...pull, base },
    asking: { forge, pull },
  });
  const report = await planned.catch(async (error: unknown) => {
    if (error instanceof Failure) await tellUnplanned(forge, pull.head, error);
    throw error;
  });
  note(context, options, `#${pull.number}: ${report.check.title}`);
  const exit = conclude(context, options, report);
  return told(context, options, exit, await tellPullRequest(forge, pull, report));
}

/** Says what could not be told. A plan that is refused stays that. */
function told(
  context: Context,
  options: { readonly quiet?: boolean },
  exit: ExitStatus,
  problems: readonly Problem[],
): ExitStatus {
  reportProblems(context, options, problems);
  return problems.length > 0 && exit === EXIT.done ? EXIT.error : exit;
}

function asked(
  context: Context,
  options: { readonly artifact?: string | undefined },
  history: GitHistory,
  store: Store | undefined,
) {
  const run = context.env.GITHUB_RUN_ID;
  return {
    cwd: history.root,
    history,
    store,
    at: context.now(),
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
  reportProblems(context, options, problems);
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
