import { expect, test } from 'vitest';
import type { AccessChange } from '../../src/core/access-diff.ts';
import type { AuditRow } from '../../src/core/audit.ts';
import type { Change } from '../../src/core/plan.ts';
import type { Verdict } from '../../src/core/verdict.ts';
import { user } from '../support/access-desk.ts';
import { dedent } from '../support/bad-input.ts';
import { type HistoryDesk, historyDesk, shortHashes } from '../support/history-desk.ts';

async function expectTold(at: HistoryDesk, words: string, text: string): Promise<void> {
  expect(shortHashes(await at.told(words))).toBe(dedent(text));
}

test('history show tells who and why, what was overridden, who lost what, and the changes', async () => {
  await expectTold(
    await historyDesk(),
    'history show 2',
    `
    Revision 2 of .iam/iam.db
      when       2026-06-02 09:00 UTC
      by         bo (not verified)
      manager    default
      reason     handover, INC-7

    Verdicts
      warning RC207: you (bo) would no longer own acme; overridden by bo: handover,
        INC-7

    Overrides
      RC207, answered for by bo (not verified): handover, INC-7

    Access: 1 person loses access
      acme
        bo <bo@acme.example>
          - workspace-owner (privileged) on the whole workspace, by binding owners

    Changes
      ~ RoleBinding acme/owners
          subjects: - User bo

    0 created, 1 updated, 0 deleted
    digest sha256:…
    `,
  );
});

test('history show of the first revision tells what was refused on top of it', async () => {
  await expectTold(
    await historyDesk(),
    'history show 1',
    `
    Revision 1 of .iam/iam.db
      when       2026-06-01 09:00 UTC
      by         ana (not verified)
      manager    default
      reason     first

    Access: 2 people gain access
      acme
        ana <ana@acme.example>
          + workspace-owner (privileged) on the whole workspace, by binding owners
        bo <bo@acme.example>
          + workspace-owner (privileged) on the whole workspace, by binding owners
      beta
        ana <ana@acme.example>
          + workspace-owner (privileged) on the whole workspace, by binding owners

    Changes
      + Workspace acme
      + Workspace beta
      + User ana
      + User bo
      + RoleBinding acme/owners
      + RoleBinding beta/owners

    While it was the newest
      2026-06-02 09:00 UTC, bo (not verified): refused RC207; mine

    6 created, 0 updated, 0 deleted
    digest sha256:…
    `,
  );
});

test('history show of a workspace leaves all else out', async () => {
  await expectTold(
    await historyDesk(),
    'history show 3 -n acme',
    `
    Revision 3 of .iam/iam.db
      when       2026-06-03 09:00 UTC
      manager    default

    Nobody's access changed.

    0 created, 1 updated, 0 deleted
    digest sha256:…
    `,
  );
});

test('history show of a workspace tells of what is global where access in it changed', async () => {
  const at = await historyDesk();
  at.put(
    user('ana', ', state: Suspended'),
    `---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: owners, namespace: beta}
spec: {role: workspace-owner, subjects: [{name: ana}], resources: [{type: Workspace}]}
`,
  );
  const plan = await at.iam('plan -f org.yaml --as ana -o json');
  const { digest } = JSON.parse(plan.stdout);
  const override = ['RC205', 'RC207'].flatMap((code) => ['--override', `${code}@${digest}`]);
  const words = ['apply', '-f', 'org.yaml', '-q', '--as', 'ana', '--reason', 'closed', ...override];
  expect(await at.run(words)).toMatchObject({ exit: 0 });
  const { changes, access } = await at.json<Story>('history show 5 -n beta');
  expect(changes.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['User ana']);
  expect(access).toMatchObject([{ subject: 'ana', workspace: 'beta', gains: [] }]);
});

interface Story {
  readonly kind: string;
  readonly revision: number;
  readonly approvers: readonly string[];
  readonly changes: readonly Change[];
  readonly access: readonly AccessChange[] | null;
  readonly untellable: string | null;
  readonly verdicts: readonly Verdict[];
  readonly overrides: readonly AuditRow[];
  readonly findings: readonly AuditRow[];
  readonly events: readonly AuditRow[];
  readonly redacted: readonly AuditRow[];
}

test('history show gives programs the plan, the verdicts and the rows', async () => {
  const at = await historyDesk();
  const story = await at.json<Story>('history show 2');
  expect(story).toMatchObject({
    kind: 'Revision',
    revision: 2,
    actor: 'bo',
    actorVerified: false,
    reason: 'handover, INC-7',
    commit: null,
    pr: null,
    approvers: [],
    summary: { create: 0, update: 1, delete: 0 },
    changes: [
      {
        action: 'update',
        kind: 'RoleBinding',
        namespace: 'acme',
        name: 'owners',
        fields: [{ path: '/spec/subjects/User:bo', before: { kind: 'User', name: 'bo' }, after: null }],
      },
    ],
    access: [{ subject: 'bo', workspace: 'acme', gains: [], loses: [{ role: 'workspace-owner' }] }],
    untellable: null,
    verdicts: [{ code: 'RC207', severity: 'warn' }],
    overrides: [{ seq: 10, actor: 'bo' }],
    findings: [],
    events: [],
    redacted: [],
  });
});

