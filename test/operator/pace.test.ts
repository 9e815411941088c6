import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { API_VERSION } from '../../src/kinds/index.ts';
import { FINALIZER } from '../../src/operator/objects.ts';
import { collectionPath, objectPath } from '../../src/sources/cluster-names.ts';
import type { ClusterObject } from '../../src/sources/cluster-object.ts';
import type { Kube } from '../../src/sources/kube.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import { describeKube } from '../support/kube-suite.ts';
import { conditionOf, installResources, operatorDesk } from '../support/operator-desk.ts';

/** 10,000 with ROLECALL_LONG=1, as the bar says; fewer of them say less, as the fixed costs weigh more. */
const isLong = process.env.ROLECALL_LONG === '1';
const MANY = isLong ? 10_000 : Number(process.env.MANY ?? 500);
const MOST = isLong ? 1.25 : 3;

/** As many requests at once as the operator makes. */
const AT_ONCE = 50;

const PATH = collectionPath('RoleBinding', 'acme');

function binding(name: string, annotations: object) {
  return {
    apiVersion: API_VERSION,
    kind: 'RoleBinding',
    metadata: { name, namespace: 'acme', annotations },
    spec: {
      role: 'source-read-only',
      subjects: [{ name: 'ana' }],
      resources: [{ type: 'Source', id: name }],
    },
  };
}

async function forEach<T>(list: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const left = list.values();
  const worker = async () => {
    for (const one of left) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** The same writes for each object, without anything else: the finalizer, then the status. */
async function bareLoop(kube: Kube, objects: readonly ClusterObject[]): Promise<number> {
  const begun = performance.now();
  await forEach(objects, async ({ metadata: { name, uid, resourceVersion } }) => {
    const path = objectPath('RoleBinding', 'acme', name);
    const metadata = { uid, resourceVersion, finalizers: [FINALIZER] };
    await kube.request({
      method: 'PATCH',
      path,
      patch: 'merge',
      body: { metadata },
      query: { fieldManager: 'bare' },
    });
    await kube.request({
      method: 'PATCH',
      path: `${path}/status`,
      patch: 'apply',
      query: { fieldManager: 'bare', force: true },
      body: {
        apiVersion: API_VERSION,
        kind: 'RoleBinding',
        metadata: { name, namespace: 'acme', uid },
        status: {
          observedGeneration: 1,
          appliedHash: `sha256:${'0'.repeat(64)}`,
          conditions: [
            {
              type: 'Ready',
              status: 'True',
              observedGeneration: 1,
              lastTransitionTime: '2026-11-24T12:00:00Z',
              reason: 'Applied',
              message: 'Applied revision 2',
            },
          ],
        },
      },
    });
  });
  return performance.now() - begun;
}

/** Watches until so many objects are Ready. */
async function untilReady(kube: Kube, many: number): Promise<void> {
  const ready = new Set<string>();
  const stopping = new AbortController();
  for await (const { type, object } of kube.watch(PATH, {}, stopping.signal)) {
    if (type === 'ERROR') throw new Error(object.message);
    const { metadata } = object;
    if (!metadata.name.startsWith('mine-')) continue;
    const stalled = conditionOf(object, 'Stalled');
    if (stalled) throw new Error(stalled.message);
    if (conditionOf(object, 'Ready')?.status === 'True') ready.add(metadata.name);
    if (ready.size === many) stopping.abort();
  }
}

async function list(kube: Kube, prefix: string): Promise<ClusterObject[]> {
  const { items } = await kube.request<{ items: ClusterObject[] }>({ method: 'GET', path: PATH });
  return items.filter(({ metadata }) => metadata.name.startsWith(prefix));
}

await describeKube('the pace of the operator', (server) => {
  beforeAll(() => installResources(server()));

  test(`${MANY} RoleBindings at once are Ready within ${MOST} × a bare loop of the same writes`, {
    timeout: 1_800_000,
  }, async () => {
    const { apply, start, until, lines, revision } = await operatorDesk(server(), undefined, {
      // The server goes with them, sooner.
      sweeps: false,
    });
    await apply(`
        kind: Workspace
        metadata: {name: acme}
        spec: {displayName: Acme, tier: Business}
        ---
        kind: User
        metadata: {name: ana}
        spec: {email: ana@acme.example}
        ---
        kind: RoleBinding
        metadata: {name: owners, namespace: acme}
        spec: {role: workspace-owner, subjects: [{name: ana}], resources: [{type: Workspace}]}
      `);
    const kube = await kubeClient({ kubeconfig: server().kubeconfig });
    const names = Array.from({ length: MANY }, (_, i) => String(i));
    const create = (prefix: string, annotations = {}) =>
      forEach(names, (name) =>
        kube.request({ method: 'POST', path: PATH, body: binding(`${prefix}-${name}`, annotations) }),
      );
    await create('bare', { 'rolecall.dev/class': 'bare' });
    await create('bare2', { 'rolecall.dev/class': 'bare' });
    await create('mine');
    const first = await bareLoop(kube, await list(kube, 'bare-'));
    const begun = performance.now();
    const ready = untilReady(kube, MANY);
    await start();
    await ready;
    const took = performance.now() - begun;
    const second = await bareLoop(kube, await list(kube, 'bare2-'));
    const bare = (first + second) / 2;
    const ratio = took / bare;
    console.log(
      `${MANY} objects: bare ${Math.round(first)} and ${Math.round(second)} ms, operator ${Math.round(took)} ms: ${ratio.toFixed(2)}`,
    );
    await until('RoleBinding', 'acme/owners', 'Applied');
    expect(ratio).toBeLessThan(MOST);
    // All that was there is one plan for the workspace, beside that of what is global.
    expect(await revision()).toBeLessThan(5);
    const told = lines.length;
    await sleep(2000);
    expect(lines.slice(told)).toEqual([]);
    await kube.close();
  });
});
