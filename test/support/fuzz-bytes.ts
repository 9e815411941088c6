import type { Tape } from './tape.ts';

/** Sequences that are not UTF-8, and some that are and look as if they were not. */
const BROKEN: readonly [number[], ...number[][]] = [
  [0xff],
  ...[
    [0xfe],
    [0x80],
    [0xbf],
    [0xc0, 0xaf],
    [0xc1, 0xbf],
    [0xc3],
    [0xc3, 0x28],
    [0xe2, 0x82],
    [0xe2, 0x28, 0xa1],
  ],
  ...[
    [0xe0, 0x80, 0xaf],
    [0xed, 0xa0, 0x80],
    [0xed, 0xbf, 0xbf],
    [0xf0, 0x9f, 0x92],
    [0xf0, 0x80, 0x80, 0xaf],
  ],
  ...[
    [0xf4, 0x90, 0x80, 0x80],
    [0xf8, 0x88, 0x80, 0x80, 0x80],
    [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80],
    [0xef, 0xbb],
  ],
  ...[
    [0xef, 0xbb, 0xbf],
    [0xef, 0xbf, 0xbe],
    [0xef, 0xbf, 0xbf],
    [0xf4, 0x8f, 0xbf, 0xbf],
    [0xc2, 0x85],
    [0x00],
    [0x1a],
  ],
];

/** The bytes of a text, damaged, or in an encoding that is not UTF-8. */
export function bytesOf(text: string, tape: Tape): Uint8Array {
  const bytes = Buffer.from(text);
  const at = tape.below(bytes.length + 1);
  switch (tape.below(8)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(tape.pick(BROKEN)), bytes.subarray(at)]);
    case 1:
      return bytes.subarray(0, at);
    case 2: {
      const flipped = Buffer.from(bytes);
      for (let left = 1 + tape.below(4); left > 0; left--) {
        const where = tape.below(bytes.length);
        flipped[where] = (flipped[where] ?? 0) ^ (1 << tape.below(8));
      }
      return flipped;
    }
    case 3:
      return Buffer.from(`${tape.chance(2) ? '\ufeff' : ''}${text}`, 'utf16le');
    case 4:
      return Buffer.from(`${tape.chance(2) ? '\ufeff' : ''}${text}`, 'utf16le')
        .subarray(0, (text.length * 2) & ~1)
        .swap16();
    case 5:
      return Buffer.from(text, 'latin1');
    case 6:
      return Buffer.concat([Buffer.from(tape.pick(BROKEN)), bytes]);
    default:
      return Buffer.concat([bytes, Buffer.from(tape.pick(BROKEN))]);
  }
}
