import path from 'node:path';
import type { Horizon } from '../core/horizon.ts';
import { EXIT, type ExitStatus, failure } from '../core/problem.ts';
import { isDenied } from '../core/verdict.ts';
import type { Planned } from '../engine/plan.ts';
import { type PlannedSource, planSource } from '../engine/plan-source.ts';
import { parseDuration } from '../kinds/time.ts';
import type { Context } from './context.ts';
import {
  type InputOptions,
  indexOf,
  overridingOf,
  planOptions,
  type ScopeOptions,
  sourceOf,
  storeOf,
} from './inputs.ts';
import { writeParts } from './parts.ts';
import { planJson, plannedSecret, type Shown, savePlan } from './plan-json.ts';
import type { Handler } from './program.ts';
import { denialProblems, note, reportProblems, reportWarnings } from './report.ts';
import { type GlobalOptions, paintFor, timeOption } from './settings.ts';

interface Options extends InputOptions, ScopeOptions {
  readonly output: 'text' | 'json' | 'markdown';
  readonly out?: string;
  readonly exitCode?: boolean;
  readonly at?: string;
  readonly horizon?: string;
  readonly full?: boolean;
}

export const command: Handler = async (context, _args, options: Options) => {
  const source = sourceOf(options, context);
  const horizon = horizonOf(options.horizon);
  const store = await storeOf(options, context);
  const planned = await planSource(store, source, {
    options: planOptions(options, context),
    at: timeOption(options.at, context),
    overriding: overridingOf(options, context),
    horizon,
    index: options.full === true ? undefined : indexOf(store, options, context),
    progress: context.progress,
  });
  try {
    planned.remember();
    return await show(context, options, planned, store.location);
  } finally {
    planned.close();
  }
};

/** `30m`, `24h`, `7d`. */
function horizonOf(text: string | undefined): Horizon | undefined {
  if (text === undefined) return undefined;
  const length = parseDuration(text);
  if (length === undefined)
    throw failure(
      EXIT.invalid,
      'RC121',
      `--horizon cannot be ${JSON.stringify(text)}`,
      'a number and m, h or d, such as 7d',
    );
  return { text, length };
}

async function show(
  context: Context,
  options: Options,
  planned: PlannedSource,
  location: string,
): Promise<ExitStatus> {
  await printPlan(context, options, planned, location);
  if (options.out !== undefined) {
    savePlan(path.resolve(context.cwd, options.out), planned);
    note(context, options, `wrote ${options.out}; apply exactly this with: iam apply --plan ${options.out}`);
  }
  return planExit(context, options, planned, options.exitCode ?? false);
}

/** Writes a plan to stdout in the form asked for. */
export async function printPlan(
  context: Context,
  options: { readonly output: 'text' | 'json' | 'markdown'; readonly verbose?: boolean },
  shown: Shown,
  store: string,
  title?: string,
): Promise<void> {
  const { plan, notes, time, due } = shown;
  const titled = title === undefined ? {} : { title };
  const timed = {
    ...(time === undefined ? {} : { time }),
    ...(due === undefined ? {} : { secrets: due.map(plannedSecret) }),
  };
  switch (options.output) {
    case 'json':
      writeParts(context.stdout, planJson(shown));
      return;
    case 'markdown': {
      const { planMarkdown } = await import('../render/plan-markdown.ts');
      context.stdout.write(
        planMarkdown(plan, notes, {
          store,
          ...timed,
          ...(title === undefined ? {} : { title: 'Difference', where: title }),
        }),
      );
      return;
    }
    case 'text': {
      const { planText } = await import('../render/plan-text.ts');
      const { stdout } = context;
      const most = options.verbose === true ? Infinity : 20;
      context.stdout.write(
        planText(plan, notes, {
          store,
          ...timed,
          ...titled,
          paint: paintFor(stdout),
          width: stdout.columns,
          most,
        }),
      );
    }
  }
}

/** Says what is wrong with a printed plan, and gives the exit status. */
export function planExit(
  context: Context,
  options: GlobalOptions & { readonly output: string },
  { plan, warnings, due = [] }: Pick<Planned, 'plan' | 'warnings'> & Partial<Pick<Planned, 'due'>>,
  exitCode: boolean,
): ExitStatus {
  if (isDenied(plan.verdicts)) {
    // In a text the verdicts stand in the plan; a program that reads JSON also gets them as any other failure.
    if (options.output === 'json')
      reportProblems(context, options, [...warnings, ...denialProblems(plan.verdicts)]);
    else reportWarnings(context, options, warnings);
    return EXIT.refused;
  }
  reportWarnings(context, options, warnings);
  return exitCode && plan.changes.length + due.length > 0 ? EXIT.pending : EXIT.done;
}
