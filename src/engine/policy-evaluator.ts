import { Worker } from 'node:worker_threads';
import type { PolicyFinding } from '../core/policy-evaluate.ts';
import type { PolicyWork } from '../core/policy-input.ts';
import type { Report, Task } from './policy-worker.ts';

/** How long one policy may take for one plan, in milliseconds (safety.md). */
const BUDGET = 2000;

/** What a worker may use of memory, in MiB: of its heap, and beside it (bytes are not on the heap). */
const MEMORY = 256;

const TOO_MUCH = `needs more than ${MEMORY} MiB`;

/** How often the memory beside the heap is looked at, in milliseconds. */
const LOOK_EVERY = 50;

/** Items for a worker at a time, so that it holds no second copy of a whole plan. */
const AT_A_TIME = 500;

/** Evaluates each policy in a worker: what each finds, in their order. Index -1 is a failure that is about all items. */
export async function evaluatePolicies(
  work: readonly PolicyWork[],
  { budget = BUDGET }: { budget?: number } = {},
): Promise<PolicyFinding[][]> {
  const found: PolicyFinding[][] = [];
  let evaluator: Evaluator | undefined;
  try {
    for (const one of work) {
      evaluator ??= startEvaluator();
      const findings = await evaluator.evaluate(one, budget);
      if (typeof findings !== 'string') {
        found.push(findings);
        continue;
      }
      // Whatever became of that worker, the next policy gets a new one.
      await evaluator.end();
      evaluator = undefined;
      found.push([{ item: -1, is: 'failure', message: findings }]);
    }
  } finally {
    await evaluator?.end();
  }
  return found;
}

interface Evaluator {
  /** The findings, or why there are none: then this evaluator is of no more use. */
  evaluate(work: PolicyWork, budget: number): Promise<PolicyFinding[] | string>;
  end(): Promise<void>;
}

/** Why a worker says no more. */
class Lost extends Error {}

function startEvaluator(): Evaluator {
  const { worker, next, lose } = startWorker();
  let isReady = false;
  /** The time counts from when the worker has the items and begins with them. */
  const evaluateSome = async (task: Task, budget: number, tooLong: string) => {
    worker.postMessage(task);
    await next();
    const begun = performance.now();
    const timer = setTimeout(lose, budget, tooLong);
    try {
      const findings = await next();
      return { findings: typeof findings === 'string' ? [] : findings, took: performance.now() - begun };
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    async evaluate({ validations, items }, budget) {
      const stopWatching = watchMemory(worker, lose);
      try {
        if (!isReady) await next();
        isReady = true;
        const tooLong = `takes longer than ${budget / 1000} s for this plan`;
        const found: PolicyFinding[] = [];
        let left = budget;
        for (let from = 0; from < items.length; from += AT_A_TIME) {
          const some = items.slice(from, from + AT_A_TIME);
          const task: Task = { validations: from === 0 ? validations : null, items: some };
          const { findings, took } = await evaluateSome(task, left, tooLong);
          for (const one of findings) found.push({ ...one, item: from + one.item });
          left -= took;
        }
        return found;
      } catch (error) {
        if (error instanceof Lost) return error.message;
        throw error;
      } finally {
        stopWatching();
      }
    },
    async end() {
      await worker.terminate();
    },
  };
}

/** A worker, and its reports in the order in which it makes them; `next` throws Lost when there are no more. */
function startWorker() {
  const worker = new Worker(new URL('./policy-worker.ts', import.meta.url), {
    env: {},
    argv: [],
    stdin: false,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
  });
  const reports: Report[] = [];
  let lost: string | undefined;
  let wake = () => {};
  const lose = (why: string) => {
    lost ??= why;
    wake();
  };
  worker.on('message', (report: Report) => {
    reports.push(report);
    wake();
  });
  worker.on('error', (error: Error & { code?: string }) =>
    lose(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? TOO_MUCH : `its worker failed: ${error.message}`),
  );
  worker.on('exit', () => lose('its worker ended'));
  const next = async (): Promise<Report> => {
    for (;;) {
      if (lost !== undefined) throw new Lost(lost);
      const report = reports.shift();
      if (report !== undefined) return report;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { worker, next, lose };
}

/** Loses a worker that uses too much memory beside its heap, which its limits do not see. Gives what ends the watch. */
function watchMemory(worker: Worker, lose: (why: string) => void): () => void {
  const timer = setInterval(() => {
    worker.getHeapStatistics().then(
      ({ external_memory }) => {
        if (external_memory > MEMORY * 2 ** 20) lose(TOO_MUCH);
      },
      // A worker that has ended has none, and its events tell why.
      () => {},
    );
  }, LOOK_EVERY);
  return () => clearInterval(timer);
}
