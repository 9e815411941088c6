import { setTimeout as sleep } from 'node:timers/promises';
import type { Peppers } from '../engine/peppers.ts';
import type { Sinks } from '../engine/sinks.ts';
import { WorkQueue, type WorkResult } from '../engine/work-queue.ts';
import { KIND_NAMES, type KindName } from '../kinds/index.ts';
import { collectionPath } from '../sources/cluster-names.ts';
import type { ClusterObject } from '../sources/cluster-object.ts';
import { type Kube, KubeError } from '../sources/kube.ts';
import type { Store } from '../stores/store.ts';
import { backOff } from './back-off.ts';
import type { Events } from './events.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { createAlarm } from './next-moment.ts';
import { isGlobal, type Key, Objects, workspaceKey } from './objects.ts';
import type { Operation } from './operation.ts';
import { reconcile } from './reconcile.ts';
import { type Reflector, type ReflectorTiming, reflect } from './reflector.ts';
import { createSnapshotCopies } from './snapshot-copies.ts';
import { createSnapshots, type Snapshots, type SnapshotsOptions } from './snapshots.ts';

export interface OperatorOptions {
  readonly kube: Kube;
  /** Opened by the first that needs it. */
  readonly store: Store;
  /** Which install it is: its manager in the store is `operator:<install>`. */
  readonly install: string;
  /** Of which class the objects are that it looks after (`rolecall.dev/class`); without one those that name none. */
  readonly ofClass?: string | undefined;
  /** The namespaces that it looks after; all when there are none. */
  readonly namespaces: readonly string[];
  /** Milliseconds. */
  readonly interval: number;
  readonly log: Log;
  readonly events: Events;
  readonly metrics: Metrics;
  readonly sinks: Sinks;
  readonly peppers: () => Peppers;
  /** Where the snapshots are kept, which must be nobody else's, and the version that they name. */
  readonly snapshots: Pick<SnapshotsOptions, 'folder' | 'version'>;
  /** Whether copies of them are kept in ConfigMaps, which all who may view a namespace read. */
  readonly copiesSnapshots: boolean;
  readonly now: () => number;
  readonly random: () => number;
  readonly timing?: Partial<ReflectorTiming>;
}

/** One operator in one process: it follows the cluster from when it is made, and works from when it leads. */
export interface Operator {
  /** Resolves once all that is in the cluster is known. */
  readonly synced: Promise<void>;
  readonly isSynced: boolean;
  /** Why it does not go on as it should; undefined while it does. */
  readonly stuck: string | undefined;
  /** Begins to work. Must be called only by whoever leads, once, and after `synced`. */
  lead(): Promise<void>;
  /** Begins nothing more; resolves once nothing of it runs. */
  stop(): Promise<void>;
  readonly objects: Objects;
  readonly snapshots: Snapshots;
}

/** Milliseconds for which changes are gathered: what comes together is planned together. */
const GATHERED = 200;

/** Milliseconds: who works on one key for longer hangs. */
const LONGEST_WORK = 600_000;

export function createOperator(options: OperatorOptions): Operator {
  const { kube, store, install, log, metrics, now, random } = options;
  const manager = `operator:${install}`;
  const objects = new Objects(options.ofClass);
  const stale = new Set<string>();
  const snapshots = createSnapshots({
    ...options.snapshots,
    store,
    now,
    changed: (workspaces) => {
      for (const workspace of workspaces) stale.add(workspace);
    },
  });
  let operation: Operation | undefined;
  let isLeading = false;
  let isStopped = false;
  const queue = new WorkQueue<Key>({
    // What is global comes first: workspaces are planned on it.
    rank: (key) => (key === 'global' ? 0 : 1),
    observer: metrics.queue,
    random,
    async work(key): Promise<WorkResult> {
      if (!operation) throw new Error('nobody leads');
      const result = await reconcile(operation, key);
      alarm.set();
      return result;
    },
    failed(key, error, wait) {
      // That others change what is being written is nothing to look into.
      const level = error instanceof KubeError && error.status === 409 ? 'debug' : 'warn';
      log[level]('could not be reconciled, and is tried again', { key, error, wait: Math.round(wait) });
      alarm.set();
    },
  });
  const alarm = createAlarm({
    store,
    manager,
    objects,
    now,
    wake: (key) => queue.add(key),
    failed: (error) => log.warn('the next moment is not known', { error }),
    told: metrics.nextExpiry,
  });
  const take = (kind: KindName, type: 'added' | 'changed' | 'deleted', object: ClusterObject) => {
    const key = objects.take(kind, type, object);
    if (!isLeading || key === undefined) return;
    queue.addAfter(key, GATHERED);
    // What is in a namespace waits for its Workspace, whatever else it waits for.
    if (kind === 'Workspace') queue.addAfter(workspaceKey(object.metadata.name), GATHERED);
  };
  const reflectors: Reflector<ClusterObject>[] = KIND_NAMES.flatMap((kind) =>
    placesOf(kind, options.namespaces).map((namespace) =>
      reflect<ClusterObject>({
        kube,
        path: collectionPath(kind, namespace),
        onChange: ({ type, object }) => take(kind, type, object),
        log,
        ...(options.timing ? { timing: options.timing } : {}),
      }),
    ),
  );
  for (const reflector of reflectors) reflector.start();
  const synced = Promise.all(reflectors.map((reflector) => reflector.synced)).then(() => {});
  return {
    synced,
    objects,
    snapshots,
    get isSynced() {
      return reflectors.every(({ isSynced }) => isSynced);
    },
    get stuck() {
      const dead = reflectors.find(({ isAlive }) => !isAlive);
      if (dead) return `${dead.path} is not followed`;
      const since = queue.workingSince;
      if (since !== undefined && performance.now() - since > LONGEST_WORK)
        return 'a key is worked on for too long';
      return undefined;
    },
    async lead() {
      const account = await accountOf(kube, log, () => isStopped);
      if (isStopped) return;
      operation = {
        ...options,
        objects,
        manager,
        account,
        wake: (key) => queue.add(key),
        snapshots,
        copies: options.copiesSnapshots ? createSnapshotCopies(kube, snapshots, log) : undefined,
        memory: { facts: new Map(), stale, refused: new Map() },
      };
      isLeading = true;
      const keys = objects.keys();
      log.info('working', { account, keys: keys.length });
      for (const key of keys) queue.add(key);
      queue.start();
      alarm.set();
    },
    async stop() {
      isStopped = true;
      isLeading = false;
      alarm.stop();
      await Promise.all([queue.stop(), ...reflectors.map((reflector) => reflector.stop())]);
    },
  };
}

/** Where objects of a Kind are looked for. */
function placesOf(kind: KindName, namespaces: readonly string[]): readonly (string | undefined)[] {
  return isGlobal(kind) || namespaces.length === 0 ? [undefined] : namespaces;
}

/**
 * Who the API server takes us for; null where it does not say. Asks until it answers, or it is stopped.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#self-subject-review
 */
async function accountOf(kube: Kube, log: Log, isStopped: () => boolean): Promise<string | null> {
  const waits = backOff();
  while (!isStopped()) {
    try {
      const answer = await kube.request<{
        readonly status?: { readonly userInfo?: { readonly username?: string } };
      }>({
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      });
      return answer.status?.userInfo?.username ?? null;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.status === 403 || error.status === 404) return null;
      const wait = waits.failed(error.retryAfter);
      log.warn('it is not known who this is, for now', { error, wait: Math.round(wait) });
      await sleep(wait);
    }
  }
  return null;
}
