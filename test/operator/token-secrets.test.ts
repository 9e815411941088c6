import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Kube } from '../../src/sources/kube.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import { temporaryFolder } from '../support/folder.ts';
import { inMemoryStore } from '../support/in-memory-store.ts';
import type { KubeServer } from '../support/kube-server.ts';
import { type KubeSimulator, startKubeSimulator } from '../support/kube-simulator.ts';
import { describeKube } from '../support/kube-suite.ts';
import { allIsSettled, HOUR, MARKS, newSecretLab, ROTATES_EVERY } from './secret-lab.ts';
import { secretSuite } from './secret-suite.ts';

let simulator: KubeSimulator;
beforeAll(async () => {
  simulator = await startKubeSimulator();
});
afterAll(() => simulator.stop());

describe('on the simulator', () => secretSuite(() => simulator, inMemoryStore));

await describeKube(
  'on a real API server',
  (server) => {
    secretSuite(server);
    describe('by permissions that name the Secret', () => permissions(server));
  },
  { rbac: true },
);

function permissions(server: () => KubeServer): void {
  const CI = { ci: 'ci-deploy/token' };
  let kube: Kube;
  beforeAll(async () => {
    kube = await kubeClient({ kubeconfig: server().kubeconfig });
  });
  afterAll(() => kube?.close());

  /** An account that may do this, and nothing else, to the Secret ci-deploy of a namespace. */
  async function accountThatMay(namespace: string, verbs: readonly string[]): Promise<Kube> {
    const make = (group: string, resource: string, fields: object) =>
      kube.request<{ status?: { token: string } }>({
        method: 'POST',
        path: `/${group}/namespaces/${namespace}/${resource}`,
        body: fields,
      });
    const metadata = { name: 'operator' };
    const rbac = 'apis/rbac.authorization.k8s.io/v1';
    const rules = [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['ci-deploy'], verbs }];
    await make('api/v1', 'serviceaccounts', { metadata });
    await make(rbac, 'roles', { metadata, rules });
    await make(rbac, 'rolebindings', {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'operator' },
      subjects: [{ kind: 'ServiceAccount', name: 'operator', namespace }],
    });
    const { status } = await make('api/v1', 'serviceaccounts/operator/token', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    });
    const config = JSON.parse(readFileSync(server().kubeconfig, 'utf8'));
    config.users[0].user.token = status?.token;
    const folder = temporaryFolder({ kubeconfig: JSON.stringify(config) });
    return kubeClient({ kubeconfig: path.join(folder, 'kubeconfig') });
  }

  test('it is made, written and taken away with four verbs', async () => {
    const lab = await newSecretLab(kube);
    const own = await accountThatMay(lab.namespace, ['get', 'create', 'patch', 'delete']);
    const asOperator = { store: lab.store, kube: own };
    await lab.declare({ ...CI, other: 'other/token' });
    const { issued, failed } = await lab.deliver(asOperator);
    expect(issued).toHaveLength(1);
    expect(failed.map(({ message }) => message.replaceAll(lab.namespace, 'ns'))).toEqual([
      'Token ns/other: Secret ns/other (key token) cannot be read: the operator may not get Secrets in namespace ns',
    ]);
    await lab.declare(CI);
    lab.ahead += ROTATES_EVERY + HOUR;
    expect((await lab.deliver(asOperator)).issued).toHaveLength(1);
    await allIsSettled(lab, CI, ['ci-deploy']);
    await lab.declare({});
    expect(await lab.deliver(asOperator)).toMatchObject({ failed: [], warnings: [] });
    expect(await lab.secret()).toBeUndefined();
    await own.close();
  });

  test('one that is there and marked needs no permission to create', async () => {
    const lab = await newSecretLab(kube);
    const own = await accountThatMay(lab.namespace, ['get', 'patch']);
    const asOperator = { store: lab.store, kube: own };
    await lab.declare(CI);
    expect((await lab.deliver(asOperator)).failed).toMatchObject([
      { code: 'RC509', message: expect.stringContaining('the operator may not create Secrets in namespace') },
    ]);
    await lab.make({ metadata: { name: 'ci-deploy', labels: MARKS } });
    expect(await lab.deliver(asOperator)).toMatchObject({ issued: [{}], failed: [] });
    await lab.declare({});
    const { warnings } = await lab.deliver(asOperator);
    expect(warnings).toMatchObject([
      { message: expect.stringContaining('the operator may not delete Secrets') },
    ]);
    await own.close();
  });
}
