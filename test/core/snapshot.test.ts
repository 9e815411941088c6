import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { edgesOf, identityOf } from '../../src/core/resource.ts';
import {
  COLUMNS,
  contentsOf,
  type Layout,
  type Origin,
  type Origins,
  type RowForm,
  snapshotOf,
} from '../../src/core/snapshot.ts';
import { createState } from '../../src/core/state.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { organisation } from '../support/arbitrary.ts';
import { accessAt, holdingKey } from '../support/effective-access.ts';
import { binding, group, NOW, role, token, user, workspace } from '../support/resources.ts';
import { createSnapshots, type GrantRow, type UserRow } from '../support/snapshot-reference.ts';

const acme = workspace('acme');
const beta = workspace('beta');
const ana = user('ana', { displayName: 'Ana Díaz' });
const bo = user('bo');
const PAST = '2026-05-01T00:00:00Z';
const NEAR = '2026-07-01T00:00:00Z';
const FAR = '2026-09-01T00:00:00Z';

const unknown: Origins = () => undefined;

/** Rows that can be read back as what they were made of. */
const JSON_ROWS: RowForm = {
  cells: (values) => values.map((value) => JSON.stringify(value)).join(),
  between: ',',
  end: '\n',
};

interface Asked {
  readonly at?: number;
  readonly origins?: Origins;
  readonly where?: string;
}

function snapshotIn(resources: readonly Resource[], where: string, origins: Origins, at: number) {
  const state = createState(resources);
  return snapshotOf(contentsOf(state, where), state, origins, at, JSON_ROWS);
}

function rowsOf<Row>(
  layout: Layout,
  resources: readonly Resource[],
  { at = NOW, origins = unknown, where = 'acme' }: Asked,
): Row[] {
  const rows = snapshotIn(resources, where, origins, at)[layout]();
  return [...rows].map((row) => {
    const cells = JSON.parse(`[${row}]`) as string[];
    expect(cells).toHaveLength(COLUMNS[layout].length);
    return Object.fromEntries(COLUMNS[layout].map((column, i) => [column, cells[i]])) as Row;
  });
}

function users(resources: readonly Resource[], asked: Asked = {}): UserRow[] {
  return rowsOf('users', resources, asked);
}

function grants(resources: readonly Resource[], asked: Asked = {}): GrantRow[] {
  return rowsOf('grants', resources, asked);
}

/** The one row of a person, some columns of it. */
function about<Column extends keyof UserRow>(
  resources: readonly Resource[],
  columns: readonly Column[],
  name = 'ana',
): Record<string, string> {
  const rows = users(resources).filter(({ user }) => user === name);
  expect(rows).toHaveLength(1);
  return Object.fromEntries(columns.map((column) => [column, rows[0]?.[column] ?? '']));
}

/** Parts of resources by the revision that made them. */
function madeIn(...revisions: readonly (readonly Resource[])[]): Origins {
  const made = new Map<string, Origin>();
  for (const [index, resources] of revisions.entries()) {
    const revision = index + 1;
    const origin: Origin = { revision, at: `2026-05-0${revision}T00:00:00Z`, by: `actor-${revision}` };
    for (const resource of resources) {
      for (const { pointer } of edgesOf(resource)) {
        const key = `${identityOf(resource)} ${pointer}`;
        if (!made.has(key)) made.set(key, origin);
      }
    }
  }
  return (id, pointer) => made.get(`${id} ${pointer}`);
}

test('the columns are those of the contract, in its order', () => {
  expect(COLUMNS.users.join()).toBe(
    'workspace,user,email,display_name,type,state,permission,roles,groups,since,next_expiry',
  );
  expect(COLUMNS.grants.join()).toBe(
    'workspace,subject_kind,subject,email,state,role,risk,scope,via,binding,not_before,expires_at,granted_at,granted_by,reason',
  );
});

