import { Octokit } from '@octokit/core';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { describe, expect, test, vi } from 'vitest';
import { findOperation } from '../support/github/description.ts';
import { ALL, clientOf, desk, opened, REPO, refusal } from '../support/github/desk.ts';

describe('what goes wrong', () => {
  test('each fault, once, where it was asked for', async () => {
    const { github, octokit } = await desk();
    const ask = () => octokit.request('GET /repos/{owner}/{repo}', REPO);
    github.fault({ with: 'secondary limit', method: 'POST' });
    github.fault({ with: 'secondary limit', path: /\/pulls/ });
    await ask();
    github.fault({ with: 'secondary limit', method: 'GET', path: /^\/repos\/acme\/access$/, retryAfter: 7 });
    const error: unknown = await ask().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      status: 403,
      message: expect.stringContaining('secondary rate limit'),
      response: { headers: { 'retry-after': '7' } },
    });
    github.fault({ with: 'primary limit', times: 2 });
    const limited: unknown = await ask().catch((thrown: unknown) => thrown);
    expect(limited).toMatchObject({ status: 403, response: { headers: { 'x-ratelimit-remaining': '0' } } });
    expect(await refusal(ask())).toMatchObject({ status: 403 });
    for (const status of [429, 500, 502, 503] as const) {
      github.fault({ with: status });
      expect(await refusal(ask())).toMatchObject({ status });
    }
    github.fault({ with: 'close' });
    await expect(ask()).rejects.toThrow(/fetch failed|other side closed/);
    github.fault({ with: 'hang' });
    const stop = new AbortController();
    const unanswered = octokit.request('GET /repos/{owner}/{repo}', {
      ...REPO,
      request: { signal: stop.signal },
    });
    await vi.waitFor(() => expect(github.log).toHaveLength(10), 10_000);
    stop.abort();
    await expect(unanswered).rejects.toThrow(/abort/i);
    await ask();
    expect(github.log.map(({ status }) => status)).toEqual([
      200, 403, 403, 403, 429, 500, 502, 503, 0, 0, 200,
    ]);
  });

  test('before the effect, or after it', async () => {
    const here = await desk();
    const { github, octokit } = here;
    const asked = { ...REPO, issue_number: opened(here) };
    const say = (body: string) =>
      octokit
        .request('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', { ...asked, body })
        .catch(() => undefined);
    for (const [what, body] of [
      ['close', 'a'],
      [502, 'b'],
    ] as const) {
      github.fault({ with: what });
      await say(`${body} before`);
      github.fault({ with: what, afterEffect: true });
      await say(`${body} after`);
    }
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', asked);
    expect(data.map(({ body }) => body)).toEqual(['a after', 'b after']);
  });

  test('a client with throttling and retry comes through', async () => {
    const { github } = await desk();
    const waits: number[] = [];
    const wait = (seconds: number): boolean => waits.push(seconds) > 0;
    const octokit = new (Octokit.plugin(throttling, retry))({
      baseUrl: github.url,
      auth: github.token({}),
      log: { debug() {}, info() {}, warn() {}, error() {} },
      throttle: { onRateLimit: wait, onSecondaryRateLimit: wait, retryAfterBaseValue: 1 },
      retry: { retryAfterBaseValue: 1 },
    });
    github.fault({ with: 'secondary limit', retryAfter: 3 });
    github.fault({ with: 'primary limit' });
    github.fault({ with: 502 });
    const { data } = await octokit.request('GET /repos/{owner}/{repo}', REPO);
    expect(data.name).toBe('access');
    expect(waits).toHaveLength(2);
    expect(waits[0]).toBe(3);
    expect(github.log.map(({ status }) => status)).toEqual([403, 403, 502, 200]);
  });

  test('what remains of the rate limit is told, and asking costs nothing', async () => {
    const { github, octokit } = await desk();
    const { headers } = await octokit.request('GET /repos/{owner}/{repo}', REPO);
    expect(headers['x-ratelimit-remaining']).toBe('4999');
    await octokit.request('GET /rate_limit');
    const { data } = await octokit.request('GET /rate_limit');
    expect(data.rate).toMatchObject({ limit: 5000, used: 1, remaining: 4999 });
    expect((await clientOf(github).request('GET /rate_limit')).data.rate.limit).toBe(60);
  });

  test('a request that does not fit is refused, and fails the test', async () => {
    const here = await desk();
    const { github, octokit } = here;
    const number = opened(here);
    const say = 'POST /repos/{owner}/{repo}/issues/{issue_number}/comments';
    const asked = { ...REPO, issue_number: number };
    expect(await refusal(octokit.request(say, asked as never))).toMatchObject({
      status: 422,
      message: 'Invalid request.\n\n"body" wasn\'t supplied.',
    });
    expect(await refusal(octokit.request(say, { ...asked, body: 'x', sticky: true }))).toMatchObject({
      message: 'Invalid request.\n\n"sticky" is not a permitted key.',
    });
    const pulls = { ...REPO, state: 'merged' } as never;
    expect(await refusal(octokit.request('GET /repos/{owner}/{repo}/pulls', pulls))).toMatchObject({
      status: 422,
    });
    expect(await refusal(octokit.request('GET /repos/{owner}/{repo}/releases', REPO))).toMatchObject({
      status: 404,
    });
    const unlike = { ...REPO, mentioned: 'ana' };
    expect(await refusal(octokit.request('GET /repos/{owner}/{repo}/issues', unlike))).toMatchObject({
      status: 500,
    });
    const plain = async (headers: Record<string, string>, body?: string) => {
      const url = `${github.url}/repos/acme/access/issues`;
      const { status } = await fetch(url, {
        method: 'POST',
        headers: { authorization: `Bearer ${github.token(ALL)}`, accept: 'application/json', ...headers },
        ...(body === undefined ? {} : { body }),
      });
      return status;
    };
    expect(await plain({ accept: 'application/vnd.github.raw+json' }, '{}')).toBe(415);
    expect(await plain({ 'x-github-api-version': '2020-01-01' }, '{}')).toBe(400);
    expect(await plain({}, '{}')).toBe(415);
    expect(await plain({ 'content-type': 'application/json' }, '{')).toBe(400);
    expect(await plain({ 'user-agent': '' })).toBe(403);
    await expect(github.stop()).rejects.toThrow(
      /^GitHub would not have it so:\nPOST \/repos\/acme\/access\/issues\/1\/comments: "body" wasn't supplied\.\n(.+\n)+/,
    );
    expect(github.takeComplaints()).toEqual([]);
  });

  test('an answer that GitHub does not give is a complaint', () => {
    const check = (status: number, body: unknown) =>
      findOperation('GET', '/repos/acme/access/pulls/1/reviews')?.operation.checkAnswer(status, body);
    expect(check(200, [])).toEqual([]);
    expect(check(200, {})).toEqual(["For 'object', {} must be array."]);
    expect(check(200, [{ id: '1' }])).toEqual(
      expect.arrayContaining(['"user" wasn\'t supplied.', 'For \'0/id\', "1" must be integer.']),
    );
    expect(check(204, undefined)).toEqual(['204 is not described.']);
    expect(check(404, { message: 'Not Found' })).toEqual([]);
    expect(check(404, { message: 'Not Found', reason: 'none' })).toEqual([
      '"reason" is not a permitted key.',
    ]);
  });

  test('the log has all that was said, and no token', async () => {
    const here = await desk();
    const token = here.github.token(ALL, { user: 'ana' });
    const octokit = clientOf(here.github, token);
    const asked = { ...REPO, issue_number: opened(here), body: 'Hear, hear.' };
    await octokit.request('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', asked);
    expect(here.github.log).toMatchObject([
      {
        method: 'POST',
        path: '/repos/acme/access/issues/1/comments',
        by: 'ana',
        body: '{"body":"Hear, hear."}',
        status: 201,
        answer: expect.stringContaining('Hear, hear.'),
      },
    ]);
    expect(JSON.stringify(here.github.log)).not.toContain(token);
  });
});
