import { isPaused } from '../core/plan-changes.ts';
import { EXIT, failure } from '../core/problem.ts';
import { showIdentity } from '../core/resource.ts';
import { planFrom } from '../engine/plan.ts';
import { finish, type WriteOptions } from './apply.ts';
import { overridingOf, planOptions, storeOf } from './inputs.ts';
import type { Handler } from './program.ts';
import { kindArgument, oneOf, readStore } from './read-store.ts';

interface Options extends WriteOptions {
  readonly withContents?: boolean;
}

/** A plan of one delete; with --with-contents the same plan as `apply --prune-workspace`. */
export const command: Handler = async (context, [word = '', name = ''], options: Options) => {
  const kind = kindArgument(word);
  const contents = options.withContents ?? false;
  if (contents && kind !== 'Workspace') {
    throw failure(
      EXIT.invalid,
      'RC121',
      `--with-contents goes with a Workspace, not a ${kind}`,
      'leave it out',
    );
  }
  const { head, stored } = await readStore(context, options);
  const one = oneOf(stored, kind, name, options.workspace);
  if (isPaused(one.resource)) {
    throw failure(
      EXIT.invalid,
      'RC124',
      `${showIdentity(one.id)} is paused and cannot be deleted`,
      'lift the annotation rolecall.dev/paused first',
    );
  }
  const base = planOptions(options, context);
  const plan = contents
    ? { ...base, workspace: undefined, pruneWorkspaces: [name] }
    : { ...base, workspace: undefined, deletes: [one.id] };
  const planned = await planFrom(head, stored, [], plan, context.now(), overridingOf(options, context));
  return finish(context, options, await storeOf(options, context), planned);
};
