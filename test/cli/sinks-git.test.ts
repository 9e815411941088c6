import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FileSinksOptions } from '../../src/cli/sinks.ts';
import { temporaryFolder } from '../support/folder.ts';
import {
  deliver,
  isOurs,
  issue,
  newPlace,
  type Place,
  put,
  SECRET_PROCESS,
  wrong,
} from '../support/sink-place.ts';
import { smallDisk } from '../support/small-disk.ts';

const isRoot = process.getuid?.() === 0;
const PATH = process.env.PATH;

describe('a sink in a git work tree', () => {
  function git(cwd: string, ...args: readonly string[]): string {
    const settings = ['user.name=Ana', 'user.email=ana@acme.example', 'init.defaultBranch=main'];
    const { status, stdout, stderr } = spawnSync(
      'git',
      [...settings.flatMap((setting) => ['-c', setting]), ...args],
      { cwd, encoding: 'utf8' },
    );
    expect(status, stderr).toBe(0);
    return stdout;
  }

  function repository(
    files: Readonly<Record<string, string>> = {},
    options?: Partial<FileSinksOptions>,
  ): Place {
    const cwd = temporaryFolder({ 'README.md': '', ...files });
    git(cwd, 'init', '-q');
    git(cwd, 'add', '-A');
    git(cwd, 'commit', '-q', '-m', 'first');
    return newPlace({ cwd, ...options });
  }

  /** What git would take in. */
  function untracked(cwd: string): string {
    return git(cwd, 'status', '--porcelain', '--untracked-files=all');
  }

  test('is ignored with the .iam that is made for it, from the first system call on', async () => {
    const place = repository();
    await deliver(place.sink);
    expect(untracked(place.cwd)).toBe('');
    await deliver(place.sink);
    await place.sink.stage(issue(), isOurs);
    expect(untracked(place.cwd)).toBe('');
    for (let at = 0; ; at++) {
      const { cwd } = repository();
      const { signal } = spawnSync(process.execPath, [SECRET_PROCESS, 'issue', cwd, String(at)]);
      // What is never taken in has the secrets; an .iam of which not even the .gitignore is there has none.
      expect(untracked(cwd)).toMatch(/^(\?\? (valid|\.iam-[\da-f-]{36}\/\.gitignore)\n)?$/);
      if (signal === null) break;
    }
  });

  test('is refused when git would take it in, and once more when only what waits beside it would be', async () => {
    const place = repository({ '.gitignore': 'secrets/ci/deploy\n' }, { secretsDir: 'secrets' });
    const sink = place.declared('ci/deploy');
    expect(await wrong(place, sink)).toEqual({
      said: 'RC508 git would track .*.tmp beside secrets/ci/deploy, where its next secret waits',
      hint: 'ignore the folder secrets/ci in .gitignore',
    });
    expect(await wrong(place, place.declared('other'))).toEqual({
      said: 'RC508 git would track secrets/other',
      hint: 'ignore the folder secrets in .gitignore',
    });
    expect((await wrong(place, place.sinks.named('token'))).said).toBe('RC508 git would track token');
    writeFileSync(place.path('.gitignore'), '/secrets/\n!/secrets/ci/deploy\n');
    await deliver(sink);
    expect(untracked(place.cwd)).toBe(' M .gitignore\n');
    writeFileSync(place.path('.gitignore'), 'secrets/**/*\n!secrets/ci/\n!secrets/ci/deploy\n');
    expect((await wrong(place, sink)).said).toBe('RC508 git would track secrets/ci/deploy');
  });

  test('is refused in an .iam that is there and not ignored', async () => {
    const place = repository();
    mkdirSync(place.path('.iam'));
    expect((await wrong(place)).said).toBe('RC508 git would track .iam/secrets/ci/deploy');
    writeFileSync(place.path('.git/info/exclude'), '.iam\n');
    await deliver(place.sink);
    expect(untracked(place.cwd)).toBe('');
  });

  test('is refused when it is tracked, even if it is ignored too, and gone from the work tree', async () => {
    const place = repository();
    await deliver(place.sink);
    git(place.cwd, 'add', '-f', '.iam/secrets/ci/deploy');
    const refused = {
      said: 'RC508 .iam/secrets/ci/deploy is tracked by git',
      hint: 'git rm --cached .iam/secrets/ci/deploy, and ignore the folder .iam/secrets/ci in .gitignore',
    };
    expect(await wrong(place)).toEqual(refused);
    rmSync(place.path('.iam'), { recursive: true });
    expect(await wrong(place)).toEqual(refused);
    git(place.cwd, 'rm', '-q', '--cached', '.iam/secrets/ci/deploy');
    expect(await wrong(place)).toEqual({});
  });

  test('is judged by the repository that it is in: nested, or another work tree', async () => {
    const outer = repository({ '.gitignore': '' });
    mkdirSync(outer.path('inner'));
    git(outer.path('inner'), 'init', '-q');
    writeFileSync(outer.path('.git/info/exclude'), 'secrets\n');
    const inner = newPlace({ cwd: outer.path('inner'), secretsDir: 'secrets' });
    expect((await wrong(inner, inner.declared('ci'))).said).toBe('RC508 git would track secrets/ci');
    writeFileSync(inner.path('.gitignore'), 'secrets\n');
    await deliver(inner.declared('ci'));

    const tree = path.join(temporaryFolder(), 'tree');
    git(outer.cwd, 'worktree', 'add', '-q', tree);
    const other = newPlace({ cwd: tree, secretsDir: 'a/b' });
    expect((await wrong(other, other.declared('ci'))).said).toBe('RC508 git would track a/b/ci');
    writeFileSync(other.path('.gitignore'), 'a\n');
    await deliver(other.declared('ci'));
    expect(untracked(tree)).toBe(' M .gitignore\n');
  });

  test('is judged where it really is, whatever link leads there', async () => {
    const place = repository();
    const cwd = temporaryFolder();
    symlinkSync(place.cwd, path.join(cwd, 'link'));
    const outside = newPlace({ cwd, secretsDir: 'link/secrets' });
    expect((await wrong(outside, outside.declared('ci'))).said).toBe('RC508 git would track link/secrets/ci');
    expect((await wrong(outside, outside.sinks.named('link/token'))).said).toBe(
      'RC508 git would track link/token',
    );
  });

  test('is judged by the work tree that its disk is mounted in', async (context) => {
    const place = repository({}, { secretsDir: 'disk' });
    smallDisk(context, place.path('disk'));
    expect((await wrong(place, place.declared('ci'))).said).toBe('RC508 git would track disk/ci');
  });

  test('has any name, none of which git takes for a pattern', async () => {
    const place = repository({ '.gitignore': '/ignored\n' }, { secretsDir: 'secrets' });
    for (const file of [':(top)ignored', '*', '[a]', '-z', ':!x', 'ü "quoted"'])
      expect((await wrong(place, place.declared(file))).said).toBe(`RC508 git would track secrets/${file}`);
  });

  test('is refused when git cannot be asked', async () => {
    const place = repository({ 'sub/a': '' }, { env: { PATH: temporaryFolder() } });
    expect(await wrong(place)).toEqual({
      said: 'RC508 whether git would track .iam/secrets/ci/deploy cannot be told: git is not installed',
      hint: 'put that right, or choose a file outside of .',
    });
    const broken = newPlace();
    writeFileSync(broken.path('.git'), 'gitdir: nowhere\n');
    expect((await wrong(broken)).said).toMatch(/deploy cannot be told: not a git repository: .*\/nowhere$/);
  });

  test.skipIf(!isRoot)(
    'is refused in a repository of another user, which git does not trust (only root can make one)',
    async () => {
      const place = repository();
      for (const name of ['.', '.git']) chownSync(place.path(name), 65_534, 65_534);
      expect((await wrong(place)).said).toMatch(
        /cannot be told: detected dubious ownership in repository at /,
      );
    },
  );

  test('is judged by no variable of the environment, and nothing of the repository runs', async () => {
    const ignoring = repository();
    writeFileSync(ignoring.path('.gitignore'), '*\n');
    const place = repository({}, { secretsDir: 'secrets' });
    const ran = place.path('.git/ran');
    put(place.path('.git/hook'), `#!/bin/sh\ntouch '${ran}'\n`);
    chmodSync(place.path('.git/hook'), 0o700);
    git(place.cwd, 'config', 'core.fsmonitor', place.path('.git/hook'));
    git(place.cwd, 'status');
    expect(existsSync(ran)).toBe(true);
    rmSync(ran);
    const env = {
      PATH,
      GIT_DIR: ignoring.path('.git'),
      GIT_WORK_TREE: ignoring.cwd,
      GIT_INDEX_FILE: ignoring.path('.git/index'),
      GIT_CEILING_DIRECTORIES: path.dirname(place.cwd),
    };
    const misled = newPlace({ cwd: place.cwd, secretsDir: 'secrets', env });
    expect((await wrong(misled, misled.declared('ci'))).said).toBe('RC508 git would track secrets/ci');
    expect(existsSync(ran)).toBe(false);
  });
});
