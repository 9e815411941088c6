import { describe, expect, test } from 'vitest';
import { readInput } from '../../src/core/read-input.ts';
import { CATALOGUE } from '../../src/kinds/catalogue.ts';
import { changesOf, planOf, problemsOf, verdictsOf } from '../support/planning.ts';
import { annotated, binding, group, role, store, token, user, workspace } from '../support/resources.ts';

const acme = workspace('acme');
const beta = workspace('beta');
const ana = user('ana');
const bo = user('bo');
const reads = binding('acme/reads', 'workspace-member', ['ana']);
const ci = token('beta/ci', 'ana');
const all = [acme, beta, ana, bo, reads, ci];
const prune = true;

describe('pruning', () => {
  test('is off by default', () => {
    expect(changesOf(planOf([acme], store(all)))).toEqual([]);
  });

  test('deletes what is no longer declared, where the Workspace is in the input', () => {
    expect(changesOf(planOf([acme, beta, ana, bo], store(all), { prune }))).toEqual([
      'delete RoleBinding acme/reads',
      'delete Token beta/ci',
    ]);
  });

  test('reaches global kinds only when no workspace of this manager is left out, and says so', () => {
    expect(changesOf(planOf([acme, beta, ana, reads, ci], store(all), { prune }))).toEqual([
      'delete User bo',
    ]);
    const plan = planOf([acme, ana], store([...all, role('old')]), { prune });
    expect(changesOf(plan)).toEqual(['delete RoleBinding acme/reads']);
    expect(problemsOf(plan)).toEqual([
      'warn RC125 2 global resources are not pruned: workspace beta is not in the input and may need them',
    ]);
  });

  test('says nothing of workspaces left out when no global resource would go', () => {
    expect(planOf([acme, ana, bo, reads], store(all), { prune })).toMatchObject({
      changes: [],
      problems: [],
    });
  });

  test('never reaches a workspace that is left out, nor what is in it', () => {
    const plan = planOf([ana, bo], store(all), { prune });
    expect(changesOf(plan)).toEqual([]);
  });

  test('never reaches what another manager has', () => {
    expect(changesOf(planOf([acme, beta], store(all, 'other'), { prune }))).toEqual([]);
  });

  test('takes a workspace of another manager for no reason to keep global resources', () => {
    const actual = [...store([beta, ci], 'other'), ...store([acme, ana, bo, reads])];
    expect(changesOf(planOf([acme, ana, reads], actual, { prune }))).toEqual(['delete User bo']);
  });

  test('reaches what this manager has in a workspace of another that is in the input', () => {
    const actual = [...store([acme, ana], 'other'), ...store([reads])];
    expect(changesOf(planOf([acme, ana], actual, { prune }))).toEqual(['delete RoleBinding acme/reads']);
  });

  test('never deletes what says prune: disabled, but iam delete does', () => {
    const kept = [annotated(reads, { prune: 'disabled' }), annotated(bo, { prune: 'disabled' })];
    expect(changesOf(planOf([acme, ana], store([acme, ana, ...kept]), { prune }))).toEqual([]);
    expect(changesOf(planOf([], store([acme, ana, ...kept]), { deletes: ['User//bo'] }))).toEqual([
      'delete User bo',
    ]);
  });

  test('knows the built-in catalogue as neither declared nor pruned', () => {
    expect(changesOf(planOf([acme, ana, reads], store([acme, ana, reads]), { prune }))).toEqual([]);
    for (const name of CATALOGUE.keys()) {
      const text = `{apiVersion: rolecall.dev/v1alpha1, kind: Role, metadata: {name: ${name}}, spec: {displayName: X, scopes: [Workspace]}}`;
      const { declared, problems } = readInput([{ file: 'role.yaml', text }]);
      expect(declared).toEqual([]);
      expect(problems).toMatchObject([
        { code: 'RC119', message: `Role ${name} is built in and cannot be declared` },
      ]);
    }
  });
});

