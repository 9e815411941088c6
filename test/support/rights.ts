import type { AuditEvent } from './kube-server.ts';

/** That a verb may be used on something, or that it was: `patch rolecall.dev/workspaces/status in acme named x`. */
export interface Right {
  readonly verb: string;
  /** With its group and subresource; a path where it is no resource. */
  readonly resource: string;
  /** Undefined: in all namespaces, or of what is in none. */
  readonly namespace?: string | undefined;
  /** Undefined: whatever it is called, or of no single one. */
  readonly name?: string | undefined;
}

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

interface RbacObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly {
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
  }[];
}

/** What Roles and ClusterRoles, of objects of all kinds, give to a ServiceAccount: each verb on each resource of each rule. */
export function rightsOf(
  objects: readonly RbacObject[],
  account: { readonly namespace: string; readonly name: string },
): readonly Right[] {
  const rights: Right[] = [];
  for (const { metadata, roleRef, subjects = [] } of objects) {
    const isBound = subjects.some(
      ({ kind, name, namespace }) =>
        kind === 'ServiceAccount' && name === account.name && namespace === account.namespace,
    );
    if (!roleRef || !isBound) continue;
    const role = objects.find(
      (one) =>
        one.kind === roleRef.kind &&
        one.metadata.name === roleRef.name &&
        (one.kind === 'ClusterRole' || one.metadata.namespace === metadata.namespace),
    );
    if (!role) throw new Error(`${metadata.name} binds a ${roleRef.kind} ${roleRef.name} that is not there`);
    for (const rule of role.rules ?? [])
      for (const right of rightsOfRule(rule)) rights.push({ ...right, namespace: metadata.namespace });
  }
  return rights;
}

function* rightsOfRule({
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
  verbs,
}: Rule): Generator<Right> {
  const all = [
    ...apiGroups.flatMap((group) => resources.map((one) => `${group}/${one}`)),
    ...nonResourceURLs,
  ];
  for (const resource of all)
    for (const verb of verbs)
      for (const name of resourceNames.length === 0 ? [undefined] : resourceNames)
        yield { verb, resource, name };
}

/** The rights that a request takes. An apply that makes what it is about takes the one to create it, too. */
export function rightsAsked({ verb, requestURI, objectRef, responseStatus }: AuditEvent): readonly Right[] {
  if (!objectRef) return [{ verb, resource: requestURI.replace(/\?.*/, '') }];
  const { apiGroup = '', resource, subresource, namespace, name } = objectRef;
  const place = { namespace, name, resource: [apiGroup, resource, subresource].filter(isThere).join('/') };
  const isMade = verb === 'patch' && responseStatus?.code === 201;
  return [{ ...place, verb }, ...(isMade ? [{ ...place, verb: 'create' }] : [])];
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

/** Whether `given` is enough for `asked`. */
export function covers(given: Right, asked: Right): boolean {
  return (
    given.verb === asked.verb &&
    given.resource === asked.resource &&
    (given.namespace === undefined || given.namespace === asked.namespace) &&
    (given.name === undefined || given.name === asked.name)
  );
}

export function shown({ verb, resource, namespace, name }: Right): string {
  const place = namespace === undefined ? '' : ` in ${namespace}`;
  return `${verb} ${resource}${place}${name === undefined ? '' : ` named ${name}`}`;
}
