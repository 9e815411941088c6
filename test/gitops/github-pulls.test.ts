import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { commitFiles, git, tipOf } from '../support/git-repository.ts';
import { type Desk, desk, opened, REPO, refusal } from '../support/github/desk.ts';
import type { MergeMethod } from '../support/github/merges.ts';

/** The subjects of the first-parent history of a branch, the newest first. */
function history(path: string, branch = 'main'): string[] {
  return git(path, ['log', '--first-parent', '--format=%s', branch]).split('\n');
}

describe('pull requests', () => {
  test('one, as it is opened, pushed to, approved, dismissed and closed', async () => {
    const here = await desk();
    const { github, octokit, path } = here;
    const number = opened(here);
    const asked = { ...REPO, pull_number: number };
    const first = (await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', asked)).data;
    expect(first).toMatchObject({
      number: 1,
      state: 'open',
      title: 'Please: more',
      body: 'Why not?',
      user: { login: 'bo', type: 'User' },
      author_association: 'COLLABORATOR',
      head: { label: 'acme:more', ref: 'more', sha: tipOf(path, 'more'), repo: { full_name: 'acme/access' } },
      base: { ref: 'main', sha: tipOf(path, 'main') },
      html_url: 'https://github.com/acme/access/pull/1',
      mergeable: true,
      commits: 1,
      additions: 1,
      changed_files: 1,
    });
    expect(git(path, ['rev-parse', 'refs/pull/1/head'])).toBe(first.head.sha);
    expect(git(path, ['rev-parse', 'refs/pull/1/merge'])).toBe(first.merge_commit_sha);

    github.approve('ana', number);
    const pushed = github.push({ by: 'bo', branch: 'more', files: { 'b.yaml': 'b: 1\n' } });
    expect(() => github.approve('bo', number)).toThrow('Can not approve your own pull request');
    github.requestChanges('cy', number, 'No.');
    github.dismiss('cy', number);
    const reviews = (await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews', asked))
      .data;
    expect(reviews.map(({ user, state, commit_id }) => [user?.login, state, commit_id])).toEqual([
      ['ana', 'APPROVED', first.head.sha],
      ['cy', 'DISMISSED', pushed.after],
    ]);

    github.push({ by: 'ana', branch: 'main', files: { 'b.yaml': 'b: 2\n' }, message: 'By hand' });
    const conflicting = (await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', asked)).data;
    expect(conflicting).toMatchObject({ mergeable: false, mergeable_state: 'dirty', commits: 2 });
    // The base is where it was when the head last moved.
    expect(conflicting.base.sha).toBe(git(path, ['rev-parse', 'main~1']));

    const forced = github.forcePush({ by: 'bo', branch: 'more', files: { 'c.yaml': 'c: 1\n' } });
    github.close('bo', number);
    const closed = (await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', asked)).data;
    expect(closed).toMatchObject({ state: 'closed', merged: false, commits: 1, head: { sha: forced.after } });
    github.reopen(number);
    github.deleteBranch('bo', 'more');
    const gone = (await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', asked)).data;
    expect(gone).toMatchObject({ state: 'closed', merged: false, head: { sha: forced.after } });
  });

  test('a list: by state, head and base', async () => {
    const here = await desk();
    const { github, octokit } = here;
    const [one, two, three] = [opened(here, 'one'), opened(here, 'two'), opened(here, 'three')];
    github.merge(two, { by: 'ana' });
    const numbers = async (query: object) => {
      const { data } = await octokit.request('GET /repos/{owner}/{repo}/pulls', { ...REPO, ...query });
      return data.map(({ number }) => number);
    };
    expect(await numbers({})).toEqual([three, one]);
    expect(await numbers({ state: 'all', sort: 'created', direction: 'asc' })).toEqual([one, two, three]);
    expect(await numbers({ state: 'closed' })).toEqual([two]);
    expect(await numbers({ head: 'acme:one' })).toEqual([one]);
    expect(await numbers({ base: 'main' })).toEqual([three, one]);
    expect(await numbers({ base: 'other' })).toEqual([]);
  });

  test('its commits name whom they like', async () => {
    const here = await desk();
    const number = opened(here);
    const dee = { name: 'Dee', email: 'dee@elsewhere.example', at: Date.parse('2020-01-01T00:00:00Z') };
    here.github.push({
      by: 'bo',
      branch: 'more',
      files: { 'b.yaml': 'b: 1\n' },
      author: dee,
      message: 'And b',
    });
    const asked = { ...REPO, pull_number: number };
    const { data } = await here.octokit.request(
      'GET /repos/{owner}/{repo}/pulls/{pull_number}/commits',
      asked,
    );
    expect(data.map(({ author, commit }) => [author?.login, commit.author?.name, commit.message])).toEqual([
      ['bo', 'bo', 'Change more'],
      [undefined, 'Dee', 'And b'],
    ]);
    expect(data[1]?.parents.map(({ sha }) => sha)).toEqual([data[0]?.sha]);
  });

  test('a draft is not merged before it is ready', async () => {
    const { github, octokit } = await desk();
    github.push({ by: 'bo', branch: 'more', files: { 'a.yaml': 'a: 1\n' } });
    const number = github.openPullRequest({ author: 'bo', branch: 'more', draft: true });
    expect(() => github.merge(number, { by: 'ana' })).toThrow('Pull Request is still a draft');
    const asked = { ...REPO, pull_number: number };
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', asked);
    expect(data).toMatchObject({ draft: true, mergeable_state: 'draft' });
    github.markReady(number);
    github.merge(number, { by: 'ana' });
  });

  test('a fork, whose commits come in by refs/pull, and which may go', async () => {
    const { github, octokit, path } = await desk();
    github.fork('cy');
    const { after } = github.push({ by: 'cy', branch: 'mine', files: { 'a.yaml': 'a: 1\n' }, fork: true });
    const number = github.openPullRequest({ author: 'cy', branch: 'mine', fork: true });
    const get = async () =>
      (
        await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', {
          ...REPO,
          pull_number: number,
        })
      ).data;
    expect((await get()).head).toMatchObject({
      label: 'cy:mine',
      sha: after,
      user: { login: 'cy' },
      repo: { full_name: 'cy/access', fork: true },
    });
    expect(tipOf(path, 'mine')).toBeUndefined();
    const again = github.forcePush({ by: 'cy', branch: 'mine', files: { 'b.yaml': 'b: 1\n' }, fork: true });
    expect(git(path, ['rev-parse', `refs/pull/${number}/head`])).toBe(again.after);

    github.deleteFork('cy');
    expect(await get()).toMatchObject({ state: 'open', head: { sha: again.after, repo: null } });
    github.merge(number, { by: 'ana' });
    expect(history(path)).toEqual([`Merge pull request #${number} from cy/mine`, 'The beginning']);
  });
});

describe('merges make the commits that GitHub makes', () => {
  /** A pull request of two commits, onto a main that went on meanwhile. */
  function twoCommits(here: Desk): number {
    const number = opened(here);
    here.github.push({
      by: 'bo',
      branch: 'more',
      files: { 'b.yaml': 'b: 1\n' },
      message: 'And b\n\nOf course.',
    });
    here.github.push({ by: 'ana', branch: 'main', files: { 'c.yaml': 'c: 1\n' }, message: 'By hand' });
    return number;
  }

  test.each<[MergeMethod, string[], number]>([
    ['merge', ['Merge pull request #1 from acme/more', 'By hand', 'The beginning'], 2],
    ['squash', ['Please: more (#1)', 'By hand', 'The beginning'], 1],
    ['rebase', ['And b', 'Change more', 'By hand', 'The beginning'], 1],
  ])('%s', async (method, subjects, parents) => {
    const here = await desk();
    const { github, octokit, path } = here;
    const number = twoCommits(here);
    const head = tipOf(path, 'more');
    const { before, after } = github.merge(number, { by: 'ana', method });
    expect(history(path)).toEqual(subjects);
    expect(git(path, ['rev-parse', 'main'])).toBe(after);
    expect(git(path, ['merge-base', before, after])).toBe(before);
    expect(git(path, ['show', '-s', '--format=%P', after]).split(' ')).toHaveLength(parents);
    expect(git(path, ['ls-tree', '--name-only', after]).split('\n')).toEqual([
      'README.md',
      'b.yaml',
      'c.yaml',
      'more.yaml',
    ]);
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', {
      ...REPO,
      pull_number: number,
    });
    expect(data).toMatchObject({
      state: 'closed',
      merged: true,
      merge_commit_sha: after,
      merged_by: { login: 'ana' },
      head: { sha: head },
    });
    for (const commit_sha of git(path, ['rev-list', `${before}..${after}`]).split('\n')) {
      const pulls = await octokit.request('GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls', {
        ...REPO,
        commit_sha,
      });
      expect(pulls.data.map((pull) => pull.number)).toEqual([number]);
    }
    const direct = { ...REPO, commit_sha: before };
    expect(
      (await octokit.request('GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls', direct)).data,
    ).toEqual([]);
  });

  test('a squash of one commit has its message, of several all of them; a rebase keeps the authors', async () => {
    const here = await desk();
    const { github, path } = here;
    github.merge(opened(here, 'one'), { by: 'ana', method: 'squash' });
    expect(git(path, ['log', '-1', '--format=%B|%an|%cn', 'main'])).toBe('Change one (#1)|bo|GitHub');
    github.merge(twoCommits(here), { by: 'ana', method: 'squash' });
    expect(git(path, ['log', '-1', '--format=%B', 'main'])).toBe(
      'Please: more (#2)\n\n* Change more\n\n* And b\n\nOf course.',
    );
    github.merge(opened(here, 'two'), { by: 'ana', method: 'rebase' });
    expect(git(path, ['log', '-1', '--format=%s|%an|%cn', 'main'])).toBe('Change two|bo|ana');
    // New commits even where the branch could have been taken as it is.
    expect(tipOf(path, 'main')).not.toBe(tipOf(path, 'two'));
  });

  test.each<MergeMethod>(['merge', 'squash', 'rebase'])('a conflict is refused: %s', async (method) => {
    const here = await desk();
    const number = opened(here, 'more', { 'README.md': 'Ours.\n' });
    const { after } = here.github.push({ by: 'ana', branch: 'main', files: { 'README.md': 'Theirs.\n' } });
    expect(() => here.github.merge(number, { by: 'ana', method })).toThrow('Pull Request is not mergeable');
    expect(tipOf(here.path, 'main')).toBe(after);
  });

  test.each<MergeMethod>(['merge', 'squash', 'rebase'])(
    'a merge queue lands several in one push: %s',
    async (method) => {
      const here = await desk();
      const { github, octokit, path } = here;
      const numbers = [opened(here, 'one'), opened(here, 'two'), opened(here, 'three')];
      const group = github.enqueue(numbers, { by: 'ana', method });
      expect(tipOf(path, group.branch)).toBe(group.after);
      expect(tipOf(path, 'main')).toBe(group.before);
      expect(group.land()).toEqual({ before: group.before, after: group.after });
      expect(tipOf(path, group.branch)).toBeUndefined();
      expect(tipOf(path, 'main')).toBe(group.after);
      const landed = git(path, ['rev-list', '--first-parent', '--reverse', `${group.before}..main`]).split(
        '\n',
      );
      const by = [];
      for (const commit_sha of landed) {
        const asked = { ...REPO, commit_sha };
        const { data } = await octokit.request('GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls', asked);
        by.push(...data.map(({ number }) => number));
      }
      expect(by).toEqual(numbers);
      const more = [opened(here, 'four'), opened(here, 'five')];
      expect(github.mergeGroup(more, { by: 'ana', method }).before).toBe(group.after);
      const late = github.enqueue([opened(here, 'six')], { by: 'ana', method });
      github.push({ by: 'ana', branch: 'main', files: { 'd.yaml': 'd: 1\n' } });
      expect(() => late.land()).toThrow();
    },
  );

  test('what a plain git pushes is noticed: to a head, and a head to main', async () => {
    const here = await desk();
    const { octokit, path } = here;
    const number = opened(here);
    const work = join(temporaryFolder(), 'work');
    git('/', ['clone', '-q', pathToFileURL(path).href, work]);
    const tip = commitFiles(path, 'more', { 'b.yaml': 'b: 1\n' });
    const asked = { ...REPO, pull_number: number };
    const before = (await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', asked)).data;
    expect(before).toMatchObject({ state: 'open', head: { sha: tip }, commits: 2 });
    const having = { ...REPO, commit_sha: tip };
    const open = (await octokit.request('GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls', having)).data;
    expect(open.map((pull) => pull.number)).toEqual([number]);

    git(work, ['fetch', '-q', 'origin', 'more']);
    git(work, ['push', '-q', 'origin', 'FETCH_HEAD:refs/heads/main']);
    const after = (await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', asked)).data;
    expect(after).toMatchObject({ state: 'closed', merged: true, merge_commit_sha: tip });
    const unknown = { ...REPO, commit_sha: '0'.repeat(40) };
    expect(
      await refusal(octokit.request('GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls', unknown)),
    ).toMatchObject({ status: 422, message: `No commit found for SHA: ${'0'.repeat(40)}` });
  });
});
