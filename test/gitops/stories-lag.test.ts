import { describe, expect, test } from 'vitest';
import type { Forge, PullRequest } from '../../src/gitops/forge.ts';
import { unitsOf } from '../../src/gitops/merged-units.ts';
import { git, tipOf } from '../support/git-repository.ts';
import type { MergeMethod } from '../support/github/merges.ts';
import { binding, group, type PrDesk, prDesk } from '../support/pr-desk.ts';

const MANY = 99;

/** A group that may read, and who is in it. */
function readers(members: readonly string[], name = 'readers'): string {
  return `${group(name, members)}---\n${binding(name, 'source-read-only', `{kind: Group, name: ${name}}`)}`;
}

async function applied(): Promise<PrDesk> {
  const desk = await prDesk();
  await desk.apply();
  return desk;
}

/** A pull request of two commits, which is merged while GitHub is not behind yet. */
async function merged(desk: PrDesk, method: MergeMethod, name = 'readers'): Promise<number> {
  desk.github.push({ by: 'bo', branch: name, files: { [`access/${name}.yaml`]: readers(['bo'], name) } });
  const n = desk.open(name, { [`access/${name}.yaml`]: readers(['bo', 'eve'], name) });
  await desk.plan(n);
  desk.github.merge(n, { by: 'ana', method });
  return n;
}

