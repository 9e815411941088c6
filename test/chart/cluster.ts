import { API_VERSION, KIND_NAMES, type KindName, kindOf } from '../../src/kinds/index.ts';
import { CLUSTER_NAMES } from '../../src/sources/cluster-names.ts';
import type { KubeTools } from '../support/helm.ts';
import type { KubeAnswer, KubeServer, RealKubeServer } from '../support/kube-server.ts';
import { CHART, helmOn, NAMESPACE, until } from './chart.ts';

export type Send = KubeServer['send'];

const RBAC_GROUP = 'rbac.authorization.k8s.io';
const RBAC = `/apis/${RBAC_GROUP}/v1`;

/** Who has what; `in` is a namespace, without it in all. */
const PEOPLE: readonly { readonly user: string; readonly role: string; readonly in?: string }[] = [
  { user: 'vera', role: 'rolecall-viewer' },
  { user: 'ed', role: 'rolecall-editor', in: 'acme-prod' },
  { user: 'bea', role: 'rolecall-editor', in: 'acme-prod' },
  { user: 'bea', role: 'rolecall-editor', in: 'acme-test' },
  { user: 'ada', role: 'rolecall-admin', in: 'acme-prod' },
  { user: 'gus', role: 'rolecall-admin' },
];

export const BINDING = {
  role: 'source-read-only',
  subjects: [{ kind: 'User', name: 'ana-diaz' }],
  resources: [{ type: 'Source', id: 'website' }],
  notBefore: '2026-12-01',
  expiresAt: '2027-01-31',
};

/** An API server that has the chart, and people with its ClusterRoles. */
export interface Cluster {
  /** Somebody who may do everything. */
  readonly root: Send;
  as(user: string): Send;
  /** The operator's account. */
  readonly operator: Send;
  grant(user: string, kind: 'Role' | 'ClusterRole', role: string, namespace?: string): Promise<void>;
  /** Creates it, or changes its spec by server-side apply, as a user. */
  put(user: string, kind: KindName, name: string, spec: object, namespace?: string): Promise<KubeAnswer>;
  /** The same by somebody who may do everything. Throws when it is refused. */
  given(kind: KindName, name: string, spec: object, annotations?: Annotations): Promise<void>;
}

type Annotations = Readonly<Record<string, string>>;

/** Nothing is there before `installChart`. */
export function clusterOf(server: () => RealKubeServer): Cluster {
  const root: Send = (...call) => server().send(...call);
  const as = (user: string) => server().as(user, 'system:authenticated');
  const operator: Send = (...call) => {
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${NAMESPACE}`, 'system:authenticated'];
    return server().as(`system:serviceaccount:${NAMESPACE}:rolecall`, ...groups)(...call);
  };
  return {
    root,
    as,
    operator,
    async grant(user, kind, role, namespace) {
      const [where, made] =
        namespace === undefined ? ['', 'ClusterRoleBinding'] : [`/namespaces/${namespace}`, 'RoleBinding'];
      await make(root, `${RBAC}${where}/${made.toLowerCase()}s`, `${RBAC_GROUP}/v1`, made, {
        metadata: { name: `${user}-${role}`, ...(namespace === undefined ? {} : { namespace }) },
        roleRef: { apiGroup: RBAC_GROUP, kind, name: role },
        subjects: [{ apiGroup: RBAC_GROUP, kind: 'User', name: user }],
      });
    },
    put(user, kind, name, spec, namespace) {
      const query = '?fieldManager=test&force=true&fieldValidation=Strict';
      const object = manifest(kind, name, spec, {}, namespace);
      return as(user)('PATCH', `${path(kind, name, namespace)}${query}`, object);
    },
    async given(kind, name, spec, annotations = {}) {
      const query = '?fieldManager=test&force=true';
      const { status, body } = await root(
        'PATCH',
        `${path(kind, name)}${query}`,
        manifest(kind, name, spec, annotations),
      );
      if (status > 201) throw new Error(`${kind} ${name}: ${body.message}`);
    },
  };
}

/** Installs the chart; bea may also give source-read-only, and put people into analysts, in acme-prod. */
export async function installChart(server: KubeServer, tools: KubeTools, cluster: Cluster): Promise<void> {
  const { root, as, grant } = cluster;
  for (const name of [NAMESPACE, 'acme-prod', 'acme-test'])
    await make(root, '/api/v1/namespaces', 'v1', 'Namespace', { metadata: { name } });
  const secrets = 'tokenSecrets.namespaces=[{"namespace":"acme-prod","names":["ci-deploy"]}]';
  await helmOn(server, tools, 'install', 'rolecall', CHART, '--set-json', secrets);
  for (const { user, role, in: namespace } of PEOPLE) await grant(user, 'ClusterRole', role, namespace);
  const mayBind = (resource: string, name: string) => ({
    apiGroups: ['rolecall.dev'],
    resources: [resource],
    resourceNames: [name],
    verbs: ['bind'],
  });
  await make(root, `${RBAC}/namespaces/acme-prod/roles`, `${RBAC_GROUP}/v1`, 'Role', {
    metadata: { name: 'gives-read-only', namespace: 'acme-prod' },
    rules: [mayBind('workspaceroles', 'source-read-only'), mayBind('rolecallgroups', 'analysts')],
  });
  await grant('bea', 'Role', 'gives-read-only', 'acme-prod');
  for (const kind of KIND_NAMES) await until(200, () => root('GET', path(kind)));
  const binding = manifest('RoleBinding', 'probe', BINDING);
  await until(403, () => as('ed')('POST', `${path('RoleBinding')}?dryRun=All`, binding));
  await cluster.given('User', 'probe', { email: 'p@acme.example' }, { 'rolecall.dev/protect': 'true' });
  await until(403, () => root('DELETE', `${path('User', 'probe')}?dryRun=All`));
}

async function make(send: Send, list: string, apiVersion: string, kind: string, rest: object): Promise<void> {
  const { status, body } = await send('POST', list, { apiVersion, kind, ...rest });
  if (status !== 201) throw new Error(`${kind}: ${body.message}`);
}

export function path(kind: KindName, name?: string, namespace = 'acme-prod'): string {
  const where = kindOf(kind).namespaced ? `/namespaces/${namespace}` : '';
  return `/apis/${API_VERSION}${where}/${CLUSTER_NAMES[kind].plural}${name === undefined ? '' : `/${name}`}`;
}

export function manifest(
  kind: KindName,
  name: string,
  spec: object,
  annotations: Annotations = {},
  namespace = 'acme-prod',
) {
  const place = kindOf(kind).namespaced ? { namespace } : {};
  return { apiVersion: API_VERSION, kind, metadata: { name, ...place, annotations }, spec };
}
