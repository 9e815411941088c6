import type { Static } from 'typebox';
import { defineKind, keys, sortBy } from './kind.ts';
import { displayName, dnsLabel, limit, tier } from './schema.ts';
import { unsafeName } from './text.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['displayName'],
  properties: {
    displayName,
    tier: {
      ...tier,
      default: 'Free',
      description: 'What the workspace has paid for: gates roles, labels and groups.',
    },
    owners: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Who must own this workspace; plans that break it are refused (RC205, RC206).',
      properties: {
        minimum: {
          type: 'integer',
          minimum: 0,
          maximum: 1000,
          default: 1,
          description: 'The fewest owners it may have.',
        },
        required: {
          type: 'array',
          maxItems: 100,
          default: [],
          description: 'Users who must stay owners.',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['name'],
            properties: { name: { ...dnsLabel, description: 'A User.' } },
          },
        },
      },
    },
    guards: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Limits on what one plan may do to this workspace: a percentage or a number.',
      properties: {
        maxRemovals: {
          ...limit,
          default: '25%',
          description: 'People who lose all access, resources of a kind deleted.',
        },
        maxUpdates: { ...limit, default: '30%', description: 'Resources of a kind updated.' },
        maxPrivilegedGains: { ...limit, default: 3, description: 'People who gain a Privileged role.' },
      },
    },
  },
} as const;

export type WorkspaceDeclared = Static<typeof schema>;
export type WorkspaceSpec = ReturnType<typeof normalize>;

function normalize(spec: WorkspaceDeclared) {
  return {
    displayName: spec.displayName,
    tier: spec.tier ?? 'Free',
    owners: {
      minimum: spec.owners?.minimum ?? 1,
      required: sortBy(
        (spec.owners?.required ?? []).map(({ name }) => ({ name })),
        (entry) => entry.name,
      ),
    },
    guards: {
      maxRemovals: spec.guards?.maxRemovals ?? '25%',
      maxUpdates: spec.guards?.maxUpdates ?? '30%',
      maxPrivilegedGains: spec.guards?.maxPrivilegedGains ?? 3,
    },
  };
}

export const workspace = defineKind<WorkspaceDeclared, WorkspaceSpec>({
  name: 'Workspace',
  plural: 'workspaces',
  short: 'ws',
  namespaced: false,
  description:
    'A tenant: what people, groups and tokens have access to. Its name is the namespace of everything in it.',
  schema,
  lists: [{ path: ['owners', 'required'], key: keys.name }],
  unmanaged: {},
  normalize,
  check: (spec) => unsafeName(spec.displayName, '/spec/displayName'),
  references: (spec) =>
    spec.owners.required.map(({ name }) => ({
      pointer: `/spec/owners/required/${name}`,
      kind: 'User',
      name,
    })),
  columns: [
    { header: 'DISPLAY NAME', value: (spec) => spec.displayName },
    { header: 'TIER', value: (spec) => spec.tier },
    { header: 'MIN OWNERS', wide: true, value: (spec) => String(spec.owners.minimum) },
  ],
  summary: (spec) => `${spec.displayName}, ${spec.tier}`,
});
