import type { Octokit } from '@octokit/core';
import { describe, expect, test } from 'vitest';
import { bareRepository, tipOf } from '../support/git-repository.ts';
import { ALL, clientOf, desk, opened, REPO, refusal } from '../support/github/desk.ts';
import { githubServer } from '../support/github/server.ts';
import type { Permissions } from '../support/github/state.ts';

describe('comments and issues', () => {
  test('a comment of an app, edited, read and deleted', async () => {
    const here = await desk();
    const { github, octokit } = here;
    const number = opened(here);
    const { data: made } = await octokit.request(
      'POST /repos/{owner}/{repo}/issues/{issue_number}/comments',
      {
        ...REPO,
        issue_number: number,
        body: 'Here is the **plan**.',
      },
    );
    expect(made).toMatchObject({
      user: { login: 'github-actions[bot]', type: 'Bot', id: 41_898_282 },
      performed_via_github_app: { slug: 'github-actions', id: 15_368 },
      author_association: 'NONE',
      html_url: `https://github.com/acme/access/pull/1#issuecomment-${made.id}`,
    });
    expect(made.updated_at).toBe(made.created_at);
    expect(made.id).toBeGreaterThan(2 ** 31);
    const asked = { ...REPO, comment_id: made.id };
    const edited = await octokit.request('PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}', {
      ...asked,
      body: 'Another plan.',
    });
    expect(Date.parse(edited.data.updated_at)).toBeGreaterThan(Date.parse(made.created_at));
    const read = await octokit.request('GET /repos/{owner}/{repo}/issues/comments/{comment_id}', asked);
    expect(read.data).toEqual(edited.data);

    const said = github.comment('ana', number, 'iam override RC201 abc');
    github.editComment(said, 'iam override RC203 abc');
    const { data: all } = await octokit.request('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', {
      ...REPO,
      issue_number: number,
    });
    expect(all.map(({ id, user }) => [id, user?.login])).toEqual([
      [made.id, 'github-actions[bot]'],
      [said, 'ana'],
    ]);
    expect(all[1]).toMatchObject({ performed_via_github_app: null, body: 'iam override RC203 abc' });
    expect(all[1]?.updated_at).not.toBe(all[1]?.created_at);

    await octokit.request('DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}', asked);
    github.deleteComment(said);
    expect(
      await refusal(octokit.request('GET /repos/{owner}/{repo}/issues/comments/{comment_id}', asked)),
    ).toMatchObject({ status: 404, message: 'Not Found' });
  });

  test('an edit within the second of its writing does not show', async () => {
    let now = Date.parse('2026-01-01T00:00:00.100Z');
    const here = await desk({ now: () => now });
    const id = here.github.comment('ana', opened(here), 'a');
    now += 800;
    here.github.editComment(id, 'b');
    const route = 'GET /repos/{owner}/{repo}/issues/comments/{comment_id}';
    const { data } = await here.octokit.request(route, { ...REPO, comment_id: id });
    expect(data).toMatchObject({
      body: 'b',
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
    });
  });

  test('65,536 characters are a comment, one more is not', async () => {
    const here = await desk();
    const asked = { ...REPO, issue_number: opened(here) };
    const route = 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments';
    await here.octokit.request(route, { ...asked, body: '😀'.repeat(65_536) });
    expect(await refusal(here.octokit.request(route, { ...asked, body: 'x'.repeat(65_537) }))).toMatchObject({
      status: 422,
      message: 'Validation Failed',
      data: {
        errors: [
          {
            resource: 'IssueComment',
            code: 'unprocessable',
            field: 'data',
            message: 'Body is too long (maximum is 65536 characters)',
          },
        ],
      },
    });
    expect(await refusal(here.octokit.request(route, { ...asked, body: ' ' }))).toMatchObject({
      status: 422,
    });
  });

  test('pages: 30 unless asked, never more than 100, with links that work', async () => {
    const here = await desk();
    const { github, octokit } = here;
    const number = opened(here);
    for (let i = 1; i <= 205; i++) github.comment('ana', number, `comment ${i}`);
    const route = 'GET /repos/{owner}/{repo}/issues/{issue_number}/comments';
    const asked = { ...REPO, issue_number: number };
    expect((await octokit.request(route, asked)).data).toHaveLength(30);
    expect((await octokit.request(route, { ...asked, per_page: 1000 })).data).toHaveLength(100);
    const bodies: (string | undefined)[] = [];
    let next: string | undefined = '/repos/acme/access/issues/1/comments?per_page=100';
    while (next !== undefined) {
      const page: { data: { body?: string }[]; headers: { link?: string } } = await octokit.request(
        `GET ${next}`,
      );
      bodies.push(...page.data.map(({ body }) => body));
      expect(page.headers.link).toMatch(/\/repositories\/\d+\/issues/);
      next = /<([^>]+)>; rel="next"/.exec(page.headers.link ?? '')?.[1];
    }
    expect(bodies).toEqual(Array.from({ length: 205 }, (_, i) => `comment ${i + 1}`));
    const beyond = await octokit.request(route, { ...asked, page: 9 });
    expect(beyond.data).toEqual([]);
    const one = await octokit.request(route, { ...asked, since: '2030-01-01T00:00:00Z' });
    expect([one.data, one.headers.link]).toEqual([[], undefined]);
  });

  test('issues: made with labels, found by label, creator and state, changed, closed', async () => {
    const here = await desk();
    const { octokit } = here;
    const pull = opened(here);
    const { data: made } = await octokit.request('POST /repos/{owner}/{repo}/issues', {
      ...REPO,
      title: 'Drift',
      body: 'Two things.',
      labels: ['rolecall', 'drift'],
    });
    expect(made).toMatchObject({ number: 2, state: 'open', user: { login: 'github-actions[bot]' } });
    const numbers = async (query: object) => {
      const { data } = await octokit.request('GET /repos/{owner}/{repo}/issues', { ...REPO, ...query });
      return data.map(({ number }) => number);
    };
    expect(await numbers({})).toEqual([2, pull]);
    expect(await numbers({ labels: 'drift,rolecall' })).toEqual([2]);
    expect(await numbers({ labels: 'drift,other' })).toEqual([]);
    expect(await numbers({ creator: 'github-actions[bot]' })).toEqual([2]);
    const { data: closed } = await octokit.request('PATCH /repos/{owner}/{repo}/issues/{issue_number}', {
      ...REPO,
      issue_number: 2,
      ...{
        title: 'No drift',
        body: 'Clean.',
        labels: ['rolecall'],
        state: 'closed',
        state_reason: 'completed',
      },
    });
    expect(closed).toMatchObject({
      title: 'No drift',
      state: 'closed',
      state_reason: 'completed',
      closed_by: { login: 'github-actions[bot]' },
    });
    expect(await numbers({ state: 'closed' })).toEqual([2]);
    await octokit.request('PATCH /repos/{owner}/{repo}/issues/{issue_number}', {
      ...REPO,
      issue_number: 2,
      state: 'open',
    });
    expect(await numbers({ creator: 'github-actions[bot]', labels: 'drift' })).toEqual([]);
    expect(await numbers({ creator: 'github-actions[bot]', labels: 'rolecall' })).toEqual([2]);
    const long = { ...REPO, title: 'x', body: 'x'.repeat(65_537) };
    expect(await refusal(octokit.request('POST /repos/{owner}/{repo}/issues', long))).toMatchObject({
      status: 422,
      data: { errors: [{ resource: 'Issue', field: 'body' }] },
    });
    const empty = { ...REPO, title: '' };
    expect(await refusal(octokit.request('POST /repos/{owner}/{repo}/issues', empty))).toMatchObject({
      status: 422,
      data: { errors: [{ resource: 'Issue', field: 'title', code: 'missing_field' }] },
    });
  });
});

