import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALWAYS, contains, intersect, merge, type Span, spanOf, subtract } from '../../src/core/window.ts';
import {
  isExpired,
  normalTime,
  normalWindow,
  parseTime,
  showTime,
  windowState,
} from '../../src/kinds/time.ts';

const end = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constant(-Infinity), fc.constant(Infinity));
const span: fc.Arbitrary<Span> = fc
  .tuple(end, end)
  .filter(([a, b]) => a !== b)
  .map(([a, b]) => ({ from: Math.min(a, b), until: Math.max(a, b) }));
const spans = fc.array(span, { maxLength: 6 });
const MOMENTS = Array.from({ length: 30 }, (_, i) => i / 2 - 1);

/** The moments that any of the spans has, told without the functions under test. */
function momentsIn(list: readonly Span[]): number[] {
  return MOMENTS.filter((moment) => list.some(({ from, until }) => from <= moment && moment < until));
}

describe('spans are half-open sets of moments', () => {
  test('a window without ends is always', () => {
    expect(spanOf({})).toBe(ALWAYS);
    expect(spanOf({ notBefore: '2026-06-01T00:00:00Z' })).toEqual({
      from: Date.parse('2026-06-01'),
      until: Infinity,
    });
    expect(spanOf({ expiresAt: '2026-06-01T00:00:00Z' })).toEqual({
      from: -Infinity,
      until: Date.parse('2026-06-01'),
    });
  });

  test('the first moment is in, the last is not', () => {
    expect([0, 1, 2].map((moment) => contains({ from: 1, until: 2 }, moment))).toEqual([false, true, false]);
  });

  test('intersect has what both have; nothing where they only touch', () => {
    expect(intersect({ from: 1, until: 2 }, { from: 2, until: 3 })).toBe(undefined);
    fc.assert(
      fc.property(span, span, (a, b) => {
        const both = intersect(a, b);
        expect(momentsIn(both ? [both] : [])).toEqual(
          MOMENTS.filter((moment) => contains(a, moment) && contains(b, moment)),
        );
      }),
    );
  });

  test('merge has the same moments, sorted, and no two that overlap or touch', () => {
    fc.assert(
      fc.property(spans, (list) => {
        const merged = merge(list);
        expect(momentsIn(merged)).toEqual(momentsIn(list));
        const gaps = merged.slice(1).map(({ from }, i) => from - (merged[i]?.until ?? from));
        expect(gaps.every((gap) => gap > 0)).toBe(true);
      }),
    );
  });

  test('subtract has the moments of the first that the second has not', () => {
    fc.assert(
      fc.property(spans, spans, (a, b) => {
        const left = subtract(merge(a), merge(b));
        const taken = new Set(momentsIn(b));
        expect(momentsIn(left)).toEqual(momentsIn(a).filter((moment) => !taken.has(moment)));
        expect(merge(left)).toEqual(left);
      }),
    );
  });
});

describe('times', () => {
  test.each([
    ['2027-01-31', '2027-01-31T00:00:00Z'],
    ['2027-01-31T18:00:00Z', '2027-01-31T18:00:00Z'],
    ['2027-01-31t18:00:00z', '2027-01-31T18:00:00Z'],
    ['2027-01-31T18:00:00+02:00', '2027-01-31T16:00:00Z'],
    ['2027-01-31T23:30:00-01:00', '2027-02-01T00:30:00Z'],
    ['2027-01-31T18:00:00.5Z', '2027-01-31T18:00:00.500Z'],
    ['2027-01-31T18:00:00.1239999Z', '2027-01-31T18:00:00.123Z'],
    ['2028-02-29', '2028-02-29T00:00:00Z'],
    ['0001-01-01', '0001-01-01T00:00:00Z'],
  ])('%s is %s', (written, normal) => {
    expect(normalTime(written)).toBe(normal);
    expect(normalTime(normal)).toBe(normal);
  });

  test.each([
    '2027-02-29',
    '2027-04-31',
    '2027-13-01',
    '2027-00-10',
    '2027-1-1',
    '27-01-01',
    '2027-01-31T18:00Z',
    '2027-01-31T18:00:00',
    '',
  ])('%j is none', (text) => {
    expect(parseTime(text)).toBe(undefined);
  });

  test('every time has one normal form', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          expect(parseTime(normalTime(date.toISOString()))).toBe(date.getTime());
        },
      ),
    );
  });

  test('a window leaves out the ends that it does not have', () => {
    expect(normalWindow({})).toEqual({});
    expect(normalWindow({ notBefore: '2027-01-01', expiresAt: undefined })).toEqual({
      notBefore: '2027-01-01T00:00:00Z',
    });
  });

  test('a window has expired from its end on', () => {
    const window = { expiresAt: '2026-06-01T00:00:00Z' };
    expect(isExpired(window, Date.parse('2026-06-01') - 1)).toBe(false);
    expect(isExpired(window, Date.parse('2026-06-01'))).toBe(true);
    expect(isExpired({}, Infinity)).toBe(false);
  });

  test('people read minutes, and seconds only where there are some', () => {
    expect(showTime('2027-01-31T00:00:00Z')).toBe('2027-01-31 00:00 UTC');
    expect(showTime('2027-01-31T18:00:05Z')).toBe('2027-01-31 18:00:05 UTC');
    expect(showTime('2027-01-31T18:00:00.500Z')).toBe('2027-01-31 18:00:00.500 UTC');
  });
});

test('what has a window is Pending, Active, then Expired, each from its very millisecond on', () => {
  const window = { notBefore: '2026-06-01T00:00:00Z', expiresAt: '2026-06-02T00:00:00Z' };
  const [from, until] = [Date.parse(window.notBefore), Date.parse(window.expiresAt)];
  const states = (standing?: 'Active' | 'Suspended' | 'Revoked') =>
    [from - 1, from, until - 1, until].map((time) => windowState(window, time, standing));
  expect(states()).toEqual(['Pending', 'Active', 'Active', 'Expired']);
  expect(states('Suspended')).toEqual(['Suspended', 'Suspended', 'Suspended', 'Expired']);
  expect(states('Revoked')).toEqual(['Revoked', 'Revoked', 'Revoked', 'Revoked']);
  expect(windowState({}, from)).toBe('Active');
});
