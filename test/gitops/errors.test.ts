import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { ALL } from '../support/github/desk.ts';
import type { Fault } from '../support/github/faults.ts';
import type { Permissions } from '../support/github/state.ts';
import { binding, group, type PrDesk, prDesk } from '../support/pr-desk.ts';

const CHECK = /\/check-runs$/;
const COMMENTS = /\/issues\/\d+\/comments$/;
const HAS_COMMENT = /1 to create, 0 to update, 0 to delete, 5 unchanged/;

/** A desk whose store has what is merged, and a pull request that makes a group. */
async function opened(permissions?: Permissions, branch = 'readers'): Promise<{ desk: PrDesk; n: number }> {
  const desk = await prDesk({}, permissions);
  expect(await desk.iam('pr apply')).toMatchObject({ exit: 0 });
  return { desk, n: open(desk, branch) };
}

function open({ github }: PrDesk, branch: string, text = group(branch, ['bo'])): number {
  github.push({ by: 'bo', branch, files: { [`access/${branch}.yaml`]: text } });
  return github.openPullRequest({ author: 'bo', branch, title: `Please: ${branch}` });
}

/** The requests that wrote something, with their status. */
function written({ github }: PrDesk): string[] {
  return github.log
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path, status }) => `${method} ${path.replace('/repos/acme/access', '')} ${status}`);
}

function headOf({ github }: PrDesk, branch: string, files: Readonly<Record<string, string | null>>): string {
  return github.push({ by: 'bo', branch, files }).after;
}

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
    expect(await desk.iam('pr apply')).toMatchObject({
      exit: 0,
      stderr: expect.stringContaining('nothing to do'),
    });
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
  desk.github.merge(n, { by: 'ana' });
  expect(await desk.iam('pr apply')).toMatchObject({ exit: 0 });
  expect(desk.github.log.every(({ path }) => path.startsWith('/api/v3/repos/'))).toBe(true);
  expect((await desk.comments(n)).length).toBe(2);
});

