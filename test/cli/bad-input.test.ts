/** What costs too much, and what is no manifest: exactly these problems, exit 4, and the store is as it was. */
import { describe } from 'vitest';
import { bad, doc, docs, user, useStore } from '../support/bad-input.ts';

useStore();

const API = 'apiVersion: rolecall.dev/v1alpha1\n';
const USER = `${API}kind: User\n`;
const WORKSPACE = `${API}kind: Workspace\nmetadata: {name: acme}\nspec:\n`;

describe('tags, anchors and aliases', () => {
  bad(
    'custom tags, all of them',
    `${USER}metadata: !include meta.yaml\nspec:\n  email: !!js/function "x"\n  displayName: !Name {a: b}\n  identities: !!set [a]\n`,
    `
    a.yaml:3:11: error RC102: the tag !include is not allowed
      write the plain value
    a.yaml:5:10: error RC102: the tag !!js/function is not allowed
      write the plain value
    a.yaml:6:16: error RC102: the tag !Name is not allowed
      write the plain value
    a.yaml:7:15: error RC102: the tag !!set is not allowed
      write the plain value`,
  );
  bad(
    'a verbatim tag',
    `${USER}metadata: {name: !<tag:example.com,2000:name> ana}\n`,
    `
    a.yaml:3:18: error RC102: the tag !<tag:example.com,2000:name> is not allowed
      write the plain value`,
  );
  bad(
    'a tag without its directive',
    `${USER}metadata: !e!meta {name: ana}\n`,
    `
    a.yaml:3:18: error RC102: this tag is not allowed
      write the plain value`,
  );
  bad(
    'binary and timestamp',
    `${USER}metadata: {name: !!binary YW5h}\nspec: {email: a@b.example, expiresAt: !!timestamp 2027-01-01}\n`,
    `
    a.yaml:3:18: error RC102: the tag !!binary is not allowed
      write the plain value
    a.yaml:4:39: error RC102: the tag !!timestamp is not allowed
      write the plain value`,
  );
  bad(
    'a tag that does not fit its value',
    `${USER}metadata: {name: !!int ana}\n`,
    `
    a.yaml:3:18: error RC102: this is not a value of the tag !!int
      write the plain value`,
  );
  bad(
    'aliases without an anchor, all of them',
    `${USER}metadata: *meta\nspec: *spec\n`,
    `
    a.yaml:3:11: error RC102: no anchor &meta in this document before the alias *meta
      write the value itself
    a.yaml:4:7: error RC102: no anchor &spec in this document before the alias *spec
      write the value itself`,
  );
  bad(
    'an anchor of another document',
    `${API}kind: &k User\nmetadata: {name: ana}\nspec: {email: ana@acme.example}\n---\n${API}kind: *k\nmetadata: {name: bo}\n`,
    `
    a.yaml:7:7: error RC102: no anchor &k in this document before the alias *k
      write the value itself`,
  );
  bad(
    'an alias inside of its own anchor',
    `${USER}metadata: {name: ana}\nspec: &s {email: a@b.example, identities: [*s]}\n`,
    `
    a.yaml:4:45: error RC103: aliases expand to more than 100,000 values
      write the values where they are needed`,
  );
  bad(
    'an alias bomb',
    [
      'a: &a [x, x, x, x, x, x, x, x, x, x]',
      ...['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map(
        (name, i) => `${name}: &${name} [${Array(10).fill(`*${'abcdefgh'[i]}`).join(', ')}]`,
      ),
    ].join('\n'),
    `
    a.yaml:5:45: error RC103: aliases expand to more than 100,000 values
      write the values where they are needed`,
  );
  bad(
    '1,001 aliases',
    `a: &a x\nb: [${'*a, '.repeat(1001)}]\n`,
    `
    a.yaml:2:4006: error RC103: more than 1,000 aliases in one document
      write the values where they are needed`,
  );
});

describe('limits of a text', () => {
  bad(
    '65 deep',
    `a: ${'['.repeat(64)}${']'.repeat(64)}\n`,
    `
    a.yaml:1:67: error RC103: this is nested more than 64 deep
      no manifest nests that deep`,
  );
  bad(
    '100,000 deep',
    '['.repeat(100_000),
    `
    a.yaml:1:64: error RC103: this is nested more than 64 deep
      no manifest nests that deep`,
  );
  bad(
    'a text of more than 1 MiB',
    `${WORKSPACE}  displayName: ${'x'.repeat(2 ** 20 + 1)}\n`,
    `
    a.yaml:5:16: error RC103: a text longer than 1 MiB
      shorten it`,
  );
  bad(
    'a document of more than 8 MiB, the one after it read all the same',
    `${WORKSPACE}  displayName:\n${`    ${'x'.repeat(1000)}\n`.repeat(8400)}---\nkind: User\n`,
    `
    a.yaml:1:1: error RC103: a document longer than 8 MiB
      split it with ---
    a.yaml:8407:1: error RC105: not a manifest: missing field "apiVersion"
      write apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore`,
  );
  const HINT =
    'a manifest begins with apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore';
  const lists = Array.from(
    { length: 1000 },
    (_, i) =>
      `a.yaml:${2 * i + 1}:1: error RC105: not a manifest: it must be a mapping, not a list\n  ${HINT}\n`,
  );
  bad(
    '100,000 mistakes',
    '- x\n---\n'.repeat(100_000),
    `a.yaml:1:1: error RC103: 1,000 mistakes in this file: the rest of it was not read\n  correct these first\n${lists.join('')}`,
  );
});

