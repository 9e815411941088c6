import type { KindName } from '../src/kinds/index.ts';

/** Fields by which a list can be narrowed: `kubectl get --field-selector spec.role=…`. */
export const SELECTABLE: Readonly<Record<KindName, readonly string[]>> = {
  Workspace: ['.spec.tier'],
  User: ['.spec.email', '.spec.state', '.spec.type', '.spec.sponsor'],
  Role: ['.spec.risk', '.spec.minimumTier'],
  Group: ['.spec.displayName'],
  Token: ['.spec.role', '.spec.owner'],
  RoleBinding: ['.spec.role'],
  AccessPolicy: ['.spec.enforcement', '.spec.match.on'],
};

/**
 * Where a column of the Kind stands in the object; undefined where it is counted, joined or depends on the time, which
 * a JSONPath cannot say.
 */
export const COLUMN_PATHS: Readonly<Record<KindName, Readonly<Record<string, string | undefined>>>> = {
  Workspace: {
    'DISPLAY NAME': '.spec.displayName',
    TIER: '.spec.tier',
    'MIN OWNERS': '.spec.owners.minimum',
  },
  User: {
    EMAIL: '.spec.email',
    'DISPLAY NAME': '.spec.displayName',
    STATE: undefined,
    TYPE: '.spec.type',
    FROM: '.spec.notBefore',
    UNTIL: '.spec.expiresAt',
    SPONSOR: '.spec.sponsor',
  },
  Role: {
    'DISPLAY NAME': '.spec.displayName',
    SCOPES: '.spec.scopes',
    RISK: '.spec.risk',
    TIER: '.spec.minimumTier',
    INCLUDES: '.spec.includes',
  },
  Group: {
    'DISPLAY NAME': '.spec.displayName',
    MEMBERS: undefined,
    ACTIVE: undefined,
    DESCRIPTION: '.spec.description',
  },
  Token: {
    ROLE: '.spec.role',
    OWNER: '.spec.owner',
    STATE: undefined,
    FROM: '.spec.notBefore',
    UNTIL: '.spec.expiresAt',
    DESCRIPTION: '.spec.description',
  },
  RoleBinding: {
    ROLE: '.spec.role',
    SUBJECTS: undefined,
    ON: undefined,
    STATE: undefined,
    FROM: '.spec.notBefore',
    UNTIL: '.spec.expiresAt',
    REASON: '.spec.reason',
  },
  AccessPolicy: { ON: '.spec.match.on', ENFORCEMENT: '.spec.enforcement', VALIDATIONS: undefined },
};
