import { LIMITS } from '../../src/core/document.ts';
import { MUTATIONS } from './fuzz-mutations.ts';
import { KEYS, SCALARS, TOKENS } from './fuzz-pieces.ts';
import type { Tape } from './tape.ts';

/** A real text, changed in a few places. */
export function mutated(base: string, tape: Tape): string {
  let text = base;
  for (let left = 1 + tape.below(3); left > 0; left--) text = tape.pick(MUTATIONS)(text, tape);
  return text;
}

/** Tokens in any order. */
export function soup(tape: Tape): string {
  let text = '';
  for (let left = 1 + tape.below(30); left > 0; left--)
    text += tape.chance(5) ? tape.pick(SCALARS) : tape.pick(TOKENS);
  return text;
}

/** Mostly valid: a value of YAML, written in a way of its own at each level. */
export function written(tape: Tape, indent = 0, depth = 3): string {
  const pad = ' '.repeat(indent);
  const inner = () => written(tape, indent + 1 + tape.below(3), depth - 1);
  const count = 1 + tape.below(3);
  const many = (one: () => string) => Array.from({ length: count }, one);
  switch (depth <= 0 ? 0 : tape.below(9)) {
    case 1:
    case 2:
      return `\n${many(() => `${pad}${key(tape)}: ${inner()}`).join('\n')}`;
    case 3:
    case 4:
      return `\n${many(() => `${pad}- ${inner()}`).join('\n')}`;
    case 5:
      return `{${many(() => `${key(tape)}: ${inline(tape, depth - 1)}`).join(', ')}}`;
    case 6:
      return `[${many(() => inline(tape, depth - 1)).join(', ')}]`;
    case 7:
      return `${tape.pick(['&a', '&b', '!!map', '!!str', '!'])} ${inner()}`;
    case 8:
      return tape.chance(4) ? tape.pick(['*a', '*b']) : scalar(tape);
    default:
      return scalar(tape);
  }
}

function inline(tape: Tape, depth: number): string {
  switch (depth <= 0 ? 0 : tape.below(4)) {
    case 1:
      return `{${key(tape)}: ${inline(tape, depth - 1)}}`;
    case 2:
      return `[${inline(tape, depth - 1)}, ${inline(tape, depth - 1)}]`;
    default:
      return scalar(tape);
  }
}

/** One in three is a hostile one: a text of many would never be accepted. */
function scalar(tape: Tape): string {
  return tape.chance(3)
    ? tape.pick(SCALARS)
    : tape.pick(['a', 'b c', '1', '"q"', "'s'", 'true', '2027-01-31', '']);
}

function key(tape: Tape): string {
  return tape.chance(4)
    ? tape.pick(KEYS)
    : `${tape.pick(['a', 'b', 'name', '"q', "'s"])}${tape.below(100)}`.replace(/^(["']).*/, '$&$1');
}

/** One JSON value a line, or over several; some of it cut, doubled or wrong. */
export function json(tape: Tape): string {
  const value = (depth: number): string => {
    switch (depth <= 0 ? 0 : tape.below(3)) {
      case 1:
        return `{"a": ${value(depth - 1)}, "${tape.pick(['b', 'c', 'd', 'a', '__proto__', '', '\\u0061', '<<'])}":${value(depth - 1)}}`;
      case 2:
        return `[${value(depth - 1)},\t${value(depth - 1)}]`;
      default:
        return tape.pick([
          '1',
          '-0',
          '1e999',
          '"a"',
          'null',
          'true',
          '"\\ud800"',
          '"\\u0000"',
          '"\\/"',
          '1.50',
          '""',
          '.5',
          'NaN',
          "'a'",
          '"\u2028"',
        ]);
    }
  };
  return Array.from({ length: 1 + tape.below(4) }, () => value(3)).join(
    tape.pick(['\n', '\r\n', '\n\n', ' ', ',\n']),
  );
}

/** As deep, as long and as often as a limit allows, and one more; never so large that it takes long to make. */
export function extreme(tape: Tape): string {
  const at = (limit: number) => limit - 2 + tape.below(5);
  const deep = at(LIMITS.depth);
  const blocks = (line: string) => Array.from({ length: deep }, (_, i) => ' '.repeat(i) + line).join('\n');
  switch (tape.below(12)) {
    case 0:
      return '['.repeat(deep) + ']'.repeat(deep);
    case 1:
      return '{a: '.repeat(deep) + '}'.repeat(deep);
    case 2:
      return blocks('a:');
    case 3:
      return '- '.repeat(deep);
    case 4:
      return blocks('? ');
    case 5:
      return `a: &x 1\nb:\n${'- *x\n'.repeat(at(LIMITS.aliases))}`;
    case 6:
      return bomb(1 + tape.below(9), 1 + tape.below(9));
    case 7:
      return '[{a: '.repeat(tape.below(20_000));
    case 8:
      return blocks(tape.pick(['&a\n', '!!map\n', '&a a:', '- &a', '"', '[']));
    case 9:
      return tape.pick(SCALARS).repeat(1 + tape.below(2000));
    case 10:
      return tape.pick(TOKENS).repeat(1 + tape.below(3000));
    default:
      return `${tape.pick(KEYS)}: ${tape.pick(SCALARS)}\n`.repeat(1 + tape.below(1000));
  }
}

function bomb(levels: number, width: number): string {
  return Array.from(
    { length: levels },
    (_, i) =>
      `l${i}: &l${i} [${Array(width)
        .fill(i === 0 ? 'x' : `*l${i - 1}`)
        .join(', ')}]`,
  ).join('\n');
}

/** At the limit on a text and on a document: dear, so seldom. */
export function huge(tape: Tape): string {
  const length = LIMITS.scalarLength - 2 + tape.below(5);
  switch (tape.below(5)) {
    case 0:
      return `a: ${'x'.repeat(length)}`;
    case 1:
      return `a: "${'x'.repeat(length)}"`;
    case 2:
      return `a: |\n  ${'x'.repeat(length)}`;
    case 3:
      return `${'- xxxxxxxxxxxxxx\n'.repeat(2 ** 19)}---\na: 1\n`.slice(tape.below(40));
    default:
      return tape.pick(TOKENS).repeat(2 ** 17);
  }
}
