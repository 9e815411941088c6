import { setTimeout } from 'node:timers/promises';
import { Octokit } from '@octokit/core';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { EXIT, Failure, failure } from '../core/problem.ts';
import { visible } from '../render/lines.ts';
import type {
  Annotation,
  Check,
  Comment,
  Forge,
  KnownCheck,
  Permission,
  PullRequest,
  Review,
} from './forge.ts';

export interface GitHubOptions {
  /** `owner/name`. */
  readonly repository: string;
  readonly token: string;
  /** Where its REST API is; GitHub Enterprise has another one. */
  readonly api: string;
  /** The run of Actions that this is, where it is one. */
  readonly run: string | undefined;
  /** Says that requests wait, and for how many seconds. */
  readonly waiting: (seconds: number, why: string) => void;
  /** Whether to make requests without the pauses that GitHub asks for between them, and hardly any before trying again. */
  readonly hurries?: boolean;
}

const GitHub = Octokit.plugin(retry, throttling);

/** How often a request that GitHub puts off is made again. */
const TRIES = 3;

/** In place of what makes requests wait for each other. */
const AT_ONCE = {
  key: () => ({
    schedule: <T>(_: unknown, run: (...args: unknown[]) => T, ...args: unknown[]): T => run(...args),
  }),
};
const HURRY: object = { write: AT_ONCE, notifications: AT_ONCE, global: AT_ONCE, retryAfterBaseValue: 1 };

/** More annotations than these are not taken in one request. https://docs.github.com/rest/checks/runs */
const ANNOTATIONS = 50;
const PER_PAGE = 100;
/** Milliseconds that an answer may take. */
const PATIENCE = 60_000;
/** Of a longer pull request GitHub does not list the rest. */
const MOST_COMMITS = 250;

type Json = Readonly<Record<string, unknown>>;
type Params = Readonly<Record<string, unknown>>;

