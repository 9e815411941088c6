import type { Command } from 'commander';
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
