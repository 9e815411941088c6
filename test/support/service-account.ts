import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { KubeServer } from './kube-server.ts';

/** A token of a ServiceAccount, for the API server, as a pod has one. */
export async function tokenOf(server: KubeServer, namespace: string, account: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const { status, body } = await server.send('POST', path, { spec: {} });
  if (status !== 201) throw new Error(`no token of ${namespace}/${account}: ${body.message}`);
  return (body.status as { readonly token: string }).token;
}

/** The file of a kubeconfig whose user is a ServiceAccount; it goes with the server. */
export async function kubeconfigOf(server: KubeServer, namespace: string, account: string): Promise<string> {
  const config = JSON.parse(readFileSync(server.kubeconfig, 'utf8'));
  config.users[0].user = { token: await tokenOf(server, namespace, account) };
  const file = join(dirname(server.kubeconfig), `kubeconfig-${namespace}-${account}`);
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
