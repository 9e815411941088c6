import {
  COLLECTION_STYLE,
  DUMP_SCHEMA,
  type MappingNode,
  type Node,
  present,
  SCALAR_STYLE,
  type ScalarNode,
  Schema,
  type SequenceNode,
  timestampTag,
} from 'js-yaml';
import { isTooLarge } from '../core/yaml-strict.ts';
import { API_VERSION, kindOf, type Resource } from '../kinds/index.ts';
import type { JsonObject, JsonValue, Metadata } from '../kinds/kind.ts';
import { time } from '../kinds/schema.ts';
import { normalTime } from '../kinds/time.ts';

/** What this renderer reads of a JSON Schema. */
interface FieldSchema {
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly items?: FieldSchema;
  readonly default?: JsonValue;
  readonly pattern?: string;
}

/** No line of a flow collection is longer, unless a name in it is. */
const WIDTH = 100;

// Quotes what a YAML 1.1 reader would take for something else, such as `no`; but times stay plain,
// as people write them, and as every reader of manifests takes them for text.
const QUOTING = new Schema(DUMP_SCHEMA.tags.filter((tag) => tag !== timestampTag));

/** Texts that read well inside {…} and […]: nothing in them needs a quote for where it stands. */
const SIMPLE = /^[^\s'"`{}[\],#&*!|>]*$/;

/** Of nothing but what numbers are written with: some readers of YAML 1.1 take more of it for numbers than the schema does. */
const LOOKS_LIKE_NUMBER = /^(?=.*[\d.])[-+._:\deE]+$/;

const LOOKS_LIKE_TIME = /^\d{4}-\d\d?-\d\d?([Tt ].*)?$/;

/**
 * One manifest as YAML, ending in a newline.
 *
 * Fields stand in the order of the Kind's schema; what has its default is left out. Fields that are
 * not managed when absent are written whatever their value, and left out only when `resource` has none.
 * Read back and normalised, the text must give `resource` again.
 */
export function renderManifest(resource: Resource): string {
  const kind = kindOf(resource.kind);
  const spec = resource.spec as unknown as JsonObject;
  const contents = mapping([
    ['apiVersion', scalar(API_VERSION)],
    ['kind', scalar(resource.kind)],
    ['metadata', metadataNode(resource.metadata)],
    ['spec', objectNode(spec, kind.schema as FieldSchema, 2, kind.unmanaged)],
  ]);
  return present([{ contents, directives: [] }], { schema: QUOTING, lineWidth: -1 });
}

/** Manifests as one YAML stream, a piece each; the pieces joined are the text. */
export function* renderManifests(resources: Iterable<Resource>): Iterable<string> {
  let separator = '';
  for (const resource of resources) {
    yield separator + renderManifest(resource);
    separator = '---\n';
  }
}

function metadataNode({ name, namespace, labels, annotations }: Metadata): MappingNode {
  const entries: [string, Node][] = [['name', scalar(name)]];
  if (namespace !== undefined) entries.push(['namespace', scalar(namespace)]);
  for (const [field, map] of [
    ['labels', labels],
    ['annotations', annotations],
  ] as const) {
    if (Object.keys(map).length > 0) entries.push([field, objectNode(map, {}, 4)]);
  }
  return mapping(entries);
}

function valueNode(value: JsonValue, schema: FieldSchema, indent: number): Node {
  if (Array.isArray(value)) return listNode(value, schema.items ?? {}, indent);
  if (typeof value === 'object' && value !== null) return objectNode(value as JsonObject, schema, indent);
  return scalar(value as string | number | boolean | null, schema);
}

/** The fields of an object that must be written; of a map without named properties, all, sorted. */
function objectNode(
  value: JsonObject,
  schema: FieldSchema,
  indent: number,
  always: Readonly<Record<string, JsonValue>> = {},
): MappingNode {
  const entries: [string, Node][] = [];
  const { properties } = schema;
  for (const name of properties ? Object.keys(properties) : Object.keys(value).sort()) {
    const field = value[name];
    if (field === undefined) continue;
    const node = valueNode(field, properties?.[name] ?? {}, indent + 2);
    if (name in always || !isDefault(field, node, properties?.[name]?.default)) entries.push([name, node]);
  }
  return mapping(entries);
}

function listNode(values: readonly JsonValue[], schema: FieldSchema, indent: number): SequenceNode {
  const items = values.map((value) => valueNode(value, schema, indent + 2));
  for (const item of items)
    if (item.kind === 'mapping' && fitsOneLine(item, indent + 2)) item.style = COLLECTION_STYLE.FLOW;
  const node = collection<SequenceNode>('sequence', items);
  // An indent too wide by the length of the key in front of it, at most; that reads no worse.
  if (items.every(({ kind }) => kind === 'scalar') && fitsOneLine(node, indent))
    node.style = COLLECTION_STYLE.FLOW;
  return node;
}

/** Whether a value is its default; `node` is the value without the defaults in it. */
function isDefault(value: JsonValue, node: Node, wanted: JsonValue | undefined): boolean {
  if (wanted === undefined) return false;
  if (typeof wanted !== 'object' || wanted === null) return value === wanted;
  return Object.keys(wanted).length === 0 && 'items' in node && node.items.length === 0;
}

function fitsOneLine({ items }: MappingNode | SequenceNode, indent: number): boolean {
  let width = indent + 2;
  for (const item of items) {
    const parts = 'key' in item ? [item.key, item.value] : [item];
    for (const part of parts) {
      if (part.kind !== 'scalar' || !SIMPLE.test(part.value)) return false;
      width += part.value.length + 2;
    }
  }
  return width <= WIDTH;
}

function mapping(entries: readonly (readonly [string, Node])[]): MappingNode {
  return collection<MappingNode>(
    'mapping',
    entries.map(([key, value]) => ({ key: scalar(key), value })),
  );
}

function collection<N extends MappingNode | SequenceNode>(kind: N['kind'], items: N['items']): N {
  const tag = kind === 'mapping' ? 'tag:yaml.org,2002:map' : 'tag:yaml.org,2002:seq';
  return { kind, tag, tagged: false, style: COLLECTION_STYLE.BLOCK, items } as unknown as N;
}

function scalar(value: string | number | boolean | null, schema?: FieldSchema): ScalarNode {
  const isTime = schema?.pattern === time.pattern;
  const text = isTime ? shortTime(String(value)) : String(value);
  // What looks like a number beyond all numbers no reader takes for the same.
  const quoted =
    !isTime &&
    typeof value === 'string' &&
    (LOOKS_LIKE_TIME.test(value) || LOOKS_LIKE_NUMBER.test(value) || isTooLarge(value));
  return {
    kind: 'scalar',
    tag: `tag:yaml.org,2002:${tagOf(value)}`,
    tagged: false,
    style: quoted ? SCALAR_STYLE.SINGLE_QUOTED : SCALAR_STYLE.PLAIN,
    value: text,
  };
}

function tagOf(value: string | number | boolean | null): string {
  if (typeof value === 'string') return 'str';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return value === null ? 'null' : 'bool';
}

/** A time at midnight UTC as its date; any other as it is. */
function shortTime(text: string): string {
  const date = text.slice(0, 10);
  return text.endsWith('T00:00:00Z') && normalTime(date) === text ? date : text;
}
