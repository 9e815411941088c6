import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collectionPath, objectPath } from '../../src/sources/cluster-names.ts';
import type { Kube, KubeObject, WatchEvent } from '../../src/sources/kube.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import { installCrds } from '../crds/judge.ts';
import type { KubeServer } from '../support/kube-server.ts';
import { type ConfigMap, configMap, configMaps, makeNamespace, refusal } from './desk.ts';

interface Binding extends KubeObject {
  readonly spec: { readonly role: string; readonly reason?: string; readonly subjects: readonly object[] };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly appliedHash?: string;
    readonly conditions?: readonly { readonly type: string }[];
  };
}

const SPEC = {
  role: 'workspace-viewer',
  subjects: [{ name: 'ada' }],
  resources: [{ type: 'Workspace' }],
};

const condition = (type: string) => ({
  type,
  status: 'True',
  reason: 'Applied',
  message: 'so it is',
  lastTransitionTime: '2026-11-24T10:00:00Z',
});

/** What the operator relies on: the simulator must do as the real server does. */
export function apiSuite(server: () => KubeServer): void {
  describe('an API server', () => {
    let kube: Kube;
    let namespace: string;
    beforeAll(async () => {
      await installCrds(server());
      kube = await kubeClient({ kubeconfig: server().kubeconfig });
      namespace = await makeNamespace(kube);
    }, 120_000);
    afterAll(() => kube?.close());

    const all = () => collectionPath('RoleBinding', namespace);
    const one = (name: string) => objectPath('RoleBinding', namespace, name);
    const manifest = (name: string, more: object = {}) => ({
      apiVersion: 'rolecall.dev/v1alpha1',
      kind: 'RoleBinding',
      metadata: { name },
      spec: SPEC,
      ...more,
    });
    const create = (name: string, more?: object) =>
      kube.request<Binding>({ method: 'POST', path: all(), body: manifest(name, more) });
    const get = (name: string) => kube.request<Binding>({ method: 'GET', path: one(name) });
    const put = (object: Binding) =>
      kube.request<Binding>({ method: 'PUT', path: one(object.metadata.name), body: object });
    const merge = (name: string, body: object) =>
      kube.request<Binding>({ method: 'PATCH', patch: 'merge', path: one(name), body });
    const apply = (name: string, more: object, fieldManager = 'rolecall-operator', force = true) =>
      kube.request<Binding>({
        method: 'PATCH',
        patch: 'apply',
        path: one(name),
        query: { fieldManager, force },
        body: { apiVersion: 'rolecall.dev/v1alpha1', kind: 'RoleBinding', metadata: { name }, ...more },
      });
    const status = (name: string, said: object, metadata: object = {}) => ({
      method: 'PATCH' as const,
      patch: 'apply' as const,
      path: `${one(name)}/status`,
      query: { fieldManager: 'rolecall-operator', force: true },
      body: {
        apiVersion: 'rolecall.dev/v1alpha1',
        kind: 'RoleBinding',
        metadata: { name, ...metadata },
        status: said,
      },
    });
    const applyStatus = (name: string, said: object) => kube.request<Binding>(status(name, said));

    test('an object that is created has a generation, defaults, and not the status that was sent', async () => {
      const made = await create('made', { status: { appliedHash: 'x' } });
      expect(made.metadata).toMatchObject({ name: 'made', namespace, generation: 1 });
      expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(made.spec.subjects).toEqual([{ kind: 'User', name: 'ada' }]);
      // A status of its own: what the CRD gives it by default.
      expect(made.status?.appliedHash).toBeUndefined();
      const next = await create('made-later');
      expect(Number(next.metadata.resourceVersion)).toBeGreaterThan(Number(made.metadata.resourceVersion));
    });

    test('what is there already, is not there, is nowhere, or is wrong, is refused', async () => {
      await create('there');
      const path = all();
      expect(await refusal(kube, { method: 'POST', path, body: manifest('there') })).toBe(
        '409 AlreadyExists',
      );
      expect(await refusal(kube, { method: 'GET', path: one('not-there') })).toBe('404 NotFound');
      expect(await refusal(kube, { method: 'GET', path: '/apis/rolecall.dev/v1alpha1/x' })).toBe('404 ');
      const nowhere = collectionPath('RoleBinding', 'nowhere');
      expect(await refusal(kube, { method: 'POST', path: nowhere, body: manifest('x') })).toBe(
        '404 NotFound',
      );
      const wrong = manifest('wrong', { spec: { ...SPEC, subjects: [] } });
      expect(await refusal(kube, { method: 'POST', path, body: wrong })).toBe('422 Invalid');
      const without = { ...manifest('without'), spec: undefined };
      expect(await refusal(kube, { method: 'POST', path, body: without })).toBe('422 Invalid');
    });

    test('a PUT wants the version that it rests on, and the same object', async () => {
      const first = await create('put');
      const second = await put({ ...first, spec: { ...first.spec, reason: 'one' } });
      expect(second.metadata.generation).toBe(2);
      const call = { method: 'PUT', path: one('put') } as const;
      expect(await refusal(kube, { ...call, body: first })).toBe('409 Conflict');
      const { resourceVersion: _, ...metadata } = second.metadata;
      expect(await refusal(kube, { ...call, body: { ...second, metadata } })).toBe('422 Invalid');
      const another = { ...second, metadata: { ...second.metadata, uid: crypto.randomUUID() } };
      expect(await refusal(kube, { ...call, body: another })).toBe('409 Conflict');
      const stale = { metadata: { resourceVersion: first.metadata.resourceVersion, labels: { a: 'b' } } };
      expect(await refusal(kube, { ...call, method: 'PATCH', patch: 'merge', body: stale })).toBe(
        '409 Conflict',
      );
    });

    test('the generation moves with the spec alone', async () => {
      await create('generation');
      expect((await merge('generation', { metadata: { labels: { a: 'b' } } })).metadata.generation).toBe(1);
      expect((await applyStatus('generation', { appliedHash: 'x' })).metadata.generation).toBe(1);
      expect((await merge('generation', { spec: { reason: 'why' } })).metadata.generation).toBe(2);
      expect((await merge('generation', { spec: { reason: null } })).metadata.generation).toBe(3);
    });

    test('a write that changes nothing is none', async () => {
      const made = await create('same');
      const said = await applyStatus('same', { conditions: [condition('Ready')] });
      expect(said.metadata.resourceVersion).not.toBe(made.metadata.resourceVersion);
      for (const again of [
        await applyStatus('same', { conditions: [condition('Ready')] }),
        await put(said),
        await merge('same', { spec: { role: SPEC.role } }),
      ])
        expect(again.metadata.resourceVersion).toBe(said.metadata.resourceVersion);
    });

    test('the status is written apart from all else', async () => {
      const made = await create('apart');
      await applyStatus('apart', { appliedHash: 'x' });
      const meddled = await merge('apart', { status: { appliedHash: 'y' } });
      expect(meddled.status?.appliedHash).toBe('x');
      const call = { method: 'PATCH', patch: 'merge', path: `${one('apart')}/status` } as const;
      const body = {
        metadata: { labels: { a: 'b' } },
        spec: { role: 'other' },
        status: { appliedHash: 'z' },
      };
      const after = await kube.request<Binding>({ ...call, body });
      expect(after).toMatchObject({ spec: made.spec, status: { appliedHash: 'z' } });
      expect(after.metadata.labels).toBeUndefined();
      expect(await refusal(kube, status('absent', { appliedHash: 'x' }))).toBe('404 NotFound');
      const wrong = status('apart', { conditions: [{ type: 'Ready' }] });
      expect(await refusal(kube, wrong)).toMatch(/^422 |^400 /);
    });

    test('an object with a finalizer goes when it has none any more', async () => {
      const made = await create('held', {
        metadata: { name: 'held', finalizers: ['rolecall.dev/operator'] },
      });
      await kube.request({ method: 'DELETE', path: one('held') });
      const leaving = await get('held');
      expect(leaving.metadata.deletionTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(leaving.metadata.generation).toBe(2);
      const more = { metadata: { finalizers: ['rolecall.dev/operator', 'rolecall.dev/other'] } };
      expect(await refusal(kube, { method: 'PATCH', patch: 'merge', path: one('held'), body: more })).toBe(
        '422 Invalid',
      );
      await merge('held', { metadata: { finalizers: null } });
      expect(await refusal(kube, { method: 'GET', path: one('held') })).toBe('404 NotFound');
      const again = await create('held');
      expect(again.metadata.uid).not.toBe(made.metadata.uid);
    });

    test('a deletion may be of one version of one object only', async () => {
      const { metadata } = await create('exact');
      const remove = (preconditions: object) =>
        ({
          method: 'DELETE',
          path: one('exact'),
          body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions },
        }) as const;
      expect(await refusal(kube, remove({ uid: crypto.randomUUID() }))).toBe('409 Conflict');
      await merge('exact', { spec: { reason: 'why' } });
      const { uid, resourceVersion } = metadata;
      expect(await refusal(kube, remove({ uid, resourceVersion }))).toBe('409 Conflict');
      await kube.request(remove({ uid }));
      expect(await refusal(kube, { method: 'GET', path: one('exact') })).toBe('404 NotFound');
    });

    test('what a manager does not apply any more goes, unless another one has it', async () => {
      const first = await apply(
        'applied',
        { spec: { ...SPEC, reason: 'why', expiresAt: '2030-01-01' } },
        'a',
      );
      expect(first.metadata.generation).toBe(1);
      await apply('applied', { spec: { expiresAt: '2030-01-01' } }, 'b');
      expect((await apply('applied', { spec: SPEC }, 'a')).spec).toEqual({
        ...first.spec,
        reason: undefined,
        expiresAt: '2030-01-01',
      });
    });

    test('what another manager has is taken by force only', async () => {
      await apply('force', { spec: { ...SPEC, reason: 'mine' } }, 'a');
      const call = {
        method: 'PATCH',
        patch: 'apply',
        path: one('force'),
        body: { apiVersion: 'rolecall.dev/v1alpha1', kind: 'RoleBinding', spec: { reason: 'yours' } },
      } as const;
      expect(await refusal(kube, { ...call, query: { fieldManager: 'b' } })).toBe('409 Conflict');
      expect(await refusal(kube, call)).toMatch(/^4\d\d /);
      const nothing = { ...call, query: { fieldManager: 'b' }, body: { spec: {} } };
      expect(await refusal(kube, nothing)).toBe('400 BadRequest');
      expect((await apply('force', { spec: { reason: 'yours' } }, 'b')).spec.reason).toBe('yours');
      // It is the other's now: not to name it is not to take it away.
      expect((await apply('force', { spec: SPEC }, 'a')).spec.reason).toBe('yours');
    });

    test('items of a list are known by their keys', async () => {
      await create('conditions');
      await applyStatus('conditions', { conditions: [condition('Ready'), condition('Stalled')] });
      const other = status('conditions', { conditions: [condition('Seen')] });
      await kube.request({ ...other, query: { fieldManager: 'other' } });
      const { status: after } = await applyStatus('conditions', { conditions: [condition('Ready')] });
      expect(after?.conditions?.map(({ type }) => type).sort()).toEqual(['Ready', 'Seen']);
    });

    test('to apply to an object that is not there any more makes no other one', async () => {
      const { metadata } = await create('gone');
      const call = (uid: string) => ({
        ...status('gone', {}),
        path: one('gone'),
        body: { ...manifest('gone'), metadata: { name: 'gone', uid } },
      });
      expect(await refusal(kube, call(crypto.randomUUID()))).toBe('422 Invalid');
      await kube.request({ method: 'DELETE', path: one('gone') });
      expect(await refusal(kube, call(metadata.uid))).toBe('409 Conflict');
    });

    test('a list comes in pages that are of one moment', async () => {
      const own = await makeNamespace(kube);
      const path = configMaps(own);
      for (let i = 0; i < 7; i++) await kube.request({ method: 'POST', path, body: configMap(`c${i}`) });
      interface List {
        readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
        readonly items: readonly ConfigMap[];
      }
      const page = (more: object) =>
        kube.request<List>({ method: 'GET', path, query: { limit: 3, ...more } });
      const first = await page({});
      await kube.request({ method: 'DELETE', path: `${path}/c6` });
      await kube.request({ method: 'POST', path, body: configMap('c3-later') });
      const second = await page({ continue: first.metadata.continue });
      const third = await page({ continue: second.metadata.continue });
      const names = [first, second, third].flatMap(({ items }) => items.map(({ metadata }) => metadata.name));
      expect(names).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6']);
      expect(third.metadata.continue ?? '').toBe('');
      expect(new Set([first, second, third].map(({ metadata }) => metadata.resourceVersion)).size).toBe(1);
    });

    test('a watch tells from a version on what has happened, until its time is over', async () => {
      const own = await makeNamespace(kube);
      const path = configMaps(own);
      const list = await kube.request<{ metadata: { resourceVersion: string } }>({ method: 'GET', path });
      const post = (name: string, labels: object) =>
        kube.request({ method: 'POST', path, body: { ...configMap(name), metadata: { name, labels } } });
      await post('one', { a: 'b' });
      await post('two', {});
      const relabel = { metadata: { labels: { a: 'c' } } };
      await kube.request({ method: 'PATCH', patch: 'merge', path: `${path}/one`, body: relabel });
      await kube.request({ method: 'DELETE', path: `${path}/one` });
      const events = async (more: object) => {
        const told: WatchEvent[] = [];
        const query = { resourceVersion: list.metadata.resourceVersion, timeoutSeconds: 1, ...more };
        for await (const event of kube.watch(path, query, new AbortController().signal)) told.push(event);
        return told;
      };
      const told = await events({});
      const short = (event: WatchEvent) =>
        event.type === 'ERROR' ? event.type : `${event.type} ${event.object.metadata.name}`;
      expect(told.map(short)).toEqual(['ADDED one', 'ADDED two', 'MODIFIED one', 'DELETED one']);
      const versions = told.map((event) =>
        event.type === 'ERROR' ? 0 : Number(event.object.metadata.resourceVersion),
      );
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
      expect(new Set(versions).size).toBe(4);
      expect((await events({ labelSelector: 'a=b' })).map(short)).toEqual(['ADDED one', 'DELETED one']);
    });

    test('an object is deleted in a version of its own', async () => {
      const made = await create('last');
      await kube.request({ method: 'DELETE', path: one('last') });
      const query = {
        resourceVersion: made.metadata.resourceVersion,
        timeoutSeconds: 1,
        fieldSelector: 'metadata.name=last',
      };
      const told: string[] = [];
      for await (const event of kube.watch(all(), query, new AbortController().signal)) {
        if (event.type === 'ERROR') throw new Error(event.object.message);
        told.push(event.type);
        expect(Number(event.object.metadata.resourceVersion)).toBeGreaterThan(
          Number(made.metadata.resourceVersion),
        );
      }
      expect(told).toEqual(['DELETED']);
    });

    test('times of a Lease have microseconds, and nobody may hold it', async () => {
      const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
      const lease = (renewTime: string) => ({
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'lease' },
        spec: { holderIdentity: 'a', leaseDurationSeconds: 1, renewTime },
      });
      expect(await refusal(kube, { method: 'POST', path, body: lease('2026-11-24T10:00:00Z') })).toBe(
        '400 BadRequest',
      );
      const body = lease('2026-11-24T10:00:00.000000Z');
      const made = await kube.request<KubeObject & { spec: object }>({ method: 'POST', path, body });
      const released = { ...made, spec: { ...made.spec, holderIdentity: '' } };
      await kube.request({ method: 'PUT', path: `${path}/lease`, body: released });
    });

    test('a Secret is written as text and read as base64', async () => {
      const path = `/api/v1/namespaces/${namespace}/secrets`;
      const made = await kube.request<{ data: object; type: string }>({
        method: 'PATCH',
        patch: 'apply',
        path: `${path}/secret`,
        query: { fieldManager: 'rolecall-operator', force: true },
        body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secret' }, stringData: { token: 'x' } },
      });
      expect(made).toMatchObject({ type: 'Opaque', data: { token: 'eA==' } });
    });

    test('an Event has a name that ends as a name does', async () => {
      const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
      const event = (generateName: string) => ({
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { generateName },
        eventTime: '2026-11-24T10:00:00.000000Z',
        type: 'Normal',
        reason: 'Applied',
        action: 'Apply',
        note: 'so it is',
        reportingController: 'rolecall.dev/operator',
        reportingInstance: 'rolecall-0',
        regarding: { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'x' },
      });
      expect(await refusal(kube, { method: 'POST', path, body: event('dot.') })).toBe('422 Invalid');
      await kube.request({ method: 'POST', path, body: event('dash-') });
      const { eventTime: _, ...without } = event('dash-');
      expect(await refusal(kube, { method: 'POST', path, body: without })).toMatch(/^4\d\d /);
    });

    test('whose a token is, and what somebody may, can be asked', async () => {
      const { users } = JSON.parse(readFileSync(server().kubeconfig, 'utf8')) as {
        readonly users: readonly { readonly user: { readonly token: string } }[];
      };
      const review = (token: string) =>
        kube.request<{ status: object }>({
          method: 'POST',
          path: '/apis/authentication.k8s.io/v1/tokenreviews',
          body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
        });
      expect((await review(users[0]?.user.token ?? '')).status).toMatchObject({
        authenticated: true,
        user: { username: 'tester', groups: expect.arrayContaining(['system:masters']) },
      });
      expect((await review('nobody')).status).not.toMatchObject({ authenticated: true });
      const access = await kube.request<{ status: object }>({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            user: 'tester',
            groups: ['system:masters'],
            nonResourceAttributes: { path: '/metrics', verb: 'get' },
          },
        },
      });
      expect(access.status).toMatchObject({ allowed: true });
    });

    test('nothing new comes into a namespace that is being deleted', async () => {
      const own = await makeNamespace(kube);
      await kube.request({ method: 'DELETE', path: `/api/v1/namespaces/${own}` });
      const left = await kube.request<{ status: object }>({
        method: 'GET',
        path: `/api/v1/namespaces/${own}`,
      });
      expect(left.status).toMatchObject({ phase: 'Terminating' });
      expect(await refusal(kube, { method: 'POST', path: configMaps(own), body: configMap('x') })).toBe(
        '403 Forbidden',
      );
    });
  });
}
