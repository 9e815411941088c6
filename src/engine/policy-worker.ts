import { parentPort } from 'node:worker_threads';
import { compilePolicy, type EvaluateItems, type PolicyFinding } from '../core/policy-evaluate.ts';
import type { PolicyItem, PolicyWork } from '../core/policy-input.ts';

/** Items to evaluate, and with the first of a policy its validations. */
export interface Task {
  readonly validations: PolicyWork['validations'] | null;
  readonly items: readonly PolicyItem[];
}

/** What the worker says: once that it is there, then of each task that it begins, and what it found. */
export type Report = 'ready' | 'begun' | readonly PolicyFinding[];

let evaluate: EvaluateItems = () => [];

const say = (report: Report) => parentPort?.postMessage(report);

parentPort?.on('message', ({ validations, items }: Task) => {
  say('begun');
  if (validations) evaluate = compilePolicy(validations);
  say(evaluate(items));
});
say('ready');
