import { describe, expect, test } from 'vitest';
import { readYaml } from '../../src/core/document.ts';
import { readInput } from '../../src/core/read-input.ts';
import { disagreement } from '../support/fuzz-oracle.ts';

/** What two readers of YAML read as two different things, or one of them not at all: each class that the fuzzer found. */
function told(text: string): string[] {
  return readYaml('a.yaml', text).problems.map(
    ({ code, message, place }) => `${code} ${place?.line}:${place?.column} ${message}`,
  );
}

const KEY = 'k'.repeat(1025);
const TAB = 'a tab indents this line';
const SPACE = 'a space is missing before this';
const IN_LINE = 'a mapping begins in the middle of a line';
const STRAY = 'this stands in a line that belongs to something else';
const OPEN = 'spaces without a line break after them end this text';

describe('is refused', () => {
  test.each([
    ['a key without a name', 'a: 1\n: 2', '2:3 a key must be a text, not null'],
    ['a key that is null', 'a: 1\nnull: 2', '2:1 a key must be a text, not null'],
    ['a key that is tagged null', 'a: 1\n!!null "": 2', '2:8 a key must be a text, not null'],
    ['a key that is nothing but a tag', '? a\n: !!str :', '2:3 a key must be more than an anchor or a tag'],
    ['a key that is nothing at all', '?', '1:1 a key must be a text, not null'],
    ['a long key', `${KEY}: 1`, '1:1 a key longer than 1,024 characters'],
    ['a long key with escapes', `"${'\\x41'.repeat(300)}": 1`, '1:1 a key longer than 1,024 characters'],
    ['a number that is infinite', 'a: 1e999', '1:4 the number 1e999 is too large'],
    ['the same with a sign', 'a: [-1.0E+400]', '1:5 the number -1.0E+400 is too large'],
    ['a number of 400 digits', `a: ${'1'.repeat(400)}`, `1:4 the number ${'1'.repeat(59)}… is too large`],
    ['an escape beyond Unicode', 'a: "x\\U00110000"', '1:6 the escape \\U00110000 stands for no character'],
    [
      'one that overflows to a letter',
      'a: "\\U80000041"',
      '1:5 the escape \\U80000041 stands for no character',
    ],
    ['an empty line after a joined one', 'a: "x\\\n\n  y"', '1:6 an empty line after a line that \\ joins'],
    [
      'YAML 1.1',
      '%YAML 1.1\n---\na: no',
      '1:1 this says that the text is not YAML 1.2, in which manifests are written',
    ],
    ['a tag handle', '%TAG !! tag:x,2000:\n---\na: 1', '1:1 a line that begins with %'],
    ['a directive that nobody knows', '%FOO\n---\na: 1', '1:1 a line that begins with %'],
    ['a marker after white space', ' ---\na: 1', '1:1 white space before ---'],
    ['a marker after a tab', '\n\t---\na: 1', '2:1 white space before ---'],
    ['an end after a tab', '[\n\t...\n]', '2:1 white space before ...'],
    [
      'a directive after white space',
      ' %YAML 1.2\n---\na: 1',
      '2:1 --- is missing after the lines that begin with %',
    ],
    ['a marker after a directive and a space', '%YAML 1.2\n ---\na: 1', '1:1 a line that begins with %'],
    ['something after the end', '\n... b: 2', '2:5 something stands after ... in the line'],
    ['an anchor after the end', '... &a\n', '1:5 something stands after ... in the line'],
    ['an anchor that touches a bracket', 'a: &x{b: 1}', `1:6 ${SPACE}`],
    ['a tag that touches a bracket', '[!!map{b: 1}]', `1:7 ${SPACE}`],
    ['a mapping after an anchor', 'a: &x b: 1', `1:4 ${IN_LINE}`],
    ['a mapping after a tag', 'a: !!str b: 1', `1:4 ${IN_LINE}`],
    ['two anchors before a key', 'a:\n  &x &y b: 1', `2:6 ${IN_LINE}`],
    ['a mapping that is empty but for its tag', 'a: !!map', '1:4 the tag !!map stands at no list or mapping'],
    ['a binary number', 'a: !!int 0b11', '1:4 this is not a value of the tag !!int'],
    ['what follows a list in its line', 'a:\n- {}b: 1', `2:5 ${STRAY}`],
    ['what follows a text in its line', 'a:\n- "b" c: 1', `2:7 ${STRAY}`],
    ['a colon that touches a value', '{a # b\n :c}', '2:3 a space is missing after the colon'],
    ['a tab in brackets', 'a: [b,\tc]', '1:8 a tab stands before this'],
    ['a tab in a text over several lines', 'a: b\n \tc', `2:1 ${TAB}`],
    ['a tab in quotes over several lines', 'a: "b\n \tc"', `2:1 ${TAB}`],
    ['a tab after a block', 'a: |\n  b\n\t\nc: 1', `3:1 ${TAB}`],
    ['a tab before a colon', '? a\n\t: b', `2:1 ${TAB}`],
    ['a tab before a key', '? a\n\tb: c', `2:1 ${TAB}`],
    [
      'a tag between brackets at the end of its line',
      'a: [!!str\n]',
      '1:10 the line ends here, between brackets',
    ],
    ['spaces at the end', 'a: |+\n  b\n\n   ', `4:1 ${OPEN}`],
    [
      'spaces at the end of a block',
      'a: |2\n  b\n   \n',
      '3:1 this block ends with a line of nothing but spaces',
    ],
  ])('%s', (_, text, expected) => {
    expect(told(text)).toEqual([`RC102 ${expected}`]);
  });

  test('a byte order mark in the middle', () => {
    expect(told('a: 1\n\ufeffb: 2')).toEqual([
      'RC105 2:1 the character U+FEFF (a byte order mark) stands in the middle of the file',
    ]);
  });
});

