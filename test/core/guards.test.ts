import { describe, expect, test } from 'vitest';
import type { Resource } from '../../src/kinds/index.ts';
import { planOf, verdictsOf } from '../support/planning.ts';
import {
  annotated,
  binding,
  group,
  make,
  role,
  store,
  token,
  user,
  workspace,
} from '../support/resources.ts';

const acme = workspace('acme');
const [ana, bo] = [user('ana'), user('bo')];
const owners = binding('acme/owners', 'workspace-owner', ['ana', 'bo']);
const org = [acme, ana, bo, owners];
const prune = { prune: true };

function many(n: number, spec: object = {}): Resource[] {
  return Array.from({ length: n }, (_, i) =>
    binding(`acme/b${i}`, 'source-read-only', ['ana'], {
      resources: [{ type: 'Source', id: `s${i}` }],
      ...spec,
    }),
  );
}

function crowd(n: number): Resource<'User'>[] {
  return Array.from({ length: n }, (_, i) => user(`u${i}`));
}

function readers(people: readonly Resource<'User'>[]): Resource {
  return binding(
    'acme/readers',
    'source-read-only',
    people.map(({ metadata }) => metadata.name),
  );
}

describe('RC201, how much is deleted', () => {
  /** The owners are one more of the kind. */
  const deleting = (gone: number, of: number, limit?: string | number, asked?: string | number) => {
    const place = limit === undefined ? acme : workspace('acme', { guards: { maxRemovals: limit } });
    const before = [place, ana, bo, owners, ...many(of - 1)];
    return verdictsOf(
      planOf(before.slice(0, before.length - gone), store(before), {
        prune: true,
        guards: asked === undefined ? {} : { maxRemovals: asked },
      }),
      'RC201',
    );
  };

  test.each([
    [2, 10, undefined, undefined, false],
    [3, 10, undefined, undefined, true],
    [5, 20, undefined, undefined, false],
    [6, 20, undefined, undefined, true],
    [5, 9, undefined, undefined, true],
    [4, 9, undefined, undefined, false],
    [4, 8, undefined, undefined, false],
    [1, 2, undefined, undefined, false],
    [2, 3, undefined, undefined, true],
    [1, 9, 0, undefined, true],
    [1, 9, '0%', undefined, true],
    [3, 9, 3, undefined, false],
    [4, 9, 3, undefined, true],
    [2, 20, undefined, '10%', false],
    [3, 20, undefined, '10%', true],
    [3, 20, undefined, 2, true],
    [6, 20, undefined, '90%', true],
  ])('%i of %i, limit %s, asked for %s: refused %s', (gone, of, limit, asked, refused) => {
    expect(deleting(gone, of, limit, asked).length > 0).toBe(refused);
  });

  test('the limit of the workspace does not loosen that of the store', () => {
    expect(deleting(6, 20, '50%')).toEqual([
      'deny RC201 deletes 6 of 20 RoleBindings in the store, 30 %, limit 25 %',
    ]);
  });

  test('both the limit of the store and that of the manifest judge', () => {
    const strict = workspace('acme', { guards: { maxRemovals: 1 } });
    const before = [strict, ana, bo, owners, ...many(15), ...crowd(3)];
    const after = [acme, ana, bo, owners, ...many(13), ...crowd(3)];
    expect(verdictsOf(planOf(after, store(before), prune), 'RC201')).toEqual([
      'deny RC201 deletes 2 of 16 RoleBindings in acme, 12.5 %, limit 1',
    ]);
    expect(
      verdictsOf(
        planOf([strict, ana, bo, owners, ...many(13)], store([acme, ana, bo, owners, ...many(15)]), prune),
        'RC201',
      ),
    ).toEqual(['deny RC201 deletes 2 of 16 RoleBindings in acme, 12.5 %, limit 1']);
  });

  test('counts global kinds in the store', () => {
    const before = [...org, ...crowd(10)];
    expect(verdictsOf(planOf(before.slice(0, -4), store(before), prune), 'RC201')).toEqual([
      'deny RC201 deletes 4 of 12 Users in the store, 33.4 %, limit 25 %',
    ]);
  });
});