describe('not a manifest', () => {
  bad(
    'a list',
    '- a\n- b\n',
    `
    a.yaml:1:1: error RC105: not a manifest: it must be a mapping, not a list
      a manifest begins with apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore`,
  );
  bad(
    'a text, a number, true',
    'foo\n---\n42\n---\ntrue\n',
    `
    a.yaml:1:1: error RC105: not a manifest: it must be a mapping, not "foo"
      a manifest begins with apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore
    a.yaml:3:1: error RC105: not a manifest: it must be a mapping, not the number 42
      a manifest begins with apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore
    a.yaml:5:1: error RC105: not a manifest: it must be a mapping, not true
      a manifest begins with apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore`,
  );
  bad(
    'no apiVersion',
    'kind: User\nmetadata: {name: ana}\n',
    `
    a.yaml:1:1: error RC105: not a manifest: missing field "apiVersion"
      write apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore`,
  );
  bad(
    'apiVersion without a value',
    'apiVersion:\nkind: User\n',
    `
    a.yaml:1:1: error RC105: not a manifest: apiVersion is null
      write apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore`,
  );
  bad(
    'another apiVersion',
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n',
    `
    a.yaml:1:13: error RC105: not a manifest of Rolecall: apiVersion is "v1"
      name files that are not for Rolecall in .iamignore`,
  );
  bad(
    'another version of ours',
    'apiVersion: rolecall.dev/v1beta1\nkind: User\nmetadata: {name: ana}\n',
    `
    a.yaml:1:13: error RC105: not a manifest of Rolecall: apiVersion is "rolecall.dev/v1beta1"
      write apiVersion: rolecall.dev/v1alpha1`,
  );
  bad(
    'a number as apiVersion',
    'apiVersion: 1\nkind: User\n',
    `
    a.yaml:1:13: error RC105: not a manifest of Rolecall: apiVersion is 1
      name files that are not for Rolecall in .iamignore`,
  );
  bad(
    'kustomization.yaml in the folder',
    {
      'kustomization.yaml': 'resources: [users.yaml]\n',
      'full/kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n',
      'users.yaml': user('ana'),
    },
    `
    full/kustomization.yaml:1:13: error RC105: not a manifest of Rolecall: apiVersion is "kustomize.config.k8s.io/v1beta1"
      name files that are not for Rolecall in .iamignore
    kustomization.yaml:1:1: error RC105: not a manifest: missing field "apiVersion"
      write apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore`,
  );
  bad(
    'an unknown kind',
    docs(doc('Usr', 'name: ana', ''), doc('ClusterRoleBinding', 'name: a', ''), doc('user', 'name: bo', '')),
    `
    a.yaml:2:7: error RC106: unknown kind "Usr"
      did you mean "User"?
    a.yaml:7:7: error RC106: unknown kind "ClusterRoleBinding"
      kinds: Workspace, User, Role, Group, Token, RoleBinding, AccessPolicy
    a.yaml:12:7: error RC106: unknown kind "user"
      did you mean "User"?`,
  );
  bad(
    'no kind',
    `${API}metadata: {name: ana}\n`,
    `
    a.yaml:1:1: error RC106: missing field "kind"
      kinds: Workspace, User, Role, Group, Token, RoleBinding, AccessPolicy`,
  );
  bad(
    'a kind without a value, and one that is a list',
    docs(`${API}kind:\n`, `${API}kind: [User]\n`),
    `
    a.yaml:2:1: error RC106: kind is null
      kinds: Workspace, User, Role, Group, Token, RoleBinding, AccessPolicy
    a.yaml:5:7: error RC106: unknown kind ["User"]
      kinds: Workspace, User, Role, Group, Token, RoleBinding, AccessPolicy`,
  );
});