describe('what a pull request may be', () => {
  test('of a fork that is deleted: planned from what GitHub kept, files against files, with no store', async () => {
    const { desk } = await opened();
    const { github } = desk;
    github.people({ stranger: 'none' });
    github.fork('stranger');
    github.push({
      by: 'stranger',
      branch: 'mine',
      fork: true,
      files: { 'access/mine.yaml': group('mine', ['eve']) },
    });
    const n = github.openPullRequest({ author: 'stranger', branch: 'mine', fork: true });
    github.deleteFork('stranger');
    expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({ exit: 0 });
    const [comment = ''] = await desk.comments(n);
    expect(comment).toContain('files against files');
    expect(comment).not.toMatch(/revision \d/);
  });

  test('of a branch that was moved by force between plan and merge: nothing that nobody saw is applied unsaid', async () => {
    const { desk, n } = await opened();
    await desk.iam(`pr plan --pr ${n}`);
    desk.github.forcePush({
      by: 'bo',
      branch: 'readers',
      files: { 'access/readers.yaml': group('readers', ['bo', 'eve']) },
    });
    desk.github.merge(n, { by: 'ana' });
    expect(await desk.iam('pr apply')).toMatchObject({ exit: 0 });
    expect((await desk.comments(n)).at(-1)).toContain('review: unverified');
  });

  test('a draft: its check fails nobody', async () => {
    const desk = await prDesk();
    await desk.iam('pr apply');
    const head = headOf(desk, 'draft', { 'access/draft.yaml': group('draft', ['nobody-known']) });
    const n = desk.github.openPullRequest({ author: 'bo', branch: 'draft', draft: true });
    expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({ exit: 4 });
    expect(await desk.check(head)).toMatchObject({
      conclusion: 'neutral',
      title: '1 mistake in the manifests',
    });
    desk.github.markReady(n);
    await desk.iam(`pr plan --pr ${n}`);
    expect(await desk.check(head)).toMatchObject({ conclusion: 'failure' });
  });

  test('the folder of the manifests renamed: nothing changes where the configuration follows, else it is a mistake', async () => {
    const { desk } = await opened();
    const world = readFileSync(join(desk.checkout, 'access/world.yaml'), 'utf8');
    const config = readFileSync(join(desk.checkout, '.rolecall/gitops.yaml'), 'utf8');
    const moved = { 'access/world.yaml': null, 'people/world.yaml': world };
    headOf(desk, 'half', moved);
    const half = desk.github.openPullRequest({ author: 'bo', branch: 'half' });
    expect(await desk.iam(`pr plan --pr ${half}`)).toMatchObject({
      exit: 4,
      stderr: expect.stringMatching(/^error RC101: access: the commit has no such file or folder$/m),
    });
    headOf(desk, 'whole', { ...moved, '.rolecall/gitops.yaml': config.replace('[access]', '[people]') });
    const whole = desk.github.openPullRequest({ author: 'bo', branch: 'whole' });
    expect(await desk.iam(`pr plan --pr ${whole}`)).toMatchObject({
      exit: 0,
      stderr: expect.stringContaining(`#${whole}: Nothing to do`),
    });
    expect(await desk.comments(whole)).toEqual([]);
    // Merged all the same, what is half said is not applied: it would take everything away.
    desk.github.merge(half, { by: 'ana' });
    expect(await desk.iam('pr apply')).toMatchObject({ exit: 4, stderr: expect.stringContaining('RC101') });
    expect(await desk.iam('can-i ana workspace-owner -n acme')).toMatchObject({ exit: 0 });
  });

  test('of a base that does not hold: said once, and what mends it is planned against what held before', async () => {
    const { desk } = await opened();
    desk.github.push({
      by: 'ana',
      branch: 'main',
      files: { 'access/wrong.yaml': group('wrong', ['nobody-known']) },
    });
    const n = open(desk, 'more');
    expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({
      exit: 4,
      stderr: expect.stringMatching(/access\/wrong\.yaml:4:\d+: error RC112.*nobody-known/),
    });
    headOf(desk, 'mend', { 'access/wrong.yaml': group('wrong', ['eve']) });
    const mend = desk.github.openPullRequest({ author: 'bo', branch: 'mend' });
    expect(await desk.iam(`pr plan --pr ${mend}`)).toMatchObject({
      exit: 0,
      stderr: expect.stringMatching(
        /1 to create[\s\S]*warning RC607: the manifests of \w{12}, the base, have mistakes/,
      ),
    });
    desk.github.merge(mend, { by: 'ana' });
    expect(await desk.iam('pr apply')).toMatchObject({ exit: 0 });
    expect((await desk.iam('get group wrong -n acme')).exit).toBe(0);
  });

  test('in conflict with its base: which is all that is known', async () => {
    const { desk, n } = await opened();
    await desk.iam(`pr plan --pr ${n}`);
    desk.github.push({
      by: 'ana',
      branch: 'main',
      files: { 'access/readers.yaml': group('readers', ['ana']) },
    });
    expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({
      exit: 5,
      stderr: expect.stringMatching(/error RC603: .*\n {2}merge the base into it, or rebase it\n$/),
    });
    const comments = await desk.comments(n);
    expect(comments).toEqual([expect.stringContaining('Conflicts with its base')]);
  });
});

