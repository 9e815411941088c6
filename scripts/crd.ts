import { stringify } from 'yaml';
import { API_VERSION, type KindName, kindOf } from '../src/kinds/index.ts';
import { CLUSTER_NAMES } from '../src/sources/cluster-names.ts';
import { COLUMN_PATHS, SELECTABLE } from './crd-names.ts';
import { NAME_RULES, RULES } from './crd-rules.ts';
import { type Structural, specSchema } from './crd-schema.ts';
import { statusSchema } from './crd-status.ts';

const [GROUP = '', VERSION = ''] = API_VERSION.split('/');

/** Below the root of the checkout. */
export const CRD_FOLDER = 'charts/rolecall/files/crds';

export function crdFileName(name: KindName): string {
  return `${CLUSTER_NAMES[name].plural}.yaml`;
}

/** The CustomResourceDefinition of a Kind, as YAML. */
export function crdYaml(name: KindName): string {
  // What kubectl reads is YAML 1.1, in which a plain `on` is true.
  const text = stringify(customResourceDefinition(name), {
    version: '1.1',
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
  return `# Generated from src/kinds by npm run generate.\n${text}`;
}

function customResourceDefinition(name: KindName): Structural {
  const { namespaced, description } = kindOf(name);
  const { plural, singular, short } = CLUSTER_NAMES[name];
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      names: {
        kind: name,
        listKind: `${name}List`,
        plural,
        singular,
        shortNames: [short],
        categories: ['rolecall'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          selectableFields: SELECTABLE[name].map((jsonPath) => ({ jsonPath })),
          additionalPrinterColumns: printerColumns(name),
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description,
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string', description: `Always ${API_VERSION}.` },
                kind: { type: 'string', description: `Always ${name}.` },
                metadata: { type: 'object' },
                spec: specSchema(name),
                status: statusSchema(name),
              },
              'x-kubernetes-validations': [...NAME_RULES, ...(RULES[name][''] ?? [])],
            },
          },
        },
      ],
    },
  };
}

/** Those of the Kind that a JSONPath can say, then what the operator writes. */
function printerColumns(name: KindName): readonly Structural[] {
  const paths = COLUMN_PATHS[name];
  const { columns } = kindOf(name);
  const unanswered = columns.filter(({ header }) => !Object.hasOwn(paths, header));
  if (unanswered.length > 0 || columns.length !== Object.keys(paths).length)
    throw new Error(`${name}: COLUMN_PATHS must have ${columns.map(({ header }) => header).join(', ')}`);
  const ready = (field: string) => `.status.conditions[?(@.type=="Ready")].${field}`;
  return [
    ...columns.flatMap(({ header, wide }) => {
      const jsonPath = paths[header];
      const type = header.startsWith('MIN ') ? 'integer' : 'string';
      return jsonPath === undefined
        ? []
        : [{ name: titleCase(header), type, jsonPath, ...(wide ? { priority: 1 } : {}) }];
    }),
    { name: 'Ready', type: 'string', jsonPath: ready('status') },
    { name: 'Status', type: 'string', jsonPath: ready('message') },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ];
}

function titleCase(header: string): string {
  return header.replace(/\b([A-Z])([A-Z]*)/g, (_, first: string, rest: string) => first + rest.toLowerCase());
}
