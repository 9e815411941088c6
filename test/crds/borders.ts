import { type KindName, kindOf } from '../../src/kinds/index.ts';

interface Node {
  readonly type?: string;
  readonly enum?: readonly unknown[];
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
  readonly maxProperties?: number;
}

/** A spec at the border of what the schema of its Kind allows, or one step over it. */
export interface Border {
  readonly title: string;
  readonly spec: unknown;
  /** Absent where a rule beside the schema may refuse what the schema allows. */
  readonly expected?: 'refused';
}

/** Where a value stands, from the spec down. */
export type Path = readonly (string | number)[];

/** All borders that a spec has: of every field that it gives, and of every one that it could lack or have too much. */
export function bordersOf(kind: KindName, spec: unknown): Border[] {
  const found: Border[] = [];
  visit(kindOf(kind).schema as Node, spec, []);
  return found;

  function put(path: Path, what: string, value: unknown, expected?: 'refused'): void {
    const title = `${path.join('.') || 'spec'} ${what}`;
    found.push({ title, spec: replaced(spec, path, value), ...(expected && { expected }) });
  }

  function visit(schema: Node, value: unknown, path: Path): void {
    for (const other of ['text', 7, true, ['text'], { text: 'text' }])
      if (!fits(schema, other)) put(path, `is ${JSON.stringify(other)}`, other, 'refused');
    if (schema.enum) for (const one of schema.enum) put(path, `is ${one}`, one);
    if (typeof value === 'string') text(schema, path);
    if (typeof value === 'number') number(schema, path);
    if (Array.isArray(value)) list(schema, value, path);
    else if (typeof value === 'object' && value !== null) mapping(schema, value as object, path);
  }

  function text({ minLength = 0, maxLength, pattern, enum: values }: Node, path: Path): void {
    if (values) return;
    const never = minLength > 0 || !new RegExp(pattern ?? '').test('');
    put(path, 'is empty', '', never ? 'refused' : undefined);
    for (const strange of ['a\u0000b', 'a\u0085b', '😀', 'ß ', ' ', '; ', "'"])
      put(path, `is ${JSON.stringify(strange)}`, strange);
    if (maxLength === undefined) return;
    for (const letter of ['a', '😀']) {
      put(path, `is ${maxLength} times ${letter}`, letter.repeat(maxLength));
      put(path, `is ${maxLength + 1} times ${letter}`, letter.repeat(maxLength + 1), 'refused');
    }
    put(path, 'is an address of that length', `${'a'.repeat(maxLength - 2)}@b`);
  }

  function number({ minimum, maximum }: Node, path: Path): void {
    put(path, 'is a fraction', 0.5, 'refused');
    if (minimum !== undefined) put(path, 'is the least', minimum);
    if (minimum !== undefined) put(path, 'is less than the least', minimum - 1, 'refused');
    if (maximum !== undefined) put(path, 'is the most', maximum);
    if (maximum !== undefined) put(path, 'is more than the most', maximum + 1, 'refused');
  }

  function list({ items, minItems = 0, maxItems }: Node, value: readonly unknown[], path: Path): void {
    const [first] = value;
    if (!items) return;
    put(path, 'is an empty list', [], minItems > 0 ? 'refused' : undefined);
    if (first === undefined) return;
    put(path, 'has one entry twice', [first, first], 'refused');
    if (maxItems !== undefined) {
      put(path, 'is as long as can be', many(first, maxItems));
      put(path, 'is longer than can be', many(first, maxItems + 1), 'refused');
    }
    for (const [index, entry] of value.entries()) visit(items, entry, [...path, index]);
  }

  function mapping(schema: Node, value: object, path: Path): void {
    const { properties, required = [], additionalProperties, maxProperties } = schema;
    for (const field of Object.keys(value)) {
      const { [field]: _, ...rest } = value as Record<string, unknown>;
      put(path, `lacks ${field}`, rest, required.includes(field) ? 'refused' : undefined);
    }
    if (properties) put(path, 'has a field too many', { ...value, strange: 'x' }, 'refused');
    if (maxProperties !== undefined) {
      put(path, 'has as many keys as can be', keyed(maxProperties));
      put(path, 'has more keys than can be', keyed(maxProperties + 1), 'refused');
    }
    if (additionalProperties)
      for (const key of ['-', 'a.b', 'a'.repeat(64), '', 'é'])
        put(path, `has the key ${key}`, { [key]: 'a' });
    for (const [field, inner] of Object.entries(value)) {
      const below = properties?.[field] ?? (additionalProperties || undefined);
      if (below) visit(below, inner, [...path, field]);
    }
  }
}

/** Whether the type of a value is the one that is asked for. Limits are numbers and texts. */
function fits({ type, properties }: Node, value: unknown): boolean {
  if (type === undefined) return typeof value === 'number';
  if (type === 'integer') return typeof value === 'number';
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return !Array.isArray(value) && typeof value === 'object' && !properties;
  return (type === 'string' || type === 'boolean') && typeof value === type;
}

/** Entries like the first, each with a name of its own. */
function many(first: unknown, count: number): unknown[] {
  return Array.from({ length: count }, (_, i) => {
    if (typeof first === 'string') return /^[A-Z]/.test(first) ? `S${i}` : `s${i}`;
    const entry = first as Readonly<Record<string, unknown>>;
    if ('expression' in entry) return { ...entry, expression: `true || ${i}` };
    if ('type' in entry) return { type: 'Source', id: `s${i}` };
    return { ...entry, [('subject' in entry && 'subject') || 'name']: `s${i}` };
  });
}

function keyed(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));
}

/** The same with one value made another. */
export function replaced(value: unknown, [part, ...rest]: Path, by: unknown): unknown {
  if (part === undefined) return by;
  if (Array.isArray(value)) return value.map((one, i) => (i === part ? replaced(one, rest, by) : one));
  const mapping = value as Record<string, unknown>;
  return { ...mapping, [part]: replaced(mapping[part], rest, by) };
}
