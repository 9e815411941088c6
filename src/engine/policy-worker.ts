import { parentPort } from 'node:worker_threads';
import { evaluatePolicy } from '../core/policy-evaluate.ts';
import type { PolicyWork } from '../core/policy-input.ts';

/** Evaluates one policy after the other as they come, and says so before it begins with each. */
parentPort?.on('message', (work: PolicyWork) => {
  parentPort?.postMessage({ type: 'found', findings: evaluatePolicy(work) });
});
parentPort?.postMessage({ type: 'ready' });
