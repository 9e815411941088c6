import { type Fields, isEqual, isFields, Refusal, type Structural } from './kube-simulator-objects.ts';

/** A place in an object: names of fields, items of a list by their keys or values. As JSON, so that it is one of a set. */
type Path = string;
type Step = string | { readonly key: Fields } | { readonly value: unknown };

/** Who has set which fields, by `manager operation subresource`. */
export type Owners = ReadonlyMap<string, ReadonlySet<Path>>;

const METADATA: Structural = {
  properties: {
    finalizers: { 'x-kubernetes-list-type': 'set' },
    ownerReferences: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['uid'] },
  },
};

/** What nobody owns. */
const NOBODYS = [
  ['apiVersion'],
  ['kind'],
  ...[
    'name',
    'namespace',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'managedFields',
  ].map((name) => ['metadata', name]),
].map((path) => JSON.stringify(path));

interface Applied<T> {
  readonly object: T;
  readonly owners: Owners;
}

/**
 * Server-side apply: what `config` names becomes so, what the same manager named before and does not now goes, unless another
 * one names it too. Throws a Refusal (409) where another manager has set it otherwise, unless by force.
 */
export function serverSideApply<T extends Fields>(
  live: T,
  config: Fields,
  manager: string,
  isForced: boolean,
  owners: Owners,
  schema: Structural = {},
): Applied<T> {
  const whole = withMetadata(schema);
  const named = leavesOf(config, whole);
  const before = owners.get(manager) ?? new Set<Path>();
  const liveLeaves = leavesOf(live, whole);
  const next = new Map([...owners].map(([name, paths]) => [name, new Set(paths)]));
  const conflicts: string[] = [];
  for (const [other, paths] of next) {
    if (other === manager) continue;
    for (const [path, value] of named) {
      if (!paths.has(path) || isEqual(liveLeaves.get(path), value)) continue;
      if (isForced) paths.delete(path);
      else conflicts.push(`conflict with "${other.split(' ')[0]}": ${pretty(path)}`);
    }
  }
  if (conflicts.length > 0)
    throw new Refusal(
      409,
      'Conflict',
      `Apply failed with ${conflicts.length} conflict${conflicts.length === 1 ? '' : 's'}: ${conflicts.join(', ')}`,
    );
  next.set(manager, new Set(named.keys()));
  const object = merge(structuredClone(live), config, whole) as T;
  const isNamed = (path: Path) => [...next.values()].some((paths) => paths.has(path));
  const gone = [...before].filter((path) => !isNamed(path)).map((path) => JSON.parse(path) as Step[]);
  // An item is found by its keys, so they are the last of it to go.
  for (const path of gone.sort((a, b) => Number(isKey(a)) - Number(isKey(b)))) remove(object, path);
  return { object, owners: withoutEmpty(next) };
}

/** Any other write: who changes a field owns it, alone. */
export function ownChanges(
  before: Fields | undefined,
  after: Fields,
  manager: string,
  owners: Owners,
  schema: Structural = {},
): Owners {
  const whole = withMetadata(schema);
  const old = before === undefined ? new Map<Path, unknown>() : leavesOf(before, whole);
  const now = leavesOf(after, whole);
  const changed = [...now].filter(([path, value]) => !old.has(path) || !isEqual(old.get(path), value));
  const next = new Map([...owners].map(([name, paths]) => [name, new Set(paths)]));
  for (const paths of next.values()) {
    for (const path of paths) if (!now.has(path)) paths.delete(path);
    for (const [path] of changed) paths.delete(path);
  }
  const own = next.get(manager) ?? new Set<Path>();
  next.set(manager, own);
  for (const [path] of changed) own.add(path);
  return withoutEmpty(next);
}

function withoutEmpty(owners: Owners): Owners {
  return new Map([...owners].filter(([, paths]) => paths.size > 0));
}

function withMetadata(schema: Structural): Structural {
  return { ...schema, properties: { ...schema.properties, metadata: METADATA } };
}

function fieldSchema(schema: Structural | undefined, key: string): Structural | undefined {
  const other = schema?.additionalProperties;
  return schema?.properties?.[key] ?? (isFields(other) ? (other as Structural) : undefined);
}

