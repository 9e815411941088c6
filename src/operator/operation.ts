import type { Peppers } from '../engine/peppers.ts';
import type { Sinks } from '../engine/sinks.ts';
import type { ClusterStatus } from '../sources/cluster-object.ts';
import type { Kube } from '../sources/kube.ts';
import type { Store } from '../stores/store.ts';
import type { Events } from './events.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Key, Objects } from './objects.ts';
import type { SnapshotCopies } from './snapshot-copies.ts';
import type { Snapshots } from './snapshots.ts';

/** What the operator works with, and on. */
export interface Operation {
  readonly kube: Kube;
  readonly store: Store;
  readonly objects: Objects;
  /** In the store: `operator:<install>`. */
  readonly manager: string;
  /** The account that it is in the cluster, as the API server says; null where it does not. */
  readonly account: string | null;
  /** Milliseconds after which the store is looked at again, though nothing changed in the cluster. */
  readonly interval: number;
  readonly log: Log;
  readonly events: Events;
  readonly metrics: Pick<Metrics, 'applied' | 'denied' | 'driftCorrected'>;
  readonly sinks: Sinks;
  readonly peppers: () => Peppers;
  readonly snapshots: Pick<Snapshots, 'refresh' | 'facts'>;
  /** Undefined where nobody asked for copies. */
  readonly copies: SnapshotCopies | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** Has a key worked on soon. */
  readonly wake: (key: Key) => void;
  /** What is known beside the objects; the reconciler's own. */
  readonly memory: Memory;
}

/** What is remembered from one reconcile to the next, and lost with the process. */
export interface Memory {
  /** The facts of each workspace that its Workspace says. */
  readonly facts: Map<string, Pick<ClusterStatus, 'counts' | 'owners' | 'snapshot'>>;
  /** The workspaces whose snapshots are others than they were told to have. */
  readonly stale: Set<string>;
  /** The digest of the plan that was last refused for a key: it is recorded once. */
  readonly refused: Map<Key, string>;
}
