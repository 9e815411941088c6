/**
 * Parts that the schemas of several Kinds share. Plain JSON Schema, so that loading a Kind costs
 * nothing; TypeBox reads the TypeScript types off the same expressions.
 *
 * Patterns stay in the subset that RE2 and ECMAScript have in common.
 */

export const dnsLabel = {
  type: 'string',
  pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
  maxLength: 63,
} as const;

export const displayName = {
  type: 'string',
  minLength: 1,
  maxLength: 256,
  description: 'What people read. No control characters, and no "; ".',
} as const;

export const description = {
  type: 'string',
  maxLength: 4096,
  default: '',
  description: 'What it is for, in words.',
} as const;

export const time = {
  type: 'string',
  pattern:
    '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))?$',
} as const;

export const notBefore = {
  ...time,
  description: 'First moment, inclusive: a date (00:00 UTC of that day) or an RFC 3339 time.',
} as const;

export const expiresAt = {
  ...time,
  description: 'The end, exclusive: a date (00:00 UTC of that day) or an RFC 3339 time.',
} as const;

export const duration = { type: 'string', pattern: '^[1-9][0-9]{0,4}(m|h|d)$' } as const;

export const scope = { type: 'string', pattern: '^[A-Z][A-Za-z0-9]{0,62}$' } as const;

export const tier = { type: 'string', enum: ['Free', 'Team', 'Business'] } as const;

export const limit = {
  anyOf: [
    { type: 'integer', minimum: 0, maximum: 1_000_000_000 },
    { type: 'string', pattern: '^(100|[1-9]?[0-9])%$' },
  ],
} as const;

/** Labels by which a grant is narrowed (not metadata.labels). */
export const grantLabels = {
  type: 'object',
  additionalProperties: { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9-]{0,62}$' },
  propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9-]{0,62}$' },
  minProperties: 1,
  maxProperties: 10,
} as const;

/** Labels of a manifest: the grammar of Kubernetes labels. */
export const labels = {
  type: 'object',
  additionalProperties: {
    type: 'string',
    pattern: '^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$',
  },
  propertyNames: {
    pattern:
      '^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$',
    maxLength: 317,
  },
} as const;

export const annotations = {
  type: 'object',
  additionalProperties: { type: 'string' },
  description:
    'Only those with the prefix rolecall.dev/ mean something: protect, prune, drift, paused, previous-names, deletion-policy, reconcile-requested-at, class.',
} as const;
