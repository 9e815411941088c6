/** Manifests that clash, or refer to what is not there: exactly these problems, exit 4, and the store is as it was. */
import { describe, expect, test } from 'vitest';
import { asText, bad, doc, docs, temporary, user, useStore, WORKSPACE } from '../support/bad-input.ts';
import { runIam } from '../support/run-iam.ts';

useStore();

const group = (name: string, members = '') =>
  doc('Group', `name: ${name}, namespace: acme`, `displayName: X, members: [${members}]`);
const binding = (name: string, spec: string) => doc('RoleBinding', `name: ${name}, namespace: acme`, spec);
const token = (name: string, spec: string) =>
  doc('Token', `name: ${name}, namespace: acme`, `description: d, ${spec}`);
const role = (name: string, spec: string) => doc('Role', `name: ${name}`, `displayName: R, ${spec}`);
const nested = (name: string) => `{kind: Group, name: ${name}}`;
const ANA = '[{name: ana}]';

describe('identities', () => {
  bad(
    'declared twice in a file',
    docs(user('ana'), user('bo'), user('ana'), user('ana')),
    `
    a.yaml:11:1: error RC110: User ana is declared twice
      first declared at a.yaml:1; keep one of the two
    a.yaml:16:1: error RC110: User ana is declared twice
      first declared at a.yaml:1; keep one of the two`,
  );
  bad(
    'declared twice in two files: the first in order of names',
    { 'b.yaml': user('ana'), 'a/z.yaml': docs(user('bo'), user('ana')), 'a.yaml': user('ana') },
    `
    a/z.yaml:6:1: error RC110: User ana is declared twice
      first declared at a.yaml:1; keep one of the two
    b.yaml:1:1: error RC110: User ana is declared twice
      first declared at a.yaml:1; keep one of the two`,
  );
  bad(
    'the same name in another workspace is another',
    docs(
      WORKSPACE,
      doc('Workspace', 'name: beta', 'displayName: B, tier: Business'),
      group('g'),
      doc('Group', 'name: g, namespace: beta', 'displayName: G'),
      group('g'),
    ),
    `
    a.yaml:21:1: error RC110: Group acme/g is declared twice
      first declared at a.yaml:11; keep one of the two`,
  );
  test('the order of arguments means nothing', async () => {
    const cwd = temporary({ 'a.yaml': user('ana'), 'b.yaml': user('ana'), 'c.yaml': user('ana') });
    const told = [];
    for (const order of ['abc', 'cba', 'bca']) {
      const { stderr } = await runIam(
        ['validate', '-o', 'json', ...[...order].flatMap((name) => ['-f', `${name}.yaml`])],
        { cwd },
      );
      told.push(asText(stderr));
    }
    expect(new Set(told)).toEqual(
      new Set([
        'b.yaml:1:1: error RC110: User ana is declared twice\n  first declared at a.yaml:1; keep one of the two\nc.yaml:1:1: error RC110: User ana is declared twice\n  first declared at a.yaml:1; keep one of the two\n',
      ]),
    );
  });
  bad(
    'one e-mail address, written differently',
    docs(
      ...['Ana@Acme.example', '" ana@acme.example "', 'ANA@ACME.EXAMPLE'].map((email, i) =>
        doc('User', `name: u${i}`, `email: ${email}`),
      ),
    ),
    `
    a.yaml:9:15: error RC113: User u1: e-mail ana@acme.example already belongs to User u0
      one person is one User; bind that one
    a.yaml:14:15: error RC113: User u2: e-mail ana@acme.example already belongs to User u0
      one person is one User; bind that one`,
  );
});

