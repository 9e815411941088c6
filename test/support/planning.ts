import { expect } from 'vitest';
import { wholeActual } from '../../src/core/actual.ts';
import type { Declared } from '../../src/core/manifest.ts';
import { amended, type Plan } from '../../src/core/plan.ts';
import {
  NOTHING_SETTLED,
  type PlanInput,
  type PlanOptions,
  planChanges,
} from '../../src/core/plan-changes.ts';
import type { Stored } from '../../src/core/stored.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { askFetching } from './fetching.ts';
import { declare, NOW } from './resources.ts';

export const OPTIONS: PlanOptions = {
  manager: 'default',
  prune: false,
  pruneWorkspaces: [],
  adopt: false,
  workspace: undefined,
  deletes: [],
  guards: {},
  actor: null,
};

/** Plans resources, or what manifests declare, against what a store has. */
export function planOf(
  desired: readonly Resource[] | readonly Declared[],
  actual: readonly Stored[] = [],
  options: Partial<PlanOptions> = {},
): Plan {
  const declared = desired.flatMap((one) => ('resource' in one ? one : declare([one])));
  const base = { store: 'store-1', revision: 7 };
  const input = {
    desired: declared,
    settled: NOTHING_SETTLED,
    base,
    options: { ...OPTIONS, ...options },
    at: NOW,
  };
  const { plan } = planChanges({ ...input, actual: wholeActual(actual) });
  expect(fetching(actual, input)).toBe(JSON.stringify(plan));
  // As plain data, to be compared and taken apart.
  return amended(plan, { changes: JSON.parse(JSON.stringify(plan.changes)) });
}

/** The same plan, made by looking up what it needs; a text, since a plan has parts that are found out later. */
function fetching(stored: readonly Stored[], input: Omit<PlanInput, 'actual'>): string {
  return askFetching(stored, (actual) => JSON.stringify(planChanges({ ...input, actual }).plan)).answer;
}

/** `create User bo`, `update Group acme/devs: /spec/members/User:bo`: the changes of a plan, a line each. */
export function changesOf({ changes }: Plan): string[] {
  return changes.map(({ action, kind, namespace, name, previousName, fields }) => {
    const from = previousName === null ? '' : ` from ${previousName}`;
    const what = fields.map(({ path }) => path).join(' ');
    return `${action} ${kind} ${namespace === null ? '' : `${namespace}/`}${name}${from}${what === '' ? '' : `: ${what}`}`;
  });
}

/** `warn RC125 message`. */
export function problemsOf({ problems }: Plan): string[] {
  return problems.map(({ severity, code, message }) => `${severity} ${code} ${message}`);
}

/** `deny RC209 message`; of these codes only, when given. */
export function verdictsOf({ verdicts }: Pick<Plan, 'verdicts'>, ...codes: readonly string[]): string[] {
  return verdicts
    .filter(({ code }) => codes.length === 0 || codes.includes(code))
    .map(({ severity, code, message }) => `${severity} ${code} ${message}`);
}
