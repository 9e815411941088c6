import { bytesOf } from './fuzz-bytes.ts';
import { numbers } from './fuzz-numbers.ts';
import { extreme, huge, json, mutated, soup, written } from './fuzz-texts.ts';
import { Tape } from './tape.ts';

/** What is read: a text, or the bytes of a file. */
export interface Hostile {
  readonly file: string;
  readonly content: string | Uint8Array;
}

/** The input of a number: the same for the same number and corpus. */
export function hostile(seed: number, corpus: readonly string[]): Hostile {
  const tape = new Tape(numbers(seed, 250));
  const text = textOf(tape, corpus);
  const file = tape.pick(['a.yaml', 'a.yaml', 'a.yaml', 'a.yaml', 'a.json', 'a.jsonl', 'stdin']);
  return { file, content: tape.chance(8) ? bytesOf(text, tape) : text };
}

function textOf(tape: Tape, corpus: readonly string[]): string {
  if (tape.below(4000) === 1) return huge(tape);
  if (tape.below(100) === 1) return extreme(tape);
  switch (tape.below(10)) {
    case 0:
      return soup(tape);
    case 1:
    case 2:
    case 3:
      return written(tape).replace(/^\n/, '');
    case 4:
      return json(tape);
    default:
      return mutated(tape.one(corpus) ?? '', tape);
  }
}
