import type { KindName } from '../kinds/index.ts';
import type { Declared } from './manifest.ts';
import type { PlanInput } from './plan-changes.ts';
import type { Problem } from './problem.ts';
import { type Identity, identity } from './resource.ts';
import type { Violation } from './validate.ts';

/** Violations with their places in the input. */
export function toProblems(
  violations: readonly Violation[],
  desired: readonly Declared[],
  input?: Pick<PlanInput, 'desired' | 'options'>,
): Problem[] {
  if (violations.length === 0) return [];
  const byId = new Map(desired.map((declared) => [declared.id, declared]));
  const outside =
    input && input.options.workspace !== undefined ? new Set(input.desired.map(({ id }) => id)) : undefined;
  return violations.map((violation) => {
    const own = byId.get(violation.id);
    const place = own ? own.place(violation.pointer) : byId.get(violation.cause ?? '')?.place();
    const { code, message } = violation;
    const hint = code === 'RC112' && outside ? narrowed(violation, outside) : undefined;
    return { code, severity: 'error' as const, message, place, hint: hint ?? violation.hint };
  });
}

function narrowed({ message }: Violation, outside: ReadonlySet<Identity>): string | undefined {
  const match = /there is no (\w+) "([^"]+)"/.exec(message);
  const id = match && identity(match[1] as KindName, undefined, match[2] ?? '');
  return id && outside.has(id) ? 'it is in the input but outside of -n: apply once without -n' : undefined;
}
