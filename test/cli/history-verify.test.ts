/** Every way to tamper with the audit of a real database, each found by the command; and a redaction, which is none. */
import { describe, expect, test } from 'vitest';
import { type AuditRow, chainRow } from '../../src/core/audit.ts';
import { type HistoryDesk, historyDesk, shortHashes } from '../support/history-desk.ts';

/** Every column that the hash of a row covers, and the hashes themselves. */
const COLUMNS = [
  'seq',
  'revision',
  'at',
  'actor',
  'actor_verified',
  'action',
  'uid',
  'identity',
  'before',
  'after',
  'reason',
  '"commit"',
  'pr',
  'approvers',
  'verdicts',
  'payload_hash',
  'prev_hash',
  'hash',
];
const NUMBERS = ['seq', 'revision', 'actor_verified'];

/** What the command says is wrong, a line each. */
async function wrong(at: HistoryDesk, words = ''): Promise<string[]> {
  const { exit, stdout, stderr } = await at.iam(`history verify${words}`);
  expect([exit, stdout]).toEqual([1, '']);
  const lines = stderr.split('\n').filter((line) => line.startsWith('error'));
  return lines.map((line) => shortHashes(line.replace('error RC409: ', '')));
}

function rowsOf(at: HistoryDesk): Promise<AuditRow[]> {
  return at.json<{ rows: AuditRow[] }>('history --audit').then(({ rows }) => rows);
}

describe('history verify finds', () => {
  test('every column of every row that is changed', { timeout: 120_000 }, async () => {
    const at = await historyDesk();
    for (const { seq } of at.rows('SELECT seq FROM audit')) {
      for (const column of COLUMNS) {
        const [{ value } = {}] = at.rows(`SELECT ${column} AS value FROM audit WHERE seq = ${seq}`);
        const other = NUMBERS.includes(column) ? `${column} + 1000` : `coalesce(${column}, '') || 'x'`;
        const changed = column === 'actor_verified' ? '1 - actor_verified' : other;
        at.tamper(`UPDATE audit SET ${column} = ${changed} WHERE seq = ${seq}`);
        const where = column === 'seq' ? Number(seq) + 1000 : seq;
        const [first = ''] = await wrong(at);
        if (column === 'seq' && Number(seq) === 15)
          expect(first).toBe(`the audit is out of order: what is row 1015 now was written as row 15`);
        else if (column === 'seq')
          expect(first).toMatch(
            new RegExp(`^audit row ${seq} is missing: row ${Number(seq) + 1} comes next`),
          );
        else expect(first, `${column} of ${seq}`).toContain(`audit row ${seq} (`);
        if (column !== 'seq') expect(first).toMatch(/\) is not as it was written$/);
        at.tamper(`UPDATE audit SET ${column} = ? WHERE seq = ${where}`, value as string);
      }
    }
    expect(await at.iam('history verify')).toMatchObject({ exit: 0 });
  });

  test('rows that are missing, and rows that have changed places', async () => {
    const at = await historyDesk();
    at.tamper('DELETE FROM audit WHERE seq = 10');
    expect(await wrong(at)).toEqual(['audit row 10 is missing: row 11 comes next']);
    at.tamper('DELETE FROM audit WHERE seq < 4');
    expect(await wrong(at)).toEqual(['audit rows 1 to 3 are missing: row 4 comes next']);
    const other = await historyDesk();
    other.tamper('UPDATE audit SET seq = CASE seq WHEN 5 THEN -6 ELSE -5 END WHERE seq IN (5, 6)');
    other.tamper('UPDATE audit SET seq = -seq WHERE seq < 0');
    expect(await wrong(other)).toEqual(['the audit is out of order: what is row 5 now was written as row 6']);
  });

  test('a row that is put in, and one that is rewritten with its hashes', async () => {
    const at = await historyDesk();
    const rows = await rowsOf(at);
    const [, , third, fourth] = rows;
    if (!third || !fourth) throw new Error('there are such rows');
    const forged = { ...fourth, identity: 'User//eve' };
    const { payloadHash, hash } = chainRow(forged, third.hash);
    at.tamper(
      'UPDATE audit SET identity = ?, payload_hash = ?, hash = ? WHERE seq = 4',
      forged.identity,
      payloadHash,
      hash,
    );
    expect(await wrong(at)).toEqual([
      'audit row 5 does not follow row 4: one of them was put in, or rewritten',
    ]);
    const other = await historyDesk();
    other.tamper('UPDATE audit SET seq = -seq - 1 WHERE seq > 7');
    other.tamper('UPDATE audit SET seq = -seq WHERE seq < 0');
    other.tamper(
      'INSERT INTO audit SELECT 8, revision, at, actor, actor_verified, action, uid, identity, before, after, reason, "commit", pr, approvers, verdicts, payload_hash, hash, hash FROM audit WHERE seq = 7',
    );
    expect(await wrong(other)).toEqual([
      'audit row 11 is not 11:sha256:… (.iam/snapshot/acme.snapshot.json): it, or what came before, was rewritten',
      'audit row 8 (create RoleBinding beta/owners, revision 1) is not as it was written',
    ]);
  });

  test('that the end is cut off, by a head that was kept, or that of a snapshot', async () => {
    const at = await historyDesk();
    const { auditHead } = await headOf(at);
    at.tamper('DELETE FROM audit WHERE seq > 13');
    at.tamper('DELETE FROM revision WHERE revision > 3');
    // The snapshots of the last revision were written before the suspension: bo was in none.
    expect(await at.iam('history verify')).toMatchObject({ exit: 0 });
    expect(await wrong(at, ` --head ${auditHead}`)).toEqual([
      'the end of the audit is cut off: the newest row is 13, and there was 15:sha256:… (--head)',
    ]);
    at.tamper('DELETE FROM audit WHERE seq > 7');
    at.tamper('DELETE FROM revision WHERE revision > 1');
    const [cut = '', ...others] = await wrong(at);
    expect(cut).toMatch(
      /^the end of the audit is cut off: the newest row is 7, and there was 1[13]:sha256:… \(\.iam\/snapshot\/acme\.snapshot\.json\)$/,
    );
    expect(others).toEqual([]);
    at.tamper('DELETE FROM audit');
    at.tamper('DELETE FROM revision');
    expect((await wrong(at)).every((line) => line.includes('cut off: there is no row, and there was'))).toBe(
      true,
    );
  });

  test('that all of it was rewritten, by a head', async () => {
    const [at, other] = [await historyDesk(), await historyDesk()];
    const { auditHead } = await headOf(other);
    expect(await wrong(at, ` --head ${auditHead}`)).toEqual([
      'audit row 15 is not 15:sha256:… (--head): it, or what came before, was rewritten',
    ]);
  });

  test('that revisions are not what the audit says of them', async () => {
    const at = await historyDesk();
    at.tamper("UPDATE revision SET actor = 'eve', reason = 'none' WHERE revision = 2");
    at.tamper('UPDATE revision SET created = 5 WHERE revision = 1');
    at.tamper('DELETE FROM revision WHERE revision = 3');
    expect(await wrong(at)).toEqual([
      'revision 1: its number of changes is not what audit row 1 says',
      'revision 2: its actor, reason is not what audit row 9 says',
      'revision 3, of which audit row 12 tells, is gone',
    ]);
    const other = await historyDesk();
    other.tamper(
      "INSERT INTO revision VALUES (5, '2026-06-05T09:00:00Z', 'eve', 1, 'default', 'sha256:x', NULL, NULL, 0, 0, 0)",
    );
    expect(await wrong(other)).toEqual(['revision 5: there is no audit row of it']);
  });

  test('payloads that were taken away behind its back, as a warning', async () => {
    const at = await historyDesk();
    at.tamper('UPDATE audit SET before = NULL, after = NULL, reason = NULL WHERE seq IN (5, 13)');
    const ran = await at.iam('history verify');
    expect(ran).toMatchObject({
      exit: 0,
      stderr:
        'warning RC409: no audit row tells who redacted rows 5, 13\n  iam history redact leaves such a row: find out who could write to the store\n',
    });
    expect(ran.stdout).toContain('2 rows are redacted');
  });
});

