import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAccess } from '../../src/core/access.ts';
import { diffAccess } from '../../src/core/access-diff.ts';
import { type PolicyWork, policyWork } from '../../src/core/policy-input.ts';
import type { PolicyValue } from '../../src/core/policy-object.ts';
import { identityOf } from '../../src/core/resource.ts';
import { createState } from '../../src/core/state.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { organisation } from '../support/arbitrary.ts';
import { binding, group, make, NOW, role, token, user, workspace } from '../support/resources.ts';

const labels = { stage: 'production' };
const acme = workspace('acme', {}, { labels });
const [ana, gus] = [user('ana'), user('gus', { email: 'gus@else.example' })];

function policy(match: object, name = 'p'): Resource {
  return make('AccessPolicy', name, { match, validations: [{ expression: 'true', message: 'no' }] });
}

const ofOwners = policy({
  on: 'Grant',
  roles: ['workspace-owner'],
  workspaceSelector: { matchLabels: labels },
});

/** What policies have to do when one state becomes another, of which some resources have a new identity. */
function workOf(
  before: readonly Resource[],
  after: readonly Resource[],
  renamed: Readonly<Record<string, string>> = {},
): PolicyWork[] {
  const [was, is] = [createState(before), createState(after)];
  const old = Object.fromEntries(Object.entries(renamed).map(([from, to]) => [to, from]));
  const ids = new Set([...before.map(identityOf).map((id) => renamed[id] ?? id), ...after.map(identityOf)]);
  const pairs = [...ids]
    .map((id) => ({ before: was.byId(old[id] ?? id) ?? null, after: is.byId(id) ?? null }))
    .filter((pair) => JSON.stringify(pair.before) !== JSON.stringify(pair.after));
  const access = diffAccess(was, is, pairs, NOW);
  return policyWork({ before: was, after: is, pairs, access, at: NOW });
}

/** What the policies look at then. */
function looked(...change: Parameters<typeof workOf>): string[] {
  return workOf(...change).flatMap(({ policy, version, items }) =>
    items.map(({ what }) => `${policy} (${version}): ${what}`),
  );
}

/** What expressions see of grants then, one after the other. */
function grantsSeen(...change: Parameters<typeof workOf>): PolicyValue[] {
  return workOf(...change).flatMap(({ items }) => items.flatMap(({ variables }) => variables.grant ?? []));
}

const GUS = 'p (both): workspace-owner for gus on the whole workspace of acme';

describe('a policy on owners looks at a new one who comes', () => {
  const owns = binding('acme/owners', 'workspace-owner', ['ana', 'Group:admins']);
  const admins = (...members: string[]) => group('acme/admins', members);
  const org = [acme, ana, gus, owns, ofOwners];

  test.each<[string, Resource[], Resource[]]>([
    ['as a member of a bound group', [admins('ana')], [admins('ana', 'gus')]],
    [
      'through a nested group',
      [admins('Group:inner'), group('acme/inner', [])],
      [admins('Group:inner'), group('acme/inner', ['gus'])],
    ],
    [
      'as the window of a membership widens',
      [group('acme/admins', [{ name: 'gus', kind: 'User', expiresAt: '2026-07-01' }])],
      [group('acme/admins', [{ name: 'gus', kind: 'User', expiresAt: '2027-07-01' }])],
    ],
  ])('%s', (_, before, after) => {
    expect(looked([...org, ...before], [...org, ...after])).toEqual([GUS]);
  });

  test('by an e-mail that changes', () => {
    const before = [acme, ana, user('gus'), owns, admins('gus'), ofOwners];
    expect(looked(before, [acme, ana, gus, owns, admins('gus'), ofOwners])).toEqual([GUS]);
  });

  test('by a type or sponsor that changes', () => {
    const before = [...org, admins('gus')];
    const changed = user('gus', { email: 'gus@else.example', type: 'Service' });
    expect(
      looked(
        before,
        before.map((one) => (one === gus ? changed : one)),
      ),
    ).toEqual([GUS]);
  });

  test('from a suspension', () => {
    const asleep = user('gus', { email: 'gus@else.example', state: 'Suspended' });
    const before = [acme, ana, asleep, owns, admins('gus'), ofOwners];
    expect(
      looked(
        before,
        before.map((one) => (one === asleep ? gus : one)),
      ),
    ).toEqual([GUS]);
    expect(looked([acme, ana, asleep, owns, admins(), ofOwners], before)).toEqual([]);
  });

  test('in a workspace that is relabelled in the same plan, or only now falls under the policy', () => {
    const plain = workspace('acme');
    const [before, after] = [
      [acme, ana, gus, owns, admins('ana'), ofOwners],
      [plain, ana, gus, owns, admins('ana', 'gus'), ofOwners],
    ];
    expect(looked(before, after)).toContain(GUS);
    expect(
      looked(
        [plain, ana, gus, owns, admins('gus'), ofOwners],
        [acme, ana, gus, owns, admins('gus'), ofOwners],
      ),
    ).toContain(GUS);
  });

  test('as the policy is deleted or changed in the same plan', () => {
    const before = [...org, admins('ana')];
    const after = [acme, ana, gus, owns, admins('ana', 'gus')];
    expect(looked(before, after)).toEqual([GUS.replace('both', 'store')]);
    const weaker = policy({ on: 'Grant', roles: ['pii-access'] });
    expect(looked(before, [...after, weaker])).toEqual([GUS.replace('both', 'store')]);
  });

  test('as a token', () => {
    const bot = token('acme/bot', 'ana', { role: 'workspace-owner' });
    expect(looked([...org, admins()], [...org, admins(), bot])).toEqual([
      'p (both): workspace-owner for token bot on the whole workspace of acme',
    ]);
  });
});

