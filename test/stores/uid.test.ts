import { expect, test } from 'vitest';
import { uidsFrom } from '../../src/stores/sql/uid.ts';

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('uids are UUIDs of version 7 that sort in the order of making, and differ from those of the same time', () => {
  const at = '2026-06-01T00:00:00.000Z';
  const [first, second] = [uidsFrom(at), uidsFrom(at)];
  const made = Array.from({ length: 10_000 }, first);
  expect(made.filter((uid) => !UUID_7.test(uid))).toEqual([]);
  expect(made.toSorted()).toEqual(made);
  expect(made[0]?.replaceAll('-', '').slice(0, 12)).toBe(Date.parse(at).toString(16).padStart(12, '0'));
  expect(new Set([...made, ...Array.from({ length: 10_000 }, second)]).size).toBe(20_000);
});