test('history verify says what it has read, and with what it compared', async () => {
  const at = await historyDesk();
  const { auditHead } = await headOf(at);
  expect(await at.told(`history verify --head ${auditHead}`)).toBe(
    `15 audit rows are intact, the newest is\n  ${auditHead}\ncompared with\n  ${auditHead}\n  (--head)\n`,
  );
  const { rows, head, comparedWith, redacted } = await at.json<{
    rows: number;
    head: string;
    comparedWith: { from: string }[];
    redacted: number[];
  }>('history verify');
  expect([rows, head, redacted]).toEqual([15, auditHead, []]);
  expect(comparedWith.map(({ from }) => from).sort()).toEqual([
    '.iam/snapshot/acme.snapshot.json',
    '.iam/snapshot/beta.snapshot.json',
  ]);
});

test('history verify says what would not show where it has no head', async () => {
  const at = await historyDesk();
  const { iam } = at;
  await iam('apply -f org.yaml -q --no-snapshot --store sqlite:.iam/other/iam.db');
  // The snapshots here are of another store.
  const ran = await iam('history verify --store sqlite:.iam/other/iam.db');
  expect(ran).toMatchObject({ exit: 0, stderr: '' });
  expect(shortHashes(ran.stdout)).toBe(
    `7 audit rows are intact, the newest is
  7:sha256:…
compared with no head: that the end is cut off would not show. Keep the
  auditHead that apply -o json gives, and name it with --head
`,
  );
});

test('history verify as JSON is one document, also when it fails', async () => {
  const at = await historyDesk();
  at.tamper("UPDATE audit SET reason = 'x' WHERE seq = 4");
  const { exit, stdout, stderr } = await at.iam('history verify -o json');
  expect([exit, stdout]).toEqual([1, '']);
  expect(JSON.parse(stderr).items).toMatchObject([
    {
      code: 'RC409',
      message: 'audit row 4 (create User ana, revision 1) is not as it was written',
      hint: 'the rows before it are as they were written; compare the store with a backup, and find out who could write to it',
    },
  ]);
});

async function headOf(at: HistoryDesk): Promise<{ auditHead: string }> {
  const last = (await rowsOf(at)).at(-1);
  return { auditHead: `${last?.seq}:${last?.hash}` };
}
