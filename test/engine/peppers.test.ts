import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EXIT, Failure } from '../../src/core/problem.ts';
import { parsePeppers } from '../../src/engine/peppers.ts';

const ids = fc.stringMatching(/^[A-Za-z0-9._-]{1,32}$/);
const keys = fc.uint8Array({ minLength: 32, maxLength: 80 });

/** The messages of a refusal, after a look that nothing of the text is in them. */
function refusals(text: string): string[] {
  try {
    parsePeppers(text, 'IAM_PEPPER');
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.exit).toBe(EXIT.invalid);
    const said = JSON.stringify(error.problems) + error.message;
    for (const part of text.split(/[,:]/)) if (part.length > 20) expect(said).not.toContain(part);
    return error.problems.map(({ code, message }) => `${code} ${message}`);
  }
  return [];
}

/** A key, always the same. */
function base64(bytes: number): string {
  return Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 89 + 7) % 256)).toString('base64');
}

describe('peppers', () => {
  test('are id:base64, the first the current one, each found by its id', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ id: ids, key: keys }), { minLength: 1, selector: ({ id }) => id }),
        (all) => {
          const text = all.map(({ id, key }) => `${id}:${Buffer.from(key).toString('base64')}`).join(',');
          for (const ended of [text, `${text}\n`]) {
            const peppers = parsePeppers(ended, 'IAM_PEPPER');
            expect(peppers.current.id).toBe(all[0]?.id);
            for (const { id, key } of all) expect(peppers.find(id)).toEqual({ id, key: Buffer.from(key) });
            expect(peppers.find('no such id')).toBeUndefined();
          }
        },
      ),
    );
  });

  test('are refused whole when one is wrong, with every problem and none of the keys', () => {
    const key = base64(32);
    expect(refusals(`a:${base64(31)},${key},b c:${key},d:${key}x,a:${key},,${key}:main,d:${key}`)).toEqual([
      'RC502 IAM_PEPPER: entry 1 has a key of 31 bytes, which is less than 32',
      'RC502 IAM_PEPPER: entry 2 has no ":" between an id and a key',
      'RC502 IAM_PEPPER: entry 3 has an id that is not 1 to 32 of A-Z a-z 0-9 . _ -',
      'RC502 IAM_PEPPER: entry 4 has a key that is not base64',
      'RC502 IAM_PEPPER: entry 5 has the id of entry 1',
      'RC502 IAM_PEPPER: entry 6 is empty',
      'RC502 IAM_PEPPER: entry 7 has an id that is not 1 to 32 of A-Z a-z 0-9 . _ -',
      'RC502 IAM_PEPPER: entry 7 has a key of 3 bytes, which is less than 32',
      'RC502 IAM_PEPPER: entry 8 has the id of entry 4',
    ]);
  });

  test.each([
    ['', 'is empty'],
    ['\n', 'is empty'],
    ['main:', 'has a key of 0 bytes, which is less than 32'],
    [`:${base64(32)}`, 'has an id that is not 1 to 32 of A-Z a-z 0-9 . _ -'],
    [`${'i'.repeat(33)}:${base64(32)}`, 'has an id that is not 1 to 32 of A-Z a-z 0-9 . _ -'],
    [base64(32), 'has no ":" between an id and a key'],
    [`main: ${base64(32)}`, 'has a key that is not base64'],
    [`main:${base64(32)} `, 'has a key that is not base64'],
    [`main:${base64(32).replace('=', '')}`, 'has a key that is not base64'],
    [`main:${Buffer.alloc(33, 255).toString('base64url')}`, 'has a key that is not base64'],
    [`main:${'A'.repeat(42)}B=`, 'has a key that is not base64'],
    [`main:${base64(48)}\n${base64(48)}`, 'has a key that is not base64'],
    [`main:${'0123456789abcdef'.repeat(4).slice(1)}`, 'has a key that is not base64'],
    [`main:${base64(32)}\n\n`, 'has a key that is not base64'],
  ])('of the text %j are refused', (text, message) => {
    expect(refusals(text)).toEqual([`RC502 IAM_PEPPER ${message}`]);
  });
});
