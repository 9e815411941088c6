import { type Access, createAccess } from '../core/access.ts';
import { isOwnerAt, ownersOf } from '../core/guards/owners.ts';
import type { Between } from '../core/judge.ts';
import { type Override, override, withWaysOut } from '../core/override.ts';
import { amended, type Plan } from '../core/plan.ts';
import type { Verdict } from '../core/verdict.ts';
import type { AuditRemark } from '../stores/store.ts';
import type { ActualState } from './actual-state.ts';

/** Who answers for what guards and policies refuse. */
export interface Overriding {
  readonly overrides: readonly Override[];
  readonly actor: string | null;
  readonly reason: string | null;
  /** Whether somebody in charge has approved of it elsewhere: then no one need own what hard refusals concern. */
  readonly isApproved?: boolean;
  /** Who answers, and how, where that is not who applies it: `by ana in a comment`. */
  readonly note?: string;
}

export const NO_OVERRIDES: Overriding = { overrides: [], actor: null, reason: null };

/** What the ledger must know of a plan beside its changes. */
export interface Judgement {
  readonly plan: Plan;
  readonly remarks: readonly AuditRemark[];
}

/**
 * A plan that guards have judged, judged by the policies too, and with what somebody answers for let through.
 *
 * Throws a Failure as `override` does. `at` in milliseconds.
 */
export async function judgePlan(
  plan: Plan,
  between: Between | undefined,
  overriding: Overriding,
  at: number,
  ask: ActualState['ask'] = async (question) => question(),
): Promise<Judgement> {
  const found = between ? await askPolicies(plan, between, at, ask) : { verdicts: [], remarks: [] };
  if (found.verdicts.length === 0 && overriding.overrides.length === 0)
    return { plan, remarks: found.remarks };
  const judged = [...plan.verdicts, ...withWaysOut(found.verdicts, () => plan.digest)];
  const { actor, reason, note = null } = overriding;
  let access: Access | undefined;
  const owns = (workspace: string) => {
    if (overriding.isApproved) return true;
    if (!between || actor === null) return false;
    access ??= createAccess(between.before);
    return isOwnerAt(ownersOf(between.before, access, workspace, at), actor, at);
  };
  const { verdicts, overridden } = await ask(() =>
    override(judged, overriding.overrides, () => plan.digest, { actor, reason, owns }),
  );
  const overrides = overridden.map(
    (verdict): AuditRemark => ({ action: 'override', identity: null, verdicts: [verdict], message: note }),
  );
  return { plan: amended(plan, { verdicts }), remarks: [...overrides, ...found.remarks] };
}

async function askPolicies(
  plan: Plan,
  { before, after, pairs }: Between,
  at: number,
  ask: ActualState['ask'],
): Promise<{ verdicts: readonly Verdict[]; remarks: AuditRemark[] }> {
  const policies = await ask(() =>
    [before, after].reduce((n, state) => n + state.ofKind('AccessPolicy').length, 0),
  );
  if (policies === 0) return { verdicts: [], remarks: [] };
  const { policyWork } = await import('../core/policy-input.ts');
  const work = await ask(() => policyWork({ before, after, pairs, access: plan.access, at }));
  if (work.length === 0) return { verdicts: [], remarks: [] };
  const { judgePolicies } = await import('./policies.ts');
  const { verdicts, remarks } = await judgePolicies(work);
  return {
    verdicts,
    remarks: remarks.map(({ identity, message }) => ({ action: 'policy', identity, verdicts: [], message })),
  };
}
