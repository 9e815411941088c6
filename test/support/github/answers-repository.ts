import { fullName, iso, type Json, nodeId, type Site } from './site.ts';
import type { Repository } from './state.ts';

/** What follows a repository's address in the API. */
const URLS: Readonly<Record<string, string>> = {
  archive_url: '/{archive_format}{/ref}',
  assignees_url: '/assignees{/user}',
  blobs_url: '/git/blobs{/sha}',
  branches_url: '/branches{/branch}',
  collaborators_url: '/collaborators{/collaborator}',
  comments_url: '/comments{/number}',
  commits_url: '/commits{/sha}',
  compare_url: '/compare/{base}...{head}',
  contents_url: '/contents/{+path}',
  contributors_url: '/contributors',
  deployments_url: '/deployments',
  downloads_url: '/downloads',
  events_url: '/events',
  forks_url: '/forks',
  git_commits_url: '/git/commits{/sha}',
  git_refs_url: '/git/refs{/sha}',
  git_tags_url: '/git/tags{/sha}',
  hooks_url: '/hooks',
  issue_comment_url: '/issues/comments{/number}',
  issue_events_url: '/issues/events{/number}',
  issues_url: '/issues{/number}',
  keys_url: '/keys{/key_id}',
  labels_url: '/labels{/name}',
  languages_url: '/languages',
  merges_url: '/merges',
  milestones_url: '/milestones{/number}',
  notifications_url: '/notifications{?since,all,participating}',
  pulls_url: '/pulls{/number}',
  releases_url: '/releases{/id}',
  stargazers_url: '/stargazers',
  statuses_url: '/statuses/{sha}',
  subscribers_url: '/subscribers',
  subscription_url: '/subscription',
  tags_url: '/tags',
  teams_url: '/teams',
  trees_url: '/git/trees{/sha}',
};

export interface RepositorySurroundings {
  readonly site: Site;
  readonly owner: Json;
  readonly openIssues: number;
}

/** A repository as it stands inside of other answers. */
export function repositoryAnswer(
  repository: Repository,
  { site, owner, openIssues }: RepositorySurroundings,
): Json {
  const { id, name, private: hidden, fork, defaultBranch } = repository;
  const at = iso(repository.createdAt);
  const path = fullName(repository);
  const url = `${site.api}/repos/${path}`;
  const page = `${site.web}/${path}`;
  return {
    id,
    node_id: nodeId('R', id),
    name,
    full_name: path,
    private: hidden,
    owner,
    html_url: page,
    description: null,
    fork,
    url,
    ...Object.fromEntries(Object.entries(URLS).map(([key, rest]) => [key, `${url}${rest}`])),
    git_url: `git://github.com/${path}.git`,
    ssh_url: `git@github.com:${path}.git`,
    clone_url: `${page}.git`,
    svn_url: page,
    mirror_url: null,
    homepage: null,
    language: null,
    license: null,
    size: 1,
    stargazers_count: 0,
    watchers_count: 0,
    watchers: 0,
    forks_count: 0,
    forks: 0,
    open_issues_count: openIssues,
    open_issues: openIssues,
    default_branch: defaultBranch,
    topics: [],
    is_template: false,
    has_issues: true,
    has_projects: true,
    has_wiki: false,
    has_pages: false,
    has_downloads: true,
    has_discussions: false,
    archived: false,
    disabled: false,
    allow_forking: true,
    visibility: hidden ? 'private' : 'public',
    web_commit_signoff_required: false,
    pushed_at: at,
    created_at: at,
    updated_at: at,
  };
}

/** What a repository says of itself when it is asked for alone. */
export const OF_A_WHOLE_REPOSITORY: Json = {
  subscribers_count: 1,
  network_count: 0,
  allow_merge_commit: true,
  allow_squash_merge: true,
  allow_rebase_merge: true,
  allow_auto_merge: false,
  delete_branch_on_merge: false,
};
