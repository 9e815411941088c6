import { expect, test } from 'vitest';
import { WorkQueue } from '../../src/engine/work-queue.ts';
import { createMetrics, type MeasuredObject, type Metrics } from '../../src/operator/metrics.ts';

/** All series whose names begin so, with their values. */
async function series(metrics: Metrics, ...names: readonly string[]): Promise<Record<string, number>> {
  const lines = (await metrics.text())
    .split('\n')
    .filter((line) => names.some((name) => line.startsWith(name)));
  return Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  );
}

function metricsOf(objects: MeasuredObject[] = [], perObject = false): Metrics {
  return createMetrics({ objects: () => objects, perObject, workers: 4 });
}

const ready = [{ type: 'Ready', status: 'True' }] as const;
const stalled = [
  { type: 'Ready', status: 'False' },
  { type: 'Stalled', status: 'True' },
] as const;

test('a work queue is measured under the names of client-go and controller-runtime', async () => {
  const metrics = metricsOf();
  let isBroken = true;
  const queue = new WorkQueue<string>({
    observer: metrics.queue,
    random: () => 0,
    failed: () => {},
    async work(key) {
      if (key === 'later') return { againAfter: 3_600_000 };
      if (key === 'broken' && isBroken) {
        isBroken = false;
        throw new Error('broken');
      }
      return {};
    },
  });
  for (const key of ['good', 'broken', 'later', 'good']) queue.add(key);
  expect(await series(metrics, 'workqueue_depth', 'controller_runtime_max')).toEqual({
    'workqueue_depth{name="rolecall"}': 3,
    'controller_runtime_max_concurrent_reconciles{controller="rolecall"}': 4,
  });
  queue.start();
  await expect
    .poll(() => series(metrics, 'controller_runtime_reconcile_total', 'controller_runtime_reconcile_errors'))
    .toEqual({
      'controller_runtime_reconcile_total{controller="rolecall",result="success"}': 2,
      'controller_runtime_reconcile_total{controller="rolecall",result="error"}': 1,
      'controller_runtime_reconcile_total{controller="rolecall",result="requeue"}': 0,
      'controller_runtime_reconcile_total{controller="rolecall",result="requeue_after"}': 1,
      'controller_runtime_reconcile_errors_total{controller="rolecall"}': 1,
    });
  await queue.stop();
  expect(
    await series(
      metrics,
      'workqueue_depth',
      'workqueue_adds',
      'workqueue_retries',
      'workqueue_unfinished',
      'workqueue_longest',
      'workqueue_work_duration_seconds_count',
      'workqueue_queue_duration_seconds_count',
      'controller_runtime_active',
      'controller_runtime_reconcile_time_seconds_count',
    ),
  ).toEqual({
    'workqueue_depth{name="rolecall"}': 0,
    'workqueue_adds_total{name="rolecall"}': 4,
    'workqueue_retries_total{name="rolecall"}': 1,
    'workqueue_unfinished_work_seconds{name="rolecall"}': 0,
    'workqueue_longest_running_processor_seconds{name="rolecall"}': 0,
    'workqueue_work_duration_seconds_count{name="rolecall"}': 4,
    'workqueue_queue_duration_seconds_count{name="rolecall"}': 4,
    'controller_runtime_active_workers{controller="rolecall"}': 0,
    'controller_runtime_reconcile_time_seconds_count{controller="rolecall"}': 4,
  });
});

test('work that does not end is seen while it does not', async () => {
  const metrics = metricsOf();
  const end = Promise.withResolvers<object>();
  const queue = new WorkQueue({ observer: metrics.queue, failed: () => {}, work: () => end.promise });
  queue.add('slow');
  queue.start();
  await new Promise((resolve) => setTimeout(resolve, 60));
  const seen = await series(
    metrics,
    'workqueue_unfinished',
    'workqueue_longest',
    'controller_runtime_active',
  );
  expect(seen['workqueue_unfinished_work_seconds{name="rolecall"}']).toBeGreaterThan(0.05);
  expect(seen['workqueue_longest_running_processor_seconds{name="rolecall"}']).toBeGreaterThan(0.05);
  expect(seen['controller_runtime_active_workers{controller="rolecall"}']).toBe(1);
  end.resolve({});
  await queue.stop();
});

