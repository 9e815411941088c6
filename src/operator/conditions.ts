import type { ClusterObject, ClusterStatus, Condition } from '../sources/cluster-object.ts';

/** What became of an object, as its conditions are to say it. */
export type Standing =
  /** As it is declared, so it is in the store. `message`: what it was applied with; left out where nothing was done. */
  | { readonly is: 'applied'; readonly revision: number; readonly hash: string; readonly changed: boolean }
  /** Nobody may change it now. */
  | { readonly is: 'paused'; readonly message: string }
  /** It will be tried again without anybody doing anything to it. */
  | { readonly is: 'waiting'; readonly reason: WaitingReason; readonly message: string }
  /** Only a change of it, or of what it is judged by, helps. */
  | { readonly is: 'stalled'; readonly reason: StalledReason; readonly message: string };

export type WaitingReason = 'DependencyNotReady' | 'StoreUnavailable' | 'SecretNotDelivered' | 'Retrying';
export type StalledReason = 'InvalidSpec' | 'Denied' | 'ManagedElsewhere' | 'DeletionDenied';

/** What is told beside how it stands. */
export interface Remarks {
  /** Whether its window is over. */
  readonly isExpired?: boolean;
  /** How the store differs, where it is left so. */
  readonly drift?: string | undefined;
}

/**
 * The status that an object is to have. Equal to the one that it has, when there is nothing to be said anew.
 *
 * `Ready` is always there; `Reconciling` and `Stalled` only while they are True (kstatus), and so `Drifted` and `Expired`. A time of
 * transition moves only when its status does. `now`: RFC 3339, whole seconds.
 */
export function statusOf(
  object: ClusterObject,
  standing: Standing,
  { isExpired = false, drift }: Remarks,
  facts: Pick<ClusterStatus, 'counts' | 'owners' | 'snapshot'>,
  now: string,
): ClusterStatus {
  const before = object.status ?? {};
  const generation = object.metadata.generation ?? 0;
  const asked = object.metadata.annotations?.['rolecall.dev/reconcile-requested-at'];
  const known = new Map((before.conditions ?? []).map((one) => [one.type, one]));
  const condition = (
    type: string,
    status: Condition['status'],
    reason: string,
    message: string,
  ): Condition => {
    const last = known.get(type);
    return {
      type,
      status,
      observedGeneration: generation,
      lastTransitionTime: last?.status === status ? last.lastTransitionTime : now,
      reason,
      message: cut(message),
    };
  };
  const conditions = [ready(standing, known.get('Ready'), generation, condition)];
  if (standing.is === 'waiting')
    conditions.push(condition('Reconciling', 'True', standing.reason, standing.message));
  if (standing.is === 'stalled')
    conditions.push(condition('Stalled', 'True', standing.reason, standing.message));
  if (drift !== undefined) conditions.push(condition('Drifted', 'True', 'Reported', drift));
  if (isExpired)
    conditions.push(condition('Expired', 'True', 'Expired', 'Its window is over: it gives nothing'));
  const hash = standing.is === 'applied' ? standing.hash : before.appliedHash;
  return {
    observedGeneration: generation,
    conditions,
    ...(hash === undefined ? {} : { appliedHash: hash }),
    ...(asked === undefined ? {} : { lastHandledReconcileAt: asked }),
    ...facts,
  };
}

function ready(
  standing: Standing,
  last: Condition | undefined,
  generation: number,
  condition: (type: string, status: Condition['status'], reason: string, message: string) => Condition,
): Condition {
  switch (standing.is) {
    case 'applied': {
      // Nothing was done: what was said of the last time stays so.
      if (!standing.changed && last?.status === 'True' && last.observedGeneration === generation) return last;
      return condition('Ready', 'True', 'Applied', `Applied revision ${standing.revision}`);
    }
    case 'paused':
      return condition('Ready', 'False', 'Paused', standing.message);
    case 'waiting':
    case 'stalled':
      return condition('Ready', 'False', standing.reason, standing.message);
  }
}

/** The longest message that a condition may have is 32,768 characters; nobody reads as many. */
const LONGEST = 1024;

function cut(message: string): string {
  if (message.length <= LONGEST) return message;
  // Half of a character does not arrive as it was sent: it would be said again and again.
  return `${message.slice(0, LONGEST - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** Whether an object says already what it is to say. */
export function isSaid(before: ClusterStatus | undefined, status: ClusterStatus): boolean {
  return before !== undefined && sorted(before) === sorted(status);
}

function sorted({ conditions = [], ...rest }: ClusterStatus): string {
  const inOrder = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, one]) => [name, inOrder(one)]),
        )
      : value;
  const byType = [...conditions].sort((a, b) => (a.type < b.type ? -1 : 1));
  return JSON.stringify([inOrder(rest), byType.map(inOrder)]);
}
