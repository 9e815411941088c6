import type { Command } from 'commander';
import { type Limit, parseLimit } from '../core/limit.ts';
import { type Override, parseOverride } from '../core/override.ts';
import type { GuardSettings } from '../core/plan.ts';
import { EXIT, failure } from '../core/problem.ts';
import type { GlobalOptions } from './settings.ts';

/** Options of every command that makes a plan: they tighten the guards, or answer for what one of them refuses. */
export interface GuardOptions extends GlobalOptions {
  readonly maxRemovals?: string;
  readonly maxUpdates?: string;
  readonly maxPrivilegedGains?: string;
  readonly requireOwner?: readonly string[];
  readonly override?: readonly string[];
  readonly reason?: string;
}

export function addGuardOptions(command: Command): Command {
  return command
    .option('--max-removals <limit>', 'refuse when more is removed: 10% or a number (only tightens)')
    .option('--max-updates <limit>', 'refuse when more is updated (only tightens)')
    .option('--max-privileged-gains <limit>', 'refuse when more people gain Privileged roles (only tightens)')
    .option('--require-owner <name...>', 'who must stay an owner where he is one')
    .option('--override <code@digest...>', 'let this refusal of exactly this plan pass; needs --reason');
}

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

export function overridesOf(options: GuardOptions): Override[] {
  return (options.override ?? []).map(parseOverride);
}
