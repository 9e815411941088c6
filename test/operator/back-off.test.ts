import { expect, test } from 'vitest';
import { backOff } from '../../src/operator/back-off.ts';

const steady = (now: () => number = () => 0) => backOff({ random: () => 1, now });

test('each failure doubles the longest wait, up to a limit', () => {
  const { failed } = steady();
  expect(Array.from({ length: 8 }, () => failed())).toEqual([
    800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000,
  ]);
});

test('a wait is anything up to that, beyond what the other side asks for', () => {
  expect(backOff({ random: () => 0 }).failed()).toBe(0);
  expect(backOff({ random: () => 0.5 }).failed(5000)).toBe(5400);
});

test('what has worked for two minutes on end begins anew', () => {
  let now = 0;
  const { failed, works } = steady(() => now);
  failed();
  failed();
  works();
  now = 119_999;
  works();
  expect(failed()).toBe(3200);
  // Time in which it did not work does not count.
  now += 600_000;
  expect(failed()).toBe(6400);
  works();
  now += 120_000;
  expect(failed()).toBe(800);
});
