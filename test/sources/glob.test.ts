import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/core/problem.ts';
import { effort } from '../../src/sources/effort.ts';
import { expandGlob, isGlob, type Listed } from '../../src/sources/glob.ts';
import { ignoreRules } from '../../src/sources/path-rules.ts';

/** Files by their paths, and a look into their folders. */
function folders(files: readonly string[]): (folder: string) => Listed[] {
  const below = new Map<string, Map<string, Listed>>();
  for (const file of files) {
    const parts = file.split('/');
    for (const [at, name] of parts.entries()) {
      const folder = parts.slice(0, at).join('/') || '.';
      const names = below.get(folder) ?? new Map<string, Listed>();
      below.set(
        folder,
        names.set(name, {
          name,
          isFolder: names.get(name)?.isFolder || at < parts.length - 1,
          isLink: false,
        }),
      );
    }
  }
  return (folder) => [...(below.get(folder)?.values() ?? [])];
}

function matches(pattern: string, files: readonly string[]): string[] {
  return expandGlob(pattern, folders(files), () => {}, effort()).sort();
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Failure)
      return error.problems.map(({ code, message }) => `${code} ${message}`).join();
    throw error;
  }
  return '';
}

const char = fc.constantFrom('a', 'b', 'c', '-', '.', '!', '^', ']', ',');
const name = fc.string({ unit: char, minLength: 1, maxLength: 6 }).filter((one) => !/^\.\.?$/.test(one));
const range = fc
  .tuple(
    fc.constantFrom('', '!', '^'),
    fc.constantFrom('a', 'ab', 'a-c', 'c-a', ']', '-a', 'a-', ']-', 'b!', '*'),
  )
  // That nothing is in a range of no width, and so all is not, nobody writes.
  .map(([not, chars]) => `[${chars === 'c-a' ? '' : not}${chars}]`);
const piece = fc.oneof(char, fc.constantFrom('*', '?', '**', '*', 'a', 'b'), range);
const pieces = fc.array(piece, { minLength: 1, maxLength: 5 }).map((all) => all.join(''));
const choice = fc
  .array(fc.oneof(pieces, fc.constant('')), { minLength: 2, maxLength: 3 })
  .map((all) => `{${all.map((one) => one.replaceAll(',', 'c')).join(',')}}`);
const part = fc
  .array(fc.oneof({ weight: 4, arbitrary: pieces }, choice), { minLength: 1, maxLength: 3 })
  .map((all) => all.join(''));

describe('a pattern', () => {
  test('of a name matches what the one of node matches', () => {
    let matched = 0;
    fc.assert(
      fc.property(part, name, (pattern, one) => {
        const found = isGlob(pattern) ? matches(pattern, [one]) : ['.'];
        // ** alone is no pattern of a name, nor are dots.
        fc.pre(!found.some((each) => /^\.*$/.test(each)));
        const known = path.matchesGlob(one, pattern);
        if (known) matched++;
        expect(found).toEqual(known ? [one] : []);
      }),
      { numRuns: 5000 },
    );
    expect(matched).toBeGreaterThan(100);
  });

  test('of folders matches what the one of node matches', () => {
    const folder = fc.constantFrom('a', 'b', 'ab');
    const file = fc.array(folder, { minLength: 1, maxLength: 4 }).map((parts) => `${parts.join('/')}/x.y`);
    const step = fc.constantFrom('a', 'b', '*', '**', 'a*', '?', '{a,b}', '{a/b,b/**}', '[!a]*');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 5 }), file, (steps, one) => {
        const pattern = [...steps, '*.y'].join('/');
        // Of more than two ** the one of node does not find every way.
        fc.pre(pattern.split('**').length <= 3);
        expect(matches(pattern, [one])).toEqual(path.matchesGlob(one, pattern) ? [one] : []);
      }),
      { numRuns: 3000 },
    );
  });

  test('takes a sign beyond 16 bits for one, and what nothing closes for itself', () => {
    expect(matches('?[😀-😂]', ['😀😁', '😀a'])).toEqual(['😀😁']);
    expect(matches('*[a', ['b[a', 'ba'])).toEqual(['b[a']);
    expect(matches('*{a,b', ['x{a,b', 'xa'])).toEqual(['x{a,b']);
    expect(matches('{a}{b,c}', ['{a}b', 'ab'])).toEqual(['{a}b']);
    expect(matches('{,a}', ['a', 'b'])).toEqual(['a']);
  });
});

describe('made to be compared without end', () => {
  const soon = <T>(run: () => T): T => {
    const began = performance.now();
    const result = run();
    expect(performance.now() - began).toBeLessThan(1000);
    return result;
  };
  const as = 'a'.repeat(60);

  test.each([
    ['stars', `${'*a'.repeat(8)}b`, [as]],
    ['stars to the end of the longest', `${'*a'.repeat(2000)}b`, ['a'.repeat(4000)]],
    ['stars of one sign', `${'*?'.repeat(1000)}[b]`, ['a'.repeat(4000)]],
    ['folders at any depth', `${'**/'.repeat(60)}x/y`, [`${'a/'.repeat(200)}b`]],
    ['ways in a circle of dots', `${'./**/../a/'.repeat(300)}x`, ['a/a/a/b']],
  ])('%s: soon told', (_, pattern, files) => {
    expect(soon(() => matches(pattern, files))).toEqual([]);
  });

  test.each([
    [
      '{a,b}'.repeat(30),
      'RC103 {a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}…: stands for more than 1000 patterns',
    ],
    [`${'{a,'.repeat(700)}b${'}'.repeat(700)}x*`, ''],
    ['*'.repeat(4097), `RC103 ${'*'.repeat(40)}…: is longer than 4,096 characters`],
  ])('%.10s…', (pattern, said) => {
    expect(soon(() => refusal(() => matches(pattern, ['a'])))).toBe(said);
  });

  test('many names, of which each has many ways to be none', () => {
    const list = () =>
      Array.from({ length: 200_000 }, () => ({ name: 'a'.repeat(200), isFolder: false, isLink: false }));
    const spent = soon(() => refusal(() => expandGlob('*a'.repeat(2000), list, () => {}, effort())));
    expect(spent).toMatch(/^RC103 there are too many names to compare with paths and \.iamignore/);
  });

  test('a rule that may lead through the folders on any number of ways', async () => {
    const isOut = await ignoreRules('.', `${'a/**/'.repeat(10)}b\n`, effort());
    expect(soon(() => refusal(() => isOut(`${'a/'.repeat(60)}c`, false)))).toMatch(
      /^RC103 there are too many names/,
    );
    const one = await ignoreRules('.', 'a/**/b\n**/c/**\n', effort());
    expect([one('a/x/y/b', false), one('x/c/y', false), one('x/d', false)]).toEqual([true, true, undefined]);
  });

  test('rules without end', async () => {
    await expect(ignoreRules('access', 'a*'.repeat(2049), effort())).rejects.toThrow(
      'access/.iamignore: a line is longer than 4,096 characters',
    );
    await expect(ignoreRules('.', '[a]\n'.repeat(3_000_000), effort())).rejects.toThrow(
      /^there are too many names/,
    );
  });
});
