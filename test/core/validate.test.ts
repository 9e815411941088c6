import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_GROUP_DEPTH } from '../../src/core/nesting.ts';
import { identityOf } from '../../src/core/resource.ts';
import { createState } from '../../src/core/state.ts';
import { checkState } from '../../src/core/validate.ts';
import { kindOf, type Resource } from '../../src/kinds/index.ts';
import { evolution } from '../support/arbitrary.ts';
import { planOf, problemsOf } from '../support/planning.ts';
import { binding, group, held, role, store, token, user, workspace } from '../support/resources.ts';

const acme = workspace('acme');
const free = workspace('free', { tier: 'Free' });
const ana = user('ana');

/** `RC112 /spec/role message`, with the hint where there is one. */
function violations(org: readonly Resource[], changed?: readonly Resource[]): string[] {
  return checkState(createState(org), changed && held(changed)).map(({ code, pointer, message, hint }) =>
    [`${code} ${pointer} ${message}`, hint].filter(Boolean).join('; '),
  );
}

describe('a reference', () => {
  const whole = [acme, ana, group('acme/devs', ['ana']), token('acme/ci', 'ana'), role('reader')];

  test.each([
    [
      'of a member',
      group('acme/ops', ['anna']),
      'RC112 /spec/members/User:anna Group acme/ops: there is no User "anna"; did you mean "ana"?',
    ],
    [
      'of a nested group',
      group('acme/ops', ['Group:dev']),
      'RC112 /spec/members/Group:dev Group acme/ops: there is no Group "dev" in workspace acme; did you mean "devs"?',
    ],
    [
      'of a subject',
      binding('acme/b', 'reader', ['Token:cd']),
      'RC112 /spec/subjects/Token:cd RoleBinding acme/b: there is no Token "cd" in workspace acme; did you mean "ci"?',
    ],
    [
      'of a role',
      binding('acme/b', 'raeder', ['ana']),
      'RC112 /spec/role RoleBinding acme/b: there is no Role "raeder"; did you mean "reader"?',
    ],
    [
      'of a built-in role',
      binding('acme/b', 'workspace-ownr', ['ana']),
      'RC112 /spec/role RoleBinding acme/b: there is no Role "workspace-ownr"; did you mean "workspace-owner"?',
    ],
    [
      'of a role like no other',
      token('acme/cd', 'ana', { role: 'xyz' }),
      'RC112 /spec/role Token acme/cd: there is no Role "xyz"; declare it, or take one of the built-in catalogue: iam explain roles',
    ],
    [
      'of an owner',
      token('acme/cd', 'an'),
      'RC112 /spec/owner Token acme/cd: there is no User "an"; did you mean "ana"?',
    ],
    [
      'of a sponsor',
      user('bo', { sponsor: 'zoe' }),
      'RC112 /spec/sponsor User bo: there is no User "zoe"; declare it, or correct the name',
    ],
    [
      'of what a role includes',
      role('writer', { includes: ['readr'] }),
      'RC112 /spec/includes/readr Role writer: there is no Role "readr"; did you mean "reader"?',
    ],
    [
      'of a required owner',
      workspace('beta', { owners: { required: [{ name: 'anna' }] } }),
      'RC112 /spec/owners/required/anna Workspace beta: there is no User "anna"; did you mean "ana"?',
    ],
    [
      'of a workspace',
      group('acne/ops', []),
      'RC112 /metadata/namespace Group acne/ops: there is no Workspace "acne"; did you mean "acme"?',
    ],
  ])('%s must be there', (_, resource, expected) => {
    expect(violations([...whole, resource])).toEqual([expected]);
  });

  test('reaches no other workspace', () => {
    expect(violations([...whole, workspace('beta'), binding('beta/b', 'reader', ['Group:devs'])])).toEqual([
      'RC112 /spec/subjects/Group:devs RoleBinding beta/b: there is no Group "devs" in workspace beta; declare it, or correct the name',
    ]);
  });

  test('to what leaves is for RC209 to judge', () => {
    const dangling = binding('acme/b', 'reader', ['bo']);
    expect(checkState(createState([...whole, dangling]), held([dangling]), new Set(['User//bo']))).toEqual(
      [],
    );
  });
});

