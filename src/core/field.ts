import { ANNOTATION_PREFIX, ANNOTATIONS } from '../kinds/annotations.ts';
import type { JsonValue } from '../kinds/kind.ts';

/** What is read of a JSON Schema to tell people about it. */
export interface FieldSchema {
  readonly type?: string;
  readonly const?: JsonValue;
  readonly enum?: readonly string[];
  readonly default?: JsonValue;
  readonly description?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly items?: FieldSchema;
  readonly anyOf?: readonly FieldSchema[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: FieldSchema | boolean;
}

/** One field of a manifest, or a whole manifest when the path is empty. */
export interface Field {
  readonly path: readonly string[];
  readonly schema: FieldSchema;
  readonly required: boolean;
}

/** The first part of a path that is not there, and what is there instead. */
export interface NoField {
  readonly path: readonly string[];
  readonly unknown: string;
  readonly known: readonly string[];
}

/** The field that a person means by the parts of a path; `spec` at its head may be left out. */
export function findField(manifest: FieldSchema, parts: readonly string[]): Field | NoField {
  const head = parts[0] === undefined || Object.hasOwn(manifest.properties ?? {}, parts[0]) ? [] : ['spec'];
  let field: Field = { path: [], schema: manifest, required: true };
  for (const part of [...head, ...parts]) {
    const { path, schema } = field;
    const fields = fieldsOf(schema);
    const found = fields.find(({ name }) => name === part);
    if (!found) return { path, unknown: part, known: fields.map(({ name }) => name) };
    field = { path: [...path, part], schema: found.schema, required: found.required };
  }
  return field;
}

/** The fields right below: of a mapping, or of the entries of a list. */
export function fieldsOf(schema: FieldSchema): { name: string; schema: FieldSchema; required: boolean }[] {
  const { properties, required = [] } = schema.items ?? schema;
  return Object.entries(properties ?? {}).map(([name, field]) => ({
    name,
    schema: field,
    required: required.includes(name),
  }));
}

/** The schema of a manifest with the annotations that mean something as fields of their own. */
export function withAnnotations(manifest: FieldSchema): FieldSchema {
  const { metadata } = manifest.properties ?? {};
  const known = Object.entries(ANNOTATIONS).map(([name, { values, description }]): [string, FieldSchema] => [
    ANNOTATION_PREFIX + name,
    { type: 'string', ...(values ? { enum: values } : {}), description },
  ]);
  const annotations: FieldSchema = {
    ...metadata?.properties?.annotations,
    description: `Settings with the prefix ${ANNOTATION_PREFIX} (${Object.keys(ANNOTATIONS).join(', ')}); all others are ignored.`,
    properties: Object.fromEntries(known),
  };
  const properties = { ...metadata?.properties, annotations };
  return { ...manifest, properties: { ...manifest.properties, metadata: { ...metadata, properties } } };
}
