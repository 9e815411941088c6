import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type HistoryDesk, historyDesk, shortHashes } from '../support/history-desk.ts';
import type { RunOptions } from '../support/run-iam.ts';

const REASON = ['--reason', 'GDPR request 4711'];

function redact(at: HistoryDesk, rows: string, options: RunOptions = {}, ...more: readonly string[]) {
  return at.run(['history', 'redact', ...rows.split(' '), ...REASON, ...more], {
    now: '2026-06-05T09:00:00Z',
    ...options,
  });
}

test('history redact takes away what rows say, and the chain holds', async () => {
  const at = await historyDesk();
  const head = `${15}:${at.rows('SELECT hash FROM audit WHERE seq = 15')[0]?.hash}`;
  const ran = await redact(at, '13 5 13', {}, '--as', 'ana');
  expect(ran).toMatchObject({ exit: 0, questions: [] });
  expect(ran.stdout).toBe(`SEQ  REVISION  WHEN                  BY   ACTION  WHAT     NOTE
5    1         2026-06-01 09:00 UTC  ana  create  User bo
13   3         2026-06-03 09:00 UTC  -    update  User bo
`);
  expect(shortHashes(ran.stderr)).toBe('redacted rows 5, 13; the newest audit row is 16:sha256:…\n');
  const payloads = at.rows('SELECT seq, before, after, reason FROM audit WHERE seq IN (5, 13)');
  expect(payloads).toEqual([5, 13].map((seq) => ({ seq, before: null, after: null, reason: null })));
  const [row] = at.rows('SELECT * FROM audit WHERE seq = 16');
  expect(row).toMatchObject({
    action: 'redact',
    actor: 'ana',
    revision: 4,
    after: '{"manager":"default","rows":[5,13]}',
    reason: 'GDPR request 4711',
  });
  expect(await at.told(`history verify --head ${head}`)).toContain('2 rows are redacted');
});

test('what is redacted is gone from the list, and states before it are refused with the reason', async () => {
  const at = await historyDesk();
  expect(await redact(at, '13')).toMatchObject({ exit: 0 });
  expect((await at.iam('history --audit -o jsonl')).stdout).toContain('"identity":"User//bo","before":null');
  expect(await at.iam('diff --from 3')).toMatchObject({ exit: 0 });
  expect(await at.iam('diff --from 2')).toMatchObject({
    exit: 1,
    stdout: '',
    stderr:
      'error RC408: what User bo was at revision 2 cannot be told: audit row 13 is redacted\n  the states from revision 3 on do not need that row\n',
  });
});

test('history redact tells programs what it did', async () => {
  const at = await historyDesk();
  const { exit, stdout, stderr } = await redact(at, '5', {}, '-o', 'json');
  expect([exit, stderr]).toEqual([0, '']);
  expect(JSON.parse(shortHashes(stdout))).toEqual({
    kind: 'Redaction',
    rows: [{ seq: 5, revision: 1, action: 'create', identity: 'User//bo' }],
    auditHead: '16:sha256:…',
  });
});

test('history redact asks on a terminal, unless told not to', async () => {
  const at = await historyDesk();
  const no = await redact(at, '5 13', { interactive: true, answers: [false] });
  expect(no).toMatchObject({ exit: 1, stderr: 'declined, nothing was redacted\n' });
  expect(no.questions).toEqual(['Take away for good what these 2 rows say?']);
  expect(no.stdout).toContain('create  User bo');
  expect(at.rows('SELECT count(*) AS n FROM audit')).toEqual([{ n: 15 }]);
  const json = await redact(at, '5', { interactive: true }, '-o', 'json');
  expect(json.exit).toBe(4);
  expect(JSON.parse(json.stderr).items).toMatchObject([{ message: '-o json on a terminal cannot ask' }]);
  const yes = await redact(at, '5', { interactive: true, answers: [true] });
  expect(yes).toMatchObject({ exit: 0, questions: ['Take away for good what this row says?'] });
  expect(await redact(at, '13', { interactive: true }, '--yes')).toMatchObject({ exit: 0, questions: [] });
});

test('history redact of what is redacted already writes nothing', async () => {
  const at = await historyDesk();
  await redact(at, '5');
  expect(await redact(at, '5', { interactive: true })).toMatchObject({
    exit: 0,
    questions: [],
    stderr: 'nothing to do: redacted already\n',
  });
  expect(at.rows('SELECT count(*) AS n FROM audit')).toEqual([{ n: 16 }]);
});

test('history redact again takes out of the file what could not be taken out the first time', async () => {
  const at = await historyDesk();
  const reason = 'Featherstone'.repeat(1000);
  await at.run(['suspend', 'ana', '-q', '--reason', reason]);
  const file = () => readFileSync(join(at.cwd, '.iam/iam.db'), 'latin1');
  const told = at.rows("SELECT seq FROM audit WHERE reason LIKE 'Featherstone%'").map(({ seq }) => seq);
  expect(told.length).toBeGreaterThan(0);
  // As where the disk is full: the rows are redacted, and the file is not written anew.
  at.tamper("UPDATE audit SET before = NULL, after = NULL, reason = NULL WHERE reason LIKE 'Featherstone%'");
  at.tamper("UPDATE revision SET reason = NULL WHERE reason LIKE 'Featherstone%'");
  expect(file()).toContain('Featherstone');
  expect(await redact(at, told.join(' '))).toMatchObject({
    exit: 0,
    stderr: 'nothing to do: redacted already\n',
  });
  expect(file()).not.toContain('Featherstone');
});

test('history redact refuses all that it cannot do, and does none of it', async () => {
  const at = await historyDesk();
  await redact(at, '5');
  expect(await redact(at, '4 16 99')).toMatchObject({
    exit: 4,
    stdout: '',
    stderr: `error RC121: audit row 16 says what was redacted, and must stay
  leave it out
error RC126: there is no audit row 99
  iam history --audit lists them
`,
  });
  expect(at.rows('SELECT count(*) AS n FROM audit WHERE seq = 4 AND after IS NULL')).toEqual([{ n: 0 }]);
  expect(await at.iam('history redact')).toMatchObject({
    exit: 4,
    stderr: "error RC121: missing required argument 'seq'\n  iam --help, iam COMMAND --help\n",
  });
});
