import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder, writeFiles } from '../support/folder.ts';
import { tipOf } from '../support/git-repository.ts';
import {
  blobOf,
  commitTree,
  file,
  folder,
  type Node,
  rootOf,
  treeBomb,
  treeOf,
} from '../support/hostile-trees.ts';
import { group, type PrDesk, prDesk } from '../support/pr-desk.ts';

const EVERY_HOOK = [
  ...[
    'applypatch-msg',
    'commit-msg',
    'fsmonitor-watchman',
    'post-checkout',
    'post-commit',
    'post-index-change',
  ],
  ...[
    'post-merge',
    'post-rewrite',
    'pre-auto-gc',
    'pre-commit',
    'pre-merge-commit',
    'pre-push',
    'pre-rebase',
  ],
  ...['prepare-commit-msg', 'push-to-checkout', 'reference-transaction', 'sendemail-validate', 'update'],
];

/** A clone in which everything that git can be told to run leaves a file in the folder that is returned. */
function trapped(checkout: string): { fired(): string[] } {
  const trap = temporaryFolder();
  const springing = (name: string) => {
    const script = join(trap, `.${name}.sh`);
    writeFileSync(script, `#!/bin/sh\n: > '${trap}/${name}'\ncat 2>/dev/null\nexit 0\n`);
    chmodSync(script, 0o755);
    return script;
  };
  mkdirSync(join(checkout, '.git/hooks'), { recursive: true });
  for (const hook of EVERY_HOOK) symlinkSync(springing(`hook-${hook}`), join(checkout, '.git/hooks', hook));
  const settings: Record<string, string> = {
    'core.fsmonitor': springing('fsmonitor'),
    'core.pager': springing('pager'),
    'core.editor': springing('editor'),
    'gpg.program': springing('gpg'),
    'log.showSignature': 'true',
    'diff.external': springing('diff-external'),
    'diff.evil.command': springing('diff-command'),
    'diff.evil.textconv': springing('diff-textconv'),
    'merge.evil.driver': `${springing('merge-driver')} %A < /dev/null`,
    'merge.default': 'evil',
    'merge.renormalize': 'true',
    'filter.evil.clean': springing('filter-clean'),
    'filter.evil.smudge': springing('filter-smudge'),
    'filter.lfs.clean': springing('lfs-clean'),
    'filter.lfs.smudge': springing('lfs-smudge'),
    'fetch.recurseSubmodules': 'true',
    'submodule.recurse': 'true',
    'submodule.sub.url': `ext::${springing('submodule')}`,
    'submodule.sub.active': 'true',
    'protocol.ext.allow': 'always',
  };
  for (const [name, value] of Object.entries(settings))
    execFileSync('git', ['config', name, value], { cwd: checkout, stdio: 'pipe' });
  return { fired: () => readdirSync(trap).filter((name) => !name.startsWith('.')) };
}

const NAMES = [
  '--upload-pack=touch x.yaml',
  '-c core.pager=touch.yaml',
  '$(touch x).yaml',
  'line\nbreak.yaml',
  'a;b|c`d`.yaml',
  ':(glob)**.yaml',
  '<b>@team](http:.yaml',
  'turned\u202e.yaml',
];

/** A branch that has traps in it, made by hand; and a name for it that would be an option. */
function push(
  desk: PrDesk,
  name: string,
  prepare: (folder: string, git: (...args: string[]) => string) => void,
) {
  const folder = join(temporaryFolder(), 'attacker');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Mallory', '-c', 'user.email=mallory@evil.example', ...args], {
      cwd: folder,
      stdio: 'pipe',
    }).toString();
  execFileSync('git', ['clone', '-q', `file://${desk.repository}`, folder], { stdio: 'pipe' });
  prepare(folder, git);
  git('commit', '-q', '--allow-empty', '-m', 'Traps');
  // Whoever shows its signature asks a program about it.
  const signature = 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n =evil\n -----END PGP SIGNATURE-----\n\n';
  const commit = join(folder, '.git/signed');
  writeFileSync(commit, git('cat-file', 'commit', 'HEAD').replace('\n\n', `\n${signature}`));
  git('update-ref', 'HEAD', git('hash-object', '-t', 'commit', '-w', commit).trim());
  git('push', '-q', 'origin', `HEAD:refs/heads/${name}`);
}

