import { describe, expect, test } from 'vitest';
import { commitFiles, tipOf } from '../support/git-repository.ts';
import { ALL, clientOf, type Desk, desk, opened, REPO, refusal } from '../support/github/desk.ts';

const NOTHING = '0'.repeat(40);

async function activity({ octokit }: Desk, query: object = {}) {
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/activity', { ...REPO, ...query });
  return data;
}

describe('who pushed', () => {
  test('is whoever did, whatever the commits say, the last first, also of a branch that is gone', async () => {
    const here = await desk();
    const { github } = here;
    opened(here);
    const author = { name: 'ana', email: 'ana@elsewhere.example', at: Date.parse('2020-01-01T00:00:00Z') };
    const pushed = github.push({ by: 'cy', branch: 'more', files: { 'b.yaml': 'b: 1\n' }, author });
    const forced = github.forcePush({ by: 'bo', branch: 'more', files: { 'c.yaml': 'c: 1\n' } });
    github.deleteBranch('ana', 'more');
    const told = (await activity(here, { ref: 'refs/heads/more' })).map(
      ({ activity_type, actor, before, after }) => [activity_type, actor?.login, before, after],
    );
    expect(told).toEqual([
      ['branch_deletion', 'ana', forced.after, NOTHING],
      ['force_push', 'bo', pushed.after, forced.after],
      ['push', 'cy', pushed.before, pushed.after],
      ['branch_creation', 'bo', NOTHING, pushed.before],
    ]);
    // As GitHub takes it.
    expect(await activity(here, { ref: 'more' })).toHaveLength(4);
    expect((await activity(here, { ref: 'more', direction: 'asc' }))[0]?.activity_type).toBe(
      'branch_creation',
    );
  });

  test('is who merged, for the base branch', async () => {
    const here = await desk();
    const { github } = here;
    github.merge(opened(here, 'one'), { by: 'ana' });
    github.mergeGroup([opened(here, 'two'), opened(here, 'three')], { by: 'cy' });
    const told = await activity(here, { ref: 'refs/heads/main' });
    expect(told.map(({ activity_type, actor }) => [activity_type, actor?.login]).slice(0, 2)).toEqual([
      ['merge_queue_merge', 'cy'],
      ['pr_merge', 'ana'],
    ]);
  });

  test('is told by pages that name the next one, and of forks only to who may see them', async () => {
    const here = await desk();
    const { github, octokit, path } = here;
    const tips: string[] = [];
    for (let i = 1; i <= 5; i++)
      tips.unshift(github.push({ by: 'bo', branch: 'more', files: { 'a.yaml': `a: ${i}\n` } }).after);
    const seen: string[] = [];
    let next: string | undefined = '/repos/acme/access/activity?ref=more&per_page=2';
    while (next !== undefined) {
      const page: { data: { after: string }[]; headers: { link?: string } } = await octokit.request(
        `GET ${next}`,
      );
      expect(page.data.length).toBeLessThanOrEqual(2);
      seen.push(...page.data.map(({ after }) => after));
      next = /<([^>]+)>; rel="next"/.exec(page.headers.link ?? '')?.[1];
    }
    expect(seen).toEqual(tips);
    expect(await activity(here, { ref: 'nowhere' })).toEqual([]);
    // What a plain git pushes is somebody's, too.
    const plain = commitFiles(path, 'more', { 'a.yaml': 'a: 6\n' });
    expect((await activity(here, { ref: 'more' }))[0]).toMatchObject({
      after: plain,
      actor: { login: 'acme' },
    });

    github.fork('cy');
    const fork = { owner: 'cy', repo: 'access' };
    github.push({ by: 'cy', branch: 'mine', files: { 'a.yaml': 'a: 7\n' }, fork: true });
    expect(await refusal(activity(here, fork))).toMatchObject({ status: 404 });
    const cy = { ...here, octokit: clientOf(github, github.token(ALL, { user: 'cy' })) };
    expect((await activity(cy, fork)).map(({ ref }) => ref)).toEqual(['refs/heads/mine']);
    github.deleteFork('cy');
    expect(await refusal(activity(cy, fork))).toMatchObject({ status: 404 });
  });

  test('is for those who may read the contents', async () => {
    const here = await desk();
    const octokit = clientOf(here.github, here.github.token({ 'pull-requests': 'write' }));
    expect(await refusal(activity({ ...here, octokit }))).toMatchObject({
      status: 403,
      message: 'Resource not accessible by integration',
    });
  });

  test('may not be known any more', async () => {
    const here = await desk();
    const { github } = here;
    opened(here);
    github.push({ by: 'cy', branch: 'more', files: { 'b.yaml': 'b: 1\n' } });
    github.forgetPushes('more', 'cy');
    expect((await activity(here, { ref: 'more' })).map(({ actor }) => actor?.login)).toEqual([
      undefined,
      'bo',
    ]);
    github.forgetPushes('more');
    expect(await activity(here, { ref: 'more' })).toEqual([]);
  });
});

test('whose token it is, a person may ask, and an app may not', async () => {
  const { github, octokit } = await desk();
  const ana = clientOf(github, github.token({}, { user: 'ana' }));
  expect((await ana.request('GET /user')).data).toMatchObject({ login: 'ana', type: 'User' });
  expect(await refusal(octokit.request('GET /user'))).toMatchObject({
    status: 403,
    message: 'Resource not accessible by integration',
  });
  expect(await refusal(clientOf(github).request('GET /user'))).toMatchObject({ status: 401 });
});

test('what happened just now is not known everywhere at once', async () => {
  const here = await desk();
  const { github, octokit, path } = here;
  const number = opened(here);
  github.merge(number, { by: 'ana', method: 'rebase' });
  const commit_sha = tipOf(path, 'main') ?? '';
  github.fallBehind('origins', 1);
  github.fallBehind('closed pull requests', 1);
  const origins = async () => {
    const route = 'GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls';
    return (await octokit.request(route, { ...REPO, commit_sha })).data.map((pull) => pull.number);
  };
  const closed = async () => {
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/pulls', { ...REPO, state: 'closed' });
    return data.map((pull) => pull.number);
  };
  expect([await origins(), await closed()]).toEqual([[], []]);
  expect([await origins(), await closed()]).toEqual([[number], [number]]);
  const { data, headers } = await octokit.request('GET /repos/{owner}/{repo}/commits/{ref}', {
    ...REPO,
    ref: commit_sha,
  });
  expect(data).toMatchObject({ sha: commit_sha, commit: { committer: { name: 'ana' } } });
  const age = Date.parse(headers.date ?? '') - Date.parse(data.commit.committer?.date ?? '');
  expect(age / 1000).toBeLessThan(60);
});
