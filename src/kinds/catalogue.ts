import type { Resource } from './index.ts';
import type { Risk, RoleSpec, Tier } from './role.ts';

type Row = readonly [
  name: string,
  displayName: string,
  scopes: readonly string[],
  labels: boolean,
  minimumTier: Tier,
  risk: Risk,
  includes?: string,
];

/** The roles that Segment documents, names as there. They can be referred to, not declared, exported or pruned. */
const ROWS: readonly Row[] = [
  ['workspace-owner', 'Workspace Owner', ['Workspace'], false, 'Free', 'Privileged'],
  ['workspace-member', 'Workspace Member', ['Workspace'], false, 'Free', 'Normal'],
  ['source-admin', 'Source Admin', ['Workspace', 'Source'], true, 'Free', 'Normal', 'source-read-only'],
  ['source-read-only', 'Source Read-only', ['Workspace', 'Source'], true, 'Business', 'Normal'],
  [
    'function-admin',
    'Function Admin',
    ['Workspace', 'Function'],
    false,
    'Free',
    'Normal',
    'function-read-only',
  ],
  ['function-read-only', 'Function Read-only', ['Workspace', 'Function'], false, 'Free', 'Normal'],
  [
    'warehouse-destination-admin',
    'Warehouse Destination Admin',
    ['Workspace', 'Warehouse'],
    false,
    'Business',
    'Normal',
    'warehouse-destination-read-only',
  ],
  [
    'warehouse-destination-read-only',
    'Warehouse Destination Read-only',
    ['Workspace', 'Warehouse'],
    false,
    'Business',
    'Normal',
  ],
  [
    'tracking-plan-admin',
    'Tracking Plan Admin',
    ['Workspace'],
    false,
    'Business',
    'Normal',
    'tracking-plan-read-only',
  ],
  ['tracking-plan-read-only', 'Tracking Plan Read-only', ['Workspace'], false, 'Business', 'Normal'],
  [
    'unify-and-engage-admin',
    'Unify and Engage Admin',
    ['Workspace', 'Space'],
    true,
    'Business',
    'Normal',
    'unify-and-engage-read-only',
  ],
  [
    'unify-and-engage-read-only',
    'Unify and Engage Read-only',
    ['Workspace', 'Space'],
    true,
    'Business',
    'Normal',
  ],
  [
    'unify-read-only-engage-user',
    'Unify Read-only, Engage User',
    ['Workspace', 'Space'],
    true,
    'Business',
    'Normal',
  ],
  ['identity-admin', 'Identity Admin', ['Workspace'], false, 'Business', 'Sensitive'],
  ['end-user-privacy-admin', 'End User Privacy Admin', ['Workspace'], false, 'Business', 'Sensitive'],
  ['entities-admin', 'Entities Admin', ['Workspace'], false, 'Business', 'Normal', 'entities-read-only'],
  ['entities-read-only', 'Entities Read-only', ['Workspace'], false, 'Business', 'Normal'],
  ['pii-access', 'PII Access', ['Workspace'], false, 'Business', 'Sensitive'],
];

/** The one role with ownership: who holds it on the whole workspace is an owner. */
export const OWNER_ROLE = 'workspace-owner';

/** The built-in catalogue, by name. */
export const CATALOGUE: ReadonlyMap<string, Resource<'Role'>> = new Map(
  ROWS.map(([name, displayName, scopes, labels, minimumTier, risk, includes]) => {
    const spec: RoleSpec = {
      displayName,
      description: '',
      scopes: [...scopes].sort(),
      includes: includes === undefined ? [] : [includes],
      labels,
      minimumTier,
      risk,
      ownership: name === OWNER_ROLE,
    };
    return [name, { kind: 'Role', metadata: { name, labels: {}, annotations: {} }, spec }] as const;
  }),
);