describe('who belongs to a workspace', () => {
  const names = (resources: readonly Resource[], where = 'acme') =>
    users(resources, { where }).map(({ user }) => user);

  test('is whom a grant there names, directly or through groups', () => {
    const org = [
      acme,
      beta,
      ana,
      bo,
      user('cy'),
      group('acme/g', ['bo']),
      binding('acme/b', 'workspace-member', ['ana', 'Group:g']),
    ];
    expect(names(org)).toEqual(['ana', 'bo']);
    expect(names(org, 'beta')).toEqual([]);
  });

  test('is whom a membership there names, though the group has no role', () => {
    const org = [acme, ana, group('acme/outer', ['Group:inner']), group('acme/inner', ['ana'])];
    expect(about(org, ['permission', 'roles', 'groups'])).toEqual({
      permission: 'Member',
      roles: '',
      groups: 'inner; outer',
    });
    expect(grants(org)).toEqual([]);
  });

  test('is also who gets in later, or is suspended', () => {
    const later = [acme, ana, binding('acme/b', 'workspace-member', ['ana'], { notBefore: NEAR })];
    expect(about(later, ['state', 'permission', 'roles'])).toEqual({
      state: 'Active',
      permission: '',
      roles: '',
    });
    const suspended = [
      acme,
      user('ana', { state: 'Suspended' }),
      binding('acme/b', 'workspace-owner', ['ana']),
    ];
    expect(about(suspended, ['state', 'permission', 'roles'])).toEqual({
      state: 'Suspended',
      permission: '',
      roles: '',
    });
  });

  test.each([
    ['a binding', [ana, binding('acme/b', 'workspace-member', ['ana'], { expiresAt: PAST })]],
    [
      'a membership',
      [
        ana,
        group('acme/g', [{ kind: 'User', name: 'ana', expiresAt: PAST }]),
        binding('acme/b', 'workspace-member', ['Group:g']),
      ],
    ],
    [
      'a contract',
      [
        user('ana', { expiresAt: PAST }),
        binding('acme/b', 'workspace-member', ['ana']),
        group('acme/g', ['ana']),
      ],
    ],
  ])('is not whom %s names whose end is past', (_, org) => {
    expect(names([acme, ...org])).toEqual([]);
    expect(grants([acme, ...org])).toEqual([]);
  });

  test('ends at the very moment of the end, and not a millisecond before', () => {
    const org = [acme, ana, binding('acme/b', 'workspace-member', ['ana'], { expiresAt: NEAR })];
    const end = Date.parse(NEAR);
    expect([end - 1, end].map((at) => users(org, { at }).length)).toEqual([1, 0]);
    expect([end - 1, end].map((at) => grants(org, { at }).length)).toEqual([1, 0]);
  });

  test('is not who has nothing in common with a window: windows that never meet are no grant', () => {
    const org = [
      acme,
      ana,
      group('acme/g', [{ kind: 'User', name: 'ana', expiresAt: NEAR }]),
      binding('acme/b', 'source-admin', ['Group:g'], { notBefore: FAR }),
    ];
    expect(about(org, ['permission', 'roles', 'groups', 'next_expiry'])).toEqual({
      permission: 'Member',
      roles: '',
      groups: 'g',
      next_expiry: NEAR,
    });
    expect(grants(org)).toEqual([]);
  });

  test('is not who only answers for a token', () => {
    expect(names([acme, ana, token('acme/ci', 'ana')])).toEqual([]);
  });
});

describe('permission', () => {
  const through = [
    group('acme/outer', ['Group:inner']),
    group('acme/inner', ['ana']),
    binding('acme/o', 'workspace-owner', ['Group:outer']),
  ];

  test.each([
    ['Human', 'Owner'],
    ['BreakGlass', 'Owner'],
    ['Service', 'Member'],
  ])('of a %s with workspace-owner is %s', (type, permission) => {
    const who = user('ana', { type });
    expect(about([acme, who, binding('acme/o', 'workspace-owner', ['ana'])], ['type', 'permission'])).toEqual(
      { type, permission },
    );
    expect(about([acme, who, ...through], ['permission'])).toEqual({ permission });
  });

  test('is of now: who owns later, or only elsewhere, is no Owner', () => {
    const later = binding('acme/o', 'workspace-owner', ['ana'], { notBefore: NEAR });
    const member = binding('acme/m', 'workspace-member', ['ana']);
    expect(about([acme, ana, later, member], ['permission', 'roles'])).toEqual({
      permission: 'Member',
      roles: 'Workspace Member',
    });
    expect(
      about([acme, beta, ana, member, binding('beta/o', 'workspace-owner', ['ana'])], ['permission']),
    ).toEqual({ permission: 'Member' });
  });

  test('comes from the role itself: a Privileged role of our own makes no Owner', () => {
    const org = [acme, ana, role('root', { risk: 'Privileged' }), binding('acme/b', 'root', ['ana'])];
    expect(about(org, ['permission'])).toEqual({ permission: 'Member' });
  });
});

