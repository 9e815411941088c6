/** What is asked of an API server for others, and told to it, by a real one. */
import path from 'node:path';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { createAccessReview } from '../../src/operator/access-review.ts';
import { createEvents, type Happening } from '../../src/operator/events.ts';
import { createMetrics } from '../../src/operator/metrics.ts';
import { startServer } from '../../src/operator/server.ts';
import { createSnapshots } from '../../src/operator/snapshots.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import { apply, create } from '../contract/entries.ts';
import { temporaryFolder } from '../support/folder.ts';
import { inMemoryStore } from '../support/in-memory-store.ts';
import type { RealKubeServer } from '../support/kube-server.ts';
import { describeKube } from '../support/kube-suite.ts';
import { binding, user, workspace } from '../support/resources.ts';
import { recordingLog } from '../support/scripted-kube.ts';

const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

/** A service account, who may do what `rules` say in the whole cluster; its token, for the API server or for others. */
async function account(
  { send }: RealKubeServer,
  name: string,
  rules: readonly object[],
  audiences?: readonly string[],
): Promise<string> {
  const subject = { kind: 'ServiceAccount', name, namespace: 'default' };
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
  for (const [path, body] of [
    [ACCOUNTS, {}],
    [`${RBAC}/clusterroles`, { rules }],
    [`${RBAC}/clusterrolebindings`, { subjects: [subject], roleRef }],
  ] as const)
    expect(await send('POST', path, { metadata: { name }, ...body })).toMatchObject({ status: 201 });
  const { body } = await send('POST', `${ACCOUNTS}/${name}/token`, { spec: { audiences } });
  return (body.status as { token: string }).token;
}

async function get(url: string, token: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, text: await answer.text() };
}

await describeKube(
  'what is served, and told, on a real API server',
  (server) => {
    beforeAll(async () => {
      await vi.waitFor(
        async () =>
          expect(await server().send('GET', '/api/v1/namespaces/default')).toMatchObject({ status: 200 }),
        { timeout: 30_000, interval: 200 },
      );
      await server().send('POST', '/api/v1/namespaces', { metadata: { name: 'acme' } });
    });

    test('RBAC says who reads which snapshot, and the metrics', async () => {
      const kube = await kubeClient({ kubeconfig: server().kubeconfig });
      const store = inMemoryStore();
      const acme = [user('ana'), workspace('acme'), binding('acme/owners', 'workspace-owner', ['ana'])];
      await apply(
        store,
        [...acme, workspace('other')].map((one) => create(one)),
      );
      const snapshots = createSnapshots({
        store,
        folder: path.join(temporaryFolder(), 'snapshots'),
        version: '1',
        now: Date.now,
      });
      const running = await startServer({
        main: { host: '127.0.0.1', port: 0 },
        health: { host: '127.0.0.1', port: 0 },
        alive: {},
        ready: {},
        metrics: createMetrics({ objects: () => [], workers: 1 }),
        snapshots,
        access: createAccessReview({ kube }),
        log: recordingLog(),
      });
      onTestFinished(async () => {
        await running.close();
        await kube.close();
      });
      const { mainUrl } = running;
      const auditor = await account(server(), 'auditor', [
        {
          apiGroups: ['rolecall.dev'],
          resources: ['workspaces/snapshot'],
          resourceNames: ['acme'],
          verbs: ['get'],
        },
      ]);
      const scraper = await account(server(), 'scraper', [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }]);
      const reader = await account(server(), 'reader', [
        { apiGroups: ['rolecall.dev'], resources: ['workspaces'], verbs: ['get', 'list', 'watch'] },
      ]);
      const users = `${mainUrl}/snapshots/acme.users.csv`;
      expect(await get(users, auditor)).toMatchObject({
        status: 200,
        text: expect.stringContaining('"ana@acme.example"'),
      });
      expect(await get(`${mainUrl}/snapshots/acme.grants.csv`, auditor)).toMatchObject({ status: 200 });
      expect(await get(`${mainUrl}/snapshots/other.users.csv`, auditor)).toMatchObject({ status: 403 });
      expect(await get(`${mainUrl}/metrics`, auditor)).toMatchObject({ status: 403 });
      expect(await get(`${mainUrl}/metrics`, scraper)).toMatchObject({
        status: 200,
        text: expect.stringContaining('# TYPE rolecall_revision gauge'),
      });
      for (const token of [scraper, reader]) expect(await get(users, token)).toMatchObject({ status: 403 });
      for (const token of ['nobody', `${auditor}x`, auditor.replace(/\.[^.]*$/, '.AAAA')])
        expect(await get(users, token)).toMatchObject({ status: 401 });
    });

    test('a token that is for another audience is none, unless it is the one that is wanted', async () => {
      const kube = await kubeClient({ kubeconfig: server().kubeconfig });
      onTestFinished(() => kube.close());
      const rules = [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }];
      const token = await account(server(), 'elsewhere', rules, ['rolecall']);
      const metrics = { what: 'path', path: '/metrics' } as const;
      expect(await createAccessReview({ kube }).mayRead(token, metrics)).toBe('unknown');
      const ours = createAccessReview({ kube, audiences: ['rolecall'] });
      expect(await ours.mayRead(token, metrics)).toBe('allowed');
    });

    test('Events are taken as they are written, counted on, and found beside their object', async () => {
      const kube = await kubeClient({ kubeconfig: server().kubeconfig });
      onTestFinished(() => kube.close());
      const log = recordingLog();
      const open = () => createEvents({ kube, instance: 'rolecall-0', log, now: Date.now });
      const happening = (kind: string, name: string, namespace?: string): Happening => ({
        object: {
          apiVersion: 'rolecall.dev/v1alpha1',
          kind,
          metadata: {
            name,
            uid: `uid-of-${name}`,
            resourceVersion: '1',
            ...(namespace === undefined ? {} : { namespace }),
          },
        },
        type: 'Warning',
        reason: 'Denied',
        action: 'Apply',
        note: 'ü'.repeat(1000),
      });
      const first = open();
      first.record(happening('RoleBinding', 'analysts', 'acme'));
      first.record(happening('RoleBinding', 'analysts', 'acme'));
      first.record(happening('Workspace', 'acme'));
      await first.stop();
      const second = open();
      second.record(happening('RoleBinding', 'analysts', 'acme'));
      second.record(happening('Workspace', 'acme'));
      await second.stop();
      expect(log.lines).toEqual([]);
      const found = async (namespace: string, kind: string) => {
        const { body } = await server().send('GET', `/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
        const items = body.items as { regarding: { kind: string }; series?: { count: number } }[];
        return items.filter(({ regarding }) => regarding.kind === kind).map(({ series }) => series?.count);
      };
      expect(await found('acme', 'RoleBinding')).toEqual([3]);
      expect(await found('default', 'Workspace')).toEqual([2]);
    });
  },
  { rbac: true },
);
