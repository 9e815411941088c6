import type { Code } from '../core/code.ts';
import type { KindName } from './index.ts';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export interface Metadata {
  readonly name: string;
  /** The workspace. Present on namespaced kinds, and only on them. */
  readonly namespace?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Only those with the prefix `rolecall.dev/`. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** What one resource refers to. */
export interface Reference {
  /** JSON Pointer into the manifest, list entries by key: `/spec/members/User:ana-diaz`. */
  readonly pointer: string;
  readonly kind: KindName;
  readonly namespace?: string;
  readonly name: string;
}

/** Something that a Kind finds wrong with one resource, whatever else exists. */
export interface Finding {
  readonly code: Code;
  /** JSON Pointer as in Reference. */
  readonly pointer: string;
  readonly message: string;
  readonly hint?: string;
}

export interface Column<Spec> {
  readonly header: string;
  /** Only with `-o wide`. */
  readonly wide?: boolean;
  value(spec: Spec, metadata: Metadata, at: number): string;
}

/** A list in a spec that is a set, or a map by a key: its order means nothing. */
export interface KeyedList {
  /** Property names from the spec down. */
  readonly path: readonly string[];
  key(entry: JsonValue): string;
}

/**
 * Everything that Rolecall knows of one Kind. Pure: no I/O, no clock.
 *
 * `Declared` is a spec as a manifest that fits `schema` gives it; `Spec` is its normal form: every
 * default filled in (but for `unmanaged`), keyed lists sorted by key, times in normal form. Two specs mean the
 * same exactly when their normal forms are equal.
 */
export interface Kind<Declared = unknown, Spec = unknown> {
  readonly name: KindName;
  readonly plural: string;
  readonly short: string;
  readonly namespaced: boolean;
  /** One sentence, for `iam explain` and the editors. */
  readonly description: string;
  /** JSON Schema of the spec. */
  readonly schema: object;
  readonly lists: readonly KeyedList[];
  /**
   * Fields that are not managed when a manifest leaves them out, with the value that a new
   * resource gets. For all other fields absent means the default.
   */
  readonly unmanaged: Readonly<Record<string, JsonValue>>;
  /** Must not change `spec`. Unmanaged fields that are not declared stay absent. */
  normalize(spec: Declared): Spec;
  /** Rules within one resource that the schema cannot say. `spec` fits the schema. */
  check(spec: Declared, metadata: Metadata): Finding[];
  /** What it refers to, the workspace that it is in excepted. */
  references(spec: Spec, metadata: Metadata): Reference[];
  readonly columns: readonly Column<Spec>[];
  /** One line for people. */
  summary(spec: Spec): string;
}

/** Declares a Kind with its types tied together. */
export function defineKind<Declared, Spec>(kind: Kind<Declared, Spec>): Kind<Declared, Spec> {
  return kind;
}

function member(entry: JsonValue, name: string): JsonValue | undefined {
  return typeof entry === 'object' && entry !== null && !Array.isArray(entry)
    ? (entry as JsonObject)[name]
    : undefined;
}

/** Keys of list entries, robust against entries that do not fit the schema. */
export const keys = {
  value: (entry: JsonValue) => String(entry),
  name: (entry: JsonValue) => String(member(entry, 'name') ?? ''),
  kindAndName: (entry: JsonValue) => `${member(entry, 'kind') ?? 'User'}:${member(entry, 'name') ?? ''}`,
  identity: (entry: JsonValue) => `${member(entry, 'provider') ?? ''}:${member(entry, 'subject') ?? ''}`,
  expression: (entry: JsonValue) => String(member(entry, 'expression') ?? ''),
  resource: (entry: JsonValue) => {
    const id = member(entry, 'id');
    const labels = member(entry, 'labels');
    const type = String(member(entry, 'type') ?? '');
    if (id !== undefined) return `${type}/${id}`;
    return labels === undefined ? type : showLabels(labels as Record<string, string>);
  },
};

/** `environment=prod,tier=1`, sorted by key. */
export function showLabels(labels: Readonly<Record<string, JsonValue>>): string {
  return Object.keys(labels)
    .sort()
    .map((key) => `${key}=${labels[key]}`)
    .join(',');
}

/** A copy sorted by key in code-unit order. */
export function sortBy<T>(entries: readonly T[], key: (entry: T) => string): T[] {
  return entries
    .map((entry) => ({ entry, key: key(entry) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ entry }) => entry);
}
