import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { type KubeSimulator, startKubeSimulator } from '../support/kube-simulator.ts';
import { installResources, operatorDesk } from '../support/operator-desk.ts';
import { runIam } from '../support/run-iam.ts';

let simulator: KubeSimulator;
beforeAll(async () => {
  simulator = await startKubeSimulator();
  await installResources(simulator);
});
afterAll(() => simulator.stop());

const ACME = `
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
`;

async function cluster() {
  const desk = await operatorDesk(simulator);
  const cwd = temporaryFolder();
  const iam = (words: string) => runIam([...words.split(' '), '--kubeconfig', simulator.kubeconfig], { cwd });
  return { ...desk, cwd, iam };
}

test('a plan of a cluster is one of its objects, as the operator manages them', async () => {
  const { apply, iam } = await cluster();
  await apply(ACME);
  const { exit, stdout, stderr } = await iam('plan --source cluster -o json');
  expect([exit, stderr]).toEqual([0, '']);
  const plan = JSON.parse(stdout);
  expect(plan.manager).toBe('operator:rolecall');
  expect(plan.summary).toEqual({ create: 3, update: 0, delete: 0, unchanged: 0 });
});

test('what the operator has applied leaves nothing to plan', async () => {
  const { apply, start, until, url } = await cluster();
  await apply(ACME);
  await start();
  await until('RoleBinding', 'acme/owners', 'Applied');
  const { exit, stdout } = await runIam(
    ['plan', '--source', 'cluster', '--exit-code', '--store', url, '--kubeconfig', simulator.kubeconfig],
    { cwd: temporaryFolder() },
  );
  expect(exit, stdout).toBe(0);
});

test('can-i and why answer of what the cluster declares, before it is applied', async () => {
  const { apply, iam } = await cluster();
  await apply(ACME);
  const asked = await iam('can-i ana source-admin -n acme --source cluster');
  expect(asked.exit, asked.stderr + asked.stdout).toBe(0);
  const why = await iam('why ana -n acme --source cluster');
  expect(why.exit, why.stderr).toBe(0);
  expect(why.stdout).toContain('workspace-owner');
});

test('what somebody has deleted is not declared any more, nor what is of another class', async () => {
  const { apply, annotate, server, iam } = await cluster();
  await apply(ACME);
  await apply('{kind: User, metadata: {name: bo}, spec: {email: bo@acme.example}}');
  await apply('{kind: User, metadata: {name: cy}, spec: {email: cy@acme.example}}');
  await annotate('User', 'cy', { 'rolecall.dev/class': 'other' });
  const path = '/apis/rolecall.dev/v1alpha1/rolecallusers/bo';
  const { body } = await server.send('GET', path);
  await server.send('PUT', path, {
    ...body,
    metadata: { ...(body.metadata as object), finalizers: ['x.example/y'] },
  });
  await server.send('DELETE', path);
  const { stdout } = await iam('plan --source cluster -o json');
  expect(JSON.parse(stdout).summary.create).toBe(3);
});

test('mistakes name the object', async () => {
  const { apply, iam } = await cluster();
  await apply(ACME.replace('workspace-owner', 'no-such-role'));
  const { exit, stderr } = await iam('plan --source cluster');
  expect(exit).toBe(4);
  expect(stderr).toContain('workspacerolebindings acme/owners');
  expect(stderr).toContain('RC112');
});

test('a cluster that is not there, or half read, is never taken for one with fewer objects', async () => {
  const { iam, cwd } = await cluster();
  simulator.faults.on({ path: 'rolecallgroups' }, { status: 403, reason: 'Forbidden', message: 'no' });
  const refused = await iam('plan --source cluster');
  simulator.faults.heal();
  expect(refused.exit).toBe(1);
  expect(refused.stderr).toContain('RC701');
  expect(refused.stderr).toContain('rolecall-viewer');
  simulator.faults.on({ path: 'workspacerolebindings' }, 'garbage');
  const garbage = await iam('plan --source cluster');
  simulator.faults.heal();
  expect(garbage.exit, garbage.stderr).toBe(1);
  writeFileSync(join(cwd, 'config'), 'apiVersion: v1\nkind: Config\n');
  const none = await runIam(['plan', '--source', 'cluster', '--kubeconfig', join(cwd, 'config')], { cwd });
  expect(none.exit).toBe(4);
  expect(none.stderr).toContain('no current context');
});

test('files and a cluster at once are refused', async () => {
  const { iam } = await cluster();
  const { exit, stderr } = await iam('plan --source cluster -f .');
  expect(exit).toBe(4);
  expect(stderr).toContain('--source cluster and -f');
});
