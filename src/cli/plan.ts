import path from 'node:path';
import { EXIT, type ExitStatus } from '../core/problem.ts';
import { isDenied } from '../core/verdict.ts';
import type { Planned } from '../engine/plan.ts';
import { planSource } from '../engine/plan-source.ts';
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
import { gathered, listed, writeParts } from './parts.ts';
import type { Handler } from './program.ts';
import { denialProblems, note, problemItems, reportProblems, reportWarnings } from './report.ts';
import { type GlobalOptions, paintFor, timeOption } from './settings.ts';
import { beginWhole } from './whole-file.ts';

interface Options extends InputOptions, ScopeOptions {
  readonly output: 'text' | 'json' | 'markdown';
  readonly out?: string;
  readonly exitCode?: boolean;
  readonly at?: string;
  readonly full?: boolean;
}

export const command: Handler = async (context, _args, options: Options) => {
  const source = sourceOf(options, context);
  const store = await storeOf(options, context);
  const planned = await planSource(store, source, {
    options: planOptions(options, context),
    at: timeOption(options.at, context),
    overriding: overridingOf(options, context),
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

async function show(
  context: Context,
  options: Options,
  planned: Planned,
  location: string,
): Promise<ExitStatus> {
  await printPlan(context, options, planned, location);
  if (options.out !== undefined) {
    savePlan(path.resolve(context.cwd, options.out), planned);
    note(context, options, `wrote ${options.out}; apply exactly this with: iam apply --plan ${options.out}`);
  }
  return planExit(context, options, planned, options.exitCode ?? false);
}

/** A plan as one line of JSON, with all that is to be said of its input. In parts: of a million changes it is long. */
function* planJson({
  plan,
  notes,
  warnings,
}: Pick<Planned, 'plan' | 'notes' | 'warnings'>): Generator<string> {
  const { apiVersion, kind, digest, base, manager, prune, scope, guards, judges, at, summary, verdicts } =
    plan;
  const head = { apiVersion, kind, digest, base, manager, prune, scope, guards, judges, at, summary };
  yield `${JSON.stringify(head).slice(0, -1)},"changes":[`;
  yield* listed(plan.changes);
  yield '],"access":[';
  yield* listed(flattened(notes.accessByWorkspace()));
  yield `],${JSON.stringify({ verdicts, problems: problemItems(warnings) }).slice(1)}\n`;
}

function* flattened<T>(lists: Iterable<readonly T[]>): Generator<T> {
  for (const list of lists) yield* list;
}

/** Writes a plan to a file, whole or not at all. */
function savePlan(file: string, planned: Planned): void {
  const whole = beginWhole(file, 0o600);
  try {
    for (const part of gathered(planJson(planned))) whole.write(Buffer.from(part));
    whole.place();
  } finally {
    whole.drop();
  }
}

/** Writes a plan to stdout in the form asked for. */
export async function printPlan(
  context: Context,
  options: { readonly output: 'text' | 'json' | 'markdown'; readonly verbose?: boolean },
  { plan, notes, warnings }: Pick<Planned, 'plan' | 'notes' | 'warnings'>,
  store: string,
  title?: string,
): Promise<void> {
  const titled = title === undefined ? {} : { title };
  switch (options.output) {
    case 'json':
      writeParts(context.stdout, planJson({ plan, notes, warnings }));
      return;
    case 'markdown': {
      const { planMarkdown } = await import('../render/plan-markdown.ts');
      context.stdout.write(
        planMarkdown(plan, notes, {
          store,
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
        planText(plan, notes, { store, ...titled, paint: paintFor(stdout), width: stdout.columns, most }),
      );
    }
  }
}

/** Says what is wrong with a printed plan, and gives the exit status. */
export function planExit(
  context: Context,
  options: GlobalOptions & { readonly output: string },
  { plan, warnings }: Pick<Planned, 'plan' | 'warnings'>,
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
  return exitCode && plan.changes.length > 0 ? EXIT.pending : EXIT.done;
}
