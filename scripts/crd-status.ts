import type { KindName } from '../src/kinds/index.ts';
import type { Structural } from './crd-schema.ts';

const time = { type: 'string', format: 'date-time' };
const count = { type: 'integer', minimum: 0 };

/** metav1.Condition, word for word. */
const conditions = {
  type: 'array',
  description: 'Ready; Reconciling and Stalled only while True; Drifted and Expired where they apply.',
  maxItems: 20,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status', 'lastTransitionTime', 'reason', 'message'],
    properties: {
      type: {
        type: 'string',
        maxLength: 316,
        pattern:
          '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$',
        description: 'Which condition.',
      },
      status: { type: 'string', enum: ['True', 'False', 'Unknown'], description: 'Whether it is met.' },
      observedGeneration: {
        ...count,
        format: 'int64',
        description: 'The metadata.generation that it was written for.',
      },
      lastTransitionTime: { ...time, description: 'When status last changed.' },
      reason: {
        type: 'string',
        minLength: 1,
        maxLength: 1024,
        pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
        description: 'Why, in one word for programs.',
      },
      message: { type: 'string', maxLength: 32768, description: 'Why, for people.' },
    },
  },
};

const common = {
  observedGeneration: {
    type: 'integer',
    minimum: -1,
    format: 'int64',
    description: 'The metadata.generation that this status is about; -1 before there is any.',
  },
  conditions,
  appliedHash: {
    type: 'string',
    maxLength: 128,
    description: 'The hash of the normal form that was applied last.',
  },
  lastHandledReconcileAt: {
    type: 'string',
    maxLength: 256,
    description: 'The rolecall.dev/reconcile-requested-at that was handled last.',
  },
};

const workspace = {
  counts: {
    type: 'object',
    description: 'How much is in the workspace.',
    properties: {
      people: { ...count, description: 'Who belong to it.' },
      groups: { ...count, description: 'Groups.' },
      roleBindings: { ...count, description: 'RoleBindings.' },
      tokens: { ...count, description: 'Tokens.' },
    },
  },
  owners: {
    type: 'object',
    description: 'Who own the workspace.',
    properties: {
      count: { ...count, description: 'All of them.' },
      names: {
        type: 'array',
        maxItems: 20,
        'x-kubernetes-list-type': 'set',
        items: { type: 'string', maxLength: 63 },
        description: 'The first 20 Users by name.',
      },
    },
  },
  snapshot: {
    type: 'object',
    description: 'The CSV snapshot that was written last.',
    properties: {
      sha256: { type: 'string', pattern: '^[0-9a-f]{64}$', description: 'Of the users file.' },
      rows: { ...count, description: 'Of the users file, without its header.' },
      writtenAt: { ...time, description: 'When.' },
    },
  },
};

/** The structural schema of the status that the operator writes. */
export function statusSchema(name: KindName): Structural {
  return {
    type: 'object',
    description: 'What the operator says of it. Nobody else writes here.',
    properties: { ...common, ...(name === 'Workspace' ? workspace : {}) },
    // Who waits by kstatus would take an object that the operator has not seen yet for one that is done.
    default: { observedGeneration: -1 },
  };
}