describe('--prune-workspace', () => {
  test('deletes a workspace that is gone from the input, and all that this manager has in it', () => {
    const plan = planOf([acme, ana, bo, reads], store(all), { pruneWorkspaces: ['beta'] });
    expect(changesOf(plan)).toEqual(['delete Token beta/ci', 'delete Workspace beta']);
    expect(verdictsOf(plan)).toEqual(['deny RC203 deletes all 2 resources of manager default in beta']);
    expect(plan.scope).toEqual({ workspace: null, pruneWorkspaces: ['beta'] });
  });

  test('with --prune no longer stands in the way of global kinds', () => {
    expect(changesOf(planOf([acme, ana, reads], store(all), { prune, pruneWorkspaces: ['beta'] }))).toEqual([
      'delete Token beta/ci',
      'delete User bo',
      'delete Workspace beta',
    ]);
  });

  test('without --prune deletes nothing else', () => {
    expect(changesOf(planOf([acme], store(all), { pruneWorkspaces: ['beta'] }))).toEqual([
      'delete Token beta/ci',
      'delete Workspace beta',
    ]);
  });

  test('leaves what another manager has in it, which holds the workspace back', () => {
    const actual = [...store([acme, beta, ana]), ...store([ci], 'other')];
    expect(verdictsOf(planOf([acme, ana], actual, { pruneWorkspaces: ['beta'] }))).toEqual([
      'deny RC209 Workspace beta is still referred to by Token beta/ci (manager other); change or delete that first, or in the same plan',
    ]);
  });

  test('is refused for a workspace of another manager', () => {
    expect(verdictsOf(planOf([acme], store([acme, beta], 'other'), { pruneWorkspaces: ['beta'] }))).toEqual([
      'deny RC210 Workspace beta is managed by "other"; --adopt deletes it all the same',
    ]);
  });

  test.each([
    ['in the input', { pruneWorkspaces: ['acme'] }, '--prune-workspace acme: this workspace is in the input'],
    ['unknown', { pruneWorkspaces: ['gone'] }, '--prune-workspace gone: the store has no such workspace'],
    [
      'outside of -n',
      { pruneWorkspaces: ['beta'], workspace: 'acme' },
      '--prune-workspace beta: outside of -n acme',
    ],
  ])('is an error for a workspace that is %s', (_, options, message) => {
    expect(problemsOf(planOf([acme, beta], store([acme, beta]), options))).toContain(
      `error RC121 ${message}`,
    );
  });
});

describe('-n', () => {
  const inBeta = token('beta/ci', 'ana', { revoked: true });

  test('narrows the plan to a Workspace and what is in it', () => {
    const raised = workspace('acme', { displayName: 'Acme' });
    const plan = planOf(
      [raised, beta, user('ana', { type: 'Service' }), reads, inBeta],
      store([acme, beta, ana, ci]),
      { workspace: 'acme' },
    );
    expect(changesOf(plan)).toEqual([
      'create RoleBinding acme/reads',
      'update Workspace acme: /spec/displayName',
    ]);
    expect(plan.scope.workspace).toBe('acme');
  });

  test('narrows pruning too: global kinds are neither changed nor pruned', () => {
    const plan = planOf([acme, beta], store(all), { prune, workspace: 'acme' });
    expect(changesOf(plan)).toEqual(['delete RoleBinding acme/reads']);
    expect(plan.problems).toEqual([]);
  });

  test('needs what is referred to outside of it in the store', () => {
    const plan = planOf([acme, ana, reads], store([acme]), { workspace: 'acme' });
    expect(plan.problems).toMatchObject([
      {
        code: 'RC112',
        severity: 'error',
        message: 'RoleBinding acme/reads: there is no User "ana"',
        hint: 'it is in the input but outside of -n: apply once without -n',
      },
    ]);
  });

  test('is an error for a workspace that is nowhere', () => {
    expect(problemsOf(planOf([acme], [], { workspace: 'gone' }))).toEqual([
      'error RC126 workspace gone is neither in the input nor in the store',
    ]);
  });
});

describe('paused', () => {
  const paused = annotated(bo, { paused: 'true' });
  const other = user('bo', { type: 'Service' });
  const warning = ['warn RC124 User bo is paused and stays as it is'];

  test.each([
    ['in the store', paused, other],
    ['in the manifest', bo, annotated(other, { paused: 'true' })],
    ['in both', paused, annotated(other, { paused: 'true' })],
  ])('%s is no update: it is counted unchanged, with one warning', (_, stored, declared) => {
    const plan = planOf([declared], store([stored]));
    expect(plan).toMatchObject({ changes: [], summary: { unchanged: 1 } });
    expect(problemsOf(plan)).toEqual(warning);
  });

  test('is no delete, whether pruned or asked for', () => {
    for (const options of [{ prune }, { deletes: ['User//bo'] }]) {
      const plan = planOf([acme], store([acme, paused]), options);
      expect(plan).toMatchObject({ changes: [], summary: { unchanged: 2 } });
      expect(problemsOf(plan)).toEqual(warning);
    }
  });

  test('is set and lifted by a change that does nothing else', () => {
    const path = '/metadata/annotations/rolecall.dev~1paused';
    expect(changesOf(planOf([paused], store([bo])))).toEqual([`update User bo: ${path}`]);
    expect(changesOf(planOf([bo], store([paused])))).toEqual([`update User bo: ${path}`]);
  });

  test('says nothing while there is nothing to do, and does not hold back a create', () => {
    expect(planOf([paused], store([paused]))).toMatchObject({ changes: [], problems: [] });
    expect(changesOf(planOf([paused]))).toEqual(['create User bo']);
  });

  test('holds back what the declared rest would need of it', () => {
    const devs = group('acme/devs', ['ana']);
    const plan = planOf([acme, ana], store([acme, ana, annotated(devs, { paused: 'true' })]), {
      deletes: ['User//ana'],
    });
    expect(verdictsOf(plan)).toEqual([]);
    expect(
      verdictsOf(planOf([acme], store([acme, ana, annotated(devs, { paused: 'true' })]), { prune })),
    ).toEqual([
      'deny RC209 User ana is still referred to by Group acme/devs (manager default); change or delete that first, or in the same plan',
    ]);
  });
});