test('what is done to the store, and what is refused, is counted', async () => {
  const metrics = metricsOf();
  metrics.applied({ create: 3, update: 2, delete: 1 }, 41);
  metrics.applied({ create: 1, update: 0, delete: 0 }, 42);
  metrics.denied('RC201');
  metrics.driftCorrected(5);
  metrics.nextExpiry(Date.parse('2027-01-31T00:00:00Z'));
  metrics.requested('GET', 200);
  metrics.requested('PATCH', null);
  metrics.leads('rolecall', true);
  const seen = () => series(metrics, 'rolecall_', 'rest_client', 'leader');
  expect(await seen()).toEqual({
    'rolecall_plan_changes_total{action="create"}': 4,
    'rolecall_plan_changes_total{action="update"}': 2,
    'rolecall_plan_changes_total{action="delete"}': 1,
    rolecall_revision: 42,
    'rolecall_denied_total{code="RC201"}': 1,
    rolecall_drift_corrected_total: 5,
    rolecall_next_expiry_timestamp_seconds: 1801353600,
    'rest_client_requests_total{method="GET",code="200"}': 1,
    'rest_client_requests_total{method="PATCH",code="<error>"}': 1,
    'leader_election_master_status{name="rolecall"}': 1,
  });
  metrics.nextExpiry(undefined);
  metrics.leads('rolecall', false);
  const later = await seen();
  expect(later).not.toHaveProperty('rolecall_next_expiry_timestamp_seconds');
  expect(later['leader_election_master_status{name="rolecall"}']).toBe(0);
});

test('objects are counted as they are when somebody asks', async () => {
  const objects: MeasuredObject[] = [
    { kind: 'User', name: 'ana', conditions: ready },
    { kind: 'User', name: 'bo', conditions: ready },
    { kind: 'Group', namespace: 'acme', name: 'analysts', conditions: stalled },
    { kind: 'Group', namespace: 'acme', name: 'others', conditions: [] },
  ];
  const metrics = metricsOf(objects);
  expect(await series(metrics, 'rolecall_objects', 'rolecall_condition')).toEqual({
    'rolecall_objects{kind="User",ready="True"}': 2,
    'rolecall_objects{kind="Group",ready="False"}': 1,
    'rolecall_objects{kind="Group",ready="Unknown"}': 1,
  });
  objects.splice(1);
  expect(await series(metrics, 'rolecall_objects')).toEqual({
    'rolecall_objects{kind="User",ready="True"}': 1,
  });
});

test('figures of each object are there when they are wanted, go with it, and name nobody', async () => {
  const objects: MeasuredObject[] = [
    { kind: 'Workspace', name: 'acme', conditions: ready },
    { kind: 'Group', namespace: 'acme', name: 'analysts', conditions: stalled },
    { kind: 'User', name: 'ana-diaz', conditions: ready },
    { kind: 'RoleBinding', namespace: 'acme', name: 'ana-diaz', conditions: ready },
    { kind: 'RoleBinding', namespace: 'acme', name: 'owner-ana-diaz-2026', conditions: ready },
    { kind: 'Token', namespace: 'acme', name: 'laptop-of-ana-diaz', conditions: ready },
    { kind: 'RoleBinding', namespace: 'acme', name: 'bana-diaze', conditions: ready },
  ];
  const metrics = metricsOf(objects, true);
  expect(await series(metrics, 'rolecall_condition')).toEqual({
    'rolecall_condition{kind="Workspace",namespace="",name="acme",type="Ready",status="True"}': 1,
    'rolecall_condition{kind="Group",namespace="acme",name="analysts",type="Ready",status="False"}': 1,
    'rolecall_condition{kind="Group",namespace="acme",name="analysts",type="Stalled",status="True"}': 1,
    'rolecall_condition{kind="RoleBinding",namespace="acme",name="bana-diaze",type="Ready",status="True"}': 1,
  });
  objects.splice(1);
  expect(await series(metrics, 'rolecall_condition')).toEqual({
    'rolecall_condition{kind="Workspace",namespace="",name="acme",type="Ready",status="True"}': 1,
  });
});

test('every series of two processes has its own figures, and help', async () => {
  const [one, other] = [metricsOf(), metricsOf()];
  one.denied('RC201');
  expect(await series(other, 'rolecall_denied')).toEqual({});
  const text = await one.text();
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('process_resident_memory_bytes');
  for (const name of names) expect(text).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
});
