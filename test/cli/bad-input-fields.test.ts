/** Fields that are missing, unknown, misplaced or of the wrong type: exactly these problems, exit 4, and the store is as it was. */
import { describe } from 'vitest';
import { bad, doc, docs, useStore } from '../support/bad-input.ts';

useStore();

const API = 'apiVersion: rolecall.dev/v1alpha1\n';
const KINDS = ['Workspace', 'User', 'Group', 'Role', 'RoleBinding', 'Token', 'AccessPolicy'];
const isNamespaced = (kind: string) => ['Group', 'RoleBinding', 'Token'].includes(kind);
const meta = (kind: string, name: string) => `name: ${name}${isNamespaced(kind) ? ', namespace: acme' : ''}`;
const group = (spec: string) => doc('Group', 'name: g, namespace: acme', spec);
const binding = (spec: string) => doc('RoleBinding', 'name: b, namespace: acme', spec);
const token = (spec: string) => doc('Token', 'name: t, namespace: acme', spec);

describe('fields', () => {
  bad(
    'missing: all that each Kind requires',
    docs(...KINDS.map((kind) => doc(kind, 'name: a', ''))),
    `
    a.yaml:4:7: error RC108: Workspace a: missing field "displayName"
      what it is: iam explain workspace.displayName
    a.yaml:9:7: error RC108: User a: missing field "email"
      what it is: iam explain user.email
    a.yaml:13:11: error RC108: Group a: missing field "namespace" in metadata
      name the workspace that it is in
    a.yaml:14:7: error RC108: Group a: missing field "displayName"
      what it is: iam explain group.displayName
    a.yaml:19:7: error RC108: Role a: missing field "displayName"
      what it is: iam explain role.displayName
    a.yaml:19:7: error RC108: Role a: missing field "scopes"
      what it is: iam explain role.scopes
    a.yaml:23:11: error RC108: RoleBinding a: missing field "namespace" in metadata
      name the workspace that it is in
    a.yaml:24:7: error RC108: RoleBinding a: missing field "resources"
      for the whole workspace write resources: [{type: Workspace}]
    a.yaml:24:7: error RC108: RoleBinding a: missing field "role"
      what it is: iam explain rolebinding.role
    a.yaml:24:7: error RC108: RoleBinding a: missing field "subjects"
      what it is: iam explain rolebinding.subjects
    a.yaml:28:11: error RC108: Token a: missing field "namespace" in metadata
      name the workspace that it is in
    a.yaml:29:7: error RC108: Token a: missing field "description"
      what it is: iam explain token.description
    a.yaml:29:7: error RC108: Token a: missing field "owner"
      what it is: iam explain token.owner
    a.yaml:29:7: error RC108: Token a: missing field "role"
      what it is: iam explain token.role
    a.yaml:34:7: error RC108: AccessPolicy a: missing field "match"
      what it is: iam explain accesspolicy.match
    a.yaml:34:7: error RC108: AccessPolicy a: missing field "validations"
      what it is: iam explain accesspolicy.validations`,
  );
  bad(
    'missing: metadata, spec, a name',
    docs(
      `${API}kind: User\nspec: {email: a@b.example}\n`,
      `${API}kind: User\nmetadata: {name: b}\n`,
      doc('User', '', 'email: c@b.example'),
    ),
    `
    a.yaml:1:1: error RC108: User: missing field "metadata"
      every manifest has apiVersion, kind, metadata and spec
    a.yaml:5:1: error RC108: User b: missing field "spec"
      every manifest has apiVersion, kind, metadata and spec
    a.yaml:11:11: error RC108: User: missing field "name" in metadata
      what it is: iam explain user.metadata.name`,
  );
  bad(
    'missing: in entries of lists',
    docs(
      group('displayName: G, members: [{kind: User}]'),
      binding('role: workspace-member, subjects: [{}], resources: [{id: a}]'),
      doc('AccessPolicy', 'name: p', 'match: {}, validations: [{message: m}]'),
    ),
    `
    a.yaml:4:34: error RC108: Group acme/g: missing field "name" in members[0]
      what it is: iam explain group.members.name
    a.yaml:9:43: error RC108: RoleBinding acme/b: missing field "name" in subjects[0]
      what it is: iam explain rolebinding.subjects.name
    a.yaml:9:60: error RC108: RoleBinding acme/b: missing field "type" in resources[0]
      what it is: iam explain rolebinding.resources.type
    a.yaml:14:33: error RC108: AccessPolicy p: missing field "expression" in validations[0]
      what it is: iam explain accesspolicy.validations.expression`,
  );
  bad(
    'unknown: in the spec of each Kind',
    docs(...KINDS.map((kind) => doc(kind, meta(kind, 'a'), 'displayNam: x, foo: 1'))),
    `
    a.yaml:4:7: error RC108: Workspace a: missing field "displayName"
      what it is: iam explain workspace.displayName
    a.yaml:4:8: error RC107: Workspace a: unknown field "displayNam"
      did you mean "displayName"?
    a.yaml:4:23: error RC107: Workspace a: unknown field "foo"
      known here: displayName, tier, owners, guards
    a.yaml:9:7: error RC108: User a: missing field "email"
      what it is: iam explain user.email
    a.yaml:9:8: error RC107: User a: unknown field "displayNam"
      did you mean "displayName"?
    a.yaml:9:23: error RC107: User a: unknown field "foo"
      known here: email, displayName, state, type, notBefore, expiresAt, sponsor, identities
    a.yaml:14:7: error RC108: Group acme/a: missing field "displayName"
      what it is: iam explain group.displayName
    a.yaml:14:8: error RC107: Group acme/a: unknown field "displayNam"
      did you mean "displayName"?
    a.yaml:14:23: error RC107: Group acme/a: unknown field "foo"
      known here: displayName, description, members
    a.yaml:19:7: error RC108: Role a: missing field "displayName"
      what it is: iam explain role.displayName
    a.yaml:19:7: error RC108: Role a: missing field "scopes"
      what it is: iam explain role.scopes
    a.yaml:19:8: error RC107: Role a: unknown field "displayNam"
      did you mean "displayName"?
    a.yaml:19:23: error RC107: Role a: unknown field "foo"
      known here: displayName, description, scopes, includes, labels, minimumTier, risk, ownership
    a.yaml:24:7: error RC108: RoleBinding acme/a: missing field "resources"
      for the whole workspace write resources: [{type: Workspace}]
    a.yaml:24:7: error RC108: RoleBinding acme/a: missing field "role"
      what it is: iam explain rolebinding.role
    a.yaml:24:7: error RC108: RoleBinding acme/a: missing field "subjects"
      what it is: iam explain rolebinding.subjects
    a.yaml:24:8: error RC107: RoleBinding acme/a: unknown field "displayNam"
      known here: role, subjects, resources, notBefore, expiresAt, reason
    a.yaml:24:23: error RC107: RoleBinding acme/a: unknown field "foo"
      known here: role, subjects, resources, notBefore, expiresAt, reason
    a.yaml:29:7: error RC108: Token acme/a: missing field "description"
      what it is: iam explain token.description
    a.yaml:29:7: error RC108: Token acme/a: missing field "owner"
      what it is: iam explain token.owner
    a.yaml:29:7: error RC108: Token acme/a: missing field "role"
      what it is: iam explain token.role
    a.yaml:29:8: error RC107: Token acme/a: unknown field "displayNam"
      known here: description, role, owner, notBefore, expiresAt, rotation, deliverTo, revoked
    a.yaml:29:23: error RC107: Token acme/a: unknown field "foo"
      known here: description, role, owner, notBefore, expiresAt, rotation, deliverTo, revoked
    a.yaml:34:7: error RC108: AccessPolicy a: missing field "match"
      what it is: iam explain accesspolicy.match
    a.yaml:34:7: error RC108: AccessPolicy a: missing field "validations"
      what it is: iam explain accesspolicy.validations
    a.yaml:34:8: error RC107: AccessPolicy a: unknown field "displayNam"
      known here: match, enforcement, validations
    a.yaml:34:23: error RC107: AccessPolicy a: unknown field "foo"
      known here: match, enforcement, validations`,
  );
  bad(
    'unknown: beside spec, in metadata, in an entry',
    docs(
      `${API}kind: User\nmetadata: {name: a, lables: {}}\nspec: {email: a@b.example}\ndata: {}\n`,
      group('displayName: G, members: [{nmae: ana}, {name: bo, expires: 2027-01-01}]'),
    ),
    `
    a.yaml:3:21: error RC107: User a: unknown field "lables" in metadata
      did you mean "labels"?
    a.yaml:5:1: error RC107: User a: unknown field "data"
      known here: apiVersion, kind, metadata, spec
    a.yaml:10:34: error RC108: Group acme/g: missing field "name" in members[0]
      what it is: iam explain group.members.name
    a.yaml:10:35: error RC107: Group acme/g: unknown field "nmae" in members[0]
      did you mean "name"?
    a.yaml:10:58: error RC107: Group acme/g: unknown field "expires" in members[1]
      did you mean "expiresAt"?`,
  );
  bad(
    'unknown: names of members of every object',
    doc('User', 'name: a, __proto__: {x: 1}', 'email: a@b.example, constructor: x, toString: y'),
    `
    a.yaml:3:21: error RC107: User a: unknown field "__proto__" in metadata
      known here: name, namespace, labels, annotations
    a.yaml:4:28: error RC107: User a: unknown field "constructor"
      known here: email, displayName, state, type, notBefore, expiresAt, sponsor, identities
    a.yaml:4:44: error RC107: User a: unknown field "toString"
      known here: email, displayName, state, type, notBefore, expiresAt, sponsor, identities`,
  );
  bad(
    'misplaced: beside spec, in metadata, in spec',
    docs(
      `${API}kind: User\nmetadata: {name: a, email: a@b.example}\ndisplayName: A\nspec: {name: a, labels: {}}\n`,
      `${API}kind: User\nname: b\nspec: {email: b@b.example}\n`,
    ),
    `
    a.yaml:3:21: error RC107: User a: unknown field "email" in metadata
      "email" belongs into spec
    a.yaml:4:1: error RC107: User a: unknown field "displayName"
      "displayName" belongs into spec
    a.yaml:5:7: error RC108: User a: missing field "email"
      what it is: iam explain user.email
    a.yaml:5:8: error RC107: User a: unknown field "name"
      "name" belongs into metadata
    a.yaml:5:17: error RC107: User a: unknown field "labels"
      "labels" belongs into metadata
    a.yaml:7:1: error RC108: User: missing field "metadata"
      every manifest has apiVersion, kind, metadata and spec
    a.yaml:9:1: error RC107: User: unknown field "name"
      "name" belongs into metadata`,
  );
  bad(
    'null',
    docs(
      `${API}kind: User\nmetadata:\nspec:\n`,
      group('displayName: , members: [null, {name: }], description: null'),
      binding('role: workspace-member, subjects: [null], resources: [{type: Workspace, labels: null}]'),
    ),
    `
    a.yaml:3:1: error RC109: User: metadata is null
      give it a value
    a.yaml:4:1: error RC109: User: spec is null
      give it a value
    a.yaml:9:8: error RC109: Group acme/g: displayName is null
      give it a value
    a.yaml:9:33: error RC109: Group acme/g: members[0] is null
      write the entry, or remove it
    a.yaml:9:40: error RC109: Group acme/g: members[1].name is null
      give it a value
    a.yaml:9:63: error RC109: Group acme/g: description is null
      give it a value, or remove the field for its default
    a.yaml:14:43: error RC109: RoleBinding acme/b: subjects[0] is null
      write the entry, or remove it
    a.yaml:14:88: error RC109: RoleBinding acme/b: resources[0].labels is null
      give it a value, or remove the field for its default`,
  );
  bad(
    'an empty key',
    `${API}kind: User\n: x\nmetadata: {name: a}\nspec: {email: a@b.example}\n`,
    `
    a.yaml:3:3: error RC102: a key must be a text, not null
      write the key, or quote it`,
  );
});