describe('roles', () => {
  test('are display names with their scope, each once, by code point', () => {
    const org = [
      acme,
      ana,
      role('zoo', { displayName: 'ärzte', scopes: ['Workspace'] }),
      group('acme/g', ['ana']),
      binding('acme/a', 'source-admin', ['ana'], {
        resources: [
          { type: 'Source', id: 'website' },
          { type: 'Workspace', labels: { tier: '1', environment: 'prod' } },
        ],
      }),
      binding('acme/b', 'source-admin', ['ana', 'Group:g']),
      binding('acme/c', 'zoo', ['ana']),
      binding('acme/d', 'workspace-member', ['ana']),
    ];
    expect(about(org, ['roles']).roles).toBe(
      'Source Admin; Source Admin [Source/website]; Source Admin [environment=prod,tier=1]; Workspace Member; ärzte',
    );
  });

  test('are those granted, not what they include, and only those of now', () => {
    const org = [
      acme,
      ana,
      role('support', { displayName: 'Support', includes: ['pii-access'] }),
      binding('acme/a', 'support', ['ana']),
      binding('acme/b', 'function-admin', ['ana'], { notBefore: NEAR }),
      binding('acme/c', 'identity-admin', ['ana'], { expiresAt: PAST }),
    ];
    expect(about(org, ['roles'])).toEqual({ roles: 'Support' });
    expect(grants(org).map(({ role }) => role)).toEqual(['function-admin', 'support']);
  });
});

describe('groups', () => {
  test('are all on a path, bound or not, each once, sorted', () => {
    const org = [
      acme,
      ana,
      group('acme/b-outer', ['Group:a-inner']),
      group('acme/a-inner', ['ana']),
      group('acme/c-other', ['Group:a-inner']),
      binding('acme/x', 'workspace-member', ['Group:b-outer']),
    ];
    expect(about(org, ['groups'])).toEqual({ groups: 'a-inner; b-outer; c-other' });
  });

  test('are of this workspace only', () => {
    const org = [acme, beta, ana, group('acme/here', ['ana']), group('beta/there', ['ana'])];
    expect(about(org, ['groups'])).toEqual({ groups: 'here' });
  });
});

describe('since and next_expiry', () => {
  test('are the first time that made him belong, and the first end that is to come', () => {
    const first = [acme, ana, group('acme/g', ['ana'])];
    const second = [binding('acme/a', 'workspace-member', ['ana'], { expiresAt: FAR })];
    const third = [
      binding('acme/b', 'source-admin', ['Group:g'], { expiresAt: NEAR }),
      binding('acme/gone', 'pii-access', ['ana'], { expiresAt: PAST }),
    ];
    const [row] = users([...first, ...second, ...third], { origins: madeIn(first, second, third) });
    expect(row).toMatchObject({ since: '2026-05-01T00:00:00Z', next_expiry: NEAR });
  });

  test('next_expiry counts future grants, memberships and the end of his own contract; without an end it is empty', () => {
    const soon = binding('acme/b', 'workspace-member', ['ana'], { notBefore: NEAR, expiresAt: FAR });
    expect(about([acme, ana, soon, binding('acme/c', 'source-admin', ['ana'])], ['next_expiry'])).toEqual({
      next_expiry: FAR,
    });
    expect(
      about([acme, user('ana', { expiresAt: NEAR }), group('acme/g', ['ana'])], ['next_expiry']),
    ).toEqual({ next_expiry: NEAR });
    expect(about([acme, ana, binding('acme/c', 'source-admin', ['ana'])], ['next_expiry'])).toEqual({
      next_expiry: '',
    });
  });

  test('since is empty where the ledger does not know', () => {
    expect(about([acme, ana, binding('acme/b', 'workspace-member', ['ana'])], ['since'])).toEqual({
      since: '',
    });
  });
});

