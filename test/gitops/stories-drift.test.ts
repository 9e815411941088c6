import { describe, expect, test } from 'vitest';
import { writeFiles } from '../support/folder.ts';
import { tipOf } from '../support/git-repository.ts';
import { ALL, clientOf, REPO } from '../support/github/desk.ts';
import { binding, group, type PrDesk, prDesk } from '../support/pr-desk.ts';

const READERS = '{kind: Group, name: readers}';

async function withReaders(): Promise<PrDesk> {
  const desk = await prDesk({
    'access/readers.yaml': `${group('readers', ['bo'])}---\n${binding('read', 'source-read-only', READERS)}`,
  });
  await desk.apply();
  return desk;
}

/** Another manager takes something over, and changes it. */
async function byIdp(desk: PrDesk, manifest: string): Promise<void> {
  const { exit, stderr } = await desk.iam('apply --manager idp --adopt -f -', { stdin: manifest });
  expect([exit, stderr]).toEqual([0, expect.not.stringContaining('error')]);
}

async function members(desk: PrDesk): Promise<string[]> {
  const { stdout } = await desk.iam('get group readers -n acme -o json');
  const [found] = JSON.parse(stdout).items;
  return found.spec.members.map(({ name }: { name: string }) => name);
}

describe('what others changed in the store', () => {
  test('is told apart from a pull request, and left alone by its apply', async () => {
    const desk = await withReaders();
    await byIdp(desk, group('readers', ['bo', 'eve']));
    const n = desk.open('more', { 'access/more.yaml': group('more', ['ana']) });
    await desk.plan(n);
    const [comment = ''] = await desk.comments(n);
    const [own = '', apart = ''] = comment.split('1 resource not as applied: not of this pull request');
    expect(own).toContain('**1 to create, 0 to update, 0 to delete');
    expect(own).not.toMatch(/eve|readers/);
    expect(apart).toContain('readers: `/spec/members/User:eve`');
    expect(apart).toContain('manager idp');
    desk.github.merge(n, { by: 'ana' });
    const { stdout } = await desk.apply();
    expect(stdout).toMatch(/\(#1\): 1 to create, 0 to update, 0 to delete.*revision 3\n$/);
    expect(await members(desk)).toEqual(['bo', 'eve']);
    expect((await desk.iam('drift')).exit).toBe(2);
  });

  test('is no reason to say something of a pull request that changes nothing', async () => {
    const desk = await withReaders();
    await byIdp(desk, group('readers', ['bo', 'eve']));
    const n = desk.open('words', { 'README.md': 'Who may do what.\n' });
    await desk.plan(n);
    expect(await desk.comments(n)).toEqual([]);
    expect((await desk.check(tipOf(desk.repository, 'words') ?? ''))?.title).toBe('Nothing to do');
  });

  test('stays also where it was deleted, and where a pull request changes beside it what it is about', async () => {
    const desk = await withReaders();
    expect((await desk.iam('delete rolebinding read -n acme --manager idp')).exit).not.toBe(0);
    const gone = await desk.iam('delete rolebinding read -n acme');
    expect(gone.exit).toBe(0);
    const n = desk.open('more', { 'access/more.yaml': binding('more', 'workspace-member', READERS) });
    await desk.plan(n);
    desk.github.merge(n, { by: 'ana' });
    await desk.apply();
    expect((await desk.iam('get rolebinding read -n acme')).exit).toBe(4);
    expect((await desk.iam('can-i bo workspace-member -n acme')).exit).toBe(0);
  });
});

test('what a pull request needs is created with it again, and nothing else that others took away', async () => {
  const desk = await prDesk({
    'access/readers.yaml': group('readers', ['bo']),
    'access/others.yaml': `${group('others', ['eve'])}---\n${binding('others', 'source-read-only', '{kind: Group, name: others}')}`,
  });
  await desk.apply();
  for (const what of ['group readers', 'rolebinding others'])
    expect((await desk.iam(`delete ${what} -n acme`)).exit).toBe(0);
  const n = desk.open('read', { 'access/read.yaml': binding('read', 'source-read-only', READERS) });
  await desk.plan(n);
  const [comment = ''] = await desk.comments(n);
  expect(comment).toContain('**2 to create, 0 to update, 0 to delete');
  const [own, apart] = comment.split('1 change merged before, and not applied yet');
  expect(own).not.toContain('others');
  expect(apart).not.toContain('readers');
  desk.github.merge(n, { by: 'ana' });
  await desk.apply();
  expect((await desk.iam('can-i bo source-read-only -n acme')).exit).toBe(0);
  expect((await desk.iam('get rolebinding others -n acme')).exit).toBe(4);
});

describe('iam pr drift', () => {
  async function issues({ github }: PrDesk) {
    const client = clientOf(github, github.token(ALL));
    const { data } = await client.request('GET /repos/{owner}/{repo}/issues', { ...REPO, state: 'all' });
    return data.map(({ title, state, body, number }) => ({ title, state, body, number }));
  }

  test('opens one issue, brings it up to date, leaves it alone, closes it when all is as applied', async () => {
    const desk = await withReaders();
    expect((await desk.iam('pr drift')).exit).toBe(0);
    expect(await issues(desk)).toEqual([]);

    await byIdp(desk, group('readers', ['bo', 'eve']));
    const opened = await desk.iam('pr drift');
    expect([opened.exit, opened.stderr]).toEqual([2, expect.stringContaining('issue opened')]);
    const [issue, ...others] = await issues(desk);
    expect(others).toEqual([]);
    expect(issue).toMatchObject({ title: 'Access has drifted (default)', state: 'open' });
    expect(issue?.body).toContain('### 1 resource is not as applied');
    expect(issue?.body).toContain('/spec/members/User:eve');

    const before = desk.github.log.length;
    expect((await desk.iam('pr drift')).stderr).toContain('issue as it was');
    expect(desk.github.log.slice(before).map(({ method }) => method)).toEqual(['GET']);

    await byIdp(desk, group('readers', ['ana', 'bo', 'eve']));
    expect((await desk.iam('pr drift')).stderr).toContain('issue updated');
    const [updated, ...more] = await issues(desk);
    expect(more).toEqual([]);
    expect(updated?.body).toContain('/spec/members/User:ana');

    // The manager takes back what was its.
    expect((await desk.iam('apply --adopt -f access', { cwd: desk.clone() })).exit).toBe(0);
    const closed = await desk.iam('pr drift');
    expect([closed.exit, closed.stderr]).toEqual([0, expect.stringContaining('issue closed')]);
    expect(await issues(desk)).toMatchObject([{ number: issue?.number, state: 'closed' }]);
    expect((await desk.iam('pr drift')).stderr).toContain('issue none');
  });

  test('that two runs at once opened twice is one again with the next: the first stays', async () => {
    const desk = await withReaders();
    await byIdp(desk, group('readers', ['bo', 'eve']));
    await desk.iam('pr drift');
    const [first] = await issues(desk);
    const client = clientOf(desk.github, desk.token);
    const again = async (body: string) => {
      const asked = { ...REPO, title: 'Access has drifted (default)', body };
      return (await client.request('POST /repos/{owner}/{repo}/issues', asked)).data.number;
    };
    const second = await again(first?.body ?? '');
    const quoted = await again(`> ${first?.body}`);
    expect((await desk.iam('pr drift')).stderr).toContain('issue as it was');
    const state = async () => (await issues(desk)).map(({ number, state }) => `${number} ${state}`).sort();
    expect(await state()).toEqual([`${first?.number} open`, `${second} closed`, `${quoted} open`]);
    const said = await client.request('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', {
      ...REPO,
      issue_number: second,
    });
    expect(said.data.map(({ body }) => body)).toEqual([`#${first?.number} tells it.`]);
    // Where there is none any more, neither is left.
    const third = await again('<!-- rolecall:default:drift -->\n\nMore.');
    expect((await desk.iam('apply --adopt -f access', { cwd: desk.clone() })).exit).toBe(0);
    expect((await desk.iam('pr drift')).stderr).toContain('issue closed');
    expect(await state()).toEqual([
      ...[first?.number, second].map((number) => `${number} closed`),
      `${quoted} open`,
      `${third} closed`,
    ]);
  });
});

test('what others did is not done along with it, where it would have to be: that is told, and waits', async () => {
  const desk = await prDesk();
  await desk.apply();
  const zed =
    'apiVersion: rolecall.dev/v1alpha1\nkind: User\nmetadata: {name: zed}\nspec: {email: zed@acme.example}\n';
  const n = desk.open('zed', { 'access/zed.yaml': zed });
  await desk.plan(n);
  // By hand bo got the address that zed is to have; to apply both would change bo, whom nobody looked at.
  writeFiles(desk.checkout, {
    'by-hand.yaml':
      'apiVersion: rolecall.dev/v1alpha1\nkind: User\nmetadata: {name: bo}\nspec: {email: zed@acme.example}\n',
  });
  expect((await desk.iam('apply -f by-hand.yaml')).exit).toBe(0);
  desk.github.merge(n, { by: 'ana' });
  await desk.apply(4);
  expect((await desk.iam('get users -o json')).stdout).not.toContain('"bo@acme.example"');
  expect((await desk.comments(n)).at(-1)).toContain('RC113');
});
