import { canonicalJson } from '../../src/core/hash.ts';
import type { Declared } from '../../src/core/manifest.ts';
import { identityOf, toManifest } from '../../src/core/resource.ts';
import type { Held } from '../../src/core/state.ts';
import type { Stored } from '../../src/core/stored.ts';
import { completed } from '../../src/core/unmanaged.ts';
import { type KindName, kindOf, type Resource } from '../../src/kinds/index.ts';

/** The time of every plan in tests. */
export const NOW = Date.parse('2026-06-01T00:00:00Z');

type Meta = Partial<Pick<Resource['metadata'], 'labels' | 'annotations'>>;

/** A whole resource in normal form. `path` is `name` or `workspace/name`; what `spec` leaves out gets its default. */
export function make<K extends KindName>(kind: K, path: string, spec: object, meta: Meta = {}): Resource<K> {
  const [name, namespace] = path.split('/').reverse();
  const { normalize, unmanaged } = kindOf(kind);
  return {
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: meta.labels ?? {},
      annotations: meta.annotations ?? {},
    },
    spec: normalize({ ...unmanaged, ...spec }),
  } as unknown as Resource<K>;
}

export function workspace(name: string, spec: object = {}, meta?: Meta): Resource<'Workspace'> {
  return make('Workspace', name, { displayName: name, tier: 'Business', ...spec }, meta);
}

export function user(name: string, spec: object = {}, meta?: Meta): Resource<'User'> {
  return make('User', name, { email: `${name}@acme.example`, ...spec }, meta);
}

export function role(name: string, spec: object = {}, meta?: Meta): Resource<'Role'> {
  return make('Role', name, { displayName: name, scopes: ['Workspace'], ...spec }, meta);
}

type Entry = string | ({ readonly name: string } & Record<string, string>);

/** `ana`, `Group:devs` or `Token:ci` as an entry of members or subjects; a mapping is one already. */
function entry(word: Entry): object {
  if (typeof word !== 'string') return word;
  const [name, kind = 'User'] = word.split(':').reverse();
  return { kind, name };
}

export function group(
  path: string,
  members: readonly Entry[],
  spec: object = {},
  meta?: Meta,
): Resource<'Group'> {
  return make('Group', path, { displayName: path, members: members.map(entry), ...spec }, meta);
}

/** A binding to `subjects`; on the whole workspace unless `spec` says otherwise. */
export function binding(
  path: string,
  roleName: string,
  subjects: readonly Entry[],
  spec: object = {},
  meta?: Meta,
): Resource<'RoleBinding'> {
  const whole = { role: roleName, subjects: subjects.map(entry), resources: [{ type: 'Workspace' }] };
  return make('RoleBinding', path, { ...whole, ...spec }, meta);
}

export function token(path: string, owner: string, spec: object = {}, meta?: Meta): Resource<'Token'> {
  return make('Token', path, { description: 'A token', role: 'workspace-member', owner, ...spec }, meta);
}

/** The resource as a manifest that leaves these fields to others declares it. */
export function leavingOut<R extends Resource>(resource: R, ...fields: readonly string[]): R {
  const spec = Object.fromEntries(Object.entries(resource.spec).filter(([field]) => !fields.includes(field)));
  return { ...resource, spec } as unknown as R;
}

/** The same resource with these annotations of ours, and no others. */
export function annotated<R extends Resource>(resource: R, annotations: Readonly<Record<string, string>>): R {
  const ours = Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [`rolecall.dev/${key}`, value]),
  );
  return { ...resource, metadata: { ...resource.metadata, annotations: ours } };
}

/** Resources as states take them. */
export function held(resources: readonly Resource[]): Held[] {
  return resources.map((resource) => ({ id: identityOf(resource), resource }));
}

/** Resources as if read from manifests: one file each, named after its identity. */
export function declare(resources: readonly Resource[]): Declared[] {
  return resources.map((resource) => {
    const id = identityOf(resource);
    const place = () => ({ file: `${id}.yaml`, line: 1, column: 1 });
    const spec: object = resource.spec;
    return {
      id,
      file: `${id}.yaml`,
      body: canonicalJson(toManifest(completed(resource))),
      resource,
      declares: Object.keys(kindOf(resource.kind).unmanaged).filter((field) => field in spec),
      place,
      placeInside: place,
    };
  });
}

/** Resources as a store has them, once `manager` has declared every field of them. */
export function store(
  resources: readonly Resource[],
  manager = 'default',
  fieldManager: string | null = manager,
): Stored[] {
  return resources.map((resource) => {
    const id = identityOf(resource);
    const fields = fieldManager === null ? [] : Object.keys(kindOf(resource.kind).unmanaged);
    return {
      uid: `uid of ${id}`,
      id,
      body: canonicalJson(toManifest(resource)),
      manager,
      fieldManagers: Object.fromEntries(fields.map((field) => [field, fieldManager ?? manager])),
      resource,
    };
  });
}
