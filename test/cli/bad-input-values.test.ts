/** Values that a field does not allow: exactly these problems, exit 4, and the store is as it was. */
import { describe } from 'vitest';
import { bad, doc, docs, useStore } from '../support/bad-input.ts';

useStore();

const users = (...specs: readonly string[]) => docs(...specs.map((spec, i) => doc('User', `name: u${i}`, spec)));
const group = (spec: string) => doc('Group', 'name: g, namespace: acme', spec);
const binding = (spec: string) => doc('RoleBinding', 'name: b, namespace: acme', spec);
const token = (spec: string) => doc('Token', 'name: t, namespace: acme', spec);

describe('values', () => {
  bad('one of a few', docs(doc('Workspace', 'name: w', 'displayName: W, tier: business'), doc('Workspace', 'name: v', 'displayName: V, tier: 1'), doc('User', 'name: u', 'email: a@b.example, state: active, type: Robot'), doc('Role', 'name: r', 'displayName: R, scopes: [Workspace], risk: high, minimumTier: Gold'), binding('role: workspace-member, subjects: [{kind: user, name: ana}], resources: [{type: Workspace}]'), doc('AccessPolicy', 'name: p', 'match: {on: grant, kinds: [AccessPolicy], actions: [destroy]}, enforcement: deny, validations: [{expression: "true", message: m}]')), `
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
      did you mean "Deny"?`);
  bad('names', docs(...['Ana_Diaz', '-a', 'a-', '""', 'a.b', 'a'.repeat(64)].map((name) => doc('User', `name: ${name}`, 'email: a@b.example')), group('displayName: G, members: [{name: Ana}]'), doc('User', 'name: a', 'email: a@b.example, sponsor: Bo Lee')), `
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
      lower-case letters, digits and "-", beginning and ending with a letter or digit`);
  bad('times', users(...['2027-13-01', '2027-01-32', '2027-01-01T24:00:00Z', '2027-01-01T10:00Z', '2027-01-01 10:00:00Z', '2027-01-01T10:00:00', '2027-01-01T10:00:00+25:00', '2027-01-01T10:00:60Z', '20270101T000000Z', '2027-1-1', 'tomorrow', '2027/01/31'].map((time, i) => `email: u${i}@b.example, expiresAt: "${time}"`)), `
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
      a date such as 2027-01-31, or an RFC 3339 time such as 2027-01-31T18:00:00Z`);
  bad('days that do not exist', users(...['2027-02-30', '2026-02-29', '2027-04-31T10:00:00Z', '9999-12-31T23:59:59-10:00'].map((time, i) => `email: u${i}@b.example, notBefore: ${time}`)), `
    a.yaml:4:40: error RC109: User u0: notBefore: there is no such day as 2027-02-30
    a.yaml:9:40: error RC109: User u1: notBefore: there is no such day as 2026-02-29
    a.yaml:14:40: error RC109: User u2: notBefore: there is no such day as 2027-04-31T10:00:00Z
    a.yaml:19:40: error RC109: User u3: notBefore: there is no such day as 9999-12-31T23:59:59-10:00`);
  bad('durations', docs(...['0d', '1w', '90', '1.5h', '-1d', '100000m', '1d12h'].map((time, i) => doc('Token', `name: t${i}, namespace: acme`, `description: d, role: workspace-member, owner: ana, rotation: {every: ${time === '90' ? '"90"' : time}}`))), `
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
      a duration such as 30m, 24h or 90d`);
  bad('limits of guards', docs(...['101%', '-1', '30.5', 'true', '"5"', '05%', '5 %', '[1]'].map((limit, i) => doc('Workspace', `name: w${i}`, `displayName: W, guards: {maxRemovals: ${limit}}`))), `
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
      a number, or a percentage from 0% to 100%`);
  bad('scopes and types of resources', docs(doc('Role', 'name: r', 'displayName: R, scopes: [workspace, "A b", 1st, ""]'), binding('role: workspace-member, subjects: [{name: ana}], resources: [{type: source, id: a}]')), `
    a.yaml:4:33: error RC109: Role r: scopes[0] cannot be "workspace"
      a capital letter, then letters and digits, such as Source
    a.yaml:4:44: error RC109: Role r: scopes[1] cannot be "A b"
      a capital letter, then letters and digits, such as Source
    a.yaml:4:51: error RC109: Role r: scopes[2] cannot be "1st"
      a capital letter, then letters and digits, such as Source
    a.yaml:4:56: error RC109: Role r: scopes[3] cannot be ""
      a capital letter, then letters and digits, such as Source
    a.yaml:9:76: error RC109: RoleBinding acme/b: resources[0].type cannot be "source"
      a capital letter, then letters and digits, such as Source`);
  bad('labels by which a grant is narrowed', binding('role: source-admin, subjects: [{name: ana}], resources: [{type: Workspace, labels: {a b: c, 1a: x, k: "x y", j: "", l: a.b}}]'), `
    a.yaml:4:92: error RC109: RoleBinding acme/b: resources[0].labels cannot have the key "a b"
      a letter, then letters, digits and "-", at most 63
    a.yaml:4:100: error RC109: RoleBinding acme/b: resources[0].labels cannot have the key "1a"
      a letter, then letters, digits and "-", at most 63
    a.yaml:4:110: error RC109: RoleBinding acme/b: resources[0].labels.k cannot be "x y"
      a letter, then letters, digits and "-", at most 63
    a.yaml:4:120: error RC109: RoleBinding acme/b: resources[0].labels.j cannot be ""
      a letter, then letters, digits and "-", at most 63
    a.yaml:4:127: error RC109: RoleBinding acme/b: resources[0].labels.l cannot be "a.b"
      a letter, then letters, digits and "-", at most 63`);
  bad('labels of a manifest', doc('User', 'name: a, labels: {a b: c, -x: y, ok: "no way", "": x, Example.com/a: b, example.com/: c}', 'email: a@b.example'), `
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
      letters, digits, "-", "_" and ".", at most 63, beginning and ending with a letter or digit; example.com/ may come before`);
  bad('annotations of ours', doc('User', 'name: a, annotations: {rolecall.dev/protect: "yes", rolecall.dev/protekt: "true", rolecall.dev/prune: "false", rolecall.dev/previous-names: "A,b", rolecall.dev/drift: fix, rolecall.dev/paused: true, example.com/x: y}', 'email: a@b.example'), `
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
      quote it: "true"`);
  bad('where a secret goes', docs(...['{}', '{file: a, secret: {name: a, key: b}}', '{file: /etc/passwd}', '{file: ../a}', '{file: a/../b}', '{file: a//b}', '{file: a/}', '{file: "a\\\\b"}', '{file: ./a}', '{file: .}', '{file: ""}', '{file: "a\\u0000b"}', '{file: "a\\u202eb"}', '{secret: {name: A, key: "a b"}}', '{secret: {name: a}}', `{file: ${'x'.repeat(256)}}`].map((to, i) => doc('Token', `name: t${i}, namespace: acme`, `description: d, role: workspace-member, owner: ana, deliverTo: ${to}`))), `
    a.yaml:4:71: error RC109: Token acme/t0: deliverTo: needs exactly one of file and secret
    a.yaml:9:71: error RC109: Token acme/t1: deliverTo: needs exactly one of file and secret
    a.yaml:14:78: error RC109: Token acme/t2: deliverTo.file: has an empty part or a leading or final /
      a relative path below --secrets-dir, such as ci/deploy
    a.yaml:19:78: error RC109: Token acme/t3: deliverTo.file: has a part . or ..
      a relative path below --secrets-dir, such as ci/deploy
    a.yaml:24:78: error RC109: Token acme/t4: deliverTo.file: has a part . or ..
      a relative path below --secrets-dir, such as ci/deploy
    a.yaml:29:78: error RC109: Token acme/t5: deliverTo.file: has an empty part or a leading or final /
      a relative path below --secrets-dir, such as ci/deploy
    a.yaml:34:78: error RC109: Token acme/t6: deliverTo.file: has an empty part or a leading or final /
      a relative path below --secrets-dir, such as ci/deploy
    a.yaml:39:78: error RC109: Token acme/t7: deliverTo.file: has a backslash
      a relative path below --secrets-dir, such as ci/deploy
    a.yaml:44:78: error RC109: Token acme/t8: deliverTo.file: has a part . or ..
      a relative path below --secrets-dir, such as ci/deploy
    a.yaml:49:78: error RC109: Token acme/t9: deliverTo.file: has a part . or ..
      a relative path below --secrets-dir, such as ci/deploy
    a.yaml:54:78: error RC109: Token acme/t10: deliverTo.file is empty
      give it a value
    a.yaml:59:78: error RC109: Token acme/t11: deliverTo.file: has the character U+0000, which people cannot see
      remove it
    a.yaml:64:78: error RC109: Token acme/t12: deliverTo.file: has the character U+202E, which people cannot see
      remove it
    a.yaml:69:87: error RC109: Token acme/t13: deliverTo.secret.name cannot be "A"
      lower-case letters, digits and "-", beginning and ending with a letter or digit
    a.yaml:69:95: error RC109: Token acme/t13: deliverTo.secret.key cannot be "a b"
      letters, digits, "-", "_" and "."
    a.yaml:74:80: error RC108: Token acme/t14: missing field "key" in deliverTo.secret
      what it is: iam explain token.deliverTo.secret.key
    a.yaml:79:78: error RC109: Token acme/t15: deliverTo.file is longer than 255 characters
      shorten it`);
  bad('e-mail addresses', users(...['ana', 'ana@', '@acme.example', 'a@b@c.example', 'a b@c.example', '', ' ', 'a@b.example; c', `${'x'.repeat(250)}@b.example`].map((email) => `email: "${email}"`)), `
    a.yaml:4:15: error RC109: User u0: email cannot be "ana"
      an address with one @
    a.yaml:9:15: error RC109: User u1: email cannot be "ana@"
      an address with one @
    a.yaml:14:15: error RC109: User u2: email cannot be "@acme.example"
      an address with one @
    a.yaml:19:15: error RC109: User u3: email cannot be "a@b@c.example"
      an address with one @
    a.yaml:24:15: error RC109: User u4: email: an e-mail address has no spaces
    a.yaml:29:15: error RC109: User u5: email cannot be ""
      an address with one @
    a.yaml:34:15: error RC109: User u6: email cannot be " "
      an address with one @
    a.yaml:39:15: error RC109: User u7: email: an e-mail address has no spaces
    a.yaml:39:15: error RC109: User u7: email: must not contain "; "
      the CSV snapshot separates entries with it
    a.yaml:44:15: error RC109: User u8: email is longer than 254 characters
      shorten it`);
  bad('characters that people cannot see', docs(users('email: "a@b.example\\u202e"', 'email: "a\\u0007@b.example"', 'email: a@c.example, displayName: "A\\u202eB"', 'email: a@d.example, displayName: "A\\nB"', 'email: a@e.example, displayName: "A\\tB"', 'email: a@f.example, displayName: "A\\u2028B"', 'email: a@g.example, identities: [{provider: "x\\u200f", subject: y}]'), group('displayName: "\\u2066G", description: "a\\u001bb"'), binding('role: workspace-member, subjects: [{name: ana}], resources: [{type: Source, id: "a\\u0000"}], reason: "a\\rb"')), `
    a.yaml:4:15: error RC109: User u0: email: has the character U+202E, which people cannot see
      remove it
    a.yaml:9:15: error RC109: User u1: email: has the character U+0007, which people cannot see
      remove it
    a.yaml:14:41: error RC109: User u2: displayName: has the character U+202E, which people cannot see
      remove it
    a.yaml:19:41: error RC109: User u3: displayName: has the character U+000A, which people cannot see
      remove it
    a.yaml:24:41: error RC109: User u4: displayName: has the character U+0009, which people cannot see
      remove it
    a.yaml:29:41: error RC109: User u5: displayName: has the character U+2028, which people cannot see
      remove it
    a.yaml:34:52: error RC109: User u6: identities[0].provider: has the character U+200F, which people cannot see
      remove it
    a.yaml:39:21: error RC109: Group acme/g: displayName: has the character U+2066, which people cannot see
      remove it
    a.yaml:39:45: error RC109: Group acme/g: description: has the character U+001B, which people cannot see
      remove it
    a.yaml:44:88: error RC109: RoleBinding acme/b: resources[0].id: has the character U+0000, which people cannot see
      remove it
    a.yaml:44:109: error RC109: RoleBinding acme/b: reason: has the character U+000D, which people cannot see
      remove it`);
  bad('"; " in names', docs(users('email: a@b.example, displayName: "A; B"'), group('displayName: "A; B"'), doc('Workspace', 'name: w', 'displayName: "A; B"'), doc('Role', 'name: r', 'displayName: "A; B", scopes: [Workspace]')), `
    a.yaml:4:41: error RC109: User u0: displayName: must not contain "; "
      the CSV snapshot separates entries with it
    a.yaml:9:21: error RC109: Group acme/g: displayName: must not contain "; "
      the CSV snapshot separates entries with it
    a.yaml:14:21: error RC109: Workspace w: displayName: must not contain "; "
      the CSV snapshot separates entries with it
    a.yaml:19:21: error RC109: Role r: displayName: must not contain "; "
      the CSV snapshot separates entries with it`);
});

