import type { PlanTime } from '../core/horizon.ts';
import type { PlannedSecret } from '../core/secret.ts';
import type { DueSecret } from '../engine/due-secrets.ts';
import type { Planned } from '../engine/plan.ts';
import { beginWhole } from '../engine/whole-file.ts';
import { flattened, gathered, listed } from './parts.ts';
import { problemItems } from './report.ts';

/** What is told of a plan; of time only where there is a store. */
export type Shown = Pick<Planned, 'plan' | 'notes' | 'warnings'> &
  Partial<Pick<Planned, 'due'>> & { readonly time?: PlanTime };

/** A plan as one line of JSON, with all that is to be said of its input. In parts: of a million changes it is long. */
export function* planJson({ plan, notes, warnings, time, due }: Shown): Generator<string> {
  const { apiVersion, kind, digest, base, manager, prune, scope, guards, judges, at, summary, verdicts } =
    plan;
  const head = { apiVersion, kind, digest, base, manager, prune, scope, guards, judges, at, summary };
  yield `${JSON.stringify(head).slice(0, -1)},"changes":[`;
  yield* listed(plan.changes);
  yield '],"access":[';
  yield* listed(flattened(notes.accessByWorkspace()));
  const rest = { ...time, ...(due && { secrets: due.map(plannedSecret) }) };
  yield `],${JSON.stringify({ ...rest, verdicts, problems: problemItems(warnings) }).slice(1)}\n`;
}

export function plannedSecret({ token: { metadata, spec }, due }: DueSecret): PlannedSecret {
  const { namespace = null, name } = metadata;
  return { namespace, name, file: spec.deliverTo?.file ?? '', due };
}

/** Writes a plan to a file, whole or not at all. */
export function savePlan(file: string, planned: Shown): void {
  const whole = beginWhole(file, 0o600);
  try {
    for (const part of gathered(planJson(planned))) whole.write(Buffer.from(part));
    whole.place();
  } finally {
    whole.drop();
  }
}
