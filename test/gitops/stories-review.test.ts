import { describe, expect, test } from 'vitest';
import { tipOf } from '../support/git-repository.ts';
import { ALL, clientOf, REPO } from '../support/github/desk.ts';
import { binding, group, type PrDesk, prDesk } from '../support/pr-desk.ts';

const LEADS = '{kind: Group, name: leads}';
const OWNING = { 'access/owning.yaml': binding('leads-own', 'workspace-owner', LEADS) };
const WITH_EVE = { 'access/leads.yaml': group('leads', ['eve']) };

/** Whether eve owns the workspace. */
async function eveOwns(desk: PrDesk): Promise<boolean> {
  return (await desk.iam('can-i eve workspace-owner -n acme')).exit === 0;
}

/**
 * Two pull requests that are harmless each for itself, one merged after the other: a group of nobody that owns, and eve as a
 * member of a group that may do nothing.
 */
async function combined() {
  const desk = await prDesk({ 'access/leads.yaml': group('leads', []) });
  await desk.apply();
  const owning = desk.open('owning', OWNING);
  const member = desk.open('member', WITH_EVE, 'cy');
  for (const n of [owning, member]) {
    await desk.plan(n);
    desk.github.approve('ana', n);
    expect((await desk.comments(n))[0]).toContain("nobody's access changes");
  }
  desk.github.merge(owning, { by: 'ana' });
  const { after } = desk.github.merge(member, { by: 'ana' });
  return { desk, owning, member, after };
}

