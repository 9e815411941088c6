import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PolicyFinding } from '../core/policy-evaluate.ts';
import type { PolicyWork } from '../core/policy-input.ts';
import { compareText, type Problem } from '../core/problem.ts';
import { type Identity, identity } from '../core/resource.ts';
import { nameSome, type Verdict } from '../core/verdict.ts';
import type { HostReport, HostTask } from './policy-host.ts';

/** What a policy with enforcement Audit found: for the audit log, not for the plan. */
export interface PolicyRemark {
  readonly policy: string;
  readonly message: string;
  readonly identity: Identity;
}

/**
 * Evaluates policies in a process of their own, each within its budget.
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

/** What one version of a policy finds. */
interface Found {
  readonly work: PolicyWork;
  readonly findings: readonly PolicyFinding[];
}

const VERSIONS: readonly PolicyWork['version'][] = ['both', 'store', 'manifest'];

/**
 * What each policy finds, by name of the policy, the store's version first.
 *
 * In a process of its own: an engine that runs out of memory in one string ends the process that it is in, whatever the
 * limits of a worker. Where that happens each policy is tried by itself, and the one that does it cannot be evaluated.
 */
export async function findViolations(
  work: readonly PolicyWork[],
  options: { budget?: number } = {},
): Promise<Found[]> {
  const sorted = [...work].sort(
    (a, b) => compareText(a.policy, b.policy) || VERSIONS.indexOf(a.version) - VERSIONS.indexOf(b.version),
  );
  const together = await askHost(sorted, options);
  if (together) return sorted.map((one, i) => ({ work: one, findings: together[i] ?? [] }));
  const found: Found[] = [];
  for (const one of sorted) {
    const [findings] = (sorted.length > 1 ? await askHost([one], options) : undefined) ?? [
      [{ item: -1, is: 'failure' as const, message: 'ends the process that evaluates it' }],
    ];
    found.push({ work: one, findings: findings ?? [] });
  }
  return found;
}

/** Undefined when the process ends without an answer. */
function askHost(work: readonly PolicyWork[], options: { budget?: number }): Promise<HostReport | undefined> {
  const host = fork(fileURLToPath(new URL('./policy-host.ts', import.meta.url)), [], {
    env: {},
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  });
  return new Promise((resolve, reject) => {
    host.once('message', (report) => {
      host.kill('SIGKILL');
      resolve(report as HostReport);
    });
    host.once('error', reject);
    host.once('exit', () => resolve(undefined));
    const task: HostTask = { work, options };
    // That it does not arrive is told by its end.
    host.send(task, () => {});
  });
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
  // A message that is the same for all does not say what it is about.
  const isPlain = code === 'RC301' && work.validations.some(({ message }) => message !== undefined);
  const said = isPlain
    ? ` (${nameSome([...new Set(about.map(({ what }) => what))].sort(compareText), 3)})`
    : '';
  const collect = (list: readonly (readonly string[])[]) => [...new Set(list.flat())].sort(compareText);
  return {
    code,
    class: 'hard',
    severity,
    message: tell(work, code, `${nameSome(messages)}${said}`),
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