describe('RC202, how much is updated', () => {
  const updating = (changed: number, of: number, asked?: string | number) => {
    const before = [...org, ...many(of - 1)];
    const after = [...org, ...many(changed, { reason: 'x' }), ...many(of - 1).slice(changed)];
    const guards = asked === undefined ? {} : { maxUpdates: asked };
    return verdictsOf(planOf(after, store(before), { guards }), 'RC202');
  };

  test.each([
    [3, 10, undefined, false],
    [4, 10, undefined, true],
    [9, 9, undefined, false],
    [8, 9, undefined, false],
    [2, 9, 1, true],
    [3, 20, '10%', true],
  ])('%i of %i, asked for %s: refused %s', (changed, of, asked, refused) => {
    expect(updating(Math.min(changed, of - 1), of, asked).length > 0).toBe(refused);
  });
});

describe('RC203 and RC204, people', () => {
  const losing = (gone: number, of: number) => {
    const people = crowd(of);
    const before = [acme, ...people, readers(people)];
    const after = [acme, ...people, ...(gone === of ? [] : [readers(people.slice(gone))])];
    return verdictsOf(planOf(after, store(before), prune), 'RC203', 'RC204');
  };

  test.each([
    [2, 10, []],
    [3, 10, ['RC204']],
    [4, 9, []],
    [5, 9, ['RC204']],
    [1, 2, []],
    [1, 1, ['RC203']],
    [2, 2, ['RC203', 'RC204']],
    [10, 10, ['RC203', 'RC204']],
  ])('%i of %i lose all access', (gone, of, codes) => {
    expect(losing(gone, of).map((text) => text.split(' ')[1])).toEqual(codes);
  });

  test('who keeps another way in is not removed', () => {
    const people = crowd(12);
    const rest = binding(
      'acme/rest',
      'workspace-member',
      people.map(({ metadata }) => metadata.name),
    );
    const before = [acme, ...people, readers(people), rest];
    expect(
      verdictsOf(
        planOf(
          before.filter((one) => one !== before[13]),
          store(before),
          prune,
        ),
        'RC203',
        'RC204',
      ),
    ).toEqual([]);
  });

  test('suspension and expiry are outside of the fraction', () => {
    const people = crowd(12);
    const suspended = people.map(({ metadata }) => user(metadata.name, { state: 'Suspended' }));
    const actual = store([acme, ...people, readers(people)]);
    expect(verdictsOf(planOf([acme, ...suspended, readers(people)], actual), 'RC203', 'RC204')).toEqual([]);
    const ended = binding('acme/old', 'source-read-only', ['u0', 'u1', 'u2'], { expiresAt: '2026-01-01' });
    const before = [acme, ...people, ended, binding('acme/one', 'workspace-member', ['u5'])];
    expect(
      verdictsOf(
        planOf(
          before.filter((one) => one !== ended),
          store(before),
          prune,
        ),
        'RC203',
        'RC204',
      ),
    ).toEqual([]);
  });

  test('a rename removes nobody', () => {
    const annie = annotated(user('annie', { email: 'ana@acme.example' }), { 'previous-names': 'ana' });
    const after = [acme, annie, bo, binding('acme/owners', 'workspace-owner', ['annie', 'bo'])];
    expect(
      verdictsOf(planOf(after, store(org), { actor: 'ana' })).filter((text) => text.startsWith('deny')),
    ).toEqual([]);
  });

  test('a workspace named by --prune-workspace is judged by RC203 alone', () => {
    const beta = workspace('beta');
    const people = crowd(12);
    const inBeta = binding(
      'beta/all',
      'workspace-member',
      people.map(({ metadata }) => metadata.name),
    );
    const plan = planOf([...org, ...people], store([...org, ...people, beta, inBeta]), {
      pruneWorkspaces: ['beta'],
    });
    expect(plan.verdicts.filter(({ severity }) => severity === 'deny').map(({ code }) => code)).toEqual([
      'RC203',
      'RC203',
    ]);
  });
});

