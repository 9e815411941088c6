import { toManifest } from '../../src/core/resource.ts';
import type { KindName, Resource } from '../../src/kinds/index.ts';
import { binding, group, make, role, token, user, workspace } from './resources.ts';

/** One resource of each Kind, and every field of its spec with another value than it has. */
export const DRIFTING = {
  Workspace: {
    resource: workspace('beta', { tier: 'Team' }),
    fields: {
      displayName: 'Other',
      tier: 'Business',
      owners: { minimum: 1, required: [{ name: 'ana' }] },
      guards: { maxRemovals: '10%', maxUpdates: '30%', maxPrivilegedGains: 3 },
    },
  },
  User: {
    resource: user('bo', { displayName: 'Bo Lee' }),
    fields: {
      email: 'bo@other.example',
      displayName: 'Bo Other',
      state: 'Suspended',
      type: 'Service',
      notBefore: '2026-01-01T00:00:00Z',
      expiresAt: '2027-01-01T00:00:00Z',
      sponsor: 'ana',
      identities: [{ provider: 'idp', subject: 'bo' }],
    },
  },
  Role: {
    resource: role('reader'),
    fields: {
      displayName: 'Other',
      description: 'Another',
      scopes: ['Source', 'Workspace'],
      includes: ['source-read-only'],
      labels: true,
      minimumTier: 'Business',
      risk: 'Sensitive',
      ownership: true,
    },
  },
  Group: {
    resource: group('acme/devs', ['ana']),
    fields: { displayName: 'Other', description: 'Another', members: [{ kind: 'User', name: 'bo' }] },
  },
  Token: {
    resource: token('acme/ci', 'ana'),
    fields: {
      description: 'Another',
      role: 'source-admin',
      owner: 'bo',
      notBefore: '2026-01-01T00:00:00Z',
      expiresAt: '2027-01-01T00:00:00Z',
      rotation: { every: '90d', overlap: '24h' },
      deliverTo: { secret: { name: 'ci', key: 'token' } },
      revoked: true,
    },
  },
  RoleBinding: {
    resource: binding('acme/reads', 'source-read-only', ['Group:devs']),
    fields: {
      role: 'source-admin',
      subjects: [{ kind: 'User', name: 'bo' }],
      resources: [{ type: 'Workspace' }, { type: 'Source', id: 'web' }],
      notBefore: '2026-01-01T00:00:00Z',
      expiresAt: '2027-01-01T00:00:00Z',
      reason: 'INC-1',
    },
  },
  AccessPolicy: {
    resource: make('AccessPolicy', 'fine', {
      match: { on: 'Grant' },
      enforcement: 'Audit',
      validations: [{ expression: 'true', message: 'never' }],
    }),
    fields: {
      match: { on: 'Grant', roles: ['reader'] },
      enforcement: 'Warn',
      validations: [{ expression: '1 == 1', message: 'never' }],
    },
  },
} as const satisfies {
  readonly [K in KindName]: {
    readonly resource: Resource<K>;
    readonly fields: Readonly<Record<string, unknown>>;
  };
};

/** What those refer to, and owners. */
const AROUND: readonly Resource[] = [
  workspace('acme'),
  user('ana'),
  user('cy'),
  binding('acme/owners', 'workspace-owner', ['ana', 'cy']),
  binding('beta/owners', 'workspace-owner', ['ana', 'cy']),
];

/** A text that `-f` reads, with these annotations on the resources of DRIFTING. */
export function organisationText(annotations: Readonly<Record<string, string>> = {}): string {
  const drifting = Object.values(DRIFTING).map(({ resource }) => withMetadata(resource, { annotations }));
  return listText([...AROUND, ...drifting]);
}

export function listText(resources: readonly Resource[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: resources.map(toManifest) });
}

export function withMetadata<R extends Resource>(
  resource: R,
  more: Partial<Pick<R['metadata'], 'labels' | 'annotations'>>,
): R {
  return { ...resource, metadata: { ...resource.metadata, ...more } };
}
