import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CSV, csv, safeCell } from '../../src/render/csv.ts';

function text(...rows: readonly Record<string, string>[]): string {
  const columns = Object.keys(rows[0] ?? {});
  return [...csv(columns, rows)].join('');
}

/** What any reader of RFC 4180 makes of it. */
function parsed(csvText: string): string[][] {
  return parse(csvText, { record_delimiter: '\r\n' });
}

describe('the form', () => {
  test('is a header and rows, every field quoted, CRLF at each end', () => {
    expect(text({ a: '1', b: '' }, { a: 'x', b: 'y' })).toBe('"a","b"\r\n"1",""\r\n"x","y"\r\n');
  });

  test('without rows is the header alone', () => {
    expect([...csv(['a', 'b'], [])]).toEqual(['"a","b"\r\n']);
  });

  test('doubles quotes, and leaves commas, line ends and other letters as they are', () => {
    expect(text({ a: 'say "hi", Ána\nnow' })).toBe('"a"\r\n"say ""hi"", Ána\nnow"\r\n');
  });

  test('has the columns that are asked for, in that order, whatever else a row has', () => {
    const row = { a: '1', b: '2', c: '3' };
    expect([...csv(['b', 'a'], [row])].join('')).toBe('"b","a"\r\n"2","1"\r\n');
  });

  test('is the same whether the cells of a row are written at once or in parts', () => {
    const parts = [CSV.cells(['=a', 'b"']), CSV.cells(['c', '']), CSV.cells(['; -d'])];
    expect(parts.join(CSV.between)).toBe(CSV.cells(['=a', 'b"', 'c', '', '; -d']));
  });

  test('comes row by row', () => {
    const rows = (function* () {
      yield { a: '1' };
      throw new Error('not yet wanted');
    })();
    const pieces = csv(['a'], rows);
    expect([pieces.next().value, pieces.next().value]).toEqual(['"a"\r\n', '"1"\r\n']);
    expect(() => pieces.next()).toThrow('not yet wanted');
  });
});

const FULL_WIDTH = { '=': '\uff1d', '+': '\uff0b', '-': '\uff0d', '@': '\uff20' };

describe('a cell that a spreadsheet would run', () => {
  const dangerous = [...'=+-@\t\r\n', ...Object.values(FULL_WIDTH)];

  test.each(dangerous.map((first) => [JSON.stringify(first), first]))(
    'that begins with %s gets an apostrophe',
    (_, first) => {
      expect(safeCell(`${first}1+1`)).toBe(`'${first}1+1`);
    },
  );

  test.each(['=', '\uff1d', '@'])('gets it also after leading white space: %s', (first) => {
    for (const space of [' ', '   ', '\u00a0', '\u3000', '\ufeff'])
      expect(safeCell(`${space}${first}A1`)).toBe(`${space}'${first}A1`);
  });

  test('gets it after leading white space that is itself dangerous', () => {
    expect(safeCell('\t=A1')).toBe("'\t=A1");
    expect(safeCell(' \t')).toBe(" '\t");
  });

  test('gets it in each part that "; " joins', () => {
    expect(safeCell('=a; b; -c;  +d; \uff20e')).toBe("'=a; b; '-c;  '+d; '\uff20e");
    expect(safeCell('Admin [Source/=x]; Reader')).toBe('Admin [Source/=x]; Reader');
  });

  test.each([
    '',
    'a=b',
    'ana@acme.example',
    '2026-06-01T00:00:00Z',
    'group:a>b',
    "it's",
    'a - b',
    'x;=y',
    '#x',
    '\u2212x',
  ])('and no other does: %s', (value) => {
    expect(safeCell(value)).toBe(value);
  });
});

describe('of any rows', () => {
  const piece = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        '=',
        '+',
        '-',
        '@',
        '\t',
        '\r',
        '\n',
        '"',
        "'",
        ',',
        ';',
        '; ',
        ' ',
        '\u3000',
        '\uff1d',
        '\uff20',
        '\r\n',
      ),
    },
    { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 4 }) },
  );
  const cell = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  const table = fc.array(fc.record({ one: cell, two: cell, three: cell }), { maxLength: 8 });
  const columns = ['one', 'two', 'three'] as const;

  test('a reader gets back every cell, but for the apostrophes', () => {
    fc.assert(
      fc.property(table, (rows) => {
        const [header, ...read] = parsed([...csv(columns, rows)].join(''));
        expect(header).toEqual(columns);
        expect(read).toEqual(rows.map((row) => columns.map((column) => safeCell(row[column]))));
      }),
      { numRuns: 500 },
    );
  });

  test('no cell, and no part of one, begins with what a spreadsheet runs', () => {
    fc.assert(
      fc.property(cell, (value) => {
        for (const part of safeCell(value).split('; ')) {
          expect('=+-@\t\r\n\uff1d\uff0b\uff0d\uff20').not.toContain(part.charAt(0) || 'nothing');
          expect('=+-@\uff1d\uff0b\uff0d\uff20').not.toContain(part.trimStart().charAt(0) || 'nothing');
        }
      }),
      { numRuns: 500 },
    );
  });

  test('only apostrophes are added, at most one to a part', () => {
    fc.assert(
      fc.property(cell, (value) => {
        const parts = value.split('; ');
        const safe = safeCell(value).split('; ');
        expect(safe).toHaveLength(parts.length);
        for (const [i, part] of parts.entries()) {
          const written = safe[i] ?? '';
          if (written === part) continue;
          const at = /^\s*/.exec(part)?.[0].length ?? 0;
          const places = Array.from({ length: at + 1 }, (_, n) => `${part.slice(0, n)}'${part.slice(n)}`);
          expect(places).toContain(written);
        }
      }),
      { numRuns: 500 },
    );
  });
});
