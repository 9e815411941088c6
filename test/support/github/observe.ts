import { git, tipsOf } from '../git-repository.ts';
import { broughtCommits, isAncestor, testMerge } from './merges.ts';
import { type Account, hasPull, type Issue, type Pull, type State, signatureOf } from './state.ts';

/**
 * Takes notice of what happened to the branches, whoever pushed and with what: heads of open pull requests move,
 * a pull request whose branch is gone is closed, one whose head is in its base branch counts as merged.
 */
export function observe(state: State, by: Account = state.repository.owner): void {
  const ours = state.repository;
  const tips = tipsOf(ours.path);
  const moved = [...tips].some(([branch, tip]) => state.tips.get(branch) !== tip);
  state.tips = tips;
  const tipsIn = new Map([[ours.path, tips]]);
  for (const issue of state.issues.values()) {
    if (issue.closed || !hasPull(issue)) continue;
    const { repository, branch } = issue.pull.head;
    if (!repository.deleted) {
      const theirs = tipsIn.get(repository.path) ?? tipsOf(repository.path);
      tipsIn.set(repository.path, theirs);
      follow(state, issue, theirs.get(branch), by);
    }
    if (moved && !issue.closed) noticeMerge(state, issue, by);
  }
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
  pull.base.sha = state.tips.get(pull.base.branch) ?? pull.base.sha;
  pull.commits = broughtCommits(path, pull.base.sha, tip);
}

function noticeMerge(state: State, issue: Issue & { readonly pull: Pull }, by: Account): void {
  const { head, base, commits } = issue.pull;
  const onto = state.tips.get(base.branch);
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
  const onto = state.tips.get(pull.base.branch);
  if (closed || onto === undefined) return undefined;
  const merge = testMerge(path, onto, pull.head.sha, signatureOf(owner, updatedAt));
  const ref = `refs/pull/${number}/merge`;
  git(path, ['update-ref', ...(merge === undefined ? ['-d', ref] : [ref, merge])]);
  return merge;
}
