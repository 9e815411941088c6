import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { ALL } from '../support/github/desk.ts';
import type { Fault } from '../support/github/faults.ts';
import { group, prDesk } from '../support/pr-desk.ts';
import { headOf, open, opened, written } from '../support/pr-opened.ts';

const CHECK = /\/check-runs$/;
const COMMENTS = /\/issues\/\d+\/comments$/;
const HAS_COMMENT = /1 to create, 0 to update, 0 to delete, 5 unchanged/;

describe('what the token may not do is said, and the rest is done', () => {
  test('no comments: the check is written, and the artifact', async () => {
    const { desk, n } = await opened({ ...ALL, 'pull-requests': 'read', issues: 'none' });
    const folder = temporaryFolder();
    const ran = await desk.iam(`pr plan --pr ${n} --artifact ${folder}`);
    expect(ran).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(
        /^#1: 1 to create.*\nerror RC602: GitHub: POST \/repos\/acme\/access\/issues\/1\/comments: Resource not accessible by integration \(403\)\n {2}the job needs "permissions: pull-requests: write"\n$/,
      ),
    });
    expect(written(desk)).toEqual([`POST /issues/${n}/comments 403`, 'POST /check-runs 201']);
    expect(readFileSync(join(folder, 'plan.json'), 'utf8')).toContain('"kind":"Plan"');
  });

  test('no checks: the comment is written', async () => {
    const { desk, n } = await opened({ ...ALL, checks: 'read' });
    const ran = await desk.iam(`pr plan --pr ${n}`);
    expect(ran).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(
        /check-runs: Resource.*\(403\)\n {2}the job needs "permissions: checks: write"\n$/,
      ),
    });
    expect(await desk.comments(n)).toEqual([expect.stringMatching(HAS_COMMENT)]);
  });

  test('neither: both are said, and a plan that is refused stays one', async () => {
    const desk = await prDesk({}, { ...ALL, checks: 'read', issues: 'read', 'pull-requests': 'read' });
    expect(await desk.iam('pr apply')).toMatchObject({ exit: 0 });
    // Nobody would own the workspace any more.
    const n = open(desk, 'noone', group('readers', ['bo']));
    headOf(desk, 'noone', {
      'access/world.yaml': readFileSync(join(desk.checkout, 'access/world.yaml'), 'utf8').replace(
        'workspace-owner',
        'workspace-member',
      ),
    });
    const ran = await desk.iam(`pr plan --pr ${n}`);
    expect(ran.exit).toBe(3);
    expect(ran.stderr.match(/^error RC602/gm)).toHaveLength(2);
  });

  test('no pull requests: which permission is missing', async () => {
    const { desk, n } = await opened({ contents: 'read' });
    const before = written(desk);
    expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({
      exit: 1,
      stdout: '',
      stderr:
        'error RC602: GitHub: GET /repos/acme/access/pulls/1: Resource not accessible by integration (403)\n  the job needs "permissions: pull-requests: read"\n',
    });
    expect(written(desk)).toEqual(before);
  });

  test('a token that is over, a pull request that is not there', async () => {
    const { desk, n } = await opened();
    const GITHUB_TOKEN = 'ghs_0123456789012345678901234567890123456789';
    const over = await desk.iam(`pr plan --pr ${n}`, { env: { GITHUB_TOKEN } });
    expect(over).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(
        /Bad credentials \(401\)\n {2}GITHUB_TOKEN is wrong, or over: it lives an hour\n/,
      ),
    });
    expect(over.stdout + over.stderr).not.toContain(GITHUB_TOKEN);
    expect(await desk.iam('pr plan --pr 99')).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(
        /pulls\/99: Not Found \(404\)\n {2}it is not there, or the token may not see it\n/,
      ),
    });
  });

  test('what is applied stays applied when it cannot be told, and what comes after it is applied too', async () => {
    const desk = await prDesk({}, { ...ALL, 'pull-requests': 'read', issues: 'read' });
    await desk.iam('pr apply');
    for (const branch of ['one', 'two']) desk.github.merge(open(desk, branch), { by: 'ana' });
    const ran = await desk.iam('pr apply');
    expect(ran.exit).toBe(1);
    expect(ran.stdout.match(/1 to create/g)).toHaveLength(2);
    expect(ran.stderr.match(/^error RC602/gm)).toHaveLength(2);
    // What the last one does is told by a later run, as long as that cannot do it either.
    const again = await desk.iam('pr apply');
    expect([again.exit, again.stdout, again.stderr]).toEqual([
      1,
      '',
      expect.stringMatching(/^nothing to do: \w{12} is applied\nerror RC602: .*issues\/2\/comments/),
    ]);
  });
});

