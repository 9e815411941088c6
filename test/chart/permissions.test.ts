import { beforeAll, describe, expect, test } from 'vitest';
import { API_VERSION, KIND_NAMES, type KindName, kindOf } from '../../src/kinds/index.ts';
import { CLUSTER_NAMES } from '../../src/sources/cluster-names.ts';
import { acceptedSpecs } from '../crds/case.ts';
import { describeHelmOnKube } from '../support/helm.ts';
import { NAMESPACE, until } from './chart.ts';
import { BINDING, clusterOf, installChart, manifest, path } from './cluster.ts';

await describeHelmOnKube('the permissions that the chart gives', (server, tools) => {
  const cluster = clusterOf(server);
  const { root, as, operator, grant, given } = cluster;

  beforeAll(() => installChart(server(), tools, cluster), 180_000);

  describe('ClusterRoles for people', () => {
    const verdicts = async (user: string, kind: KindName, namespace = 'acme-prod') => {
      const [, spec = {}] = acceptedSpecs(kind);
      const list = path(kind, undefined, namespace);
      const object = manifest(kind, 'some', spec as object, {}, namespace);
      const reads = (await as(user)('GET', list)).status === 200;
      const { status } = await as(user)('POST', `${list}?dryRun=All`, object);
      return `${reads ? 'reads' : '-'} ${status === 201 ? 'writes' : '-'}`;
    };

    test.each(KIND_NAMES)('a viewer reads every %s and writes none', async (kind) => {
      expect(await verdicts('vera', kind)).toBe('reads -');
    });

    test.each(KIND_NAMES)('an admin of everything writes every %s', async (kind) => {
      expect(await verdicts('gus', kind)).toBe('reads writes');
    });

    test('an admin of a namespace writes what is in it, and nothing else', async () => {
      for (const kind of KIND_NAMES)
        expect(await verdicts('ada', kind)).toBe(kindOf(kind).namespaced ? 'reads writes' : '- -');
      expect(await verdicts('ada', 'RoleBinding', 'acme-test')).toBe('- -');
    });

    test('an editor of a namespace reads what is in it, and writes nothing that is global', async () => {
      for (const kind of KIND_NAMES)
        if (kindOf(kind).namespaced) expect(await verdicts('ed', kind)).toMatch(/^reads/);
        else expect(await verdicts('ed', kind)).toBe('- -');
    });

    test('nobody else reads or writes anything', async () => {
      for (const kind of KIND_NAMES) expect(await verdicts('otto', kind)).toBe('- -');
    });
  });

  describe('the operator', () => {
    test.each(KIND_NAMES)(
      'reads every %s, keeps it by its finalizer, and writes its status',
      async (kind) => {
        const [, spec = {}] = acceptedSpecs(kind);
        await given(kind, 'served', spec as object);
        expect(await operator('GET', path(kind))).toMatchObject({ status: 200 });
        expect(await operator('GET', path(kind, 'served'))).toMatchObject({ status: 403 });
        const all = `/apis/${API_VERSION}/${CLUSTER_NAMES[kind].plural}`;
        expect(await operator('GET', all)).toMatchObject({ status: 200 });
        const identity = { apiVersion: API_VERSION, kind };
        const query = '?fieldManager=rolecall-operator&force=true';
        expect(
          await operator('PATCH', `${path(kind, 'served')}${query}`, {
            ...identity,
            metadata: { finalizers: ['rolecall.dev/operator'] },
          }),
        ).toMatchObject({ status: 200, body: { metadata: { finalizers: ['rolecall.dev/operator'] } } });
        expect(
          await operator('PATCH', `${path(kind, 'served')}/status${query}`, {
            ...identity,
            status: { observedGeneration: 1 },
          }),
        ).toMatchObject({ status: 200, body: { status: { observedGeneration: 1 } } });
        expect(await operator('POST', path(kind), manifest(kind, 'own', spec as object))).toMatchObject({
          status: 403,
        });
        expect(await operator('DELETE', path(kind, 'served'))).toMatchObject({ status: 403 });
      },
    );

    test('gives no role, whatever it may patch', async () => {
      await given('RoleBinding', 'served-too', BINDING);
      const change = { apiVersion: API_VERSION, kind: 'RoleBinding', spec: { role: 'workspace-owner' } };
      const query = '?fieldManager=rolecall-operator&force=true';
      expect(await operator('PATCH', `${path('RoleBinding', 'served-too')}${query}`, change)).toMatchObject({
        status: 403,
      });
    });

    test('makes, reads and writes the Secrets that were named, and sees no other', async () => {
      const secrets = (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`;
      const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } });
      const named = `${secrets('acme-prod')}/ci-deploy`;
      const other = `${secrets('acme-prod')}/other`;
      const query = '?fieldManager=rolecall-operator&force=true';
      expect(await operator('POST', secrets('acme-prod'), secret('ci-deploy'))).toMatchObject({
        status: 403,
      });
      expect(await operator('PATCH', `${named}${query}`, secret('ci-deploy'))).toMatchObject({ status: 201 });
      const written = { ...secret('ci-deploy'), data: { token: 'b25l' } };
      expect(await operator('PATCH', `${named}${query}`, written)).toMatchObject({ status: 200 });
      expect(await operator('GET', named)).toMatchObject({ status: 200, body: { data: { token: 'b25l' } } });
      expect(await root('POST', secrets('acme-prod'), secret('other'))).toMatchObject({ status: 201 });
      expect(await operator('GET', other)).toMatchObject({ status: 403 });
      expect(await operator('PATCH', `${other}${query}`, secret('other'))).toMatchObject({ status: 403 });
      expect(await operator('DELETE', other)).toMatchObject({ status: 403 });
      expect(await operator('GET', secrets('acme-prod'))).toMatchObject({ status: 403 });
      expect(await operator('GET', '/api/v1/secrets')).toMatchObject({ status: 403 });
      const elsewhere = `${secrets('acme-test')}/ci-deploy`;
      expect(await operator('PATCH', `${elsewhere}${query}`, secret('ci-deploy'))).toMatchObject({
        status: 403,
      });
      expect(await operator('DELETE', named)).toMatchObject({ status: 200 });
    });

    test('has its Lease, writes Events, and asks who somebody is and what he may', async () => {
      const leases = (namespace: string) => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
      const lease = (name: string) => ({
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name },
        spec: {},
      });
      const made = await operator('POST', leases(NAMESPACE), lease('rolecall-rolecall'));
      expect(made).toMatchObject({ status: 201 });
      expect(await operator('GET', `${leases(NAMESPACE)}/rolecall-rolecall`)).toMatchObject({ status: 200 });
      expect(await operator('PUT', `${leases(NAMESPACE)}/rolecall-rolecall`, made.body)).toMatchObject({
        status: 200,
      });
      expect(await operator('GET', `${leases(NAMESPACE)}/other`)).toMatchObject({ status: 403 });
      expect(await operator('POST', leases('acme-prod'), lease('rolecall-rolecall'))).toMatchObject({
        status: 403,
      });
      const self = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
      expect(await operator('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', self)).toMatchObject(
        { status: 201 },
      );
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'x' } };
      expect(await operator('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review)).toMatchObject({
        status: 201,
      });
      const reviews = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
      const may = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: 'vera',
          resourceAttributes: {
            group: 'rolecall.dev',
            resource: 'workspaces',
            subresource: 'snapshot',
            verb: 'get',
            name: 'acme-prod',
          },
        },
      };
      expect(await operator('POST', reviews, may)).toMatchObject({
        status: 201,
        body: { status: { allowed: false } },
      });
      await grant('vera', 'ClusterRole', 'rolecall-snapshot-reader');
      await until(200, async () => {
        const answer = await operator('POST', reviews, may);
        return { ...answer, status: isAllowed(answer.body) ? 200 : 403 };
      });
      const event = {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: 'x.1' },
        eventTime: '2026-12-01T00:00:00.000000Z',
        reportingController: 'rolecall.dev/operator',
        reportingInstance: 'x',
        action: 'Apply',
        reason: 'Applied',
        type: 'Normal',
      };
      for (const namespace of ['default', 'acme-prod']) {
        const regarding =
          namespace === 'default'
            ? { apiVersion: API_VERSION, kind: 'Workspace', name: 'acme-prod' }
            : { apiVersion: API_VERSION, kind: 'Group', name: 'analysts', namespace };
        expect(
          await operator('POST', `/apis/events.k8s.io/v1/namespaces/${namespace}/events`, {
            ...event,
            regarding,
          }),
        ).toMatchObject({ status: 201 });
      }
    });
  });
});

function isAllowed(review: Readonly<Record<string, unknown>>): boolean {
  return (review.status as { readonly allowed: boolean }).allowed;
}
