import { expect, test } from 'vitest';
import { desk } from '../support/access-desk.ts';
import { dedent } from '../support/bad-input.ts';

test('somebody who holds, owns, answers for and sponsors', async () => {
  const { told } = await desk();
  expect(await told('offboard bo')).toBe(
    dedent(`
    User bo <bo@acme.example>, Human, Active

    Holds 3 grants
      acme: source-admin on the whole workspace, by binding direct
      acme: source-admin on the whole workspace, through groups staff > analysts by
        binding admins, until 2027-01-31 00:00 UTC
      beta: workspace-owner on the whole workspace, by binding owners

    Is in 2 groups
      acme/analysts
      acme/staff, through another group

    Owns 1 workspace
      beta, with 1 other owner, minimum 1

    Answers for 2 tokens
      acme/ci, workspace-member
      acme/off, workspace-member, revoked

    Sponsors 1 user
      cy

    Is referred to by 6 resources
      Group acme/analysts
      RoleBinding acme/direct
      RoleBinding beta/owners
      Token acme/ci
      Token acme/off
      User cy

    Next
      1. iam suspend bo --reason TEXT: takes all access at once; 1 token of theirs
         will give nothing
      2. give Token acme/ci another owner, or delete it
      3. give Token acme/off another owner, or delete it
      4. give User cy another sponsor
      5. take bo out of Group acme/analysts
      6. take bo out of RoleBinding acme/direct
      7. take bo out of RoleBinding beta/owners
      8. take User bo out of the manifests and apply with --prune, or iam delete
         user bo
    `),
  );
});

test('the last owner, who is required too', async () => {
  const { told } = await desk();
  expect((await told('offboard ana')).split('\n\n').slice(2)).toEqual(
    dedent(`
    Owns 2 workspaces
      acme, with 0 other owners, minimum 1: too few without
      beta, with 1 other owner, minimum 1

    Must own 1 workspace
      acme

    Is referred to by 3 resources
      RoleBinding acme/owners
      RoleBinding beta/owners
      Workspace acme

    Next
      1. iam suspend ana --reason TEXT: takes all access at once; refused because of
         acme until it is overridden, or the owners there are changed
      2. name another owner of acme
      3. take ana out of owners.required of Workspace acme
      4. delete RoleBinding acme/owners, or name somebody else in it
      5. take ana out of RoleBinding beta/owners
      6. take User ana out of the manifests and apply with --prune, or iam delete
         user ana
    `).split('\n\n'),
  );
});

test('somebody who is suspended already', async () => {
  const { told, json } = await desk();
  const { steps } = await json<{ steps: string[] }>('offboard dee');
  expect(steps[0]).toBe('give Token acme/lost another owner, or delete it');
  expect(await told('offboard dee')).toMatch(/^User dee <dee@acme\.example>, Human, Suspended\n/);
});

test('in JSON', async () => {
  const { json } = await desk();
  expect(await json('offboard ana')).toMatchObject({
    kind: 'Offboarding',
    user: 'ana',
    email: 'ana@acme.example',
    type: 'Human',
    state: 'Active',
    at: '2026-11-24T12:00:00Z',
    grants: [
      { workspace: 'acme', role: 'workspace-owner', state: 'Active' },
      { workspace: 'beta', role: 'workspace-owner' },
    ],
    groups: [],
    owns: [
      { workspace: 'acme', owners: 1, minimum: 1, tooFewWithout: true },
      { workspace: 'beta', owners: 2, minimum: 1, tooFewWithout: false },
    ],
    requiredIn: ['acme'],
    tokens: [],
    sponsors: [],
    referrers: ['RoleBinding/acme/owners', 'RoleBinding/beta/owners', 'Workspace//acme'],
    soleSubject: ['RoleBinding/acme/owners'],
  });
});

test('what it does not know, or cannot mean', async () => {
  const { iam } = await desk();
  expect(await iam('offboard an')).toMatchObject({
    exit: 4,
    stderr: 'error RC126: there is no User "an"\n  did you mean "ana"?\n',
  });
  expect(await iam('offboard ana -n acme')).toMatchObject({
    exit: 4,
    stderr: 'error RC121: somebody leaves all workspaces\n  leave -n out\n',
  });
  const { iam: nowhere } = await desk('', { store: false });
  expect(await nowhere('offboard ana')).toMatchObject({ exit: 4 });
});
