import { API_VERSION, KIND_NAMES, type KindName, kindOf } from '../src/kinds/index.ts';
import { annotations, dnsLabel, labels } from '../src/kinds/schema.ts';

const apiVersion = { const: API_VERSION, description: 'The version of this format.' };

export function fileNameOf(name: KindName): string {
  return `${name.toLowerCase()}.schema.json`;
}

/** JSON Schema of a whole manifest of one Kind, without the fields that an API server adds. */
export function manifestSchema(name: KindName) {
  return { $schema: 'http://json-schema.org/draft-07/schema#', ...manifest(name) };
}

/** JSON Schema of a manifest of any Kind: `kind` decides what else it must satisfy. */
export function anyKindSchema() {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Rolecall',
    description: 'A manifest of any Kind.',
    type: 'object',
    required: ['apiVersion', 'kind'],
    properties: {
      apiVersion,
      kind: { type: 'string', enum: KIND_NAMES, description: 'What it declares.' },
      metadata: {},
      spec: {},
    },
    allOf: KIND_NAMES.map((name) => ({
      if: { required: ['kind'], properties: { kind: { const: name } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { $ref: `#/definitions/${name}` },
    })),
    definitions: Object.fromEntries(KIND_NAMES.map((name) => [name, manifest(name)])),
  };
}

function manifest(name: KindName) {
  const { namespaced, description, schema } = kindOf(name);
  return {
    title: name,
    description,
    type: 'object',
    additionalProperties: false,
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    properties: {
      apiVersion,
      kind: { const: name, description },
      metadata: {
        type: 'object',
        description: 'Which one it is.',
        additionalProperties: false,
        required: namespaced ? ['name', 'namespace'] : ['name'],
        properties: {
          name: { ...dnsLabel, description: namespaced ? 'Unique in its workspace.' : 'Unique.' },
          ...(namespaced ? { namespace: { ...dnsLabel, description: 'The workspace that it is in.' } } : {}),
          labels: { ...labels, description: 'For selectors, as in Kubernetes.' },
          annotations,
        },
      },
      spec: { description: 'What is declared.', ...schema },
    },
  };
}
