import { API_VERSION, type KindName, kindOf } from '../kinds/index.ts';
import type { JsonValue } from '../kinds/kind.ts';
import { annotations, dnsLabel, labels } from '../kinds/schema.ts';

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

const flag = { type: 'string', enum: ['true', 'false'] } as const;
const ANNOTATIONS: Readonly<Record<string, FieldSchema>> = {
  'rolecall.dev/protect': { ...flag, description: 'With "true" a plan that deletes it is refused (RC208).' },
  'rolecall.dev/prune': {
    type: 'string',
    enum: ['disabled', 'enabled'],
    description: 'With disabled it is never pruned; iam delete still deletes it.',
  },
  'rolecall.dev/drift': {
    type: 'string',
    enum: ['enforce', 'report', 'ignore'],
    description: 'What becomes of a difference that somebody made outside of the manifests.',
  },
  'rolecall.dev/paused': {
    ...flag,
    description: 'With "true", in the store or the manifest, it is neither updated nor deleted; each plan warns (RC124).',
  },
  'rolecall.dev/previous-names': {
    type: 'string',
    description: 'Names that it had, joined by commas: a rename is then one update, not a delete and a create.',
  },
  'rolecall.dev/deletion-policy': {
    type: 'string',
    enum: ['Delete', 'Orphan'],
    description:
      'In a cluster: whether deleting the object deletes it in the store, or leaves it there. Without it Orphan for Workspace and User, Delete for all else.',
  },
  'rolecall.dev/reconcile-requested-at': {
    type: 'string',
    description: 'In a cluster: a new value makes the operator look at it at once.',
  },
  'rolecall.dev/class': { type: 'string', description: 'In a cluster with several operators: the one that it is for.' },
};

const PREFIX = 'rolecall.dev/';
const SHORT_NAMES = Object.keys(ANNOTATIONS)
  .map((name) => name.slice(PREFIX.length))
  .join(', ');

/** The JSON Schema of a whole manifest, with all that there is to say about its metadata. */
export function manifestFields(name: KindName): FieldSchema {
  const { namespaced, description, schema } = kindOf(name);
  return {
    type: 'object',
    description,
    additionalProperties: false,
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    properties: {
      apiVersion: { const: API_VERSION },
      kind: { const: name },
      metadata: {
        type: 'object',
        additionalProperties: false,
        required: namespaced ? ['name', 'namespace'] : ['name'],
        description: namespaced ? 'What it is called, and where it is.' : 'What it is called.',
        properties: {
          name: { ...dnsLabel, description: `Others refer to it by this: one ${name} has it${namespaced ? ' in a workspace' : ''}.` },
          ...(namespaced ? { namespace: { ...dnsLabel, description: 'The Workspace that it is in.' } } : {}),
          labels: { ...labels, description: 'Your own: to list by (iam get -l), and to select workspaces in policies.' },
          annotations: {
            ...annotations,
            properties: ANNOTATIONS,
            description: `Settings with the prefix ${PREFIX} (${SHORT_NAMES}); all others are ignored.`,
          },
        },
      },
      spec: schema,
    },
  };
}

/** A field found, or the first part of the path that is not there. */
export type FieldSearch =
  | { readonly path: readonly string[]; readonly schema: FieldSchema; readonly required: boolean }
  | { readonly unknown: string; readonly in: readonly string[]; readonly known: readonly string[] };

/** The field that a person means by the parts of a path; `spec` at its head may be left out. */
export function findField(name: KindName, parts: readonly string[]): FieldSearch {
  let schema = manifestFields(name);
  let required = true;
  const path: string[] = [];
  const head = parts[0] === undefined || Object.hasOwn(schema.properties ?? {}, parts[0]) ? [] : ['spec'];
  for (const part of [...head, ...parts]) {
    const within = schema.items ?? schema;
    const found = within.properties?.[part];
    if (!found) return { unknown: part, in: path, known: Object.keys(within.properties ?? {}) };
    required = within.required?.includes(part) ?? false;
    schema = found;
    path.push(part);
  }
  return { path, schema, required };
}
