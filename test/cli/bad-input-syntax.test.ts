/** YAML that does not parse: exactly these problems, exit 4, and the store is as it was. */
import { describe } from 'vitest';
import { bad, doc, docs, user, useStore } from '../support/bad-input.ts';

useStore();

const API = 'apiVersion: rolecall.dev/v1alpha1\n';
const USER = `${API}kind: User\n`;
const WORKSPACE = `${API}kind: Workspace\nmetadata: {name: acme}\nspec:\n`;

describe('YAML syntax', () => {
  bad(
    'a tab as indentation',
    `${USER}metadata:\n\tname: ana\n`,
    `
    a.yaml:4:1: error RC102: a tab indents this line
      indent with spaces`,
  );
  bad(
    'a tab in a list',
    `${WORKSPACE}  owners:\n    required:\n\t- {name: ana}\n`,
    `
    a.yaml:7:1: error RC102: a tab indents this line
      indent with spaces`,
  );
  bad(
    'a double quote that is not closed',
    `${USER}metadata: {name: "ana}\nspec: {}\n`,
    `
    a.yaml:4:1: error RC102: this line is indented too little to go on from the one above
      is a quote or a bracket above not closed?`,
  );
  bad(
    'a single quote that is not closed, to the end',
    `${USER}metadata:\n  name: 'ana\n`,
    `
    a.yaml:5:1: error RC102: this line is indented too little to go on from the one above
      is a quote or a bracket above not closed?`,
  );
  bad(
    'a double quote that is not closed, before another document',
    `${USER}metadata:\n  name: "ana\n---\n${user('bo')}`,
    `
    a.yaml:5:1: error RC102: this line is indented too little to go on from the one above
      is a quote or a bracket above not closed?`,
  );
  bad(
    'a brace that is not closed',
    `${USER}metadata: {name: ana\nspec: {}\n`,
    `
    a.yaml:4:1: error RC102: this line is indented too little to go on from the one above
      is a quote or a bracket above not closed?`,
  );
  bad(
    'a bracket that is not closed, to the end',
    `${WORKSPACE}  labels: [a,\n    b,\n`,
    `
    a.yaml:7:1: error RC102: this line is indented too little to go on from the one above
      is a quote or a bracket above not closed?`,
  );
  bad(
    'a key that is indented less than its neighbours',
    `${USER}metadata:\n  name: ana\n namespace: acme\n`,
    `
    a.yaml:5:2: error RC102: this does not fit the mapping around it
      check how far it is indented; quote a text that has ": " or begins with a special character`,
  );
  bad(
    'a list entry that is indented more than its neighbours',
    `${WORKSPACE}  owners:\n    required:\n    - name: ana\n      - name: bo\n`,
    `
    a.yaml:8:7: error RC102: this does not fit the list around it
      check how far it is indented`,
  );
  bad(
    'a key without a colon',
    `${USER}metadata\nspec: {}\n`,
    `
    a.yaml:3:1: error RC102: this line is not "key: value"
      write a colon and a space after the key`,
  );
  bad(
    'no space after a colon',
    `${API}kind:User\nmetadata: {name: ana}\n`,
    `
    a.yaml:2:1: error RC102: this line is not "key: value"
      write a colon and a space after the key`,
  );
  bad(
    'a colon in a text without quotes',
    `${WORKSPACE}  displayName: Acme: production\n`,
    `
    a.yaml:5:20: error RC102: this does not fit the mapping around it
      check how far it is indented; quote a text that has ": " or begins with a special character`,
  );
  bad(
    'a text that begins with @',
    `${USER}metadata: {name: ana}\nspec: {email: @ana}\n`,
    `
    a.yaml:4:15: error RC102: a comma is missing before this
      put a comma between entries, and quotes around a text with special characters`,
  );
  bad(
    'no comma between entries',
    `${USER}metadata: {name: "ana" namespace: acme}\n`,
    `
    a.yaml:3:24: error RC102: a comma is missing before this
      put a comma between entries, and quotes around a text with special characters`,
  );
  bad(
    'two commas',
    `${USER}metadata: {name: ana,, labels: {}}\n`,
    `
    a.yaml:3:22: error RC102: a comma without an entry before it
      remove it`,
  );
  bad(
    'a list where a mapping goes on',
    `${USER}- name: ana\n`,
    `
    a.yaml:3:1: error RC102: this does not belong to the document above
      check how far it is indented; another document begins with ---`,
  );
  bad(
    'an unknown escape',
    `${USER}metadata: {name: "a\\q"}\n`,
    `
    a.yaml:3:21: error RC102: a backslash that means nothing
      double it, or use single quotes`,
  );
  bad(
    'a bad hexadecimal escape',
    `${USER}metadata: {name: "a\\xzz"}\n`,
    `
    a.yaml:3:22: error RC102: a backslash that means nothing
      double it, or use single quotes`,
  );
  bad(
    'a text beside the sign of a block',
    `${WORKSPACE}  displayName: | Acme\n    x\n`,
    `
    a.yaml:5:18: error RC102: the text after | or > begins on the next line
      begin a new line`,
  );
  bad(
    'two anchors on one value',
    `${USER}metadata: &a &b {name: ana}\n`,
    `
    a.yaml:3:14: error RC102: two anchors on one value
      keep one of the two`,
  );
  bad(
    'directives without a document',
    `%YAML 1.2\n${user('ana')}`,
    `
    a.yaml:2:1: error RC102: --- is missing after the lines that begin with %
      write --- before the document, or remove them`,
  );
  bad(
    'another version of YAML',
    `%YAML 2.0\n---\n${user('ana')}`,
    `
    a.yaml:2:1: error RC102: this is not YAML 1
      remove the line that begins with %YAML`,
  );
  bad(
    'a template that was not rendered',
    `${USER}metadata: {name: {{ .Values.name }}}\n`,
    `
    a.yaml:3:19: error RC102: a key must be a text, not a list or mapping
      a template such as {{ name }} must be rendered first, or quoted`,
  );
  bad(
    'a template between manifests',
    `{{- range .Values.users }}\n${user('ana')}{{- end }}\n`,
    `
    a.yaml:1:3: error RC102: a comma is missing before this
      put a comma between entries, and quotes around a text with special characters`,
  );
  bad(
    'a merge conflict',
    `${USER}metadata: {name: ana}\n<<<<<<< HEAD\nspec: {email: a@a.example}\n=======\nspec: {email: b@a.example}\n>>>>>>> other\n`,
    `
    a.yaml:4:1: error RC102: a merge conflict is not resolved
      resolve it`,
  );
  bad(
    'a merge key',
    `${USER}metadata: {name: ana}\nspec: {<<: {email: a@b.example}}\n`,
    `
    a.yaml:4:7: error RC108: User ana: missing field "email"
      what it is: iam explain user.email
    a.yaml:4:8: error RC107: User ana: unknown field "<<"
      merge keys are not YAML 1.2: write the fields themselves`,
  );
  bad(
    'a list as a key',
    `${USER}metadata: {name: ana}\nspec:\n  ? [a, b]\n  : c\n  email: a@b.example\n`,
    `
    a.yaml:5:5: error RC102: a key must be a text, not a list or mapping
      a template such as {{ name }} must be rendered first, or quoted`,
  );
  bad(
    'mistakes in several documents, and what can be told of the rest',
    docs(
      `${USER}metadata: {name: "ana}\n`,
      `${USER}metadata: {name: bo, name: bob}\n`,
      doc('User', 'name: cy', 'emial: cy@acme.example'),
      `${USER}metadata: [\n`,
    ),
    `
    a.yaml:4:1: error RC102: this line is indented too little to go on from the one above
      is a quote or a bracket above not closed?
    a.yaml:7:22: error RC104: key "name" is given twice in one mapping
      it is first given at 7:12; keep one of the two
    a.yaml:12:7: error RC108: User cy: missing field "email"
      what it is: iam explain user.email
    a.yaml:12:8: error RC107: User cy: unknown field "emial"
      did you mean "email"?
    a.yaml:17:1: error RC102: this line is indented too little to go on from the one above
      is a quote or a bracket above not closed?`,
  );
  bad(
    'mistakes in several files',
    { 'b.yaml': `${USER}\tx`, 'a/c.yml': 'kind: User\n', 'a/a.json': '{"a": 1', 'z.jsonl': '[\n[' },
    `
    a/a.json:1:8: error RC102: a bracket or brace is never closed
      close it
    a/c.yml:1:1: error RC105: not a manifest: missing field "apiVersion"
      write apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore
    b.yaml:3:1: error RC102: a tab indents this line
      indent with spaces
    z.jsonl:1:2: error RC102: a bracket or brace is never closed
      close it
    z.jsonl:2:2: error RC102: a bracket or brace is never closed
      close it`,
  );
});

