import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { binding, group, type PrDesk, prDesk } from '../support/pr-desk.ts';
import { headOf, open, opened, written } from '../support/pr-opened.ts';

describe('what a pull request may be', () => {
  test('of a fork that is deleted: planned from what GitHub kept, files against files, with no store', async () => {
    const { desk } = await opened();
    const { github } = desk;
    github.people({ stranger: 'none' });
    github.fork('stranger');
    github.push({
      by: 'stranger',
      branch: 'mine',
      fork: true,
      files: { 'access/mine.yaml': group('mine', ['eve']) },
    });
    const n = github.openPullRequest({ author: 'stranger', branch: 'mine', fork: true });
    github.deleteFork('stranger');
    expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({ exit: 0 });
    const [comment = ''] = await desk.comments(n);
    expect(comment).toContain('files against files');
    expect(comment).not.toMatch(/revision \d/);
  });

  test('of a branch that was moved by force between plan and merge: nothing that nobody saw is applied unsaid', async () => {
    const { desk, n } = await opened();
    await desk.iam(`pr plan --pr ${n}`);
    desk.github.forcePush({
      by: 'bo',
      branch: 'readers',
      files: { 'access/readers.yaml': group('readers', ['bo', 'eve']) },
    });
    desk.github.merge(n, { by: 'ana' });
    expect(await desk.iam('pr apply')).toMatchObject({ exit: 0 });
    expect((await desk.comments(n)).at(-1)).toContain('review: unverified');
  });

  test('a draft: its check fails nobody', async () => {
    const desk = await prDesk();
    await desk.iam('pr apply');
    const head = headOf(desk, 'draft', { 'access/draft.yaml': group('draft', ['nobody-known']) });
    const n = desk.github.openPullRequest({ author: 'bo', branch: 'draft', draft: true });
    expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({ exit: 4 });
    expect(await desk.check(head)).toMatchObject({
      conclusion: 'neutral',
      title: '1 mistake in the manifests',
    });
    desk.github.markReady(n);
    await desk.iam(`pr plan --pr ${n}`);
    expect(await desk.check(head)).toMatchObject({ conclusion: 'failure' });
  });

  test('the folder of the manifests renamed: nothing changes where the configuration follows, else it is a mistake', async () => {
    const { desk } = await opened();
    const world = readFileSync(join(desk.checkout, 'access/world.yaml'), 'utf8');
    const config = readFileSync(join(desk.checkout, '.rolecall/gitops.yaml'), 'utf8');
    const moved = { 'access/world.yaml': null, 'people/world.yaml': world };
    headOf(desk, 'half', moved);
    const half = desk.github.openPullRequest({ author: 'bo', branch: 'half' });
    expect(await desk.iam(`pr plan --pr ${half}`)).toMatchObject({
      exit: 4,
      stderr: expect.stringMatching(/^error RC101: access: the commit has no such file or folder$/m),
    });
    headOf(desk, 'whole', { ...moved, '.rolecall/gitops.yaml': config.replace('[access]', '[people]') });
    const whole = desk.github.openPullRequest({ author: 'bo', branch: 'whole' });
    expect(await desk.iam(`pr plan --pr ${whole}`)).toMatchObject({
      exit: 0,
      stderr: expect.stringContaining(`#${whole}: Nothing to do`),
    });
    expect(await desk.comments(whole)).toEqual([]);
    // Merged all the same, what is half said is not applied: it would take everything away.
    desk.github.merge(half, { by: 'ana' });
    expect(await desk.iam('pr apply')).toMatchObject({ exit: 4, stderr: expect.stringContaining('RC101') });
    expect(await desk.iam('can-i ana workspace-owner -n acme')).toMatchObject({ exit: 0 });
  });

  test('of a base that does not hold: said once, and what mends it is planned against what held before', async () => {
    const { desk } = await opened();
    desk.github.push({
      by: 'ana',
      branch: 'main',
      files: { 'access/wrong.yaml': group('wrong', ['nobody-known']) },
    });
    const n = open(desk, 'more');
    expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({
      exit: 4,
      stderr: expect.stringMatching(/access\/wrong\.yaml:4:\d+: error RC112.*nobody-known/),
    });
    headOf(desk, 'mend', { 'access/wrong.yaml': group('wrong', ['eve']) });
    const mend = desk.github.openPullRequest({ author: 'bo', branch: 'mend' });
    expect(await desk.iam(`pr plan --pr ${mend}`)).toMatchObject({
      exit: 0,
      stderr: expect.stringMatching(
        /1 to create[\s\S]*warning RC607: the manifests of \w{12}, the base, have mistakes/,
      ),
    });
    desk.github.merge(mend, { by: 'ana' });
    expect(await desk.iam('pr apply')).toMatchObject({ exit: 0 });
    expect((await desk.iam('get group wrong -n acme')).exit).toBe(0);
  });

  test('in conflict with its base: which is all that is known', async () => {
    const { desk, n } = await opened();
    await desk.iam(`pr plan --pr ${n}`);
    desk.github.push({
      by: 'ana',
      branch: 'main',
      files: { 'access/readers.yaml': group('readers', ['ana']) },
    });
    expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({
      exit: 5,
      stderr: expect.stringMatching(/error RC603: .*\n {2}merge the base into it, or rebase it\n$/),
    });
    const comments = await desk.comments(n);
    expect(comments).toEqual([expect.stringContaining('Conflicts with its base')]);
  });
});

