import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { lead } from '../../src/operator/leader-election.ts';
import { type Kube, KubeError, type KubeObject } from '../../src/sources/kube.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import type { KubeServer } from '../support/kube-server.ts';
import { keptLog, makeNamespace, until } from './desk.ts';

/** A Lease lasts whole seconds, so this is as short as can be. */
export const DURATIONS = { lease: 1000, renewDeadline: 600, retry: 100 };

interface Lease extends KubeObject {
  readonly spec: {
    readonly holderIdentity: string;
    readonly leaseDurationSeconds: number;
    readonly leaseTransitions: number;
    readonly acquireTime: string;
    readonly renewTime: string;
  };
}

/** One that wants to lead. */
export interface Candidate {
  readonly identity: string;
  /** Since when it leads, until when it may: on the clock that never goes back. */
  since: number | undefined;
  end: number | undefined;
  /** How it ended. */
  readonly done: Promise<'stopped' | 'lost'>;
  stop(): Promise<'stopped' | 'lost'>;
}

/** Has somebody stand for the Lease `lease` of a namespace. */
export function candidate(kube: Kube, namespace: string, identity: string): Candidate {
  const stopping = new AbortController();
  const one: Candidate = {
    identity,
    since: undefined,
    end: undefined,
    done: lead({
      kube,
      namespace,
      name: 'lease',
      identity,
      durations: DURATIONS,
      onStarted() {
        one.since = performance.now();
      },
      signal: stopping.signal,
      log: keptLog(),
    }).then((end) => {
      one.end ??= performance.now();
      return end;
    }),
    stop() {
      // Whoever is stopped has stopped to work.
      one.end ??= performance.now();
      stopping.abort();
      return one.done;
    },
  };
  return one;
}

/** A client whose requests nobody answers from the moment that it is cut off. */
function cuttable(kube: Kube): Kube & { cut(): void } {
  let isCut = false;
  return {
    ...kube,
    cut() {
      isCut = true;
    },
    async request<T>(call: Parameters<Kube['request']>[0]): Promise<T> {
      if (!isCut) return kube.request<T>(call);
      const late = AbortSignal.timeout(call.timeout ?? 30_000);
      const end = call.signal ? AbortSignal.any([call.signal, late]) : late;
      await new Promise((resolve) => end.addEventListener('abort', resolve));
      throw new KubeError(null, '', 'nobody answers');
    },
  };
}