describe('an e-mail', () => {
  test('belongs to one User, trimmed and case-folded; the others are told whose it is', () => {
    const org = [user('cy', { email: ' ANA@acme.example ' }), ana, user('bo', { email: 'Ana@Acme.Example' })];
    expect(violations(org)).toEqual([
      'RC113 /spec/email User bo: e-mail ana@acme.example already belongs to User ana; one person is one User; bind that one',
      'RC113 /spec/email User cy: e-mail ana@acme.example already belongs to User ana; one person is one User; bind that one',
    ]);
  });

  test('of a User who does not change stays his', () => {
    const aaron = user('aaron', { email: ana.spec.email });
    expect(violations([aaron, ana], [aaron])).toEqual([
      'RC113 /spec/email User aaron: e-mail ana@acme.example already belongs to User ana; one person is one User; bind that one',
    ]);
  });

  test('may change hands in one plan', () => {
    const before = [user('ana', { email: 'a@x.example' }), user('bo', { email: 'b@x.example' })];
    const after = [user('ana', { email: 'b@x.example' }), user('bo', { email: 'a@x.example' })];
    expect(problemsOf(planOf(after, store(before)))).toEqual([]);
  });
});

describe('groups', () => {
  const chain = (length: number) =>
    Array.from({ length }, (_, i) => group(`acme/g${i}`, i + 1 < length ? [`Group:g${i + 1}`] : ['ana']));

  test.each([
    [
      'itself',
      [group('acme/a', ['Group:a'])],
      'RC114 /spec/members/Group:a Group acme/a: contains itself: a → a',
    ],
    [
      'one that contains it',
      [group('acme/b', ['Group:a']), group('acme/a', ['Group:b'])],
      'RC114 /spec/members/Group:b Group acme/a: contains itself: a → b → a',
    ],
    [
      'one three steps on',
      [
        group('acme/c', ['Group:a']),
        group('acme/a', ['Group:b']),
        group('acme/b', ['Group:c']),
        group('acme/into', ['Group:b']),
      ],
      'RC114 /spec/members/Group:b Group acme/a: contains itself: a → b → c → a',
    ],
  ])('must not contain %s', (_, groups, expected) => {
    expect(violations([acme, ...groups])).toEqual([`${expected}; remove one of these memberships`]);
  });

  test('are not called too deep where they are a cycle', () => {
    const ring = Array.from({ length: 12 }, (_, i) => group(`acme/g${i}`, [`Group:g${(i + 1) % 12}`]));
    expect(violations([acme, ...ring]).map((line) => line.slice(0, 70))).toEqual([
      'RC114 /spec/members/Group:g1 Group acme/g0: contains itself: g0 → g1 →',
    ]);
  });

  test('that do not change are not blamed for a cycle', () => {
    const [a, b] = [group('acme/a', ['Group:b']), group('acme/b', ['Group:a'])];
    expect(violations([acme, a, b], [b])).toEqual([
      'RC114 /spec/members/Group:a Group acme/b: contains itself: b → a → b; remove one of these memberships',
    ]);
  });

  test('may be reached on two ways', () => {
    expect(
      violations([
        acme,
        group('acme/a', ['Group:b', 'Group:c']),
        group('acme/b', ['Group:d']),
        group('acme/c', ['Group:d']),
        group('acme/d', []),
      ]),
    ).toEqual([]);
  });

  test('nest 10 deep, not 11', () => {
    expect(violations([acme, ana, ...chain(10)])).toEqual([]);
    expect(violations([acme, ana, ...chain(11)])).toEqual([
      'RC114 /spec/members/Group:g1 Group acme/g0: groups are nested 11 deep, at most 10 are allowed; bind the inner groups directly',
    ]);
  });

  test.each([0, 5, 10])('say so at the one that changes: number %i of 11', (index) => {
    const org = [acme, ana, ...chain(11)];
    const changed = org.filter(({ metadata }) => metadata.name === `g${index}`);
    expect(checkState(createState(org), held(changed)).map(({ id }) => id)).toEqual([`Group/acme/g${index}`]);
  });

  test('are as deep as their longest chain, told of any set of them that changes', {
    timeout: 60_000,
  }, () => {
    const dag = fc.array(fc.array(fc.nat(40), { maxLength: 3 }), { minLength: 12, maxLength: 40 });
    fc.assert(
      fc.property(dag, fc.array(fc.nat(40)), (edges, picks) => {
        const inner = edges.map((targets, i) =>
          [...new Set([...targets.map((step) => i + 1 + (step % 3)), ...(i % 4 ? [i + 1] : [])])].filter(
            (target) => target < edges.length,
          ),
        );
        const depth = (i: number): number => 1 + Math.max(0, ...(inner[i] ?? []).map(depth));
        const above = (i: number): number =>
          1 + Math.max(0, ...inner.flatMap((targets, from) => (targets.includes(i) ? [above(from)] : [])));
        const groups = inner.map((targets, i) =>
          group(
            `acme/g${i}`,
            targets.map((target) => `Group:g${target}`),
          ),
        );
        const changed = groups.filter((_, i) => picks.includes(i));
        const found = checkState(createState([acme, ...groups]), held(changed));
        const deep = groups
          .filter((_, i) => picks.includes(i) && depth(i) + above(i) - 1 > MAX_GROUP_DEPTH)
          .map(identityOf);
        expect(found.length > 0).toBe(deep.length > 0);
        for (const { id } of found) expect(deep).toContain(id);
      }),
      { numRuns: 500 },
    );
  });

  test('and roles may stand in chains longer than a call stack', () => {
    const groups = Array.from({ length: 20_000 }, (_, i) =>
      group(`acme/g${i}`, i + 1 < 20_000 ? [`Group:g${i + 1}`] : []),
    );
    expect(violations([acme, ...groups])).toEqual([
      'RC114 /spec/members/Group:g1 Group acme/g0: groups are nested 20000 deep, at most 10 are allowed; bind the inner groups directly',
    ]);
    const roles = Array.from({ length: 20_000 }, (_, i) =>
      role(`r${i}`, { includes: i + 1 < 20_000 ? [`r${i + 1}`] : [] }),
    );
    expect(violations(roles)).toEqual([]);
  });
});