describe('where iam runs', () => {
  const clone = (desk: PrDesk, ...options: string[]) => {
    const folder = join(temporaryFolder(), 'clone');
    execFileSync('git', ['clone', '-q', ...options, `file://${desk.repository}`, folder], { stdio: 'pipe' });
    return folder;
  };

  test('in a shallow clone: it fetches what it lacks, and where it cannot, says what to do', async () => {
    const { desk, n } = await opened();
    desk.github.push({ by: 'ana', branch: 'main', files: { 'README.md': 'More.\n' } });
    const cwd = clone(desk, '--depth=1', '--no-single-branch');
    const git = (...args: string[]) => execFileSync('git', args, { cwd, stdio: 'pipe' });
    git('remote', 'set-url', 'origin', 'file:///nowhere');
    const before = written(desk);
    for (const words of [`pr plan --pr ${n}`, 'pr apply'])
      expect(await desk.iam(words, { cwd })).toMatchObject({
        exit: 1,
        stderr: expect.stringMatching(/^error RC129: .*\n {2}.*\n$/),
      });
    expect(written(desk)).toEqual(before);
    const head = git('rev-parse', 'origin/main').toString().trim();
    expect(await desk.iam(`pr plan --base ${head} --head origin/readers --dry-run`, { cwd })).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(
        /^error RC129: the clone is shallow: .*\n {2}.*fetch-depth: 0.*--unshallow\n$/,
      ),
    });
    git('remote', 'set-url', 'origin', `file://${desk.repository}`);
    expect(await desk.iam(`pr plan --pr ${n}`, { cwd })).toMatchObject({ exit: 0 });
    expect(await desk.iam('pr apply', { cwd })).toMatchObject({ exit: 0 });
  });

  test('in a clone without contents: what is needed of them is fetched, the manifests all at once', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`access/g${i}.yaml`, group(`g${i}`, ['bo'])]),
    );
    const desk = await prDesk(many);
    execFileSync('git', ['config', 'uploadpack.allowFilter', 'true'], { cwd: desk.repository });
    execFileSync('git', ['config', 'uploadpack.allowAnySHA1InWant', 'true'], { cwd: desk.repository });
    const cwd = clone(desk, '--filter=blob:none', '--no-checkout');
    const fetched = () =>
      readdirSync(join(cwd, '.git/objects/pack')).filter((name) => name.endsWith('.promisor')).length;
    expect(await desk.iam('pr apply', { cwd })).toMatchObject({ exit: 0 });
    expect(fetched()).toBe(3);
    const n = open(desk, 'more');
    desk.github.push({ by: 'ana', branch: 'main', files: { 'README.md': 'Apart.\n' } });
    expect(await desk.iam(`pr plan --pr ${n}`, { cwd })).toMatchObject({
      exit: 0,
      stderr: expect.stringContaining(': 1 to create'),
    });
    expect(fetched()).toBeLessThan(10);
  });

  test('with a git that is too old, or with none: which one is needed', async () => {
    const { desk, n } = await opened();
    desk.github.push({ by: 'ana', branch: 'main', files: { 'README.md': 'Apart.\n' } });
    const bin = temporaryFolder();
    const real = execFileSync('sh', ['-c', 'command -v git']).toString().trim();
    const old = `--version) echo 'git version 2.34.1'; exit;; --write-tree) echo usage >&2; exit 129;;`;
    writeFileSync(join(bin, 'git'), `#!/bin/sh\nfor x; do case $x in ${old} esac; done\nexec ${real} "$@"\n`);
    chmodSync(join(bin, 'git'), 0o755);
    expect(await desk.iam(`pr plan --pr ${n}`, { env: { PATH: bin } })).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(
        /^error RC129: git 2\.34\.1 is too old: 2\.38 or newer is needed\n {2}.*\n$/,
      ),
    });
    expect(await desk.iam(`pr plan --pr ${n}`, { env: { PATH: temporaryFolder() } })).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(/^error RC129: git is not installed/),
    });
  });

  test('in a bare clone, and in a folder below the root: the same', async () => {
    const { desk, n } = await opened();
    const bare = clone(desk, '--bare');
    const below = join(desk.checkout, 'some/where');
    mkdirSync(below, { recursive: true });
    await desk.iam(`pr plan --pr ${n}`);
    const [comment] = await desk.comments(n);
    const before = written(desk).length;
    for (const cwd of [bare, below]) {
      expect(await desk.iam(`pr plan --pr ${n}`, { cwd })).toMatchObject({ exit: 0 });
      expect(await desk.comments(n)).toEqual([comment]);
    }
    // Comment and check said so already.
    expect(written(desk).slice(before)).toEqual([]);
    desk.github.merge(n, { by: 'ana' });
    expect(await desk.iam('pr apply', { cwd: below })).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('1 to create'),
    });
  });

  test('in no repository, or without a configuration: what is missing', async () => {
    const { desk, n } = await opened();
    for (const words of ['pr plan --base main', 'pr apply', 'pr drift'])
      expect(await desk.iam(words, { cwd: temporaryFolder() })).toMatchObject({
        exit: 4,
        stderr: expect.stringMatching(
          /^error RC129: the folder is in no repository.*\n {2}run it in a checkout/,
        ),
      });
    desk.github.push({ by: 'ana', branch: 'main', files: { '.rolecall/gitops.yaml': null } });
    expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({
      exit: 4,
      stderr: expect.stringMatching(/^error RC601: there is no \.rolecall\/gitops\.yaml in the base/),
    });
  });

  test('with a pull request that cannot be planned among many: the others are, and it is named', async () => {
    const { desk, n } = await opened();
    const other = open(desk, 'other');
    desk.github.fault({ with: 500, path: new RegExp(`/issues/${n}/comments$`), times: 9 });
    const ran = await desk.iam('pr plan --all', { env: { GITHUB_REF_NAME: 'main' } });
    expect(ran).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining(`issues/${n}/comments: Server Error`),
    });
    expect(await desk.comments(other)).toHaveLength(1);
  });
});

test('two branches that are planned one after the other have their own base', async () => {
  const desk = await prDesk();
  await desk.iam('pr apply');
  desk.github.push({
    by: 'ana',
    branch: 'release',
    files: { 'access/late.yaml': binding('late', 'source-admin', '{name: eve}') },
  });
  desk.github.push({ by: 'ana', branch: 'main', files: { 'README.md': 'Apart.\n' } });
  const n = open(desk, 'first');
  desk.github.push({ by: 'bo', branch: 'second', files: { 'access/second.yaml': group('second', ['bo']) } });
  const m = desk.github.openPullRequest({ author: 'bo', branch: 'second', base: 'release' });
  expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({ exit: 0 });
  expect(await desk.iam(`pr plan --pr ${m}`)).toMatchObject({
    exit: expect.any(Number),
    stderr: expect.stringContaining(`#${m}:`),
  });
  expect(await desk.iam(`pr plan --pr ${n}`)).toMatchObject({ exit: 0 });
});
