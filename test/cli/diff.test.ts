import { expect, test } from 'vitest';
import type { Plan } from '../../src/core/plan.ts';
import { dedent } from '../support/bad-input.ts';
import { historyDesk, shortHashes } from '../support/history-desk.ts';

test('diff of two revisions tells who gained or lost what between them, and what changed', async () => {
  const at = await historyDesk();
  expect(shortHashes(await at.told('diff --from 1'))).toBe(
    dedent(`
    Difference of revisions 1 and 4 of .iam/iam.db, access as of 2026-06-04 09:00
      UTC

    Access: 1 person loses access
      acme
        bo <bo@acme.example>
          - workspace-owner (privileged) on the whole workspace, by binding owners

    Changes
      ~ User bo
          displayName: Bo → "Bo Lee"
          state: Active → Suspended
      ~ RoleBinding acme/owners
          subjects: - User bo

    0 to create, 2 to update, 0 to delete, 4 unchanged
    digest sha256:…
    `),
  );
});

test('diff can go back in time, and to before the first revision', async () => {
  const at = await historyDesk();
  const back = await at.json<Plan>('diff --from 4 --to 1');
  expect(back.summary).toEqual({ create: 0, update: 2, delete: 0, unchanged: 4 });
  expect(back.at).toBe('2026-06-01T09:00:00Z');
  expect(back.access).toMatchObject([{ subject: 'bo', loses: [], gains: [{ role: 'workspace-owner' }] }]);
  const all = await at.json<Plan>('diff --from 0 --to 1');
  expect(all.summary).toEqual({ create: 6, update: 0, delete: 0, unchanged: 0 });
  expect(all.base).toEqual({ store: null, revision: 0 });
  expect(all.verdicts).toEqual([]);
});

test('diff with -n is about one workspace, with what is global where access there changed', async () => {
  const at = await historyDesk();
  const acme = await at.json<Plan>('diff --from 1 -n acme');
  expect(acme.changes.map(({ name }) => name)).toEqual(['owners', 'bo']);
  const beta = await at.json<Plan>('diff --from 1 -n beta');
  expect([beta.changes, beta.access]).toEqual([[], []]);
  expect(beta.summary.unchanged).toBe(2);
  expect(await at.told('diff --from 1 -n beta')).toContain('Nothing to do.');
});

test('diff of a revision with itself is empty, in every form', async () => {
  const at = await historyDesk();
  const { changes, access } = await at.json<Plan>('diff --from 2 --to 2');
  expect([changes, access]).toEqual([[], []]);
  expect((await at.iam('diff --from 2 --to 2 -o markdown')).stdout).toContain(
    '**Nothing to do.** 6 resources',
  );
});

test.each([
  [
    'diff',
    'RC121: nothing to compare\n  --git BASE..HEAD -f PATH for commits, --from REV for revisions of the store',
  ],
  ['diff --to 2', 'RC121: --to needs --from\n  --from REV --to REV, such as --from 3 --to 5'],
  [
    'diff --from 1 --git a..b',
    'RC121: --from and --to compare revisions of the store: no --git beside them\n  leave it out, or compare commits: --git BASE..HEAD -f PATH',
  ],
  [
    'diff --from 1 -f org.yaml',
    'RC121: --from and --to compare revisions of the store: no -f beside them\n  leave it out, or compare commits: --git BASE..HEAD -f PATH',
  ],
  ['diff --from HEAD', 'RC121: --from cannot be "HEAD"\n  a number, as iam history lists them'],
  ['diff --from 1 --to -1', 'RC121: --to cannot be "-1"\n  a number, as iam history lists them'],
  ['diff --from 1 --to 0', 'RC126: there is no revision 0\n  the newest is 4; iam history lists them'],
  ['diff --from 9', 'RC126: there is no revision 9\n  the newest is 4; iam history lists them'],
  ['diff --from 1 -n acmee', 'RC126: there never was a workspace "acmee"\n  did you mean "acme"?'],
])('%s is refused', async (words, error) => {
  const at = await historyDesk();
  expect(await at.iam(words)).toMatchObject({ exit: 4, stdout: '', stderr: `error ${error}\n` });
});
