import { API_VERSION, type KindName } from '../kinds/index.ts';

/** How a Kind is called in a cluster. */
interface ClusterName {
  readonly plural: string;
  readonly singular: string;
  readonly short: string;
}

/**
 * Not the words of `iam`: `kubectl get roles` means those of Kubernetes itself, whatever else there is, and users and
 * groups are what many products call theirs.
 */
export const CLUSTER_NAMES: Readonly<Record<KindName, ClusterName>> = {
  Workspace: { plural: 'workspaces', singular: 'workspace', short: 'ws' },
  User: { plural: 'rolecallusers', singular: 'rolecalluser', short: 'rcuser' },
  Role: { plural: 'workspaceroles', singular: 'workspacerole', short: 'wrole' },
  Group: { plural: 'rolecallgroups', singular: 'rolecallgroup', short: 'rcgroup' },
  Token: { plural: 'accesstokens', singular: 'accesstoken', short: 'atok' },
  RoleBinding: { plural: 'workspacerolebindings', singular: 'workspacerolebinding', short: 'wrb' },
  AccessPolicy: { plural: 'accesspolicies', singular: 'accesspolicy', short: 'apol' },
};

/** The path of all objects of a Kind: in one namespace when given, which a global Kind must not be. */
export function collectionPath(kind: KindName, namespace?: string): string {
  const inNamespace = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/${API_VERSION}${inNamespace}/${CLUSTER_NAMES[kind].plural}`;
}

/** The path of one object. */
export function objectPath(kind: KindName, namespace: string | undefined, name: string): string {
  return `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
}
