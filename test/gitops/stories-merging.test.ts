import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/core/problem.ts';
import { applyMerged } from '../../src/gitops/apply-merged.ts';
import type { Forge, PullRequest } from '../../src/gitops/forge.ts';
import { unitsOf } from '../../src/gitops/merged-units.ts';
import { gitHistory } from '../../src/sources/git-history.ts';
import { openStore } from '../../src/stores/open.ts';
import { git, tipOf } from '../support/git-repository.ts';
import type { MergeMethod } from '../support/github/merges.ts';
import { binding, group, type PrDesk, prDesk } from '../support/pr-desk.ts';

/** A group and what it may do: `eve` reads when she is one of `members`. */
function readers(members: readonly string[], name = 'readers'): string {
  return `${group(name, members)}---\n${binding(name, 'source-read-only', `{kind: Group, name: ${name}}`)}`;
}

async function applied(): Promise<PrDesk> {
  const desk = await prDesk();
  await desk.apply();
  return desk;
}

/** The text and the JSON of a revision. */
async function revision(desk: PrDesk, number: number) {
  const text = (await desk.iam(`history show ${number}`)).stdout;
  const json = JSON.parse((await desk.iam(`history show ${number} -o json`)).stdout);
  return { text, json };
}

describe('what is merged', () => {
  test.each<MergeMethod>(['merge', 'squash', 'rebase'])(
    'by %s is one revision of its pull request, however many commits it has',
    async (method) => {
      const desk = await applied();
      desk.github.push({ by: 'bo', branch: 'readers', files: { 'access/readers.yaml': readers(['bo']) } });
      // The way between is nobody's: eve reads for one commit, and never in reality.
      desk.github.push({
        by: 'bo',
        branch: 'readers',
        files: { 'access/readers.yaml': readers(['bo', 'eve']) },
      });
      const n = desk.open('readers', { 'access/readers.yaml': readers(['ana', 'bo']) });
      await desk.plan(n);
      desk.github.approve('ana', n);
      // Whoever may only read can approve, and nobody asked him.
      desk.github.approve('dee', n);
      desk.github.merge(n, { by: 'ana', method });
      // Its branch goes, as it does where that is set.
      desk.github.deleteBranch('bo', 'readers');
      const cwd = desk.clone();
      const ran = await desk.iam('pr apply', { cwd });
      expect([ran.exit, ran.stderr]).toEqual([
        0,
        expect.stringMatching(/^wrote the snapshot of acme to .*\n$/),
      ]);
      expect(ran.stdout).toMatch(/^\w{12} \(#1\): 2 to create, 0 to update, 0 to delete, .*revision 2\n$/);
      const { json, text } = await revision(desk, 2);
      expect(json).toMatchObject({
        commit: tipOf(desk.repository, 'main'),
        pr: String(n),
        actor: 'bo',
        actorVerified: true,
        approvers: ['ana'],
        review: 'verified',
        reason: `readers (#${n})`,
      });
      expect(text).toMatch(/^ {2}by {9}bo \(verified\)$/m);
      expect(text).toMatch(/^ {2}review {5}verified$/m);
      expect(text).toMatch(/^ {2}approvers {2}ana$/m);
      expect(json.access.map(({ subject }: { subject: string }) => subject)).toEqual(['ana', 'bo']);
      const again = await desk.apply();
      expect(again.stderr).toMatch(/^nothing to do: /);
      expect(await desk.iam('plan -f access', { cwd: desk.clone() })).toMatchObject({
        exit: 0,
        stdout: expect.stringContaining('othing to do'),
      });
    },
  );

  test('several at once by a merge queue: a revision each, in their order', async () => {
    const desk = await applied();
    const one = desk.open('one', { 'access/one.yaml': readers(['bo'], 'one') });
    const two = desk.open('two', { 'access/two.yaml': readers(['eve'], 'two') }, 'cy');
    for (const n of [one, two]) await desk.plan(n);
    const queued = desk.github.enqueue([one, two], { by: 'ana', method: 'squash' });
    // The queue asks for a check of the commit that it made, which is of no pull request.
    const event = { merge_group: { base_sha: queued.before, head_sha: queued.after } };
    const cwd = desk.clone();
    const planned = await desk.iam('pr plan', { cwd, env: { GITHUB_EVENT_PATH: desk.event(event) } });
    expect([planned.exit, planned.stderr]).toEqual([0, '']);
    expect(await desk.check(queued.after)).toEqual({
      conclusion: 'success',
      title: '4 to create, 0 to update, 0 to delete, 5 unchanged',
    });
    const comments = [...(await desk.comments(one)), ...(await desk.comments(two))];
    expect(comments.length).toBe(2);
    queued.land();
    const { stdout } = await desk.apply();
    expect(stdout).toMatch(
      /^\w{12} \(#1\): 2 to create.* revision 2\n\w{12} \(#2\): 2 to create.* revision 3\n$/,
    );
    expect((await revision(desk, 2)).json).toMatchObject({ pr: '1', actor: 'bo', review: 'verified' });
    expect((await revision(desk, 3)).json).toMatchObject({
      pr: '2',
      actor: 'github:cy',
      actorVerified: false,
      review: 'verified',
    });
    expect((await revision(desk, 3)).text).toContain('github:cy (not verified)');
    expect((await desk.apply()).stdout).toBe('');
  });

  test('three times, of which CI cancels the middle run: the last run applies both, each as its own', async () => {
    const desk = await applied();
    const numbers = ['one', 'two', 'three'].map((name) =>
      desk.open(name, { [`access/${name}.yaml`]: readers(['bo'], name) }),
    );
    for (const n of numbers) await desk.plan(n);
    const [one = 0, two = 0, three = 0] = numbers;
    const first = desk.github.merge(one, { by: 'ana' }).after;
    await desk.apply();
    desk.github.merge(two, { by: 'ana', method: 'squash' });
    desk.github.merge(three, { by: 'ana', method: 'squash' });
    const last = await desk.apply();
    expect(last.stdout).toMatch(/\(#2\): .*revision 3\n\w{12} \(#3\): .*revision 4\n$/);
    for (const n of numbers) expect((await desk.comments(n))[1]).toContain('### Applied to');
    // The first run is started again, with the commit that it was for.
    const old = await desk.iam('pr apply', { env: { GITHUB_SHA: first } });
    expect([old.exit, old.stdout, old.stderr]).toEqual([
      0,
      '',
      `nothing to do: ${first.slice(0, 12)} is applied\n`,
    ]);
    expect((await desk.iam('history -o json')).stdout).not.toContain('"revision":5');
    expect((await desk.apply()).stdout).toBe('');
  });

  test('and reverted by another one: both are told, and it is as it was', async () => {
    const desk = await applied();
    const before = (await desk.iam('export')).stdout;
    const n = desk.open('readers', { 'access/readers.yaml': readers(['eve']) });
    await desk.plan(n);
    desk.github.merge(n, { by: 'ana' });
    await desk.apply();
    const undo = desk.open('revert', { 'access/readers.yaml': null }, 'cy');
    await desk.plan(undo);
    expect((await desk.comments(undo))[0]).toContain('loses source-read-only on the whole workspace');
    desk.github.merge(undo, { by: 'ana' });
    await desk.apply();
    expect((await desk.comments(undo))[1]).toContain('0 to create, 0 to update, 2 to delete');
    expect((await desk.iam('export')).stdout).toBe(before);
    expect((await desk.iam('can-i eve source-read-only -n acme')).exit).toBe(1);
  });
});

test('what is pushed without a pull request is applied, said to be so, and told to nobody', async () => {
  const desk = await applied();
  const pushed = desk.github.push({
    by: 'cy',
    branch: 'main',
    files: { 'access/readers.yaml': readers(['eve']) },
    message: 'Let eve read\n\nShe asked.',
  });
  const { stdout } = await desk.apply();
  expect(stdout).toMatch(/^\w{12} \(pushed without a pull request\): 2 to create.* revision 2\n$/);
  const { json, text } = await revision(desk, 2);
  expect(json).toMatchObject({
    commit: pushed.after,
    pr: null,
    actor: null,
    approvers: [],
    review: null,
    reason: 'Let eve read (pushed without a pull request)',
  });
  expect(text).toContain('Let eve read (pushed without a pull request)');
  expect(text).not.toContain('review');
  expect(desk.github.log.filter(({ method }) => method !== 'GET')).toEqual([]);
});

describe('where the store remembers no commit', () => {
  test('the first apply ever is of all that there is', async () => {
    const desk = await prDesk();
    const n = desk.open('readers', { 'access/readers.yaml': readers(['eve']) });
    await desk.plan(n);
    const [comment] = await desk.comments(n);
    expect(comment).toContain('4 to create');
    expect(comment).toContain('3 changes merged before, and not applied yet');
    desk.github.merge(n, { by: 'ana' });
    const { stdout } = await desk.apply();
    expect(stdout).toMatch(/^\w{12} \(the first apply\): 7 to create.* revision 1\n$/);
    expect((await revision(desk, 1)).json).toMatchObject({
      reason: 'all that there is',
      pr: null,
      review: null,
    });
    expect((await desk.apply()).stderr).toContain('nothing to do');
  });

  test('somebody says what it has by hand with --since', async () => {
    const desk = await prDesk();
    const cwd = desk.clone();
    const since = git(cwd, ['rev-parse', 'HEAD']);
    await desk.iam('apply -f access', { cwd });
    const n = desk.open('readers', { 'access/readers.yaml': readers(['eve']) });
    await desk.plan(n);
    desk.github.merge(n, { by: 'ana' });
    const refused = await desk.apply(4);
    expect(refused.stderr).toMatch(
      /^error RC604: .*it is not known what was applied\n {2}name the last commit that it has with --since COMMIT\n$/,
    );
    const ran = await desk.iam(`pr apply --since ${since}`);
    expect([ran.exit, ran.stdout]).toEqual([
      0,
      expect.stringMatching(/^\w{12} \(#1\): 2 to create.* revision 2\n$/),
    ]);
    // From then on it is known.
    expect((await desk.apply()).stderr).toContain('nothing to do');
  });
});

test('over HTTP, as CI fetches: planned, merged, applied', async () => {
  const desk = await prDesk({}, undefined, { overHttp: true });
  await desk.apply();
  const n = desk.open('readers', { 'access/readers.yaml': readers(['eve']) });
  await desk.plan(n);
  desk.github.merge(n, { by: 'ana', method: 'squash' });
  desk.github.deleteBranch('bo', 'readers');
  const { exit, stdout } = await desk.iam('pr apply', { cwd: desk.clone() });
  expect([exit, stdout]).toEqual([0, expect.stringMatching(/\(#1\): 2 to create.* revision 2\n$/)]);
  expect((await revision(desk, 2)).json).toMatchObject({ review: 'verified' });
});

describe('where the forge does not say yet what a commit came from', () => {
  const [sha, other] = ['a'.repeat(40), 'b'.repeat(40)];
  const commit = (subject: string) => ({ sha, parent: other, subject, merged: [] });
  const pull: PullRequest = {
    number: 7,
    title: 'Seven',
    author: 'bo',
    head: other,
    headRef: 'seven',
    headRepository: 'acme/access',
    openedAt: 0,
    baseRef: 'main',
    base: other,
    isFork: false,
    isDraft: false,
    state: 'merged',
    mergeCommit: sha,
  };
  const forge = (known: PullRequest) =>
    ({
      pullRequestsOf: async () => [],
      mergedLast: async () => [],
      waitsFor: async () => false,
      async pullRequest(number: number) {
        if (number !== known.number) throw new Failure(1, []);
        return known;
      },
    }) as Partial<Forge> as Forge;

  test.each(['Merge pull request #7 from acme/seven', 'Seven (#7)'])(
    'its message does: %s',
    async (subject) => {
      expect(await unitsOf(forge(pull), [commit(subject)])).toMatchObject([{ pull }]);
    },
  );

  test.each(['Seven', 'Seven (#8)', 'Seven (#7) again'])('and is not believed: %s', async (subject) => {
    expect(await unitsOf(forge(pull), [commit(subject)])).toMatchObject([{ pull: undefined }]);
    // What it names must say the same.
    const elsewhere = forge({ ...pull, mergeCommit: other });
    expect(await unitsOf(elsewhere, [commit('Seven (#7)')])).toMatchObject([{ pull: undefined }]);
  });
});

test('two runs at once: the one that was overtaken applies nothing twice, and says so', async () => {
  const desk = await applied();
  desk.github.push({ by: 'ana', branch: 'main', files: { 'access/more.yaml': group('more', ['eve']) } });
  const early = tipOf(desk.repository, 'main') ?? '';
  desk.github.push({ by: 'ana', branch: 'main', files: { 'access/more.yaml': null } });
  git(desk.checkout, ['fetch', '--quiet', 'origin']);
  const store = await openStore(`sqlite:${join(desk.checkout, '../store/iam.db')}`, desk.checkout, 5000);
  // It has read what was applied last, and not yet planned: the other one is faster.
  let isFirst = true;
  const pullRequestsOf = async () => {
    if (isFirst) {
      isFirst = false;
      await desk.apply();
    }
    return [];
  };
  const slow = applyMerged({
    cwd: desk.checkout,
    history: gitHistory(desk.checkout, process.env),
    store,
    forge: { pullRequestsOf, mergedLast: async () => [], waitsFor: async () => false } as unknown as Forge,
    trunk: undefined,
    since: undefined,
    head: early,
    now: () => Date.now(),
  });
  await expect(slow).rejects.toMatchObject({
    exit: 5,
    problems: [{ code: 'RC404', message: expect.stringContaining('another run has applied commits') }],
  });
  expect((await desk.iam('get groups -n acme -o name')).stdout).toBe('');
  expect((await desk.apply()).stderr).toContain('nothing to do');
});
