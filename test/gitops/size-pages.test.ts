import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pages } from '../../src/gitops/pages.ts';
import type { MarkdownPart } from '../../src/render/plan-markdown.ts';

const LIMITS = { longest: 1000, most: 3 };
const ELSEWHERE = 'in the artifact';
const marker = (page: number) => `<!-- ${page} -->`;
const MORE = /^… and ([\d,]+) more rows?: in the artifact$/m;

/** Texts that are told apart wherever they stand. */
function numbered(prefix: string, lengths: readonly number[]): string[] {
  return lengths.map((length, i) => `${prefix}${i};${'x'.repeat(length)}.`);
}

const part = (longest: number): fc.Arbitrary<(at: number) => MarkdownPart> =>
  fc
    .record({
      head: fc.array(fc.nat(30), { maxLength: 2 }),
      rows: fc.array(fc.nat(longest), { maxLength: 30 }),
      foot: fc.array(fc.nat(30), { maxLength: 2 }),
    })
    .map(({ head, rows, foot }) => (at: number) => ({
      head: numbered(`h${at}-`, rows.length === 0 ? [10, ...head] : head),
      rows: numbered(`r${at}-`, rows),
      foot: numbered(`f${at}-`, foot),
    }));

const parts = (longest: number): fc.Arbitrary<MarkdownPart[]> =>
  fc.array(part(longest), { maxLength: 8 }).map((made) => made.map((make, at) => make(at)));

const LAST: MarkdownPart = { head: ['digest 0123456789'], rows: [], foot: [] };

/** The units that pages are cut between, in their order: rows, and parts without rows. */
function units(all: readonly MarkdownPart[]): string[] {
  return all.flatMap(({ head, rows, foot }) => (rows.length > 0 ? rows : [[...head, ...foot].join('\n')]));
}

function told(made: readonly string[], all: readonly MarkdownPart[]): string[] {
  const lines = made.flatMap((page) => page.split('\n'));
  return units(all).filter((unit) => unit.split('\n').every((line) => lines.includes(line)));
}

describe('pages', () => {
  test('are at most three, never over the limit, each with its mark, and the last words are the digest', () => {
    fc.assert(
      fc.property(parts(1500), (all) => {
        const made = pages([...all, LAST], marker, ELSEWHERE, LIMITS);
        expect(made.length).toBeGreaterThan(0);
        expect(made.length).toBeLessThanOrEqual(3);
        for (const [at, page] of made.entries()) {
          expect(page.length).toBeLessThanOrEqual(1000);
          expect(page.startsWith(`${marker(at + 1)}\n\n`)).toBe(true);
        }
        expect(made.map((page) => page.includes('digest'))).toEqual(
          made.map((_, i) => i === made.length - 1),
        );
        expect(made.at(-1)?.endsWith('\n\ndigest 0123456789')).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('are cut between rows alone, have each row once and in order, and count what they leave out', () => {
    fc.assert(
      fc.property(parts(700), (all) => {
        const made = pages([...all, LAST], marker, ELSEWHERE, LIMITS);
        const known = new Set([
          ...all.flatMap(({ head, rows, foot }) => [...head, ...rows, ...foot]),
          ...LAST.head,
          ...made.map((_, i) => marker(i + 1)),
          '',
        ]);
        const lines = made.flatMap((page) => page.split('\n'));
        expect(lines.filter((line) => !known.has(line) && !MORE.test(line))).toEqual([]);
        const rows = lines.filter((line) => line.startsWith('r'));
        const shown = told(made, all);
        expect(rows).toEqual(shown.filter((unit) => unit.startsWith('r')));
        const [, left = '0'] = MORE.exec(made.at(-1) ?? '') ?? [];
        expect(shown.length + Number(left)).toBe(units(all).length);
        // From where it is cut everything is left out, but what is longer than a page, which is so by itself.
        const shortest = units(all).filter((unit) => unit.length < 400);
        const visible = shortest.filter((unit) => shown.includes(unit));
        if (!units(all).some((unit) => unit.length > 400))
          expect(visible).toEqual(shortest.slice(0, visible.length));
      }),
      { numRuns: 2000 },
    );
  });

  test('repeat what stands around rows on each page that has some', () => {
    fc.assert(
      fc.property(parts(100), (all) => {
        for (const page of pages([...all, LAST], marker, ELSEWHERE, LIMITS))
          for (const { head, rows, foot } of all) {
            const here = page.split('\n');
            if (!rows.some((row) => here.includes(row))) continue;
            const text = [...head, ...rows.filter((row) => here.includes(row)), ...foot].join('\n');
            expect(`${page}\n\n`).toContain(`\n\n${text}\n\n`);
          }
      }),
      { numRuns: 1000 },
    );
  });

  test('have everything where it fits, on one page where that is enough', () => {
    fc.assert(
      fc.property(parts(10), (all) => {
        const made = pages([...all, LAST], marker, ELSEWHERE);
        expect(made).toEqual([
          [
            marker(1),
            ...all.map(({ head, rows, foot }) => [...head, ...rows, ...foot].join('\n')),
            'digest 0123456789',
          ].join('\n\n'),
        ]);
      }),
    );
  });

  test('are as full as they can be: a second one begins only where the first has no room', () => {
    const rows = numbered(
      'r',
      Array.from({ length: 60 }, () => 40),
    );
    const made = pages([{ head: ['head'], rows, foot: [] }, LAST], marker, ELSEWHERE, LIMITS);
    expect(made.length).toBe(3);
    const [first = 0, second = 0, third = 0] = made.map((page) => page.match(/^r\d/gm)?.length);
    expect([first, second]).toEqual([second, first]);
    expect(first).toBeGreaterThan(9);
    expect(MORE.exec(made[2] ?? '')?.[1]).toBe(String(60 - first - second - third));
  });
});
