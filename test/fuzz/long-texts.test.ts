import { expect, test } from 'vitest';
import { readInput } from '../../src/core/read-input.ts';
import { numbers } from '../support/fuzz-numbers.ts';
import { TOKENS } from '../support/fuzz-pieces.ts';
import { Tape } from '../support/tape.ts';

/** What costs more than its length: two pieces, again and again, to a megabyte. */
const LONG = process.env.ROLECALL_LONG === '1';
const LENGTH = 2 ** 20;

const PIECES = [
  ...TOKENS,
  ...[
    '[a: ',
    '{a: ',
    '"\\\n',
    '"\\x41',
    '\t\n',
    ' \t- ',
    '... a\n',
    '\ufeff\n',
    '- "\ufeff"\n',
    '%YAML 1.2\n---\n',
    '&a a: b\n',
  ],
  ...[
    '? - a\n',
    'a #b\n:c',
    '|2\n   \n',
    '- |2\n    \n',
    '"a"\n\t: b\n',
    'a: *x\n',
    '!!map a\n',
    'a: [b,\tc]\n',
    "''",
    '{"a":1}\n',
  ],
];

function pairs(): string[] {
  const all = PIECES.flatMap((one) => PIECES.map((other) => one + other));
  if (LONG) return all;
  const tape = new Tape(numbers(1, 100));
  return Array.from({ length: 100 }, () => tape.one(all) ?? '');
}

test('the time that a text takes grows with its length', { timeout: 60 * 60_000 }, () => {
  const slow: string[] = [];
  for (const pair of pairs()) {
    const text = pair.repeat(Math.ceil(LENGTH / pair.length));
    const before = process.cpuUsage();
    readInput([{ file: 'a.yaml', text }]);
    const { user } = process.cpuUsage(before);
    if (user > 6_000_000) slow.push(`${JSON.stringify(pair)}: ${user / 1_000_000} s`);
  }
  expect(slow).toEqual([]);
});
