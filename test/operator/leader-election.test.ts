import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lead } from '../../src/operator/leader-election.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import { type KubeSimulator, startKubeSimulator } from '../support/kube-simulator.ts';
import type { Fault } from '../support/kube-simulator-faults.ts';
import { keptLog, makeNamespace, until } from './desk.ts';
import { type Candidate, candidate, DURATIONS, leaderSuite } from './leader-suite.ts';

let simulator: KubeSimulator;
beforeAll(async () => {
  simulator = await startKubeSimulator();
});
afterAll(() => simulator.stop());

describe('on the simulator', () => leaderSuite(() => simulator));

test('one connection on which nobody answers does not cost the lead', async () => {
  const kube = await kubeClient({ kubeconfig: simulator.kubeconfig });
  const a = candidate(kube, await makeNamespace(kube), 'a');
  await until('it leads', () => a.since !== undefined);
  simulator.faults.on({ method: 'PUT' }, 'hang', 1);
  await sleep(2 * DURATIONS.renewDeadline);
  expect(a.end).toBeUndefined();
  expect(await a.stop()).toBe('stopped');
  simulator.faults.heal();
  await kube.close();
});

test('a renewal that was done, but of which nothing was heard, does not cost the lead', async () => {
  const kube = await kubeClient({ kubeconfig: simulator.kubeconfig });
  const a = candidate(kube, await makeNamespace(kube), 'a');
  await until('it leads', () => a.since !== undefined);
  simulator.faults.on({ method: 'PUT' }, 'lose', 2);
  await sleep(2 * DURATIONS.renewDeadline);
  expect(a.end).toBeUndefined();
  await a.stop();
  await kube.close();
});

test('who is busy for too long has lost, whatever the server says', async () => {
  const kube = await kubeClient({ kubeconfig: simulator.kubeconfig });
  const a = candidate(kube, await makeNamespace(kube), 'a');
  await until('it leads', () => a.since !== undefined);
  const end = performance.now() + DURATIONS.renewDeadline + 50;
  while (performance.now() < end);
  expect(await a.done).toBe('lost');
  await kube.close();
});

test('what cannot begin to work does not lead', async () => {
  const kube = await kubeClient({ kubeconfig: simulator.kubeconfig });
  const namespace = await makeNamespace(kube);
  const led = lead({
    kube,
    namespace,
    name: 'lease',
    identity: 'a',
    onStarted() {
      throw new Error('not today');
    },
    signal: new AbortController().signal,
    log: keptLog(),
  });
  await expect(led).rejects.toThrow('not today');
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/lease`;
  expect(await kube.request({ method: 'GET', path })).toMatchObject({ spec: { holderIdentity: '' } });
  await kube.close();
});

test('two never lead at once, whatever goes wrong', async () => {
  const faults: readonly Fault[] = [
    'drop',
    'lose',
    'hang',
    'half',
    { slow: 300 },
    { status: 500 },
    { status: 429, retryAfter: 0 },
    { status: 409, reason: 'Conflict' },
  ];
  const clients = await Promise.all(
    Array.from({ length: 4 }, () => kubeClient({ kubeconfig: simulator.kubeconfig })),
  );
  const [first] = clients;
  if (!first) throw new Error('there is no client');
  const namespace = await makeNamespace(first);
  const all: Candidate[] = [];
  let isOver = false;
  // Each stands again as soon as it has lost.
  const standing = clients.map(async (kube, n) => {
    for (let i = 0; !isOver; i++) {
      const one = candidate(kube, namespace, `${n}-${i}`);
      all.push(one);
      const ending = sleep(200 + Math.random() * 2500).then(() => one.stop());
      await one.done;
      one.end ??= performance.now();
      await ending;
    }
  });
  for (let i = 0; i < 60; i++) {
    const fault = faults[Math.floor(Math.random() * faults.length)] ?? 'drop';
    simulator.faults.on({ path: '/leases' }, fault, 1 + Math.floor(Math.random() * 2));
    await sleep(100);
    if (i % 10 === 9) simulator.faults.heal();
  }
  isOver = true;
  simulator.faults.heal();
  await Promise.all(standing);
  const led = all
    .flatMap(({ identity, since, end = 0 }) => (since === undefined ? [] : [{ identity, since, end }]))
    .sort((a, b) => a.since - b.since);
  expect(led.length).toBeGreaterThan(2);
  for (const [i, { identity, end }] of led.entries()) {
    const next = led[i + 1];
    if (next && next.since < end)
      throw new Error(`${next.identity} led ${Math.round(end - next.since)} ms before ${identity} ended`);
  }
  await Promise.all(clients.map((kube) => kube.close()));
});