describe('a role', () => {
  test.each([
    ['itself', [role('a', { includes: ['a'] })], 'RC114 /spec/includes/a Role a: includes itself: a → a'],
    [
      'one that includes it',
      [role('a', { includes: ['b'] }), role('b', { includes: ['a'] })],
      'RC114 /spec/includes/b Role a: includes itself: a → b → a',
    ],
    [
      'one three steps on',
      [role('b', { includes: ['c'] }), role('c', { includes: ['a'] }), role('a', { includes: ['b'] })],
      'RC114 /spec/includes/b Role a: includes itself: a → b → c → a',
    ],
  ])('must not include %s', (_, roles, expected) => {
    expect(violations(roles)).toEqual([`${expected}; remove one of these includes`]);
  });

  test('must not reach workspace-owner by what it includes', () => {
    const hint = '; ownership is granted by itself or not at all';
    expect(violations([role('boss', { includes: ['workspace-owner'] })])).toEqual([
      `RC119 /spec/includes/workspace-owner Role boss: no role may include workspace-owner${hint}`,
    ]);
    expect(
      violations([
        role('boss', { includes: ['chief'] }),
        role('chief', { includes: ['source-admin', 'workspace-owner'] }),
      ]),
    ).toEqual([
      `RC119 /spec/includes/chief Role boss: no role may include workspace-owner${hint}`,
      `RC119 /spec/includes/workspace-owner Role chief: no role may include workspace-owner${hint}`,
    ]);
  });
});

describe('a tier', () => {
  const labelled = { resources: [{ type: 'Workspace', labels: { env: 'prod' } }] };

  test.each([
    [
      'a group, empty or not',
      group('free/devs', []),
      'RC115 /metadata/namespace Group free/devs: groups need tier Business, free is Free; raise spec.tier of Workspace free, or grant to users',
    ],
    [
      'a role of a higher tier',
      binding('free/b', 'source-read-only', ['ana']),
      'RC115 /spec/role RoleBinding free/b: role source-read-only needs tier Business, free is Free; raise spec.tier of Workspace free',
    ],
    [
      'a token with such a role',
      token('free/ci', 'ana', { role: 'pii-access' }),
      'RC115 /spec/role Token free/ci: role pii-access needs tier Business, free is Free; raise spec.tier of Workspace free',
    ],
    [
      'labels',
      binding('free/b', 'source-admin', ['ana'], labelled),
      'RC115 /spec/resources/env=prod/labels RoleBinding free/b: labels need tier Business, free is Free; raise spec.tier of Workspace free',
    ],
  ])('is needed for %s', (_, resource, expected) => {
    expect(violations([free, ana, resource])).toEqual([expected]);
  });

  test('between the two suffices for a role of that tier', () => {
    const team = workspace('team', { tier: 'Team' });
    const needs = (minimumTier: string) => [
      team,
      ana,
      role('own', { minimumTier }),
      binding('team/b', 'own', ['ana']),
    ];
    expect(violations(needs('Team'))).toEqual([]);
    expect(violations(needs('Business'))).toEqual([
      'RC115 /spec/role RoleBinding team/b: role own needs tier Business, team is Team; raise spec.tier of Workspace team',
    ]);
  });

  test('is not lowered while the store has groups that need it', () => {
    const lowered = workspace('acme', { tier: 'Team' });
    const plan = planOf([lowered], store([acme, ana, group('acme/devs', ['ana'])]));
    expect(plan.problems).toMatchObject([
      {
        code: 'RC115',
        severity: 'error',
        message: 'Group acme/devs: groups need tier Business, acme is Team',
        place: { file: 'Workspace//acme.yaml' },
      },
    ]);
    const pruned = planOf([lowered], store([acme, ana, group('acme/devs', ['ana'])]), { prune: true });
    expect(problemsOf(pruned)).toEqual([]);
  });
});

