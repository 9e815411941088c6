/** Texts that are refused, and too much of anything: exactly these problems, exit 4, and the store is as it was. */
import { describe } from 'vitest';
import { bad, doc, docs, useStore } from '../support/bad-input.ts';

useStore();

const users = (...specs: readonly string[]) =>
  docs(...specs.map((spec, i) => doc('User', `name: u${i}`, spec)));
const group = (spec: string) => doc('Group', 'name: g, namespace: acme', spec);
const binding = (spec: string) => doc('RoleBinding', 'name: b, namespace: acme', spec);
const token = (spec: string) => doc('Token', 'name: t, namespace: acme', spec);

describe('texts', () => {
  bad(
    'where a secret goes',
    docs(
      ...[
        '{}',
        '{file: a, secret: {name: a, key: b}}',
        '{file: /etc/passwd}',
        '{file: ../a}',
        '{file: a/../b}',
        '{file: a//b}',
        '{file: a/}',
        '{file: "a\\\\b"}',
        '{file: ./a}',
        '{file: .}',
        '{file: ""}',
        '{file: "a\\u0000b"}',
        '{file: "a\\u202eb"}',
        '{secret: {name: A, key: "a b"}}',
        '{secret: {name: a}}',
        `{file: ${'x'.repeat(256)}}`,
      ].map((to, i) =>
        doc(
          'Token',
          `name: t${i}, namespace: acme`,
          `description: d, role: workspace-member, owner: ana, deliverTo: ${to}`,
        ),
      ),
    ),
    `
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
      shorten it`,
  );
  bad(
    'e-mail addresses',
    users(
      ...[
        'ana',
        'ana@',
        '@acme.example',
        'a@b@c.example',
        'a b@c.example',
        '',
        ' ',
        'a@b.example; c',
        `${'x'.repeat(250)}@b.example`,
      ].map((email) => `email: "${email}"`),
    ),
    `
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
      shorten it`,
  );
  bad(
    'characters that people cannot see',
    docs(
      users(
        'email: "a@b.example\\u202e"',
        'email: "a\\u0007@b.example"',
        'email: a@c.example, displayName: "A\\u202eB"',
        'email: a@d.example, displayName: "A\\nB"',
        'email: a@e.example, displayName: "A\\tB"',
        'email: a@f.example, displayName: "A\\u2028B"',
        'email: a@g.example, identities: [{provider: "x\\u200f", subject: y}]',
      ),
      group('displayName: "\\u2066G", description: "a\\u001bb"'),
      binding(
        'role: workspace-member, subjects: [{name: ana}], resources: [{type: Source, id: "a\\u0000"}], reason: "a\\rb"',
      ),
    ),
    `
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
      remove it`,
  );
  bad(
    '"; " in names',
    docs(
      users('email: a@b.example, displayName: "A; B"'),
      group('displayName: "A; B"'),
      doc('Workspace', 'name: w', 'displayName: "A; B"'),
      doc('Role', 'name: r', 'displayName: "A; B", scopes: [Workspace]'),
    ),
    `
    a.yaml:4:41: error RC109: User u0: displayName: must not contain "; "
      the CSV snapshot separates entries with it
    a.yaml:9:21: error RC109: Group acme/g: displayName: must not contain "; "
      the CSV snapshot separates entries with it
    a.yaml:14:21: error RC109: Workspace w: displayName: must not contain "; "
      the CSV snapshot separates entries with it
    a.yaml:19:21: error RC109: Role r: displayName: must not contain "; "
      the CSV snapshot separates entries with it`,
  );
});

describe('how much', () => {
  const many = (n: number, entry: (i: number) => string) =>
    Array.from({ length: n }, (_, i) => entry(i)).join(', ');
  bad(
    '1,001 members',
    group(`displayName: G, members: [${many(1001, (i) => `{name: u${i}}`)}]`),
    `
    a.yaml:4:33: error RC109: Group acme/g: members has 1,001 entries, at most 1,000 are allowed
      split it`,
  );
  bad(
    '1,001 subjects and 201 resources',
    binding(
      `role: source-admin, resources: [${many(201, (i) => `{type: Source, id: s${i}}`)}], subjects: [${many(1001, (i) => `{name: u${i}}`)}]`,
    ),
    `
    a.yaml:4:39: error RC109: RoleBinding acme/b: resources has 201 entries, at most 200 are allowed
      split it
    a.yaml:4:5167: error RC109: RoleBinding acme/b: subjects has 1,001 entries, at most 1,000 are allowed
      split it`,
  );
  bad(
    '11 labels, an id and names that are too long',
    docs(
      binding(
        `role: source-admin, subjects: [{name: ana}], resources: [{type: Workspace, labels: {${many(11, (i) => `k${i}: v`)}}}, {type: Source, id: ${'x'.repeat(257)}}]`,
      ),
      users(`email: a@b.example, displayName: ${'x'.repeat(257)}`),
      group(`displayName: G, description: ${'x'.repeat(4097)}`),
    ),
    `
    a.yaml:4:91: error RC109: RoleBinding acme/b: resources[0].labels has more than 10 entries
      remove some
    a.yaml:4:191: error RC109: RoleBinding acme/b: resources[1].id is longer than 256 characters
      shorten it
    a.yaml:9:41: error RC109: User u0: displayName is longer than 256 characters
      shorten it
    a.yaml:14:37: error RC109: Group acme/g: description is longer than 4,096 characters
      shorten it`,
  );
  bad(
    'none where there must be one',
    docs(
      binding('role: workspace-member, subjects: [], resources: []'),
      binding('role: source-admin, subjects: [{name: ana}], resources: [{type: Workspace, labels: {}}]'),
      doc('Role', 'name: r', 'displayName: "", scopes: []'),
      doc('AccessPolicy', 'name: p', 'match: {on: Grant, roles: []}, validations: []'),
      token('description: "", role: workspace-member, owner: ana'),
    ),
    `
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
      give it a value`,
  );
  bad(
    'below or above',
    docs(
      doc('Workspace', 'name: w', 'displayName: W, owners: {minimum: -1}'),
      doc('Workspace', 'name: v', 'displayName: V, owners: {minimum: 1001}'),
    ),
    `
    a.yaml:4:42: error RC109: Workspace w: owners.minimum is -1, at least 0 is allowed
    a.yaml:9:42: error RC109: Workspace v: owners.minimum is 1001, at most 1000 is allowed`,
  );
  const told = Array.from(
    { length: 999 },
    (_, i) =>
      `a.yaml:4:${34 + 3 * i}: error RC109: Group acme/g: members[${i}] must be a mapping, not the number 1\n  write its fields as key: value\n`,
  );
  bad(
    '100,000 mistakes in one manifest',
    group(`displayName: G, members: [${'1, '.repeat(100_000)}]`),
    `a.yaml:1:1: error RC103: 1,000 mistakes in this file: the rest of it was not read\n  correct these first
a.yaml:4:33: error RC109: Group acme/g: members has 100,000 entries, at most 1,000 are allowed\n  split it\n${told.join('')}`,
  );
});
