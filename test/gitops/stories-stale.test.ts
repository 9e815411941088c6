import { describe, expect, test } from 'vitest';
import { tipOf } from '../support/git-repository.ts';
import { binding, group, type PrDesk, prDesk } from '../support/pr-desk.ts';

const READERS = '{kind: Group, name: readers}';
const BOUND = { 'access/bound.yaml': binding('read', 'source-read-only', READERS) };

/** What is written to GitHub from now on. */
function writesOf({ github }: PrDesk): () => string[] {
  const from = github.log.length;
  return () =>
    github.log
      .slice(from)
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path }) => `${method} ${path.replace('/repos/acme/access', '')}`);
}

/** A desk whose store has a group of nobody that may do nothing. */
async function grouped(): Promise<PrDesk> {
  const desk = await prDesk({ 'access/group.yaml': group('readers', []) });
  await desk.apply();
  return desk;
}

describe('a pull request whose base moves', () => {
  test('into a conflict says so, and is planned again when it is resolved', async () => {
    const desk = await grouped();
    const one = desk.open('one', { 'access/group.yaml': group('readers', ['bo']) });
    const two = desk.open('two', { 'access/group.yaml': group('readers', ['eve']) }, 'cy');
    await desk.plan(one);
    await desk.plan(two);
    desk.github.merge(one, { by: 'ana' });
    await desk.apply();
    const all = await desk.iam('pr plan --all');
    expect(all.stderr).toContain(`#${two}: Conflicts with its base`);
    expect(all.stderr).not.toContain(`#${one}`);
    const [conflict = '', ...more] = await desk.comments(two);
    expect(more).toEqual([]);
    expect(conflict).toContain('RC603');
    expect(await desk.check(tipOf(desk.repository, 'two') ?? '')).toEqual({
      conclusion: 'failure',
      title: 'Conflicts with its base',
    });
    desk.github.forcePush({
      by: 'cy',
      branch: 'two',
      files: { 'access/group.yaml': group('readers', ['bo', 'eve']) },
      onto: tipOf(desk.repository, 'main') ?? '',
    });
    await desk.plan(two);
    expect((await desk.comments(two))[0]).toContain('members');
    expect((await desk.comments(two))[0]).not.toContain('RC603');
    desk.github.merge(two, { by: 'ana' });
    await desk.apply();
    const [, report] = await desk.comments(two);
    expect(report).toContain('### Applied to');
    expect(report).toContain('revision 3');
    expect((await desk.iam('get group readers -n acme -o json')).stdout).toContain('eve');
  });

  test('is planned again, says that it was another plan before, and is what it says once merged', async () => {
    const desk = await grouped();
    const bound = desk.open('bound', BOUND);
    const member = desk.open('member', { 'access/group.yaml': group('readers', ['eve']) }, 'cy');
    await desk.plan(bound);
    await desk.plan(member);
    expect((await desk.comments(member))[0]).toContain("nobody's access changes");
    desk.github.merge(bound, { by: 'ana' });
    // Merged, and not applied: what waits is told apart.
    await desk.plan(member);
    const [waiting = ''] = await desk.comments(member);
    expect(waiting).toContain('1 change merged before, and not applied yet: not of this pull request');
    expect(waiting).toMatch(/by the files alone\*\*[\s\S]*\| eve .* \*\*gains\*\* source-read-only/);
    await desk.apply();
    await desk.iam('pr plan --all');
    const [stale = '', ...more] = await desk.comments(member);
    expect(more).toEqual([]);
    expect(stale).toMatch(
      /\*\*Planned again\*\*: into `\w{12}`, revision 1 the same commit did something else/,
    );
    expect(stale).toContain('| eve `eve@acme.example` | **gains** source-read-only');
    expect(stale).not.toMatch(/not of this pull request|by the files alone/);
    // Until something moves, there is nothing to say again.
    const writes = writesOf(desk);
    await desk.iam('pr plan --all');
    await desk.plan(member);
    expect(writes()).toEqual([]);
    desk.github.merge(member, { by: 'ana' });
    await desk.apply();
    expect((await desk.comments(member))[1]).toContain('review: verified');
    expect((await desk.iam('can-i eve source-read-only -n acme')).exit).toBe(0);
  });

  test('only on paper says nothing new of what it does', async () => {
    const desk = await grouped();
    const n = desk.open('bound', BOUND);
    await desk.plan(n);
    desk.github.push({ by: 'ana', branch: 'main', files: { 'README.md': 'Who may do what, and why.\n' } });
    await desk.iam('pr plan --all');
    const [comment = ''] = await desk.comments(n);
    expect(comment).not.toContain('Planned again');
    expect(comment).toContain(`into \`${tipOf(desk.repository, 'main')?.slice(0, 12)}\`, revision 1`);
  });
});

describe('a pull request whose store moves', () => {
  test('is planned again', async () => {
    const desk = await grouped();
    const n = desk.open('bound', BOUND);
    await desk.plan(n);
    const idp = group('readers', ['eve']);
    await desk.iam('apply --manager idp --adopt -f -', { stdin: idp });
    await desk.iam('pr plan --all');
    const [comment = ''] = await desk.comments(n);
    expect(comment).toContain('Planned again');
    expect(comment).toContain('**gains** source-read-only');
    expect(comment).toContain('1 resource not as applied: not of this pull request');
  });
});

