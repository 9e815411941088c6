import { describe } from 'vitest';
import { bad, useStore } from '../support/bad-input.ts';

useStore();

describe('guards of a Workspace', () => {
  bad(
    'maxRemovals over 100 %',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  guards: {maxRemovals: 101%}
`,
    `
      a.yaml:7:25: error RC109: Workspace acme: guards.maxRemovals cannot be "101%"
        a number, or a percentage from 0% to 100%
    `,
  );
  bad(
    'maxRemovals below zero',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  guards: {maxRemovals: -1}
`,
    `
      a.yaml:7:25: error RC109: Workspace acme: guards.maxRemovals cannot be -1
        a number, or a percentage from 0% to 100%
    `,
  );
  bad(
    'maxRemovals with a fraction',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  guards: {maxRemovals: 2.5%}
`,
    `
      a.yaml:7:25: error RC109: Workspace acme: guards.maxRemovals cannot be "2.5%"
        a number, or a percentage from 0% to 100%
    `,
  );
  bad(
    'maxRemovals as a word',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  guards: {maxRemovals: few}
`,
    `
      a.yaml:7:25: error RC109: Workspace acme: guards.maxRemovals cannot be "few"
        a number, or a percentage from 0% to 100%
    `,
  );
  bad(
    'maxRemovals as a text of digits',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  guards: {maxRemovals: "5"}
`,
    `
      a.yaml:7:25: error RC109: Workspace acme: guards.maxRemovals cannot be "5"
        a number, or a percentage from 0% to 100%
    `,
  );
  bad(
    'maxUpdates as a list',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  guards: {maxUpdates: [1]}
`,
    `
      a.yaml:7:24: error RC109: Workspace acme: guards.maxUpdates cannot be [1]
        a number, or a percentage from 0% to 100%
    `,
  );
  bad(
    'maxUpdates that is true',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  guards: {maxUpdates: true}
`,
    `
      a.yaml:7:24: error RC109: Workspace acme: guards.maxUpdates cannot be true
        a number, or a percentage from 0% to 100%
    `,
  );
  bad(
    'maxUpdates without a value',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  guards: {maxUpdates: }
`,
    `
      a.yaml:7:12: error RC109: Workspace acme: guards.maxUpdates is null
        give it a value, or remove the field for its default
    `,
  );
  bad(
    'maxPrivilegedGains with a fraction',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  guards: {maxPrivilegedGains: 1.5}
`,
    `
      a.yaml:7:32: error RC109: Workspace acme: guards.maxPrivilegedGains cannot be 1.5
        a number, or a percentage from 0% to 100%
    `,
  );
  bad(
    'a limit that is misspelt',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  guards: {maxRemoval: 5}
`,
    `
      a.yaml:7:12: error RC107: Workspace acme: unknown field "maxRemoval" in guards
        did you mean "maxRemovals"?
    `,
  );
  bad(
    'a limit that is no limit',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  guards: {maxCreates: 5}
`,
    `
      a.yaml:7:12: error RC107: Workspace acme: unknown field "maxCreates" in guards
        did you mean "maxUpdates"?
    `,
  );
  bad(
    'a percentage with a space',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  guards: {maxRemovals: 10 %}
`,
    `
      a.yaml:7:25: error RC109: Workspace acme: guards.maxRemovals cannot be "10 %"
        a number, or a percentage from 0% to 100%
    `,
  );
  bad(
    'guards as a text',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  guards: strict
`,
    `
      a.yaml:7:11: error RC109: Workspace acme: guards must be a mapping, not "strict"
        write its fields as key: value
    `,
  );
  bad(
    'a minimum below zero',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  owners: {minimum: -1}
`,
    `
      a.yaml:7:21: error RC109: Workspace acme: owners.minimum is -1, at least 0 is allowed
    `,
  );
  bad(
    'a minimum over a thousand',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  owners: {minimum: 1001}
`,
    `
      a.yaml:7:21: error RC109: Workspace acme: owners.minimum is 1001, at most 1000 is allowed
    `,
  );
  bad(
    'a minimum with a fraction',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  owners: {minimum: 1.5}
`,
    `
      a.yaml:7:21: error RC109: Workspace acme: owners.minimum must be a whole number, not the number 1.5
    `,
  );
  bad(
    'a minimum as a percentage',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  owners: {minimum: 10%}
`,
    `
      a.yaml:7:21: error RC109: Workspace acme: owners.minimum must be a whole number, not "10%"
        write it without quotes
    `,
  );
  bad(
    'a required owner as a text',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  owners: {required: [ana]}
---
apiVersion: rolecall.dev/v1alpha1
kind: User
metadata: {name: ana}
spec: {email: ana@acme.example}
`,
    `
      a.yaml:7:23: error RC109: Workspace acme: owners.required[0] must be a mapping, not "ana"
        write {name: ana}
    `,
  );
  bad(
    'a required owner twice',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  owners: {required: [{name: ana}, {name: ana}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: User
metadata: {name: ana}
spec: {email: ana@acme.example}
`,
    `
      a.yaml:7:36: error RC111: Workspace acme: owners.required names "ana" twice
        keep one of the two
    `,
  );
  bad(
    'a required owner who does not exist',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  owners: {required: [{name: anna}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: User
metadata: {name: ana}
spec: {email: ana@acme.example}
`,
    `
      a.yaml:7:23: error RC112: Workspace acme: there is no User "anna"
        did you mean "ana"?
    `,
  );
  bad(
    'a required owner of another kind',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  owners: {required: [{kind: Group, name: ana}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: User
metadata: {name: ana}
spec: {email: ana@acme.example}
`,
    `
      a.yaml:7:24: error RC107: Workspace acme: unknown field "kind" in owners.required[0]
        known here: name
    `,
  );
  bad(
    'required as a mapping',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  owners: {required: {name: ana}}
---
apiVersion: rolecall.dev/v1alpha1
kind: User
metadata: {name: ana}
spec: {email: ana@acme.example}
`,
    `
      a.yaml:7:22: error RC109: Workspace acme: owners.required must be a list, not a mapping
        begin each entry with "- ", or write [ ] around them
    `,
  );
  bad(
    'owners that are misspelt',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme}
spec:
  displayName: Acme
  tier: Business
  owner: {minimum: 1}
`,
    `
      a.yaml:7:3: error RC107: Workspace acme: unknown field "owner"
        did you mean "owners"?
    `,
  );
  bad(
    'protect that is a boolean',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme, annotations: {rolecall.dev/protect: true}}
spec:
  displayName: Acme
  tier: Business
`,
    `
      a.yaml:3:60: error RC109: Workspace acme: metadata.annotations["rolecall.dev/protect"] must be a text, not true
        quote it: "true"
    `,
  );
  bad(
    'protect that is a word',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme, annotations: {rolecall.dev/protect: "yes"}}
spec:
  displayName: Acme
  tier: Business
`,
    `
      a.yaml:3:60: error RC109: Workspace acme: annotation rolecall.dev/protect cannot be "yes"
        allowed: true, false
    `,
  );
  bad(
    'protect that is misspelt',
    `apiVersion: rolecall.dev/v1alpha1
kind: Workspace
metadata: {name: acme, annotations: {rolecall.dev/protected: "true"}}
spec:
  displayName: Acme
  tier: Business
`,
    `
      a.yaml:3:38: error RC107: Workspace acme: unknown annotation rolecall.dev/protected
        did you mean "rolecall.dev/protect"?
    `,
  );
});

describe('a policy with', () => {
  bad(
    'on something else',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grants}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:15: error RC109: AccessPolicy p: match.on cannot be "Grants"
        did you mean "Grant"?
    `,
  );
  bad(
    'on something in lower case',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: grant}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:15: error RC109: AccessPolicy p: match.on cannot be "grant"
        did you mean "Grant"?
    `,
  );
  bad(
    'kinds on Grant',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant, kinds: [User]}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:29: error RC109: AccessPolicy p: match: kinds goes with on: Change only
    `,
  );
  bad(
    'actions on Grant',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant, actions: [create]}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:31: error RC109: AccessPolicy p: match: actions goes with on: Change only
    `,
  );
  bad(
    'roles on Change',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Change, roles: [workspace-owner]}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:30: error RC109: AccessPolicy p: match: roles goes with on: Grant only
    `,
  );
  bad(
    'roles without on',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {roles: [workspace-owner]}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:18: error RC109: AccessPolicy p: match: roles goes with on: Grant only
    `,
  );
  bad(
    'itself among the kinds',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Change, kinds: [AccessPolicy]}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:31: error RC109: AccessPolicy p: match.kinds[0] cannot be "AccessPolicy"
        allowed: Workspace, User, Group, Role, RoleBinding, Token
    `,
  );
  bad(
    'a kind that is misspelt',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Change, kinds: [RoleBindings]}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:31: error RC109: AccessPolicy p: match.kinds[0] cannot be "RoleBindings"
        did you mean "RoleBinding"?
    `,
  );
  bad(
    'an action that is none',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Change, actions: [updates]}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:33: error RC109: AccessPolicy p: match.actions[0] cannot be "updates"
        did you mean "update"?
    `,
  );
  bad(
    'no kinds at all',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Change, kinds: []}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:30: error RC109: AccessPolicy p: match.kinds is empty
        at least 1 entry
    `,
  );
  bad(
    'a role that does not exist',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant, roles: [workspace-owners]}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:30: error RC112: AccessPolicy p: there is no Role "workspace-owners"
        did you mean "workspace-owner"?
    `,
  );
  bad(
    'a role twice',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant, roles: [pii-access, pii-access]}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:42: error RC111: AccessPolicy p: match.roles names "pii-access" twice
        keep one of the two
    `,
  );
  bad(
    'a selector by expressions',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant, workspaceSelector: {matchExpressions: []}}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:42: error RC107: AccessPolicy p: unknown field "matchExpressions" in match.workspaceSelector
        known here: matchLabels
    `,
  );
  bad(
    'a selector that is a number',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant, workspaceSelector: {matchLabels: {stage: 1}}}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:63: error RC109: AccessPolicy p: match.workspaceSelector.matchLabels.stage must be a text, not the number 1
        quote it: "1"
    `,
  );
  bad(
    'an enforcement in lower case',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  enforcement: deny
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:6:16: error RC109: AccessPolicy p: enforcement cannot be "deny"
        did you mean "Deny"?
    `,
  );
  bad(
    'an enforcement of another tool',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  enforcement: Enforce
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:6:16: error RC109: AccessPolicy p: enforcement cannot be "Enforce"
        allowed: Deny, Warn, Audit
    `,
  );
  bad(
    'no match',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:5:3: error RC108: AccessPolicy p: missing field "match"
        what it is: iam explain accesspolicy.match
    `,
  );
  bad(
    'no validations',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations: []
`,
    `
      a.yaml:6:16: error RC109: AccessPolicy p: validations is empty
        at least 1 entry
    `,
  );
  bad(
    'no message',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations: [{expression: 'true'}]
`,
    `
      a.yaml:6:17: error RC108: AccessPolicy p: validations[0]: missing field "message" (or "messageExpression")
        one of the two says what is wrong when the expression is not true
    `,
  );
  bad(
    'two messages',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations: [{expression: 'true', message: no, messageExpression: "'no'"}]
`,
    `
      a.yaml:6:17: error RC109: AccessPolicy p: validations[0]: has both message and messageExpression
        one of the two says what is wrong when the expression is not true
    `,
  );
  bad(
    'an expression that is true itself',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations: [{expression: true, message: no}]
`,
    `
      a.yaml:6:30: error RC109: AccessPolicy p: validations[0].expression must be a text, not true
        quote it: "true"
    `,
  );
  bad(
    'an expression twice',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations: [{expression: 'true', message: a}, {expression: 'true', message: b}]
`,
    `
      a.yaml:6:51: error RC111: AccessPolicy p: validations names "true" twice
        keep one of the two
    `,
  );
  bad(
    'a namespace',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p, namespace: acme}
spec:
  match: {on: Grants}
  validations: [{expression: 'true', message: no}]
`,
    `
      a.yaml:3:32: warning RC123: AccessPolicy is global: its namespace is dropped
        remove metadata.namespace
      a.yaml:5:15: error RC109: AccessPolicy p: match.on cannot be "Grants"
        did you mean "Grant"?
    `,
  );
});

