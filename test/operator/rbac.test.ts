/** The operator has the rights that the chart gives its ServiceAccount, on an API server that notes each request: all, and no more. */
import { createServer } from 'node:net';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Address } from '../../src/operator/listener.ts';
import { CHART, helmOn, NAMESPACE } from '../chart/chart.ts';
import { describeHelmOnKube } from '../support/helm.ts';
import type { RealKubeServer } from '../support/kube-server.ts';
import { installResources, type OperatorDesk, operatorDesk } from '../support/operator-desk.ts';
import { covers, type Right, rightsAsked, rightsOf, shown } from '../support/rights.ts';
import { kubeconfigOf, tokenOf } from '../support/service-account.ts';
import { operatorStories } from './stories.ts';

const ACCOUNT = { namespace: NAMESPACE, name: 'rolecall' };
const LEASE = { namespace: NAMESPACE, name: 'rolecall-rolecall' };
const READERS = ['rolecall-snapshot-reader', 'rolecall-metrics-reader'];

/** Two workspaces with all Kinds; `token` is where the secret of the Token of each goes. */
const WORKSPACES = { acme: 'ci-deploy', studio: 'publisher' } as const;
const PEOPLE = `
  kind: User
  metadata: {name: ana}
  spec: {email: ana@acme.example}
  ---
  kind: Role
  metadata: {name: helper}
  spec: {displayName: Helper, scopes: [Workspace]}
  ---
  kind: AccessPolicy
  metadata: {name: addresses}
  spec:
    match: {"on": Grant}
    validations: [{expression: "grant.subjectKind != 'User' || grant.email.endsWith('@acme.example')", message: no address of ours}]
`;
const contentOf = (workspace: string, secret: string) => `
  kind: Workspace
  metadata: {name: ${workspace}}
  spec: {displayName: ${workspace}, tier: Business}
  ---
  kind: RoleBinding
  metadata: {name: owners, namespace: ${workspace}}
  spec: {role: workspace-owner, subjects: [{name: ana}], resources: [{type: Workspace}]}
  ---
  kind: Group
  metadata: {name: team, namespace: ${workspace}}
  spec: {displayName: Team, members: [{name: ana}]}
  ---
  kind: RoleBinding
  metadata: {name: helpers, namespace: ${workspace}}
  spec: {role: helper, subjects: [{kind: Group, name: team}], resources: [{type: Workspace}]}
  ---
  kind: Token
  metadata: {name: ci, namespace: ${workspace}}
  spec:
    description: Deploys
    role: source-read-only
    owner: ana
    deliverTo: {secret: {name: ${secret}, key: token}}
`;

