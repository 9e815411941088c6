import { type KindName, kindOf } from '../src/kinds/index.ts';
import { type KeyedList, keys } from '../src/kinds/kind.ts';
import { duration, grantLabels, labels, limit, scope, time } from '../src/kinds/schema.ts';
import { type CelRule, DAY_RULE, keysRule, LIMIT_RULE, RULES, WINDOW_RULE } from './crd-rules.ts';

/** The keywords that the schemas of Kinds are made of. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Node[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Node;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false | Node;
  readonly propertyNames?: { readonly pattern: string };
  readonly minProperties?: number;
  readonly maxProperties?: number;
}

/** One structural schema of OpenAPI v3, as a CustomResourceDefinition has it. */
export type Structural = Readonly<Record<string, unknown>>;

/** These mean the same in a structural schema. */
const SAME = [
  'type',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
] as const;

const TRANSLATED = [
  'description',
  'default',
  'const',
  'anyOf',
  'items',
  'properties',
  'required',
  'additionalProperties',
  'propertyNames',
];

/** The longest text that a pattern lets through. No limit of its own: without it the cost of a rule is not known. */
const LONGEST = new Map<string, number>([
  [time.pattern, 'YYYY-MM-DDTHH:MM:SS.123456789+00:00'.length],
  [duration.pattern, '99999d'.length],
  [scope.pattern, 63],
  [grantLabels.propertyNames.pattern, 63],
  [labels.additionalProperties.pattern, 63],
]);

/** Keys of a mapping are walked by a rule, so there must be a limit where the Kind has none. */
const MOST_KEYS = 64;

/** How the API server knows entries of a list apart, by the way in which Rolecall does. */
const LISTS = new Map<KeyedList['key'], readonly string[] | 'set' | 'atomic'>([
  [keys.value, 'set'],
  // No field of it is always there; a set of mappings is what server-side apply cannot merge. A rule tells them apart.
  [keys.resource, 'atomic'],
  [keys.name, ['name']],
  [keys.kindAndName, ['kind', 'name']],
  [keys.identity, ['provider', 'subject']],
  [keys.expression, ['expression']],
]);

/**
 * The structural schema of a Kind's spec.
 *
 * Throws where the Kind's schema says something that this does not know how to say, a rule of `RULES` stands nowhere, or a
 * field that is not managed when absent has a default.
 */
export function specSchema(name: KindName): Structural {
  const kind = kindOf(name);
  const schema = kind.schema as Node;
  for (const field of Object.keys(kind.unmanaged))
    if (schema.properties?.[field]?.default !== undefined)
      throw new Error(`${name}.${field}: a default would declare what nobody declares`);
  const unused = new Set(Object.keys(RULES[name]).filter((path) => path !== ''));
  const lists = new Map(kind.lists.map(({ path, key }) => [['spec', ...path].join('.'), key]));
  const result = structural({ ...schema, description: 'What is declared.' }, 'spec');
  if (unused.size > 0) throw new Error(`${name}: rules stand nowhere: ${[...unused].join(', ')}`);
  return result;

  function structural(node: Node, path: string): Structural {
    const { description, items, properties, additionalProperties, propertyNames, required, anyOf } = node;
    const strange = Object.keys(node).filter((key) => ![...SAME, ...TRANSLATED].includes(key as never));
    if (strange.length > 0) throw new Error(`${name} ${path}: unknown keyword ${strange.join(', ')}`);
    unused.delete(path);
    return {
      ...(description === undefined ? {} : { description }),
      ...(node.default === undefined ? {} : { default: node.default }),
      ...Object.fromEntries(SAME.filter((key) => node[key] !== undefined).map((key) => [key, node[key]])),
      ...(node.const === undefined ? {} : { enum: [node.const] }),
      ...longest(node),
      ...(anyOf === undefined ? {} : intOrString(anyOf, path)),
      ...(items === undefined ? {} : list(items, path)),
      ...(required === undefined ? {} : { required }),
      ...(properties === undefined
        ? {}
        : {
            properties: Object.fromEntries(
              Object.entries(properties).map(([key, value]) => [key, structural(value, `${path}.${key}`)]),
            ),
          }),
      ...(additionalProperties
        ? { additionalProperties: structural(additionalProperties, `${path}{}`) }
        : {}),
      ...(propertyNames && node.maxProperties === undefined ? { maxProperties: MOST_KEYS } : {}),
      ...validations(node, RULES[name][path] ?? []),
    };
  }

  function list(items: Node, path: string): Structural {
    const key = lists.get(path);
    const type = key && LISTS.get(key);
    if (!type) throw new Error(`${name} ${path}: it is not known how its entries are told apart`);
    const entry = structural(items, `${path}[]`);
    return typeof type === 'string'
      ? { items: entry, 'x-kubernetes-list-type': type }
      : { items: entry, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': type };
  }

  function intOrString(anyOf: readonly Node[], path: string): Structural {
    if (JSON.stringify(anyOf) !== JSON.stringify(limit.anyOf))
      throw new Error(`${name} ${path}: an anyOf that is no limit`);
    return { 'x-kubernetes-int-or-string': true, maxLength: '100%'.length };
  }
}

function longest({ pattern, maxLength }: Node): Structural {
  const length = maxLength ?? LONGEST.get(pattern ?? '');
  return length === undefined ? {} : { maxLength: length };
}

/** The rules that follow from the schema itself, and those of the Kind. */
function validations(node: Node, own: readonly CelRule[]): Structural {
  const { properties, propertyNames, pattern, anyOf } = node;
  const rules = [
    ...(anyOf === undefined ? [] : [LIMIT_RULE]),
    ...(pattern === time.pattern ? [DAY_RULE] : []),
    ...(properties?.notBefore && properties.expiresAt ? [WINDOW_RULE] : []),
    ...(propertyNames === undefined ? [] : [keysRule(propertyNames.pattern)]),
    ...own,
  ];
  return rules.length === 0 ? {} : { 'x-kubernetes-validations': rules };
}
