import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { KIND_NAMES } from '../../src/kinds/index.ts';
import { casesOf } from './case.ts';
import { crdTexts, judgeByIam } from './judge.ts';

describe.each(KIND_NAMES)('iam judges a %s as the table says', (kind) => {
  test.each(casesOf(kind))('$iam: $title', ({ manifest, iam, word }) => {
    const { verdict, message } = judgeByIam(manifest);
    expect(verdict, message).toBe(iam);
    expect(message.toLowerCase()).toContain(word?.toLowerCase() ?? '');
  });

  test('there are fifteen cases at least, both ways, and no title stands twice', () => {
    const cases = casesOf(kind);
    expect(cases.length).toBeGreaterThanOrEqual(15);
    expect(new Set(cases.map(({ server }) => server)).size).toBe(2);
    expect(new Set(cases.map(({ title }) => title)).size).toBe(cases.length);
  });
});

test('a CRD reads the same in YAML 1.1, which kubectl speaks, and in YAML 1.2', () => {
  for (const [name, text] of crdTexts()) {
    const [first, ...more] = (['1.1', '1.2'] as const).map((version) =>
      parseAllDocuments(text, { version }).map((document) => document.toJS()),
    );
    expect(more, name).toEqual([first]);
  }
});