describe('a pull request that changes nothing', () => {
  test('has a green check and no comment, and is not told twice', async () => {
    const desk = await grouped();
    const n = desk.open('words', { 'README.md': 'Who may do what, and why.\n' });
    const writes = writesOf(desk);
    await desk.plan(n);
    expect(writes()).toEqual(['POST /check-runs']);
    expect(await desk.comments(n)).toEqual([]);
    expect(await desk.check(tipOf(desk.repository, 'words') ?? '')).toEqual({
      conclusion: 'success',
      title: 'Nothing to do',
    });
    await desk.plan(n);
    expect(writes()).toEqual(['POST /check-runs']);
    desk.github.merge(n, { by: 'ana' });
    const { stdout } = await desk.apply();
    expect(stdout).toMatch(/\(#1\): nothing to do\n$/);
    expect(writes()).toEqual(['POST /check-runs']);
    expect(await desk.comments(n)).toEqual([]);
  });

  test('any more says so where it said something before', async () => {
    const desk = await grouped();
    const n = desk.open('bound', BOUND);
    await desk.plan(n);
    desk.github.push({
      by: 'bo',
      branch: 'bound',
      files: { 'access/bound.yaml': null, 'README.md': 'Well.\n' },
    });
    await desk.plan(n);
    const [comment, ...more] = await desk.comments(n);
    expect(more).toEqual([]);
    expect(comment).toContain('**Nothing to do.**');
  });

  test('to be merged any more is left alone', async () => {
    const desk = await grouped();
    const [merged, closed] = [desk.open('bound', BOUND), desk.open('closed', BOUND)];
    await desk.plan(merged);
    await desk.plan(closed);
    desk.github.merge(merged, { by: 'ana' });
    desk.github.close('bo', closed);
    const writes = writesOf(desk);
    expect((await desk.plan(merged)).stderr).toBe(`#${merged} is merged: nothing to plan\n`);
    expect((await desk.plan(closed)).stderr).toBe(`#${closed} is closed: nothing to plan\n`);
    expect(writes()).toEqual([]);
  });
});

test('a draft has a neutral check where it is not ready: red once it is to be merged', async () => {
  const desk = await grouped();
  desk.github.push({ by: 'bo', branch: 'draft', files: { 'access/more.yaml': group('more', ['nobody']) } });
  const n = desk.github.openPullRequest({ author: 'bo', branch: 'draft', draft: true });
  const head = tipOf(desk.repository, 'draft') ?? '';
  await desk.plan(n, 4);
  expect(await desk.check(head)).toEqual({ conclusion: 'neutral', title: '1 mistake in the manifests' });
  desk.github.markReady(n);
  await desk.plan(n, 4);
  expect(await desk.check(head)).toEqual({ conclusion: 'failure', title: '1 mistake in the manifests' });
});

describe('a head that was force-pushed between plan and merge', () => {
  test('is judged by its files, and its review is not verified', async () => {
    const desk = await grouped();
    const n = desk.open('bound', BOUND);
    await desk.plan(n);
    desk.github.approve('ana', n);
    desk.github.forcePush({
      by: 'bo',
      branch: 'bound',
      files: { ...BOUND, 'access/group.yaml': group('readers', ['eve']) },
    });
    desk.github.merge(n, { by: 'ana', method: 'squash' });
    await desk.apply();
    expect((await desk.comments(n))[1]).toContain('review: unverified');
    const { stdout } = await desk.iam('history show 2 -o json');
    // Nor is what was approved of what was merged.
    expect(JSON.parse(stdout)).toMatchObject({ review: 'unverified', approvers: [] });
  });

  test('and gives what neither a plan nor its files say: refused', async () => {
    const desk = await grouped();
    const before = tipOf(desk.repository, 'main') ?? '';
    const bound = desk.open('bound', BOUND);
    const member = desk.open('member', { 'access/other.yaml': group('other', []) }, 'cy');
    await desk.plan(bound);
    await desk.plan(member);
    desk.github.merge(bound, { by: 'ana' });
    await desk.apply();
    desk.github.forcePush({
      by: 'cy',
      branch: 'member',
      files: { 'access/group.yaml': group('readers', ['eve']) },
      onto: before,
    });
    desk.github.merge(member, { by: 'ana' });
    const { stderr } = await desk.apply(3);
    expect(stderr).toContain(`RC605: merged together with #${bound}, it changes access of eve`);
    expect((await desk.iam('can-i eve source-read-only -n acme')).exit).toBe(1);
  });
});

test('a base without a configuration: the check says so, and does not wait for ever', async () => {
  const desk = await prDesk({ '.rolecall/gitops.yaml': 'kind: GitOps\n' });
  const n = desk.open('mend', { 'README.md': 'More.\n' });
  expect((await desk.plan(n, 4)).stderr).toContain('RC601');
  expect(await desk.check(tipOf(desk.repository, 'mend') ?? '')).toEqual({
    conclusion: 'failure',
    title: 'Not planned',
  });
});