describe('is read, and alike', () => {
  test.each([
    ['JSON that tabs indent', '{\n\t"a": [\n\t\t1\n\t]\n}\n', { a: [1] }],
    ['the version that it is', '%YAML 1.2 # of 2021\n---\na: no', { a: 'no' }],
    ['an end with a comment', 'a: 1\n... # b\n', { a: 1 }],
    [
      'anchors and tags where they belong',
      'a: &x\n  b: 1\nc: [*x, &y]\n? &z d\n: !!str 1',
      { a: { b: 1 }, c: [{ b: 1 }, null], d: '1' },
    ],
    ['percentages and signs', 'a: 25%\nb: "%x"\nc: ! d', { a: '25%', b: '%x', c: 'd' }],
    ['numbers as keys', '1: a\n0x10: b\ntrue: c', { 1: 'a', 16: 'b', true: 'c' }],
    ['numbers that are small or exact', 'a: 1e-999\nb: 1e308\nc: -0.0', { a: 0, b: 1e308, c: -0 }],
    ['texts that others take for numbers', 'a: 1:30\nb: 012_3\nc: 0b1', { a: '1:30', b: '012_3', c: '0b1' }],
    ['merge keys as the keys that they are', '<<: {a: 1}', { '<<': { a: 1 } }],
    ['tabs in a block', 'a: |\n  \tb\n   \t\n  c\n', { a: '\tb\n \t\nc\n' }],
    ['tabs between values', 'a:\tb\nc: [d, e]\t# f\n', { a: 'b', c: ['d', 'e'] }],
    ['a byte order mark before a marker', 'a: 1\n\ufeff---\nnull\n', { a: 1 }],
    ['one in quotes', 'a: "\ufeffb"', { a: '\ufeffb' }],
  ])('%s', (_, text, value) => {
    const { documents, problems } = readYaml('a.yaml', text);
    expect([documents.map((one) => one.value), problems]).toEqual([[value], []]);
    expect(disagreement(text, [value])).toBe(undefined);
  });

  test('a large text of many documents, the first with its version', () => {
    const text = `%YAML 1.2\n---\n${`a: ${'x'.repeat(2 ** 20 - 10)}\n---\n`.repeat(10)}b: 1\n`;
    const { documents, problems } = readYaml('a.yaml', text);
    expect([documents.length, problems]).toEqual([11, []]);
  });

  test('a large text with a byte order mark after the end of a document', () => {
    const text = `#${'x'.repeat(2 ** 20)}\na: 1\n...\n\ufeff---\nb: 2\n\ufeff---\nc: 3\n`;
    const { documents, problems } = readYaml('a.yaml', text);
    expect([documents.map(({ value }) => value), problems]).toEqual([[{ a: 1 }, { b: 2 }, { c: 3 }], []]);
  });

  test('lines of JSON that end with CR LF, with their mistakes where they are', () => {
    const { problems } = readYaml('a.jsonl', '{"a": 1}\r\n{"a": [\r\n');
    expect(problems.map(({ place }) => [place?.line, place?.column])).toEqual([[2, 8]]);
  });

  test('values that are absent have a place, also inside of them', () => {
    const [document] = readYaml('a.yaml', 'a:\nb: [&x]\nc:\n  -\n').documents;
    const places = ['/a', '/b/0', '/c/0'].map((pointer) => document?.placeInside(pointer, 3));
    expect(places.map((place) => [place?.line, place?.column])).toEqual([
      [1, 1],
      [2, 5],
      [4, 3],
    ]);
  });
});

describe('a mapping that no text can be made of is a problem, wherever a text should be', () => {
  const value = '{toString: a, valueOf: b, toJSON: c}';
  const manifest = (kind: string, metadata: string, spec: string) =>
    `apiVersion: rolecall.dev/v1alpha1\nkind: ${kind}\nmetadata: ${metadata}\nspec: ${spec}\n`;

  test.each([
    ['kind', `kind: ${value}`],
    ['kind of ours', manifest(value, '{name: a}', '{}')],
    ['metadata', manifest('User', value, '{}')],
    ['name', manifest('User', `{name: ${value}}`, '{}')],
    ['namespace', manifest('Group', `{name: a, namespace: ${value}}`, '{}')],
    ['spec', manifest('User', '{name: a}', value)],
    ['one of several words', manifest('User', '{name: a}', `{email: a@b.example, state: ${value}}`)],
    [
      'name in a list',
      manifest(
        'Group',
        '{name: a, namespace: b}',
        `{displayName: a, members: [{name: ${value}}, {name: ${value}}]}`,
      ),
    ],
    ['scope', manifest('Role', '{name: a}', `{displayName: a, scopes: [${value}, ${value}]}`)],
    [
      'resource',
      manifest(
        'RoleBinding',
        '{name: a, namespace: b}',
        `{role: a, subjects: [{name: b}], resources: [{type: ${value}}, {type: ${value}, id: ${value}}]}`,
      ),
    ],
    ['limit', manifest('Workspace', '{name: a}', `{displayName: a, guards: {maxRemovals: ${value}}}`)],
    [
      'expression',
      manifest(
        'AccessPolicy',
        '{name: a}',
        `{match: {on: ${value}}, validations: [{expression: ${value}}, {expression: ${value}}]}`,
      ),
    ],
    [
      'annotation',
      manifest('User', `{name: a, annotations: {rolecall.dev/paused: ${value}}}`, '{email: a@b.example}'),
    ],
  ])('%s', (_, text) => {
    const { problems } = readInput([{ file: 'a.yaml', text }]);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.every(({ place }) => place !== undefined)).toBe(true);
  });
});
