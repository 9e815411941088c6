/** Manifests that fit their schema and break a rule: exactly these problems, exit 4, and the store is as it was. */
import { describe } from 'vitest';
import { bad, doc, docs, user, useStore, WORKSPACE } from '../support/bad-input.ts';

useStore();

const group = (name: string, members = '') =>
  doc('Group', `name: ${name}, namespace: acme`, `displayName: X, members: [${members}]`);
const binding = (name: string, spec: string) => doc('RoleBinding', `name: ${name}, namespace: acme`, spec);
const token = (name: string, spec: string) =>
  doc('Token', `name: ${name}, namespace: acme`, `description: d, ${spec}`);
const role = (name: string, spec: string) => doc('Role', `name: ${name}`, `displayName: R, ${spec}`);
const nested = (name: string) => `{kind: Group, name: ${name}}`;
const ANA = '[{name: ana}]';

describe('within one manifest', () => {
  bad(
    'windows that are never open',
    docs(
      doc('User', 'name: ana', 'email: a@b.example, notBefore: 2027-01-01, expiresAt: 2027-01-01'),
      doc('User', 'name: bo', 'email: b@b.example, notBefore: 2027-02-01, expiresAt: 2027-01-01'),
      group('g', '{name: ana, notBefore: "2027-01-01T00:00:00Z", expiresAt: "2027-01-01T01:00:00+01:00"}'),
      binding(
        'b',
        `role: workspace-member, subjects: ${ANA}, resources: [{type: Workspace}], notBefore: 2027-01-02, expiresAt: 2027-01-01`,
      ),
      token('t', 'role: workspace-member, owner: ana, notBefore: 2027-01-02, expiresAt: 2027-01-01'),
    ),
    `
    a.yaml:4:62: error RC117: User ana: expiresAt 2027-01-01 is not after notBefore 2027-01-01
      the window is half-open: [notBefore, expiresAt)
    a.yaml:9:62: error RC117: User bo: expiresAt 2027-01-01 is not after notBefore 2027-02-01
      the window is half-open: [notBefore, expiresAt)
    a.yaml:14:92: error RC117: Group acme/g: members[0]: expiresAt 2027-01-01T01:00:00+01:00 is not after notBefore 2027-01-01T00:00:00Z
      the window is half-open: [notBefore, expiresAt)
    a.yaml:19:123: error RC117: RoleBinding acme/b: expiresAt 2027-01-01 is not after notBefore 2027-01-02
      the window is half-open: [notBefore, expiresAt)
    a.yaml:24:94: error RC117: Token acme/t: expiresAt 2027-01-01 is not after notBefore 2027-01-02
      the window is half-open: [notBefore, expiresAt)`,
  );
  bad(
    'entries named twice',
    docs(
      group('g', '{name: ana}, {kind: User, name: ana}, {kind: Group, name: ana}'),
      binding(
        'b',
        `role: source-admin, subjects: [{name: ana}, {name: ana}, {name: ana}], resources: [{type: Workspace}, {type: Workspace}, {type: Source, id: a}, {type: Source, id: a}, {type: Workspace, labels: {a: b, c: d}}, {type: Workspace, labels: {c: d, a: b}}]`,
      ),
      role('r', 'scopes: [Source, Source], includes: [source-admin, source-admin]'),
      doc(
        'User',
        'name: u',
        'email: u@b.example, identities: [{provider: x, subject: y}, {provider: x, subject: y}]',
      ),
      doc('Workspace', 'name: w', 'displayName: W, owners: {required: [{name: ana}, {name: ana}]}'),
      doc(
        'AccessPolicy',
        'name: p',
        'match: {on: Change, kinds: [User, User], actions: [create, create]}, validations: [{expression: "true", message: m}, {expression: "true", message: n}]',
      ),
    ),
    `
    a.yaml:4:47: error RC111: Group acme/g: members names "User:ana" twice
      keep one of the two
    a.yaml:9:52: error RC111: RoleBinding acme/b: subjects names "User:ana" twice
      keep one of the two
    a.yaml:9:65: error RC111: RoleBinding acme/b: subjects names "User:ana" twice
      keep one of the two
    a.yaml:9:110: error RC111: RoleBinding acme/b: resources names "Workspace" twice
      keep one of the two
    a.yaml:9:152: error RC111: RoleBinding acme/b: resources names "Source/a" twice
      keep one of the two
    a.yaml:9:216: error RC111: RoleBinding acme/b: resources names "a=b,c=d" twice
      keep one of the two
    a.yaml:14:41: error RC111: Role r: scopes names "Source" twice
      keep one of the two
    a.yaml:14:75: error RC111: Role r: includes names "source-admin" twice
      keep one of the two
    a.yaml:19:68: error RC111: User u: identities names "x:y" twice
      keep one of the two
    a.yaml:24:57: error RC111: Workspace w: owners.required names "ana" twice
      keep one of the two
    a.yaml:29:42: error RC111: AccessPolicy p: match.kinds names "User" twice
      keep one of the two
    a.yaml:29:67: error RC111: AccessPolicy p: match.actions names "create" twice
      keep one of the two
    a.yaml:29:125: error RC111: AccessPolicy p: validations names "true" twice
      keep one of the two`,
  );
  bad(
    'resources of a binding',
    binding(
      'b',
      `role: source-admin, subjects: ${ANA}, resources: [{type: Workspace, id: a}, {type: Source}, {type: Source, labels: {a: b}}, {type: Source, id: b, labels: {a: b}}]`,
    ),
    `
    a.yaml:4:87: error RC109: RoleBinding acme/b: resources[0].id: type Workspace has no id: it is the workspace of the binding
      remove id; for one resource name its own type
    a.yaml:4:91: error RC108: RoleBinding acme/b: resources[1]: missing field "id": a Source is named by its id
      or {type: Workspace} for the whole workspace
    a.yaml:4:130: error RC109: RoleBinding acme/b: resources[2]: labels go with type Workspace, not Source
      write {type: Workspace, labels: …}
    a.yaml:4:169: error RC109: RoleBinding acme/b: resources[3]: labels go with type Workspace, not Source
      write {type: Workspace, labels: …}`,
  );
  bad(
    'a role of the catalogue declared',
    docs(role('workspace-owner', 'scopes: [Workspace]'), role('source-admin', 'scopes: [Source]')),
    `
    a.yaml:3:18: error RC119: Role workspace-owner is built in and cannot be declared
      refer to it as it is, or give your role another name
    a.yaml:8:18: error RC119: Role source-admin is built in and cannot be declared
      refer to it as it is, or give your role another name`,
  );
  bad(
    'ownership',
    role('boss', 'scopes: [Workspace], ownership: true'),
    `
    a.yaml:4:56: error RC119: Role boss: ownership: only the built-in workspace-owner has ownership
      remove the field`,
  );
  bad(
    'what a policy matches, and what it says',
    docs(
      doc(
        'AccessPolicy',
        'name: p',
        'match: {on: Grant, kinds: [User], actions: [create]}, validations: [{expression: "true"}, {expression: "false", message: m, messageExpression: n}]',
      ),
      doc(
        'AccessPolicy',
        'name: q',
        'match: {roles: [workspace-owner]}, validations: [{expression: "true", message: "a\\u202eb"}]',
      ),
    ),
    `
    a.yaml:4:34: error RC109: AccessPolicy p: match: kinds goes with on: Change only
    a.yaml:4:51: error RC109: AccessPolicy p: match: actions goes with on: Change only
    a.yaml:4:76: error RC108: AccessPolicy p: validations[0]: missing field "message" (or "messageExpression")
      one of the two says what is wrong when the expression is not true
    a.yaml:4:98: error RC109: AccessPolicy p: validations[1]: has both message and messageExpression
      one of the two says what is wrong when the expression is not true
    a.yaml:9:23: error RC109: AccessPolicy q: match: roles goes with on: Grant only
    a.yaml:9:87: error RC109: AccessPolicy q: validations[0].message: has the character U+202E, which people cannot see
      remove it`,
  );
  bad(
    'a mistake hides none of another manifest, nor a reference to it',
    docs(WORKSPACE, doc('User', 'name: ana', 'emial: a@b.example'), group('g', '{name: ana}, {name: anna}')),
    `
    a.yaml:9:7: error RC108: User ana: missing field "email"
      what it is: iam explain user.email
    a.yaml:9:8: error RC107: User ana: unknown field "emial"
      did you mean "email"?
    a.yaml:14:47: error RC112: Group acme/g: there is no User "anna"
      declare it, or correct the name`,
  );
});