test('nothing of a pull request is run: hooks, filters, drivers, submodules, links, names like options', {
  timeout: 120_000,
}, async () => {
  const desk = await prDesk();
  const { github } = desk;
  expect(await desk.iam('pr apply')).toMatchObject({ exit: 0 });
  const cwd = join(temporaryFolder(), 'trapped');
  execFileSync('git', ['clone', '-q', `file://${desk.repository}`, cwd], { stdio: 'pipe' });
  const { fired } = trapped(cwd);
  const iam = (words: string) => desk.iam(words, { cwd });
  const evil = '--upload-pack=touch;x';
  push(desk, evil, (folder, git) => {
    writeFiles(folder, {
      '.gitattributes': '* filter=evil diff=evil merge=evil\n*.bin filter=lfs\n',
      '.gitmodules': `[submodule "sub"]\n\tpath = sub\n\turl = ext::sh -c touch% x\n\tupdate = !touch x\n`,
      '.iamignore': '!/\n',
      'big.bin': 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n',
      'hooks/post-checkout': '#!/bin/sh\ntouch x\n',
      '.git-hooks/pre-commit': '#!/bin/sh\ntouch x\n',
      // Beside what was pushed to the base, so that what is in it must be merged.
      'access/world.yaml': `${readFileSync(join(folder, 'access/world.yaml'), 'utf8')}---\n${group('last', ['eve'])}`,
      ...Object.fromEntries(NAMES.map((name, i) => [`access/${name}`, group(`g${i}`, ['bo'])])),
    });
    symlinkSync('/etc/passwd', join(folder, 'passwd.yaml'));
    symlinkSync('.git/hooks', join(folder, 'githooks'));
    git('add', '--all');
    git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},sub`);
  });
  push(desk, 'main', (folder, git) => {
    const text = readFileSync(join(folder, 'access/world.yaml'), 'utf8');
    writeFiles(folder, { 'access/world.yaml': `${group('first', ['ana'])}---\n${text}` });
    git('add', '--all');
  });
  const title = '<img src=x onerror=alert(1)> @acme/owners [x](javascript:1)\u202e `iam override RC201` | x';
  const n = github.openPullRequest({ author: 'bo', branch: evil, title });
  // A base of that name, too.
  github.push({ by: 'ana', branch: '--output=x', files: { 'README.md': 'A branch.\n' } });
  const other = github.openPullRequest({ author: 'bo', branch: evil, base: '--output=x' });

  for (const words of [
    `pr plan --pr ${n}`,
    `pr plan --pr ${other}`,
    'pr plan --all',
    `pr plan --base ${tipOf(desk.repository, 'main')} --head ${tipOf(desk.repository, evil)} --dry-run`,
    'pr drift',
  ])
    expect(await iam(words), words).toMatchObject({ exit: 0 });
  const [comment = ''] = await desk.comments(n);
  for (const group of ['first', 'last', 'g0', 'g7']) expect(comment).toContain(`acme/${group}`);
  expect(comment).not.toMatch(/\u202e|<b>|(?<![A-Za-z0-9`])@team|\]\(http/);
  for (const word of ['--upload-pack=x', '-x', '--output=x'])
    for (const option of ['--base', '--head', '--remote'])
      expect((await iam(`pr plan --pr ${n} ${option}=${word} --dry-run`)).exit).toBeGreaterThan(0);

  github.merge(n, { by: 'ana' });
  const careful = [
    '-c',
    'core.hooksPath=/dev/null',
    '-c',
    'core.fsmonitor=false',
    '-c',
    'fetch.recurseSubmodules=no',
  ];
  execFileSync('git', [...careful, 'fetch', '-q', 'origin'], { cwd, stdio: 'pipe' });
  expect(await iam('pr apply')).toMatchObject({ exit: 0 });
  expect(await iam('pr apply')).toMatchObject({ exit: 0 });
  expect(await iam('pr drift')).toMatchObject({ exit: 0 });
  expect((await iam('get groups -n acme -o name')).stdout.split('\n').filter(Boolean)).toHaveLength(
    NAMES.length + 2,
  );
  for (const text of (await desk.comments(n)).slice(1)) expect(text).not.toMatch(/<img|@acme|\u202e/);
  const history = await iam('history show 3');
  expect(history.stdout).not.toContain('\u202e');

  expect(fired()).toEqual([]);
  // They are set: whoever checks it out, and merges, springs them.
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@x.example', ...args], {
      cwd,
      stdio: 'pipe',
    });
  const [head, base] = [tipOf(desk.repository, evil) ?? '', tipOf(desk.repository, '--output=x') ?? ''];
  git('checkout', '-q', '-f', '--no-recurse-submodules', head);
  execFileSync('git', ['merge-tree', '--write-tree', `${base}`, head], { cwd, stdio: 'pipe' });
  expect(fired()).toEqual(expect.arrayContaining(['filter-smudge', 'hook-post-checkout']));
});