describe('check runs', () => {
  const annotation = (line: number) =>
    ({
      path: 'a.yaml',
      start_line: line,
      end_line: line,
      annotation_level: 'failure',
      message: 'No.',
    }) as const;

  test('made, added to, found by ref, name and app', async () => {
    const here = await desk();
    const { github, octokit, path } = here;
    opened(here);
    const head_sha = tipOf(path, 'more') ?? '';
    const { data: begun } = await octokit.request('POST /repos/{owner}/{repo}/check-runs', {
      ...REPO,
      name: 'iam plan',
      head_sha,
      status: 'in_progress',
      external_id: 'digest',
    });
    expect(begun).toMatchObject({
      status: 'in_progress',
      conclusion: null,
      app: { slug: 'github-actions' },
      pull_requests: [{ number: 1 }],
    });
    const asked = { ...REPO, check_run_id: begun.id };
    const output = { title: 'Denied', summary: 'One verdict.' };
    for (const lines of [50, 7]) {
      await octokit.request('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', {
        ...asked,
        conclusion: 'failure',
        output: { ...output, annotations: Array.from({ length: lines }, (_, i) => annotation(i + 1)) },
      });
    }
    const { data: done } = await octokit.request(
      'GET /repos/{owner}/{repo}/check-runs/{check_run_id}',
      asked,
    );
    expect(done).toMatchObject({
      status: 'completed',
      conclusion: 'failure',
      external_id: 'digest',
      output: { ...output, annotations_count: 57 },
    });

    const own = clientOf(github, github.token({ checks: 'write' }, { app: 'rolecall' }));
    await own.request('POST /repos/{owner}/{repo}/check-runs', { ...REPO, name: 'iam plan', head_sha });
    await octokit.request('POST /repos/{owner}/{repo}/check-runs', { ...REPO, name: 'iam plan', head_sha });
    const found = async (query: object, ref = 'more') => {
      const route = 'GET /repos/{owner}/{repo}/commits/{ref}/check-runs';
      const { data } = await octokit.request(route, { ...REPO, ref, ...query });
      expect(data.total_count).toBe(data.check_runs.length);
      return data.check_runs.map(({ app, status }) => `${app?.slug} ${status}`);
    };
    expect(await found({})).toEqual(['github-actions queued', 'rolecall queued']);
    expect(await found({ filter: 'all', status: 'completed' }, head_sha)).toEqual([
      'github-actions completed',
    ]);
    expect(await found({ app_id: 15_368 }, 'heads/more')).toEqual(['github-actions queued']);
    expect(await found({ check_name: 'other' })).toEqual([]);
    expect(
      await refusal(
        own.request('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', {
          ...asked,
          conclusion: 'success',
        }),
      ),
    ).toMatchObject({
      status: 403,
      message: expect.stringContaining('can only be modified by the GitHub App'),
    });
    expect(
      await refusal(
        octokit.request('POST /repos/{owner}/{repo}/check-runs', {
          ...REPO,
          name: 'x',
          head_sha: '0'.repeat(40),
        }),
      ),
    ).toMatchObject({ status: 422, message: `No commit found for SHA: ${'0'.repeat(40)}` });
  });

  test('50 annotations at a time, 65,535 characters of text, columns on one line', async () => {
    const { github, octokit, path } = await desk();
    const sent = (output: object) =>
      octokit.request('POST /repos/{owner}/{repo}/check-runs', {
        ...REPO,
        name: 'iam plan',
        head_sha: tipOf(path, 'main') ?? '',
        output: { title: 'x', summary: 'x', ...output },
      });
    const many = Array.from({ length: 51 }, (_, i) => annotation(i + 1));
    expect((await refusal(sent({ annotations: many }))).message).toBe(
      'Invalid request.\n\nNo more than 50 items are allowed; 51 were supplied.',
    );
    expect((await refusal(sent({ text: 'x'.repeat(65_536) }))).message).toBe(
      'Invalid request.\n\nOnly 65535 characters are allowed; 65536 were supplied.',
    );
    expect(github.takeComplaints()).toHaveLength(2);
    for (const wrong of [
      { ...annotation(3), end_line: 4, start_column: 1 },
      { ...annotation(3), end_line: 2 },
      { ...annotation(3), title: 'x'.repeat(256) },
      { ...annotation(3), message: 'x'.repeat(65_537) },
    ]) {
      expect(await refusal(sent({ annotations: [wrong] }))).toMatchObject({ status: 422 });
    }
    await sent({
      text: 'x'.repeat(65_535),
      annotations: [{ ...annotation(3), start_column: 1, end_column: 2 }],
    });
  });
});

