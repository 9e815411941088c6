import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeHelmOnKube } from '../support/helm.ts';
import {
  CHART,
  helmOn,
  NAMESPACE,
  type Rendered,
  renderedObjects,
  until,
  VALUES_FILES,
  valuesPath,
} from './chart.ts';

/** Of the Prometheus operator, which is not part of Kubernetes. */
const FOREIGN = ['ServiceMonitor'];

await describeHelmOnKube('the chart on an API server', (server, tools) => {
  beforeAll(async () => {
    for (const name of [NAMESPACE, 'acme-prod', 'acme-test']) {
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      expect(await server().send('POST', '/api/v1/namespaces', namespace)).toMatchObject({ status: 201 });
    }
  });

  async function pathOf({ apiVersion, kind, metadata }: Rendered): Promise<string> {
    const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const { body } = await server().send('GET', group);
    const { resources = [] } = body as { resources?: { name: string; kind: string; namespaced: boolean }[] };
    const resource = resources.find((one) => one.kind === kind && !one.name.includes('/'));
    if (resource === undefined) throw new Error(`${apiVersion} has no ${kind}`);
    expect(resource.namespaced, kind).toBe(metadata.namespace !== undefined);
    const namespace = resource.namespaced ? `/namespaces/${metadata.namespace}` : '';
    return `${group}${namespace}/${resource.name}/${metadata.name}`;
  }

  describe.each(VALUES_FILES)('with the values %s', (file) => {
    test('each object has the fields that Kubernetes knows, with values that it takes', async () => {
      const objects = (await renderedObjects(tools, file)).filter(({ kind }) => !FOREIGN.includes(kind));
      for (const object of objects) {
        const path = `${await pathOf(object)}?dryRun=All&fieldManager=test&fieldValidation=Strict`;
        const { status, body } = await server().send('PATCH', path, object);
        expect(body.message, `${object.kind} ${object.metadata.name}`).toBeUndefined();
        expect(status).toBe(201);
      }
      expect(objects.length).toBeGreaterThan(5);
    });
  });

  test('the restricted Pod Security Standard takes its pods', async () => {
    const objects = await renderedObjects(tools, 'default');
    const deployment = objects.find(({ kind }) => kind === 'Deployment') as Rendered & {
      readonly spec: { readonly template: object };
    };
    const namespace = 'restricted';
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await server().send('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels },
    });
    const pod = { apiVersion: 'v1', kind: 'Pod', ...deployment.spec.template };
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
    const named = { ...pod, metadata: { name: 'operator' } };
    expect(await server().send('POST', path, named)).toMatchObject({ status: 201 });
    const { spec } = deployment.spec.template as { spec: object };
    const loose = { ...named, spec: { ...spec, hostNetwork: true } };
    expect(await server().send('POST', path, loose)).toMatchObject({ status: 403 });
  });

  test('an upgrade brings CRDs up to date, and uninstalling leaves them with their objects', async () => {
    const before = chartBefore();
    try {
      await helmOn(server(), tools, 'install', 'rolecall', before);
      expect(await columnsOfWorkspaces()).not.toContain('Tier');
      const workspace = {
        apiVersion: 'rolecall.dev/v1alpha1',
        kind: 'Workspace',
        metadata: { name: 'acme-prod' },
        spec: { displayName: 'Acme Production' },
      };
      const path = '/apis/rolecall.dev/v1alpha1/workspaces';
      await until(200, () => server().send('GET', path));
      expect(await server().send('POST', path, workspace)).toMatchObject({ status: 201 });
      await helmOn(server(), tools, 'upgrade', 'rolecall', CHART, '--values', valuesPath('watch-namespaces'));
      expect(await columnsOfWorkspaces()).toContain('Tier');
      expect(await helmOn(server(), tools, 'uninstall', 'rolecall')).toContain(
        'kept due to the resource policy',
      );
      expect(await columnsOfWorkspaces()).toContain('Tier');
      expect(await server().send('GET', `${path}/acme-prod`)).toMatchObject({ status: 200 });
      const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
      expect(await server().send('GET', policies)).toMatchObject({ body: { items: [] } });
      await helmOn(server(), tools, 'install', 'rolecall', CHART);
      expect(await server().send('GET', `${path}/acme-prod`)).toMatchObject({ status: 200 });
    } finally {
      rmSync(before, { recursive: true });
    }
  });

  async function columnsOfWorkspaces(): Promise<readonly string[]> {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/workspaces.rolecall.dev';
    const { body } = await server().send('GET', path);
    const { versions } = body.spec as { versions: { additionalPrinterColumns: { name: string }[] }[] };
    return versions.flatMap(({ additionalPrinterColumns }) =>
      additionalPrinterColumns.map(({ name }) => name),
    );
  }
});

/** The chart as an earlier version may have been: without a column of Workspaces. */
function chartBefore(): string {
  const folder = mkdtempSync(join(tmpdir(), 'iam-chart-'));
  cpSync(CHART, folder, { recursive: true });
  const path = join(folder, 'files/crds/workspaces.yaml');
  const text = readFileSync(path, 'utf8');
  const without = text.replace(/ *- name: Tier\n *type: string\n *jsonPath: .*\n/, '');
  expect(without).not.toBe(text);
  writeFileSync(path, without);
  return folder;
}