describe('references', () => {
  bad(
    'to a role',
    docs(
      WORKSPACE,
      user('ana'),
      binding('b', `role: workspace-ownr, subjects: ${ANA}, resources: [{type: Workspace}]`),
      token('t', 'role: sauce-admin, owner: ana'),
      role('r', 'scopes: [Workspace], includes: [source-admn]'),
      doc(
        'AccessPolicy',
        'name: p',
        'match: {on: Grant, roles: [pii-acess]}, validations: [{expression: "true", message: m}]',
      ),
      role('nothing-like-it', 'scopes: [Workspace], includes: [xyz]'),
    ),
    `
    a.yaml:14:14: error RC112: RoleBinding acme/b: there is no Role "workspace-ownr"
      did you mean "workspace-owner"?
    a.yaml:19:30: error RC112: Token acme/t: there is no Role "sauce-admin"
      did you mean "source-admin"?
    a.yaml:24:56: error RC112: Role r: there is no Role "source-admn"
      did you mean "source-admin"?
    a.yaml:29:35: error RC112: AccessPolicy p: there is no Role "pii-acess"
      did you mean "pii-access"?
    a.yaml:34:56: error RC112: Role nothing-like-it: there is no Role "xyz"
      declare it, or take one of the built-in catalogue: iam explain roles`,
  );
  bad(
    'to a user',
    docs(
      WORKSPACE,
      user('ana-diaz'),
      group('g', '{name: ana-dias}, {name: anadiaz}'),
      binding('b', 'role: workspace-member, subjects: [{name: ana}], resources: [{type: Workspace}]'),
      token('t', 'role: workspace-member, owner: nobody'),
      doc('User', 'name: bo', 'email: bo@b.example, sponsor: an-diaz'),
      doc('Workspace', 'name: w', 'displayName: W, owners: {required: [{name: ana-dia}]}'),
    ),
    `
    a.yaml:14:34: error RC112: Group acme/g: there is no User "ana-dias"
      did you mean "ana-diaz"?
    a.yaml:14:52: error RC112: Group acme/g: there is no User "anadiaz"
      did you mean "ana-diaz"?
    a.yaml:19:43: error RC112: RoleBinding acme/b: there is no User "ana"
      declare it, or correct the name
    a.yaml:24:55: error RC112: Token acme/t: there is no User "nobody"
      declare it, or correct the name
    a.yaml:29:38: error RC112: User bo: there is no User "an-diaz"
      did you mean "ana-diaz"?
    a.yaml:34:44: error RC112: Workspace w: there is no User "ana-dia"
      did you mean "ana-diaz"?`,
  );
  bad(
    'to a group and a token, of this workspace',
    docs(
      WORKSPACE,
      doc('Workspace', 'name: beta', 'displayName: B, tier: Business'),
      user('ana'),
      doc('Group', 'name: devs, namespace: beta', 'displayName: D'),
      group('devops', nested('devs')),
      token('ci-deploy', 'role: workspace-member, owner: ana'),
      binding(
        'b',
        'role: workspace-member, subjects: [{kind: Group, name: devop}, {kind: Token, name: cideploy}], resources: [{type: Workspace}]',
      ),
    ),
    `
    a.yaml:24:34: error RC112: Group acme/devops: there is no Group "devs" in workspace acme
      declare it, or correct the name
    a.yaml:34:43: error RC112: RoleBinding acme/b: there is no Group "devop" in workspace acme
      did you mean "devops"?
    a.yaml:34:71: error RC112: RoleBinding acme/b: there is no Token "cideploy" in workspace acme
      did you mean "ci-deploy"?`,
  );
  bad(
    'to a workspace',
    docs(
      WORKSPACE,
      user('ana'),
      doc('Group', 'name: g, namespace: acmee', 'displayName: G'),
      doc('Token', 'name: t, namespace: other', 'description: d, role: workspace-member, owner: ana'),
    ),
    `
    a.yaml:13:32: error RC112: Group acmee/g: there is no Workspace "acmee"
      did you mean "acme"?
    a.yaml:18:32: error RC112: Token other/t: there is no Workspace "other"
      declare it, or correct the name`,
  );
});
