import { describe, expect, test } from 'vitest';
import { git } from '../support/git-repository.ts';
import type { MergeMethod } from '../support/github/merges.ts';
import { binding, group, type PrDesk, prDesk, WORLD } from '../support/pr-desk.ts';

const OWNS = { 'access/eve.yaml': binding('eve-owns', 'workspace-owner', '{name: eve}') };

/** A pull request of bo that needs an override, which ana may give. */
async function refused() {
  const desk = await prDesk({
    'access/world.yaml': WORLD.replace(
      'owners: {minimum: 1}',
      'owners: {minimum: 1}, guards: {maxPrivilegedGains: 0}',
    ),
  });
  await desk.apply();
  const n = desk.open('eve', OWNS);
  await desk.plan(n, 3);
  const [order = ''] = /iam override RC211 sha256:\w{64}/.exec((await desk.comments(n))[0] ?? '') ?? [];
  return { desk, n, order };
}

type Queued = ReturnType<PrDesk['github']['enqueue']>;

/** What the workflow does for the commit that a queue made. */
async function check(desk: PrDesk, { before, after, branch }: Queued) {
  const event = {
    merge_group: { base_sha: before, head_sha: after, head_ref: `refs/heads/${branch}` },
  };
  const ran = await desk.iam('pr plan', {
    cwd: desk.clone(),
    env: { GITHUB_EVENT_PATH: desk.event(event) },
  });
  const { answer = '' } = desk.github.log.findLast(({ path }) => path.endsWith('/check-runs')) ?? {};
  return { ...ran, check: await desk.check(after), said: answer };
}

describe('a pull request that is queued by itself', () => {
  test.each<MergeMethod>(['merge', 'squash', 'rebase'])(
    'by %s, with an override that counts: the check of the group is green, and it is applied',
    async (method) => {
      const { desk, n, order } = await refused();
      desk.github.comment('ana', n, order);
      await desk.plan(n);
      desk.github.push({ by: 'cy', branch: 'main', files: { 'README.md': 'More.\n' } });
      const queued = desk.github.enqueue([n], { by: 'ana', method });
      const ran = await check(desk, queued);
      expect([ran.exit, ran.check?.conclusion]).toEqual([0, 'success']);
      expect(ran.check?.title).toContain('1 to create');
      queued.land();
      await desk.apply();
      expect((await desk.iam('can-i eve workspace-owner -n acme')).exit).toBe(0);
    },
  );

  test('without one: the check says what to comment, and counts it the next time', async () => {
    const { desk, n, order } = await refused();
    const queued = desk.github.enqueue([n], { by: 'ana' });
    const ran = await check(desk, queued);
    expect([ran.exit, ran.check]).toEqual([
      3,
      { conclusion: 'failure', title: expect.stringContaining('Refused by RC211') },
    ]);
    expect(ran.said).toContain(order);
    desk.github.comment('bo', n, order);
    const own = await check(desk, queued);
    expect([own.exit, own.said]).toEqual([3, expect.stringContaining('bo opened the pull request')]);
    desk.github.comment('ana', n, order);
    expect((await check(desk, queued)).exit).toBe(0);
  });

  test('behind another one that is not merged yet: as if it were', async () => {
    const { desk, n, order } = await refused();
    const first = desk.open('first', { 'access/first.yaml': group('first', ['bo']) }, 'cy');
    await desk.plan(first);
    desk.github.comment('ana', n, order);
    const both = desk.github.enqueue([first, n], { by: 'ana' });
    // The queue builds the second on the commit that it made of the first.
    const before = git(desk.repository, ['rev-parse', `${both.after}^1`]);
    const ran = await check(desk, { ...both, before });
    expect([ran.exit, ran.check]).toEqual([
      0,
      { conclusion: 'success', title: expect.stringContaining('1 to create') },
    ]);
    both.land();
    expect((await desk.apply()).stdout).toMatch(/revision 2\n.*\(#1\): 1 to create.* revision 3\n$/);
    expect((await desk.iam('can-i eve workspace-owner -n acme')).exit).toBe(0);
  });
});

describe('several that are queued at once', () => {
  test('have no override that counts: each is applied by itself, and its own is to be approved', async () => {
    const { desk, n, order } = await refused();
    const other = desk.open('other', { 'access/other.yaml': group('other', ['bo']) }, 'cy');
    await desk.plan(other);
    desk.github.comment('ana', n, order);
    const queued = desk.github.enqueue([n, other], { by: 'ana' });
    const ran = await check(desk, queued);
    expect([ran.exit, ran.stderr]).toEqual([3, '']);
    expect(ran.said).toContain('the merge queue has put several pull requests together');
    expect(ran.said).toContain('queue the one that needs an override by itself');
  });

  test('nor has one that was pushed to since', async () => {
    const { desk, n, order } = await refused();
    desk.github.comment('ana', n, order);
    const queued = desk.github.enqueue([n], { by: 'ana' });
    desk.github.push({ by: 'bo', branch: 'eve', files: { 'access/more.yaml': group('more', ['bo']) } });
    expect((await check(desk, queued)).exit).toBe(3);
  });

  test('are checked together where nothing refuses', async () => {
    const { desk } = await refused();
    const [one, two] = ['one', 'two'].map((name) =>
      desk.open(name, { [`access/${name}.yaml`]: group(name, ['bo']) }),
    );
    const ran = await check(desk, desk.github.enqueue([one ?? 0, two ?? 0], { by: 'ana' }));
    expect([ran.exit, ran.check?.conclusion]).toEqual([0, 'success']);
  });
});