describe('RC205, the last owner', () => {
  const gone: [string, Resource[], Resource[]][] = [
    [
      'is unbound',
      [binding('acme/o', 'workspace-owner', ['ana'])],
      [binding('acme/m', 'workspace-member', ['ana'])],
    ],
    [
      'is in a group that is itself removed',
      [group('acme/g', ['ana']), binding('acme/o', 'workspace-owner', ['Group:g'])],
      [],
    ],
    [
      'is in a nested group',
      [
        group('acme/in', ['ana']),
        group('acme/out', ['Group:in']),
        binding('acme/o', 'workspace-owner', ['Group:out']),
      ],
      [group('acme/in', ['ana']), group('acme/out', []), binding('acme/o', 'workspace-owner', ['Group:out'])],
    ],
    [
      'has only a part left',
      [binding('acme/o', 'workspace-owner', ['ana'])],
      [binding('acme/o', 'workspace-owner', ['ana'], { notBefore: '2027-01-01' })],
    ],
  ];
  test.each(gone)('%s', (_, before, after) => {
    const plan = planOf([acme, ana, bo, ...after], store([acme, ana, bo, ...before]), prune);
    expect(verdictsOf(plan, 'RC205')).toEqual([
      expect.stringMatching(/^deny RC205 acme has 0 owners, minimum 1: no longer ana$/),
    ]);
  });

  test('a token does not own', () => {
    const bot = token('acme/bot', 'ana', { role: 'workspace-owner' });
    const before = [acme, ana, bo, bot, binding('acme/o', 'workspace-owner', ['ana', 'Token:bot'])];
    const after = [acme, ana, bo, bot, binding('acme/o', 'workspace-owner', ['Token:bot'])];
    expect(verdictsOf(planOf(after, store(before)), 'RC205')).toHaveLength(1);
  });

  test('that was missing before is no fault of a plan that changes something else', () => {
    const before = [acme, ana, bo, binding('acme/m', 'workspace-member', ['ana'])];
    const after = [acme, ana, bo, binding('acme/m', 'workspace-member', ['ana', 'bo'])];
    expect(verdictsOf(planOf(after, store(before)), 'RC205')).toEqual([]);
  });

  test('both the minimum of the store and that of the manifest judge', () => {
    const two = workspace('acme', { owners: { minimum: 2 } });
    const one = binding('acme/owners', 'workspace-owner', ['ana']);
    const plan = planOf([acme, ana, bo, one], store([two, ana, bo, owners]));
    expect(verdictsOf(plan, 'RC205', 'RC212')).toEqual([
      'deny RC205 acme has 1 owner, minimum 2: no longer bo',
      'deny RC212 weakens what plans are judged by: minimum owners of acme 2 → 1',
    ]);
  });

  test('within the horizon is refused to the millisecond', () => {
    const until = (expiresAt: string) =>
      verdictsOf(
        planOf(
          [acme, ana, bo, binding('acme/owners', 'workspace-owner', ['ana', 'bo'], { expiresAt })],
          store(org),
        ),
        'RC205',
      ).map((text) => text.split(' ')[0]);
    expect([until('2026-06-08T00:00:00Z'), until('2026-06-08T00:00:00.001Z')]).toEqual([['deny'], ['warn']]);
  });
});

describe('RC206 and RC207', () => {
  test('a required owner who is suspended is none', () => {
    const place = workspace('acme', { owners: { required: [{ name: 'ana' }] } });
    const after = [place, user('ana', { state: 'Suspended' }), bo, owners];
    expect(verdictsOf(planOf(after, store([place, ana, bo, owners])), 'RC206')).toEqual([
      'deny RC206 ana would no longer own acme, and is required to',
    ]);
  });

  test('one who is no longer required is, in the plan that says so', () => {
    const place = workspace('acme', { owners: { required: [{ name: 'ana' }] } });
    const after = [acme, ana, bo, binding('acme/owners', 'workspace-owner', ['bo'])];
    expect(verdictsOf(planOf(after, store([place, ana, bo, owners])), 'RC206', 'RC212')).toEqual([
      'deny RC206 ana would no longer own acme, and is required to',
      'deny RC212 weakens what plans are judged by: ana is no longer a required owner of acme',
    ]);
  });

  test('who is no User is not checked, and that is said only where somebody loses ownership', () => {
    const after = [acme, ana, bo, binding('acme/owners', 'workspace-owner', ['bo'])];
    expect(verdictsOf(planOf(after, store(org), { actor: 'robot' }), 'RC207')).toEqual([
      'warn RC207 not checked whether you lock yourself out of acme: "robot" is not a User',
    ]);
    expect(verdictsOf(planOf([...org, user('cy')], store(org)), 'RC207')).toEqual([]);
  });

  test('deleting oneself is a lockout too', () => {
    const after = [acme, bo, binding('acme/owners', 'workspace-owner', ['bo'])];
    expect(verdictsOf(planOf(after, store(org), { prune: true, actor: 'ana' }), 'RC207')).toEqual([
      'deny RC207 you (ana) would no longer own acme',
    ]);
  });
});

