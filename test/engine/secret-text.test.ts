import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashSecret, idOfSecret, matches, newSecret, randomDigits } from '../../src/engine/secret-text.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A secret of these bytes, and of zeros when there are no more. */
function secretOf(bytes: Uint8Array) {
  let at = 0;
  return newSecret((size) => {
    const piece = Buffer.alloc(size);
    piece.set(bytes.subarray(at, at + size));
    at += size;
    return piece;
  });
}

const secrets = fc.uint8Array({ minLength: 55, maxLength: 100 }).map(secretOf);

describe('a secret', () => {
  test('is rct_, an id, 43 digits of chance and a CRC-32, in base 62', () => {
    expect(secretOf(Buffer.alloc(0))).toEqual({
      id: '0'.repeat(12),
      // CRC-32 of `rct_000000000000_` and 43 zeros is 0xda165c4f (by Python's zlib), which is 3zcMe7 in base 62.
      text: `rct_${'0'.repeat(12)}_${'0'.repeat(43)}3zcMe7`,
    });
    const { id, text } = newSecret();
    expect(text).toMatch(/^rct_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/);
    expect(text).toHaveLength(66);
    expect(text.slice(4, 16)).toBe(id);
    expect(idOfSecret(text)).toBe(id);
  });

  test('takes each digit from one byte, and leaves out bytes that would make some digits likelier', () => {
    expect(secretOf(Buffer.from([61, 62, 247, 248, 255, 10])).id).toBe('z0zA00000000');
  });

  test('has a check that is six digits whatever its number', () => {
    fc.assert(fc.property(secrets, ({ id, text }) => idOfSecret(text) === id && text.length === 66));
  });

  test('with any one character changed is none', () => {
    const characters = fc.oneof(
      fc.constantFrom(...BASE62, '_', '-', ' ', '\n'),
      fc.string({ minLength: 1, maxLength: 1 }),
    );
    fc.assert(
      fc.property(secrets, fc.nat(65), characters, ({ text }, at, character) => {
        fc.pre(text.charAt(at) !== character);
        expect(idOfSecret(text.slice(0, at) + character + text.slice(at + 1))).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });

  test('with two neighbours swapped, a character lost or one more is none', () => {
    fc.assert(
      fc.property(secrets, fc.nat(64), ({ text }, at) => {
        const [a, b] = [text.charAt(at), text.charAt(at + 1)];
        if (a !== b) expect(idOfSecret(text.slice(0, at) + b + a + text.slice(at + 2))).toBeUndefined();
        expect(idOfSecret(text.slice(0, at) + text.slice(at + 1))).toBeUndefined();
        expect(idOfSecret(`${text.slice(0, at)}0${text.slice(at)}`)).toBeUndefined();
      }),
    );
  });

  test('is nothing but the secret: no line break, no space, no other text', () => {
    const { text } = newSecret();
    for (const other of [
      '',
      `${text}\n`,
      ` ${text}`,
      `${text} `,
      text.toUpperCase(),
      text.replace('rct', 'ghp'),
    ])
      expect(idOfSecret(other)).toBeUndefined();
    fc.assert(fc.property(fc.string(), (other) => idOfSecret(other) === undefined));
  });

  test('has each digit as often as any other', () => {
    const counts = new Map<string, number>([...BASE62].map((digit) => [digit, 0]));
    const all = 62 * 2000;
    for (const digit of randomDigits(all)) counts.set(digit, (counts.get(digit) ?? 0) + 1);
    expect(counts.size).toBe(62);
    // Chi-squared with 61 degrees of freedom is above 140 once in ten million times; bytes modulo 62 give 600.
    const squares = [...counts.values()].map((count) => (count - 2000) ** 2 / 2000);
    expect(squares.reduce((sum, square) => sum + square, 0)).toBeLessThan(140);
  });

  test('is never had twice', () => {
    const ids = Array.from({ length: 2000 }, () => newSecret().id);
    expect(new Set(ids).size).toBe(2000);
  });
});

describe('a hash', () => {
  test('is HMAC-SHA-256 of the secret with the key', () => {
    const [key, { text }] = [randomBytes(32), newSecret()];
    expect(hashSecret(text, key)).toBe(createHmac('sha256', key).update(text, 'ascii').digest('hex'));
    // RFC 4231, test case 2.
    expect(hashSecret('what do ya want for nothing?', Buffer.from('Jefe'))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  test('matches itself only', () => {
    const key = randomBytes(32);
    fc.assert(
      fc.property(secrets, secrets, (a, b) => {
        const [one, other] = [hashSecret(a.text, key), hashSecret(b.text, key)];
        expect(matches(one, hashSecret(a.text, key))).toBe(true);
        expect(matches(one, other)).toBe(a.text === b.text);
        expect(matches(one, hashSecret(a.text, randomBytes(32)))).toBe(false);
      }),
    );
    const hash = hashSecret('a', key);
    for (const other of ['', hash.slice(1), `${hash}0`, hash.toUpperCase(), 'ü'.repeat(64)])
      expect(matches(hash, other)).toBe(false);
  });
});
