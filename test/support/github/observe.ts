import { git, tipsOf } from '../git-repository.ts';
import { broughtCommits, isAncestor, testMerge } from './merges.ts';
import {
  type Account,
  hasPull,
  type Issue,
  type Pull,
  type PushType,
  type Repository,
  type State,
  signatureOf,
} from './state.ts';

/**
 * Takes notice of what happened to the branches, whoever pushed and with what: it is known who moved which, heads of open pull
 * requests move, a pull request whose branch is gone is closed, one whose head is in its base branch counts as merged.
 */
export function observe(state: State, by: Account = state.repository.owner, as?: PushType): void {
  const moved = noticePushes(state, state.repository, by, as);
  for (const fork of state.forks.values()) if (!fork.deleted) noticePushes(state, fork, by);
  for (const issue of state.issues.values()) {
    if (issue.closed || !hasPull(issue)) continue;
    const { repository, branch } = issue.pull.head;
    if (!repository.deleted) follow(state, issue, state.tips.get(repository.path)?.get(branch), by);
    if (moved && !issue.closed) noticeMerge(state, issue, by);
  }
}

/** Whether a branch has moved, or there is a new one. */
function noticePushes(state: State, repository: Repository, by: Account, as?: PushType): boolean {
  const { path } = repository;
  const known = state.tips.get(path) ?? new Map<string, string>();
  const tips = tipsOf(path);
  state.tips.set(path, tips);
  const moved = [...new Set([...known.keys(), ...tips.keys()])].filter(
    (branch) => known.get(branch) !== tips.get(branch),
  );
  for (const branch of moved) {
    const [before, after] = [known.get(branch), tips.get(branch)];
    const type = as ?? typeOf(path, before, after);
    state.pushes.push({ id: state.nextId(), repository, branch, before, after, type, by, at: state.now() });
  }
  return moved.some((branch) => tips.has(branch));
}

function typeOf(path: string, before: string | undefined, after: string | undefined): PushType {
  if (before === undefined) return 'branch_creation';
  if (after === undefined) return 'branch_deletion';
  return isAncestor(path, before, after) ? 'push' : 'force_push';
}

function tipOfBase(state: State, { base }: Pull): string | undefined {
  return state.tips.get(state.repository.path)?.get(base.branch);
}

function follow(
  state: State,
  issue: Issue & { readonly pull: Pull },
  tip: string | undefined,
  by: Account,
): void {
  const { number, pull } = issue;
  if (tip === pull.head.sha) return;
  issue.updatedAt = state.now();
  if (tip === undefined) {
    issue.closed = { by, at: issue.updatedAt, reason: 'completed' };
    return;
  }
  const { path } = state.repository;
  git(path, [
    'fetch',
    '-q',
    pull.head.repository.path,
    `+refs/heads/${pull.head.branch}:refs/pull/${number}/head`,
  ]);
  pull.head.sha = tip;
  pull.base.sha = tipOfBase(state, pull) ?? pull.base.sha;
  pull.commits = broughtCommits(path, pull.base.sha, tip);
}

function noticeMerge(state: State, issue: Issue & { readonly pull: Pull }, by: Account): void {
  const { head, commits } = issue.pull;
  const onto = tipOfBase(state, issue.pull);
  if (onto === undefined || !isAncestor(state.repository.path, head.sha, onto)) return;
  const at = state.now();
  issue.pull.merged = { by, at, sha: head.sha, introduced: commits };
  issue.closed = { by, at, reason: 'completed' };
  issue.updatedAt = at;
}

/**
 * The commit of the test merge of an open pull request, which `refs/pull/N/merge` then names, as GitHub makes it
 * for workflows; undefined when it conflicts.
 */
export function testMergeOf(
  state: State,
  { number, pull, updatedAt, closed }: Issue & { readonly pull: Pull },
): string | undefined {
  const { path, owner } = state.repository;
  const onto = tipOfBase(state, pull);
  if (closed || onto === undefined) return undefined;
  const merge = testMerge(path, onto, pull.head.sha, signatureOf(owner, updatedAt));
  const ref = `refs/pull/${number}/merge`;
  git(path, ['update-ref', ...(merge === undefined ? ['-d', ref] : [ref, merge])]);
  return merge;
}