describe('RC211, privileged gains', () => {
  test('by a role of ones own that includes a privileged one, and by one whose risk the plan lowers', () => {
    const boss = role('boss', { risk: 'Privileged' });
    const wrap = role('wrap', { includes: ['boss'] });
    const people = crowd(4);
    const names = people.map(({ metadata }) => metadata.name);
    const before = [...org, ...people, boss, wrap];
    const wrapped = planOf([...before, binding('acme/w', 'wrap', names)], store(before));
    expect(verdictsOf(wrapped, 'RC211')).toHaveLength(1);
    const lowered = planOf(
      [...org, ...people, role('boss'), wrap, binding('acme/w', 'boss', names)],
      store(before),
    );
    expect(verdictsOf(lowered, 'RC211')).toHaveLength(1);
  });

  test('the first apply of a workspace is exempt', () => {
    const people = crowd(6);
    const all = binding(
      'acme/owners',
      'workspace-owner',
      people.map(({ metadata }) => metadata.name),
    );
    expect(verdictsOf(planOf([acme, ...people, all], []), 'RC211')).toEqual([]);
  });
});

describe('RC212, policies', () => {
  const policy = (spec: object) =>
    make('AccessPolicy', 'p', {
      match: { on: 'Grant', workspaceSelector: { matchLabels: { stage: 'production' } } },
      validations: [{ expression: 'true', message: 'no' }],
      ...spec,
    });
  const place = workspace('acme', {}, { labels: { stage: 'production' } });
  const weakened = (after: readonly Resource[]) =>
    verdictsOf(planOf(after, store([place, ana, bo, owners, policy({})]), prune), 'RC212');

  test.each([
    ['deleted', [place], true],
    ['only warns', [place, policy({ enforcement: 'Warn' })], true],
    [
      'has another expression',
      [place, policy({ validations: [{ expression: '1 == 1', message: 'no' }] })],
      true,
    ],
    [
      'has one more expression',
      [
        place,
        policy({
          validations: [
            { expression: 'true', message: 'no' },
            { expression: '2 > 1', message: 'x' },
          ],
        }),
      ],
      false,
    ],
    [
      'has another message',
      [place, policy({ validations: [{ expression: 'true', message: 'other' }] })],
      false,
    ],
    ['is for some roles only', [place, policy({ match: { on: 'Grant', roles: ['pii-access'] } })], true],
    ['is for more workspaces', [place, policy({ match: { on: 'Grant' } })], false],
    ['no longer covers a workspace', [acme, policy({})], true],
  ] as [string, Resource[], boolean][])('a policy that %s', (_, changed, weak) => {
    expect(weakened([...changed, ana, bo, owners]).length > 0).toBe(weak);
  });
});

describe('RC213, a leaver stays gone', () => {
  const suspended = user('cy', { state: 'Suspended' });

  test('whom another manager suspended is not activated again, but with --adopt', () => {
    const actual = [...store(org), ...store([suspended], 'default', 'hr')];
    const after = [...org, user('cy', { state: 'Active' })];
    expect(verdictsOf(planOf(after, actual), 'RC213', 'RC210')).toEqual([
      'deny RC213 User cy was suspended by "hr" and is declared Active here; --adopt reactivates',
    ]);
    expect(verdictsOf(planOf(after, actual, { adopt: true }), 'RC213', 'RC210')).toEqual([]);
  });

  test('whom this manager suspended is', () => {
    expect(
      verdictsOf(planOf([...org, user('cy', { state: 'Active' })], store([...org, suspended])), 'RC213'),
    ).toEqual([]);
  });
});