describe('a policy on a role', () => {
  const pii = policy({ on: 'Grant', roles: ['pii-access'] });

  test('looks at a role that wraps it', () => {
    const wrap = role('helper', { includes: ['pii-access'] });
    const before = [acme, ana, gus, pii, wrap];
    expect(looked(before, [...before, binding('acme/help', 'helper', ['gus'])])).toEqual([
      'p (both): pii-access for gus on the whole workspace of acme',
    ]);
  });

  test('looks at those who hold a role that begins to include it', () => {
    const before = [acme, ana, gus, pii, role('helper'), binding('acme/help', 'helper', ['gus'])];
    const after = before.map((one) =>
      one.metadata.name === 'helper' ? role('helper', { includes: ['pii-access'] }) : one,
    );
    expect(looked(before, after)).toEqual(['p (both): pii-access for gus on the whole workspace of acme']);
  });

  test('is not about who only loses, or keeps', () => {
    const has = binding('acme/pii', 'pii-access', ['ana', 'gus']);
    const before = [acme, ana, gus, pii, has];
    expect(looked(before, [acme, ana, gus, pii, binding('acme/pii', 'pii-access', ['ana'])])).toEqual([]);
  });
});

describe('a new name is no way around', () => {
  const boss = role('boss', { risk: 'Privileged' });
  const chief = role('chief', { risk: 'Normal' });
  const ofBosses = policy({ on: 'Grant', roles: ['boss'] });
  const gives = binding('acme/b', 'chief', ['gus']);
  const renamed = { 'Role//boss': 'Role//chief' };

  test('the role that a policy of the store names', () => {
    const before = [acme, gus, boss, ofBosses];
    const seen = 'chief for gus on the whole workspace of acme';
    expect(looked(before, [acme, gus, chief, gives], renamed)).toEqual([`p (store): ${seen}`]);
    const after = [acme, gus, chief, gives, policy({ on: 'Grant', roles: ['chief'] })];
    expect(looked(before, after, renamed)).toEqual([`p (store): ${seen}`, `p (manifest): ${seen}`]);
  });

  test('the risk of a role that becomes less in the same plan', () => {
    const all = policy({ on: 'Grant' });
    expect(grantsSeen([acme, gus, boss, all], [acme, gus, chief, gives, all], renamed)).toMatchObject([
      { role: 'chief', risk: 'Privileged' },
    ]);
    const harmless = role('boss', { risk: 'Normal' });
    const has = binding('acme/b', 'boss', ['gus']);
    expect(grantsSeen([acme, gus, boss, has, all], [acme, gus, harmless, has, all])).toMatchObject([
      { role: 'boss', risk: 'Privileged' },
    ]);
  });

  test('the labels of a workspace that loses them in the same plan', () => {
    const after = [workspace('beta'), gus, ofOwners, binding('beta/b', 'workspace-owner', ['gus'])];
    expect(looked([acme, gus, ofOwners], after, { 'Workspace//acme': 'Workspace//beta' })).toEqual([
      GUS.replace('acme', 'beta'),
    ]);
  });
});

