import type { Peppers } from '../engine/peppers.ts';
import type { Kube } from '../sources/kube.ts';
import type { Store } from '../stores/store.ts';
import { createAccessReview } from './access-review.ts';
import { createEvents } from './events.ts';
import { type LeaseDurations, lead } from './leader-election.ts';
import type { Address } from './listener.ts';
import type { Log } from './log.ts';
import { createMetrics, type MeasuredObject } from './metrics.ts';
import { createOperator, type Operator, type OperatorOptions } from './operator.ts';
import { type Server, startServer } from './server.ts';
import type { TlsFiles } from './tls-files.ts';
import { secretSinks } from './token-secrets.ts';

export interface RunOptions
  extends Pick<
    OperatorOptions,
    'install' | 'ofClass' | 'namespaces' | 'interval' | 'snapshots' | 'copiesSnapshots' | 'now' | 'timing'
  > {
  readonly kube: Kube;
  readonly store: Store;
  readonly log: Log;
  readonly peppers: () => Peppers;
  /** Which process it is, of all that there are: the name of the pod. */
  readonly instance: string;
  /** Whose Lease says who works; undefined where there is only one. */
  readonly lease:
    | { readonly namespace: string; readonly name: string; readonly durations?: LeaseDurations }
    | undefined;
  /** Undefined where nothing is served. */
  readonly serve:
    | { readonly main: Address; readonly health: Address; readonly tls: TlsFiles | undefined }
    | undefined;
  readonly hasObjectMetrics: boolean;
  /** Milliseconds that a stop may take. */
  readonly grace: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Runs an operator until it is stopped, or loses its lease: then others have begun to work, and the process must end.
 *
 * Throws a Failure when it cannot begin: an address is taken. Whatever comes later is tried again.
 */
export async function runOperator(options: RunOptions): Promise<'stopped' | 'lost'> {
  const { kube: bare, store, log, install, instance, now, lease, grace, signal } = options;
  let operator: Operator | undefined;
  const metrics = createMetrics({
    objects: () => measured(operator),
    perObject: options.hasObjectMetrics,
    workers: 1,
  });
  const kube = counted(bare, metrics.requested);
  const events = createEvents({ kube, instance, log, now });
  const hurrying = new AbortController();
  operator = createOperator({
    ...options,
    kube: until(hurrying.signal, kube),
    store: writtenUntil(hurrying.signal, store),
    events,
    metrics,
    sinks: secretSinks({ kube: until(hurrying.signal, kube), install, now }),
    random: Math.random,
  });
  const { stuck, synced } = { stuck: () => operator?.stuck, synced: operator.synced };
  let server: Server | undefined;
  let leading: Promise<'stopped' | 'lost'> | undefined;
  const releasing = new AbortController();
  try {
    if (options.serve)
      server = await startServer({
        ...options.serve,
        alive: { loops: stuck },
        ready: { caches: () => (operator?.isSynced ? undefined : 'not all objects are read yet') },
        metrics,
        snapshots: operator.snapshots,
        access: createAccessReview({ kube }),
        log,
      });
    log.info('started', { manager: `operator:${install}`, server: kube.server, store: store.location });
    const work = async () => {
      metrics.leads(lease?.name ?? install, true);
      await Promise.race([synced, aborted(signal)]);
      if (!signal.aborted) await operator?.lead();
    };
    if (!lease) {
      await Promise.race([work().then(() => aborted(signal)), aborted(signal)]);
      return 'stopped';
    }
    metrics.leads(lease.name, false);
    leading = lead({
      kube,
      ...lease,
      identity: instance,
      onStarted: () => void work(),
      signal: releasing.signal,
      log,
    });
    // Another one works already: what is under way here is its.
    const led = leading.then((end) => {
      if (end === 'lost') hurrying.abort();
      return end;
    });
    return (await Promise.race([led, aborted(signal).then(() => undefined)])) ?? 'stopped';
  } finally {
    // What is under way may end; what would take longer is left to whoever leads next.
    const late = setTimeout(() => hurrying.abort(), grace * GRACE_FOR_WORK);
    await Promise.all([operator.stop(), server?.close()]);
    // Others may begin once nothing is done here any more.
    releasing.abort();
    await Promise.all([leading, events.stop()]);
    await Promise.all([store.close(), kube.close()]);
    clearTimeout(late);
    log.info('stopped');
  }
}

/** The part of the grace that work may take; the rest is for the lease, Events and connections. */
const GRACE_FOR_WORK = 0.6;

/** The same, which asks nothing more once a signal aborts. */
function until(signal: AbortSignal, kube: Kube): Kube {
  return { ...kube, request: (call) => kube.request({ signal, ...call }) };
}

/**
 * The same, to which nothing more is written once a signal aborts. That the store is as it was read is no fence by itself: what is
 * planned on it may have been read in the cluster long before.
 */
function writtenUntil(signal: AbortSignal, store: Store): Store {
  return {
    location: store.location,
    supports: store.supports,
    read: () => store.read(),
    async write(entry) {
      signal.throwIfAborted();
      return store.write(entry);
    },
    close: () => store.close(),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function* measured(operator: Operator | undefined): Generator<MeasuredObject> {
  for (const { kind, object } of operator?.objects.all() ?? []) {
    const { name, namespace } = object.metadata;
    yield { kind, namespace, name, conditions: object.status?.conditions ?? [] };
  }
}

/** The same, whose answers are counted. */
function counted(kube: Kube, requested: (method: string, status: number | null) => void): Kube {
  return {
    ...kube,
    async request<T>(call: Parameters<Kube['request']>[0]): Promise<T> {
      try {
        const answer = await kube.request<T>(call);
        requested(call.method, 200);
        return answer;
      } catch (error) {
        if (error instanceof Error && 'status' in error)
          requested(call.method, error.status as number | null);
        throw error;
      }
    },
  };
}