describe('GitHub does not answer as it should', () => {
  const passing: readonly (readonly [string, Fault])[] = [
    ['a secondary rate limit', { with: 'secondary limit' }],
    ['a rate limit', { with: 'primary limit' }],
    ['too many requests', { with: 'secondary limit', method: 'POST', path: COMMENTS, times: 2 }],
    ['500', { with: 500, times: 2 }],
    ['502 at the check', { with: 502, method: 'POST', path: CHECK }],
    ['503 at the comment', { with: 503, method: 'POST', path: COMMENTS }],
    ['the connection is lost', { with: 'close' }],
    ['the connection is lost at the comment', { with: 'close', method: 'POST', path: COMMENTS }],
    [
      'the connection is lost after the comment',
      { with: 'close', method: 'POST', path: COMMENTS, afterEffect: true },
    ],
    ['502 after the comment', { with: 502, method: 'POST', path: COMMENTS, afterEffect: true }],
    ['502 after the check', { with: 502, method: 'POST', path: CHECK, afterEffect: true }],
  ];
  test.each(passing)('%s passes: one comment, and the check', async (_, fault) => {
    const { desk, n } = await opened();
    desk.github.fault(fault);
    const ran = await desk.iam(`pr plan --pr ${n}`);
    expect(ran).toMatchObject({ exit: 0 });
    if (String(fault.with).endsWith('limit'))
      expect(ran.stderr).toMatch(/^waiting \d+ s for the .*rate limit of GitHub$/m);
    expect(await desk.comments(n)).toEqual([expect.stringMatching(HAS_COMMENT)]);
    const { head } = JSON.parse(
      desk.github.log.find(({ path }) => /\/pulls\/\d+$/.test(path))?.answer || '{}',
    ) as {
      head?: { sha: string };
    };
    if (head) expect(await desk.check(head.sha)).toMatchObject({ conclusion: 'success' });
  });

  test('an answer that never comes is not waited for', async () => {
    const { desk, n } = await opened();
    desk.github.fault({ with: 'hang', method: 'GET' });
    expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({ exit: 0 });
    expect(await desk.comments(n)).toHaveLength(1);
  });

  const lasting: readonly (readonly [string, Fault['with'], RegExp])[] = [
    [
      'a secondary rate limit',
      'secondary limit',
      /You have exceeded a secondary rate limit.*\n {2}try again later\n$/,
    ],
    ['502', 502, /pulls\/1: answered 502\n {2}try again\n$/],
    ['500', 500, /pulls\/1: Server Error \(500\)\n {2}try again\n$/],
    ['429', 429, /Too many requests.*\n {2}try again later\n$/],
    ['a lost connection', 'close', /pulls\/1: no answer: [^(]+\n {2}try again\n$/],
  ];
  test.each(lasting)('%s that lasts is one message, and nothing is half said', async (_, what, message) => {
    const { desk, n } = await opened();
    desk.github.fault({ with: what, times: 99 });
    const ran = await desk.iam(`pr plan --pr ${n}`);
    expect(ran).toMatchObject({ exit: 1, stdout: '', stderr: expect.stringMatching(message) });
    expect(ran.stderr.match(/^error/gm)).toHaveLength(1);
    expect(written(desk)).toEqual([]);
  });

  test('a comment whose answers are all lost is written once, whenever it is tried again', async () => {
    const { desk, n } = await opened();
    desk.github.fault({ with: 'close', method: 'POST', path: COMMENTS, afterEffect: true, times: 9 });
    await desk.iam(`pr plan --pr ${n}`);
    await desk.iam(`pr plan --pr ${n}`);
    expect(await desk.comments(n)).toHaveLength(1);
  });

  test('an apply that loses GitHub has applied what it has, and the next one goes on', async () => {
    const { desk, n } = await opened();
    const head = headOf(desk, 'second', { 'access/second.yaml': group('second', ['bo']) });
    const second = desk.github.openPullRequest({ author: 'bo', branch: 'second' });
    for (const number of [n, second]) desk.github.merge(number, { by: 'ana' });
    // As often as it is asked for once.
    desk.github.fault({ with: 503, path: new RegExp(`/${head}/check-runs$`), times: 4 });
    expect(await desk.iam('pr apply')).toMatchObject({
      exit: 1,
      stdout: expect.stringMatching(new RegExp(`^\\w+ \\(#${n}\\): 1 to create.*revision 2\\n$`)),
      stderr: expect.stringMatching(/check-runs: answered 503\n {2}try again\n$/),
    });
    expect(await desk.iam('pr apply')).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(new RegExp(`^\\w+ \\(#${second}\\): 1 to create.*revision 3\\n$`)),
    });
  });

  test('one issue of drift, whatever becomes of the answers', async () => {
    const { desk } = await opened();
    const stdin =
      'apiVersion: rolecall.dev/v1alpha1\nkind: User\nmetadata: {name: eve}\nspec: {email: eve@other.example}\n';
    expect(await desk.iam('apply -f - --manager other --adopt', { stdin })).toMatchObject({ exit: 0 });
    desk.github.fault({ with: 502, method: 'POST', path: /\/issues$/, afterEffect: true });
    expect(await desk.iam('pr drift')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('issue opened'),
    });
    desk.github.fault({ with: 'close', method: 'PATCH', path: /\/issues\/\d+$/, afterEffect: true });
    await desk.iam('pr drift');
    const made = written(desk).filter((line) => /^POST \/issues /.test(line));
    expect(made).toEqual(['POST /issues 502']);
    expect(await desk.iam('pr drift')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('issue as it was'),
    });
  });
});

test('GitHub Enterprise is another address', async () => {
  const desk = await prDesk({}, ALL, { basePath: '/api/v3' });
  await desk.iam('pr apply');
  const n = open(desk, 'readers');
  for (const slash of ['', '/'])
    expect(
      await desk.iam(`pr plan --pr ${n}`, { env: { GITHUB_API_URL: `${desk.github.url}${slash}` } }),
    ).toMatchObject({ exit: 0 });
  expect(await desk.iam(`pr plan --pr ${n}`, { env: { GITHUB_API_URL: 'github.example' } })).toMatchObject({
    exit: 4,
    stderr: expect.stringMatching(/^error RC121: GITHUB_API_URL cannot be "github\.example"\n {2}https:/),
  });
  desk.github.merge(n, { by: 'ana' });
  expect(await desk.iam('pr apply')).toMatchObject({ exit: 0 });
  expect(desk.github.log.every(({ path }) => path.startsWith('/api/v3/repos/'))).toBe(true);
  expect((await desk.comments(n)).length).toBe(2);
});
