import { expect, test } from 'vitest';
import { binding, group, prDesk } from '../support/pr-desk.ts';

test('opened, planned, pushed to, planned again, merged, applied, told', { timeout: 60_000 }, async () => {
  const desk = await prDesk();
  const { github } = desk;
  // The store comes to what is there.
  const first = await desk.iam('pr apply');
  expect([first.exit, first.stderr, first.stdout]).toEqual([
    0,
    expect.any(String),
    expect.stringContaining('revision 1'),
  ]);

  const pushed = github.push({
    by: 'bo',
    branch: 'readers',
    files: {
      'access/readers.yaml': `${group('readers', ['bo'])}---\n${binding('read', 'source-read-only', '{kind: Group, name: readers}')}`,
    },
  });
  const n = github.openPullRequest({ author: 'bo', branch: 'readers', title: 'Readers' });
  const planned = await desk.iam(`pr plan --pr ${n}`);
  expect([planned.exit, planned.stderr]).toEqual([0, expect.stringContaining(`#${n}: 2 to create`)]);
  const [comment = '', ...more] = await desk.comments(n);
  expect(more).toEqual([]);
  expect(comment).toContain('**gains** source-read-only on the whole workspace');
  expect(comment).toContain('bo `bo@acme.example`');
  expect(comment.trim().split('\n').at(-1)).toMatch(
    /^digest `sha256:[0-9a-f]{64}`, `\w{12}` into `\w{12}`, revision 1$/,
  );
  expect(await desk.check(pushed.after)).toEqual({
    conclusion: 'success',
    title: '2 to create, 0 to update, 0 to delete, 5 unchanged',
  });

  github.push({
    by: 'bo',
    branch: 'readers',
    files: {
      'access/readers.yaml': `${group('readers', ['bo', 'eve'])}---\n${binding('read', 'source-read-only', '{kind: Group, name: readers}')}`,
    },
  });
  await desk.iam(`pr plan --pr ${n}`);
  const again = await desk.comments(n);
  expect(again.length).toBe(1);
  expect(again[0]).toContain('eve `eve@acme.example`');

  github.approve('ana', n);
  github.merge(n, { by: 'ana' });
  const applied = await desk.iam('pr apply');
  expect([applied.exit, applied.stdout]).toEqual([
    0,
    expect.stringMatching(/#\d+\): 2 to create.*revision 2/),
  ]);
  const [, report = ''] = await desk.comments(n);
  expect(report).toContain('### Applied to');
  expect(report).toContain('revision 2');
  expect(report).toContain('review: verified');
  expect((await desk.iam('can-i eve source-read-only -n acme')).exit).toBe(0);
  const { stdout } = await desk.iam('history show 2');
  expect(stdout).toContain('bo');
  expect(stdout).toContain('ana');

  // An old run that is started again does nothing, and nothing is left to do.
  expect((await desk.iam('pr apply')).stderr).toContain('nothing to do');
});
