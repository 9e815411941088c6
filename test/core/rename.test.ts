import { describe, expect, test } from 'vitest';
import { applyInMemory } from '../support/apply-in-memory.ts';
import { changesOf, planOf, problemsOf, verdictsOf } from '../support/planning.ts';
import { annotated, binding, group, role, store, token, user, workspace } from '../support/resources.ts';

const acme = workspace('acme');
const ana = user('ana');
const annie = annotated(user('annie', { email: ana.spec.email }), { 'previous-names': 'ana' });
const ofAna = binding('acme/reads', 'workspace-member', ['ana']);
const ofAnnie = binding('acme/reads', 'workspace-member', ['annie']);

describe('a rename', () => {
  test('is one update, with the references of the input under the new name', () => {
    const plan = planOf([acme, annie, ofAnnie], store([acme, ana, ofAna]), { prune: true });
    expect(changesOf(plan)).toEqual([
      'update RoleBinding acme/reads: /spec/subjects/User:ana /spec/subjects/User:annie',
      'update User annie from ana: /metadata/annotations/rolecall.dev~1previous-names /metadata/name',
    ]);
    expect(plan).toMatchObject({ access: [], verdicts: [], problems: [] });
    expect(plan.changes[1]).toMatchObject({
      previousName: 'ana',
      reason: 'renamed from ana',
      before: { metadata: { name: 'ana' } },
    });
  });

  test('keeps the uid', () => {
    const before = store([acme, ana, ofAna]);
    const stored = applyInMemory(before, planOf([acme, annie, ofAnnie], before));
    expect(stored.find(({ id }) => id === 'User//annie')?.uid).toBe('uid of User//ana');
  });

  test('happens once: the annotation may stay, or go', () => {
    expect(changesOf(planOf([acme, annie, ofAnnie], store([acme, annie, ofAnnie])))).toEqual([]);
    expect(changesOf(planOf([user('annie', { email: ana.spec.email })], store([annie])))).toEqual([
      'update User annie: /metadata/annotations/rolecall.dev~1previous-names',
    ]);
  });

  test.each([
    ['a Group', group('acme/devs', []), group('acme/ops', [])],
    ['a Role', role('reader'), role('viewer')],
    ['a RoleBinding', ofAna, binding('acme/views', 'workspace-member', ['ana'])],
    ['a Token', token('acme/ci', 'ana'), token('acme/cd', 'ana')],
    ['an empty Workspace', workspace('beta'), workspace('gamma', { displayName: 'beta' })],
  ])('is of %s too', (_, old, now) => {
    const renamed = annotated(now, { 'previous-names': old.metadata.name });
    const plan = planOf([acme, ana, renamed], store([acme, ana, old]), { prune: true });
    expect(plan.changes).toMatchObject([{ action: 'update', previousName: old.metadata.name }]);
    expect(plan).toMatchObject({ verdicts: [], problems: [] });
  });

  test('goes by whichever of several previous names exists', () => {
    const twice = annotated(annie, { 'previous-names': 'an,ana,anne' });
    expect(changesOf(planOf([twice], store([ana])))).toHaveLength(1);
    expect(planOf([twice], store([ana])).changes[0]?.previousName).toBe('ana');
  });
});

describe('no rename, but a create, is', () => {
  test.each([
    ['a previous name that nobody has', [annie], store([]), ['create User annie']],
    [
      'one that another manager has',
      [annie],
      store([user('ana', { email: 'x@acme.example' })], 'other'),
      ['create User annie'],
    ],
    [
      'one that the input still declares',
      [user('ana', { email: 'x@acme.example' }), annie],
      store([user('ana', { email: 'x@acme.example' })]),
      ['create User annie'],
    ],
  ])('%s', (_, desired, actual, changes) => {
    expect(changesOf(planOf(desired, actual))).toEqual(changes);
  });

  test('one of another workspace', () => {
    const beta = workspace('beta');
    const moved = annotated(group('beta/ops', []), { 'previous-names': 'devs' });
    expect(changesOf(planOf([acme, beta, moved], store([acme, beta, group('acme/devs', [])])))).toEqual([
      'create Group beta/ops',
    ]);
  });

  test('a new name that exists already', () => {
    const stored = store([ana, user('annie', { email: 'annie@acme.example' })]);
    expect(
      changesOf(
        planOf(
          [annotated(user('annie', { email: 'annie@acme.example' }), { 'previous-names': 'ana' })],
          stored,
        ),
      ),
    ).toEqual(['update User annie: /metadata/annotations/rolecall.dev~1previous-names']);
  });
});

describe('an unclear rename is an error', () => {
  test('when more than one of the previous names exists', () => {
    const both = annotated(annie, { 'previous-names': 'ana,anne' });
    expect(problemsOf(planOf([both], store([ana, user('anne')])))).toContain(
      'error RC122 User annie: more than one of its previous names exists: ana, anne',
    );
  });

  test('when two manifests were one resource', () => {
    const anne = annotated(user('anne'), { 'previous-names': 'ana' });
    const plan = planOf([anne, annotated(user('annie'), { 'previous-names': 'ana' })], store([ana]));
    expect(problemsOf(plan)).toEqual([
      'error RC122 User anne: User ana is also a previous name of User annie',
      'error RC122 User annie: User ana is also a previous name of User anne',
    ]);
    expect(plan.changes.filter(({ previousName }) => previousName !== null)).toEqual([]);
  });
});

describe('what still refers to the old name', () => {
  test('outside the input holds the rename back', () => {
    const actual = [...store([acme, ana]), ...store([ofAna], 'other')];
    expect(verdictsOf(planOf([acme, annie], actual), 'RC209')).toEqual([
      'deny RC209 User ana is still referred to by RoleBinding acme/reads (manager other); change or delete that first, or in the same plan',
    ]);
  });

  test('in the input does so too', () => {
    expect(verdictsOf(planOf([acme, annie, ofAna], store([acme, ana, ofAna])), 'RC209')).toEqual([
      'deny RC209 User ana is still referred to by RoleBinding acme/reads (manager default); change or delete that first, or in the same plan',
    ]);
  });

  test('is no hindrance once it is deleted by the same plan', () => {
    expect(verdictsOf(planOf([acme, annie], store([acme, ana, ofAna]), { prune: true }), 'RC209')).toEqual(
      [],
    );
  });
});

test('what a rename takes is not deleted as well, though somebody asks for the old name', () => {
  expect(changesOf(planOf([annie], store([ana]), { deletes: ['User//ana'] }))).toEqual([
    'update User annie from ana: /metadata/annotations/rolecall.dev~1previous-names /metadata/name',
  ]);
});
