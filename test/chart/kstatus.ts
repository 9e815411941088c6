import type { ClusterObject } from '../../src/sources/cluster-object.ts';

/** What a tool that goes by kstatus takes an object for. */
export type KStatus = 'InProgress' | 'Failed' | 'Current' | 'Terminating';

/** The published rules for kinds that kstatus does not know of itself, in their order. */
export function kstatus({ metadata, status }: ClusterObject): KStatus {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (status?.observedGeneration !== undefined && status.observedGeneration !== metadata.generation)
    return 'InProgress';
  const conditions = status?.conditions ?? [];
  for (const { type, status: is } of conditions) {
    if (type === 'Reconciling' && is === 'True') return 'InProgress';
    if (type === 'Stalled' && is === 'True') return 'Failed';
  }
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready === undefined || ready.status === 'True' ? 'Current' : 'InProgress';
}
