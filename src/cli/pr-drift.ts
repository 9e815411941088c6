import { EXIT } from '../core/problem.ts';
import { CONFIG_FILE, readConfig } from '../gitops/config.ts';
import { driftPage, keepDriftIssue } from '../gitops/drift-issue.ts';
import { driftOf } from '../gitops/plan-request.ts';
import { gitHistory } from '../sources/git-history.ts';
import { giveNoOrders } from './actions-log.ts';
import { storeOf } from './inputs.ts';
import { forgeOf, type PullRequestOptions } from './pr-environment.ts';
import type { Handler } from './program.ts';
import { note } from './report.ts';

export const command: Handler = async (context, _args, options: PullRequestOptions) => {
  giveNoOrders(context);
  const history = gitHistory(context.cwd, context.env);
  const head = history.resolve(options.head ?? 'HEAD');
  const config = readConfig(history.text(head, CONFIG_FILE));
  const store = await storeOf(options, context);
  const drift = await driftOf({ cwd: history.root, history, config, store, at: context.now() }, store);
  const forge = forgeOf(options, context);
  if (forge) {
    const became = await keepDriftIssue(forge, drift, config.manager);
    note(context, options, `drift: ${drift.length}, issue ${became}`);
  } else if (drift.length > 0) context.stdout.write(`${driftPage(drift, config.manager)}\n`);
  else note(context, options, 'all is as it was applied');
  return drift.length > 0 ? EXIT.pending : EXIT.done;
};
