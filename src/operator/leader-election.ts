import { setTimeout as sleep } from 'node:timers/promises';
import { type Kube, KubeError, type KubeObject } from '../sources/kube.ts';
import type { Log } from './log.ts';

/** In milliseconds: the defaults of client-go. */
export interface LeaseDurations {
  /** For how long after the last sign of life others wait. */
  readonly lease: number;
  /** For how long the leader tries to give one before it gives up: less than `lease`. */
  readonly renewDeadline: number;
  /** Between two tries. */
  readonly retry: number;
}

export interface LeadOptions {
  readonly kube: Kube;
  readonly namespace: string;
  /** Of the Lease, which is made when it is not there. */
  readonly name: string;
  /** Of this process, and of no other one that may run at the same time. Not empty. */
  readonly identity: string;
  readonly durations?: LeaseDurations;
  /** From now on this process leads. Must not take long; what it throws ends it all. */
  readonly onStarted: () => void;
  /**
   * To be aborted when all work has ended, not before: the lease is then released, and another process leads at once. Before
   * this one leads, it ends the waiting.
   */
  readonly signal: AbortSignal;
  readonly log: Log;
}

const DURATIONS: LeaseDurations = { lease: 15_000, renewDeadline: 10_000, retry: 2000 };

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/ */
interface Lease extends KubeObject {
  readonly spec?: LeaseSpec;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/**
 * Waits until this process may lead, then keeps the Lease until `signal` aborts (`stopped`) or it cannot be renewed in time
 * (`lost`): then another process may lead already, and nothing more must be done here.
 *
 * Whether another one is still there is judged by the time for which its record has not changed on the clock of this process:
 * clocks need not agree. It keeps two processes from working at the same time as a rule, not always: what they do must bear it.
 */
export async function lead(options: LeadOptions): Promise<'stopped' | 'lost'> {
  const { signal, identity, log, durations = DURATIONS } = options;
  const lease = leaseOf(options, durations);
  for (let told: string | undefined; !signal.aborted; ) {
    const state = await lease.tryHold(durations.renewDeadline / 2);
    if (state.isHeld) break;
    if (state.error) log.warn('the lease cannot be had for now', { lease: options.name, error: state.error });
    else if (state.holder !== undefined && state.holder !== told)
      log.info('another process leads', { lease: options.name, holder: state.holder });
    told = state.holder ?? told;
    await wait(durations.retry * (1 + Math.random()), signal);
  }
  if (signal.aborted) {
    await lease.release();
    return 'stopped';
  }
  log.info('this process leads', { lease: options.name, holder: identity });
  try {
    options.onStarted();
    if ((await keep(lease, options, durations)) === 'lost') return 'lost';
  } catch (error) {
    await lease.release();
    throw error;
  }
  await lease.release();
  return 'stopped';
}

async function keep(
  lease: HeldLease,
  { signal, name, log }: LeadOptions,
  { renewDeadline, retry }: LeaseDurations,
): Promise<'stopped' | 'lost'> {
  while (true) {
    await wait(retry, signal);
    if (signal.aborted) return 'stopped';
    const left = lease.renewedAt + renewDeadline - performance.now();
    // A process that was suspended, or busy for too long, finds out here.
    if (left <= 0) return 'lost';
    // One connection on which nobody answers must not take all of the time.
    const { isHeld, holder, error } = await lease.tryHold(Math.min(left, renewDeadline / 2));
    if (isHeld) continue;
    log.warn('the lease could not be renewed', { lease: name, holder, error });
    if (holder !== undefined) return 'lost';
  }
}

interface HoldState {
  readonly isHeld: boolean;
  /** Who has it, where that is another one. */
  readonly holder?: string | undefined;
  /** Why nothing is known of it. */
  readonly error?: unknown;
}

interface HeldLease {
  /** Since when others count, at the earliest: before the request was made that told them. */
  readonly renewedAt: number;
  /** Takes or renews it, within so many milliseconds. Never throws. */
  tryHold(within: number): Promise<HoldState>;
  /** Gives it to whoever wants it, where it is held. Never throws. */
  release(): Promise<void>;
}

function leaseOf(
  { kube, namespace, name, identity, log }: LeadOptions,
  { lease: leaseDuration, renewDeadline }: LeaseDurations,
): HeldLease {
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
  const path = `${collection}/${encodeURIComponent(name)}`;
  /** The Lease as it was last seen, and when it was first seen so. */
  let seen: { readonly lease: Lease; readonly at: number } | undefined;
  let renewedAt = Number.NEGATIVE_INFINITY;

  function see(lease: Lease): void {
    if (record(seen?.lease) !== record(lease)) seen = { lease, at: performance.now() };
    else if (seen) seen = { lease, at: seen.at };
  }

  const isOurs = (lease: Lease | undefined) => lease?.spec?.holderIdentity === identity;

  function next(spec: LeaseSpec): LeaseSpec {
    const now = microTime(new Date());
    const isRenewal = spec.holderIdentity === identity;
    return {
      ...spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.round(leaseDuration / 1000)),
      acquireTime: isRenewal ? (spec.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (spec.leaseTransitions ?? 0) + (isRenewal ? 0 : 1),
    };
  }

  async function write(lease: Lease, signal: AbortSignal): Promise<void> {
    const asked = performance.now();
    see(
      await kube.request<Lease>({
        method: 'PUT',
        path,
        body: { ...lease, spec: next(lease.spec ?? {}) },
        signal,
        timeout: renewDeadline,
      }),
    );
    renewedAt = asked;
  }

  async function hold(signal: AbortSignal): Promise<HoldState> {
    // Nobody else writes to what this process holds, as a rule: there is no need to look first.
    if (seen && isOurs(seen.lease)) {
      const isDone = await write(seen.lease, signal).then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof KubeError) || (error.status !== 409 && error.status !== 404)) throw error;
          return false;
        },
      );
      if (isDone) return { isHeld: true };
    }
    try {
      see(await kube.request<Lease>({ method: 'GET', path, signal, timeout: renewDeadline }));
    } catch (error) {
      if (!(error instanceof KubeError && error.status === 404)) throw error;
      const asked = performance.now();
      const made = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace },
        spec: { ...next({}), leaseTransitions: 0 },
      };
      see(
        await kube.request<Lease>({
          method: 'POST',
          path: collection,
          body: made,
          signal,
          timeout: renewDeadline,
        }),
      );
      renewedAt = asked;
      return { isHeld: true };
    }
    if (seen === undefined) return { isHeld: false };
    const { lease, at } = seen;
    const holder = lease.spec?.holderIdentity ?? '';
    const patience = (lease.spec?.leaseDurationSeconds ?? leaseDuration / 1000) * 1000;
    if (holder !== '' && holder !== identity && performance.now() < at + patience)
      return { isHeld: false, holder };
    await write(lease, signal);
    return { isHeld: true };
  }

  return {
    get renewedAt() {
      return renewedAt;
    },
    async tryHold(within) {
      const late = new AbortController();
      const timer = setTimeout(
        () => late.abort(new Error(`no answer within ${Math.round(within)} ms`)),
        within,
      );
      try {
        return await hold(late.signal);
      } catch (error) {
        // Another one was faster: the next look shows who.
        const isRace = error instanceof KubeError && error.status === 409;
        return { isHeld: false, error: isRace ? undefined : error };
      } finally {
        clearTimeout(timer);
      }
    },
    async release() {
      if (!seen || !isOurs(seen.lease)) return;
      const spec = {
        ...seen.lease.spec,
        holderIdentity: '',
        leaseDurationSeconds: 1,
        renewTime: microTime(new Date()),
      };
      await kube
        .request({ method: 'PUT', path, body: { ...seen.lease, spec }, timeout: renewDeadline })
        .catch((error: unknown) => log.warn('the lease could not be released', { lease: name, error }));
    },
  };
}

/** What changes with each sign of life. */
function record(lease: Lease | undefined): string {
  const { holderIdentity, renewTime, leaseTransitions } = lease?.spec ?? {};
  return JSON.stringify([lease?.metadata.uid, holderIdentity, renewTime, leaseTransitions]);
}

/** RFC 3339 with microseconds: a Lease takes nothing else. */
function microTime(date: Date): string {
  return date.toISOString().replace(/Z$/, '000Z');
}

async function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}
