import { CATALOGUE } from '../kinds/catalogue.ts';
import { KIND_NAMES, type KindName, kindOf, type Resource } from '../kinds/index.ts';
import { foldCase } from '../kinds/text.ts';
import { type Actual, lazily, type Needed } from './actual.ts';
import { type Identity, identity, identityOf, kindIn, REFERS_TO, targetsOf } from './resource.ts';

/**
 * A set of resources, looked up by identity and by what refers to them. Immutable once made.
 *
 * One that is partial may throw `Missing` (core/actual.ts).
 */
export interface State {
  readonly partial: boolean;
  /** A resource by its identity; of Roles also those of the built-in catalogue. */
  get<K extends KindName>(kind: K, namespace: string | undefined, name: string): Resource<K> | undefined;
  /** Whether there is a resource; of Roles the built-in catalogue is not asked. */
  has(id: Identity): boolean;
  byId(id: Identity): Resource | undefined;
  /** Every declared or stored resource, the built-in catalogue not among them. */
  all(): Iterable<Resource>;
  ofKind<K extends KindName>(kind: K): readonly Resource<K>[];
  /** The names of those of a kind, in a workspace or global. */
  names(kind: KindName, namespace: string | undefined): string[];
  /** Those of a namespaced kind in a workspace, in no particular order: whoever has seen enough may stop. */
  inWorkspace<K extends KindName>(kind: K, workspace: string): Iterable<Resource<K>>;
  /** Users with an address, as `foldCase` has it. */
  usersWith(email: string): readonly Resource<'User'>[];
  /**
   * Those that refer to an identity, each once; everything in a workspace refers to it. Only those of the kind `from`,
   * when given.
   */
  referrers(id: Identity, from?: KindName): readonly Resource[];
  /** Says what will be asked for, so that it is fetched at once. */
  need(needed: Needed): void;
}

/** The state of resources that are all at hand. */
export function createState(resources: Iterable<Resource>): State {
  const nothing: State = {
    partial: false,
    get: (kind, _, name) => (kind === 'Role' ? CATALOGUE.get(name) : undefined) as never,
    has: () => false,
    byId: () => undefined,
    all: () => [],
    ofKind: () => [],
    names: () => [],
    inWorkspace: () => [],
    usersWith: () => [],
    referrers: () => [],
    need() {},
  };
  return withChanges(
    nothing,
    new Set(),
    Array.from(resources, (resource) => ({ id: identityOf(resource), resource })),
  );
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
    has: (id) => actual.get(id) !== undefined,
    byId: (id) => actual.get(id)?.resource,
    *all() {
      for (const { resource } of actual.all()) yield resource;
    },
    ofKind<K extends KindName>(kind: K) {
      const known = kinds.get(kind) ?? toResources(actual.ofKind(kind));
      kinds.set(kind, known);
      return known as readonly Resource<K>[];
    },
    names: (kind, namespace) => namesIn(actual.ofKind(kind), kind, namespace),
    *inWorkspace<K extends KindName>(kind: K, workspace: string) {
      for (const { resource } of actual.inWorkspace(kind, workspace)) yield resource as Resource<K>;
    },
    usersWith: (email) => toResources(actual.usersWith(email)) as Resource<'User'>[],
    referrers(id, from) {
      const [kind, , name = ''] = id.split('/');
      const inside =
        kind !== 'Workspace' ? [] : NAMESPACED.filter((one) => from === undefined || one === from);
      return [
        ...actual.referrers(id).filter((one) => from === undefined || kindIn(one.id) === from),
        ...inside.flatMap((one) => [...actual.inWorkspace(one, name)]),
      ].map(({ resource }) => resource);
    },
    need: (needed) => actual.need(needed),
  };
}

const NAMESPACED = KIND_NAMES.filter((kind) => kindOf(kind).namespaced);

function namesIn(
  list: readonly { readonly id: Identity }[],
  kind: KindName,
  namespace: string | undefined,
): string[] {
  const start = identity(kind, namespace, '');
  return list.flatMap(({ id }) => (id.startsWith(start) ? [id.slice(start.length)] : []));
}

/** A resource that may be made only when it is asked for. */
export interface Held {
  readonly id: Identity;
  readonly resource: Resource;
}

