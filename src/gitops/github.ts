import { setTimeout } from 'node:timers/promises';
import { Octokit } from '@octokit/core';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { EXIT, failure } from '../core/problem.ts';
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
import { loginOf, type Pushes, pushersAmong } from './github-pushers.ts';
import { asFailure, closedTo, isUnknown } from './github-refusals.ts';

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
/** Pages of pushes that are looked at. */
const MOST_PAGES = 10;
/** Milliseconds after which GitHub knows all of a commit, and that are waited between two questions till then. */
const NEWS = 5 * 60_000;
const PAUSE = 5000;

type Json = Readonly<Record<string, unknown>>;
type Params = Readonly<Record<string, unknown>>;
interface Answer {
  readonly data: unknown;
  readonly headers: { readonly link?: string | undefined; readonly date?: string | undefined };
}

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

  const attempt = (route: string, params: Params): Promise<Answer> =>
    octokit.request(route, { owner, repo, ...params });
  async function answerTo(route: string, params: Params = {}): Promise<Answer> {
    try {
      return await attempt(route, params);
    } catch (error) {
      throw asFailure(error, route, { owner, repo, ...params });
    }
  }
  const request = async (route: string, params?: Params): Promise<unknown> =>
    (await answerTo(route, params)).data;
  /** Asks for what may not be for this token: then the status is all that there is. */
  async function ask(
    route: string,
    params: Params = {},
    closed: readonly (403 | 404)[] = [403, 404],
  ): Promise<Answer | 403 | 404> {
    try {
      return await attempt(route, params);
    } catch (error) {
      const status = closedTo(error);
      if (status === undefined || !closed.includes(status))
        throw asFailure(error, route, { owner, repo, ...params });
      return status;
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
  /** A list without numbered pages: each says where the next one begins. */
  async function pushesTo(repository: string, branch: string): Promise<Pushes> {
    const route = 'GET /repos/{owner}/{repo}/activity';
    const [owner, repo] = repository.split('/');
    const pushes: Json[] = [];
    let after: string | null = null;
    for (let page = 1; page <= MOST_PAGES; page++) {
      const asked = { owner, repo, ref: `refs/heads/${branch}`, per_page: PER_PAGE };
      const answer = await ask(route, { ...asked, ...(after === null ? {} : { after }) });
      if (typeof answer === 'number') return answer === 403 ? 'no permission' : 'not there';
      if (!Array.isArray(answer.data)) throw answered(route);
      pushes.push(...(answer.data as Json[]));
      const next: string | undefined = /<([^>]+)>; rel="next"/.exec(answer.headers.link ?? '')?.[1];
      after = next === undefined ? null : new URL(next).searchParams.get('after');
      if (after === null) return pushes;
    }
    return 'too many';
  }
  let whose: Promise<string | undefined> | undefined;
  const self = () => {
    whose ??= ask('GET /user', { owner: undefined, repo: undefined }).then((answer) =>
      typeof answer === 'number' ? undefined : loginOf(answer.data) || undefined,
    );
    return whose;
  };
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
    async mergedLast(base) {
      const asked = { state: 'closed', sort: 'updated', direction: 'desc', per_page: PER_PAGE };
      const found = await request(pulls, { ...asked, ...(base === undefined ? {} : { base }) });
      if (!Array.isArray(found)) throw answered(pulls);
      return found.map((item) => pullRequestOf(item, repository)).filter(({ state }) => state === 'merged');
    },
    async subjectsOf(number) {
      const subjects: string[] = [];
      for await (const { commit, parents } of pages(`${pulls}/{number}/commits`, { number }))
        if ((parents as unknown[]).length < 2) subjects.push(subjectOf(text((commit as Json).message)));
      return subjects;
    },
    async waitsFor(sha) {
      const { data, headers } = await answerTo('GET /repos/{owner}/{repo}/commits/{sha}', { sha });
      const { committer } = (data as Json).commit as { committer: { date?: string } | null };
      // By GitHub's clock, which merged it.
      const age = Date.parse(text(headers.date)) - Date.parse(committer?.date ?? '');
      if (!(age < NEWS)) return false;
      await setTimeout(options.hurries ? 1 : PAUSE);
      return true;
    },
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
    async pushers(pull) {
      const { number, headRepository, headRef } = pull;
      const commits = await all(pages(`${pulls}/{number}/commits`, { number }), (item) => item);
      const pushes = headRepository === null ? [] : await pushesTo(headRepository, headRef);
      return pushersAmong(pull, commits, pushes);
    },
    self,
    comments,
    async writeComment(number, body, id) {
      if (id === undefined) await comment(number, body);
      else await request('PATCH /repos/{owner}/{repo}/issues/comments/{id}', { id, body });
    },
    async removeComment(id) {
      await ask('DELETE /repos/{owner}/{repo}/issues/comments/{id}', { id }, [404]);
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
      const route = 'GET /repos/{owner}/{repo}/collaborators/{login}/permission';
      const answer = await ask(route, { login }, [404]);
      // Nobody any more.
      if (typeof answer === 'number') return 'none';
      const { permission } = answer.data as Json;
      return PERMISSIONS.find((one) => one === permission) ?? 'none';
    },
    async issuesWith(marker) {
      const found: { number: number; body: string }[] = [];
      for await (const { user, number, body, pull_request } of issues()) {
        if (pull_request !== undefined || !text(body).startsWith(marker)) continue;
        if (isBot(user) || loginOf(user) === (await self()))
          found.push({ number: Number(number), body: text(body) });
      }
      return found.sort((a, b) => a.number - b.number);
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

/** The first paragraph in one line, as git has it. */
function subjectOf(message: string): string {
  return (message.trimStart().split(/\n[ \t]*(?:\n|$)/)[0] ?? '').replaceAll('\n', ' ');
}

function pullRequestOf(item: unknown, repository: string): PullRequest {
  const { number, title, user, head, base, draft, state, created_at, merged_at, merge_commit_sha } =
    item as Json;
  const [from, to] = [head as Json, base as Json];
  // A fork that is gone has no repository any more.
  const source = text((from.repo as Json | null)?.full_name) || null;
  const isMerged = merged_at !== null && merged_at !== undefined;
  return {
    number: Number(number),
    title: text(title),
    author: loginOf(user),
    head: text(from.sha),
    headRef: text(from.ref),
    headRepository: source,
    baseRef: text(to.ref),
    base: text(to.sha),
    isFork: source !== repository,
    isDraft: draft === true,
    openedAt: Date.parse(text(created_at)),
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

function answered(route: string) {
  return failure(EXIT.error, 'RC602', `GitHub answered ${route} with something else than was asked for`);
}
