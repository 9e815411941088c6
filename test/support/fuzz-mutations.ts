import { KEYS, LINES, SCALARS, TOKENS } from './fuzz-pieces.ts';
import type { Tape } from './tape.ts';

export type Mutation = (text: string, tape: Tape) => string;

/** A place in the text. */
function anywhere(text: string, tape: Tape): number {
  return tape.below(text.length + 1);
}

function spliced(text: string, start: number, end: number, put: string): string {
  return text.slice(0, start) + put + text.slice(end);
}

/** A change to one line, chosen. */
function inLines(change: (lines: string[], at: number, tape: Tape) => void): Mutation {
  return (text, tape) => {
    const lines = text.split('\n');
    change(lines, tape.below(lines.length), tape);
    return lines.join('\n');
  };
}

function atLine(change: (line: string, tape: Tape) => string): Mutation {
  return inLines((lines, at, tape) => {
    lines[at] = change(lines[at] ?? '', tape);
  });
}

const KEY_AND_VALUE = /^([ \t]*(?:- )*)([^:\n]*?)(:[ \t]+|:$)(.*)$/s;

/** `change` gets the parts of a line that is `indent key: value`. */
function atPair(change: (parts: readonly [string, string, string, string], tape: Tape) => string): Mutation {
  return atLine((line, tape) => {
    const match = KEY_AND_VALUE.exec(line);
    const [, indent = '', key = '', colon = '', value = ''] = match ?? [];
    return match ? change([indent, key, colon, value], tape) : `${line}${tape.pick(SCALARS)}`;
  });
}

export const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  atPair(([indent, key], tape) => `${indent}${key}: ${tape.pick(SCALARS)}`),
  atPair(([indent, , colon, value], tape) => `${indent}${tape.pick(KEYS)}${colon}${value}`),
  atPair(
    ([indent, key, colon, value], tape) =>
      `${indent}${key}${colon}${tape.pick(['&a ', '*a ', '!!str ', '! ', '&a !!map ', '- '])}${value}`,
  ),
  atPair(
    ([indent, key, , value], tape) =>
      `${indent}${key}${tape.pick([':', ' : ', ':\t', ' :', ':\n', ':  ', ': # c\n', '\n: '])}${value}`,
  ),
  atPair(
    ([indent, key, colon, value], tape) =>
      `${indent}${tape.pick(['? ', '? ', '&k ', '!!str ', '"', "'", '{'])}${key}${colon}${value}`,
  ),
  atPair(
    ([indent, key, colon, value], tape) =>
      `${indent}${key}${colon}${tape.pick(['"', "'", '[', '{', '|\n', '>\n'])}${value}${tape.pick(['"', "'", ']', '}', '', ''])}`,
  ),
  // Line by line: indents, order, repetition.
  atLine(
    (line, tape) => `${tape.pick([' ', '  ', '\t', '    ', ' \t', '- ', '- - ', '\u00a0', '\ufeff'])}${line}`,
  ),
  atLine((line, tape) => line.slice(1 + tape.below(3))),
  atLine(
    (line, tape) =>
      `${line}${tape.pick([' ', '\t', ' # c', '#c', ',', ':', ': ', '\r', '\\', ' |', ' >', ' &a', ' !', '\u2028', '\u0085'])}`,
  ),
  inLines((lines, at, tape) => void lines.splice(at, 0, tape.pick(LINES))),
  inLines((lines, at) => void lines.splice(at, 1)),
  inLines((lines, at, tape) => void lines.splice(at, 0, ...lines.slice(at, at + 1 + tape.below(4)))),
  inLines((lines, at, tape) => {
    const other = tape.below(lines.length);
    [lines[at], lines[other]] = [lines[other] ?? '', lines[at] ?? ''];
  }),
  inLines(
    (lines, at, tape) =>
      void lines.splice(at, 0, ...lines.splice(tape.below(lines.length), 1 + tape.below(5))),
  ),
  // Character by character.
  (text, tape) => text.slice(0, anywhere(text, tape)),
  (text, tape) => text.slice(anywhere(text, tape)),
  (text, tape) => {
    const start = anywhere(text, tape);
    return spliced(text, start, start + 1 + tape.below(8), '');
  },
  (text, tape) => {
    const start = anywhere(text, tape);
    return spliced(text, start, start, tape.pick(TOKENS));
  },
  (text, tape) => {
    const start = anywhere(text, tape);
    return spliced(
      text,
      start,
      start + 1,
      String.fromCharCode((text.charCodeAt(start) || 0) ^ (1 << tape.below(8))),
    );
  },
  (text, tape) => {
    const start = anywhere(text, tape);
    const end = start + tape.below(40);
    return spliced(text, end, end, text.slice(start, end));
  },
  // The text as a whole.
  (text, tape) => text.replaceAll('\n', tape.pick(['\r\n', '\r', '\n\r', '\n\n', '\n \n', '\u2028'])),
  (text, tape) => text.replace(/\n/g, (all) => (tape.chance(3) ? tape.pick(['\r\n', '\r', '\n\n']) : all)),
  (text, tape) =>
    tape.pick([
      '\ufeff',
      '\ufeff\ufeff',
      '---\n',
      '--- ',
      '%YAML 1.2\n---\n',
      '\n',
      '# c\n',
      ' ',
      '- ',
      '...\n',
    ]) + text,
  (text, tape) =>
    text +
    tape.pick([
      '\n...\n',
      '\n---\n',
      '\n--- ',
      '...',
      ' ',
      '\t',
      '\n# c',
      '\n\u0000',
      '\ufeff',
      '\n\n\n',
      '\r',
    ]),
  (text) => text.trimEnd(),
  (text, tape) =>
    text +
    tape.pick(['---\n', '\ufeff---\n', '...\n', '', '... \n%YAML 1.2\n---\n', '\n---\n']) +
    text.slice(0, 400),
  (text) => text.replace(/^( +)/gm, (indent) => '\t'.repeat(indent.length / 2)),
  (text, tape) => text.replaceAll('  ', tape.pick([' ', '   ', '    '])),
  (text, tape) => tape.pick(['{a: ', '[', '{"a": ', 'a: [', '? ']) + text + tape.pick(['}', ']', '', '}}']),
];