function keyOf(item: unknown, schema: Structural): Fields {
  const keys = schema['x-kubernetes-list-map-keys'] as string[];
  const properties = schema.items?.properties ?? {};
  return Object.fromEntries(
    keys.map((key) => [key, isFields(item) ? (item[key] ?? properties[key]?.default) : null]),
  );
}

/** Every place that holds a value of its own. */
function leavesOf(root: Fields, rootSchema: Structural): Map<Path, unknown> {
  const leaves = new Map<Path, unknown>();
  const visit = (value: unknown, schema: Structural | undefined, path: readonly Step[]): void => {
    if (isFields(value) && Object.keys(value).length > 0 && schema?.['x-kubernetes-map-type'] !== 'atomic') {
      for (const [key, one] of Object.entries(value)) visit(one, fieldSchema(schema, key), [...path, key]);
      return;
    }
    if (Array.isArray(value) && schema?.['x-kubernetes-list-type'] === 'map') {
      for (const item of value) visit(item, schema.items, [...path, { key: keyOf(item, schema) }]);
      return;
    }
    if (Array.isArray(value) && schema?.['x-kubernetes-list-type'] === 'set') {
      for (const item of value) leaves.set(JSON.stringify([...path, { value: item }]), item);
      return;
    }
    const at = JSON.stringify(path);
    if (path.length > 0 && !NOBODYS.includes(at)) leaves.set(at, value);
  };
  visit(root, rootSchema, []);
  return leaves;
}

function merge(live: unknown, config: unknown, schema: Structural | undefined): unknown {
  if (isFields(live) && isFields(config) && schema?.['x-kubernetes-map-type'] !== 'atomic') {
    for (const [key, value] of Object.entries(config))
      live[key] = merge(live[key], value, fieldSchema(schema, key));
    return live;
  }
  if (Array.isArray(live) && Array.isArray(config)) {
    if (schema?.['x-kubernetes-list-type'] === 'set')
      return [...live, ...config.filter((item) => !live.some((one) => isEqual(one, item)))];
    if (schema?.['x-kubernetes-list-type'] === 'map') {
      for (const item of config) {
        const at = live.findIndex((one) => isEqual(keyOf(one, schema), keyOf(item, schema)));
        if (at < 0) live.push(structuredClone(item));
        else live[at] = merge(live[at], item, schema.items);
      }
      return live;
    }
  }
  return structuredClone(config);
}

/** Whether it is one of the fields by which an item of a list is known. */
function isKey(path: readonly Step[]): boolean {
  const [list, field] = path.slice(-2);
  return isFields(list) && 'key' in list && isFields(list.key) && Object.hasOwn(list.key, String(field));
}

/** What is left empty goes too. */
function remove(root: Fields, path: readonly Step[]): void {
  const [step, ...rest] = path;
  const [next, ...deeper] = rest;
  if (typeof step !== 'string') return;
  const value = root[step];
  if (next === undefined) delete root[step];
  else if (typeof next === 'string') {
    if (!isFields(value)) return;
    remove(value, rest);
    if (Object.keys(value).length === 0) delete root[step];
  } else if (Array.isArray(value)) {
    removeItem(value, next, deeper);
    if (value.length === 0) delete root[step];
  }
}

function removeItem(list: unknown[], step: Exclude<Step, string>, deeper: readonly Step[]): void {
  const at = list.findIndex((item) =>
    'value' in step
      ? isEqual(item, step.value)
      : isFields(item) && Object.entries(step.key).every(([key, one]) => isEqual(item[key], one)),
  );
  if (at < 0) return;
  const item = list[at];
  if ('value' in step || !isFields(item)) list.splice(at, 1);
  else if (!isKey([step, ...deeper])) remove(item, deeper);
  else if (Object.keys(item).every((key) => Object.hasOwn(step.key, key))) list.splice(at, 1);
}

function pretty(path: Path): string {
  return (JSON.parse(path) as Step[])
    .map((step) =>
      typeof step === 'string'
        ? `.${step}`
        : `[${Object.entries('key' in step ? step.key : { '': step.value })
            .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
            .join(',')}]`,
    )
    .join('');
}
