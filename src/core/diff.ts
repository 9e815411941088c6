import type { KindName } from '../kinds/index.ts';
import type { JsonObject, JsonValue } from '../kinds/kind.ts';
import { pointerPart } from './document.ts';
import { canonicalJson } from './hash.ts';
import { compareText } from './problem.ts';
import { listAt, type Manifest } from './resource.ts';

/** One field that differs. A list entry that comes or goes is null on the side where it is not. */
export interface FieldChange {
  /** JSON Pointer, list entries by key: `/spec/members/User:ana-diaz/expiresAt`. */
  readonly path: string;
  readonly before: JsonValue;
  readonly after: JsonValue;
}

/** The fields in which two normal forms of one Kind differ, by path in code-point order. */
export function diffFields(before: Manifest, after: Manifest): FieldChange[] {
  const changes: FieldChange[] = [];
  compare(after.kind, [], withMaps(before), withMaps(after), changes);
  return changes.sort((a, b) => compareText(a.path, b.path));
}

/** Labels and annotations are maps even when there are none, so that each entry is a field of its own. */
function withMaps(manifest: Manifest): Manifest {
  return { ...manifest, metadata: { labels: {}, annotations: {}, ...manifest.metadata } };
}

function compare(
  kind: KindName,
  path: readonly string[],
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  changes: FieldChange[],
): void {
  if (before === after) return;
  const list = path[0] === 'spec' ? listAt(kind, path.slice(1)) : undefined;
  if (list && isList(before) && isList(after)) {
    compareMembers(kind, path, keyed(before, list.key), keyed(after, list.key), changes);
  } else if (isObject(before) && isObject(after)) {
    compareMembers(kind, path, new Map(Object.entries(before)), new Map(Object.entries(after)), changes);
  } else if (canonicalJson(before) !== canonicalJson(after)) {
    changes.push({
      path: path.map((part) => `/${pointerPart(part)}`).join(''),
      before: before ?? null,
      after: after ?? null,
    });
  }
}

function compareMembers(
  kind: KindName,
  path: readonly string[],
  before: ReadonlyMap<string, JsonValue>,
  after: ReadonlyMap<string, JsonValue>,
  changes: FieldChange[],
): void {
  for (const key of new Set([...before.keys(), ...after.keys()]))
    compare(kind, [...path, key], before.get(key), after.get(key), changes);
}

function keyed(entries: readonly JsonValue[], key: (entry: JsonValue) => string): Map<string, JsonValue> {
  return new Map(entries.map((entry) => [key(entry), entry]));
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}