describe('a row of grants', () => {
  test('says all of one grant', () => {
    const org = [
      acme,
      user('ana', { email: 'Ana@Acme.example', notBefore: '2026-01-01', expiresAt: FAR }),
      group('acme/outer', [{ kind: 'Group', name: 'inner', expiresAt: '2026-08-01' }]),
      group('acme/inner', ['ana']),
      binding('acme/b', 'pii-access', ['Group:outer'], { notBefore: NEAR, reason: 'INC-1432' }),
    ];
    expect(grants(org, { origins: madeIn(org) })).toEqual([
      {
        workspace: 'acme',
        subject_kind: 'User',
        subject: 'ana',
        email: org[1]?.kind === 'User' ? org[1].spec.email : '',
        state: 'Active',
        role: 'pii-access',
        risk: 'Sensitive',
        scope: 'Workspace',
        via: 'group:outer>inner',
        binding: 'b',
        not_before: NEAR,
        expires_at: '2026-08-01T00:00:00Z',
        granted_at: '2026-05-01T00:00:00Z',
        granted_by: 'actor-1',
        reason: 'INC-1432',
      },
    ]);
  });

  test('is one for each binding, resource entry and path', () => {
    const org = [
      acme,
      ana,
      group('acme/outer', ['ana', 'Group:inner']),
      group('acme/inner', ['ana']),
      binding('acme/b', 'source-admin', ['ana', 'Group:outer'], {
        resources: [
          { type: 'Source', id: 'a' },
          { type: 'Source', id: 'b' },
        ],
      }),
    ];
    expect(grants(org).map(({ scope, via }) => `${scope} ${via}`)).toEqual(
      ['Source/a', 'Source/b'].flatMap((scope) =>
        ['direct', 'group:outer', 'group:outer>inner'].map((via) => `${scope} ${via}`),
      ),
    );
  });

  test('has the risk of all that the role includes', () => {
    const org = [
      acme,
      ana,
      role('a', { includes: ['b'] }),
      role('b', { risk: 'Privileged' }),
      binding('acme/x', 'a', ['ana']),
    ];
    expect(grants(org).map(({ risk }) => risk)).toEqual(['Privileged']);
  });

  test('of a suspended person stays, with his state', () => {
    const org = [acme, user('ana', { state: 'Suspended' }), binding('acme/x', 'source-admin', ['ana'])];
    expect(grants(org)).toMatchObject([{ subject: 'ana', state: 'Suspended', role: 'source-admin' }]);
  });

  test('was granted by the newest part that it rests on', () => {
    const base = [
      acme,
      ana,
      bo,
      group('acme/g', ['ana']),
      binding('acme/x', 'workspace-member', ['Group:g']),
    ];
    const joined = group('acme/g', ['ana', 'bo']);
    const wider = binding('acme/x', 'workspace-member', ['Group:g'], {
      reason: 'other words',
      expiresAt: FAR,
    });
    const rows = grants([acme, ana, bo, joined, wider], { origins: madeIn(base, [joined], [wider]) });
    expect(
      rows.map(({ subject, granted_at, granted_by }) => `${subject} ${granted_at} ${granted_by}`),
    ).toEqual(['ana 2026-05-01T00:00:00Z actor-1', 'bo 2026-05-02T00:00:00Z actor-2']);
  });
});

describe('a token', () => {
  const own = (spec: object = {}) => token('acme/ci', 'ana', spec);
  const state = (resources: readonly Resource[]) =>
    grants(resources).map(({ subject, state }) => `${subject} ${state}`);

  test('has a row for its own role, and one for each binding; it is no person', () => {
    const org = [
      acme,
      ana,
      own({ expiresAt: FAR }),
      binding('acme/x', 'function-admin', ['Token:ci'], {
        resources: [{ type: 'Function', id: 'enrich' }],
        expiresAt: NEAR,
      }),
    ];
    expect(grants(org)).toMatchObject([
      {
        subject_kind: 'Token',
        subject: 'ci',
        email: '',
        role: 'function-admin',
        scope: 'Function/enrich',
        via: 'direct',
        binding: 'x',
        expires_at: NEAR,
      },
      {
        subject_kind: 'Token',
        subject: 'ci',
        email: '',
        role: 'workspace-member',
        scope: 'Workspace',
        via: 'direct',
        binding: 'token/ci',
        expires_at: FAR,
      },
    ]);
    expect(users(org)).toEqual([]);
  });

  test('that is revoked, or whose owner is suspended, says so', () => {
    const away = user('ana', { state: 'Suspended' });
    expect(state([acme, ana, own()])).toEqual(['ci Active']);
    expect(state([acme, ana, own({ revoked: true })])).toEqual(['ci Revoked']);
    expect(state([acme, away, own()])).toEqual(['ci Suspended']);
    expect(state([acme, away, own({ revoked: true })])).toEqual(['ci Revoked']);
  });

  test('whose end, or whose owner, is past has no row', () => {
    expect(state([acme, ana, own({ expiresAt: PAST })])).toEqual([]);
    expect(state([acme, user('ana', { expiresAt: PAST }), own()])).toEqual([]);
  });

  test('of another workspace is not here', () => {
    expect(state([acme, beta, ana, token('beta/ci', 'ana')])).toEqual([]);
  });
});

