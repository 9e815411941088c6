import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareText } from '../../src/core/problem.ts';
import type { Layout } from '../../src/core/snapshot.ts';
import { patchTable, type RowKey } from '../../src/engine/patch-table.ts';
import { CSV } from '../../src/render/csv.ts';

const HEADER = '"a","b"\r\n';

interface Row {
  readonly key: RowKey;
  readonly rest: string;
}

/** What could be taken for the beginning of a row, and all that makes a cell hard to read. */
const rest = fc
  .array(fc.constantFrom('\r\n', '"', '"acme"', '"acme","', ',', '; ', '=', 'x', 'é', '\u{1f600}'), {
    maxLength: 6,
  })
  .map((parts) => parts.join(''));
const email = fc.constantFrom('ana@x', 'bo@x', 'cy@x', '+dee@x', 'é@x', 'b"o@x', '\u{1f600}@x', '\uff5e@x');
const key = fc.oneof(
  { weight: 3, arbitrary: fc.record({ email, kind: fc.constant('User'), name: fc.constantFrom('a', 'b') }) },
  fc.record({ email: fc.constant(''), kind: fc.constant('Token'), name: fc.constantFrom('ci', 'bot') }),
);
const row: fc.Arbitrary<Row> = fc.record({ key, rest });

function compareRows(a: Row, b: Row): number {
  return (
    compareText(a.key.email, b.key.email) ||
    compareText(a.key.kind, b.key.kind) ||
    compareText(a.key.name, b.key.name)
  );
}

function textOf(layout: Layout, { key: { email, kind, name }, rest }: Row): string {
  const cells = layout === 'users' ? ['acme', name, email, rest] : ['acme', kind, name, email, rest];
  return CSV.cells(cells) + CSV.end;
}

function tableOf(layout: Layout, rows: readonly Row[]): string {
  return HEADER + rows.map((row) => textOf(layout, row)).join('');
}

const same = (a: RowKey, b: RowKey) => compareRows({ key: a, rest: '' }, { key: b, rest: '' }) === 0;

test('puts rows in the place of those that the keys have, or leaves it when it cannot tell', () => {
  let told = 0;
  fc.assert(
    fc.property(
      fc.constantFrom<Layout>('users', 'grants'),
      fc.array(row, { maxLength: 12 }),
      fc.array(key, { maxLength: 4 }),
      fc.array(row, { maxLength: 6 }),
      (layout, all, keys, others) => {
        const fits = ({ key }: Row) => layout === 'grants' || key.kind === 'User';
        const before = all.filter(fits).toSorted(compareRows);
        const come = others.filter(fits).toSorted(compareRows);
        const table = Buffer.from(tableOf(layout, before));
        const rows = come.map((row) => textOf(layout, row));
        const patched = patchTable(table, layout, 'acme', keys, rows);
        if (!patched) return;
        told++;
        const isWanted = (row: Row) => keys.some((key) => same(key, row.key));
        const after = [...before.filter((row) => !isWanted(row)), ...come.filter(isWanted)];
        expect(Buffer.concat(patched.parts).toString()).toBe(tableOf(layout, after.toSorted(compareRows)));
        expect(patched.more).toBe(after.length - before.length);
      },
    ),
    { numRuns: 2000 },
  );
  expect(told).toBeGreaterThan(200);
});
