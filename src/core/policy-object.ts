import type { Resource } from '../kinds/index.ts';
import type { JsonObject, JsonValue } from '../kinds/kind.ts';
import { parseTime } from '../kinds/time.ts';
import { toManifest } from './resource.ts';

/** JSON, with timestamps as `{ $time: milliseconds }`; whole numbers are integers. Can be sent to a worker. */
export type PolicyValue =
  | string
  | number
  | boolean
  | null
  | readonly PolicyValue[]
  | { readonly [key: string]: PolicyValue };

export type PolicyObject = { readonly [key: string]: PolicyValue };

/** A function that gives the same object for the same resource. */
export function createObjects(): (resource: Resource) => PolicyObject {
  const known = new Map<Resource, PolicyObject>();
  return (resource) => {
    const object = known.get(resource) ?? toObject(resource);
    known.set(resource, object);
    return object;
  };
}

/** A whole manifest: defaults filled in, labels and annotations always there, times as timestamps. */
function toObject(resource: Resource): PolicyObject {
  const manifest = toManifest(resource);
  const { labels = {}, annotations = {}, ...metadata } = manifest.metadata;
  return {
    apiVersion: manifest.apiVersion,
    kind: manifest.kind,
    metadata: { ...(metadata as JsonObject), labels, annotations } as PolicyValue,
    spec: withTimes(manifest.spec),
  };
}

function withTimes(value: JsonValue, key?: string): PolicyValue {
  if (typeof value === 'string' && (key === 'notBefore' || key === 'expiresAt')) {
    const time = parseTime(value);
    return time === undefined ? value : { $time: time };
  }
  if (Array.isArray(value)) return value.map((one: JsonValue) => withTimes(one));
  if (typeof value !== 'object' || value === null) return value as PolicyValue;
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([name, one]) => [name, withTimes(one, name)]),
  );
}
