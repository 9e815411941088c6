import { CATALOGUE } from '../kinds/catalogue.ts';
import { KIND_NAMES, type KindName, kindOf, type Resource } from '../kinds/index.ts';
import { foldCase } from '../kinds/text.ts';
import type { Actual, Needed } from './actual.ts';
import { type Identity, identity, identityOf, targetsOf } from './resource.ts';

/**
 * A set of resources, looked up by identity and by what refers to them. Immutable once made.
 *
 * One that is partial may throw `Missing` (core/actual.ts).
 */
export interface State {
  readonly partial: boolean;
  /** A resource by its identity; of Roles also those of the built-in catalogue. */
  get<K extends KindName>(kind: K, namespace: string | undefined, name: string): Resource<K> | undefined;
  byId(id: Identity): Resource | undefined;
  /** Every declared or stored resource, the built-in catalogue not among them. */
  all(): Iterable<Resource>;
  ofKind<K extends KindName>(kind: K): readonly Resource<K>[];
  /** Those of a namespaced kind in a workspace, in no particular order: whoever has seen enough may stop. */
  inWorkspace<K extends KindName>(kind: K, workspace: string): Iterable<Resource<K>>;
  /** Users with an address, as `foldCase` has it. */
  usersWith(email: string): readonly Resource<'User'>[];
  /** Those that refer to an identity, each once; everything in a workspace refers to it. */
  referrers(id: Identity): readonly Resource[];
  /** Says what will be asked for, so that it is fetched at once. */
  need(needed: Needed): void;
}

/** The state of resources that are all at hand. */
export function createState(resources: Iterable<Resource>): State {
  const nothing: State = {
    partial: false,
    get: (kind, _, name) => (kind === 'Role' ? CATALOGUE.get(name) : undefined) as never,
    byId: () => undefined,
    all: () => [],
    ofKind: () => [],
    inWorkspace: () => [],
    usersWith: () => [],
    referrers: () => [],
    need() {},
  };
  return withChanges(nothing, new Set(), resources);
}

/** The state that a store has. */
export function stateOf(actual: Actual): State {
  const kinds = new Map<KindName, readonly Resource[]>();
  const toResources = (stored: readonly { readonly resource: Resource }[]) =>
    stored.map(({ resource }) => resource);
  return {
    partial: actual.partial,
    get<K extends KindName>(kind: K, namespace: string | undefined, name: string) {
      const found =
        actual.get(identity(kind, namespace, name))?.resource ??
        (kind === 'Role' ? CATALOGUE.get(name) : undefined);
      return found as Resource<K> | undefined;
    },
    byId: (id) => actual.get(id)?.resource,
    *all() {
      for (const { resource } of actual.all()) yield resource;
    },
    ofKind<K extends KindName>(kind: K) {
      const known = kinds.get(kind) ?? toResources(actual.ofKind(kind));
      kinds.set(kind, known);
      return known as readonly Resource<K>[];
    },
    *inWorkspace<K extends KindName>(kind: K, workspace: string) {
      for (const { resource } of actual.inWorkspace(kind, workspace)) yield resource as Resource<K>;
    },
    usersWith: (email) => toResources(actual.usersWith(email)) as Resource<'User'>[],
    referrers(id) {
      const [kind, , name = ''] = id.split('/');
      const inside =
        kind === 'Workspace'
          ? NAMESPACED.flatMap((one) => toResources([...actual.inWorkspace(one, name)]))
          : [];
      return [...toResources(actual.referrers(id)), ...inside];
    },
    need: (needed) => actual.need(needed),
  };
}

const NAMESPACED = KIND_NAMES.filter((kind) => kindOf(kind).namespaced);

/** A state without what has left it, and with what has come, in whose place or not. */
export function withChanges(
  before: State,
  left: ReadonlySet<Identity>,
  resources: Iterable<Resource>,
): State {
  const come = new Map<Identity, Resource>();
  for (const resource of resources) come.set(identityOf(resource), resource);
  const stays = (resource: Resource) => {
    const id = identityOf(resource);
    return !left.has(id) && !come.has(id);
  };
  const isChanged = left.size + come.size > 0;
  const kept = <R extends Resource>(found: readonly R[]) =>
    isChanged && found.length > 0 ? found.filter(stays) : found;
  const join = <R extends Resource>(found: readonly R[], more: readonly R[] = []): readonly R[] =>
    found.length === 0 ? more : more.length === 0 ? found : [...found, ...more];

  let comeKinds: Map<KindName, Resource[]> | undefined;
  const comeOf = (kind: KindName) => {
    comeKinds ??= Map.groupBy(come.values(), (resource) => resource.kind);
    return comeKinds.get(kind) ?? [];
  };
  const kinds = new Map<KindName, readonly Resource[]>();
  let comePlaces: Map<string, Resource[]> | undefined;
  let reverse: Map<Identity, Resource[]> | undefined;
  let comeEmails: Map<string, Resource<'User'>[]> | undefined;

  return {
    partial: before.partial,
    get<K extends KindName>(kind: K, namespace: string | undefined, name: string) {
      const id = identity(kind, namespace, name);
      const here = come.get(id);
      if (here) return here as Resource<K>;
      if (!left.has(id)) return before.get(kind, namespace, name);
      return (kind === 'Role' ? CATALOGUE.get(name) : undefined) as Resource<K> | undefined;
    },
    byId: (id) => come.get(id) ?? (left.has(id) ? undefined : before.byId(id)),
    *all() {
      for (const resource of before.all()) if (stays(resource)) yield resource;
      yield* come.values();
    },
    ofKind<K extends KindName>(kind: K) {
      const known =
        kinds.get(kind) ?? join<Resource>(kept(before.ofKind(kind) as readonly Resource[]), comeOf(kind));
      kinds.set(kind, known);
      return known as readonly Resource<K>[];
    },
    *inWorkspace<K extends KindName>(kind: K, workspace: string) {
      comePlaces ??= Map.groupBy(come.values(), (one) => identity(one.kind, one.metadata.namespace, ''));
      yield* (comePlaces.get(identity(kind, workspace, '')) ?? []) as Resource<K>[];
      for (const resource of before.inWorkspace(kind, workspace))
        if (stays(resource as Resource)) yield resource;
    },
    usersWith(email) {
      comeEmails ??= Map.groupBy(comeOf('User') as Resource<'User'>[], ({ spec }) => foldCase(spec.email));
      return join(kept(before.usersWith(email)), comeEmails.get(email));
    },
    referrers(id) {
      if (!reverse) {
        reverse = new Map();
        for (const resource of come.values()) {
          for (const target of referredTo(resource)) {
            const list = reverse.get(target);
            if (!list) reverse.set(target, [resource]);
            else if (list.at(-1) !== resource) list.push(resource);
          }
        }
      }
      return join(kept(before.referrers(id)), reverse.get(id));
    },
    need: (needed) => before.need(needed),
  };
}

function* referredTo(resource: Resource): Generator<Identity> {
  yield* targetsOf(resource);
  const { namespace } = resource.metadata;
  if (namespace !== undefined) yield identity('Workspace', undefined, namespace);
}
