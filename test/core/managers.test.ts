import { describe, expect, test } from 'vitest';
import type { Stored } from '../../src/core/stored.ts';
import { changesOf, planOf, verdictsOf } from '../support/planning.ts';
import { binding, group, leavingOut, store, user, workspace } from '../support/resources.ts';

const acme = workspace('acme');
const ana = user('ana');
const bo = user('bo');
const moved = user('ana', { email: 'ana@new.example' });

describe('what another manager has', () => {
  test('declared equal is unchanged and stays theirs', () => {
    const plan = planOf([acme, ana], store([acme, ana], 'other'));
    expect(plan).toMatchObject({ changes: [], verdicts: [], summary: { unchanged: 2 } });
  });

  test('declared different is refused, and still shown', () => {
    const plan = planOf([moved], store([ana], 'other'));
    expect(changesOf(plan)).toEqual(['update User ana: /spec/email']);
    expect(plan.changes[0]?.adopts).toBe(null);
    expect(plan.verdicts).toEqual([
      {
        code: 'RC210',
        class: 'hard',
        severity: 'deny',
        message: 'User ana is managed by "other" and differs here; --adopt takes it over',
        numbers: { manager: 'other', resources: ['User//ana'] },
        override: null,
      },
    ]);
  });

  test('is one verdict for each manager, with a few of the names', () => {
    const many = Array.from({ length: 7 }, (_, i) => user(`u${i}`));
    const theirs = [...store([ana], 'first'), ...store(many, 'second')];
    const declared = [moved, ...many.map(({ metadata }) => user(metadata.name, { type: 'Service' }))];
    expect(verdictsOf(planOf(declared, theirs))).toEqual([
      'deny RC210 User ana is managed by "first" and differs here; --adopt takes it over',
      'deny RC210 User u0, User u1, User u2, User u3, User u4 and 2 more are managed by "second" and differ here; --adopt takes them over',
    ]);
  });

  test('is taken over with --adopt, and shown as such', () => {
    const plan = planOf([moved], store([ana], 'other'), { adopt: true });
    expect(plan.verdicts).toEqual([]);
    expect(plan.changes[0]).toMatchObject({ action: 'update', adopts: 'other' });
  });

  test('declared equal is not taken over by --adopt', () => {
    expect(planOf([ana], store([ana], 'other'), { adopt: true }).changes).toEqual([]);
  });

  test('asked to be deleted is refused, or taken over', () => {
    const asked = { deletes: ['User//ana'] };
    expect(verdictsOf(planOf([], store([ana], 'other'), asked))).toEqual([
      'deny RC210 User ana is managed by "other"; --adopt deletes it all the same',
    ]);
    const plan = planOf([], store([ana], 'other'), { ...asked, adopt: true });
    expect(plan.verdicts).toEqual([]);
    expect(plan.changes[0]).toMatchObject({ action: 'delete', adopts: 'other' });
  });
});

