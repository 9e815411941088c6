import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowed, isLooser, isShare, parseLimit, showShare, tightest } from '../../src/core/limit.ts';

const limit = fc.oneof(
  fc.nat(50),
  fc.nat(100).map((percent) => `${percent}%`),
);

describe('a limit', () => {
  test.each([
    ['0', 0],
    ['12', 12],
    ['0%', '0%'],
    ['25%', '25%'],
    ['100%', '100%'],
  ])('%s is one', (text, value) => {
    expect(parseLimit(text)).toBe(value);
  });

  test.each(['', '-1', '101%', '2.5%', '1e3', '25 %', '%', '١٢', '12345678901'])('%j is none', (text) => {
    expect(parseLimit(text)).toBe(undefined);
  });

  test('lets pass what the words say', () => {
    expect([
      allowed('25%', 20),
      allowed('25%', 19),
      allowed('0%', 1000),
      allowed('100%', 7),
      allowed(3, 1),
    ]).toEqual([5, 4, 0, 7, 3]);
  });

  test('that is tightest lets no more pass than any other', () => {
    fc.assert(
      fc.property(fc.array(limit, { minLength: 1 }), fc.nat(1000), (limits, total) => {
        const one = tightest(limits, total);
        expect(one === undefined ? -1 : allowed(one, total)).toBe(
          Math.min(...limits.map((each) => allowed(each, total))),
        );
      }),
    );
  });

  test('that is not looser never lets more pass', () => {
    fc.assert(
      fc.property(limit, limit, fc.nat(10_000), (now, then, total) => {
        fc.pre(!isLooser(now, then));
        expect(allowed(now, total)).toBeLessThanOrEqual(allowed(then, total));
      }),
    );
  });

  test('of none at all is no share: it holds for small numbers too', () => {
    expect([isShare('0%'), isShare(0), isShare('1%'), isShare(3)]).toEqual([false, false, true, false]);
  });

  test('is never read as kept when it is not', () => {
    expect([showShare(251, 1000), showShare(2501, 10_000), showShare(5, 20), showShare(1, 3)]).toEqual([
      '25.1 %',
      '25.1 %',
      '25 %',
      '33.4 %',
    ]);
  });
});
