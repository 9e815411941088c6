import { Ajv, type ValidateFunction } from 'ajv';
import { type Fields, isFields, type Structural } from './kube-simulator-objects.ts';

/** What a CRD says of its objects, but for its rules in CEL, which the simulator does not know. */
export interface ObjectSchema {
  readonly schema: Structural;
  /** What is wrong, in the words of an API server as far as they are known; empty where nothing is. */
  validate(object: Fields): string[];
}

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

export function objectSchema(schema: Structural): ObjectSchema {
  const ajv = new Ajv({ strict: false, allErrors: true, formats: { 'date-time': DATE_TIME, int64: true } });
  let compiled: ValidateFunction | undefined;
  return {
    schema,
    validate(object) {
      compiled ??= ajv.compile(plain(schema) as object);
      if (compiled(object)) return [];
      return (compiled.errors ?? []).map(({ instancePath, message, keyword, params }) => {
        const path = instancePath.slice(1).replaceAll('/', '.');
        if (keyword === 'required')
          return `${path ? `${path}.` : ''}${params.missingProperty}: Required value`;
        return `${path}: Invalid value: ${message}`;
      });
    },
  };
}

/** Without what JSON Schema does not know. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !key.startsWith('x-kubernetes-'))
      .map(([key, one]) => [key, plain(one)]),
  );
}

/** Fills in what is left out, in place. */
export function fillDefaults(value: unknown, schema: Structural): void {
  if (Array.isArray(value)) {
    for (const item of value) if (schema.items) fillDefaults(item, schema.items);
    return;
  }
  if (!isFields(value)) return;
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (value[key] === undefined && property.default !== undefined)
      value[key] = structuredClone(property.default);
    fillDefaults(value[key], property);
  }
  if (isFields(schema.additionalProperties))
    for (const [key, one] of Object.entries(value))
      if (!Object.hasOwn(schema.properties ?? {}, key)) fillDefaults(one, schema.additionalProperties);
}

/** Drops the fields that a schema does not name, in place, and gives their paths. `metadata` is not looked at. */
export function prune(value: unknown, schema: Structural, path = ''): string[] {
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return [];
  if (Array.isArray(value))
    return value.flatMap((item, at) => (schema.items ? prune(item, schema.items, `${path}[${at}]`) : []));
  if (!isFields(value)) return [];
  const unknown: string[] = [];
  for (const [key, one] of Object.entries(value)) {
    const at = path ? `${path}.${key}` : key;
    const known = schema.properties?.[key] ?? schema.additionalProperties;
    if (at === 'metadata' || known === true) continue;
    if (isFields(known)) unknown.push(...prune(one, known as Structural, at));
    else {
      delete value[key];
      unknown.push(at);
    }
  }
  return unknown;
}
