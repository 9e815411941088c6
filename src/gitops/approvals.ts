import type { Problem } from '../core/problem.ts';
import type { Forge } from './forge.ts';
import type { Hand } from './objection.ts';

/** What somebody approved of: the plan that a refused apply gave the digest of. */
export interface Approval {
  readonly environment: string;
  readonly approved: string;
}

/**
 * Whose approval of a protected environment lets the hard refusals of a plan pass; why none does. It is for the plan of one
 * digest, and of nobody who had a hand in it.
 */
export async function approverOf(
  forge: Forge,
  { environment, approved }: Approval,
  digest: string,
  hand: Hand,
): Promise<{ readonly by: string } | { readonly void: Problem }> {
  const no = (why: string, hint?: string) => ({ void: voidApproval(environment, why, hint) });
  if (approved !== digest) return no(`it is for ${approved}, and this plan is ${digest}`);
  const [by, ...others] = new Set(await forge.approvalsOf(environment));
  if (by === undefined) return no('nobody approved of it in this run');
  // A run that was started again has the approvals of before, too, and does not tell them apart.
  if (others.length > 0)
    return no(`${[by, ...others].join(' and ')} did in this run, and it is not known who of this plan`);
  const objection = await hand(by);
  return objection ? no(objection.why, objection.hint) : { by };
}

function voidApproval(environment: string, why: string, hint?: string): Problem {
  return {
    code: 'RC606',
    severity: 'warn',
    message: `the approval of the environment ${environment} does not count: ${why}`,
    hint: hint ?? 'start a new run: it asks for an approval of what it refuses',
  };
}