describe('where iam runs', () => {
  const clone = (desk: PrDesk, ...options: string[]) => {
    const folder = join(temporaryFolder(), 'clone');
    execFileSync('git', ['clone', '-q', ...options, `file://${desk.repository}`, folder], { stdio: 'pipe' });
    return folder;
  };

  test('in a shallow clone: it fetches what it lacks, and where it cannot, says what to do', async () => {
    const { desk, n } = await opened();
    desk.github.push({ by: 'ana', branch: 'main', files: { 'README.md': 'More.\n' } });
    const cwd = clone(desk, '--depth=1', '--no-single-branch');
    const git = (...args: string[]) => execFileSync('git', args, { cwd, stdio: 'pipe' });
    git('remote', 'set-url', 'origin', 'file:///nowhere');
    const before = written(desk);
    for (const words of [`pr plan --pr ${n}`, 'pr apply'])
      expect(await desk.iam(words, { cwd })).toMatchObject({
        exit: 1,
        stderr: expect.stringMatching(/^error RC129: .*\n {2}.*\n$/),
      });
    expect(written(desk)).toEqual(before);
    const head = git('rev-parse', 'origin/main').toString().trim();
    expect(await desk.iam(`pr plan --base ${head} --head origin/readers --dry-run`, { cwd })).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(
        /^error RC129: the clone is shallow: .*\n {2}.*fetch-depth: 0.*--unshallow\n$/,
      ),
    });
    git('remote', 'set-url', 'origin', `file://${desk.repository}`);
    expect(await desk.iam(`pr plan --pr ${n}`, { cwd })).toMatchObject({ exit: 0 });
    expect(await desk.iam('pr apply', { cwd })).toMatchObject({ exit: 0 });
  });

  test('in a bare clone, and in a folder below the root: the same', async () => {
    const { desk, n } = await opened();
    const bare = clone(desk, '--bare');
    const below = join(desk.checkout, 'some/where');
    mkdirSync(below, { recursive: true });
    await desk.iam(`pr plan --pr ${n}`);
    const [comment] = await desk.comments(n);
    const before = written(desk).length;
    for (const cwd of [bare, below]) {
      expect(await desk.iam(`pr plan --pr ${n}`, { cwd })).toMatchObject({ exit: 0 });
      expect(await desk.comments(n)).toEqual([comment]);
    }
    // Comment and check said so already.
    expect(written(desk).slice(before)).toEqual([]);
    desk.github.merge(n, { by: 'ana' });
    expect(await desk.iam('pr apply', { cwd: below })).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('1 to create'),
    });
  });

  test('in no repository, or without a configuration: what is missing', async () => {
    const { desk, n } = await opened();
    for (const words of ['pr plan --base main', 'pr apply', 'pr drift'])
      expect(await desk.iam(words, { cwd: temporaryFolder() })).toMatchObject({
        exit: 4,
        stderr: expect.stringMatching(
          /^error RC129: the folder is in no repository.*\n {2}run it in a checkout/,
        ),
      });
    desk.github.push({ by: 'ana', branch: 'main', files: { '.rolecall/gitops.yaml': null } });
    expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({
      exit: 4,
      stderr: expect.stringMatching(/^error RC601: there is no \.rolecall\/gitops\.yaml in the base/),
    });
  });

  test('with a pull request that cannot be planned among many: the others are, and it is named', async () => {
    const { desk, n } = await opened();
    const other = open(desk, 'other');
    desk.github.fault({ with: 500, path: new RegExp(`/issues/${n}/comments$`), times: 9 });
    const ran = await desk.iam('pr plan --all', { env: { GITHUB_REF_NAME: 'main' } });
    expect(ran).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining(`issues/${n}/comments: Server Error`),
    });
    expect(await desk.comments(other)).toHaveLength(1);
  });
});

test('two branches that are planned one after the other have their own base', async () => {
  const desk = await prDesk();
  await desk.iam('pr apply');
  desk.github.push({
    by: 'ana',
    branch: 'release',
    files: { 'access/late.yaml': binding('late', 'source-admin', '{name: eve}') },
  });
  desk.github.push({ by: 'ana', branch: 'main', files: { 'README.md': 'Apart.\n' } });
  const n = open(desk, 'first');
  desk.github.push({ by: 'bo', branch: 'second', files: { 'access/second.yaml': group('second', ['bo']) } });
  const m = desk.github.openPullRequest({ author: 'bo', branch: 'second', base: 'release' });
  expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({ exit: 0 });
  expect(await desk.iam(`pr plan --pr ${m}`)).toMatchObject({
    exit: expect.any(Number),
    stderr: expect.stringContaining(`#${m}:`),
  });
  expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({ exit: 0 });
});