test('history show tells what policies found, and what was renamed', async () => {
  const at = await historyDesk();
  at.put(
    `---
apiVersion: rolecall.dev/v1alpha1
kind: AccessPolicy
metadata: {name: people}
spec:
  match: {on: Change, kinds: [User]}
  enforcement: Audit
  validations: [{expression: "false", message: people change}]
`,
    user('ana'),
    user('bob').replace('name: bob}', 'name: bob, annotations: {rolecall.dev/previous-names: bo}}'),
  );
  const ran = await at.iam('apply -f org.yaml -q --adopt', { now: '2026-06-05T09:00:00Z' });
  expect(ran).toMatchObject({ exit: 0 });
  const { findings, changes } = await at.json<Story>('history show 5');
  expect(findings.map(({ identity }) => identity)).toEqual(['AccessPolicy//people']);
  expect(changes.find(({ name }) => name === 'bob')).toMatchObject({ action: 'update', previousName: 'bo' });
  expect(await at.told('history show 5')).toContain('Found by policies\n  AccessPolicy people: ');
});

test('history show folds what is long, and shows all of it with -v', async () => {
  const at = await historyDesk();
  for (let i = 0; i < 22; i++) await at.iam(`history redact 5 --reason r${i} -q`);
  // Of rows that are redacted already nothing is written again.
  expect(at.rows("SELECT count(*) AS n FROM audit WHERE action = 'redact'")).toEqual([{ n: 1 }]);
  for (let i = 0; i < 22; i++)
    expect(await at.iam('delete rolebinding owners -n acme -q --as ana')).toMatchObject({ exit: 3 });
  const text = await at.told('history show 4');
  expect(text).toContain('  … and 3 more (all of them with -v)\n');
  expect((await at.told('history show 4 -v')).split('refused').length).toBe(23);
});

test('history show says what is redacted, and tells the rest', async () => {
  const at = await historyDesk();
  const redact = (rows: string) =>
    at.run(['history', 'redact', ...rows.split(' '), '-q', '--reason', 'GDPR 4711'], {
      now: '2026-06-05T09:00:00Z',
    });
  expect(await redact('9 10 13')).toMatchObject({ exit: 0 });
  await expectTold(
    at,
    'history show 2',
    `
    Revision 2 of .iam/iam.db
      when       2026-06-02 09:00 UTC
      by         bo (not verified)
      manager    default
      reason     redacted

    Verdicts
      warning RC207: you (bo) would no longer own acme; overridden by bo: handover,
        INC-7

    Overrides
      RC207, answered for by bo (not verified): redacted

    Who gained or lost what cannot be told: what User bo was at revision 2 cannot be
      told: audit row 13 is redacted

    Changes
      ~ RoleBinding acme/owners
          subjects: - User bo

    Redacted
      audit row 9: apply
      audit row 10: override

    0 created, 1 updated, 0 deleted
    digest sha256:…
    `,
  );
  await expectTold(
    at,
    'history show 3',
    `
    Revision 3 of .iam/iam.db
      when       2026-06-03 09:00 UTC
      manager    default

    Who gained or lost what cannot be told: what User bo was at revision 2 cannot be
      told: audit row 13 is redacted

    Redacted
      audit row 13: update User bo

    0 created, 1 updated, 0 deleted
    digest sha256:…
    `,
  );
  expect(await at.told('history show 4')).toContain(
    'While it was the newest\n  2026-06-05 09:00 UTC, manager default: redact rows 9, 10, 13: GDPR 4711\n',
  );
  // Whatever is redacted, every revision can be shown.
  const all = at.rows("SELECT seq FROM audit WHERE action <> 'redact'").map(({ seq }) => String(seq));
  expect(await redact(all.join(' '))).toMatchObject({ exit: 0 });
  for (const revision of [1, 2, 3, 4]) {
    await at.told(`history show ${revision}`);
    const { redacted, changes } = await at.json<Story>(`history show ${revision}`);
    expect([redacted.length > 0, changes]).toEqual([true, []]);
  }
  expect(await at.told('history --audit')).toContain('redacted');
  expect(await at.told('history --refused')).toContain('RC207');
});

test('nothing in a history takes over a terminal, or a line', async () => {
  const at = await historyDesk();
  at.put(user('eve', `, displayName: "\\u202Eeve"`), user('ana'));
  const reason = 'one\ntwo\u001b[2J\u202e';
  const words = ['apply', '-f', 'org.yaml', '-q', '--as', 'e\u001b[1mve', '--reason', reason];
  expect(await at.run(words)).toMatchObject({ exit: 4 });
  at.put(user('eve'), user('ana'));
  expect(await at.run(words)).toMatchObject({ exit: 0 });
  for (const command of ['history', 'history --audit', 'history show 5']) {
    const { stdout } = await at.iam(command);
    expect(stdout).toContain('one two\\u001b[2J\\u202e');
    for (const character of ['\u001b', '\u202e']) expect(stdout).not.toContain(character);
  }
});
