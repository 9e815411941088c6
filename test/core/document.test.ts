import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Document, LIMITS, pointerPart, pointerParts, readYaml } from '../../src/core/document.ts';

function read(text: string, file = 'a.yaml') {
  return readYaml(file, text);
}

function one(text: string): Document {
  const { documents, problems } = read(text);
  expect(problems).toEqual([]);
  const [document] = documents;
  if (!document || documents.length > 1) throw new Error(`${documents.length} documents`);
  return document;
}

/** `RC102 2:3 message`. */
function told(text: string, file?: string): string[] {
  return read(text, file).problems.map(
    ({ code, message, place }) => `${code} ${place?.line}:${place?.column} ${message}`,
  );
}

/** `2:3`. */
function at(document: Document, pointer?: string, key?: 'key'): string {
  const { line, column } = document.place(pointer, key);
  return `${line}:${column}`;
}

describe('values', () => {
  test('are those of YAML 1.2: dates, no, yes and octals of old stay texts', () => {
    const { value } = one(
      '{a: 2027-01-31, b: no, c: yes, d: on, e: 1_000, f: 12:30:45, g: ~, h: 0o14, i: 0x1f, j: true, k: 1e3}',
    );
    expect(value).toEqual({
      a: '2027-01-31',
      b: 'no',
      c: 'yes',
      d: 'on',
      e: '1_000',
      f: '12:30:45',
      g: null,
      h: 12,
      i: 31,
      j: true,
      k: 1000,
    });
  });

  test('of JSON are read as they are', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ maxLength: 20 }), fc.jsonValue({ maxDepth: 3 })), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/[\u007f-\u009f\ud800-\udfff\ufffe\uffff]/.test(text) || text.isWellFormed());
        const { documents, problems } = read(text);
        if (problems.length === 0) expect(JSON.stringify(documents[0]?.value)).toBe(text);
      }),
    );
  });

  test('of a prototype are values like any other', () => {
    const { value } = one('{__proto__: {polluted: true}, constructor: 1}');
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: boolean }).polluted).toBe(undefined);
  });
});

describe('documents', () => {
  test('are several in a text; empty ones are left out', () => {
    const { documents, problems } = read('---\n# nothing\n---\na: 1\n---\n---\nb: 2\n...\n');
    expect(problems).toEqual([]);
    expect(documents.map(({ value }) => value)).toEqual([{ a: 1 }, { b: 2 }]);
    expect(documents.map((document) => at(document))).toEqual(['4:1', '7:1']);
  });

  test.each(['', '\n', '# a comment\n', '---\n', '---\n---\n', '\ufeff'])('are none in %j', (text) => {
    expect(read(text)).toEqual({ documents: [], problems: [] });
  });

  test('of JSON Lines are one a line, with its place in the file', () => {
    const text = '{"a": 1}\n\n{"a": {"b": [10, 20]}}\r\n{"a": 3}';
    const { documents, problems } = read(text, 'all.jsonl');
    expect(problems).toEqual([]);
    expect(documents.map(({ value }) => value)).toEqual([{ a: 1 }, { a: { b: [10, 20] } }, { a: 3 }]);
    expect(documents.map((document) => at(document, '/a/b/1'))).toEqual(['1:7', '3:18', '4:7']);
  });

  test('of JSON Lines show the mistakes of all lines, at their places', () => {
    expect(told('{"a": 1}\n{"a": 1, "a": 2}\n{"b": }}\n', 'all.jsonl')).toEqual([
      'RC104 2:10 key "a" is given twice in one mapping',
      expect.stringMatching(/^RC102 3:\d+ /),
    ]);
  });

  test('are all read for their mistakes, though one has some', () => {
    expect(told('a: 1\na: 2\n---\nb: 1\n---\nc: !x 1\n')).toEqual([
      'RC104 2:1 key "a" is given twice in one mapping',
      'RC102 6:4 the tag !x is not allowed',
    ]);
  });
});