describe('a scope', () => {
  test.each([
    [
      'that the role does not have',
      binding('acme/b', 'workspace-member', ['ana'], { resources: [{ type: 'Source', id: 'web' }] }),
      'RC116 /spec/resources/Source~1web/type RoleBinding acme/b: role workspace-member cannot be granted on Source; it is for Workspace',
    ],
    [
      'that is misspelt',
      binding('acme/b', 'source-admin', ['ana'], { resources: [{ type: 'Sources', id: 'web' }] }),
      'RC116 /spec/resources/Sources~1web/type RoleBinding acme/b: role source-admin cannot be granted on Sources; did you mean "Source"?',
    ],
    [
      'by labels, for a role without',
      binding('acme/b', 'workspace-member', ['ana'], {
        resources: [{ type: 'Workspace', labels: { tier: '1', env: 'prod' } }],
      }),
      'RC116 /spec/resources/env=prod,tier=1/labels RoleBinding acme/b: role workspace-member cannot be narrowed by labels (env=prod,tier=1); grant it on the whole workspace, or take a role with labels',
    ],
    [
      'of a token',
      token('acme/ci', 'ana', { role: 'narrow' }),
      'RC116 /spec/role Token acme/ci: role narrow cannot be granted on a whole workspace, as a Token has it; it is for Source: give the token another role, and this one by a RoleBinding',
    ],
  ])('%s is refused', (_, resource, expected) => {
    expect(violations([acme, ana, role('narrow', { scopes: ['Source'] }), resource])).toEqual([expected]);
  });

  test('that a changed role no longer has is refused to those who have it, at that role', () => {
    const before = role('own', { scopes: ['Workspace', 'Source'] });
    const bound = binding('acme/b', 'own', ['ana']);
    const plan = planOf([acme, ana, role('own', { scopes: ['Source'] })], store([acme, ana, before, bound]));
    expect(plan.problems).toMatchObject([
      {
        message: 'RoleBinding acme/b: role own cannot be granted on Workspace',
        place: { file: 'Role//own.yaml' },
      },
    ]);
  });
});

describe('any organisation', { timeout: 60_000 }, () => {
  test('of the generator holds, as a whole and as the change of another', () => {
    fc.assert(
      fc.property(evolution, ({ before, resources: after }) => {
        expect(violations(before)).toEqual([]);
        const alone = [...before, ...after].flatMap(({ kind, spec, metadata }) =>
          kindOf(kind).check(spec, metadata),
        );
        expect(alone).toEqual([]);
        const known = new Set(before.map((one) => JSON.stringify(one)));
        const changed = after.filter((one) => !known.has(JSON.stringify(one)));
        expect(violations(after, changed)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('without one of its resources misses exactly the references to it', () => {
    fc.assert(
      fc.property(evolution, fc.nat(), ({ before }, index) => {
        const missing = before[index % before.length];
        fc.pre(missing !== undefined);
        const found = checkState(createState(before.filter((one) => one !== missing)));
        const referring = createState(before)
          .referrers(identityOf(missing))
          .filter((one) => one !== missing);
        expect(new Set(found.map(({ id }) => id))).toEqual(new Set(referring.map(identityOf)));
        expect(found.every(({ code }) => code === 'RC112')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
