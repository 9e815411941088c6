import { describe, expect, test } from 'vitest';
import { type AuditRow, createChainCheck } from '../../src/core/audit.ts';
import type { Revision } from '../../src/stores/store.ts';
import { dedent } from '../support/bad-input.ts';
import { temporaryFolder } from '../support/folder.ts';
import { historyDesk, shortHashes } from '../support/history-desk.ts';
import { runIam } from '../support/run-iam.ts';

function told(name: string, words: string, text: string): void {
  test(name, async () => {
    const at = await historyDesk();
    expect(shortHashes(await at.told(words))).toBe(dedent(text));
  });
}

describe('iam history', () => {
  told(
    'lists revisions, the newest first',
    'history',
    `
    REVISION  WHEN                  BY               +  ~  -  REASON
    4         2026-06-04 09:00 UTC  ana              0  1  0  left
    3         2026-06-03 09:00 UTC  manager:default  0  1  0
    2         2026-06-02 09:00 UTC  bo               0  1  0  handover, INC-7
    1         2026-06-01 09:00 UTC  ana              6  0  0  first
    `,
  );
  told(
    'of a workspace lists those that changed it, or something in it',
    'history -n acme',
    `
    REVISION  WHEN                  BY   +  ~  -  REASON
    2         2026-06-02 09:00 UTC  bo   0  1  0  handover, INC-7
    1         2026-06-01 09:00 UTC  ana  6  0  0  first
    `,
  );
  told(
    'lists those from a time on',
    'history --since 2026-06-03T09:00:00Z',
    `
    REVISION  WHEN                  BY               +  ~  -  REASON
    4         2026-06-04 09:00 UTC  ana              0  1  0  left
    3         2026-06-03 09:00 UTC  manager:default  0  1  0
    `,
  );

  test('tells programs the same', async () => {
    const at = await historyDesk();
    const { kind, revisions } = await at.json<{ kind: string; revisions: Revision[] }>('history -n acme');
    expect([kind, revisions.map(({ revision }) => revision)]).toEqual(['History', [2, 1]]);
    const lines = (await at.iam('history --since 2026-06-03 -o jsonl')).stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).revision)).toEqual([4, 3]);
    expect(lines.map((line) => JSON.parse(line).manager)).toEqual(['suspend', 'default']);
  });

  test('says so where there is nothing', async () => {
    const at = await historyDesk();
    const nothing = { exit: 0, stdout: '' };
    expect(await at.iam('history --since 2027-01-01')).toMatchObject({
      ...nothing,
      stderr: 'nothing was applied since 2027-01-01\n',
    });
    expect(await at.iam('history --audit -n acme --since 2027-01-01')).toMatchObject({
      ...nothing,
      stderr: 'nothing was recorded in acme since 2027-01-01\n',
    });
    expect(await at.iam('history --refused --since 2027-01-01 -o json')).toMatchObject({
      exit: 0,
      stdout: '{"kind":"Audit","rows":[]}\n',
      stderr: '',
    });
  });
});

describe('iam history --audit', () => {
  const ROWS = `
    SEQ  REVISION  WHEN                  BY               ACTION    WHAT                     NOTE
    1    1         2026-06-01 09:00 UTC  ana              apply                              first
    2    1         2026-06-01 09:00 UTC  ana              create    Workspace acme
    3    1         2026-06-01 09:00 UTC  ana              create    Workspace beta
    4    1         2026-06-01 09:00 UTC  ana              create    User ana
    5    1         2026-06-01 09:00 UTC  ana              create    User bo
    6    1         2026-06-01 09:00 UTC  ana              create    RoleBinding acme/owners
    7    1         2026-06-01 09:00 UTC  ana              create    RoleBinding beta/owners
    8    1         2026-06-02 09:00 UTC  bo               refused                            RC207; mine
    9    2         2026-06-02 09:00 UTC  bo               apply                              handover, INC-7
    10   2         2026-06-02 09:00 UTC  bo               override                           RC207; handover, INC-7
    11   2         2026-06-02 09:00 UTC  bo               update    RoleBinding acme/owners
    12   3         2026-06-03 09:00 UTC  manager:default  apply
    13   3         2026-06-03 09:00 UTC  -                update    User bo
    14   4         2026-06-04 09:00 UTC  ana              apply                              left
    15   4         2026-06-04 09:00 UTC  ana              update    User bo
    `;

  test('lists every row, the oldest first', async () => {
    const at = await historyDesk();
    const { stdout } = await at.iam('history --audit', { columns: 120 });
    expect(stdout).toBe(dedent(ROWS));
  });

  told(
    'takes two lines a row where a terminal is narrow',
    'history --audit --since 2026-06-02 -n acme',
    `
    8  revision 1, 2026-06-02 09:00 UTC, bo
      refused: RC207; mine
    9  revision 2, 2026-06-02 09:00 UTC, bo
      apply: handover, INC-7
    10  revision 2, 2026-06-02 09:00 UTC, bo
      override: RC207; handover, INC-7
    11  revision 2, 2026-06-02 09:00 UTC, bo
      update RoleBinding acme/owners
    `,
  );

  test('of a workspace lists what names something in it, and what concerns it', async () => {
    const at = await historyDesk();
    const seqs = async (words: string) =>
      (await at.json<{ rows: AuditRow[] }>(words)).rows.map(({ seq }) => seq);
    expect(await seqs('history --audit -n acme')).toEqual([1, 2, 6, 8, 9, 10, 11]);
    expect(await seqs('history --audit -n beta')).toEqual([1, 3, 7]);
    expect(await seqs('history --refused -n beta')).toEqual([]);
  });

  test('gives programs all columns, so that they can check the chain', async () => {
    const at = await historyDesk();
    const { kind, rows } = await at.json<{ kind: string; rows: AuditRow[] }>('history --audit');
    expect([kind, rows.length]).toEqual(['Audit', 15]);
    const lines = (await at.iam('history --audit -o jsonl')).stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(rows);
    const check = createChainCheck();
    expect(rows.flatMap((row) => check(row) ?? [])).toEqual([]);
  });

  test('writes one document of many batches of rows', async () => {
    const at = await historyDesk();
    const people = Array.from({ length: 1100 }, (_, i) => `{"name":"u${i}"}`);
    at.put(
      ...people.map(
        (metadata, i) =>
          `---\n{"apiVersion":"rolecall.dev/v1alpha1","kind":"User","metadata":${metadata},"spec":{"email":"u${i}@acme.example"}}\n`,
      ),
    );
    expect(await at.iam('apply -f org.yaml -q --no-snapshot')).toMatchObject({ exit: 0 });
    const { rows } = await at.json<{ rows: AuditRow[] }>('history --audit');
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 1116 }, (_, i) => i + 1));
  });

  test('can be read where somebody has changed it', async () => {
    const at = await historyDesk();
    at.tamper(
      "UPDATE audit SET after = 'no JSON', verdicts = '{', reason = char(27) || '[2J' WHERE seq IN (1, 8, 10)",
    );
    for (const words of ['history --audit', 'history --refused'])
      expect(await at.told(words)).toContain('\\u001b[2J');
  });
});