/** Pull requests on GitHub, by its REST API (2022-11-28). Its token is in no message. */
export function github(options: GitHubOptions): Forge {
  const { repository, waiting } = options;
  const [owner = '', repo = ''] = repository.split('/');
  const octokit = new GitHub({
    auth: options.token,
    baseUrl: options.api.replace(/\/$/, ''),
    userAgent: 'rolecall',
    log: { debug() {}, info() {}, warn() {}, error() {} },
    throttle: {
      onRateLimit: (seconds, _options, _octokit, tried) => later('the rate limit', seconds, tried),
      ...(options.hurries ? HURRY : {}),
      onSecondaryRateLimit: (seconds, _options, _octokit, tried) =>
        later('the secondary rate limit', seconds, tried),
    },
    ...(options.hurries ? { retry: { retryAfterBaseValue: 1 } } : {}),
    request: {
      fetch: (url: string, init: RequestInit) =>
        fetch(url, { ...init, signal: AbortSignal.timeout(options.hurries ? 4000 : PATIENCE) }),
    },
  });
  function later(why: string, seconds: number, tried: number): boolean {
    if (tried >= TRIES) return false;
    waiting(seconds, why);
    return true;
  }

  const attempt = async (route: string, params: Params): Promise<unknown> =>
    (await octokit.request(route, { owner, repo, ...params })).data;
  async function request(route: string, params: Params = {}): Promise<unknown> {
    try {
      return await attempt(route, params);
    } catch (error) {
      throw asFailure(error, route, { owner, repo, ...params });
    }
  }
  /** Makes something once: where it is not known whether it was made, looks for it before trying again. */
  async function create(route: string, params: Params, isThere: () => Promise<boolean>): Promise<void> {
    for (let tried = 1; ; tried++) {
      try {
        await attempt(route, { ...params, request: { retries: 0 } });
        return;
      } catch (error) {
        if (!isUnknown(error) || tried === TRIES) throw asFailure(error, route, { owner, repo, ...params });
        await setTimeout(options.hurries ? 1 : 1000 * tried * tried);
        if (await isThere()) return;
      }
    }
  }
  async function* pages(route: string, params: Params, list = (data: unknown) => data): AsyncGenerator<Json> {
    for (let page = 1; ; page++) {
      const found = list(await request(route, { ...params, per_page: PER_PAGE, page }));
      if (!Array.isArray(found)) throw answered(route);
      yield* found as Json[];
      if (found.length < PER_PAGE) return;
    }
  }
  const all = async <T>(items: AsyncGenerator<Json>, map: (item: Json) => T): Promise<T[]> => {
    const list: T[] = [];
    for await (const item of items) list.push(map(item));
    return list;
  };
  const pulls = 'GET /repos/{owner}/{repo}/pulls';
  const issue = '/repos/{owner}/{repo}/issues/{number}';
  const comments = (number: number) => all(pages(`GET ${issue}/comments`, { number }), commentOf);
  const comment = (number: number, body: string) =>
    create(`POST ${issue}/comments`, { number, body }, async () =>
      (await comments(number)).some((one) => one.body.trim() === body.trim()),
    );
  const issues = () => pages('GET /repos/{owner}/{repo}/issues', { state: 'open' });

  return {
    repository,
    pullRequest: async (number) => pullRequestOf(await request(`${pulls}/{number}`, { number }), repository),
    openPullRequests: (base) =>
      all(pages(pulls, { state: 'open', base }), (item) => pullRequestOf(item, repository)),
    pullRequestsOf: (commit) =>
      all(pages('GET /repos/{owner}/{repo}/commits/{commit}/pulls', { commit }), (item) =>
        pullRequestOf(item, repository),
      ),
    async reviews(number) {
      const last = new Map<string, Review>();
      for await (const item of pages(`${pulls}/{number}/reviews`, { number })) {
        const author = loginOf(item.user);
        // A comment does not take an approval back.
        if (item.state === 'COMMENTED' || author === '') continue;
        last.set(author, { author, isApproval: item.state === 'APPROVED', commit: text(item.commit_id) });
      }
      return [...last.values()];
    },
    async pushers(number) {
      const people = new Set<string>();
      let count = 0;
      for await (const { author, committer } of pages(`${pulls}/{number}/commits`, { number })) {
        count++;
        for (const login of [loginOf(author), loginOf(committer)]) {
          // An address that is nobody's could be anybody's.
          if (login === '') return undefined;
          people.add(login);
        }
      }
      return count >= MOST_COMMITS ? undefined : [...people];
    },
    comments,
    async writeComment(number, body, id) {
      if (id === undefined) await comment(number, body);
      else await request('PATCH /repos/{owner}/{repo}/issues/comments/{id}', { id, body });
    },
    async removeComment(id) {
      await request('DELETE /repos/{owner}/{repo}/issues/comments/{id}', { id });
    },
    async writeCheck(check) {
      const [first = [], ...rest] = batches(check.annotations);
      const made = await request('POST /repos/{owner}/{repo}/check-runs', {
        name: check.name,
        head_sha: check.commit,
        status: 'completed',
        conclusion: check.conclusion,
        output: outputOf(check, first),
      });
      const id = (made as Json).id;
      for (const annotations of rest)
        await request('PATCH /repos/{owner}/{repo}/check-runs/{id}', {
          id,
          output: outputOf(check, annotations),
        });
    },
    async checks(commit, name) {
      const found = await all(
        pages(
          'GET /repos/{owner}/{repo}/commits/{commit}/check-runs',
          { commit, check_name: name, filter: 'all' },
          (data) => (data as Json).check_runs,
        ),
        (item) => ({ id: Number(item.id), check: checkOf(item) }),
      );
      return found.sort((a, b) => b.id - a.id).map(({ check }) => check);
    },
    async permissionOf(login) {
      const found = await request('GET /repos/{owner}/{repo}/collaborators/{login}/permission', { login });
      const { permission } = found as Json;
      return PERMISSIONS.find((one) => one === permission) ?? 'none';
    },
    async findIssue(marker) {
      for await (const item of issues())
        if (isBot(item.user) && item.pull_request === undefined && text(item.body).includes(marker))
          return { number: Number(item.number), body: text(item.body) };
      return undefined;
    },
    async writeIssue(title, body, number) {
      if (number === undefined)
        await create('POST /repos/{owner}/{repo}/issues', { title, body }, async () =>
          (await all(issues(), (item) => text(item.body).trim())).includes(body.trim()),
        );
      else await request(`PATCH ${issue}`, { number, title, body });
    },
    async closeIssue(number, last) {
      // What is closed is not found again, and so not told twice.
      await request(`PATCH ${issue}`, { number, state: 'closed', state_reason: 'completed' });
      await comment(number, last);
    },
    async approvalsOf(environment) {
      if (options.run === undefined) return [];
      const found = await request('GET /repos/{owner}/{repo}/actions/runs/{run}/approvals', {
        run: options.run,
      });
      if (!Array.isArray(found)) throw answered('approvals');
      return (found as Json[])
        .filter(
          ({ state, environments }) =>
            state === 'approved' && (environments as Json[]).some(({ name }) => name === environment),
        )
        .map(({ user }) => loginOf(user));
    },
  };
}