describe('cycles', () => {
  bad(
    'of groups: over three, of one with itself, two that share a group',
    docs(
      WORKSPACE,
      group('a', nested('b')),
      group('b', nested('c')),
      group('c', `${nested('a')}, ${nested('b')}`),
      group('d', nested('d')),
    ),
    `
    a.yaml:9:34: error RC114: Group acme/a: contains itself: a → b → c → a
      remove one of these memberships
    a.yaml:14:34: error RC114: Group acme/b: contains itself: b → c → b
      remove one of these memberships
    a.yaml:24:34: error RC114: Group acme/d: contains itself: d → d
      remove one of these memberships`,
  );
  bad(
    'of roles',
    docs(
      role('r', 'scopes: [Workspace], includes: [s]'),
      role('s', 'scopes: [Workspace], includes: [source-admin, r]'),
      role('t', 'scopes: [Workspace], includes: [t]'),
    ),
    `
    a.yaml:4:56: error RC114: Role r: includes itself: r → s → r
      remove one of these includes
    a.yaml:14:56: error RC114: Role t: includes itself: t → t
      remove one of these includes`,
  );
  bad(
    'a chain of 11 groups',
    docs(
      WORKSPACE,
      ...Array.from({ length: 11 }, (_, i) => group(`g${i + 10}`, i < 10 ? nested(`g${i + 11}`) : '')),
    ),
    `
    a.yaml:9:34: error RC114: Group acme/g10: groups are nested 11 deep, at most 10 are allowed
      bind the inner groups directly`,
  );
  bad(
    'includes that reach workspace-owner',
    docs(
      role('r', 'scopes: [Workspace], includes: [workspace-owner]'),
      role('s', 'scopes: [Workspace], includes: [r]'),
    ),
    `
    a.yaml:4:56: error RC119: Role r: no role may include workspace-owner
      ownership is granted by itself or not at all
    a.yaml:9:56: error RC119: Role s: no role may include workspace-owner
      ownership is granted by itself or not at all`,
  );
});

