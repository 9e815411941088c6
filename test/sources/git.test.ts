import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/core/problem.ts';
import { gitSource } from '../../src/sources/git.ts';
import type { Loaded } from '../../src/sources/source.ts';
import { asText, dedent, doc, docs, temporary, user, useTemporary, WORKSPACE } from '../support/bad-input.ts';
import { runIam } from '../support/run-iam.ts';

useTemporary();

function git(cwd: string, ...args: readonly string[]): string {
  const settings = [
    'user.name=Ana',
    'user.email=ana@acme.example',
    'init.defaultBranch=main',
    'commit.gpgsign=false',
    'protocol.file.allow=always',
  ];
  return execFileSync('git', [...settings.flatMap((setting) => ['-c', setting]), ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

type Change = Readonly<Record<string, string | Uint8Array | null>>;

/** Commits files, null to remove one, and whatever `act` does to the work tree; gives the commit. */
function commit(repository: string, files: Change, act?: () => void): string {
  for (const [path, text] of Object.entries(files)) {
    if (text === null) rmSync(join(repository, path));
    else {
      mkdirSync(dirname(join(repository, path)), { recursive: true });
      writeFileSync(join(repository, path), text);
    }
  }
  act?.();
  git(repository, 'add', '-A');
  git(repository, 'commit', '-q', '--allow-empty', '-m', 'change');
  return git(repository, 'rev-parse', 'HEAD');
}

/** A repository with one commit for each. */
function repositoryOf(...commits: readonly Change[]): string {
  const repository = temporary();
  git(repository, 'init', '-q');
  for (const files of commits) commit(repository, files);
  return repository;
}

interface Reading {
  readonly revision?: string;
  readonly label?: string;
  readonly mayBeAbsent?: boolean;
}

function load(
  cwd: string,
  paths: readonly string[],
  { revision = 'HEAD', label = '', mayBeAbsent = false }: Reading = {},
): Promise<Loaded> {
  return gitSource({ revision, paths, cwd, label, mayBeAbsent }).load();
}

async function names(cwd: string, paths: readonly string[], reading?: Reading): Promise<string[]> {
  const { texts, problems } = await load(cwd, paths, reading);
  expect(problems).toEqual([]);
  return texts.map(({ file }) => file).sort();
}

async function problems(cwd: string, paths: readonly string[], reading?: Reading): Promise<string[]> {
  return (await load(cwd, paths, reading)).problems.map(({ code, severity, message }) => {
    expect(severity).toBe('error');
    return `${code} ${message}`;
  });
}

async function refusal(cwd: string, revision: string): Promise<{ exit: number; told: string }> {
  const error: unknown = await load(cwd, ['.'], { revision }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw error;
  return {
    exit: error.exit,
    told: error.problems
      .map(({ code, message, hint }) => `${code} ${message}${hint === undefined ? '' : ` (${hint})`}`)
      .join('\n'),
  };
}

describe('what is read', () => {
  test('the content of the commit, not of the work tree or the index', async () => {
    const cwd = repositoryOf({ 'iam/a.yaml': 'one' }, { 'iam/a.yaml': 'two\r\n😀' });
    writeFileSync(join(cwd, 'iam/a.yaml'), 'three');
    git(cwd, 'add', '-A');
    writeFileSync(join(cwd, 'iam/b.yaml'), 'four');
    expect((await load(cwd, ['iam'])).texts).toEqual([{ file: 'iam/a.yaml', text: 'two\r\n😀' }]);
    expect((await load(cwd, ['iam'], { revision: 'HEAD~1', label: 'base:' })).texts).toEqual([
      { file: 'base:iam/a.yaml', text: 'one' },
    ]);
    rmSync(join(cwd, 'iam'), { recursive: true });
    expect(await names(cwd, ['iam'], { revision: 'main' })).toEqual(['iam/a.yaml']);
  });

  test('files, folders, globs, each file once', async () => {
    const cwd = repositoryOf({
      'iam/a.yaml': 'a',
      'iam/b/c.yml': 'a',
      'iam/b/d.txt': 'a',
      'iam/.e.yaml': 'a',
      'iam/.f/g.yaml': 'a',
      'h.json': 'a',
    });
    expect(await names(cwd, ['.'])).toEqual(['h.json', 'iam/a.yaml', 'iam/b/c.yml']);
    expect(await names(cwd, ['iam/', './iam/a.yaml', 'iam/*.yaml'])).toEqual(['iam/a.yaml', 'iam/b/c.yml']);
    expect(await names(cwd, ['iam/*'])).toEqual(['iam/a.yaml', 'iam/b/c.yml']);
    expect(await names(cwd, ['**/*.{yml,json}'])).toEqual(['h.json', 'iam/b/c.yml']);
    expect(await names(cwd, ['iam/.e.yaml', 'iam/b/d.txt'])).toEqual(['iam/.e.yaml', 'iam/b/d.txt']);
  });

  test('paths are relative to the folder, and may be whole or lead upwards', async () => {
    const cwd = repositoryOf({ 'a.yaml': 'a', 'deep/down/b.yaml': 'b', 'deep/c.yaml': 'c' });
    const below = join(cwd, 'deep/down');
    expect(await names(below, ['.'])).toEqual(['b.yaml']);
    expect(await names(below, ['..', '../../a.yaml'])).toEqual(['../../a.yaml', '../c.yaml', 'b.yaml']);
    expect(await names(cwd, [join(cwd, 'deep/down')])).toEqual(['deep/down/b.yaml']);
    expect(await problems(below, ['../../..'])).toEqual([
      'RC101 ../../..: the commit has no such file or folder',
    ]);
  });

  test('names with spaces, tabs, quotes and other letters', async () => {
    const files = ['a b.yaml', 'tab\there.yaml', '"quoted".yaml', 'ünïcödé.yaml', 'back\\slash.yaml'];
    const cwd = repositoryOf(Object.fromEntries(files.map((file) => [`iam/${file}`, file])));
    expect(await names(cwd, ['iam'])).toEqual(files.map((file) => `iam/${file}`).sort());
  });

  test('branches, tags, short names of commits', async () => {
    const cwd = repositoryOf({ 'a.yaml': 'a' });
    git(cwd, 'tag', '-a', '-m', 'x', 'v1');
    for (const revision of ['main', 'v1', git(cwd, 'rev-parse', '--short', 'HEAD')])
      expect(await names(cwd, ['.'], { revision })).toEqual(['a.yaml']);
  });

  test('1,000 files', async () => {
    const files = Array.from({ length: 1000 }, (_, i) => [`iam/${i % 10}/${i}.yaml`, `# ${i}\n`] as const);
    const cwd = repositoryOf(Object.fromEntries(files));
    const { texts } = await load(cwd, ['iam']);
    expect(Object.fromEntries(texts.map(({ file, text }) => [file, text]))).toEqual(
      Object.fromEntries(files),
    );
  });
});

describe('.iamignore in the commit', () => {
  test('leaves out files and folders; an inner one has the last word; none around counts', async () => {
    const cwd = repositoryOf({
      '.iamignore': '*\n',
      'iam/.iamignore': 'kustomization.yaml\ndrafts/\n*.json\n',
      'iam/kustomization.yaml': 'a',
      'iam/a.yaml': 'a',
      'iam/drafts/b.yaml': 'a',
      'iam/c/.iamignore': '!keep.json\n',
      'iam/c/keep.json': 'a',
      'iam/c/drop.json': 'a',
    });
    expect(await names(cwd, ['iam'])).toEqual(['iam/a.yaml', 'iam/c/keep.json']);
    expect(await names(join(cwd, 'iam'), ['.', 'drafts/b.yaml'])).toEqual([
      'a.yaml',
      'c/keep.json',
      'drafts/b.yaml',
    ]);
  });

  test('is that of the commit', async () => {
    const cwd = repositoryOf({ 'iam/a.yaml': 'a', 'iam/b.yaml': 'b' });
    writeFileSync(join(cwd, 'iam/.iamignore'), '*');
    expect(await names(cwd, ['iam'])).toEqual(['iam/a.yaml', 'iam/b.yaml']);
  });
});

describe('hard stops', () => {
  test('a path that the commit does not have', async () => {
    const cwd = repositoryOf({ 'iam/a.yaml': 'a' });
    writeFileSync(join(cwd, 'new.yaml'), 'a');
    expect(await problems(cwd, ['iam', 'new.yaml', 'nothing/', '*.yml', ''])).toEqual([
      'RC101 new.yaml: the commit has no such file or folder',
      'RC101 nothing/: the commit has no such file or folder',
      'RC101 *.yml: the commit has no such file or folder',
      'RC101 "": the commit has no such file or folder',
    ]);
    expect(await problems(cwd, ['iam', 'new.yaml'], { mayBeAbsent: true })).toEqual([]);
    expect(await problems(cwd, [''], { mayBeAbsent: true })).toHaveLength(1);
  });

  test('a folder without manifests', async () => {
    const cwd = repositoryOf({ 'iam/a.yaml': 'a', 'docs/a.md': 'a' });
    expect(await problems(cwd, ['iam', 'docs'])).toEqual(['RC120 docs: no manifest in this folder']);
  });

  test('a commit that there is not, or that is none', async () => {
    const cwd = repositoryOf({ 'a.yaml': 'a' });
    const blob = git(cwd, 'rev-parse', 'HEAD:a.yaml');
    for (const revision of [blob, 'HEAD^{tree}'])
      expect((await refusal(cwd, revision)).told).toBe(
        `RC129 "${revision}" is not a commit (a commit, branch or tag, such as main)`,
      );
    for (const revision of ['nothing', 'HEAD~5', 'HEAD:a.yaml', 'f'.repeat(40)])
      expect(await refusal(cwd, revision)).toEqual({
        exit: 4,
        told: `RC129 there is no commit "${revision}" here (a shallow clone may lack it: git fetch --unshallow, or fetch that commit)`,
      });
  });

  test('what would be an option of git', async () => {
    const cwd = repositoryOf({ 'a.yaml': 'a' });
    for (const revision of ['-h', '--all', '--output=x', ''])
      expect(await refusal(cwd, revision)).toEqual({
        exit: 4,
        told: `RC129 "${revision}" is not a commit (a commit, branch or tag, such as main)`,
      });
    expect(await names(cwd, ['--output=x'], { mayBeAbsent: true })).toEqual([]);
  });

  test('no repository', async () => {
    expect((await refusal(temporary(), 'HEAD')).told).toMatch(/^RC129 not a git repository/);
  });

  test('a shallow clone that lacks the commit', async () => {
    const origin = repositoryOf({ 'a.yaml': 'one' }, { 'a.yaml': 'two' });
    const base = git(origin, 'rev-parse', 'HEAD~1');
    const cwd = join(temporary(), 'clone');
    git(origin, 'clone', '-q', '--depth', '1', pathToFileURL(origin).href, cwd);
    expect((await load(cwd, ['a.yaml'])).texts).toEqual([{ file: 'a.yaml', text: 'two' }]);
    for (const revision of [base, 'HEAD~1'])
      expect(await refusal(cwd, revision)).toEqual({
        exit: 4,
        told: `RC129 there is no commit "${revision}" here (a shallow clone may lack it: git fetch --unshallow, or fetch that commit)`,
      });
  });

  test('links and submodules', async () => {
    const cwd = repositoryOf({ 'iam/a.yaml': 'a', 'iam/b/c.yaml': 'a', 'out/d.yaml': 'a', 'notes.txt': 'a' });
    const module = repositoryOf({ 'x.yaml': 'a' });
    commit(cwd, {}, () => {
      symlinkSync('../out/d.yaml', join(cwd, 'iam/link.yaml'));
      symlinkSync('../out', join(cwd, 'iam/others'));
      symlinkSync('/etc', join(cwd, 'iam/etc'));
      symlinkSync('b', join(cwd, 'iam/inside'));
      symlinkSync('../notes.txt', join(cwd, 'iam/notes'));
      symlinkSync('nowhere', join(cwd, 'iam/dangling'));
      git(cwd, 'submodule', '-q', 'add', pathToFileURL(module).href, 'iam/module');
    });
    expect((await problems(cwd, ['iam'])).sort()).toEqual([
      'RC129 iam/etc: is a symbolic link that leads out of the repository, which is not read from a commit',
      'RC129 iam/link.yaml: is a symbolic link, which is not read from a commit',
      'RC129 iam/module: is a submodule, which is not read from a commit',
      'RC129 iam/others: is a symbolic link that leads out of its folder, which is not read from a commit',
    ]);
    expect(await problems(cwd, ['iam/inside'])).toEqual([
      'RC129 iam/inside: is a symbolic link, which is not read from a commit',
    ]);
    commit(cwd, { 'iam/.iamignore': 'etc\nlink.yaml\nmodule/\nmodule\nothers\n' });
    expect(await names(cwd, ['iam'])).toEqual(['iam/a.yaml', 'iam/b/c.yaml']);
    commit(cwd, { 'iam/.iamignore': null, rules: '*' }, () =>
      symlinkSync('../rules', join(cwd, 'iam/.iamignore')),
    );
    expect(await problems(cwd, ['iam'])).toContain(
      'RC129 iam/.iamignore: is a symbolic link, which is not read from a commit',
    );
  });

  test('what is not UTF-8, empty, or too large', async () => {
    const cwd = repositoryOf({
      'iam/a.yaml': new Uint8Array([0x61, 0x0a, 0xe9]),
      'iam/b.yaml': '',
      'iam/c.yaml': new Uint8Array(64 * 2 ** 20 + 1).fill(0x23),
    });
    expect((await problems(cwd, ['iam'])).sort()).toEqual([
      'RC102 the byte 0xe9 is not UTF-8',
      'RC103 the file is larger than 64 MiB',
      'RC120 the file is empty',
    ]);
  });
});

test('nothing of the repository runs', async () => {
  const cwd = repositoryOf({ 'a.yaml': 'a', '.gitattributes': '*.yaml filter=evil diff=evil\n' });
  const trap = `touch ${join(cwd, 'ran')}`;
  for (const setting of [
    'filter.evil.smudge',
    'filter.evil.clean',
    'diff.evil.textconv',
    'core.fsmonitor',
    'core.pager',
  ])
    git(cwd, 'config', setting, trap);
  expect(await names(cwd, ['.'])).toEqual(['a.yaml']);
  expect(() => rmSync(join(cwd, 'ran'))).toThrow(/ENOENT/);
});

test('an object that replaces another is not used', async () => {
  const cwd = repositoryOf({ 'a.yaml': 'real' }, { 'b.yaml': 'fake' });
  git(cwd, 'replace', git(cwd, 'rev-parse', 'HEAD:a.yaml'), git(cwd, 'rev-parse', 'HEAD:b.yaml'));
  expect((await load(cwd, ['a.yaml'])).texts).toEqual([{ file: 'a.yaml', text: 'real' }]);
});

describe('iam diff --git', () => {
  const binding = (subjects: string) =>
    doc(
      'RoleBinding',
      'name: readers, namespace: acme',
      `role: workspace-member, subjects: [${subjects}], resources: [{type: Workspace}]`,
    );
  const BASE = docs(WORKSPACE, user('ana'), user('bo'), binding('{name: ana}'));
  const HEAD = docs(WORKSPACE, user('ana'), user('bo'), binding('{name: bo}'));

  async function diff(cwd: string, ...argv: readonly string[]) {
    return runIam(['diff', '--git', 'HEAD~1..HEAD', ...argv], { cwd });
  }

  test('who gains and loses, as JSON', async () => {
    const cwd = repositoryOf({ 'iam/a.yaml': BASE }, { 'iam/a.yaml': HEAD });
    const { exit, stdout, stderr } = await diff(cwd, '-f', 'iam', '-o', 'json');
    expect({ exit, items: JSON.parse(stderr).items }).toMatchObject({ exit: 3, items: [{ code: 'RC203' }] });
    const plan = JSON.parse(stdout) as {
      summary: unknown;
      base: unknown;
      access: { subject: string; email: string; gains: { role: string }[]; loses: { role: string }[] }[];
      changes: { name: string; origin: unknown }[];
    };
    expect(plan.summary).toEqual({ create: 0, update: 1, delete: 0, unchanged: 3 });
    expect(plan.base).toEqual({ store: null, revision: 0 });
    expect(
      plan.access.map(({ subject, email, gains, loses }) => [
        subject,
        email,
        gains.map(({ role }) => role),
        loses.map(({ role }) => role),
      ]),
    ).toEqual([
      ['ana', 'ana@acme.example', [], ['workspace-member']],
      ['bo', 'bo@acme.example', ['workspace-member'], []],
    ]);
    expect(plan.changes).toMatchObject([
      { name: 'readers', origin: { file: 'iam/a.yaml', line: 16, column: 1 } },
    ]);
  });

  test('who gains and loses, as text', async () => {
    const cwd = repositoryOf({ 'iam/a.yaml': BASE }, { 'iam/a.yaml': HEAD });
    const { exit, stdout, stderr } = await diff(join(cwd, 'iam'), '-f', '.');
    expect({ exit, stderr }).toEqual({ exit: 3, stderr: '' });
    expect(stdout).toContain('refused RC203: removes the only person of acme: ana');
    expect(stdout).toContain('Difference HEAD~1..HEAD of .: files against files, no store');
    for (const word of ['ana', 'bo', 'workspace-member', 'readers']) expect(stdout).toContain(word);
  });

  test('a folder that the older commit does not have is all new; a renamed one is no change; one that is gone is a hard stop', async () => {
    const cwd = repositoryOf({ 'README.md': 'x' }, { 'iam/a.yaml': BASE });
    const summary = async (...argv: readonly string[]) =>
      (JSON.parse((await diff(cwd, ...argv, '-o', 'json')).stdout) as { summary: unknown }).summary;
    expect(await summary('-f', 'iam')).toEqual({ create: 4, update: 0, delete: 0, unchanged: 0 });
    commit(cwd, {}, () => renameSync(join(cwd, 'iam'), join(cwd, 'access')));
    expect(await summary('-f', 'access')).toEqual({ create: 4, update: 0, delete: 0, unchanged: 0 });
    for (const both of ['.', '{iam,access}', '*/*.yaml'])
      expect(await summary('-f', both)).toEqual({ create: 0, update: 0, delete: 0, unchanged: 4 });
    const gone = await diff(cwd, '-f', 'iam', '-o', 'json');
    expect(gone).toMatchObject({ exit: 4, stdout: '' });
    expect(asText(gone.stderr)).toBe(
      dedent(`
      error RC101: iam: the commit has no such file or folder
        is it committed? paths are relative to the folder that iam runs in
    `),
    );
  });

  test('mistakes of both commits, told apart', async () => {
    const cwd = repositoryOf(
      { 'a.yaml': `${BASE}---\nkind: User\n` },
      { 'a.yaml': `${HEAD}---\n${user('ana')}` },
    );
    const { exit, stdout, stderr } = await diff(cwd, '-f', '.', '-o', 'json');
    expect({ exit, stdout }).toEqual({ exit: 4, stdout: '' });
    expect(asText(stderr)).toBe(
      dedent(`
      HEAD~1:a.yaml:21:1: error RC105: not a manifest: missing field "apiVersion"
        write apiVersion: rolecall.dev/v1alpha1; name files that are not for Rolecall in .iamignore
      a.yaml:21:1: error RC110: User ana is declared twice
        first declared at a.yaml:6; keep one of the two
    `),
    );
  });
});