describe('the rest', () => {
  test('the repository, also without a token when it is public, never when it is private', async () => {
    const { github, octokit } = await desk();
    const { data } = await octokit.request('GET /repos/{owner}/{repo}', { owner: 'Acme', repo: 'Access' });
    expect(data).toMatchObject({ full_name: 'acme/access', default_branch: 'main', private: true });
    const nobody = clientOf(github);
    expect(await refusal(nobody.request('GET /repos/{owner}/{repo}', REPO))).toMatchObject({ status: 404 });
    const stranger = clientOf(github, 'ghs_wrong');
    expect(await refusal(stranger.request('GET /repos/{owner}/{repo}', REPO))).toMatchObject({
      status: 401,
      message: 'Bad credentials',
    });
    const other = { owner: 'acme', repo: 'other' };
    expect(await refusal(octokit.request('GET /repos/{owner}/{repo}', other))).toMatchObject({ status: 404 });

    const open = await desk({ private: false });
    const anyone = clientOf(open.github);
    const seen = await anyone.request('GET /repos/{owner}/{repo}', REPO);
    expect(seen.data.visibility).toBe('public');
    const issue = { ...REPO, title: 'x' };
    expect(await refusal(anyone.request('POST /repos/{owner}/{repo}/issues', issue))).toMatchObject({
      status: 401,
    });
  });

  test('what somebody may do, in the words of today and of before', async () => {
    const { github, octokit } = await desk();
    github.people({ eve: 'maintain', fay: 'triage', cy: 'write' });
    const asked = async (client: Octokit, username: string) => {
      const route = 'GET /repos/{owner}/{repo}/collaborators/{username}/permission';
      const { data } = await client.request(route, { ...REPO, username });
      return [data.permission, data.role_name, data.user?.permissions?.push];
    };
    expect(await asked(octokit, 'ana')).toEqual(['admin', 'admin', true]);
    expect(await asked(octokit, 'eve')).toEqual(['write', 'maintain', true]);
    expect(await asked(octokit, 'cy')).toEqual(['write', 'write', true]);
    expect(await asked(octokit, 'fay')).toEqual(['read', 'triage', false]);
    expect(await asked(octokit, 'dee')).toEqual(['none', 'none', false]);
    expect(await refusal(asked(octokit, 'nobody'))).toMatchObject({ status: 404 });
    const open = await desk({ private: false });
    expect(await asked(open.octokit, 'dee')).toEqual(['read', 'read', false]);
  });

  test('who let a run into an environment', async () => {
    const { github, octokit } = await desk();
    const run_id = github.startRun();
    const asked = async (id: number) => {
      const route = 'GET /repos/{owner}/{repo}/actions/runs/{run_id}/approvals';
      const { data } = await octokit.request(route, { ...REPO, run_id: id });
      return data.map(({ user, state, environments }) => [user.login, state, environments[0]?.name]);
    };
    expect(await asked(run_id)).toEqual([]);
    github.approveRun('ana', run_id, 'access-break-glass');
    github.rejectRun('cy', run_id, 'production');
    expect(await asked(run_id)).toEqual([
      ['ana', 'approved', 'access-break-glass'],
      ['cy', 'rejected', 'production'],
    ]);
    expect(await refusal(asked(run_id + 1))).toMatchObject({ status: 404 });
  });

  test('a token may do what it was given', async () => {
    const here = await desk();
    const { github } = here;
    const number = opened(here);
    const pull = { ...REPO, pull_number: number };
    const comment = { ...REPO, issue_number: number, body: 'x' };
    const check = { ...REPO, name: 'x', head_sha: tipOf(here.path, 'more') ?? '' };
    const statuses = async (permissions: Permissions, as?: { user: string }) => {
      const octokit = clientOf(github, github.token(permissions, as));
      const status = async (request: Promise<{ status: number }>) =>
        request.then(
          ({ status }) => status,
          (error: { status: number }) => error.status,
        );
      return [
        await status(octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', pull)),
        await status(octokit.request('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', comment)),
        await status(octokit.request('POST /repos/{owner}/{repo}/check-runs', check)),
        await status(octokit.request('POST /repos/{owner}/{repo}/issues', { ...REPO, title: 'x' })),
      ];
    };
    expect(await statuses({ contents: 'read' })).toEqual([403, 403, 403, 403]);
    expect(await statuses({ 'pull-requests': 'read', checks: 'read' })).toEqual([200, 403, 403, 403]);
    expect(await statuses({ 'pull-requests': 'write' })).toEqual([200, 201, 403, 403]);
    expect(await statuses({ issues: 'write' })).toEqual([403, 201, 403, 201]);
    expect(await statuses({ checks: 'write' })).toEqual([403, 403, 201, 403]);
    // Check runs are for apps, whatever a person may.
    expect(await statuses(ALL, { user: 'ana' })).toEqual([200, 201, 403, 201]);
    const octokit = clientOf(github, github.token({}));
    expect(
      (await refusal(octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', pull))).message,
    ).toBe('Resource not accessible by integration');
  });

  test('the API may begin further down, as on GitHub Enterprise', async () => {
    const github = await githubServer({
      repository: bareRepository(),
      name: 'corp/iam',
      basePath: '/api/v3',
    });
    const octokit = clientOf(github, github.token({}));
    const { data } = await octokit.request('GET /repos/{owner}/{repo}', { owner: 'corp', repo: 'iam' });
    expect(data.url).toBe(`${github.url}/repos/corp/iam`);
    const beside = await fetch(github.url.replace('/api/v3', '/repos/corp/iam'));
    expect(beside.status).toBe(404);
    expect(github.takeComplaints()).toEqual(['GET /repos/corp/iam: Not Found']);
  });
});