describe('tiers, scopes and labels', () => {
  const FREE = doc('Workspace', 'name: acme', 'displayName: Acme');
  bad(
    'a tier that is too low: groups, roles, labels, tokens',
    docs(
      FREE,
      user('ana'),
      group('devs'),
      binding(
        'b',
        `role: source-read-only, subjects: ${ANA}, resources: [{type: Workspace, labels: {a: b}}]`,
      ),
      token('t', 'role: pii-access, owner: ana'),
    ),
    `
    a.yaml:13:35: error RC115: Group acme/devs: groups need tier Business, acme is Free
      raise spec.tier of Workspace acme, or grant to users
    a.yaml:19:14: error RC115: RoleBinding acme/b: role source-read-only needs tier Business, acme is Free
      raise spec.tier of Workspace acme
    a.yaml:19:95: error RC115: RoleBinding acme/b: labels need tier Business, acme is Free
      raise spec.tier of Workspace acme
    a.yaml:24:30: error RC115: Token acme/t: role pii-access needs tier Business, acme is Free
      raise spec.tier of Workspace acme`,
  );
  bad(
    'a tier that a role of our own needs',
    docs(
      doc('Workspace', 'name: acme', 'displayName: Acme, tier: Team'),
      user('ana'),
      role('r', 'scopes: [Workspace], minimumTier: Business'),
      binding('b', `role: r, subjects: ${ANA}, resources: [{type: Workspace}]`),
    ),
    `
    a.yaml:19:14: error RC115: RoleBinding acme/b: role r needs tier Business, acme is Team
      raise spec.tier of Workspace acme`,
  );
  bad(
    'a scope that the role does not have',
    docs(
      WORKSPACE,
      user('ana'),
      binding('b', `role: workspace-member, subjects: ${ANA}, resources: [{type: Source, id: a}]`),
      binding(
        'c',
        `role: source-admin, subjects: ${ANA}, resources: [{type: Sorce, id: a}, {type: Warehouse, id: b}]`,
      ),
      role('r', 'scopes: [Source]'),
      binding('d', `role: r, subjects: ${ANA}, resources: [{type: Workspace}]`),
      token('t', 'role: r, owner: ana'),
    ),
    `
    a.yaml:14:76: error RC116: RoleBinding acme/b: role workspace-member cannot be granted on Source
      it is for Workspace
    a.yaml:19:72: error RC116: RoleBinding acme/c: role source-admin cannot be granted on Sorce
      did you mean "Source"?
    a.yaml:19:94: error RC116: RoleBinding acme/c: role source-admin cannot be granted on Warehouse
      it is for Source, Workspace
    a.yaml:29:61: error RC116: RoleBinding acme/d: role r cannot be granted on Workspace
      it is for Source
    a.yaml:34:30: error RC116: Token acme/t: role r cannot be granted on a whole workspace, as a Token has it
      it is for Source: give the token another role, and this one by a RoleBinding`,
  );
  bad(
    'labels that the role does not have',
    docs(
      WORKSPACE,
      user('ana'),
      binding(
        'b',
        `role: workspace-member, subjects: ${ANA}, resources: [{type: Workspace, labels: {env: prod, a: b}}]`,
      ),
    ),
    `
    a.yaml:14:95: error RC116: RoleBinding acme/b: role workspace-member cannot be narrowed by labels (a=b,env=prod)
      grant it on the whole workspace, or take a role with labels`,
  );
});