describe('how much', () => {
  const many = (n: number, entry: (i: number) => string) => Array.from({ length: n }, (_, i) => entry(i)).join(', ');
  bad('1,001 members', group(`displayName: G, members: [${many(1001, (i) => `{name: u${i}}`)}]`), `
    a.yaml:4:33: error RC109: Group acme/g: members has 1,001 entries, at most 1,000 are allowed
      split it`);
  bad('1,001 subjects and 201 resources', binding(`role: source-admin, resources: [${many(201, (i) => `{type: Source, id: s${i}}`)}], subjects: [${many(1001, (i) => `{name: u${i}}`)}]`), `
    a.yaml:4:39: error RC109: RoleBinding acme/b: resources has 201 entries, at most 200 are allowed
      split it
    a.yaml:4:5167: error RC109: RoleBinding acme/b: subjects has 1,001 entries, at most 1,000 are allowed
      split it`);
  bad('11 labels, an id and names that are too long', docs(binding(`role: source-admin, subjects: [{name: ana}], resources: [{type: Workspace, labels: {${many(11, (i) => `k${i}: v`)}}}, {type: Source, id: ${'x'.repeat(257)}}]`), users(`email: a@b.example, displayName: ${'x'.repeat(257)}`), group(`displayName: G, description: ${'x'.repeat(4097)}`)), `
    a.yaml:4:91: error RC109: RoleBinding acme/b: resources[0].labels has more than 10 entries
      remove some
    a.yaml:4:191: error RC109: RoleBinding acme/b: resources[1].id is longer than 256 characters
      shorten it
    a.yaml:9:41: error RC109: User u0: displayName is longer than 256 characters
      shorten it
    a.yaml:14:37: error RC109: Group acme/g: description is longer than 4,096 characters
      shorten it`);
  bad('none where there must be one', docs(binding('role: workspace-member, subjects: [], resources: []'), binding('role: source-admin, subjects: [{name: ana}], resources: [{type: Workspace, labels: {}}]'), doc('Role', 'name: r', 'displayName: "", scopes: []'), doc('AccessPolicy', 'name: p', 'match: {on: Grant, roles: []}, validations: []'), token('description: "", role: workspace-member, owner: ana')), `
    a.yaml:4:42: error RC109: RoleBinding acme/b: subjects is empty
      at least 1 entry
    a.yaml:4:57: error RC109: RoleBinding acme/b: resources is empty
      at least 1 entry
    a.yaml:9:91: error RC109: RoleBinding acme/b: resources[0].labels is empty
      remove it, or give at least one entry
    a.yaml:14:21: error RC109: Role r: displayName is empty
      give it a value
    a.yaml:14:33: error RC109: Role r: scopes is empty
      at least 1 entry
    a.yaml:19:34: error RC109: AccessPolicy p: match.roles is empty
      at least 1 entry
    a.yaml:19:52: error RC109: AccessPolicy p: validations is empty
      at least 1 entry
    a.yaml:24:21: error RC109: Token acme/t: description is empty
      give it a value`);
  bad('below or above', docs(doc('Workspace', 'name: w', 'displayName: W, owners: {minimum: -1}'), doc('Workspace', 'name: v', 'displayName: V, owners: {minimum: 1001}')), `
    a.yaml:4:42: error RC109: Workspace w: owners.minimum is -1, at least 0 is allowed
    a.yaml:9:42: error RC109: Workspace v: owners.minimum is 1001, at most 1000 is allowed`);
  const told = Array.from({ length: 999 }, (_, i) => `a.yaml:4:${34 + 3 * i}: error RC109: Group acme/g: members[${i}] must be a mapping, not the number 1\n  write its fields as key: value\n`);
  bad('100,000 mistakes in one manifest', group(`displayName: G, members: [${'1, '.repeat(100_000)}]`), `a.yaml:1:1: error RC103: 1,000 mistakes in this file: the rest of it was not read\n  correct these first
a.yaml:4:33: error RC109: Group acme/g: members has 100,000 entries, at most 1,000 are allowed\n  split it\n${told.join('')}`);
});