describe('duplicate keys', () => {
  bad(
    'several at once, at any depth',
    `${USER}kind: Group\nmetadata: {name: a, "name": b, 'name': c}\nspec:\n  email: a@b.example\n  identities:\n    - provider: x\n      subject: y\n      provider: z\n`,
    `
    a.yaml:3:1: error RC104: key "kind" is given twice in one mapping
      it is first given at 2:1; keep one of the two
    a.yaml:4:21: error RC104: key "name" is given twice in one mapping
      it is first given at 4:12; keep one of the two
    a.yaml:4:32: error RC104: key "name" is given twice in one mapping
      it is first given at 4:12; keep one of the two
    a.yaml:10:7: error RC104: key "provider" is given twice in one mapping
      it is first given at 8:7; keep one of the two`,
  );
  bad(
    'that are written differently',
    `${USER}metadata: {name: a, labels: {1: a, 0x1: b, 1.0: c}}\n`,
    `
    a.yaml:3:36: error RC104: key "1" is given twice in one mapping
      it is first given at 3:30; keep one of the two
    a.yaml:3:44: error RC104: key "1" is given twice in one mapping
      it is first given at 3:30; keep one of the two`,
  );
  bad(
    'through an anchor',
    `${USER}metadata: {&k name: a, *k : b}\n`,
    `
    a.yaml:3:24: error RC104: key "name" is given twice in one mapping
      it is first given at 3:15; keep one of the two`,
  );
});