describe('a policy on grants looks at a token', () => {
  const all = policy({ on: 'Grant' });
  const seen = 'p (both): workspace-member for token bot on the whole workspace of acme';
  const before = [acme, ana, gus, all, token('acme/bot', 'ana')];

  test('that gets another owner', () => {
    expect(looked(before, [acme, ana, gus, all, token('acme/bot', 'gus')])).toEqual([seen]);
  });

  test('not when its owner only has a new name', () => {
    const after = [acme, user('anna', { email: ana.spec.email }), gus, all, token('acme/bot', 'anna')];
    expect(looked(before, after, { 'User//ana': 'User//anna' })).toEqual([]);
  });

  test('whose owner becomes somebody else by his type or labels', () => {
    const service = user('ana', { type: 'Service' });
    expect(looked(before, [acme, service, gus, all, token('acme/bot', 'ana')])).toEqual([seen]);
    const labelled = user('ana', {}, { labels: { left: 'soon' } });
    expect(looked(before, [acme, labelled, gus, all, token('acme/bot', 'ana')])).toEqual([seen]);
  });
});

test('what an expression sees', () => {
  const sponsored = user('gus', { sponsor: 'ana', expiresAt: '2026-12-01' });
  const helper = role('helper', { includes: ['pii-access'] });
  const gives = binding('acme/b', 'helper', ['gus'], { notBefore: '2026-07-01' });
  const later = binding('acme/c', 'source-admin', ['gus'], { notBefore: '2027-01-01' });
  const on = policy({ on: 'Grant', roles: ['pii-access'] });
  const [seen] = workOf([acme, ana], [acme, ana, sponsored, helper, gives, later, on]);
  expect(seen?.items).toEqual([
    {
      what: 'pii-access for gus on the whole workspace of acme',
      workspaces: ['acme'],
      causes: ['RoleBinding/acme/b'],
      variables: {
        grant: {
          subjectKind: 'User',
          subject: 'gus',
          email: 'gus@acme.example',
          role: 'pii-access',
          risk: 'Sensitive',
          scope: 'Workspace',
          via: 'direct>role:helper',
          binding: 'b',
          notBefore: { $time: Date.parse('2026-07-01T00:00:00Z') },
          expiresAt: { $time: Date.parse('2026-12-01T00:00:00Z') },
        },
        now: { $time: NOW },
        workspace: expect.objectContaining({
          kind: 'Workspace',
          metadata: { name: 'acme', labels, annotations: {} },
        }),
        user: {
          apiVersion: 'rolecall.dev/v1alpha1',
          kind: 'User',
          metadata: { name: 'gus', labels: {}, annotations: {} },
          spec: expect.objectContaining({
            sponsor: 'ana',
            type: 'Human',
            expiresAt: { $time: Date.parse('2026-12-01T00:00:00Z') },
          }),
          status: { workspaces: ['acme'], roles: ['helper', 'pii-access'] },
        },
      },
    },
  ]);
});

describe('a policy on changes', () => {
  test('looks at those of its kinds and actions, never at policies', () => {
    const on = policy({ on: 'Change', kinds: ['Group', 'User'], actions: ['create', 'delete'] });
    const before = [acme, ana, on, group('acme/old', [])];
    const after = [
      acme,
      user('ana', { displayName: 'Ana' }),
      on,
      gus,
      group('acme/new', []),
      policy({}, 'q'),
    ];
    expect(looked(before, after).sort()).toEqual([
      'p (both): create of Group acme/new',
      'p (both): create of User gus',
      'p (both): delete of Group acme/old',
      'q (manifest): create of Group acme/new',
      'q (manifest): create of User gus',
      'q (manifest): delete of Group acme/old',
      'q (manifest): update of User ana',
    ]);
  });

  test('with a selector looks at nothing that is in no workspace', () => {
    const on = policy({ on: 'Change', workspaceSelector: { matchLabels: labels } });
    expect(looked([on], [on, acme, ana, group('acme/g', []), workspace('beta')])).toEqual([
      'p (both): create of Workspace acme',
      'p (both): create of Group acme/g',
    ]);
  });
});

test('of a whole organisation every grant that is not over is looked at, once', () => {
  fc.assert(
    fc.property(organisation, (org) => {
      const all = org.filter(({ kind }) => kind !== 'AccessPolicy');
      const state = createState(all);
      const access = createAccess(state);
      const grants = [
        ...state
          .ofKind('User')
          .map(({ metadata }) => ({ kind: 'User' as const, namespace: undefined, name: metadata.name })),
        ...state.ofKind('Token').map(({ metadata }) => ({
          kind: 'Token' as const,
          namespace: metadata.namespace,
          name: metadata.name,
        })),
      ]
        .flatMap((subject) => access.grantsOf(subject))
        .filter(({ enabled, span }) => enabled && span.until > NOW);
      expect(looked([], [...all, policy({ on: 'Grant' })])).toHaveLength(grants.length);
    }),
    { numRuns: 300 },
  );
});
