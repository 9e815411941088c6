import type { Static } from 'typebox';
import { defineKind, type Finding } from './kind.ts';
import { description, dnsLabel, duration, expiresAt, notBefore } from './schema.ts';
import { badWindow, unsafeText } from './text.ts';
import { normalWindow, windowState } from './time.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['description', 'role', 'owner'],
  properties: {
    description: {
      type: 'string',
      minLength: 1,
      maxLength: description.maxLength,
      description: description.description,
    },
    role: {
      ...dnsLabel,
      description: 'Its role on the whole workspace. Narrower: a RoleBinding to {kind: Token, name: …}.',
    },
    owner: { ...dnsLabel, description: 'The accountable User.' },
    notBefore,
    expiresAt,
    rotation: {
      type: 'object',
      additionalProperties: false,
      required: ['every'],
      description: 'When a new secret is issued.',
      properties: {
        every: { ...duration, description: 'How often: 90d, 12h, 30m.' },
        overlap: { ...duration, description: 'How long the old secret stays valid beside the new one.' },
      },
    },
    deliverTo: {
      type: 'object',
      additionalProperties: false,
      description: 'Where its secret goes; without it none is issued. Exactly one of file and secret.',
      properties: {
        file: {
          type: 'string',
          minLength: 1,
          maxLength: 255,
          description: 'A relative path below --secrets-dir.',
        },
        secret: {
          type: 'object',
          additionalProperties: false,
          required: ['name', 'key'],
          description: 'A Kubernetes Secret of the same namespace.',
          properties: {
            name: { ...dnsLabel, description: 'The Secret.' },
            key: {
              type: 'string',
              pattern: '^[-._a-zA-Z0-9]+$',
              maxLength: 253,
              description: 'The key in it.',
            },
          },
        },
      },
    },
    revoked: { type: 'boolean', default: false, description: 'A revoked token gives nothing, for good.' },
  },
} as const;

export type TokenDeclared = Static<typeof schema>;
export type TokenSpec = ReturnType<typeof normalize>;

function normalize(spec: TokenDeclared) {
  return {
    ...(spec.deliverTo === undefined ? {} : { deliverTo: { ...spec.deliverTo } }),
    description: spec.description,
    ...normalWindow(spec),
    owner: spec.owner,
    revoked: spec.revoked ?? false,
    role: spec.role,
    ...(spec.rotation === undefined ? {} : { rotation: { ...spec.rotation } }),
  };
}

function checkDelivery(deliverTo: TokenDeclared['deliverTo']): Finding[] {
  if (!deliverTo) return [];
  const { file, secret } = deliverTo;
  if ((file === undefined) === (secret === undefined)) {
    return [{ code: 'RC109', pointer: '/spec/deliverTo', message: 'needs exactly one of file and secret' }];
  }
  if (file === undefined) return [];
  const parts = file.split('/');
  const wrong = file.includes('\\')
    ? 'a backslash'
    : parts.includes('')
      ? 'an empty part or a leading or final /'
      : parts.includes('..') || parts.includes('.')
        ? 'a part . or ..'
        : undefined;
  if (wrong) {
    return [
      {
        code: 'RC109',
        pointer: '/spec/deliverTo/file',
        message: `has ${wrong}`,
        hint: 'a relative path below --secrets-dir, such as ci/deploy',
      },
    ];
  }
  return unsafeText(file, '/spec/deliverTo/file');
}

export const token = defineKind<TokenDeclared, TokenSpec>({
  name: 'Token',
  plural: 'tokens',
  short: 'tok',
  namespaced: true,
  description: 'A credential of one workspace for a program, with somebody who answers for it.',
  schema,
  lists: [],
  unmanaged: {},
  normalize,
  check: (spec) => [
    ...unsafeText(spec.description, '/spec/description', { lines: true }),
    ...badWindow(spec, '/spec'),
    ...checkDelivery(spec.deliverTo),
  ],
  references: (spec) => [
    { pointer: '/spec/role', kind: 'Role', name: spec.role },
    { pointer: '/spec/owner', kind: 'User', name: spec.owner },
  ],
  columns: [
    { header: 'ROLE', value: (spec) => spec.role },
    { header: 'OWNER', value: (spec) => spec.owner },
    { header: 'STATE', value: (spec, _, at) => windowState(spec, at, spec.revoked ? 'Revoked' : 'Active') },
    { header: 'FROM', wide: true, value: (spec) => spec.notBefore ?? '' },
    { header: 'UNTIL', value: (spec) => spec.expiresAt ?? '' },
    { header: 'DESCRIPTION', wide: true, value: (spec) => spec.description.replaceAll('\n', ' ') },
  ],
  summary: (spec) => `${spec.role}, owner ${spec.owner}${spec.revoked ? ', revoked' : ''}`,
});
