import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { QueueObserver } from '../engine/work-queue.ts';

/** The name of the one queue, and of the controller that works on it. */
const NAME = 'rolecall';

/** Seconds; controller-runtime's, but not each of its buckets. */
const RECONCILE_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Seconds; client-go's. */
const QUEUE_BUCKETS = [1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];

const RESULTS = { success: 'success', error: 'error', again: 'requeue_after' } as const;

/**
 * Registers the figures of a work queue, under the names of client-go and controller-runtime, and gives who fills them.
 *
 * `workers` is how many keys are worked on at once at most.
 */
export function queueObserver(registry: Registry, workers: number): QueueObserver {
  const registers = [registry];
  const named = { labelNames: ['name'] as const, registers };
  const controlled = { labelNames: ['controller'] as const, registers };
  const of = { name: NAME };
  const controller = { controller: NAME };
  const working = new Map<string, number>();
  const ages = () => [...working.values()].map((since) => (performance.now() - since) / 1000);

  const depth = new Gauge({ name: 'workqueue_depth', help: 'Keys that wait.', ...named });
  const adds = new Counter({ name: 'workqueue_adds_total', help: 'Keys that were added.', ...named });
  const retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Keys that failed, and are tried again.',
    ...named,
  });
  const waits = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long keys wait before they are worked on.',
    buckets: QUEUE_BUCKETS,
    ...named,
  });
  const works = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long keys are worked on.',
    buckets: QUEUE_BUCKETS,
    ...named,
  });
  new Gauge({
    name: 'workqueue_unfinished_work_seconds',
    help: 'How long all that is worked on now has been worked on, together.',
    ...named,
    collect() {
      this.set(
        of,
        ages().reduce((sum, age) => sum + age, 0),
      );
    },
  });
  new Gauge({
    name: 'workqueue_longest_running_processor_seconds',
    help: 'How long what is worked on for longest has been worked on.',
    ...named,
    collect() {
      this.set(of, Math.max(0, ...ages()));
    },
  });
  const reconciles = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Keys that were worked on, by how it ended.',
    labelNames: ['controller', 'result'] as const,
    registers,
  });
  const errors = new Counter({
    name: 'controller_runtime_reconcile_errors_total',
    help: 'Keys whose work failed.',
    ...controlled,
  });
  const times = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'How long keys are worked on.',
    buckets: RECONCILE_BUCKETS,
    ...controlled,
  });
  new Gauge({
    name: 'controller_runtime_active_workers',
    help: 'Keys that are worked on now.',
    ...controlled,
    collect() {
      this.set(controller, working.size);
    },
  });
  new Gauge({
    name: 'controller_runtime_max_concurrent_reconciles',
    help: 'Keys that may be worked on at once.',
    ...controlled,
  }).set(controller, workers);

  // Who asks how often something happens wants a 0 before it has.
  depth.set(of, 0);
  for (const none of [adds, retries]) none.inc(of, 0);
  for (const result of ['success', 'error', 'requeue', 'requeue_after'])
    reconciles.inc({ ...controller, result }, 0);
  errors.inc(controller, 0);

  return {
    added(_key, left) {
      adds.inc(of);
      depth.set(of, left);
    },
    started(key, waited, left) {
      working.set(key, performance.now());
      depth.set(of, left);
      waits.observe(of, waited / 1000);
    },
    done(key, worked, result) {
      working.delete(key);
      works.observe(of, worked / 1000);
      times.observe(controller, worked / 1000);
      reconciles.inc({ ...controller, result: RESULTS[result] });
      if (result === 'error') errors.inc(controller);
    },
    retried() {
      retries.inc(of);
    },
  };
}
