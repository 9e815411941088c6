import { type Limit, parseLimit } from '../core/limit.ts';
import { type Override, parseOverride } from '../core/override.ts';
import type { GuardSettings } from '../core/plan.ts';
import { EXIT, failure } from '../core/problem.ts';
import type { GuardOptions } from './guard-options.ts';

/** What the command line asks of the guards. Throws a Failure (exit 4) for what is no limit. */
export function guardSettings(options: GuardOptions): GuardSettings {
  const limit = (name: string, text: string | undefined): Limit | undefined => {
    if (text === undefined) return undefined;
    const value = parseLimit(text);
    if (value === undefined)
      throw failure(
        EXIT.invalid,
        'RC121',
        `${name} cannot be ${JSON.stringify(text)}`,
        'a number, or a percentage such as 10%',
      );
    return value;
  };
  const maxRemovals = limit('--max-removals', options.maxRemovals);
  const maxUpdates = limit('--max-updates', options.maxUpdates);
  const maxPrivilegedGains = limit('--max-privileged-gains', options.maxPrivilegedGains);
  const owners = [...new Set(options.requireOwner ?? [])].sort();
  return {
    ...(maxRemovals === undefined ? {} : { maxRemovals }),
    ...(maxUpdates === undefined ? {} : { maxUpdates }),
    ...(maxPrivilegedGains === undefined ? {} : { maxPrivilegedGains }),
    ...(owners.length === 0 ? {} : { requireOwners: owners }),
  };
}

/** The denials that somebody answers for. Throws a Failure (exit 4) for what is none. */
export function overridesOf(options: GuardOptions): Override[] {
  return (options.override ?? []).map(parseOverride);
}