/** A state without what has left it, and with what has come, in whose place or not. */
export function withChanges(before: State, left: ReadonlySet<Identity>, held: Iterable<Held>): State {
  const come = new Map<Identity, Held>();
  for (const one of held) come.set(one.id, one);
  const stays = (resource: Resource) => {
    const id = identityOf(resource);
    return !left.has(id) && !come.has(id);
  };
  const isChanged = left.size + come.size > 0;
  const kept = <R extends Resource>(found: readonly R[]) =>
    isChanged && found.length > 0 ? found.filter(stays) : found;
  const join = <R extends Resource>(found: readonly R[], more: readonly R[] = []): readonly R[] =>
    found.length === 0 ? more : more.length === 0 ? found : [...found, ...more];
  const toResources = (list: readonly Held[] = []) => list.map(({ resource }) => resource);

  const comeKinds = lazily(() => Map.groupBy(come.values(), ({ id }) => kindIn(id)));
  const comePlaces = lazily(() =>
    Map.groupBy(come.values(), ({ id }) => id.slice(0, id.lastIndexOf('/') + 1)),
  );
  const comeEmails = lazily(() =>
    Map.groupBy(toResources(comeKinds().get('User')) as Resource<'User'>[], ({ spec }) =>
      foldCase(spec.email),
    ),
  );
  const kinds = new Map<KindName, readonly Resource[]>();
  const reverse = new Map<string, Map<Identity, Held[]>>();
  /** What has come of one kind, by those of another kind that it refers to. */
  const reverseOf = (from: KindName, to: KindName) => {
    const key = `${from} ${to}`;
    const known = reverse.get(key);
    if (known) return known;
    const made = new Map<Identity, Held[]>();
    reverse.set(key, made);
    if (!(REFERS_TO[from] as readonly KindName[]).includes(to)) return made;
    for (const one of comeKinds().get(from) ?? []) {
      for (const target of targetsOf(one.resource)) {
        if (kindIn(target) !== to) continue;
        const list = made.get(target);
        if (!list) made.set(target, [one]);
        else if (list.at(-1) !== one) list.push(one);
      }
    }
    return made;
  };

  return {
    partial: before.partial,
    get<K extends KindName>(kind: K, namespace: string | undefined, name: string) {
      const id = identity(kind, namespace, name);
      const here = come.get(id);
      if (here) return here.resource as Resource<K>;
      if (!left.has(id)) return before.get(kind, namespace, name);
      return (kind === 'Role' ? CATALOGUE.get(name) : undefined) as Resource<K> | undefined;
    },
    has: (id) => come.has(id) || (!left.has(id) && before.has(id)),
    byId: (id) => come.get(id)?.resource ?? (left.has(id) ? undefined : before.byId(id)),
    *all() {
      for (const resource of before.all()) if (stays(resource)) yield resource;
      for (const { resource } of come.values()) yield resource;
    },
    ofKind<K extends KindName>(kind: K) {
      const known =
        kinds.get(kind) ??
        join<Resource>(kept(before.ofKind(kind) as readonly Resource[]), toResources(comeKinds().get(kind)));
      kinds.set(kind, known);
      return known as readonly Resource<K>[];
    },
    names: (kind, namespace) => {
      const isKept = (name: string) => {
        const id = identity(kind, namespace, name);
        return !left.has(id) && !come.has(id);
      };
      return [
        ...before.names(kind, namespace).filter(isKept),
        ...namesIn(comeKinds().get(kind) ?? [], kind, namespace),
      ];
    },
    *inWorkspace<K extends KindName>(kind: K, workspace: string) {
      yield* toResources(comePlaces().get(identity(kind, workspace, ''))) as Resource<K>[];
      for (const resource of before.inWorkspace(kind, workspace))
        if (stays(resource as Resource)) yield resource;
    },
    usersWith: (email) => join(kept(before.usersWith(email)), comeEmails().get(email)),
    referrers(id, from) {
      const kind = kindIn(id);
      const more = (from === undefined ? KIND_NAMES : [from]).flatMap((one) => [
        ...toResources(reverseOf(one, kind).get(id)),
        ...(kind === 'Workspace' && kindOf(one).namespaced
          ? toResources(comePlaces().get(identity(one, id.slice(id.lastIndexOf('/') + 1), '')))
          : []),
      ]);
      return join(kept(before.referrers(id, from)), more);
    },
    need: (needed) => before.need(needed),
  };
}
