import { isPaused, NOTHING_SETTLED } from '../core/plan-changes.ts';
import { EXIT, failure } from '../core/problem.ts';
import { showIdentity } from '../core/resource.ts';
import { planFrom } from '../engine/plan.ts';
import { finish, type WriteOptions } from './finish.ts';
import { overridingOf, planOptions } from './inputs.ts';
import type { Handler } from './program.ts';
import { kindArgument, oneOf, withStore } from './read-store.ts';

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
  const [planned, store] = await withStore(context, options, async (state, store) => {
    const { actual, ask } = state;
    const one = await ask(() => oneOf(actual, kind, name, options.workspace));
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
    const nothing = { desired: [], settled: NOTHING_SETTLED };
    const overriding = overridingOf(options, context);
    return [await planFrom(state, nothing, plan, context.now(), overriding), store] as const;
  });
  return finish(context, options, store, planned, { urgent: true });
};