await describeHelmOnKube(
  'the operator with the rights that the chart gives it',
  (server, tools) => {
    const asAccount = (): RealKubeServer => ({ ...server(), kubeconfig });
    let kubeconfig = '';
    let installed = 0;

    const install = async (...values: readonly string[]) => {
      const set = values.flatMap((one) => ['--set-json', one]);
      await server().send(
        'DELETE',
        `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/${LEASE.name}`,
      );
      await helmOn(server(), tools, 'upgrade', 'rolecall', CHART, '--install', ...set);
      installed = server().audited().length;
    };

    beforeAll(async () => {
      for (const name of [NAMESPACE, ...Object.keys(WORKSPACES)])
        await server().send('POST', '/api/v1/namespaces', { metadata: { name } });
      await install();
      await installResources(server());
      kubeconfig = await kubeconfigOf(server(), ACCOUNT.namespace, ACCOUNT.name);
    }, 180_000);

    /** What the account asked for since the chart was installed, and what the chart gives it. */
    const compared = async () => {
      const events = server()
        .audited()
        .slice(installed)
        .filter(({ user }) => user.username === `system:serviceaccount:${NAMESPACE}:rolecall`);
      const manifest = await helmOn(server(), tools, 'get', 'manifest', 'rolecall');
      const objects = parseAllDocuments(manifest).map((document) => document.toJS());
      const given = rightsOf(
        objects.filter((one) => one !== null),
        ACCOUNT,
      );
      const asked = events.flatMap(rightsAsked);
      return {
        requests: events.length,
        // A server that has just started refuses for a moment what it is going to allow.
        refused: unique(
          events
            .filter((one) => one.responseStatus?.code === 403)
            .flatMap(rightsAsked)
            .filter((one) => !given.some((right) => covers(right, one))),
        ),
        missing: unique(asked.filter((one) => !given.some((right) => covers(right, one)))),
        unused: unique(given.filter((right) => !asked.some((one) => covers(right, one)))),
      };
    };

    describe('in all namespaces', () => {
      beforeAll(
        () =>
          install(
            'tokenSecrets.namespaces=[{"namespace":"acme","names":["ci-deploy"]}]',
            'snapshotConfigMaps=true',
          ),
        60_000,
      );

      operatorStories(asAccount, LEASE);

      test('it does all else that it can', async () => {
        const desk = await operatorDesk(asAccount());
        await everything(desk, ['acme']);
      });

      test('each right was asked for, and none that it has not', async () => {
        const { requests, ...rights } = await compared();
        expect(rights).toEqual({ refused: [], missing: [], unused: [] });
        expect(requests).toBeGreaterThan(3000);
      });
    });

    describe('in two namespaces only', () => {
      beforeAll(
        () =>
          install(
            'watchNamespaces=["acme","studio"]',
            'tokenSecrets.namespaces=[{"namespace":"acme","names":["ci-deploy"]},{"namespace":"studio"}]',
          ),
        60_000,
      );

      test('it does all that it can', async () => {
        const desk = await operatorDesk(asAccount());
        await everything(desk, ['acme', 'studio'], ['acme', 'studio']);
      });

      test('each right was asked for, and none that it has not', async () => {
        const { requests, ...rights } = await compared();
        expect(rights).toEqual({ refused: [], missing: [], unused: [] });
        expect(requests).toBeGreaterThan(100);
      });
    });

    /** Of all Kinds: applied, paused twice, deleted; secrets delivered and taken back; by two operators, of which one serves. */
    async function everything(
      desk: OperatorDesk,
      workspaces: readonly (keyof typeof WORKSPACES)[],
      namespaces: readonly string[] = [],
    ): Promise<void> {
      const { start, apply, annotate, until, untilGone, remove, eventually } = desk;
      const main: Address = { host: '127.0.0.1', port: await freePort() };
      const health: Address = { host: '127.0.0.1', port: await freePort() };
      const first = await start({
        namespaces,
        lease: LEASE,
        instance: 'one',
        serve: { main, health, tls: undefined },
      });
      const second = await start({ namespaces, lease: LEASE, instance: 'two' });
      await apply(PEOPLE);
      for (const workspace of workspaces) await apply(contentOf(workspace, WORKSPACES[workspace]));
      for (const workspace of workspaces) await until('Token', `${workspace}/ci`, 'Applied');
      await served(main, workspaces);

      // The same Event twice: of what is global, and in each namespace.
      const paused = [['User', 'ana'], ...workspaces.map((one) => ['Group', `${one}/team`])] as const;
      for (const displayName of ['Once', 'Twice']) {
        for (const [kind, path] of paused as readonly (readonly ['User' | 'Group', string])[]) {
          await annotate(kind, path, { 'rolecall.dev/paused': 'true' });
          await until(kind, path, 'Applied');
        }
        await apply(PEOPLE.replace('{email:', `{displayName: ${displayName}, email:`));
        for (const workspace of workspaces)
          await apply(contentOf(workspace, WORKSPACES[workspace]).replace('Team', displayName));
        for (const [kind, path] of paused as readonly (readonly ['User' | 'Group', string])[]) {
          await until(kind, path, 'Paused');
          await annotate(kind, path, {});
          await until(kind, path, 'Applied');
        }
      }

      await first.stop();
      await eventually(
        'the other works',
        () => desk.lines.filter((line) => / working /.test(line)).length === 2,
      );
      for (const workspace of workspaces) {
        await remove('Token', `${workspace}/ci`);
        await untilGone('Token', `${workspace}/ci`);
        const path = `/api/v1/namespaces/${workspace}/secrets/${WORKSPACES[workspace]}`;
        await eventually(
          'its Secret is gone',
          async () => (await desk.server.send('GET', path)).status === 404,
        );
      }
      await second.stop();
    }

    /** Somebody whom the cluster lets reads the metrics and the snapshots. */
    async function served({ host, port }: Address, workspaces: readonly string[]): Promise<void> {
      const { send } = server();
      const subject = { kind: 'ServiceAccount', name: 'auditor', namespace: NAMESPACE };
      await send('POST', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, {
        metadata: { name: 'auditor' },
      });
      for (const name of READERS)
        await send('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
          metadata: { name: `auditor-${name}` },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
          subjects: [subject],
        });
      const authorization = `Bearer ${await tokenOf(server(), NAMESPACE, 'auditor')}`;
      const paths = ['/metrics', ...workspaces.map((one) => `/snapshots/${one}.users.csv`)];
      for (const path of paths)
        await vi.waitFor(
          async () =>
            expect(
              await fetch(`http://${host}:${port}${path}`, { headers: { authorization } }),
            ).toMatchObject({ status: 200 }),
          { timeout: 20_000, interval: 200 },
        );
    }
  },
  { audit: true },
);

function unique(rights: readonly Right[]): string[] {
  return [...new Set(rights.map(shown))].sort();
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (typeof address !== 'object' || !address) throw new Error('no port');
  return address.port;
}
