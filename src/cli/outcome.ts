import type { Change, Plan } from '../core/plan.ts';
import type { Problem } from '../core/problem.ts';
import { showIdentity } from '../core/resource.ts';
import { outcomeOf } from '../engine/apply.ts';
import type { LeftOut } from '../engine/keep-going.ts';
import type { Context } from './context.ts';
import { listed } from './parts.ts';
import { note, reportProblems, type Voice } from './report.ts';

/** Each reason once, then a line for each resource. With -o json one document, with the warnings of the input. */
export function tellLeftOut(
  context: Context,
  options: Voice,
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

export function* outcomesOf(written: readonly Change[], leftOut: readonly LeftOut[]): Generator<unknown> {
  for (const change of written) yield outcomeOf(change);
  for (const one of leftOut) yield failedOutcome(one);
}

/** In parts: of a million changes it is long. */
export function* outcomeJson(
  plan: Plan,
  { revision, auditHead }: { revision: number; auditHead: string | null },
  outcomes: Iterable<unknown>,
  made: Readonly<Record<string, readonly unknown[]>> = {},
): Generator<string> {
  const { digest, summary, verdicts } = plan;
  yield `${JSON.stringify({ kind: 'Outcome', revision, digest, summary }).slice(0, -1)},"outcomes":[`;
  yield* listed(outcomes);
  const more = Object.fromEntries(Object.entries(made).filter(([, list]) => list.length > 0));
  const rest = { ...more, verdicts, auditHead };
  yield `],${JSON.stringify(rest).slice(1)}\n`;
}
