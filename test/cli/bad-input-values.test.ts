/** Values that a field does not allow: exactly these problems, exit 4, and the store is as it was. */
import { describe } from 'vitest';
import { bad, doc, docs, useStore } from '../support/bad-input.ts';

useStore();

const users = (...specs: readonly string[]) =>
  docs(...specs.map((spec, i) => doc('User', `name: u${i}`, spec)));
const group = (spec: string) => doc('Group', 'name: g, namespace: acme', spec);
const binding = (spec: string) => doc('RoleBinding', 'name: b, namespace: acme', spec);

describe('values', () => {
  bad(
    'one of a few',
    docs(
      doc('Workspace', 'name: w', 'displayName: W, tier: business'),
      doc('Workspace', 'name: v', 'displayName: V, tier: 1'),
      doc('User', 'name: u', 'email: a@b.example, state: active, type: Robot'),
      doc('Role', 'name: r', 'displayName: R, scopes: [Workspace], risk: high, minimumTier: Gold'),
      binding('role: workspace-member, subjects: [{kind: user, name: ana}], resources: [{type: Workspace}]'),
      doc(
        'AccessPolicy',
        'name: p',
        'match: {on: grant, kinds: [AccessPolicy], actions: [destroy]}, enforcement: deny, validations: [{expression: "true", message: m}]',
      ),
    ),
    `
    a.yaml:4:30: error RC109: Workspace w: tier cannot be "business"
      did you mean "Business"?
    a.yaml:9:30: error RC109: Workspace v: tier cannot be 1
      allowed: Free, Team, Business
    a.yaml:14:35: error RC109: User u: state cannot be "active"
      did you mean "Active"?
    a.yaml:14:49: error RC109: User u: type cannot be "Robot"
      allowed: Human, Service, BreakGlass
    a.yaml:19:51: error RC109: Role r: risk cannot be "high"
      allowed: Normal, Sensitive, Privileged
    a.yaml:19:70: error RC109: Role r: minimumTier cannot be "Gold"
      allowed: Free, Team, Business
    a.yaml:24:50: error RC109: RoleBinding acme/b: subjects[0].kind cannot be "user"
      did you mean "User"?
    a.yaml:29:20: error RC109: AccessPolicy p: match.on cannot be "grant"
      did you mean "Grant"?
    a.yaml:29:35: error RC109: AccessPolicy p: match.kinds[0] cannot be "AccessPolicy"
      allowed: Workspace, User, Group, Role, RoleBinding, Token
    a.yaml:29:60: error RC109: AccessPolicy p: match.actions[0] cannot be "destroy"
      allowed: create, update, delete
    a.yaml:29:84: error RC109: AccessPolicy p: enforcement cannot be "deny"
      did you mean "Deny"?`,
  );
  bad(
    'names',
    docs(
      ...['Ana_Diaz', '-a', 'a-', '""', 'a.b', 'a'.repeat(64)].map((name) =>
        doc('User', `name: ${name}`, 'email: a@b.example'),
      ),
      group('displayName: G, members: [{name: Ana}]'),
      doc('User', 'name: a', 'email: a@b.example, sponsor: Bo Lee'),
    ),
    `
    a.yaml:3:18: error RC109: User Ana_Diaz: metadata.name cannot be "Ana_Diaz"
      lower-case letters, digits and "-", beginning and ending with a letter or digit
    a.yaml:8:18: error RC109: User -a: metadata.name cannot be "-a"
      lower-case letters, digits and "-", beginning and ending with a letter or digit
    a.yaml:13:18: error RC109: User a-: metadata.name cannot be "a-"
      lower-case letters, digits and "-", beginning and ending with a letter or digit
    a.yaml:18:18: error RC109: User: metadata.name cannot be ""
      lower-case letters, digits and "-", beginning and ending with a letter or digit
    a.yaml:23:18: error RC109: User a.b: metadata.name cannot be "a.b"
      lower-case letters, digits and "-", beginning and ending with a letter or digit
    a.yaml:28:18: error RC109: User aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…: metadata.name is longer than 63 characters
      shorten it
    a.yaml:34:41: error RC109: Group acme/g: members[0].name cannot be "Ana"
      lower-case letters, digits and "-", beginning and ending with a letter or digit
    a.yaml:39:37: error RC109: User a: sponsor cannot be "Bo Lee"
      lower-case letters, digits and "-", beginning and ending with a letter or digit`,
  );
  bad(
    'times',
    users(
      ...[
        '2027-13-01',
        '2027-01-32',
        '2027-01-01T24:00:00Z',
        '2027-01-01T10:00Z',
        '2027-01-01 10:00:00Z',
        '2027-01-01T10:00:00',
        '2027-01-01T10:00:00+25:00',
        '2027-01-01T10:00:60Z',
        '20270101T000000Z',
        '2027-1-1',
        'tomorrow',
        '2027/01/31',
      ].map((time, i) => `email: u${i}@b.example, expiresAt: "${time}"`),
    ),
    `
    a.yaml:4:40: error RC109: User u0: expiresAt cannot be "2027-13-01"
      a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z
    a.yaml:9:40: error RC109: User u1: expiresAt cannot be "2027-01-32"
      a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z
    a.yaml:14:40: error RC109: User u2: expiresAt cannot be "2027-01-01T24:00:00Z"
      a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z
    a.yaml:19:40: error RC109: User u3: expiresAt cannot be "2027-01-01T10:00Z"
      a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z
    a.yaml:24:40: error RC109: User u4: expiresAt cannot be "2027-01-01 10:00:00Z"
      a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z
    a.yaml:29:40: error RC109: User u5: expiresAt cannot be "2027-01-01T10:00:00"
      a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z
    a.yaml:34:40: error RC109: User u6: expiresAt cannot be "2027-01-01T10:00:00+25:00"
      a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z
    a.yaml:39:40: error RC109: User u7: expiresAt cannot be "2027-01-01T10:00:60Z"
      a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z
    a.yaml:44:40: error RC109: User u8: expiresAt cannot be "20270101T000000Z"
      a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z
    a.yaml:49:40: error RC109: User u9: expiresAt cannot be "2027-1-1"
      a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z
    a.yaml:54:41: error RC109: User u10: expiresAt cannot be "tomorrow"
      a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z
    a.yaml:59:41: error RC109: User u11: expiresAt cannot be "2027/01/31"
      a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z`,
  );
  bad(
    'days that do not exist',
    users(
      ...['2027-02-30', '2026-02-29', '2027-04-31T10:00:00Z', '9999-12-31T23:59:59-10:00'].map(
        (time, i) => `email: u${i}@b.example, notBefore: ${time}`,
      ),
    ),
    `
    a.yaml:4:40: error RC109: User u0: notBefore: there is no such day as 2027-02-30
    a.yaml:9:40: error RC109: User u1: notBefore: there is no such day as 2026-02-29
    a.yaml:14:40: error RC109: User u2: notBefore: there is no such day as 2027-04-31T10:00:00Z
    a.yaml:19:40: error RC109: User u3: notBefore: there is no such day as 9999-12-31T23:59:59-10:00`,
  );
  bad(
    'durations',
    docs(
      ...['0d', '1w', '90', '1.5h', '-1d', '100000m', '1d12h'].map((time, i) =>
        doc(
          'Token',
          `name: t${i}, namespace: acme`,
          `description: d, role: workspace-member, owner: ana, rotation: {every: ${time === '90' ? '"90"' : time}}`,
        ),
      ),
    ),
    `
    a.yaml:4:78: error RC109: Token acme/t0: rotation.every cannot be "0d"
      a duration such as 30m, 24h or 90d
    a.yaml:9:78: error RC109: Token acme/t1: rotation.every cannot be "1w"
      a duration such as 30m, 24h or 90d
    a.yaml:14:78: error RC109: Token acme/t2: rotation.every cannot be "90"
      a duration such as 30m, 24h or 90d
    a.yaml:19:78: error RC109: Token acme/t3: rotation.every cannot be "1.5h"
      a duration such as 30m, 24h or 90d
    a.yaml:24:78: error RC109: Token acme/t4: rotation.every cannot be "-1d"
      a duration such as 30m, 24h or 90d
    a.yaml:29:78: error RC109: Token acme/t5: rotation.every cannot be "100000m"
      a duration such as 30m, 24h or 90d
    a.yaml:34:78: error RC109: Token acme/t6: rotation.every cannot be "1d12h"
      a duration such as 30m, 24h or 90d`,
  );
  bad(
    'limits of guards',
    docs(
      ...['101%', '-1', '30.5', 'true', '"5"', '05%', '5 %', '[1]'].map((limit, i) =>
        doc('Workspace', `name: w${i}`, `displayName: W, guards: {maxRemovals: ${limit}}`),
      ),
    ),
    `
    a.yaml:4:46: error RC109: Workspace w0: guards.maxRemovals cannot be "101%"
      a number, or a percentage from 0% to 100%
    a.yaml:9:46: error RC109: Workspace w1: guards.maxRemovals cannot be -1
      a number, or a percentage from 0% to 100%
    a.yaml:14:46: error RC109: Workspace w2: guards.maxRemovals cannot be 30.5
      a number, or a percentage from 0% to 100%
    a.yaml:19:46: error RC109: Workspace w3: guards.maxRemovals cannot be true
      a number, or a percentage from 0% to 100%
    a.yaml:24:46: error RC109: Workspace w4: guards.maxRemovals cannot be "5"
      a number, or a percentage from 0% to 100%
    a.yaml:29:46: error RC109: Workspace w5: guards.maxRemovals cannot be "05%"
      a number, or a percentage from 0% to 100%
    a.yaml:34:46: error RC109: Workspace w6: guards.maxRemovals cannot be "5 %"
      a number, or a percentage from 0% to 100%
    a.yaml:39:46: error RC109: Workspace w7: guards.maxRemovals cannot be [1]
      a number, or a percentage from 0% to 100%`,
  );
  bad(
    'scopes and types of resources',
    docs(
      doc('Role', 'name: r', 'displayName: R, scopes: [workspace, "A b", 1st, ""]'),
      binding('role: workspace-member, subjects: [{name: ana}], resources: [{type: source, id: a}]'),
    ),
    `
    a.yaml:4:33: error RC109: Role r: scopes[0] cannot be "workspace"
      a capital letter, then letters and digits, such as Source
    a.yaml:4:44: error RC109: Role r: scopes[1] cannot be "A b"
      a capital letter, then letters and digits, such as Source
    a.yaml:4:51: error RC109: Role r: scopes[2] cannot be "1st"
      a capital letter, then letters and digits, such as Source
    a.yaml:4:56: error RC109: Role r: scopes[3] cannot be ""
      a capital letter, then letters and digits, such as Source
    a.yaml:9:76: error RC109: RoleBinding acme/b: resources[0].type cannot be "source"
      a capital letter, then letters and digits, such as Source`,
  );
  bad(
    'labels by which a grant is narrowed',
    binding(
      'role: source-admin, subjects: [{name: ana}], resources: [{type: Workspace, labels: {a b: c, 1a: x, k: "x y", j: "", l: a.b}}]',
    ),
    `
    a.yaml:4:92: error RC109: RoleBinding acme/b: resources[0].labels cannot have the key "a b"
      a letter, then letters, digits and "-", at most 63
    a.yaml:4:100: error RC109: RoleBinding acme/b: resources[0].labels cannot have the key "1a"
      a letter, then letters, digits and "-", at most 63
    a.yaml:4:110: error RC109: RoleBinding acme/b: resources[0].labels.k cannot be "x y"
      a letter, then letters, digits and "-", at most 63
    a.yaml:4:120: error RC109: RoleBinding acme/b: resources[0].labels.j cannot be ""
      a letter, then letters, digits and "-", at most 63
    a.yaml:4:127: error RC109: RoleBinding acme/b: resources[0].labels.l cannot be "a.b"
      a letter, then letters, digits and "-", at most 63`,
  );
  bad(
    'labels of a manifest',
    doc(
      'User',
      'name: a, labels: {a b: c, -x: y, ok: "no way", "": x, Example.com/a: b, example.com/: c}',
      'email: a@b.example',
    ),
    `
    a.yaml:3:30: error RC109: User a: metadata.labels cannot have the key "a b"
      letters, digits, "-", "_" and ".", at most 63, beginning and ending with a letter or digit; example.com/ may come before
    a.yaml:3:38: error RC109: User a: metadata.labels cannot have the key "-x"
      letters, digits, "-", "_" and ".", at most 63, beginning and ending with a letter or digit; example.com/ may come before
    a.yaml:3:49: error RC109: User a: metadata.labels.ok cannot be "no way"
      letters, digits, "-", "_" and ".", at most 63, beginning and ending with a letter or digit
    a.yaml:3:59: error RC109: User a: metadata.labels cannot have the key ""
      letters, digits, "-", "_" and ".", at most 63, beginning and ending with a letter or digit; example.com/ may come before
    a.yaml:3:66: error RC109: User a: metadata.labels cannot have the key "Example.com/a"
      letters, digits, "-", "_" and ".", at most 63, beginning and ending with a letter or digit; example.com/ may come before
    a.yaml:3:84: error RC109: User a: metadata.labels cannot have the key "example.com/"
      letters, digits, "-", "_" and ".", at most 63, beginning and ending with a letter or digit; example.com/ may come before`,
  );
  bad(
    'annotations of ours',
    doc(
      'User',
      'name: a, annotations: {rolecall.dev/protect: "yes", rolecall.dev/protekt: "true", rolecall.dev/prune: "false", rolecall.dev/previous-names: "A,b", rolecall.dev/drift: fix, rolecall.dev/paused: true, example.com/x: y}',
      'email: a@b.example',
    ),
    `
    a.yaml:3:57: error RC109: User a: annotation rolecall.dev/protect cannot be "yes"
      allowed: true, false
    a.yaml:3:64: error RC107: User a: unknown annotation rolecall.dev/protekt
      did you mean "rolecall.dev/protect"?
    a.yaml:3:114: error RC109: User a: annotation rolecall.dev/prune cannot be "false"
      allowed: disabled, enabled
    a.yaml:3:152: error RC109: User a: annotation rolecall.dev/previous-names cannot be "A,b"
      names joined by commas, such as analysts,old-analysts
    a.yaml:3:179: error RC109: User a: annotation rolecall.dev/drift cannot be "fix"
      allowed: enforce, report, ignore
    a.yaml:3:205: error RC109: User a: metadata.annotations["rolecall.dev/paused"] must be a text, not true
      quote it: "true"`,
  );
});
