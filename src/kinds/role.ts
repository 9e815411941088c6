import type { Static } from 'typebox';
import { defineKind, keys } from './kind.ts';
import { description, displayName, dnsLabel, scope, tier } from './schema.ts';
import { unsafeName, unsafeText } from './text.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['displayName', 'scopes'],
  properties: {
    displayName,
    description,
    scopes: {
      type: 'array',
      minItems: 1,
      maxItems: 50,
      items: scope,
      description: 'On what it can be granted: Workspace, or types of resources such as Source.',
    },
    includes: {
      type: 'array',
      maxItems: 50,
      default: [],
      items: dnsLabel,
      description: 'Roles whose permissions it has too, transitively.',
    },
    labels: {
      type: 'boolean',
      default: false,
      description: 'Whether a grant of it may be narrowed by labels.',
    },
    minimumTier: { ...tier, default: 'Free', description: 'The lowest tier of a Workspace that may use it.' },
    risk: {
      type: 'string',
      enum: ['Normal', 'Sensitive', 'Privileged'],
      default: 'Normal',
      description: 'How much harm it can do; at least that of what it includes.',
    },
    ownership: { type: 'boolean', default: false, description: 'Only the built-in workspace-owner has it.' },
  },
} as const;

export type RoleDeclared = Static<typeof schema>;
export type RoleSpec = ReturnType<typeof normalize>;
export type Tier = RoleSpec['minimumTier'];
export type Risk = RoleSpec['risk'];

function normalize(spec: RoleDeclared) {
  return {
    displayName: spec.displayName,
    description: spec.description ?? '',
    scopes: [...spec.scopes].sort(),
    includes: [...(spec.includes ?? [])].sort(),
    labels: spec.labels ?? false,
    minimumTier: spec.minimumTier ?? 'Free',
    risk: spec.risk ?? 'Normal',
    ownership: spec.ownership ?? false,
  };
}

export const role = defineKind<RoleDeclared, RoleSpec>({
  name: 'Role',
  plural: 'roles',
  short: 'role',
  namespaced: false,
  description: 'What somebody may do, beside the built-in catalogue.',
  schema,
  lists: [
    { path: ['scopes'], key: keys.value },
    { path: ['includes'], key: keys.value },
  ],
  unmanaged: {},
  normalize,
  check: (spec) => [
    ...unsafeName(spec.displayName, '/spec/displayName'),
    ...unsafeText(spec.description, '/spec/description', { lines: true }),
    ...(spec.ownership === true
      ? ([
          {
            code: 'RC119',
            pointer: '/spec/ownership',
            message: 'only the built-in workspace-owner has ownership',
            hint: 'remove the field',
          },
        ] as const)
      : []),
  ],
  references: (spec) =>
    spec.includes.map((name) => ({ pointer: `/spec/includes/${name}`, kind: 'Role', name })),
  columns: [
    { header: 'DISPLAY NAME', value: (spec) => spec.displayName },
    { header: 'SCOPES', value: (spec) => spec.scopes.join(',') },
    { header: 'RISK', value: (spec) => spec.risk },
    { header: 'TIER', wide: true, value: (spec) => spec.minimumTier },
    { header: 'INCLUDES', wide: true, value: (spec) => spec.includes.join(',') },
  ],
  summary: (spec) => `${spec.displayName} on ${spec.scopes.join(', ')}, risk ${spec.risk}`,
});
