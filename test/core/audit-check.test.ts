import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AuditBreak,
  type AuditFacts,
  type AuditRow,
  chainRow,
  createChainCheck,
  GENESIS,
  isRedacted,
} from '../../src/core/audit.ts';

/** The first thing wrong with rows that are read in this order. */
function brokenBy(rows: readonly AuditRow[]): AuditBreak | undefined {
  const check = createChainCheck();
  for (const row of rows) {
    const found = check(row);
    if (found) return found;
  }
  return undefined;
}

function chain(all: readonly AuditFacts[]): AuditRow[] {
  let prevHash = GENESIS;
  return all.map((facts) => {
    const row = { ...facts, prevHash, ...chainRow(facts, prevHash) };
    prevHash = row.hash;
    return row;
  });
}

const text = fc.option(fc.string({ maxLength: 5 }));
const facts = fc.record({
  revision: fc.nat(9),
  at: fc.constant('2026-06-01T00:00:00Z'),
  actor: text,
  actorVerified: fc.boolean(),
  action: fc.constantFrom('apply', 'create', 'update', 'delete', 'refused', 'issue', 'retire', 'redact'),
  uid: text,
  identity: text,
  before: text,
  after: text,
  reason: text,
  commit: text,
  pr: text,
  approvers: text,
  verdicts: text,
} as const);
const chains = fc
  .array(facts, { minLength: 2, maxLength: 8 })
  .map((all) => chain(all.map((one, i) => ({ ...one, seq: i + 1 }))));
const redactedOrNot = chains.chain((rows) =>
  fc
    .subarray(rows)
    .map((some) =>
      rows.map((row) => (some.includes(row) ? { ...row, before: null, after: null, reason: null } : row)),
    ),
);

/** A number from 0 to less than `n`. */
const below = (n: number) => fc.nat(n - 1);

describe('the check of a chain', () => {
  test('finds nothing in a chain as it was written, redacted or not', () => {
    fc.assert(
      fc.property(redactedOrNot, (rows) => {
        expect(brokenBy(rows)).toBeUndefined();
      }),
    );
  });

  test('finds every column of every row that is changed, at that row', () => {
    fc.assert(
      fc.property(
        redactedOrNot.chain((rows) => fc.tuple(fc.constant(rows), below(rows.length))),
        fc.gen(),
        ([rows, index], g) => {
          const row = rows[index];
          if (!row) throw new Error('there is such a row');
          const column = g(() => fc.constantFrom(...(Object.keys(row) as (keyof AuditRow)[])));
          const changed = { ...row, [column]: other(row[column]) };
          // That is what a redaction looks like.
          fc.pre(!isRedacted(changed) || isRedacted(row));
          const found = brokenBy(rows.with(index, changed));
          if (column === 'seq') expect(found).toEqual({ type: 'moved', seq: changed.seq, was: row.seq });
          else expect(found).toEqual({ type: 'changed', seq: row.seq });
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('finds rows that are missing before the end, and names them', () => {
    const cut = chains.chain((rows) =>
      fc.tuple(fc.constant(rows), below(rows.length - 1), fc.integer({ min: 1, max: rows.length - 1 })),
    );
    fc.assert(
      fc.property(cut, ([rows, from, length]) => {
        const to = Math.min(from + length, rows.length - 1);
        const left = rows.toSpliced(from, to - from);
        expect(brokenBy(left)).toEqual({ type: 'missing', seq: to + 1, from: from + 1, to });
      }),
    );
  });

  test('finds rows that change places, with their numbers or without', () => {
    const two = chains.chain((rows) =>
      fc.tuple(fc.constant(rows), fc.uniqueArray(below(rows.length), { minLength: 2, maxLength: 2 })),
    );
    fc.assert(
      fc.property(two, ([rows, [one = 0, another = 0]]) => {
        const [a, b] = [Math.min(one, another), Math.max(one, another)];
        const [first, second] = [rows[a], rows[b]];
        if (!first || !second) throw new Error('there are such rows');
        const swapped = rows.with(a, { ...second, seq: first.seq }).with(b, { ...first, seq: second.seq });
        expect(brokenBy(swapped)).toEqual({ type: 'moved', seq: first.seq, was: second.seq });
        expect(brokenBy(rows.with(a, second).with(b, first))?.seq).toBe(second.seq);
      }),
    );
  });

  test('finds a row that is rewritten with its hashes, at the row after it', () => {
    fc.assert(
      fc.property(chains, facts, (rows, more) => {
        const [row] = rows;
        if (!row) throw new Error('there is a row');
        const forged = { ...row, ...more, identity: 'User//eve', seq: 1 };
        const rewritten = { ...forged, ...chainRow(forged, GENESIS) };
        expect(brokenBy(rows.with(0, rewritten))).toEqual({ type: 'detached', seq: 2, last: 1 });
      }),
    );
  });

  test('finds a row that is put in, where the numbers go on from it', () => {
    fc.assert(
      fc.property(
        chains.chain((rows) => fc.tuple(fc.constant(rows), below(rows.length))),
        facts,
        ([rows, index], more) => {
          const prevHash = rows[index - 1]?.hash ?? GENESIS;
          const put = { ...more, seq: index + 1 };
          const later = rows.slice(index).map((row) => ({ ...row, seq: row.seq + 1 }));
          const all = [...rows.slice(0, index), { ...put, prevHash, ...chainRow(put, prevHash) }, ...later];
          expect(brokenBy(all)).toEqual({ type: 'moved', seq: index + 2, was: index + 1 });
        },
      ),
    );
  });
});

test('a row without a payload is not redacted', () => {
  const bare = { before: null, after: null, reason: null };
  const [none, some] = chain(
    [bare, { ...bare, after: '{}' }].map((payload, i) => ({ ...EMPTY, ...payload, seq: i + 1 })),
  );
  if (!none || !some) throw new Error('two rows');
  expect([isRedacted(none), isRedacted(some), isRedacted({ ...some, after: null })]).toEqual([
    false,
    false,
    true,
  ]);
});

const EMPTY: AuditFacts = {
  seq: 1,
  revision: 1,
  at: '2026-06-01T00:00:00Z',
  actor: null,
  actorVerified: false,
  action: 'create',
  uid: null,
  identity: null,
  before: null,
  after: null,
  reason: null,
  commit: null,
  pr: null,
  approvers: null,
  verdicts: null,
};

/** Another value of the same type. */
function other(value: AuditRow[keyof AuditRow]): AuditRow[keyof AuditRow] {
  switch (typeof value) {
    case 'boolean':
      return !value;
    case 'number':
      return value + 17;
    case 'string':
      return `${value}x`;
    default:
      return 'x';
  }
}
