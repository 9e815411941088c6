import { selfAnswer, userAnswer } from './answers-account.ts';
import { commitAnswer } from './answers-commit.ts';
import { repositoryAnswer } from './answers-repository.ts';
import { countsOf } from './merges.ts';
import { testMergeOf } from './observe.ts';
import { fullName, iso, type Json, nodeId, type Site } from './site.ts';
import {
  type Account,
  type App,
  type Approval,
  accountOf,
  type CheckRun,
  type Comment,
  hasPull,
  type Issue,
  type Pull,
  type Push,
  type Repository,
  type Review,
  type Role,
  type State,
  signatureOf,
  type Token,
} from './state.ts';

/** The things of the state as GitHub writes them. */
export type Answers = ReturnType<typeof createAnswers>;

export function createAnswers(state: State, site: Site) {
  const ours = state.repository;
  const repos = `${site.api}/repos/${fullName(ours)}`;
  const pages = `${site.web}/${fullName(ours)}`;

  const user = (account: Account): Json => userAnswer(account, site);

  function app({ id, slug, owner }: App): Json {
    return {
      id,
      client_id: `Iv1.${id}`,
      slug,
      node_id: nodeId('A', id),
      owner: user(owner),
      name: slug,
      description: '',
      external_url: 'https://help.github.com/en/actions',
      html_url: `${site.web}/apps/${slug}`,
      created_at: iso(ours.createdAt),
      updated_at: iso(ours.createdAt),
      permissions: { metadata: 'read' },
      events: [],
    };
  }

  function repository(of: Repository): Json {
    return repositoryAnswer(of, { site, owner: user(of.owner), openIssues: openIssues().length });
  }

  function commit(sha: string): Json {
    const userOf = (email: string): Json | null => {
      const has = (account: Account): boolean => signatureOf(account, 0).email === email;
      const account = [...state.accounts.values()].find(has);
      return account ? user(account) : null;
    };
    return commitAnswer(ours.path, sha, { repos, pages, userOf });
  }

  function openIssues(): Issue[] {
    return [...state.issues.values()].filter(({ closed }) => !closed);
  }

  function association({ login, role }: Account): string {
    if (login === ours.owner.login) return 'OWNER';
    if (role !== 'none') return 'COLLABORATOR';
    const merged = [...state.issues.values()].some(
      ({ author, pull }) => author.login === login && pull?.merged,
    );
    return merged ? 'CONTRIBUTOR' : 'NONE';
  }

  function label(name: string): Json {
    return {
      id: state.labels.get(name),
      node_id: nodeId('LA', state.labels.get(name) ?? 0),
      url: `${repos}/labels/${encodeURIComponent(name)}`,
      name,
      description: null,
      color: 'ededed',
      default: false,
    };
  }

  /** What an issue and a pull request have in common. */
  function common({ number, title, body, labels, closed, createdAt, updatedAt, author }: Issue): Json {
    return {
      number,
      title,
      body,
      user: user(author),
      labels: labels.map(label),
      state: closed ? 'closed' : 'open',
      locked: false,
      active_lock_reason: null,
      assignee: null,
      assignees: [],
      milestone: null,
      created_at: iso(createdAt),
      updated_at: iso(updatedAt),
      closed_at: closed ? iso(closed.at) : null,
      author_association: association(author),
    };
  }

  function commentsOn(number: number): number {
    return [...state.comments.values()].filter(({ issue }) => issue === number).length;
  }

  function issue(of: Issue): Json {
    const url = `${repos}/issues/${of.number}`;
    const page = `${pages}/${of.pull ? 'pull' : 'issues'}/${of.number}`;
    const pull = of.pull && {
      draft: of.pull.draft,
      pull_request: {
        url: `${repos}/pulls/${of.number}`,
        html_url: page,
        diff_url: `${page}.diff`,
        patch_url: `${page}.patch`,
        merged_at: of.pull.merged ? iso(of.pull.merged.at) : null,
      },
    };
    return {
      ...common(of),
      ...pull,
      id: of.id,
      node_id: nodeId('I', of.id),
      url,
      repository_url: repos,
      labels_url: `${url}/labels{/name}`,
      comments_url: `${url}/comments`,
      events_url: `${url}/events`,
      timeline_url: `${url}/timeline`,
      html_url: page,
      state_reason: of.closed && !of.pull ? of.closed.reason : null,
      comments: commentsOn(of.number),
      closed_by: of.closed ? user(of.closed.by) : null,
      performed_via_github_app: of.app ? app(of.app) : null,
    };
  }

  /** A pull request as lists have it. */
  function pullSimple(of: Issue & { readonly pull: Pull }): Json {
    const { head, base, merged, draft, id } = of.pull;
    const url = `${repos}/pulls/${of.number}`;
    const issueUrl = `${repos}/issues/${of.number}`;
    const page = `${pages}/pull/${of.number}`;
    const links = {
      self: url,
      html: page,
      issue: issueUrl,
      comments: `${issueUrl}/comments`,
      review_comments: `${url}/comments`,
      review_comment: `${repos}/pulls/comments{/number}`,
      commits: `${url}/commits`,
      statuses: `${repos}/statuses/${head.sha}`,
    };
    const side = (repository_: Repository, branch: string, sha: string): Json => ({
      label: `${repository_.owner.login}:${branch}`,
      ref: branch,
      sha,
      user: user(repository_.owner),
      repo: repository_.deleted ? null : repository(repository_),
    });
    return {
      ...common(of),
      id,
      node_id: nodeId('PR', id),
      url,
      html_url: page,
      diff_url: `${page}.diff`,
      patch_url: `${page}.patch`,
      issue_url: issueUrl,
      commits_url: links.commits,
      review_comments_url: links.review_comments,
      review_comment_url: links.review_comment,
      comments_url: links.comments,
      statuses_url: links.statuses,
      merged_at: merged ? iso(merged.at) : null,
      merge_commit_sha: merged?.sha ?? null,
      requested_reviewers: [],
      requested_teams: [],
      head: side(head.repository, head.branch, head.sha),
      base: side(ours, base.branch, base.sha),
      _links: Object.fromEntries(Object.entries(links).map(([name, href]) => [name, { href }])),
      auto_merge: null,
      draft,
    };
  }

  function pull(of: Issue & { readonly pull: Pull }): Json {
    const { merged, draft, commits, base, head } = of.pull;
    const merge = testMergeOf(state, of);
    const mergeable = merged ? null : merge !== undefined;
    return {
      ...pullSimple(of),
      merge_commit_sha: merged?.sha ?? merge ?? null,
      merged: merged !== undefined,
      merged_by: merged ? user(merged.by) : null,
      mergeable,
      rebaseable: mergeable,
      mergeable_state: mergeable === null ? 'unknown' : !mergeable ? 'dirty' : draft ? 'draft' : 'clean',
      comments: commentsOn(of.number),
      review_comments: 0,
      maintainer_can_modify: false,
      commits: commits.length,
      ...countsOf(ours.path, base.sha, head.sha),
    };
  }

  function comment(of: Comment): Json {
    const on = state.issues.get(of.issue)?.pull ? 'pull' : 'issues';
    return {
      id: of.id,
      node_id: nodeId('IC', of.id),
      url: `${repos}/issues/comments/${of.id}`,
      html_url: `${pages}/${on}/${of.issue}#issuecomment-${of.id}`,
      issue_url: `${repos}/issues/${of.issue}`,
      user: user(of.author),
      created_at: iso(of.createdAt),
      updated_at: iso(of.updatedAt),
      author_association: association(of.author),
      body: of.body,
      performed_via_github_app: of.app ? app(of.app) : null,
    };
  }

  function review(number: number, of: Review): Json {
    const html = `${pages}/pull/${number}#pullrequestreview-${of.id}`;
    const pullUrl = `${repos}/pulls/${number}`;
    return {
      id: of.id,
      node_id: nodeId('PRR', of.id),
      user: user(of.by),
      body: of.body,
      state: of.state,
      html_url: html,
      pull_request_url: pullUrl,
      author_association: association(of.by),
      _links: { html: { href: html }, pull_request: { href: pullUrl } },
      submitted_at: iso(of.at),
      commit_id: of.sha,
    };
  }

  function checkRun(of: CheckRun): Json {
    const url = `${repos}/check-runs/${of.id}`;
    const small = ({ id, name }: Repository): Json => ({ id, name, url: repos });
    return {
      id: of.id,
      name: of.name,
      node_id: nodeId('CR', of.id),
      head_sha: of.sha,
      external_id: of.externalId ?? '',
      url,
      html_url: `${pages}/runs/${of.id}`,
      details_url: of.detailsUrl ?? `${pages}/runs/${of.id}`,
      status: of.status,
      conclusion: of.conclusion,
      started_at: iso(of.startedAt),
      completed_at: of.completedAt === null ? null : iso(of.completedAt),
      output: {
        title: of.title,
        summary: of.summary,
        text: of.text,
        annotations_count: of.annotations.length,
        annotations_url: `${url}/annotations`,
      },
      check_suite: { id: of.suite },
      app: app(of.app),
      // Those of forks are not told.
      pull_requests: openIssues()
        .filter(hasPull)
        .filter(({ pull: { head } }) => head.sha === of.sha && !head.repository.fork)
        .map(({ number, pull: { id, head, base } }) => ({
          id,
          number,
          url: `${repos}/pulls/${number}`,
          head: { ref: head.branch, sha: head.sha, repo: small(head.repository) },
          base: { ref: base.branch, sha: base.sha, repo: small(ours) },
        })),
    };
  }

  function approval(of: Approval): Json {
    return {
      state: of.state,
      comment: of.comment,
      user: user(of.by),
      environments: [
        {
          id: of.environmentId,
          node_id: nodeId('EN', of.environmentId),
          name: of.environment,
          url: `${repos}/environments/${encodeURIComponent(of.environment)}`,
          html_url: `${pages}/deployments/activity_log?environments_filter=${encodeURIComponent(of.environment)}`,
          created_at: iso(ours.createdAt),
          updated_at: iso(ours.createdAt),
        },
      ],
    };
  }

  function permission(login: string): Json {
    const account = accountOf(state, login);
    // Everybody may read what is public.
    const role: Role = account.role === 'none' && !ours.private ? 'read' : account.role;
    const rank = RANKS.indexOf(role);
    const may = (least: Role): boolean => rank >= RANKS.indexOf(least);
    return {
      permission: role === 'maintain' ? 'write' : role === 'triage' ? 'read' : role,
      role_name: role,
      user: {
        ...user(account),
        permissions: {
          pull: may('read'),
          triage: may('triage'),
          push: may('write'),
          maintain: may('maintain'),
          admin: may('admin'),
        },
        role_name: role,
      },
    };
  }

  function activity({ id, before, after, branch, at, type, by }: Push): Json {
    return {
      id,
      node_id: nodeId('PSH', id),
      before: before ?? NOTHING,
      after: after ?? NOTHING,
      ref: `refs/heads/${branch}`,
      timestamp: iso(at),
      activity_type: type,
      actor: by ? user(by) : null,
    };
  }

  function rateLimit(token: Token | undefined): Json {
    const core = rateOf(token);
    const other = { limit: 30, used: 0, remaining: 30, reset: core.reset };
    return { resources: { core, search: other, graphql: core }, rate: core };
  }

  return {
    commit,
    issue,
    pull,
    pullSimple,
    comment,
    review,
    checkRun,
    approval,
    permission,
    activity,
    self: (account: Account): Json => selfAnswer(account, site, ours.createdAt),
    rateLimit,
    repository,
  };
}

/** The id of no commit. */
const NOTHING = '0'.repeat(40);

const RANKS: readonly Role[] = ['none', 'read', 'triage', 'write', 'maintain', 'admin'];

/** What a token may still ask for in this hour. */
export function rateOf(
  token: Token | undefined,
): Readonly<Record<'limit' | 'used' | 'remaining' | 'reset', number>> {
  const limit = token ? 5000 : 60;
  const used = token?.used ?? 0;
  return { limit, used, remaining: limit - used, reset: Math.ceil(Date.now() / 1000) + 3600 };
}
