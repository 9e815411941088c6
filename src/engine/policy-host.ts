import type { PolicyFinding } from '../core/policy-evaluate.ts';
import type { PolicyWork } from '../core/policy-input.ts';
import { evaluatePolicies } from './policy-evaluator.ts';

/** What the host is asked once: policies in the order in which it evaluates them. */
export interface HostTask {
  readonly work: readonly PolicyWork[];
  readonly options: { readonly budget?: number };
}

/** What each of them finds, in the same order. */
export type HostReport = readonly (readonly PolicyFinding[])[];

process.once('message', ({ work, options }: HostTask) => {
  evaluatePolicies(work, options).then(
    (found: HostReport) => process.send?.(found),
    // It ends without an answer, and the policy denies.
    () => process.disconnect?.(),
  );
});
