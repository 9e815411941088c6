import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Change, Plan } from '../core/plan.ts';
import { EXIT, type ExitStatus, Failure, failure, type Problem } from '../core/problem.ts';
import { readPlan } from '../core/replay.ts';
import { showIdentity } from '../core/resource.ts';
import { isDenied } from '../core/verdict.ts';
import { withActual } from '../engine/actual-state.ts';
import { applyPlan, outcomeOf, recordRefusal } from '../engine/apply.ts';
import type { LeftOut, PartlyPlanned } from '../engine/keep-going.ts';
import { readSource } from '../engine/load.ts';
import type { Planned } from '../engine/plan.ts';
import { type PlannedSource, planSource } from '../engine/plan-source.ts';
import { planSaved } from '../engine/saved-plan.ts';
import { folderOfStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import type { Context } from './context.ts';
import {
  actOf,
  type InputOptions,
  indexOf,
  overridingOf,
  planOptions,
  type ScopeOptions,
  sourceOf,
  storeOf,
} from './inputs.ts';
import { listed, writeParts } from './parts.ts';
import { planExit, printPlan } from './plan.ts';
import type { Handler } from './program.ts';
import { note, reportProblems, reportWarnings } from './report.ts';
import { paintFor, storeUrl } from './settings.ts';

/** Options of every command that writes. */
export interface WriteOptions extends ScopeOptions {
  readonly output: 'text' | 'json';
  readonly yes?: boolean;
  readonly expect?: string;
  /** A folder; false with --no-snapshot. */
  readonly snapshot?: string | boolean;
}

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
    return watchAndApply(context, sourceOf(options, context), options, () => applyFiles(context, options));
  }
  return applyFiles(context, options);
};

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
  return finish(context, options, store, partly, partly);
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

const NOTHING_LEFT_OUT = { leftOut: [], refused: undefined };

/** Everything after the plan: refuse, ask, apply, tell, snapshot. */
export async function finish(
  context: Context,
  options: WriteOptions,
  store: Store,
  planned: Planned & Partial<Pick<PlannedSource, 'remember'>>,
  { leftOut, refused }: Pick<PartlyPlanned, 'leftOut' | 'refused'> = NOTHING_LEFT_OUT,
): Promise<ExitStatus> {
  const { plan, warnings } = planned;
  const act = actOf(options, context, plan.manager);
  if (options.expect !== undefined && options.expect !== plan.digest) {
    throw failure(
      EXIT.stale,
      'RC405',
      `the plan of now has the digest ${plan.digest}, not ${options.expect}; nothing was applied`,
      'plan again, and look at the new plan',
    );
  }
  if (isDenied(plan.verdicts)) {
    const { revision, auditHead } = await recordRefusal(store, plan, act);
    if (options.output === 'json') writeParts(context.stdout, outcomeJson(plan, { revision, auditHead }, []));
    else await printPlan(context, { ...options, output: 'text' }, planned, store.location);
    const exit = planExit(context, options, planned, false);
    const codes = [
      ...new Set(plan.verdicts.flatMap(({ severity, code }) => (severity === 'deny' ? [code] : []))),
    ];
    note(context, options, `refused (${codes.join(', ')}), nothing was applied`);
    return exit;
  }
  if (context.interactive && options.yes !== true && options.output === 'json' && plan.changes.length > 0)
    throw failure(
      EXIT.invalid,
      'RC121',
      '-o json on a terminal cannot ask',
      'give --yes, or look at the plan first: iam plan',
    );
  const asks =
    context.interactive && options.yes !== true && options.output !== 'json' && plan.changes.length > 0;
  // With -o json stderr holds one document at most: the warnings of a success, or the failure.
  if (options.output !== 'json') reportWarnings(context, options, warnings);
  if (asks) {
    await printPlan(context, { ...options, output: 'text' }, planned, store.location);
    if (!(await context.confirm('Apply this plan?'))) {
      note(context, options, 'declined, nothing was applied');
      return EXIT.error;
    }
  }
  if (refused) await recordRefusal(store, refused, act);
  const applied = await applyPlan(store, planned, act, overridingOf(options, context), context.progress);
  planned.remember?.(applied);
  if (applied.created) note(context, options, `created store ${store.location}`);
  if (options.output === 'json') {
    writeParts(context.stdout, outcomeJson(plan, applied, outcomesOf(applied.written, leftOut)));
  } else if (leftOut.length === 0 || plan.changes.length > 0) {
    const { outcomeText } = await import('../render/outcome-text.ts');
    const { quiet } = options;
    const { columns: width } = context.stdout;
    const how = { paint: paintFor(context.stdout), quiet: quiet === true, width };
    writeParts(context.stdout, outcomeText(plan, applied, how));
  }
  if (options.snapshot !== false) {
    await snapshotAfter(context, options, store, applied.revision);
  }
  if (leftOut.length > 0) {
    tellLeftOut(context, options, leftOut, warnings);
    if (plan.changes.length > 0) return EXIT.partial;
    return refused ? EXIT.refused : EXIT.invalid;
  }
  if (options.output === 'json') reportWarnings(context, options, warnings);
  return EXIT.done;
}