const PERMISSIONS: readonly Permission[] = ['admin', 'write', 'read', 'none'];

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Not a person: an App, or nobody any more. */
function isBot(user: unknown): boolean {
  const type = (user as Json | null | undefined)?.type;
  return type === 'Bot' || type === undefined;
}

function loginOf(user: unknown): string {
  return text((user as Json | null | undefined)?.login);
}

function pullRequestOf(item: unknown, repository: string): PullRequest {
  const { number, title, user, head, base, draft, state, merged_at, merge_commit_sha } = item as Json;
  const [from, to] = [head as Json, base as Json];
  // A fork that is gone has no repository any more.
  const source = (from.repo as Json | null)?.full_name;
  const isMerged = merged_at !== null && merged_at !== undefined;
  return {
    number: Number(number),
    title: text(title),
    author: loginOf(user),
    head: text(from.sha),
    baseRef: text(to.ref),
    base: text(to.sha),
    isFork: source !== repository,
    isDraft: draft === true,
    state: isMerged ? 'merged' : state === 'open' ? 'open' : 'closed',
    mergeCommit: isMerged ? text(merge_commit_sha) || null : null,
  };
}

function commentOf({ id, user, body, created_at, updated_at }: Json): Comment {
  return {
    id: Number(id),
    author: loginOf(user),
    isBot: isBot(user),
    body: text(body),
    isEdited: created_at !== updated_at,
  };
}

function checkOf({ app, conclusion, output }: Json): KnownCheck {
  const said = (output ?? {}) as Json;
  return {
    app: text((app as Json | null)?.slug),
    conclusion: text(conclusion),
    title: text(said.title),
    summary: text(said.summary),
    record: text(said.text),
  };
}

/** The longest that a summary or text may be. */
const LONGEST = 65_000;

function outputOf({ title, summary, record }: Check, annotations: readonly Annotation[]) {
  return {
    title: title.slice(0, 255),
    summary: summary.slice(0, LONGEST),
    ...(record === '' ? {} : { text: record }),
    annotations: annotations.map(({ path, line, level, title, message }) => ({
      path,
      start_line: line,
      end_line: line,
      annotation_level: level,
      title: title.slice(0, 255),
      message,
    })),
  };
}

function batches<T>(list: readonly T[]): T[][] {
  const found: T[][] = [];
  for (let at = 0; at < list.length; at += ANNOTATIONS) found.push(list.slice(at, at + ANNOTATIONS));
  return found;
}

/** Which permission of a workflow's token a route needs. */
const NEEDS: readonly (readonly [RegExp, string])[] = [
  [/check-runs/, 'checks: write'],
  [/issues\/.*comments|issues\/comments/, 'pull-requests: write'],
  [/issues/, 'issues: write'],
  [/approvals/, 'actions: read'],
  [/pulls/, 'pull-requests: read'],
];

/** Whether a request may have had its effect all the same. */
function isUnknown(error: unknown): boolean {
  return error instanceof Error && 'status' in error && Number(error.status) >= 500;
}

function asFailure(error: unknown, route: string, params: Params): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error;
  const { status = 0, response } = error as Error & {
    readonly status?: number;
    readonly response?: { readonly data?: unknown };
  };
  // Of a proxy in between it may be a whole page.
  const answer = text((response?.data as Json | undefined)?.message);
  const said = visible((response ? answer : error.message).split('\n')[0] ?? '').slice(0, 200);
  const what = `GitHub: ${route.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name]))}`;
  const refused = (message: string, hint: string) =>
    failure(EXIT.error, 'RC602', `${what}: ${message}`, hint);
  if (!response) return refused(`no answer${said === '' ? '' : `: ${said}`}`, 'try again');
  if (status === 429 || /rate limit/i.test(said))
    return refused(said || 'too many requests', 'try again later');
  const words = said === '' ? `answered ${status}` : `${said} (${status})`;
  if (status === 401) return refused(words, 'GITHUB_TOKEN is wrong, or over: it lives an hour');
  if (status === 404) return refused(words, 'it is not there, or the token may not see it');
  if (status !== 403) return refused(words, 'try again');
  const needs = NEEDS.find(([pattern]) => pattern.test(route))?.[1];
  return refused(
    words,
    needs ? `the job needs "permissions: ${needs}"` : 'look at the permissions of the token',
  );
}

function answered(route: string) {
  return failure(EXIT.error, 'RC602', `GitHub answered ${route} with something else than was asked for`);
}
