import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AuditFacts, type AuditRow, chainRow, GENESIS, isIntact } from '../../src/core/audit.ts';

const FACTS: AuditFacts = {
  seq: 1,
  revision: 1,
  at: '2026-06-01T00:00:00Z',
  actor: 'ana',
  actorVerified: false,
  action: 'create',
  uid: 'uid-1',
  identity: 'User//bo',
  before: null,
  after: '{"spec":{}}',
  reason: 'INC-1',
  commit: 'abc',
  pr: '7',
  approvers: '["cy"]',
  verdicts: null,
};

function chain(all: readonly AuditFacts[]): AuditRow[] {
  let prevHash = GENESIS;
  return all.map((facts) => {
    const row = { ...facts, prevHash, ...chainRow(facts, prevHash) };
    prevHash = row.hash;
    return row;
  });
}

/** The first row that does not follow those before it; -1 when all do. */
function firstBroken(rows: readonly AuditRow[]): number {
  return rows.findIndex((row, i) => !isIntact(row, rows[i - 1]?.hash ?? GENESIS));
}

const rows = chain([1, 2, 3, 4].map((seq) => ({ ...FACTS, seq, identity: `User//u${seq}` })));

function altered(index: number, edit: Partial<AuditRow>): AuditRow[] {
  return rows.map((row, i) => (i === index ? { ...row, ...edit } : row));
}

describe('the chain of audit rows', () => {
  test('holds as it was written', () => {
    expect(rows[0]?.prevHash).toBe(GENESIS);
    expect(firstBroken(rows)).toBe(-1);
  });

  test.each<[column: string, edit: Partial<AuditRow>]>([
    ['seq', { seq: 9 }],
    ['revision', { revision: 9 }],
    ['at', { at: '2026-06-02T00:00:00Z' }],
    ['actor', { actor: null }],
    ['actorVerified', { actorVerified: true }],
    ['action', { action: 'delete' }],
    ['uid', { uid: 'uid-9' }],
    ['identity', { identity: 'User//eve' }],
    ['before', { before: '{}' }],
    ['after', { after: '{}' }],
    ['reason', { reason: 'none' }],
    ['commit', { commit: null }],
    ['pr', { pr: null }],
    ['approvers', { approvers: null }],
    ['verdicts', { verdicts: '[]' }],
    ['payloadHash', { payloadHash: GENESIS }],
    ['prevHash', { prevHash: GENESIS }],
    ['hash', { hash: GENESIS }],
  ])('breaks where %s is changed', (_, edit) => {
    expect(firstBroken(altered(2, edit))).toBe(2);
  });

  test('breaks at the next row where a row is changed with its hashes', () => {
    const facts: AuditFacts = { ...FACTS, seq: 3, identity: 'User//eve' };
    expect(firstBroken(altered(2, { ...facts, ...chainRow(facts, rows[1]?.hash ?? '') }))).toBe(3);
  });

  test('breaks where a row is taken out, put in twice, or moved', () => {
    const [a, b, c, d] = rows;
    if (!a || !b || !c || !d) throw new Error('four rows');
    expect(firstBroken([b, c, d])).toBe(0);
    expect(firstBroken([a, c, d])).toBe(1);
    expect(firstBroken([a, b, b, c])).toBe(2);
    expect(firstBroken([a, c, b, d])).toBe(1);
  });

  test('holds without its end: only the head that went out with each apply shows that', () => {
    expect(firstBroken(rows.slice(0, 2))).toBe(-1);
  });
});

describe('a payload', () => {
  const redacted = altered(1, { before: null, after: null, reason: null });

  test('that is redacted breaks nothing', () => {
    expect(firstBroken(redacted)).toBe(-1);
  });

  test('that is redacted in part, or forged, does', () => {
    expect(firstBroken(altered(1, { reason: null }))).toBe(1);
    expect(firstBroken(altered(1, { after: '{"spec":{"email":"x"}}' }))).toBe(1);
  });

  test('that is redacted still shows what, who and when, unforgeably', () => {
    expect(firstBroken(redacted.map((row, i) => (i === 1 ? { ...row, actor: 'eve' } : row)))).toBe(1);
  });

  test('has no other with the same hash, wherever its parts are cut', () => {
    const text = fc.option(fc.string({ maxLength: 4 }));
    fc.assert(
      fc.property(text, text, text, text, text, text, (...parts) => {
        const [a, b] = [parts.slice(0, 3), parts.slice(3)].map(
          ([before = null, after = null, reason = null]) => ({ ...FACTS, before, after, reason }),
        );
        if (!a || !b) return;
        const same =
          JSON.stringify([a.before, a.after, a.reason]) === JSON.stringify([b.before, b.after, b.reason]);
        expect(chainRow(a, GENESIS).hash === chainRow(b, GENESIS).hash).toBe(same);
      }),
    );
  });
});