describe('iam history --refused', () => {
  told(
    'tells what was refused, to whom and why',
    'history --refused',
    `
    2026-06-02 09:00 UTC, at revision 1, bo (not verified), manager default
      refused RC207: you (bo) would no longer own acme
      reason: mine
      digest sha256:…
      audit row 8
    `,
  );

  test('gives programs the rows', async () => {
    const at = await historyDesk();
    const { rows } = await at.json<{ rows: AuditRow[] }>('history --refused --since 2026-06-02');
    expect(rows).toMatchObject([{ seq: 8, action: 'refused', actor: 'bo', revision: 1 }]);
    expect((await at.iam('history --refused -o jsonl')).stdout).toBe(`${JSON.stringify(rows[0])}\n`);
  });
});

describe('what history refuses', () => {
  test.each([
    ['history -n acmee', 'RC126: there never was a workspace "acmee"\n  did you mean "acme"?'],
    ['history --audit -n x', 'RC126: there never was a workspace "x"\n  iam get workspaces'],
    ['history shwo', 'RC121: unknown command "history shwo"\n  did you mean "show"?'],
    [
      'history --since soon',
      'RC121: --since cannot be "soon"\n  a date, or an RFC 3339 time such as 2027-01-31T18:00:00Z',
    ],
    ['history show x', 'RC121: REV cannot be "x"\n  a number, as iam history lists them'],
    ['history show 9', 'RC126: there is no revision 9\n  the newest is 4; iam history lists them'],
    ['history show 0', 'RC126: there is no revision 0\n  the newest is 4; iam history lists them'],
    ['history show 1 -n acmee', 'RC126: there never was a workspace "acmee"\n  did you mean "acme"?'],
    ['history show 1 --audit', 'RC121: --audit goes with iam history, not with history show\n  leave it out'],
    [
      'history show 1 -o jsonl',
      'RC121: -o jsonl goes with iam history, not with history show\n  leave it out',
    ],
    [
      'history verify -n acme',
      'RC121: history verify is about the audit of the whole store, not of one workspace\n  leave -n out',
    ],
    [
      'history verify --head 3',
      'RC121: --head cannot be "3"\n  SEQ:HASH, as apply -o json gives it (auditHead)',
    ],
    [
      `history verify --head 0:sha256:${'0'.repeat(64)}`,
      `RC121: --head cannot be "0:sha256:${'0'.repeat(64)}"\n  SEQ:HASH, as apply -o json gives it (auditHead)`,
    ],
    ['history redact 1', 'RC121: to redact needs a reason\n  say why with --reason TEXT'],
    [
      'history redact 1 x --reason r',
      'RC121: SEQ cannot be "x"\n  the number of an audit row: iam history --audit lists them',
    ],
  ])('%s', async (words, error) => {
    const at = await historyDesk();
    expect(await at.iam(words)).toMatchObject({ exit: 4, stdout: '', stderr: `error ${error}\n` });
  });

  test.each([
    'history',
    'history --audit',
    'history show 1',
    'history verify',
    'history redact 1 --reason x',
  ])('%s where there is no store', async (words) => {
    const cwd = temporaryFolder();
    expect(await runIam(words.split(' '), { cwd })).toMatchObject({
      exit: 4,
      stdout: '',
      stderr: 'error RC401: no store at .iam/iam.db\n  the first iam apply creates it\n',
    });
  });
});
