import { readFileSync } from 'node:fs';
import path from 'node:path';
import { EXIT, type ExitStatus, failure } from '../core/problem.ts';
import { readPlan } from '../core/replay.ts';
import { withActual } from '../engine/actual-state.ts';
import type { SecretScope } from '../engine/due-secrets.ts';
import { readSource } from '../engine/load.ts';
import { nextMoment } from '../engine/passing.ts';
import { planSource } from '../engine/plan-source.ts';
import { planSaved } from '../engine/saved-plan.ts';
import type { Context } from './context.ts';
import { finish, type WriteOptions } from './finish.ts';
import { type InputOptions, indexOf, overridingOf, planOptions, sourceOf, storeOf } from './inputs.ts';
import type { Handler } from './program.ts';
import { managerName } from './settings.ts';

interface Options extends InputOptions, WriteOptions {
  readonly plan?: string;
  readonly watch?: boolean;
  readonly keepGoing?: boolean;
}

export const command: Handler = async (context, _args, options: Options) => {
  if (options.plan !== undefined) return applySaved(context, options, options.plan);
  if (options.watch === true) {
    if (context.interactive && options.yes !== true)
      throw failure(
        EXIT.invalid,
        'RC121',
        '--watch would ask at every change',
        'give --yes, and it applies each time without asking',
      );
    const { watchAndApply } = await import('./watch.ts');
    return watchAndApply(context, sourceOf(options, context), options, {
      apply: () => applyFiles(context, options),
      nextDue: async (time) =>
        nextMoment(await storeOf(options, context), secretScope(options, context), time),
    });
  }
  return applyFiles(context, options);
};

function secretScope(options: Options, context: Context): SecretScope {
  return { manager: managerName(options, context), workspace: options.workspace };
}

async function applyFiles(context: Context, options: Options): Promise<ExitStatus> {
  const source = sourceOf(options, context);
  const store = await storeOf(options, context);
  const making = {
    options: planOptions(options, context),
    at: context.now(),
    overriding: overridingOf(options, context),
    index: indexOf(store, options, context),
    progress: context.progress,
  };
  if (options.keepGoing !== true) {
    const planned = await planSource(store, source, making);
    try {
      return await finish(context, options, store, planned);
    } finally {
      planned.close();
    }
  }
  const { planKeepingGoing } = await import('../engine/keep-going.ts');
  const input = await readSource(source, context.progress);
  const partly = await withActual(
    store,
    Infinity,
    (state) => planKeepingGoing(state, input, making.options, making.at, making.overriding),
    context.progress,
  );
  return finish(context, options, store, partly, { ...partly, keepGoing: true });
}

/** What a plan was made with is in the plan. */
const SAID_BY_PLAN = [
  'filename',
  'prune',
  'pruneWorkspace',
  'adopt',
  'watch',
  'maxRemovals',
  'maxUpdates',
  'maxPrivilegedGains',
  'requireOwner',
  'keepGoing',
] as const;

async function applySaved(context: Context, options: Options, file: string): Promise<ExitStatus> {
  const given = SAID_BY_PLAN.filter((name) => options[name] !== undefined);
  if (given.length > 0 || options.workspace !== undefined || options.manager !== undefined)
    throw failure(
      EXIT.invalid,
      'RC121',
      '--plan says all: no -f, -n, --manager, --prune, --prune-workspace, --adopt, --watch or limits of guards beside it',
      'leave them out',
    );
  const plan = readPlan(file, readPlanFile(context, file));
  const store = await storeOf(options, context);
  return finish(
    context,
    options,
    store,
    await planSaved(store, plan, overridingOf(options, context), context.now()),
  );
}

function readPlanFile(context: Context, file: string): string {
  try {
    return readFileSync(path.resolve(context.cwd, file), 'utf8');
  } catch (error) {
    throw failure(
      EXIT.invalid,
      'RC101',
      `${file}: cannot be read: ${error instanceof Error ? error.message.replace(/, open .*$/, '') : error}`,
    );
  }
}
