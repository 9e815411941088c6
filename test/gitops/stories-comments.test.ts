import { describe, expect, test } from 'vitest';
import { ALL, clientOf, REPO } from '../support/github/desk.ts';
import { group, type PrDesk } from '../support/pr-desk.ts';
import { open, opened, written } from '../support/pr-opened.ts';

const EVE_RENAMED =
  'apiVersion: rolecall.dev/v1alpha1\nkind: User\nmetadata: {name: eve}\nspec: {email: eve@other.example}\n';

/** Runs with the token of a person. */
function as(desk: PrDesk, user: string) {
  const GITHUB_TOKEN = desk.github.token(ALL, { user });
  return (words: string) => desk.iam(words, { env: { GITHUB_TOKEN } });
}

/** Whoever wrote what is on a pull request, and how it begins. */
async function comments({ github }: PrDesk, n: number): Promise<string[]> {
  const route = 'GET /repos/{owner}/{repo}/issues/{issue_number}/comments';
  const { data } = await clientOf(github, github.token(ALL)).request(route, { ...REPO, issue_number: n });
  return data.map(({ user, body }) => `${user?.login}: ${body?.split('\n')[0]}`);
}

describe('with the token of a person', () => {
  test('what he said before is written over, and what others say is not', async () => {
    const { desk, n } = await opened();
    desk.github.comment('cy', n, '<!-- rolecall:default:1 -->\n\nNothing changes, trust me.');
    const iam = as(desk, 'ana');
    await iam(`pr plan --pr ${n}`);
    desk.github.push({ by: 'bo', branch: 'readers', files: { 'access/more.yaml': group('more', []) } });
    await iam(`pr plan --pr ${n}`);
    expect(await comments(desk, n)).toEqual([
      'cy: <!-- rolecall:default:1 -->',
      'ana: <!-- rolecall:default:1 -->',
    ]);
    expect(written(desk).filter((line) => / (20\d)$/.test(line))).toEqual([
      `POST /issues/${n}/comments 201`,
      expect.stringMatching(/^PATCH \/issues\/comments\/\d+ 200$/),
    ]);
    // Whose token it is, is asked once in a run.
    const asked = desk.github.log.filter(({ path }) => path === '/user');
    expect(asked.map(({ by, status }) => `${by} ${status}`)).toEqual(['ana 200', 'ana 200']);
  });

  test('the outcome of an apply is told, and the plan is not taken for an override', async () => {
    const { desk, n } = await opened();
    const iam = as(desk, 'ana');
    await iam(`pr plan --pr ${n}`);
    desk.github.merge(n, { by: 'ana' });
    expect((await iam('pr apply')).exit).toBe(0);
    expect(await comments(desk, n)).toEqual([
      'ana: <!-- rolecall:default:1 -->',
      'ana: <!-- rolecall:default:applied:1 -->',
    ]);
  });

  test('no check is made, and it is said what makes one', async () => {
    const { desk, n } = await opened();
    expect(await as(desk, 'ana')(`pr plan --pr ${n}`)).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(
        /check-runs: You must authenticate via a GitHub App\. \(403\)\n {2}the token of a workflow, or of an App, makes checks\n$/,
      ),
    });
  });

  test('there is one issue of drift', async () => {
    const { desk } = await opened();
    await desk.iam('apply -f - --manager other --adopt', { stdin: EVE_RENAMED });
    const cy = clientOf(desk.github, desk.github.token(ALL, { user: 'cy' }));
    const body = '<!-- rolecall:default:drift -->\n\nAll is well.';
    const route = 'POST /repos/{owner}/{repo}/issues';
    const { data } = await cy.request(route, { ...REPO, title: 'Access has not drifted', body });
    const iam = as(desk, 'ana');
    expect((await iam('pr drift')).stderr).toContain('issue opened');
    expect((await iam('pr drift')).stderr).toContain('issue as it was');
    const issues = await cy.request('GET /repos/{owner}/{repo}/issues', REPO);
    expect(issues.data.filter(({ pull_request }) => !pull_request)).toMatchObject([
      { user: { login: 'ana' } },
      { number: data.number, body },
    ]);
  });
});

test('a bot that finds our marker in what a person wrote asks whose token it has, and goes on', async () => {
  const { desk, n } = await opened();
  desk.github.comment('cy', n, '<!-- rolecall:default:1 -->\n\nNothing changes, trust me.');
  await desk.plan(n);
  expect(desk.github.log.filter(({ path }) => path === '/user').map(({ status }) => status)).toEqual([403]);
  expect(await comments(desk, n)).toEqual([
    'cy: <!-- rolecall:default:1 -->',
    'rolecall[bot]: <!-- rolecall:default:1 -->',
  ]);
});

describe('two runs at once that both wrote a page', () => {
  /** A plan of another run, which is not this one's. */
  async function twice(desk: PrDesk, n: number, times = 1): Promise<void> {
    const client = clientOf(desk.github, desk.token);
    for (let i = 0; i < times; i++)
      await client.request('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', {
        ...REPO,
        issue_number: n,
        body: '<!-- rolecall:default:1 -->\n\nAnother plan.',
      });
  }

  test('are one again with the next: the first stays', async () => {
    const { desk, n } = await opened();
    await desk.plan(n);
    const [first] = await desk.comments(n);
    await twice(desk, n, 2);
    await desk.plan(n);
    expect(await desk.comments(n)).toEqual([first]);
    desk.github.push({ by: 'bo', branch: 'readers', files: { 'access/more.yaml': group('more', []) } });
    await twice(desk, n);
    await desk.plan(n);
    expect(await desk.comments(n)).toEqual([expect.stringContaining('2 to create')]);
  });

  test('also where nothing is left to say but to what was said', async () => {
    const { desk, n } = await opened();
    await desk.plan(n);
    await twice(desk, n);
    desk.github.push({ by: 'bo', branch: 'readers', files: { 'access/readers.yaml': null, 'a.md': 'a' } });
    await desk.plan(n);
    expect(await desk.comments(n)).toEqual([expect.stringContaining('othing')]);
  });

  test('and both tidy up at once: what is gone already is no error', async () => {
    const { desk, n } = await opened();
    await desk.plan(n);
    await twice(desk, n);
    const remove = /^\/repos\/acme\/access\/issues\/comments\/\d+$/;
    // It is removed, but the answer is lost: when it is tried again, it is gone.
    desk.github.fault({ with: 502, method: 'DELETE', path: remove, afterEffect: true });
    await desk.plan(n);
    expect(await desk.comments(n)).toHaveLength(1);
    expect(written(desk).slice(-2)).toEqual([
      expect.stringMatching(/^DELETE .* 502$/),
      expect.stringMatching(/^DELETE .* 404$/),
    ]);
  });
});

test('a token that may not remove what is too much says so', async () => {
  const { desk, n } = await opened();
  await desk.plan(n);
  const body = '<!-- rolecall:default:1 -->\n\nAnother plan.';
  const asked = { ...REPO, issue_number: n, body };
  await clientOf(desk.github, desk.token).request(
    'POST /repos/{owner}/{repo}/issues/{issue_number}/comments',
    asked,
  );
  const GITHUB_TOKEN = desk.github.token({ ...ALL, issues: 'read', 'pull-requests': 'read' });
  expect(await desk.iam(`pr plan --pr ${n}`, { env: { GITHUB_TOKEN } })).toMatchObject({
    exit: 1,
    stderr: expect.stringContaining('the job needs "permissions: pull-requests: write"'),
  });
  expect(open(desk, 'other')).toBe(n + 1);
});