/** Each reason once, then a line for each resource. With -o json one document, with the warnings of the input. */
function tellLeftOut(
  context: Context,
  options: WriteOptions,
  leftOut: readonly LeftOut[],
  warnings: readonly Problem[],
): void {
  const reasons = [
    ...new Map(leftOut.map(({ problem }) => [`${problem.code} ${problem.message}`, problem])).values(),
  ];
  reportProblems(context, options, options.output === 'json' ? [...warnings, ...reasons] : reasons);
  for (const { id, problem } of leftOut)
    note(context, options, `left out, and as it was: ${showIdentity(id)} (${problem.code})`);
}

function failedOutcome({ id }: LeftOut) {
  const [kind, namespace, name] = id.split('/');
  return { kind, namespace: namespace || null, name, outcome: 'failed' };
}

function* outcomesOf(written: readonly Change[], leftOut: readonly LeftOut[]): Generator<unknown> {
  for (const change of written) yield outcomeOf(change);
  for (const one of leftOut) yield failedOutcome(one);
}

/** In parts: of a million changes it is long. */
function* outcomeJson(
  plan: Plan,
  { revision, auditHead }: { revision: number; auditHead: string | null },
  outcomes: Iterable<unknown>,
): Generator<string> {
  const { digest, summary, verdicts } = plan;
  yield `${JSON.stringify({ kind: 'Outcome', revision, digest, summary }).slice(0, -1)},"outcomes":[`;
  yield* listed(outcomes);
  yield `],${JSON.stringify({ verdicts, auditHead }).slice(1)}\n`;
}

/** Writes the snapshots; a failure says that the apply has happened all the same. */
async function snapshotAfter(
  context: Context,
  options: WriteOptions,
  store: Store,
  revision: number,
): Promise<void> {
  const { writeSnapshots } = await import('./snapshot-files.ts');
  try {
    const isDefault = typeof options.snapshot !== 'string';
    await writeSnapshots(context, options, store, snapshotFolder(context, options), isDefault);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const hint = `the store is at revision ${revision}; mend this, and the next apply writes the snapshot`;
    throw new Failure(
      error.exit,
      error.problems.map((problem) => ({ ...problem, message: `snapshot: ${problem.message}`, hint })),
    );
  }
}

/** Beside the database file; for a remote store below .iam. */
function snapshotFolder(context: Context, options: WriteOptions): string {
  if (typeof options.snapshot === 'string') return path.resolve(context.cwd, options.snapshot);
  const base = folderOfStore(storeUrl(options, context), context.cwd) ?? path.resolve(context.cwd, '.iam');
  return path.join(base, 'snapshot');
}
