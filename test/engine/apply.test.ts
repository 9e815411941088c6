import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NOTHING_SETTLED } from '../../src/core/plan-changes.ts';
import { withActual } from '../../src/engine/actual-state.ts';
import { applyPlan } from '../../src/engine/apply.ts';
import { NO_OVERRIDES } from '../../src/engine/judgement.ts';
import { planFrom } from '../../src/engine/plan.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { Act, Store } from '../../src/stores/store.ts';
import { temporaryFolder } from '../support/folder.ts';
import { binding, declare, leavingOut, user, workspace } from '../support/resources.ts';

const act: Act = {
  at: '2026-11-24T12:00:00Z',
  manager: 'default',
  actor: null,
  actorVerified: false,
  reason: null,
  commit: null,
  pr: null,
  approvers: [],
};

const options = {
  manager: 'default',
  prune: false,
  pruneWorkspaces: [],
  adopt: false,
  workspace: undefined,
  deletes: [],
  guards: {},
  actor: null,
};

async function plan(store: Store, resources: readonly Resource[]) {
  const desired = { desired: declare(resources), settled: NOTHING_SETTLED };
  return withActual(store, 1, (state) => planFrom(state, desired, options, Date.parse(act.at)));
}

async function storeWith(...resources: Resource[]): Promise<Store> {
  const file = join(temporaryFolder(), 'iam.db');
  const store = sqliteStore({ file, location: file, lockTimeout: 1000 });
  await applyPlan(store, await plan(store, resources), act, NO_OVERRIDES);
  return store;
}

const [acme, ana, bo] = [workspace('acme'), user('ana'), user('bo')];

test('a plan goes on when another apply came between that has nothing to do with it', async () => {
  const store = await storeWith(acme, ana);
  const mine = await plan(store, [binding('acme/owners', 'workspace-owner', ['ana'])]);
  await applyPlan(store, await plan(store, [bo]), act, NO_OVERRIDES);
  expect((await applyPlan(store, mine, act, NO_OVERRIDES)).revision).toBe(3);
  expect(
    (await plan(store, [acme, ana, bo, binding('acme/owners', 'workspace-owner', ['ana'])])).plan.changes,
  ).toEqual([]);
});

test('a plan is stale when another apply changed what it changes, and nothing is written', async () => {
  const store = await storeWith(acme, ana);
  const mine = await plan(store, [user('ana', { type: 'BreakGlass' })]);
  await applyPlan(store, await plan(store, [user('ana', { type: 'Service' })]), act, NO_OVERRIDES);
  await expect(applyPlan(store, mine, act, NO_OVERRIDES)).rejects.toMatchObject({
    exit: 5,
    problems: [{ code: 'RC404' }],
  });
  expect(await withActual(store, 0, async ({ head }) => head.revision)).toBe(2);
});

test('what is declared and was changed meanwhile is no longer as it was found', async () => {
  const store = await storeWith(acme, ana, bo);
  const declared = [ana, bo, user('cy')];
  const mine = await plan(store, declared);
  const renamed = user(
    'bo-lee',
    { email: 'bo@acme.example' },
    { annotations: { 'rolecall.dev/previous-names': 'bo' } },
  );
  await applyPlan(store, await plan(store, [renamed]), act, NO_OVERRIDES);
  await expect(applyPlan(store, mine, act, NO_OVERRIDES)).rejects.toMatchObject({
    exit: 5,
    problems: [{ code: 'RC404', message: expect.stringContaining('which is declared here') }],
  });
});

test('what a manifest leaves to others they may change meanwhile', async () => {
  const store = await storeWith(acme, ana, bo);
  const mine = await plan(store, [leavingOut(bo, 'state'), user('cy')]);
  await applyPlan(store, await plan(store, [user('bo', { state: 'Suspended' })]), act, NO_OVERRIDES);
  expect((await applyPlan(store, mine, act, NO_OVERRIDES)).revision).toBe(3);
});
