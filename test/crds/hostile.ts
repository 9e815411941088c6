import fc from 'fast-check';
import { type Path, replaced } from './borders.ts';

/** Characters that are seen, are not seen, or mean something to one of the two judges. */
const CHARACTERS = [
  ...[
    'a',
    'Z',
    '0',
    '-',
    '_',
    '.',
    '/',
    '\\',
    '@',
    ';',
    ' ',
    "'",
    '"',
    '%',
    '+',
    ':',
    '~',
    'é',
    'ß',
    '東',
    '😀',
  ],
  ...['\0', '\t', '\n', '\v', '\r', '\u001b', '\u001f', '\u007f', '\u0085', '\u009f', '\u00a0', '\u00ad'],
  ...['\u061c', '\u1680', '\u180e', '\u2000', '\u200a', '\u200b', '\u200d', '\u200e', '\u200f', '\u2028'],
  ...['\u2029', '\u202a', '\u202e', '\u202f', '\u205f', '\u2060', '\u2066', '\u2069', '\u3000', '\ufeff'],
  ...['\u{e0001}', '; '],
];

const text = fc.array(fc.constantFrom(...CHARACTERS), { maxLength: 3 }).map((parts) => parts.join(''));

function digits(from: number, to: number): fc.Arbitrary<string> {
  return fc.integer({ min: from, max: to }).map((value) => String(value).padStart(2, '0'));
}

const year = fc.constantFrom('0001', '1900', '2000', '2023', '2024', '2027', '2100', '2400', '9998');
const day = fc.tuple(year, digits(1, 12), digits(1, 31)).map((parts) => parts.join('-'));
const noDay = fc.tuple(year, digits(0, 13), digits(0, 32)).map((parts) => parts.join('-'));

/** Mostly near to those of the table, so that windows are open, shut, and of no length. */
const time = fc
  .tuple(
    fc.oneof(day, noDay, fc.constantFrom('2026-12-01', '2026-12-02', '2027-01-31', '2027-02-01')),
    fc.oneof({ weight: 3, arbitrary: fc.constant('T') }, { weight: 1, arbitrary: fc.constantFrom('t', ' ') }),
    fc.constantFrom('00:00:00', '23:59:59', '18:00:00', '10:00:00', '24:00:00', '12:00:60', '12:00'),
    fc.constantFrom('', '', '.5', '.001', '.0019', '.123456789', '.1234567890', '.'),
    fc.constantFrom('Z', 'Z', 'z', '+01:00', '-23:59', '+24:00', '', '+0100'),
  )
  .chain(([date, ...rest]) => fc.constantFrom(date, [date, ...rest].join('')));

const path = fc
  .array(fc.oneof(fc.constantFrom('a', '.', '..', '...', '', 'a.b'), text), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/'));

const word = fc.constantFrom(
  ...[
    'ana',
    'a-b',
    '-a',
    'a-',
    'A',
    'a.b',
    '1',
    '1a',
    'a/b',
    'a'.repeat(63),
    'a'.repeat(64),
    'Source',
    'User',
  ],
  ...[
    '0%',
    '100%',
    '101%',
    '010%',
    '7%',
    '+1%',
    '1.5%',
    '30m',
    '1w',
    '0d',
    '99999h',
    '100000h',
    'a@b',
    ' a@b ',
  ],
);

/** What a text is made to be. */
const value = fc.oneof(
  text,
  fc
    .tuple(fc.constantFrom('a', 'a@b', 'Acme '), text, fc.constantFrom('', 'z'))
    .map((parts) => parts.join('')),
  time,
  path,
  word,
);

/** One of the specs, of which one or two texts are made something else. */
export function hostile(specs: readonly unknown[]): fc.Arbitrary<unknown> {
  const places = specs.flatMap((spec) => textsIn(spec).map((at) => ({ spec, at })));
  return fc.constantFrom(...places).chain(({ spec, at }) =>
    fc
      .tuple(value, fc.option(fc.tuple(fc.constantFrom(...textsIn(spec)), value), { freq: 3 }))
      .map(([first, second]) => {
        const once = replaced(spec, at, first);
        return second ? replaced(once, second[0], second[1]) : once;
      }),
  );
}

function textsIn(spec: unknown): Path[] {
  if (typeof spec === 'string') return [[]];
  if (typeof spec !== 'object' || spec === null) return [];
  return Object.entries(spec).flatMap(([key, inner]) =>
    textsIn(inner).map((path) => [Array.isArray(spec) ? Number(key) : key, ...path]),
  );
}