describe('rows are sorted by e-mail, then the rest, by code point', () => {
  const emails = ['Z@acme.example', 'a@acme.example', '\ud83d\ude00@acme.example', '\uff5e@acme.example'];
  const people = emails.map((email, i) => user(`u${9 - i}`, { email }));
  const names = people.map(({ metadata }) => metadata.name);
  const org = [
    acme,
    ana,
    ...people,
    binding('acme/x', 'workspace-member', names),
    binding('acme/a', 'workspace-member', ['u8']),
    token('acme/ci', 'ana'),
  ];

  test('users', () => {
    // Of one address as it is stored: compared without regard to case.
    expect(users(org).map(({ email }) => email)).toEqual([
      'a@acme.example',
      'z@acme.example',
      '\uff5e@acme.example',
      '\ud83d\ude00@acme.example',
    ]);
  });

  test('grants: tokens, which have no address, come first', () => {
    expect(grants(org).map(({ subject, binding }) => `${subject} ${binding}`)).toEqual([
      'ci token/ci',
      'u8 a',
      'u8 x',
      'u9 x',
      'u6 x',
      'u7 x',
    ]);
  });

  test('in any order of the resources', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(org, { minLength: org.length }), (shuffled) => {
        expect(users(shuffled)).toEqual(users(org));
        expect(grants(shuffled)).toEqual(grants(org));
      }),
      { numRuns: 20 },
    );
  });
});

describe('of any organisation', () => {
  const workspaces = ['acme', 'beta', 'corp'];
  const moments = fc.constantFrom(
    ...['2026-04-15', '2026-05-01', '2026-06-01', '2026-06-15', '2026-08-20', '2026-12-01'].map((day) =>
      Date.parse(day),
    ),
  );

  test('the grants that are active at a time are exactly the access at that time', () => {
    fc.assert(
      fc.property(organisation, moments, (org, at) => {
        const active = workspaces
          .flatMap((where) => grants(org, { at, where }))
          .filter(
            ({ state, not_before }) =>
              state === 'Active' && (not_before === '' || Date.parse(not_before) <= at),
          )
          .map((row) => holdingKey({ subjectKind: row.subject_kind as 'User' | 'Token', ...row }));
        expect(new Set(active)).toEqual(new Set(accessAt(org, new Set(), at).keys()));
      }),
    );
  });

  test('nobody has an end that is past, all have a row who have a grant, and roles are those of the active grants', () => {
    fc.assert(
      fc.property(organisation, moments, (org, at) => {
        const state = createState(org);
        for (const where of workspaces) {
          const rows = users(org, { at, where });
          const all = grants(org, { at, where });
          expect(all.filter(({ expires_at }) => expires_at !== '' && Date.parse(expires_at) <= at)).toEqual(
            [],
          );
          const people = new Set(rows.map(({ user }) => user));
          expect(people.size).toBe(rows.length);
          for (const { subject_kind, subject } of all)
            if (subject_kind === 'User') expect(people).toContain(subject);
          for (const row of rows) {
            const own = all.filter(
              ({ subject_kind, subject, state: its, not_before }) =>
                subject_kind === 'User' &&
                subject === row.user &&
                its === 'Active' &&
                (not_before === '' || Date.parse(not_before) <= at),
            );
            const names = own.map(
              ({ role, scope }) =>
                `${state.get('Role', undefined, role)?.spec.displayName}${scope === 'Workspace' ? '' : ` [${scope}]`}`,
            );
            expect(new Set(row.roles === '' ? [] : row.roles.split('; '))).toEqual(new Set(names));
            const owns = own.some(({ role }) => role === 'workspace-owner') && row.type !== 'Service';
            expect(row.permission === 'Owner').toBe(owns);
            if (row.state === 'Suspended') expect([row.permission, row.roles]).toEqual(['', '']);
          }
        }
      }),
    );
  });

  /** An origin for most parts, by chance; for some none. */
  const someOrigins = fc.integer().map(
    (seed): Origins =>
      (id, pointer) => {
        let hash = seed;
        for (const letter of id + pointer) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0;
        const revision = Math.abs(hash) % 7;
        return revision === 0
          ? undefined
          : { revision, at: `2026-05-0${revision}T00:00:00Z`, by: `a${revision}` };
      },
  );

  test('rows are those that looking at one person after the other gives, in the same order', () => {
    fc.assert(
      fc.property(organisation, moments, someOrigins, (org, at, origins) => {
        const reference = createSnapshots(createState(org), origins, at);
        for (const where of workspaces) {
          expect(users(org, { at, where, origins })).toEqual(reference.users(where));
          expect(grants(org, { at, where, origins })).toEqual(reference.grants(where));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('rows stay the same until the time that is told, and no longer than a begin or an end is away', () => {
    fc.assert(
      fc.property(organisation, moments, (org, at) => {
        for (const where of workspaces) {
          const { until } = snapshotIn(org, where, unknown, at);
          expect(until).toBeGreaterThan(at);
          const last = until === Infinity ? Date.parse('2100-01-01') : until - 1;
          expect(users(org, { at: last, where })).toEqual(users(org, { at, where }));
          expect(grants(org, { at: last, where })).toEqual(grants(org, { at, where }));
        }
      }),
    );
  });
});