describe('two pull requests that combine to an owner nobody reviewed', () => {
  test('are not applied together: which ones, who would own, what to do', async () => {
    const { desk, owning, member, after } = await combined();
    const { stdout, stderr } = await desk.apply(3);
    expect(stdout).toMatch(
      /\(#1\): 1 to create.* revision 2\n\w{12} \(#2\): not applied, access of 1 subject/,
    );
    expect(stderr).toContain(
      `error RC605: merged together with #${owning}, it changes access of eve <eve@acme.example> that was not to be seen in its pull request\n  take it back, and open it again`,
    );
    expect(await eveOwns(desk)).toBe(false);
    const [, report = ''] = await desk.comments(member);
    expect(report).toContain('nobody looked at this');
    expect(report).toContain(`merged together with #${owning}`);
    expect(report).toContain('| eve `eve@acme.example` | **gains** workspace-owner on the whole workspace');
    expect((await desk.comments(owning))[1]).toContain('### Applied to');
    const [refused, ...others] = JSON.parse((await desk.iam('history --refused -o json')).stdout).rows;
    expect(others).toEqual([]);
    expect(refused).toMatchObject({
      commit: after,
      pr: String(member),
      verdicts: expect.stringContaining('RC605'),
    });
    expect((await desk.iam('history --refused')).stdout).toContain('RC605');
    // It stays so, whoever starts it again, also beside what is merged after it.
    const more = desk.open('more', { 'access/more.yaml': group('more', ['bo']) });
    await desk.plan(more);
    desk.github.merge(more, { by: 'ana' });
    const again = await desk.apply(3);
    expect(again.stdout).toMatch(/^\w{12} \(#2\): not applied/);
    expect(again.stderr).toContain('1 more waits');
    expect((await desk.iam('get group more -n acme')).exit).toBe(4);
    expect((await desk.comments(more))[1]).toContain(`It waits for #${member} before it`);
    expect(await eveOwns(desk)).toBe(false);
  });

  test('nor by what another pull request of the same commits showed, into another branch', async () => {
    const desk = await prDesk({ 'access/leads.yaml': group('leads', []) });
    await desk.apply();
    const owning = desk.open('owning', OWNING);
    const member = desk.open('member', WITH_EVE, 'cy');
    desk.github.push({ by: 'cy', branch: 'side', files: OWNING });
    const shown = desk.github.openPullRequest({
      author: 'cy',
      branch: 'member',
      base: 'side',
      title: 'side',
    });
    for (const n of [owning, member, shown]) await desk.plan(n);
    expect((await desk.comments(shown))[0]).toContain('workspace-owner');
    for (const n of [owning, member]) desk.github.merge(n, { by: 'ana' });
    expect((await desk.apply(3)).stderr).toContain('RC605');
    expect(await eveOwns(desk)).toBe(false);
  });

  test('go on once one is taken back, with what has waited', async () => {
    const { desk, member } = await combined();
    await desk.apply(3);
    const more = desk.open('more', { 'access/more.yaml': group('more', ['bo']) });
    await desk.plan(more);
    desk.github.merge(more, { by: 'ana' });
    const back = desk.open('back', { 'access/leads.yaml': group('leads', []) });
    await desk.plan(back);
    desk.github.merge(back, { by: 'ana' });
    const { stdout } = await desk.apply();
    expect(stdout).toMatch(/^\w{12} \(#2\), \w{12} \(#3\), \w{12} \(#4\): 1 to create, .* revision 3\n$/);
    for (const n of [member, more, back])
      expect((await desk.comments(n)).at(-1)).toContain(`with #${member}, #${more}, which waited for it`);
    expect((await desk.iam('get group more -n acme')).exit).toBe(0);
    expect(await eveOwns(desk)).toBe(false);
    const story = JSON.parse((await desk.iam('history show 3 -o json')).stdout);
    expect(story).toMatchObject({
      pr: `${member}, ${more}, ${back}`,
      review: 'verified',
      reason: 'member (#2); more (#3); back (#4)',
    });
    expect((await desk.apply()).stderr).toContain('nothing to do');
    // Opened again, it says what it does.
    const again = desk.open('again', WITH_EVE, 'cy');
    await desk.plan(again);
    expect((await desk.comments(again))[0]).toContain('| eve `eve@acme.example` | **gains** workspace-owner');
    desk.github.merge(again, { by: 'ana' });
    await desk.apply();
    expect(await eveOwns(desk)).toBe(true);
  });

  test('go on once another one says what they do', async () => {
    const { desk, member } = await combined();
    await desk.apply(3);
    const words = group('leads', ['eve']).replace('displayName: leads', 'displayName: Leads who own');
    const says = desk.open('says', { 'access/leads.yaml': words });
    await desk.plan(says);
    expect((await desk.comments(says))[0]).toContain('| eve `eve@acme.example` | **gains** workspace-owner');
    desk.github.merge(says, { by: 'ana' });
    const { stdout } = await desk.apply();
    expect(stdout).toMatch(/^\w{12} \(#2\), \w{12} \(#3\): 0 to create, 1 to update/);
    expect((await desk.comments(member))[1]).toContain('### Applied to');
    expect(await eveOwns(desk)).toBe(true);
  });

  test('are one that was seen where the second was planned after the first was merged', async () => {
    const desk = await prDesk({ 'access/leads.yaml': group('leads', []) });
    await desk.apply();
    const owning = desk.open('owning', OWNING);
    const member = desk.open('member', WITH_EVE, 'cy');
    desk.github.merge(owning, { by: 'ana' });
    await desk.plan(member);
    expect((await desk.comments(member))[0]).toMatch(
      /by the files alone[\s\S]*\| eve .*\*\*gains\*\* workspace-owner/,
    );
    desk.github.merge(member, { by: 'ana' });
    await desk.apply();
    expect(await eveOwns(desk)).toBe(true);
  });
});

test('what has mistakes waits for what mends it, and keeps nothing before it back', async () => {
  const desk = await prDesk();
  await desk.apply();
  const good = desk.open('good', { 'access/good.yaml': group('good', ['eve']) });
  const bad = desk.open('bad', { 'access/bad.yaml': group('bad', ['nobody']) });
  await desk.plan(good);
  await desk.plan(bad, 4);
  desk.github.merge(good, { by: 'ana' });
  desk.github.merge(bad, { by: 'ana' });
  const { stdout, stderr } = await desk.apply(4);
  expect(stdout).toMatch(/\(#1\): 1 to create.* revision 2\n\w{12} \(#2\): not applied, 1 mistake\n$/);
  expect(stderr).toMatch(/access\/bad\.yaml:4:\d+: error RC112/);
  expect((await desk.comments(bad))[1]).toContain('### Not applied: mistakes in the manifests');
  const mend = desk.open('mend', { 'access/bad.yaml': group('bad', ['bo']) });
  await desk.plan(mend);
  desk.github.merge(mend, { by: 'ana' });
  expect((await desk.apply()).stdout).toMatch(/^\w{12} \(#2\), \w{12} \(#3\): 1 to create.* revision 3\n$/);
  for (const n of [bad, mend]) expect((await desk.comments(n))[1]).toContain('### Applied to');
});

describe('members that an identity provider manages', () => {
  /** A group whose members nobody here declares, and the store has: eve. */
  async function provided() {
    const open = group('staff', []).replace(', members: []', '');
    const desk = await prDesk({ 'access/staff.yaml': open });
    await desk.apply();
    const idp = (members: string[]) =>
      desk.iam('apply --manager idp --adopt -f -', { stdin: group('staff', members) });
    expect((await idp(['eve'])).exit).toBe(0);
    const n = desk.open('staff', {
      'access/bound.yaml': binding('staff', 'workspace-member', '{kind: Group, name: staff}'),
    });
    return { desk, n, idp };
  }

  test('are seen in a plan against the store, and so may be applied', async () => {
    const { desk, n } = await provided();
    await desk.plan(n);
    expect((await desk.comments(n))[0]).toContain('| eve `eve@acme.example` | **gains** workspace-member');
    desk.github.merge(n, { by: 'ana' });
    await desk.apply();
    expect((await desk.comments(n))[1]).toContain('review: verified');
    expect((await desk.iam('can-i eve workspace-member -n acme')).exit).toBe(0);
  });

  test('who came after the plan nobody has seen', async () => {
    const { desk, n, idp } = await provided();
    await desk.plan(n);
    expect((await idp(['eve', 'bo'])).exit).toBe(0);
    desk.github.merge(n, { by: 'ana' });
    const { stderr } = await desk.apply(3);
    expect(stderr).toContain(
      'RC605: merged, it changes access of bo <bo@acme.example> that was not to be seen',
    );
    expect((await desk.iam('can-i eve workspace-member -n acme')).exit).toBe(1);
  });

  test('nobody has seen where only files were compared with files', async () => {
    const { desk, n } = await provided();
    await desk.iam(`pr plan --pr ${n}`, { env: { IAM_STORE: '' } });
    expect((await desk.comments(n))[0]).toContain('files against files');
    desk.github.merge(n, { by: 'ana' });
    const { stderr } = await desk.apply(3);
    expect(stderr).toContain('access of eve <eve@acme.example> that was not to be seen');
  });

  test.each([
    [
      'somebody else than the App',
      'github-actions',
      (text: string, head: string, moved: string) => text.replaceAll(head, moved),
    ],
    ['the App, of another head', 'rolecall', (text: string) => text],
  ])('are not seen because %s wrote so', async (_who, app, said) => {
    const { desk, n } = await provided();
    const head = tipOf(desk.repository, 'staff') ?? '';
    await desk.plan(n);
    const [ours] = await desk.checkRuns(head);
    desk.github.push({ by: 'bo', branch: 'staff', files: { 'README.md': 'Moved on.\n' } });
    const moved = tipOf(desk.repository, 'staff') ?? '';
    // A workflow of the branch may write checks, and say what it likes.
    const forger = clientOf(desk.github, desk.github.token(ALL, { app }));
    await forger.request('POST /repos/{owner}/{repo}/check-runs', {
      ...REPO,
      name: 'rolecall',
      head_sha: moved,
      conclusion: 'success',
      output: { title: 'Fine', summary: 'Fine', text: said(ours?.text ?? '', head, moved) },
    });
    desk.github.merge(n, { by: 'ana' });
    const { stderr } = await desk.apply(3);
    expect(stderr).toContain('access of eve <eve@acme.example> that was not to be seen');
    expect((await desk.comments(n))[1]).toContain('nobody looked at this');
  });
});

describe('a fork', () => {
  test('is planned without the store, and applied though it and its branch are gone', async () => {
    const desk = await prDesk();
    await desk.apply();
    desk.github.people({ fay: 'none' });
    desk.github.fork('fay');
    const files = {
      'access/readers.yaml': `${group('readers', ['eve'])}---\n${binding('read', 'source-read-only', '{kind: Group, name: readers}')}`,
    };
    const { after } = desk.github.push({ by: 'fay', branch: 'readers', files, fork: true });
    const n = desk.github.openPullRequest({ author: 'fay', branch: 'readers', fork: true });
    // Whatever store there is, it is not asked.
    const planned = await desk.iam(`pr plan --pr ${n}`, {
      env: { IAM_STORE: 'postgres://127.0.0.1:9/none' },
    });
    expect([planned.exit, planned.stderr]).toEqual([0, expect.stringContaining(`#${n}: 2 to create`)]);
    const [comment = ''] = await desk.comments(n);
    expect(comment).toContain('files against files');
    expect(comment).toContain('| eve `eve@acme.example` | **gains** source-read-only');
    expect(comment).not.toMatch(/revision|store `/);
    expect((await desk.check(after))?.conclusion).toBe('success');
    desk.github.approve('ana', n);
    desk.github.merge(n, { by: 'ana', method: 'squash' });
    desk.github.deleteFork('fay');
    const { exit, stdout } = await desk.iam('pr apply', { cwd: desk.clone() });
    expect([exit, stdout]).toEqual([0, expect.stringMatching(/\(#1\): 2 to create.* revision 2\n$/)]);
    const story = JSON.parse((await desk.iam('history show 2 -o json')).stdout);
    expect(story).toMatchObject({
      actor: 'github:fay',
      actorVerified: false,
      approvers: ['ana'],
      review: 'verified',
    });
  });

  test('that is gone before anybody planned it is planned from what the forge has kept, and judged by its files', async () => {
    const desk = await prDesk();
    await desk.apply();
    desk.github.people({ fay: 'none' });
    desk.github.fork('fay');
    const files = { 'access/more.yaml': group('more', ['eve']) };
    desk.github.push({ by: 'fay', branch: 'more', files, fork: true });
    const n = desk.github.openPullRequest({ author: 'fay', branch: 'more', fork: true });
    desk.github.deleteFork('fay');
    await desk.plan(n);
    expect((await desk.comments(n))[0]).toContain('1 to create');
    desk.github.merge(n, { by: 'ana' });
    await desk.apply();
  });

  test('that nobody planned is judged by what its files say', async () => {
    const desk = await prDesk();
    await desk.apply();
    desk.github.people({ fay: 'none' });
    desk.github.fork('fay');
    const files = { 'access/owner.yaml': binding('eve-owns', 'workspace-owner', '{name: eve}') };
    desk.github.push({ by: 'fay', branch: 'owner', files, fork: true });
    const n = desk.github.openPullRequest({ author: 'fay', branch: 'owner', fork: true });
    desk.github.merge(n, { by: 'ana', method: 'squash' });
    const { exit } = await desk.iam('pr apply', { cwd: desk.clone() });
    expect(exit).toBe(0);
    expect(JSON.parse((await desk.iam('history show 2 -o json')).stdout)).toMatchObject({
      review: 'unverified',
    });
    expect(await eveOwns(desk)).toBe(true);
  });
});