describe('places', () => {
  const document = one(
    [
      'kind: Group',
      'metadata: {name: devs, labels: {"a/b": x}}',
      'spec:',
      '  members:',
      '    - name: ana',
      "    - {kind: Group, name: 'inner'}",
      '  description: >-',
      '    two words',
      '  empty:',
    ].join('\n'),
  );

  test.each([
    ['', '1:1'],
    ['/kind', '1:7'],
    ['/metadata', '2:11'],
    ['/metadata/name', '2:18'],
    ['/metadata/labels/a~1b', '2:40'],
    ['/spec', '4:3'],
    ['/spec/members', '5:5'],
    ['/spec/members/0', '5:7'],
    ['/spec/members/0/name', '5:13'],
    ['/spec/members/1', '6:7'],
    ['/spec/members/1/name', '6:27'],
    ['/spec/empty', '9:3'],
  ])('of %j is %s', (pointer, place) => {
    expect(at(document, pointer)).toBe(place);
  });

  test('of a key is where it begins', () => {
    expect(at(document, '/spec/members', 'key')).toBe('4:3');
    expect(at(document, '/metadata/labels/a~1b', 'key')).toBe('2:33');
  });

  test('of what is not there is that of the nearest parent', () => {
    expect(at(document, '/spec/members/7/name')).toBe('5:5');
    expect(at(document, '/spec/gone', 'key')).toBe('4:3');
    expect(at(document, '/nowhere/at/all')).toBe('1:1');
  });

  test('count columns in UTF-16 units, and lines by any line break', () => {
    expect(at(one('a: "💡é"\r\nb: {c: "💡", d: 1}'), '/b/d')).toBe('2:17');
    expect(at(one('a: 1\rb: 2'), '/b')).toBe('2:4');
  });

  test('of an alias is where it is used, not where its anchor is', () => {
    const used = one('a: &x {n: 1}\nb: *x');
    expect(at(used, '/b')).toBe('2:4');
    expect(at(used, '/b/n')).toBe('1:11');
  });

  test.each([
    ['plain', 'e: abc + def', 6, '1:10'],
    ['in quotes', "e: 'abc + def'", 6, '1:11'],
    ['after an escape', String.raw`e: "a\"c + def"`, 6, '1:12'],
    ['in a block', 'e: |\n  abc +\n    def', 8, '3:5'],
  ])('inside of a text that is %s are exact', (_, text, offset, place) => {
    const { line, column } = one(text).placeInside('/e', offset);
    expect(`${line}:${column}`).toBe(place);
  });
});