/** How the one that leads is found, on whatever API server. */
export function leaderSuite(server: () => KubeServer): void {
  describe('leader election', () => {
    let kube: Kube;
    let namespace: string;
    let all: Candidate[];
    beforeAll(async () => {
      kube = await kubeClient({ kubeconfig: server().kubeconfig });
    });
    afterAll(() => kube?.close());
    beforeEach(async () => {
      namespace = await makeNamespace(kube);
      all = [];
    });
    afterEach(async () => {
      await Promise.all(all.map((one) => one.stop()));
    });
    const stand = (identity: string, client = kube): Candidate => {
      const one = candidate(client, namespace, identity);
      all.push(one);
      return one;
    };
    const leads = (one: Candidate) => until(`${one.identity} leads`, () => one.since !== undefined);
    const path = () => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/lease`;
    const read = () => kube.request<Lease>({ method: 'GET', path: path() });
    const edit = (body: object) =>
      kube.request<Lease>({ method: 'PATCH', patch: 'merge', path: path(), body });

    test('one leads, and says so again and again; another one waits', async () => {
      const a = stand('a');
      await leads(a);
      const b = stand('b');
      const first = await read();
      expect(first.spec).toMatchObject({
        holderIdentity: 'a',
        leaseDurationSeconds: 1,
        leaseTransitions: 0,
        renewTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      });
      await sleep(2 * DURATIONS.lease);
      const later = await read();
      expect(later.spec.renewTime > first.spec.renewTime).toBe(true);
      expect(later.spec).toMatchObject({ holderIdentity: 'a', acquireTime: first.spec.acquireTime });
      expect(b.since).toBeUndefined();
    });

    test('who stops gives it away at once', async () => {
      const a = stand('a');
      await leads(a);
      const b = stand('b');
      await sleep(3 * DURATIONS.retry);
      const before = performance.now();
      expect(await a.stop()).toBe('stopped');
      expect((await read()).spec.holderIdentity).toMatch(/^b?$/);
      await leads(b);
      // Nobody has waited until it was over.
      expect(performance.now() - before).toBeLessThan(DURATIONS.lease);
      expect((await read()).spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    });

    test('who only waits can be stopped, and takes nothing', async () => {
      const a = stand('a');
      await leads(a);
      const b = stand('b');
      await sleep(DURATIONS.retry);
      expect(await b.stop()).toBe('stopped');
      expect((await read()).spec.holderIdentity).toBe('a');
      expect(b.since).toBeUndefined();
    });

    test('who is cut off knows that it has lost before another one leads', async () => {
      const client = cuttable(kube);
      const a = stand('a', client);
      await leads(a);
      const b = stand('b');
      await sleep(3 * DURATIONS.retry);
      client.cut();
      const cut = performance.now();
      expect(await a.done).toBe('lost');
      await leads(b);
      expect((a.end ?? 0) - cut).toBeLessThan(DURATIONS.renewDeadline + 200);
      expect(b.since).toBeGreaterThan(a.end ?? Number.POSITIVE_INFINITY);
      expect((b.since ?? 0) - cut).toBeGreaterThan(DURATIONS.lease - 3 * DURATIONS.retry);
    });

    test('clocks need not agree', async () => {
      const a = stand('a');
      await leads(a);
      await edit({ spec: { renewTime: '2001-01-01T00:00:00.000000Z' } });
      const b = stand('b');
      await sleep(DURATIONS.lease / 2);
      expect(b.since).toBeUndefined();
      expect(a.end).toBeUndefined();
      await a.stop();
      await leads(b);
      await b.stop();
      // One that says it is of the future and is never renewed is over all the same.
      await edit({ spec: { holderIdentity: 'gone', renewTime: '2999-01-01T00:00:00.000000Z' } });
      await leads(stand('c'));
    });

    test('what others write to the Lease does no harm, and stays', async () => {
      const a = stand('a');
      await leads(a);
      await edit({ metadata: { labels: { team: 'access' } } });
      await sleep(3 * DURATIONS.retry);
      expect(a.end).toBeUndefined();
      const { metadata, spec } = await read();
      expect([metadata.labels, spec.holderIdentity]).toEqual([{ team: 'access' }, 'a']);
    });

    test('who finds another one in its place has lost', async () => {
      const a = stand('a');
      await leads(a);
      await edit({ spec: { holderIdentity: 'b' } });
      const before = performance.now();
      expect(await a.done).toBe('lost');
      // It does not wait for its time to be over.
      expect(performance.now() - before).toBeLessThan(DURATIONS.renewDeadline - DURATIONS.retry);
      expect((await read()).spec.holderIdentity).toBe('b');
    });

    test('a Lease that is deleted is made again', async () => {
      const a = stand('a');
      await leads(a);
      await kube.request({ method: 'DELETE', path: path() });
      await until('it is there again', () =>
        read().then(
          () => true,
          () => false,
        ),
      );
      expect(a.end).toBeUndefined();
      expect((await read()).spec.holderIdentity).toBe('a');
    });

    test('who comes back under its own name goes on', async () => {
      const client = cuttable(kube);
      await leads(stand('a', client));
      client.cut();
      const before = performance.now();
      await leads(stand('a'));
      expect(performance.now() - before).toBeLessThan(DURATIONS.lease);
    });

    test('of several that come at once one leads', async () => {
      const several = ['a', 'b', 'c', 'd', 'e'].map((identity) => stand(identity));
      await until('one leads', () => several.some(({ since }) => since !== undefined));
      await sleep(5 * DURATIONS.retry);
      expect(several.filter(({ since }) => since !== undefined)).toHaveLength(1);
    });
  });
}
