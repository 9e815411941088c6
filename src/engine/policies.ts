import { Worker } from 'node:worker_threads';
import type { PolicyFinding } from '../core/policy-evaluate.ts';
import type { PolicyWork } from '../core/policy-input.ts';
import { compareText, type Problem } from '../core/problem.ts';
import { type Identity, identity } from '../core/resource.ts';
import { nameSome, type Verdict } from '../core/verdict.ts';
import type { Report, Task } from './policy-worker.ts';

/** What a policy with enforcement Audit found: for the audit log, not for the plan. */
export interface PolicyRemark {
  readonly policy: string;
  readonly message: string;
  readonly identity: Identity;
}

/** How long one policy may take for one plan, in milliseconds (safety.md). */
const BUDGET = 2000;

/** What a worker may use of memory, in MiB: of its heap, and beside it (bytes are not on the heap). */
const MEMORY = 256;

const TOO_MUCH = `needs more than ${MEMORY} MiB`;

/** How often the memory beside the heap is looked at, in milliseconds. */
const LOOK_EVERY = 50;

/** Items for a worker at a time, so that it holds no second copy of a whole plan. */
const AT_A_TIME = 500;

/**
 * Evaluates policies in a worker, each within its budget.
 *
 * One that fails to evaluate, or is over its budget of time or memory, denies whatever its enforcement. The same whatever
 * the order of the policies and of what they look at.
 */
export async function judgePolicies(
  work: readonly PolicyWork[],
  options: { budget?: number } = {},
): Promise<{ verdicts: Verdict[]; remarks: PolicyRemark[] }> {
  const verdicts: Verdict[] = [];
  const remarks: PolicyRemark[] = [];
  for (const { work: one, findings } of await findViolations(work, options)) {
    const failures = findings.filter(({ is }) => is === 'failure');
    const violations = findings.filter(({ is }) => is === 'violation');
    if (failures.length > 0) verdicts.push(verdict(one, 'RC302', 'deny', failures));
    if (violations.length === 0) continue;
    if (one.enforcement === 'Audit') {
      const { message } = verdict(one, 'RC301', 'warn', violations);
      remarks.push({
        policy: one.policy,
        message,
        identity: identity('AccessPolicy', undefined, one.policy),
      });
    } else verdicts.push(verdict(one, 'RC301', one.enforcement === 'Deny' ? 'deny' : 'warn', violations));
  }
  return { verdicts, remarks };
}

/** What one version of a policy found. Index -1 is a failure that is about all items. */
export interface Found {
  readonly work: PolicyWork;
  readonly findings: readonly PolicyFinding[];
}

/** Each finding of each policy, by name of the policy, the store's version first. See `judgePolicies`. */
export async function findViolations(
  work: readonly PolicyWork[],
  { budget = BUDGET }: { budget?: number } = {},
): Promise<Found[]> {
  const sorted = [...work].sort(
    (a, b) => compareText(a.policy, b.policy) || VERSIONS.indexOf(a.version) - VERSIONS.indexOf(b.version),
  );
  const found: Found[] = [];
  let evaluator: Evaluator | undefined;
  try {
    for (const one of sorted) {
      evaluator ??= startEvaluator();
      const findings = await evaluator.evaluate(one, budget);
      if (typeof findings !== 'string') {
        found.push({ work: one, findings });
        continue;
      }
      // Whatever became of that worker, the next policy gets a new one.
      await evaluator.end();
      evaluator = undefined;
      found.push({ work: one, findings: [{ item: -1, is: 'failure', message: findings }] });
    }
  } finally {
    await evaluator?.end();
  }
  return found;
}

const VERSIONS: readonly PolicyWork['version'][] = ['both', 'store', 'manifest'];

interface Evaluator {
  /** The findings, or why there are none: then this evaluator is of no more use. */
  evaluate(work: PolicyWork, budget: number): Promise<readonly PolicyFinding[] | string>;
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

/** One finding by itself, as files that are judged without a plan are told. */
export function problemOf(work: PolicyWork, { is, message }: PolicyFinding): Problem {
  const code = is === 'failure' ? 'RC302' : 'RC301';
  const severity = code === 'RC302' || work.enforcement === 'Deny' ? 'error' : 'warn';
  return { code, severity, message: tell(work, code, message) };
}

function tell({ policy, version }: PolicyWork, code: 'RC301' | 'RC302', what: string): string {
  const name = version === 'store' ? `${policy} (as it is in the store)` : policy;
  return `policy ${name}${code === 'RC302' ? ' cannot be evaluated' : ''}: ${what}`;
}

function verdict(
  work: PolicyWork,
  code: 'RC301' | 'RC302',
  severity: Verdict['severity'],
  findings: readonly PolicyFinding[],
): Verdict {
  const { policy, items } = work;
  const messages = [...new Set(findings.map(({ message }) => message))].sort(compareText);
  const about = findings.flatMap(({ item }) => (item < 0 ? items : (items[item] ?? [])));
  const collect = (list: readonly (readonly string[])[]) => [...new Set(list.flat())].sort(compareText);
  return {
    code,
    class: 'hard',
    severity,
    message: tell(work, code, nameSome(messages)),
    numbers: {
      policy,
      violations: findings.length,
      workspaces: collect(about.map(({ workspaces }) => workspaces)),
      items: collect(about.map(({ what }) => [what])).slice(0, 20),
      causes: collect(about.map(({ causes }) => causes)),
    },
    override: null,
  };
}
