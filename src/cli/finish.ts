import { endedOf } from '../core/horizon.ts';
import { EXIT, type ExitStatus, Failure, failure } from '../core/problem.ts';
import { isDenied } from '../core/verdict.ts';
import { type Applied, applyPlan, recordRefusal } from '../engine/apply.ts';
import type { Delivered } from '../engine/deliver.ts';
import type { PartlyPlanned } from '../engine/keep-going.ts';
import type { Planned } from '../engine/plan.ts';
import type { PlannedSource } from '../engine/plan-source.ts';
import { wrap } from '../render/lines.ts';
import type { Act, Store, StoredMoment } from '../stores/store.ts';
import type { Context } from './context.ts';
import { actOf, overridingOf, type ScopeOptions } from './inputs.ts';
import { outcomeJson, outcomesOf, tellLeftOut } from './outcome.ts';
import { writeParts } from './parts.ts';
import { planExit, printPlan } from './plan.ts';
import { note, reportWarnings } from './report.ts';
import { retireAfter, retiredText } from './retire.ts';
import { paintFor } from './settings.ts';
import { type SnapshotOptions, snapshotAfter } from './snapshot-after.ts';

/** Options of every command that writes. */
export interface WriteOptions extends ScopeOptions, SnapshotOptions {
  readonly output: 'text' | 'json';
  readonly yes?: boolean;
  readonly expect?: string;
}

export interface Finishing extends Partial<Pick<PartlyPlanned, 'leftOut' | 'refused'>> {
  /** It takes access away, and is kept from it by no secret that is due. */
  readonly urgent?: boolean;
  /** What fails is left out, and keeps nothing else from being done. */
  readonly keepGoing?: boolean;
  /** Who does it, where that is not who manages what is changed. */
  readonly manager?: string;
}

type Finished = Planned & Partial<Pick<PlannedSource, 'remember'>>;

/** Everything after the plan: refuse, ask, apply, deliver secrets, retire what has ended, tell, snapshot. */
export async function finish(
  context: Context,
  options: WriteOptions,
  store: Store,
  planned: Finished,
  { leftOut = [], refused, urgent = false, keepGoing = false, manager }: Finishing = {},
): Promise<ExitStatus> {
  const { plan, warnings } = planned;
  const act = actOf(options, context, manager ?? plan.manager);
  if (options.expect !== undefined && options.expect !== plan.digest) {
    throw failure(
      EXIT.stale,
      'RC405',
      `the plan of now has the digest ${plan.digest}, not ${options.expect}; nothing was applied`,
      'plan again, and look at the new plan',
    );
  }
  if (isDenied(plan.verdicts)) return refuse(context, options, store, planned, act);
  const secrets = await import('./secrets.ts');
  const scope = { manager: act.manager, workspace: plan.scope.workspace ?? undefined };
  const delivering = secrets.deliveringOf(context, options, scope);
  const { revision } = plan.base;
  const orders = urgent
    ? []
    : await secrets.refuseUndeliverable(store, planned.due, delivering, revision, keepGoing);
  // With -o json stderr holds one document at most: the warnings of a success, or the failure.
  if (options.output !== 'json') reportWarnings(context, options, warnings);
  const isWork = plan.changes.length > 0 || orders.length > 0;
  if (isWork && !(await isWanted(context, options, store, planned))) return EXIT.error;
  // A pepper that is not to be had keeps the apply from being done by halves.
  if (orders.length > 0) delivering.peppers();
  if (refused) await recordRefusal(store, refused, act);
  const applied = await applyPlan(store, planned, act, overridingOf(options, context), context.progress);
  planned.remember?.(applied);
  if (applied.created) note(context, options, `created store ${store.location}`);
  const delivered = await secrets.deliverAfter(store, delivering, applied.revision, !urgent);
  const retired = await retireAfter(store, delivering.act());
  await tell(context, options, store, planned, { applied, delivered, retired, leftOut });
  if (options.snapshot !== false) await snapshotAfter(context, options, store, applied.revision);
  const { warnings: lost, failed } = delivered;
  const problems = [...failed, ...(retired instanceof Failure ? retired.problems : [])];
  const exit = retired instanceof Failure && failed.length === 0 ? retired.exit : delivered.exit;
  if (problems.length > 0) throw new Failure(keepGoing ? EXIT.partial : exit, problems);
  if (leftOut.length > 0) {
    tellLeftOut(context, options, leftOut, [...warnings, ...lost]);
    if (plan.changes.length > 0) return EXIT.partial;
    return refused ? EXIT.refused : EXIT.invalid;
  }
  reportWarnings(context, options, options.output === 'json' ? [...warnings, ...lost] : lost);
  return EXIT.done;
}

/** Records and shows what guards or policies refuse. */
async function refuse(
  context: Context,
  options: WriteOptions,
  store: Store,
  planned: Planned,
  act: Act,
): Promise<ExitStatus> {
  const { plan } = planned;
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

/** Whether to go on: on a terminal the plan is shown and a question asked, unless --yes answers it. */
async function isWanted(
  context: Context,
  options: WriteOptions,
  store: Store,
  planned: Planned,
): Promise<boolean> {
  if (!context.interactive || options.yes === true) return true;
  if (options.output === 'json')
    throw failure(
      EXIT.invalid,
      'RC121',
      '-o json on a terminal cannot ask',
      'give --yes, or look at the plan first: iam plan',
    );
  await printPlan(context, { ...options, output: 'text' }, planned, store.location);
  if (await context.confirm('Apply this plan?')) return true;
  note(context, options, 'declined, nothing was applied');
  return false;
}

interface Done extends Required<Pick<Finishing, 'leftOut'>> {
  readonly applied: Applied;
  readonly delivered: Pick<Delivered, 'issued' | 'removed'>;
  readonly retired: readonly StoredMoment[] | Failure;
}

/** Tells what was done, as one document or as text. */
async function tell(
  context: Context,
  options: WriteOptions,
  store: Store,
  { plan }: Planned,
  done: Done,
): Promise<void> {
  const { applied, leftOut } = done;
  const { stdout } = context;
  const { issuedJson, issuedWords } = await import('./secrets.ts');
  const { issued, removed } = done.delivered;
  const retired = done.retired instanceof Failure ? [] : done.retired;
  if (options.output === 'json') {
    const isNewHead = issued.length + retired.length > 0;
    const auditHead = isNewHead ? await auditHeadOf(store) : applied.auditHead;
    const made = { secrets: issued.map(issuedJson), retired: retired.map(endedOf) };
    const outcome = { revision: applied.revision, auditHead };
    writeParts(stdout, outcomeJson(plan, outcome, outcomesOf(applied.written, leftOut), made));
    return;
  }
  if (leftOut.length === 0 || plan.changes.length > 0) {
    const { outcomeText } = await import('../render/outcome-text.ts');
    const how = { paint: paintFor(stdout), quiet: options.quiet === true, width: stdout.columns };
    writeParts(stdout, outcomeText(plan, applied, how));
  }
  for (const one of issued) stdout.write(`${wrap(issuedWords(one), stdout.columns, '  ')}\n`);
  for (const file of removed) note(context, options, `removed ${file}, whose token is gone`);
  if (retired.length > 0 && options.quiet !== true) stdout.write(retiredText(retired, stdout.columns));
}

async function auditHeadOf(store: Store): Promise<string | null> {
  const reading = await store.read();
  await reading.close();
  return reading.head.auditHead;
}