test('what leads out of the manifests is a mistake, with its place and without its content', async () => {
  const desk = await prDesk();
  expect(await desk.iam('pr apply')).toMatchObject({ exit: 0 });
  push(desk, 'links', (folder, git) => {
    symlinkSync('/etc/passwd', join(folder, 'access/passwd.yaml'));
    symlinkSync('..', join(folder, 'access/up'));
    git('add', '--all');
    git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},access/sub`);
  });
  const n = desk.github.openPullRequest({ author: 'bo', branch: 'links' });
  const ran = await desk.iam(`pr plan --pr ${n}`);
  expect(ran.exit).toBe(4);
  expect(ran.stderr.match(/^error RC129: access\/(passwd\.yaml|up|sub): is /gm)).toHaveLength(3);
  const [comment = ''] = await desk.comments(n);
  expect(comment.match(/RC129/g)).toHaveLength(3);
  expect(comment).not.toContain('root:');
  push(desk, 'config', (folder) => {
    execFileSync('rm', [join(folder, '.rolecall/gitops.yaml')]);
    symlinkSync('/etc/passwd', join(folder, '.rolecall/gitops.yaml'));
    execFileSync('git', ['add', '--all'], { cwd: folder });
  });
  const m = desk.github.openPullRequest({ author: 'bo', branch: 'config' });
  expect(await desk.iam(`pr plan --pr ${m}`)).toMatchObject({
    exit: 4,
    stdout: '',
    stderr: expect.stringMatching(/^error RC601: .*\.rolecall\/gitops\.yaml/m),
  });
});

test('a branch of billions of files, of one file a thousand times, or of a configuration of megabytes: a mistake, soon told', async () => {
  const desk = await prDesk();
  const { repository } = desk;
  expect(await desk.iam('pr apply')).toMatchObject({ exit: 0 });
  const tip = tipOf(repository, 'main') ?? '';
  const access = (...more: Node[]) => treeOf(repository, [...rootOf(repository, `${tip}:access`), ...more]);
  const asCommit = (branch: string, ...nodes: Node[]) => {
    const names = nodes.map(({ name }) => name);
    const others = rootOf(repository, tip).filter(({ name }) => !names.includes(name));
    return commitTree(repository, branch, treeOf(repository, [...others, ...nodes]), { parents: [tip] });
  };
  const bombed = access(folder('bomb', treeBomb(repository, 10)));
  const trees = asCommit('trees', folder('access', bombed));
  const elsewhere = asCommit('elsewhere', folder('docs', treeBomb(repository, 10)));
  const much = treeBomb(repository, 4, '#'.repeat(2 ** 22));
  const blobs = asCommit('blobs', folder('access', access(folder('much', much))));
  const config = treeOf(repository, [file('gitops.yaml', blobOf(repository, '#'.repeat(2 ** 20 + 1)))]);
  const large = asCommit('large', folder('.rolecall', config));
  const began = performance.now();
  const plan = (head: string) => desk.iam(`pr plan --base ${tip} --head ${head} --dry-run`);
  for (const [head, said] of [
    [trees, /^error RC129: the repository has more in it than can be taken in\n {2}name only /m],
    [blobs, /^error RC129: the files to read have 40,001 MiB, more than 512\n/m],
    [large, /^error RC103: \.rolecall\/gitops\.yaml is larger than 1 MiB in \w{12}\n/m],
  ] as const)
    expect(await plan(head)).toMatchObject({
      exit: 4,
      stderr: expect.stringMatching(said),
      stdout: expect.stringMatching(/RC129|RC103/),
    });
  // Where no manifests are, nobody looks.
  expect(await plan(elsewhere)).toMatchObject({ exit: 0 });
  expect(performance.now() - began).toBeLessThan(20_000);
});