describe('an override', () => {
  test('is printed for what can be overridden, for exactly this plan', () => {
    const plan = planOf([acme, ana, bo, binding('acme/owners', 'workspace-owner', ['bo'])], store(org), {
      actor: 'ana',
    });
    expect(plan.verdicts.find(({ code }) => code === 'RC207')?.override).toBe(
      `--override RC207@${plan.digest} --reason TEXT --as USER`,
    );
  });

  test('there is none for what still is referred to', () => {
    const plan = planOf([acme, bo, owners], store(org), prune);
    expect(plan.verdicts.find(({ code }) => code === 'RC209')?.override).toBe(null);
  });
});

describe('found by those who tried to get around the guards', () => {
  const later = (time: string) => binding('acme/owners', 'workspace-owner', ['ana'], { expiresAt: time });

  test('a workspace that is below its minimum already does not lose its last owner at an edge', () => {
    const two = workspace('acme', { owners: { minimum: 2 } });
    const one = binding('acme/owners', 'workspace-owner', ['ana']);
    const plan = planOf([two, ana, bo, later('2026-06-03')], store([two, ana, bo, one]));
    expect(verdictsOf(plan, 'RC205')).toEqual([
      'deny RC205 acme will have 0 owners from 2026-06-03 00:00 UTC on, minimum 2: no longer ana',
    ]);
  });

  test('an edge that was there does not hide one that the plan makes', () => {
    const two = workspace('acme', { owners: { minimum: 2 } });
    const ofBo = binding('acme/bo', 'workspace-owner', ['bo'], { expiresAt: '2026-06-02' });
    const before = [two, ana, bo, ofBo, binding('acme/owners', 'workspace-owner', ['ana'])];
    expect(verdictsOf(planOf([two, ana, bo, ofBo, later('2026-06-03')], store(before)), 'RC205')).toEqual([
      'deny RC205 acme will have 0 owners from 2026-06-03 00:00 UTC on, minimum 2: no longer ana, bo',
    ]);
  });

  test('access that begins in the year 2099 is taken away', () => {
    const people = crowd(20);
    const names = people.map(({ metadata }) => metadata.name);
    const after = binding('acme/readers', 'source-read-only', names, { notBefore: '2099-01-01' });
    const plan = planOf([acme, ...people, after], store([acme, ...people, readers(people)]));
    expect(verdictsOf(plan, 'RC203', 'RC204').map((text) => text.slice(0, 10))).toEqual([
      'deny RC203',
      'deny RC204',
    ]);
  });

  test('renaming a workspace does not make its people new ones', () => {
    const strict = workspace('acme', { guards: { maxPrivilegedGains: 0 } });
    const renamed = annotated(workspace('corp', { guards: { maxPrivilegedGains: 0 } }), {
      'previous-names': 'acme',
    });
    const people = crowd(3);
    const after = [
      renamed,
      ana,
      bo,
      ...people,
      binding('corp/owners', 'workspace-owner', ['ana', 'bo', 'u0', 'u1', 'u2']),
    ];
    const plan = planOf(after, store([strict, ana, bo, ...people, owners]), { pruneWorkspaces: ['acme'] });
    expect(verdictsOf(plan, 'RC211')).toEqual([
      'deny RC211 3 people gain Privileged roles in corp, limit 0: u0, u1, u2',
    ]);
  });

  test('renaming a required owner weakens nothing', () => {
    const place = (name: string) => workspace('acme', { owners: { required: [{ name }] } });
    const annie = annotated(user('annie', { email: 'ana@acme.example' }), { 'previous-names': 'ana' });
    const after = [place('annie'), annie, bo, binding('acme/owners', 'workspace-owner', ['annie', 'bo'])];
    expect(verdictsOf(planOf(after, store([place('ana'), ana, bo, owners])), 'RC206', 'RC212')).toEqual([]);
  });

  test('lowering the risk of a role is told', () => {
    const plan = planOf([...org, role('payer')], store([...org, role('payer', { risk: 'Privileged' })]));
    expect(verdictsOf(plan, 'RC212')).toEqual([
      'warn RC212 lowers the risk of role payer Privileged → Normal, which the next plans are judged by',
    ]);
  });
});