describe('characters', () => {
  const latin = Buffer.from(
    `${USER}metadata: {name: ana}\nspec: {email: ana@acme.example, displayName: Ana Díaz}\n`,
    'latin1',
  );
  bad(
    'Latin-1',
    { 'a.yaml': latin },
    `
    a.yaml:4:51: error RC102: the byte 0xed is not UTF-8
      save the file as UTF-8`,
  );
  bad(
    'a character that is cut off at the end',
    { 'a.yaml': Buffer.concat([Buffer.from(`${USER}# `), Buffer.from([0xe2, 0x82])]) },
    `
    a.yaml:3:3: error RC102: the byte 0xe2 is not UTF-8
      save the file as UTF-8`,
  );
  bad(
    'UTF-16',
    { 'a.yaml': Buffer.from(`\ufeff${user('ana')}`, 'utf16le') },
    `
    a.yaml:1:1: error RC102: the byte 0xff is not UTF-8
      save the file as UTF-8`,
  );
  bad(
    'a surrogate in UTF-8',
    { 'a.yaml': Buffer.concat([Buffer.from('a: é'), Buffer.from([0xed, 0xa0, 0x80])]) },
    `
    a.yaml:1:5: error RC102: the byte 0xed is not UTF-8
      save the file as UTF-8`,
  );
  bad(
    'NUL between documents hides none of them',
    `${user('ana')}---\n\0\n---\n${user('ana')}`,
    `
    a.yaml:6:1: error RC102: the character U+0000 stands here, which YAML does not allow
      remove it
    a.yaml:8:1: error RC110: User ana is declared twice
      first declared at a.yaml:1; keep one of the two`,
  );
  bad(
    'a control character in quotes',
    `${USER}metadata: {name: "a\x07"}\n`,
    `
    a.yaml:3:20: error RC102: the character U+0007 stands here, which YAML does not allow
      remove it`,
  );
  bad(
    'a control character outside of quotes',
    `${USER}metadata: {name: a\x1b[31m}\n`,
    `
    a.yaml:3:19: error RC102: the character U+001B stands here, which YAML does not allow
      remove it`,
  );
  bad(
    'a byte order mark in the middle',
    `${user('ana')}---\n\ufeff${user('bo')}`,
    `
    a.yaml:6:1: error RC105: the character U+FEFF (a byte order mark) stands in the middle of the file
      remove it`,
  );
});
