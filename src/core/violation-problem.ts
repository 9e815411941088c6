import type { Declared } from './manifest.ts';
import type { PlanInput } from './plan-changes.ts';
import type { Problem } from './problem.ts';
import type { Identity } from './resource.ts';
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
    const hint = outside && narrowed(violation, outside);
    return { code, severity: 'error' as const, message, place, hint: hint ?? violation.hint };
  });
}

function narrowed({ missing }: Violation, outside: ReadonlySet<Identity>): string | undefined {
  return missing !== undefined && outside.has(missing)
    ? 'it is in the input but outside of -n: apply once without -n'
    : undefined;
}
