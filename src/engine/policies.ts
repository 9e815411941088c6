import { Worker } from 'node:worker_threads';
import type { PolicyFinding } from '../core/policy-evaluate.ts';
import type { PolicyWork } from '../core/policy-input.ts';
import { compareText } from '../core/problem.ts';
import { type Identity, identity } from '../core/resource.ts';
import { nameSome, type Verdict } from '../core/verdict.ts';

/** What a policy with enforcement Audit found: for the audit log, not for the plan. */
export interface PolicyRemark {
  readonly policy: string;
  readonly message: string;
  readonly identity: Identity;
}

/** How long one policy may take for one plan, in milliseconds (safety.md). */
const BUDGET = 2000;

/** The heap that a worker may use, in MiB. */
const HEAP = 256;

/**
 * Evaluates policies in a worker, each within its budget.
 *
 * One that fails to evaluate, or is over its budget of time or memory, denies whatever its enforcement.
 */
export async function judgePolicies(
  work: readonly PolicyWork[],
  { budget = BUDGET }: { budget?: number } = {},
): Promise<{ verdicts: Verdict[]; remarks: PolicyRemark[] }> {
  const verdicts: Verdict[] = [];
  const remarks: PolicyRemark[] = [];
  for (const { one, findings } of await findAll(work, budget)) {
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

interface Found {
  readonly one: PolicyWork;
  readonly findings: readonly PolicyFinding[];
}

async function findAll(work: readonly PolicyWork[], budget: number): Promise<Found[]> {
  const found: Found[] = [];
  let evaluator: Evaluator | undefined;
  try {
    for (const one of work) {
      evaluator ??= await startEvaluator();
      const findings = await evaluator.evaluate(one, budget);
      if (typeof findings !== 'string') {
        found.push({ one, findings });
        continue;
      }
      // Whatever became of that worker, the next policy gets a new one.
      await evaluator.end();
      evaluator = undefined;
      found.push({ one, findings: [{ item: -1, is: 'failure', message: findings }] });
    }
  } finally {
    await evaluator?.end();
  }
  return found;
}

interface Evaluator {
  /** The findings, or why there are none. */
  evaluate(work: PolicyWork, budget: number): Promise<readonly PolicyFinding[] | string>;
  end(): Promise<void>;
}

type Message = { type: 'ready' } | { type: 'found'; findings: readonly PolicyFinding[] };

async function startEvaluator(): Promise<Evaluator> {
  const worker = new Worker(new URL('./policy-worker.ts', import.meta.url), {
    env: {},
    argv: [],
    stdin: false,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: HEAP, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
  });
  let settle: (answer: Message | string) => void = () => {};
  const next = () =>
    new Promise<Message | string>((resolve) => {
      settle = resolve;
    });
  worker.on('message', (message: Message) => settle(message));
  worker.on('error', (error: Error & { code?: string }) =>
    settle(
      error.code === 'ERR_WORKER_OUT_OF_MEMORY'
        ? `needs more than ${HEAP} MiB`
        : `cannot be evaluated: ${error.message}`,
    ),
  );
  worker.on('exit', () => settle('its worker ended'));
  const ready = await next();
  if (typeof ready === 'string') {
    await worker.terminate();
    throw new Error(`the worker for policies did not start: ${ready}`);
  }
  return {
    async evaluate(work, budget) {
      const answer = next();
      const timer = setTimeout(() => settle(`takes longer than ${budget / 1000} s for this plan`), budget);
      worker.postMessage(work);
      const message = await answer;
      clearTimeout(timer);
      return typeof message === 'string'
        ? message
        : message.type === 'found'
          ? message.findings
          : 'gives no answer';
    },
    async end() {
      await worker.terminate();
    },
  };
}

function verdict(
  { policy, version, items }: PolicyWork,
  code: 'RC301' | 'RC302',
  severity: Verdict['severity'],
  findings: readonly PolicyFinding[],
): Verdict {
  const messages = [...new Set(findings.map(({ message }) => message))].sort(compareText);
  const about = findings.flatMap(({ item }) => (item < 0 ? items : (items[item] ?? [])));
  const collect = (list: readonly (readonly string[])[]) => [...new Set(list.flat())].sort(compareText);
  const name = version === 'store' ? `${policy} (as it is in the store)` : policy;
  return {
    code,
    class: 'hard',
    severity,
    message: `policy ${name}${code === 'RC302' ? ' cannot be evaluated' : ''}: ${nameSome(messages)}`,
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
