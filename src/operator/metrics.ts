import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { QueueObserver } from '../engine/work-queue.ts';
import type { KindName } from '../kinds/index.ts';
import type { Condition } from '../sources/cluster-object.ts';
import type { Revision } from '../stores/store.ts';
import { queueObserver } from './queue-metrics.ts';

/** What the figures need of an object in the cluster. */
export interface MeasuredObject {
  readonly kind: KindName;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly conditions: readonly Pick<Condition, 'type' | 'status'>[];
}

export interface MetricsOptions {
  /** All objects as they are when it is asked, so that there is never a figure of one that is gone. */
  objects(): Iterable<MeasuredObject>;
  /** Whether each has figures of its own. They name it, and are as many as there are objects. */
  readonly perObject?: boolean;
  /** How many keys are worked on at once at most. */
  readonly workers: number;
}

/** The figures of one process, for Prometheus. */
export interface Metrics {
  /** All of them, in the form that `contentType` says. */
  text(): Promise<string>;
  readonly contentType: string;
  /** Fills those of the work queue. */
  readonly queue: QueueObserver;
  /** The API server has answered; with null it has not. */
  requested(method: string, status: number | null): void;
  /** Whether this process has the lease of that name. */
  leads(lease: string, isLeader: boolean): void;
  /** A plan was applied, and left the store at a revision. */
  applied(summary: Revision['summary'], revision: number): void;
  /** A guard or policy has refused something. */
  denied(code: string): void;
  /** So many differences that somebody made in the store were taken back. */
  driftCorrected(differences: number): void;
  /** When a window ends next (milliseconds since 1970); undefined when none does. */
  nextExpiry(at: number | undefined): void;
}

const ACTIONS = ['create', 'update', 'delete'] as const;

/** The names are those of client-go and controller-runtime where they have one, else they begin with `rolecall_`. */
export function createMetrics({ objects, perObject = false, workers }: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server, by what it answered.',
    labelNames: ['code', 'method'] as const,
    registers,
  });
  const master = new Gauge({
    name: 'leader_election_master_status',
    help: '1 while this process leads, else 0.',
    labelNames: ['name'] as const,
    registers,
  });
  const changes = new Counter({
    name: 'rolecall_plan_changes_total',
    help: 'Changes that were applied to the store.',
    labelNames: ['action'] as const,
    registers,
  });
  for (const action of ACTIONS) changes.inc({ action }, 0);
  const revisions = new Gauge({
    name: 'rolecall_revision',
    help: 'The revision that the last apply left the store at.',
    registers,
  });
  const denials = new Counter({
    name: 'rolecall_denied_total',
    help: 'What guards and policies have refused.',
    labelNames: ['code'] as const,
    registers,
  });
  const corrected = new Counter({
    name: 'rolecall_drift_corrected_total',
    help: 'Differences in the store that were taken back.',
    registers,
  });
  let ends: number | undefined;
  new Gauge({
    name: 'rolecall_next_expiry_timestamp_seconds',
    help: 'When a window ends next; left out when none does.',
    registers,
    collect() {
      if (ends === undefined) this.remove();
      else this.set(ends / 1000);
    },
  });
  measureObjects(registry, objects);
  if (perObject) measureEach(registry, objects);
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    queue: queueObserver(registry, workers),
    requested: (method, status) => requests.inc({ method, code: String(status ?? '<error>') }),
    leads: (name, isLeader) => master.set({ name }, isLeader ? 1 : 0),
    applied(summary, revision) {
      for (const action of ACTIONS) changes.inc({ action }, summary[action]);
      revisions.set(revision);
    },
    denied: (code) => denials.inc({ code }),
    driftCorrected: (differences) => corrected.inc(differences),
    nextExpiry(at) {
      ends = at;
    },
  };
}

function measureObjects(registry: Registry, objects: MetricsOptions['objects']): void {
  new Gauge({
    name: 'rolecall_objects',
    help: 'Objects in the cluster, by the status of their condition Ready.',
    labelNames: ['kind', 'ready'] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const { kind, conditions } of objects())
        this.inc({ kind, ready: conditions.find(({ type }) => type === 'Ready')?.status ?? 'Unknown' });
    },
  });
}

function measureEach(registry: Registry, objects: MetricsOptions['objects']): void {
  new Gauge({
    name: 'rolecall_condition',
    help: 'The status that a condition of an object has: 1. Left out are Users, and whatever is called after one.',
    labelNames: ['kind', 'namespace', 'name', 'type', 'status'] as const,
    registers: [registry],
    collect() {
      this.reset();
      const people = new Set<string>();
      for (const { kind, name } of objects()) if (kind === 'User') people.add(name);
      for (const { kind, namespace = '', name, conditions } of objects()) {
        if (kind === 'User' || namesAny(people, name)) continue;
        for (const { type, status } of conditions) this.set({ kind, namespace, name, type, status }, 1);
      }
    },
  });
}

/** Whether a name has one of `people` in it: between the hyphens of `ana-diaz-reads`, `ana-diaz`. */
function namesAny(people: ReadonlySet<string>, name: string): boolean {
  const parts = name.split('-');
  return parts.some((_, from) =>
    parts.slice(from).some((_, more) => people.has(parts.slice(from, from + more + 1).join('-'))),
  );
}