describe('a field with a manager of its own', () => {
  const suspended = leavingOut(user('ana', { state: 'Suspended' }), 'displayName');
  const silent = leavingOut(user('ana', { type: 'Service' }), 'displayName', 'state');
  const heldBy = (fields: Record<string, string>, manager = 'default'): Stored[] =>
    store([ana], manager).map((one) => ({ ...one, fieldManagers: fields }));

  test('is changed by that manager, whoever has the rest', () => {
    const plan = planOf([suspended], heldBy({ state: 'idp' }), { manager: 'idp' });
    expect(changesOf(plan)).toEqual(['update User ana: /spec/state']);
    expect(plan.verdicts).toEqual([]);
    expect(plan.changes[0]?.declares).toEqual(['state']);
  });

  test('is refused to the manager of the rest who declares it different', () => {
    expect(verdictsOf(planOf([suspended], heldBy({ state: 'idp' })))).toEqual([
      'deny RC210 User ana is managed by "idp" and differs here; --adopt takes it over',
    ]);
  });

  test('leaves the rest to its manager, who does not declare it', () => {
    const plan = planOf([silent], heldBy({ state: 'idp' }));
    expect(changesOf(plan)).toEqual(['update User ana: /spec/type']);
    expect(plan.verdicts).toEqual([]);
  });

  test('does not give its manager the rest', () => {
    const both = leavingOut(user('ana', { state: 'Suspended', type: 'Service' }), 'displayName');
    expect(verdictsOf(planOf([both], heldBy({ state: 'idp' }), { manager: 'idp' }))).toEqual([
      'deny RC210 User ana is managed by "default" and differs here; --adopt takes it over',
    ]);
  });

  test('that nobody declares may be had by whoever declares it', () => {
    expect(planOf([suspended], heldBy({})).verdicts).toEqual([]);
    const plan = planOf([suspended], heldBy({}), { manager: 'idp' });
    expect(plan.verdicts).toEqual([]);
    expect(plan.changes[0]).toMatchObject({ adopts: null, declares: ['state'] });
  });

  test('is taken over alone', () => {
    const plan = planOf([suspended], heldBy({ state: 'idp' }), { adopt: true });
    expect(plan.verdicts).toEqual([]);
    expect(plan.changes[0]).toMatchObject({ adopts: 'idp', declares: ['state'] });
  });

  test('may be the members of a group', () => {
    const devs = store([group('acme/devs', ['ana'])]).map((one) => ({
      ...one,
      fieldManagers: { members: 'hr' },
    }));
    const actual = [...store([acme, ana, bo]), ...devs];
    const more = group('acme/devs', ['ana', 'bo']);
    expect(planOf([more], actual, { manager: 'hr' }).verdicts).toEqual([]);
    expect(changesOf(planOf([more], actual, { manager: 'hr' }))).toEqual([
      'update Group acme/devs: /spec/members/User:bo',
    ]);
    expect(verdictsOf(planOf([more], actual))).toEqual([
      'deny RC210 Group acme/devs is managed by "hr" and differs here; --adopt takes it over',
    ]);
  });
});

describe('what is to go while something refers to it', () => {
  const devs = group('acme/devs', ['ana']);
  const reads = binding('acme/reads', 'workspace-member', ['Group:devs', 'ana']);

  test('is held back, with all who refer to it, and cannot be overridden', () => {
    const actual = [...store([acme, ana, devs]), ...store([reads], 'other')];
    const plan = planOf([acme], actual, { prune: true });
    expect(plan.verdicts.filter(({ code }) => code === 'RC209')).toEqual([
      {
        code: 'RC209',
        class: 'hard',
        severity: 'deny',
        message:
          'Group acme/devs is still referred to by RoleBinding acme/reads (manager other); change or delete that first, or in the same plan',
        numbers: { resource: 'Group/acme/devs', referrers: ['RoleBinding/acme/reads'] },
        override: null,
      },
      {
        code: 'RC209',
        class: 'hard',
        severity: 'deny',
        message:
          'User ana is still referred to by RoleBinding acme/reads (manager other); change or delete that first, or in the same plan',
        numbers: { resource: 'User//ana', referrers: ['RoleBinding/acme/reads'] },
        override: null,
      },
    ]);
  });

  test('lists them by name, and what the plan itself adds', () => {
    const wants = binding('acme/wants', 'workspace-member', ['ana']);
    expect(verdictsOf(planOf([wants], store([acme, ana, devs]), { deletes: ['User//ana'] }))).toEqual([
      'deny RC209 User ana is still referred to by Group acme/devs (manager default), RoleBinding acme/wants; change or delete those first, or in the same plan',
    ]);
  });

  test('goes when they go with it, or no longer refer to it', () => {
    const other = binding('acme/reads', 'workspace-member', ['bo']);
    const all = planOf([acme], store([acme, ana, devs, reads]), { prune: true });
    const some = planOf([acme, bo, other], store([acme, ana, bo, devs, reads]), { prune: true });
    expect([verdictsOf(all, 'RC209'), verdictsOf(some, 'RC209')]).toEqual([[], []]);
  });

  test('is a workspace as long as there is anything in it', () => {
    const actual = [...store([acme, ana]), ...store([devs], 'other')];
    expect(verdictsOf(planOf([ana], actual, { deletes: ['Workspace//acme'] }))).toEqual([
      'deny RC209 Workspace acme is still referred to by Group acme/devs (manager other); change or delete that first, or in the same plan',
    ]);
    const both = planOf([ana], actual, { deletes: ['Workspace//acme', 'Group/acme/devs'], adopt: true });
    expect(verdictsOf(both, 'RC209')).toEqual([]);
  });
});
