import type { PlanTime } from '../core/horizon.ts';
import type { Plan, PlanNotes } from '../core/plan.ts';
import type { PlannedSecret } from '../core/secret.ts';
import type { Verdict } from '../core/verdict.ts';
import { count, wrap } from './lines.ts';
import { accessText, changesText, type PartOptions, verdictLines } from './plan-parts.ts';
import { planSecretTexts } from './plan-secrets.ts';
import { planTimeTexts } from './plan-time.ts';
import { planScope, planSummary } from './plan-words.ts';

export interface PlanTextOptions extends PartOptions {
  /** Where it was made, without a password. */
  readonly store: string;
  /** Instead of the first line that names store, manager and scope. */
  readonly title?: string;
  /** What it says of time; left out where there is no store. */
  readonly time?: PlanTime;
  /** The secrets that the apply is going to issue. */
  readonly secrets?: readonly PlannedSecret[];
}

/** A plan for people at a terminal: what refuses first, then people's access by risk, then the changes. */
export function planText(plan: Plan, notes: PlanNotes, options: PlanTextOptions): string {
  const { paint, store, width } = options;
  const parts = [wrap(options.title ?? planScope(plan, store), width, '  ')];
  if (plan.verdicts.length > 0) parts.push(verdictsText(plan.verdicts, options));
  const times = [
    ...planSecretTexts(options.secrets ?? [], options),
    ...(options.time ? planTimeTexts(plan, options.time, options) : []),
  ];
  if (plan.changes.length === 0) {
    parts.push(
      `${paint('good', 'Nothing to do.')} ${count(plan.summary.unchanged, 'resource')} as declared.`,
      ...times,
    );
    return `${parts.join('\n\n')}\n`;
  }
  const access = accessText(notes, options);
  if (access !== undefined) parts.push(access);
  else if (!plan.verdicts.some(({ severity }) => severity === 'deny')) parts.push("Nobody's access changes.");
  parts.push(changesText(plan.changes, options), ...times);
  parts.push(`${paint('strong', planSummary(plan))}\n${paint('faint', `digest ${plan.digest}`)}`);
  return `${parts.join('\n\n')}\n`;
}

function verdictsText(verdicts: readonly Verdict[], options: Pick<PartOptions, 'paint' | 'width'>): string {
  return [options.paint('strong', 'Verdicts'), ...verdictLines(verdicts, options)].join('\n');
}