describe('mistakes', () => {
  test.each([
    ['a repeated key', 'a: 1\nb: 2\na: 3', 'RC104 3:1 key "a" is given twice in one mapping'],
    ['a repeated key, quoted once', 'x: {a: 1, "a": 2}', 'RC104 1:11 key "a" is given twice in one mapping'],
    ['a tag', 'a: !!js/function "x"', 'RC102 1:4 the tag !!js/function is not allowed'],
    ['a timestamp tag', 'a: !!timestamp 2027-01-31', 'RC102 1:4 the tag !!timestamp is not allowed'],
    [
      'an alias without its anchor',
      'a: *gone',
      'RC102 1:4 no anchor &gone in this document before the alias *gone',
    ],
  ])('such as %s are told at their place, and nothing is read', (_, text, expected) => {
    expect(told(text)).toEqual([expected]);
    expect(read(text).documents).toEqual([]);
  });

  test.each([
    ['a bracket that is not closed', 'a: [1, 2', /^RC102 1:\d+ .*bracket/],
    ['a quote that is not closed', 'a: "x', /^RC102 1:\d+ .*quote/],
    ['a tab that indents', 'a:\n\tb: 1', /^RC102 2:1 .*tab/],
    ['a control character', 'a: x\u0007', /^RC102 1:5 .*U\+0007/],
  ])('of the form, such as %s, too', (_, text, expected) => {
    expect(told(text)).toEqual([expect.stringMatching(expected)]);
  });

  test('are told all at once', () => {
    expect(told('a: 1\na: 2\nb: {c: 1, c: 2}\n')).toEqual([
      'RC104 2:1 key "a" is given twice in one mapping',
      'RC104 3:11 key "c" is given twice in one mapping',
    ]);
  });

  test('never throw, whatever the text', () => {
    const piece = fc.constantFrom(
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      ']',
      '&x ',
      '*x',
      '!t ',
      '"',
      "'",
      '|',
      '>',
      '---\n',
      '...',
      '%',
      '#',
      '\t',
      '?',
      '~',
      '💡',
      '\ud800',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const { documents, problems } = read(pieces.join(''));
        for (const document of documents) document.place('/a/0');
        for (const { place } of problems) expect(place?.line).toBeGreaterThan(0);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('limits', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

  test('on depth: 64, the document and its innermost value counted', () => {
    expect(told(nested(LIMITS.depth - 1))).toEqual([]);
    expect(told(nested(LIMITS.depth))).toEqual([
      expect.stringMatching(/^RC103 1:64 .*nested more than 64 deep$/),
    ]);
    expect(told(nested(100_000))).toHaveLength(1);
  });

  test('on the length of a text: 1 MiB', () => {
    const texts = (length: number) => `a: ${'x'.repeat(length)}\n`;
    expect(told(texts(LIMITS.scalarLength))).toEqual([]);
    expect(told(texts(LIMITS.scalarLength + 1))).toEqual(['RC103 1:4 a text longer than 1 MiB']);
  });

  test('on the length of a document: 8 MiB', () => {
    const lines = (bytes: number) => `a:\n${`- ${'x'.repeat(1021)}\n`.repeat(bytes / 1024)}`;
    expect(told(lines(8 * 2 ** 20 - 1024))).toEqual([]);
    expect(told(lines(8 * 2 ** 20))).toEqual(['RC103 1:1 a document longer than 8 MiB']);
    const both = `${lines(5 * 2 ** 20)}---\n${lines(5 * 2 ** 20)}`;
    expect(read(both).documents).toHaveLength(2);
  });

  test('on aliases: 1,000 a document', () => {
    const aliases = (n: number) => `a: &x 1\nb:\n${'- *x\n'.repeat(n)}`;
    expect(told(aliases(LIMITS.aliases))).toEqual([]);
    expect(told(aliases(LIMITS.aliases + 1))).toEqual([
      expect.stringMatching(/^RC103 \d+:\d+ more than 1,000 aliases in one document$/),
    ]);
    expect(told(`${aliases(LIMITS.aliases)}---\n${aliases(LIMITS.aliases)}`)).toEqual([]);
  });

  test('on what aliases expand to: a bomb is refused before it is built', () => {
    const levels = Array.from(
      { length: 9 },
      (_, i) =>
        `l${i}: &l${i} [${Array(9)
          .fill(i === 0 ? 'x' : `*l${i - 1}`)
          .join(', ')}]`,
    );
    const started = performance.now();
    expect(told(levels.join('\n'))).toEqual([
      expect.stringMatching(/^RC103 \d+:\d+ aliases expand to more than 100,000 values$/),
    ]);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('do not add up over documents', () => {
    const { documents, problems } = read('a: &x [1, 2]\nb: *x\n---\n'.repeat(2000));
    expect([documents.length, problems]).toEqual([2000, []]);
  });
});

test('a part of a pointer is escaped, and read back', () => {
  expect(pointerParts('/a~1b/c~0d/~01')).toEqual(['a/b', 'c~d', '~1']);
  expect(pointerParts('')).toEqual([]);
  fc.assert(
    fc.property(fc.array(fc.string()), (parts) => {
      expect(pointerParts(parts.map((part) => `/${pointerPart(part)}`).join(''))).toEqual(parts);
    }),
  );
});