describe('an expression with', () => {
  bad(
    'a field of a grant that is misspelt',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations:
    - expression: "grant.emial.endsWith('@acme.example')"
      message: no
`,
    `
      a.yaml:7:25: error RC118: AccessPolicy p: expression: grant has no field "emial"
        did you mean "email"?
    `,
  );
  bad(
    'a field that a grant does not have',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations:
    - expression: "grant.owner == null"
      message: no
`,
    `
      a.yaml:7:25: error RC118: AccessPolicy p: expression: grant has no field "owner"
        fields: subjectKind, subject, email, role, risk, scope, via, binding, notBefore, expiresAt
    `,
  );
  bad(
    'a field in a has() that is misspelt',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations:
    - expression: "has(grant.expires)"
      message: no
`,
    `
      a.yaml:7:20: error RC118: AccessPolicy p: expression: grant has no field "expires"
        did you mean "expiresAt"?
    `,
  );
  bad(
    'a variable of the other match',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations:
    - expression: "object.kind == \\"User\\""
      message: no
`,
    `
      a.yaml:7:20: error RC118: AccessPolicy p: expression: there is no variable "object"
        variables: grant, workspace, user, now
    `,
  );
  bad(
    'a grant on a change',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Change}
  validations:
    - expression: "grant.role == \\"x\\""
      message: no
`,
    `
      a.yaml:7:20: error RC118: AccessPolicy p: expression: there is no variable "grant"
        variables: object, oldObject, action, workspace
    `,
  );
  bad(
    'a variable that is misspelt',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations:
    - expression: "grnt.role == \\"x\\""
      message: no
`,
    `
      a.yaml:7:20: error RC118: AccessPolicy p: expression: there is no variable "grnt"
        did you mean "grant"?
    `,
  );
  bad(
    'a function that is misspelt',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations:
    - expression: "grant.email.endWith('x')"
      message: no
`,
    `
      a.yaml:7:31: error RC118: AccessPolicy p: expression: there is no function "endWith"
        did you mean "endsWith"?
    `,
  );
  bad(
    'a bracket too few',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations:
    - expression: "(grant.role == \\"x\\""
      message: no
`,
    `
      a.yaml:7:40: error RC118: AccessPolicy p: expression: does not parse: unexpected end of input
    `,
  );
  bad(
    'one equals sign',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations:
    - expression: "grant.role = \\"x\\""
      message: no
`,
    `
      a.yaml:7:31: error RC118: AccessPolicy p: expression: does not parse: unexpected =
    `,
  );
  bad(
    'a word for and',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations:
    - expression: "grant.role == \\"x\\" and grant.subject == \\"y\\""
      message: no
`,
    `
      a.yaml:7:40: error RC118: AccessPolicy p: expression: does not parse: unexpected a
    `,
  );
  bad(
    'two mistakes',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations:
    - expression: "grant.rol == subject"
      message: no
`,
    `
      a.yaml:7:25: error RC118: AccessPolicy p: expression: grant has no field "rol"
        did you mean "role"?
      a.yaml:7:33: error RC118: AccessPolicy p: expression: there is no variable "subject"
        variables: grant, workspace, user, now
    `,
  );
  bad(
    'a messageExpression with a mistake',
    `apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: p}
spec:
  match: {on: Grant}
  validations:
    - expression: 'true'
      messageExpression: grant.sbject + 'x'
`,
    `
      a.yaml:8:31: error RC118: AccessPolicy p: messageExpression: grant has no field "sbject"
        did you mean "subject"?
    `,
  );
});
