import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { didYouMean, nearest } from '../../src/core/suggest.ts';

describe('did you mean', () => {
  const known = ['Workspace', 'User', 'Group', 'Role', 'RoleBinding', 'Token', 'AccessPolicy'];

  test.each([
    ['Grop', 'Group'],
    ['Gruop', 'Group'],
    ['group', 'Group'],
    ['Groups', 'Group'],
    ['Rolebinding', 'RoleBinding'],
    ['RoleBindings', 'RoleBinding'],
    ['Worksapce', 'Workspace'],
    ['Rol', 'Role'],
  ])('%s: %s', (word, expected) => {
    expect(didYouMean(word, known)).toBe(`did you mean "${expected}"?`);
  });

  test.each(['Deployment', 'x', '', 'Us'])('says nothing of %j, which is like none of them', (word) => {
    expect(didYouMean(word, known)).toBe(undefined);
  });

  test('takes the nearest, and of equally near ones the first by name, in any order', () => {
    expect(nearest('reader', ['readers', 'reader2', 'leader'])).toBe('leader');
    expect(nearest('reader', ['leader', 'readers', 'reader2'])).toBe('leader');
    expect(nearest('ana-dias', ['ana-diaz', 'ana-silva'])).toBe('ana-diaz');
  });

  test('counts a swap of neighbours as one edit', () => {
    expect(nearest('ab', ['ba'])).toBe('ba');
    expect(nearest('ba', ['cd'])).toBe(undefined);
  });

  test('always finds the word itself, and never anything further than a third of it', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z]{1,12}$/),
        fc.array(fc.stringMatching(/^[a-z]{1,12}$/)),
        (word, others) => {
          expect(nearest(word, [...others, word])).toBe(word);
          const found = nearest(word, others);
          if (found !== undefined)
            expect(Math.abs(found.length - word.length)).toBeLessThanOrEqual(
              Math.max(1, Math.floor(word.length / 3)),
            );
          expect(nearest(word, others.toReversed())).toBe(found);
        },
      ),
    );
  });
});