describe('kind: List', () => {
  const item = (text: string) => `- ${text.trimEnd().replaceAll('\n', '\n  ')}\n`;
  bad(
    'mistakes inside of items',
    `apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ""}\nitems:\n${item(user('ana'))}${item(doc('User', 'name: bo', 'emial: bo@acme.example'))}- foo\n- null\n- {apiVersion: v1, kind: Pod}\n- {apiVersion: rolecall.dev/v1alpha1, kind: List, items: []}\n`,
    `
    a.yaml:12:9: error RC108: User bo: missing field "email"
      what it is: iam explain user.email
    a.yaml:12:10: error RC107: User bo: unknown field "emial"
      did you mean "email"?
    a.yaml:13:3: error RC105: not a manifest: it must be a mapping, not "foo"
      a manifest begins with apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore
    a.yaml:14:3: error RC105: not a manifest: it must be a mapping, not null
      a manifest begins with apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore
    a.yaml:15:16: error RC105: not a manifest of Rolecall: apiVersion is "v1"
      name files that are not for Rolecall in .iamignore
    a.yaml:16:45: error RC106: unknown kind "List"
      kinds: Workspace, User, Role, Group, Token, RoleBinding, AccessPolicy`,
  );
  bad(
    'a mistake of its own',
    'apiVersion: v2\nkind: List\nitem: []\nspec: {}\n',
    `
    a.yaml:1:1: error RC105: List: missing field "items"
      write items: [] when there are none
    a.yaml:1:13: error RC105: List: apiVersion cannot be "v2"
      write apiVersion: v1
    a.yaml:3:1: error RC107: List: unknown field "item"
      did you mean "items"?
    a.yaml:4:1: error RC107: List: unknown field "spec"
      known here: apiVersion, kind, metadata, items`,
  );
  bad(
    'items without a value',
    'apiVersion: v1\nkind: List\nitems:\n',
    `
    a.yaml:3:1: error RC105: List: items must be a list, not null
      write items: [] when there are none`,
  );
  bad(
    'no items',
    'apiVersion: v1\nkind: List\nitems: []\n',
    `
    error RC120: no manifest in a.yaml
      an input without manifests is never taken to mean "nothing is declared"`,
  );
  bad(
    'the list of one kind',
    'apiVersion: rolecall.dev/v1alpha1\nkind: UserList\nitems: []\n',
    `
    a.yaml:2:7: error RC106: unknown kind "UserList"
      kinds: Workspace, User, Role, Group, Token, RoleBinding, AccessPolicy`,
  );
  bad(
    'the same resource in a List and beside it',
    docs(user('ana'), `apiVersion: v1\nkind: List\nitems:\n${item(user('ana'))}`),
    `
    a.yaml:9:3: error RC110: User ana is declared twice
      first declared at a.yaml:1; keep one of the two`,
  );
});

describe('JSON', () => {
  const ana =
    '{"apiVersion": "rolecall.dev/v1alpha1", "kind": "User", "metadata": {"name": "ana"}, "spec": {"emial": "ana@acme.example"}}';
  bad(
    'a mistake in a file that is indented with tabs',
    {
      'a.json':
        '{\n\t"apiVersion": "rolecall.dev/v1alpha1",\n\t"kind": "User",\n\t"metadata": {"name": "ana"},\n\t"spec": {"email": "a@b.example", "stat": "Active"}\n}\n',
    },
    `
    a.json:5:35: error RC107: User ana: unknown field "stat"
      did you mean "state"?`,
  );
  bad(
    'no comma',
    { 'a.json': '{\n  "kind": "User"\n  "metadata": {}\n}\n' },
    `
    a.json:3:3: error RC102: a comma is missing before this
      put a comma between entries, and quotes around a text with special characters`,
  );
  bad(
    'cut off',
    { 'a.json': '{\n  "kind": "User",\n  "metadata": {"na' },
    `
    a.json:3:19: error RC102: a double quote is never closed
      close it`,
  );
  bad(
    'a key twice',
    { 'a.json': '{"kind": "User",\n "kind": "Group"}' },
    `
    a.json:2:2: error RC104: key "kind" is given twice in one mapping
      it is first given at 1:2; keep one of the two`,
  );
  bad(
    'an array of manifests',
    { 'a.json': `[${ana}]` },
    `
    a.json:1:1: error RC105: not a manifest: it must be a mapping, not a list
      a manifest begins with apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore`,
  );
  bad(
    'JSON Lines: every line by itself',
    { 'a.jsonl': [ana, '', '{"kind": "User"', ana.replace('ana', 'bo'), 'foo', '{} {}'].join('\n') },
    `
    a.jsonl:1:94: error RC108: User ana: missing field "email"
      what it is: iam explain user.email
    a.jsonl:1:95: error RC107: User ana: unknown field "emial"
      did you mean "email"?
    a.jsonl:3:16: error RC102: a bracket or brace is never closed
      close it
    a.jsonl:4:93: error RC108: User bo: missing field "email"
      what it is: iam explain user.email
    a.jsonl:4:94: error RC107: User bo: unknown field "emial"
      did you mean "email"?
    a.jsonl:5:1: error RC105: not a manifest: it must be a mapping, not "foo"
      a manifest begins with apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore
    a.jsonl:6:4: error RC102: this does not belong to the document above
      check how far it is indented; another document begins with ---`,
  );
  bad(
    'JSON Lines: a manifest over two lines',
    { 'a.jsonl': ana.replace(' "kind"', '\n"kind"') },
    `
    a.jsonl:1:40: error RC102: a bracket or brace is never closed
      close it
    a.jsonl:2:15: error RC102: this does not fit the mapping around it
      check how far it is indented; quote a text that has ": " or begins with a special character`,
  );
});
