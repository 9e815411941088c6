import type { Static } from 'typebox';
import { defineKind, type Finding, keys, sortBy } from './kind.ts';
import { dnsLabel, labels } from './schema.ts';
import { unsafeText } from './text.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['match', 'validations'],
  properties: {
    match: {
      type: 'object',
      additionalProperties: false,
      description: 'What the policy looks at.',
      properties: {
        on: {
          type: 'string',
          enum: ['Change', 'Grant'],
          default: 'Change',
          description:
            'Change: each change of a plan. Grant: each access that a plan gives, widens or touches.',
        },
        kinds: {
          type: 'array',
          minItems: 1,
          description: 'With on: Change; absent means all.',
          items: { type: 'string', enum: ['Workspace', 'User', 'Group', 'Role', 'RoleBinding', 'Token'] },
        },
        actions: {
          type: 'array',
          minItems: 1,
          description: 'With on: Change; absent means all.',
          items: { type: 'string', enum: ['create', 'update', 'delete'] },
        },
        roles: {
          type: 'array',
          minItems: 1,
          description: 'With on: Grant; absent means all.',
          items: dnsLabel,
        },
        workspaceSelector: {
          type: 'object',
          additionalProperties: false,
          description: 'Only in workspaces that have these labels.',
          properties: { matchLabels: { ...labels, description: 'All of them (ANDed).' } },
        },
      },
    },
    enforcement: {
      type: 'string',
      enum: ['Deny', 'Warn', 'Audit'],
      default: 'Deny',
      description: 'Deny refuses a plan, Warn says so in it, Audit only writes an audit row.',
    },
    validations: {
      type: 'array',
      minItems: 1,
      maxItems: 50,
      description: 'Each must be true.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['expression'],
        properties: {
          expression: { type: 'string', minLength: 1, maxLength: 4096, description: 'CEL; must be true.' },
          message: {
            type: 'string',
            minLength: 1,
            maxLength: 1024,
            description: 'What to say when it is not.',
          },
          messageExpression: {
            type: 'string',
            minLength: 1,
            maxLength: 4096,
            description: 'The same, as CEL.',
          },
        },
      },
    },
  },
} as const;

export type AccessPolicyDeclared = Static<typeof schema>;
export type AccessPolicySpec = ReturnType<typeof normalize>;

function normalize(spec: AccessPolicyDeclared) {
  const { match } = spec;
  return {
    match: {
      on: match.on ?? 'Change',
      ...(match.kinds === undefined ? {} : { kinds: [...match.kinds].sort() }),
      ...(match.actions === undefined ? {} : { actions: [...match.actions].sort() }),
      ...(match.roles === undefined ? {} : { roles: [...match.roles].sort() }),
      ...(match.workspaceSelector?.matchLabels === undefined
        ? {}
        : { workspaceSelector: { matchLabels: { ...match.workspaceSelector.matchLabels } } }),
    },
    enforcement: spec.enforcement ?? 'Deny',
    validations: sortBy(
      spec.validations.map((entry) => ({ ...entry })),
      keys.expression,
    ),
  };
}

function check(spec: AccessPolicyDeclared): Finding[] {
  const { match } = spec;
  const misplaced = (match.on === 'Grant' ? (['kinds', 'actions'] as const) : (['roles'] as const)).filter(
    (field) => match[field] !== undefined,
  );
  return [
    ...misplaced.map(
      (field): Finding => ({
        code: 'RC109',
        pointer: `/spec/match/${field}`,
        message: `${field} goes with on: ${match.on === 'Grant' ? 'Change' : 'Grant'} only`,
      }),
    ),
    ...spec.validations.flatMap((entry, index): Finding[] => [
      ...((entry.message === undefined) === (entry.messageExpression === undefined)
        ? ([
            {
              code: entry.message === undefined ? 'RC108' : 'RC109',
              pointer: `/spec/validations/${index}`,
              message:
                entry.message === undefined
                  ? 'missing field "message" (or "messageExpression")'
                  : 'has both message and messageExpression',
              hint: 'one of the two says what is wrong when the expression is not true',
            },
          ] as const)
        : []),
      ...unsafeText(entry.message, `/spec/validations/${index}/message`, { lines: true }),
    ]),
  ];
}

export const accessPolicy = defineKind<AccessPolicyDeclared, AccessPolicySpec>({
  name: 'AccessPolicy',
  plural: 'accesspolicies',
  short: 'ap',
  namespaced: false,
  description: 'A rule in CEL that every plan must satisfy.',
  schema,
  lists: [
    { path: ['match', 'kinds'], key: keys.value },
    { path: ['match', 'actions'], key: keys.value },
    { path: ['match', 'roles'], key: keys.value },
    { path: ['validations'], key: keys.expression },
  ],
  unmanaged: {},
  normalize,
  check,
  references: (spec) =>
    (spec.match.roles ?? []).map((name) => ({ pointer: `/spec/match/roles/${name}`, kind: 'Role', name })),
  columns: [
    { header: 'ON', value: (spec) => spec.match.on },
    { header: 'ENFORCEMENT', value: (spec) => spec.enforcement },
    { header: 'VALIDATIONS', value: (spec) => String(spec.validations.length) },
  ],
  summary: (spec) => `${spec.enforcement} on ${spec.match.on}`,
});
