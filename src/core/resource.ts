import { API_VERSION, type KindName, kindOf, type Resource } from '../kinds/index.ts';
import type { JsonObject, JsonValue, KeyedList, Metadata, Reference } from '../kinds/kind.ts';
import { pointerPart, pointerParts } from './document.ts';

/** kind / workspace / name, the workspace empty for global kinds. The order of plans and exports. */
export type Identity = string;

export function identity(kind: KindName, namespace: string | undefined, name: string): Identity {
  return `${kind}/${namespace ?? ''}/${name}`;
}

export function identityOf(resource: {
  kind: KindName;
  metadata: Pick<Metadata, 'name' | 'namespace'>;
}): Identity {
  return identity(resource.kind, resource.metadata.namespace, resource.metadata.name);
}

export function kindIn(id: Identity): KindName {
  return id.slice(0, id.indexOf('/')) as KindName;
}

/** The workspace that what has an identity is in; empty for what is global. */
export function namespaceIn(id: Identity): string {
  return id.split('/')[1] ?? '';
}

/** For people: `User ana-diaz`, `Group acme-prod/analysts`. */
export function showIdentity(id: Identity): string {
  const [kind = '', namespace = '', name = ''] = id.split('/');
  return `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}

/** The workspace that a resource belongs to: its namespace, or itself. */
export function workspaceOf(resource: Resource): string | undefined {
  return resource.kind === 'Workspace' ? resource.metadata.name : resource.metadata.namespace;
}

/** A whole normal form as the JSON that is stored, hashed and shown as before and after in plans. */
export interface Manifest extends JsonObject {
  readonly apiVersion: string;
  readonly kind: KindName;
  readonly metadata: JsonObject;
  readonly spec: JsonObject;
}

export function toManifest(resource: Resource): Manifest {
  const { name, namespace, labels, annotations } = resource.metadata;
  return {
    apiVersion: API_VERSION,
    kind: resource.kind,
    metadata: {
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      name,
      ...(namespace === undefined ? {} : { namespace }),
    },
    spec: resource.spec as unknown as JsonObject,
  };
}

/** The inverse of `toManifest`. `manifest` must be a normal form, such as one read from a store. */
export function fromManifest(manifest: Manifest): Resource {
  const metadata = manifest.metadata as Partial<Metadata> & { name: string };
  return {
    kind: manifest.kind,
    metadata: { ...metadata, labels: metadata.labels ?? {}, annotations: metadata.annotations ?? {} },
    spec: manifest.spec,
  } as unknown as Resource;
}

/** A resource's references, its workspace among them. */
export function referencesOf(resource: Resource): Reference[] {
  const { namespace } = resource.metadata;
  const references = kindOf(resource.kind).references(resource.spec, resource.metadata);
  if (namespace === undefined) return references;
  return [{ pointer: '/metadata/namespace', kind: 'Workspace', name: namespace }, ...references];
}

/** The identities that a resource refers to, its workspace not among them. One may come more than once. */
export function targetsOf(resource: Resource): Identity[] {
  return kindOf(resource.kind)
    .references(resource.spec, resource.metadata)
    .map(({ kind, namespace, name }) => identity(kind, namespace, name));
}

/** The kinds that each kind may refer to, its workspace not counted: saves looking for what cannot be there. */
export const REFERS_TO = {
  Workspace: ['User'],
  User: ['User'],
  Role: ['Role'],
  Group: ['User', 'Group'],
  Token: ['Role', 'User'],
  RoleBinding: ['Role', 'User', 'Group', 'Token'],
  AccessPolicy: ['Role'],
} as const satisfies Record<KindName, readonly KindName[]>;

/** One part of a resource that can come and go by itself, and so has a revision that made it. */
export interface Edge {
  readonly pointer: string;
  /** What it points at, if it does. */
  readonly target: Identity | null;
}

/** The references of a resource and, for a binding, the resource entries that it is on. */
export function edgesOf(resource: Resource): Edge[] {
  const edges: Edge[] = kindOf(resource.kind)
    .references(resource.spec, resource.metadata)
    .map((reference) => ({
      pointer: reference.pointer,
      target: identity(reference.kind, reference.namespace, reference.name),
    }));
  if (resource.kind !== 'RoleBinding') return edges;
  const list = kindOf('RoleBinding').lists.find(({ path }) => path[0] === 'resources');
  for (const entry of resource.spec.resources) {
    const key = list?.key(entry as unknown as JsonValue) ?? '';
    edges.push({ pointer: `/spec/resources/${pointerPart(key)}`, target: null });
  }
  return edges;
}

/** What makes an edge the same one: its target and the list or field that it is in; without a target, its pointer. */
export function edgeKey(pointer: string, target: string | null): string {
  return target === null ? pointer : `${pointer.slice(0, pointer.lastIndexOf('/'))} ${target}`;
}

/** The keyed list of `kind` at a path from the spec down. */
export function listAt(kind: KindName, path: readonly string[]): KeyedList | undefined {
  return kindOf(kind).lists.find(
    (list) => list.path.length === path.length && list.path.every((part, i) => part === path[i]),
  );
}

/**
 * Turns a pointer that names list entries by key into one by index, for the manifest as it was written.
 * `#3` names an entry by its index. Parts that are not found are kept.
 */
export function indexPointer(kind: KindName, declared: unknown, pointer: string): string {
  const parts = pointerParts(pointer);
  let value = declared;
  const out: string[] = [];
  parts.forEach((part, depth) => {
    let next = part;
    if (Array.isArray(value)) {
      const list = parts[0] === 'spec' ? listAt(kind, parts.slice(1, depth)) : undefined;
      const index = list ? value.findIndex((entry) => list.key(entry) === part) : -1;
      next = index >= 0 ? String(index) : part.replace(/^#/, '');
      value = value[Number(next)];
    } else {
      value =
        typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined;
    }
    out.push(next);
  });
  return out.map((part) => `/${pointerPart(part)}`).join('');
}