describe('where GitHub does not know yet what a commit came from', () => {
  test.each<MergeMethod>(['rebase', 'squash', 'merge'])(
    'the pull requests that were merged last do: %s',
    async (method) => {
      const desk = await applied();
      desk.github.push({ by: 'cy', branch: 'main', files: { 'README.md': 'Before.\n' } });
      await merged(desk, method);
      await merged(desk, method, 'more');
      desk.github.push({ by: 'cy', branch: 'main', files: { 'README.md': 'After.\n' } });
      desk.github.fallBehind('origins', MANY);
      const { stdout } = await desk.apply();
      expect(stdout.replaceAll(/^\w{12} /gm, '').replaceAll(/: .*$/gm, '')).toBe(
        '(pushed without a pull request)\n(#1)\n(#2)\n(pushed without a pull request)\n',
      );
      const { stdout: json } = await desk.iam('history show 2 -o json');
      expect(JSON.parse(json)).toMatchObject({ pr: '1', review: 'verified' });
    },
  );

  test('nobody takes a rebase merge for a push, past what was looked at', async () => {
    const desk = await applied();
    // Each is harmless by itself: one fills a group, one gives it something.
    const files = { 'access/readers.yaml': group('readers', []) };
    desk.github.merge(desk.open('empty', files), { by: 'ana' });
    await desk.apply();
    const fills = desk.open('fills', { 'access/readers.yaml': group('readers', ['eve']) }, 'cy');
    const gives = desk.open('gives', {
      'access/gives.yaml': binding('gives', 'workspace-owner', '{kind: Group, name: readers}'),
    });
    for (const n of [fills, gives]) await desk.plan(n);
    desk.github.merge(fills, { by: 'ana', method: 'rebase' });
    desk.github.merge(gives, { by: 'ana', method: 'rebase' });
    desk.github.fallBehind('origins', MANY);
    const { stderr } = await desk.apply(3);
    expect(stderr).toContain('RC605');
    expect((await desk.iam('can-i eve workspace-owner -n acme')).exit).toBe(1);
  });

  test.each([
    [3, MANY],
    [MANY, 3],
  ])('nor these: it is waited a while, and asked again (%s, %s)', async (origins, closed) => {
    const desk = await applied();
    await merged(desk, 'rebase');
    desk.github.fallBehind('origins', origins);
    desk.github.fallBehind('closed pull requests', closed);
    expect((await desk.apply()).stdout).toMatch(/^\w{12} \(#1\): .*\n$/);
  });

  test('a push is one, however long it is waited, and is waited for once', async () => {
    const desk = await applied();
    for (const text of ['One.\n', 'Two.\n'])
      desk.github.push({ by: 'cy', branch: 'main', files: { 'README.md': text } });
    const before = desk.github.log.length;
    expect((await desk.apply()).stdout.match(/pushed without a pull request/g)).toHaveLength(2);
    const asked = desk.github.log.slice(before).filter(({ path }) => /\/commits\/\w+$/.test(path));
    expect(asked).toHaveLength(4);
  });

  test('a commit of long ago is not waited for', async () => {
    const desk = await applied();
    desk.github.push({
      by: 'cy',
      branch: 'main',
      files: { 'README.md': 'Long ago.\n' },
      author: { name: 'cy', email: 'cy@acme.example', at: Date.parse('2026-11-24T11:00:00Z') },
    });
    const before = desk.github.log.length;
    await desk.apply();
    const asked = desk.github.log.slice(before).filter(({ path }) => /\/commits\/\w+$/.test(path));
    expect(asked).toHaveLength(1);
  });
});

describe('a pull request into another branch', () => {
  test('is no review of this one', async () => {
    const desk = await applied();
    const { github, repository } = desk;
    github.push({ by: 'bo', branch: 'next', files: { 'README.md': 'Next.\n' } });
    github.push({ by: 'bo', branch: 'readers', files: { 'access/readers.yaml': readers(['eve']) } });
    const n = github.openPullRequest({ author: 'bo', branch: 'readers', base: 'next', title: 'readers' });
    github.merge(n, { by: 'cy', method: 'squash' });
    // All of that branch is pushed to the default branch past the ruleset.
    git(repository, ['update-ref', 'refs/heads/main', tipOf(repository, 'next') ?? '']);
    const { stdout } = await desk.apply();
    expect(stdout).toMatch(/\(pushed without a pull request\): 2 to create/);
    expect(stdout).not.toContain(`#${n}`);
    const { stdout: json } = await desk.iam('history show 2 -o json');
    expect(JSON.parse(json)).toMatchObject({ pr: null, review: null });
  });
});

describe('the commits of a rebase merge', () => {
  const pull: PullRequest = {
    number: 7,
    title: 'Seven',
    author: 'bo',
    head: 'f'.repeat(40),
    headRef: 'seven',
    headRepository: 'acme/access',
    baseRef: 'main',
    base: '0'.repeat(40),
    isFork: false,
    isDraft: false,
    openedAt: 0,
    state: 'merged',
    mergeCommit: null,
  };
  const shaOf = (at: number) => String(at).padStart(40, '0');
  /** Which of the commits with these subjects are of a pull request with those, that ends at one of them. */
  async function ofIt(subjects: readonly string[], own: readonly string[], end: number, merges = [-1]) {
    const commits = subjects.map((subject, at) => ({
      sha: shaOf(at + 1),
      parent: shaOf(at),
      subject,
      merged: merges.includes(at) ? ['e'.repeat(40)] : [],
    }));
    const forge: Partial<Forge> = {
      pullRequestsOf: async () => [],
      mergedLast: async () => [{ ...pull, mergeCommit: shaOf(end + 1) }],
      subjectsOf: async () => own,
      waitsFor: async () => false,
    };
    const units = await unitsOf(forge as Forge, commits, 'main');
    return units.flatMap((unit) => (unit.pull ? [Number(unit.parent), Number(unit.tip) - 1] : []));
  }

  test('are as many as are its own, before the one that ends it', async () => {
    expect(await ofIt(['push', 'a', 'b', 'c', 'push'], ['a', 'b', 'c'], 3)).toEqual([1, 3]);
    expect(await ofIt(['a', 'b'], ['a', 'b'], 1)).toEqual([0, 1]);
    expect(await ofIt(['a', 'a', 'a'], ['a', 'a'], 2)).toEqual([1, 2]);
    const long = 'a'.repeat(300);
    expect(await ofIt(['push', `${long}..`, 'b'], [`${long}aaa`, 'b'], 2)).toEqual([1, 2]);
  });

  test('are without those that changed nothing any more', async () => {
    expect(await ofIt(['push', 'a', 'c'], ['a', 'b', 'c'], 2)).toEqual([1, 2]);
  });

  test('are not what was pushed before a squash, or a merge', async () => {
    expect(await ofIt(['push', 'push', 'Seven (as agreed)'], ['a', 'b', 'c'], 2)).toEqual([2, 2]);
    expect(await ofIt(['a', 'b', 'c'], ['a', 'b', 'c'], 2, [2])).toEqual([2, 2]);
    expect(await ofIt(['a', 'b', 'c'], ['a', 'b', 'c'], 2, [0])).toEqual([1, 2]);
  });
});
