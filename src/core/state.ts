import { CATALOGUE } from '../kinds/catalogue.ts';
import type { KindName, Resource } from '../kinds/index.ts';
import { type Identity, identity, identityOf, referencesOf } from './resource.ts';

/** A set of resources, looked up by identity and by what refers to them. Immutable once made. */
export interface State {
  readonly size: number;
  /** A resource by its identity; of Roles also those of the built-in catalogue. */
  get<K extends KindName>(kind: K, namespace: string | undefined, name: string): Resource<K> | undefined;
  byId(id: Identity): Resource | undefined;
  /** Every declared or stored resource, the built-in catalogue not among them. */
  all(): Iterable<Resource>;
  ofKind<K extends KindName>(kind: K): readonly Resource<K>[];
  /** Those that refer to an identity. */
  referrers(id: Identity): readonly Resource[];
}

export function createState(resources: Iterable<Resource>): State {
  const byId = new Map<Identity, Resource>();
  for (const resource of resources) byId.set(identityOf(resource), resource);
  let kinds: Map<KindName, Resource[]> | undefined;
  let reverse: Map<Identity, Resource[]> | undefined;
  return {
    size: byId.size,
    get<K extends KindName>(kind: K, namespace: string | undefined, name: string) {
      const found =
        byId.get(identity(kind, namespace, name)) ?? (kind === 'Role' ? CATALOGUE.get(name) : undefined);
      return found as Resource<K> | undefined;
    },
    byId: (id) => byId.get(id),
    all: () => byId.values(),
    ofKind<K extends KindName>(kind: K) {
      kinds ??= Map.groupBy(byId.values(), (resource) => resource.kind);
      return (kinds.get(kind) ?? []) as Resource<K>[];
    },
    referrers(id) {
      if (!reverse) {
        reverse = new Map();
        for (const resource of byId.values()) {
          for (const reference of referencesOf(resource)) {
            const target = identity(reference.kind, reference.namespace, reference.name);
            const list = reverse.get(target);
            if (!list) reverse.set(target, [resource]);
            else if (list.at(-1) !== resource) list.push(resource);
          }
        }
      }
      return reverse.get(id) ?? [];
    },
  };
}