describe('types', () => {
  bad(
    'a number or true where a text is due',
    docs(
      doc('User', 'name: 42, labels: {a: 1, b: true}', 'email: 7, expiresAt: 20270131'),
      token('description: 1, role: 2, owner: 3, rotation: {every: 90}'),
    ),
    `
    a.yaml:3:18: error RC109: User: metadata.name must be a text, not the number 42
      quote it: "42"
    a.yaml:3:34: error RC109: User: metadata.labels.a must be a text, not the number 1
      quote it: "1"
    a.yaml:3:40: error RC109: User: metadata.labels.b must be a text, not true
      quote it: "true"
    a.yaml:4:15: error RC109: User: email must be a text, not the number 7
      quote it: "7"
    a.yaml:4:29: error RC109: User: expiresAt must be a text, not the number 20270131
      quote it: "20270131"
    a.yaml:9:21: error RC109: Token acme/t: description must be a text, not the number 1
      quote it: "1"
    a.yaml:9:30: error RC109: Token acme/t: role must be a text, not the number 2
      quote it: "2"
    a.yaml:9:40: error RC109: Token acme/t: owner must be a text, not the number 3
      quote it: "3"
    a.yaml:9:61: error RC109: Token acme/t: rotation.every must be a text, not the number 90
      quote it: "90"`,
  );
  bad(
    'a text where a list or mapping is due',
    docs(
      `${API}kind: User\nmetadata: ana\nspec: ana@acme.example\n`,
      group('displayName: G, members: ana'),
      group('displayName: H, members: [ana]'),
      binding('role: workspace-member, subjects: ana, resources: Workspace'),
    ),
    `
    a.yaml:3:11: error RC109: User: metadata must be a mapping, not "ana"
      write {name: ana}
    a.yaml:4:7: error RC109: User: spec must be a mapping, not "ana@acme.example"
      write its fields as key: value
    a.yaml:9:33: error RC109: Group acme/g: members must be a list, not "ana"
      begin each entry with "- ", or write [ ] around them
    a.yaml:14:34: error RC109: Group acme/g: members[0] must be a mapping, not "ana"
      write {name: ana}
    a.yaml:19:42: error RC109: RoleBinding acme/b: subjects must be a list, not "ana"
      begin each entry with "- ", or write [ ] around them
    a.yaml:19:58: error RC109: RoleBinding acme/b: resources must be a list, not "Workspace"
      begin each entry with "- ", or write [ ] around them`,
  );
  bad(
    'a list where a mapping is due, and the other way round',
    docs(`${API}kind: User\nmetadata: [a]\nspec: []\n`, group('displayName: [G], members: {name: ana}')),
    `
    a.yaml:3:11: error RC109: User: metadata must be a mapping, not a list
      write its fields as key: value
    a.yaml:4:7: error RC109: User: spec must be a mapping, not a list
      write its fields as key: value
    a.yaml:9:21: error RC109: Group acme/g: displayName must be a text, not a list
      write one text
    a.yaml:9:35: error RC109: Group acme/g: members must be a list, not a mapping
      begin each entry with "- ", or write [ ] around them`,
  );
  bad(
    'true, false and whole numbers',
    docs(
      doc('Role', 'name: r', 'displayName: R, scopes: [Workspace], labels: 1, ownership: "true"'),
      token('description: d, role: workspace-member, owner: ana, revoked: "yes"'),
      doc('Workspace', 'name: w', 'displayName: W, owners: {minimum: "1"}'),
      doc('Workspace', 'name: v', 'displayName: V, owners: {minimum: 1.5}'),
    ),
    `
    a.yaml:4:53: error RC109: Role r: labels must be true or false, not the number 1
    a.yaml:4:67: error RC109: Role r: ownership must be true or false, not "true"
      write it without quotes
    a.yaml:9:69: error RC109: Token acme/t: revoked must be true or false, not "yes"
      write it without quotes
    a.yaml:14:42: error RC109: Workspace w: owners.minimum must be a whole number, not "1"
      write it without quotes
    a.yaml:19:42: error RC109: Workspace v: owners.minimum must be a whole number, not the number 1.5`,
  );
});
