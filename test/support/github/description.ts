import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';

/**
 * GitHub's published OpenAPI description (openapi.json), as a judge of requests and answers.
 * It is taken more strictly than it is written: what it does not name may not be sent, either way.
 */
export interface Operation {
  /** Such as `issues/create-comment`. */
  readonly id: string;
  readonly documentation: string;
  /** What is wrong with a request, in GitHub's words; and its parameters, typed. */
  checkRequest(parts: RequestParts): { readonly faults: readonly string[]; readonly parameters: Parameters };
  /** What is wrong with an answer; every answer that the description leaves out must be an error's. */
  checkAnswer(status: number, body: unknown): readonly string[];
}

export interface RequestParts {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export type Parameters = Readonly<Record<string, string | number | boolean>>;

type Schema = Readonly<Record<string, unknown>>;

interface Reference {
  readonly $ref?: string;
}

interface Described {
  readonly operationId: string;
  readonly externalDocs: { readonly url: string };
  readonly parameters?: readonly (Reference & Partial<Parameter>)[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Reference & { readonly content?: Content }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required?: boolean;
  readonly schema: Schema;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: {
    readonly parameters: Readonly<Record<string, Parameter>>;
    readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
    readonly schemas: Readonly<Record<string, Schema>>;
  };
}

const { paths, components } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'openapi.json'), 'utf8'),
) as Description;

/** Where GitHub answers otherwise than it says: the repository of a head whose fork is gone is null, */
const NULL_AFTER_ALL = ['pull-request', 'pull-request-simple'].map((name) => `${name}.head.repo`);
/** and what is invalid has a status, as other errors have. */
const OPEN_AFTER_ALL = ['validation-error'];

const formats = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
  uri: (text: string) => URL.canParse(text),
  email: /^[^\s@]+@[^\s@]+$/,
  timestamp: true,
} as const;
const settings = { strict: false, allErrors: true, verbose: true, formats, validateFormats: true } as const;
const ajv = new Ajv(settings).addFormat('int64', { type: 'number', validate: Number.isSafeInteger });
/** Parameters come as text. */
const lenient = new Ajv({ ...settings, coerceTypes: true }).addFormat('int64', true);

const schemas = Object.entries(components.schemas).map(
  ([name, schema]) => [name, adapt(schema, name)] as const,
);
ajv.addSchema({ $id: 'github', components: { schemas: Object.fromEntries(schemas) } });

/** A schema of OpenAPI 3.0 as JSON Schema: `nullable` told by a type, objects closed, references absolute. */
function adapt(schema: unknown, place: string, closed = true): unknown {
  if (Array.isArray(schema)) return schema.map((item) => adapt(item, place, closed));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { nullable, properties, ...rest } = schema as Schema;
  const adapted: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (key === '$ref') adapted[key] = `github${value}`;
    // What stands beside properties only adds to them.
    else adapted[key] = adapt(value, place, properties === undefined && key !== 'allOf');
  }
  if (typeof properties === 'object' && properties !== null) {
    adapted.properties = Object.fromEntries(
      Object.entries(properties).map(([name, value]) => [name, adapt(value, `${place}.${name}`)]),
    );
    if (closed && !OPEN_AFTER_ALL.includes(place)) adapted.additionalProperties ??= false;
  }
  const mayBeNull = nullable === true || NULL_AFTER_ALL.includes(place);
  return mayBeNull ? { anyOf: [adapted, { type: 'null' }] } : adapted;
}

function jsonOf(content: Content | undefined): Schema | undefined {
  return content?.['application/json']?.schema;
}

function parameterOf(parameter: Reference & Partial<Parameter>): Parameter {
  const { $ref, name, in: place, schema } = parameter;
  const found = $ref && components.parameters[$ref.split('/').at(-1) ?? ''];
  if (found) return found;
  if (name === undefined || place === undefined || schema === undefined)
    throw new Error(`${$ref} is no parameter`);
  return { ...parameter, name, in: place, schema };
}

/** In the words in which GitHub says it. */
function wording({ keyword, params, instancePath, message, data }: ErrorObject): string {
  if (keyword === 'required') return `"${params.missingProperty}" wasn't supplied.`;
  if (keyword === 'additionalProperties') return `"${params.additionalProperty}" is not a permitted key.`;
  if (keyword === 'maxItems')
    return `No more than ${params.limit} items are allowed; ${(data as unknown[]).length} were supplied.`;
  if (keyword === 'maxLength')
    return `Only ${params.limit} characters are allowed; ${[...(data as string)].length} were supplied.`;
  return `For '${instancePath.slice(1) || 'object'}', ${JSON.stringify(data)?.slice(0, 100)} ${message}.`;
}

function faultsOf(validate: ValidateFunction, value: unknown): string[] {
  return validate(value) ? [] : (validate.errors ?? []).map(wording);
}

function operationOf(described: Described): Operation {
  const parameters = (described.parameters ?? []).map(parameterOf);
  const named = parameters.map(({ name, schema }) => [name, adapt(schema, name)] as const);
  const checkParameters = lenient.compile({
    type: 'object',
    properties: Object.fromEntries(named),
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: false,
  });
  const bodySchema = jsonOf(described.requestBody?.content);
  const checkBody = bodySchema && ajv.compile(adapt(bodySchema, described.operationId) as Schema);
  const answers = new Map<number, ValidateFunction>();

  const answerCheck = (status: number): ValidateFunction => {
    const response = described.responses[status];
    const shared = response?.$ref && components.responses[response.$ref.split('/').at(-1) ?? ''];
    const other = status === 422 ? 'validation-error' : 'basic-error';
    const schema = response
      ? (jsonOf((shared || response).content) ?? { type: 'null' })
      : { $ref: `#/components/schemas/${other}` };
    return ajv.compile(adapt(schema, `${described.operationId} ${status}`) as Schema);
  };

  return {
    id: described.operationId,
    documentation: described.externalDocs.url,
    checkRequest({ path, query, body }) {
      const typed: Record<string, string | number | boolean> = { ...query, ...path };
      const faults = faultsOf(checkParameters, typed);
      if (checkBody && (body !== undefined || described.requestBody?.required)) {
        faults.push(...faultsOf(checkBody, body ?? {}));
      } else if (body !== undefined) faults.push('A body is not allowed.');
      return { faults, parameters: typed };
    },
    checkAnswer(status, body) {
      if (status < 400 && described.responses[status] === undefined) return [`${status} is not described.`];
      const check = answers.get(status) ?? answerCheck(status);
      answers.set(status, check);
      return faultsOf(check, body ?? null);
    },
  };
}

const operations = new Map<Described, Operation>();

/** The operation that answers a method on a path (without query), and the parameters in the path. */
export function findOperation(
  method: string,
  path: string,
): { readonly operation: Operation; readonly path: Readonly<Record<string, string>> } | undefined {
  const parts = path.split('/').map(decodeURIComponent);
  for (const [template, methods] of Object.entries(paths)) {
    const names = template.split('/');
    const fits = names.every((name, i) => (name.startsWith('{') ? parts[i] !== '' : name === parts[i]));
    const described = methods[method.toLowerCase()];
    if (!fits || names.length !== parts.length || described === undefined) continue;
    const operation = operations.get(described) ?? operationOf(described);
    operations.set(described, operation);
    return {
      operation,
      path: Object.fromEntries(
        names.flatMap((name, i) => (name.startsWith('{') ? [[name.slice(1, -1), parts[i] ?? '']] : [])),
      ),
    };
  }
  return undefined;
}
