import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/core/problem.ts';
import { gitSource } from '../../src/sources/git.ts';
import { blobsOf } from '../../src/sources/git-blobs.ts';
import type { Loaded } from '../../src/sources/source.ts';
import { measured } from '../support/fuzz-process.ts';
import { bareRepository, commitFiles, git } from '../support/git-repository.ts';
import { blobOf, commitTree, file, folder, type Node, treeBomb, treeOf } from '../support/hostile-trees.ts';

function load(cwd: string, paths: readonly string[], revision = 'main'): Promise<Loaded> {
  return gitSource({ revision, paths, cwd, label: '', mayBeAbsent: false }).load();
}

async function names(cwd: string, ...paths: readonly string[]): Promise<string[]> {
  const { texts, problems } = await load(cwd, paths);
  expect(problems).toEqual([]);
  return texts.map((text) => text.file).sort();
}

/** What is told of what cannot be read at all. */
async function refused(cwd: string, ...paths: readonly string[]): Promise<string> {
  const error: unknown = await load(cwd, paths).catch((thrown: unknown) => thrown);
  if (!(error instanceof Failure)) throw error;
  expect(error.exit).toBe(4);
  return error.problems.map(({ code, message, hint = '' }) => `${code} ${message} (${hint})`).join('\n');
}

/** A repository with these in the folder `access`, and `elsewhere` beside it. */
function repositoryOf(access: (repository: string) => string, elsewhere?: (repository: string) => string) {
  const repository = bareRepository();
  const nodes = [folder('access', access(repository))];
  if (elsewhere) nodes.push(folder('elsewhere', elsewhere(repository)));
  commitTree(repository, 'main', treeOf(repository, nodes));
  return repository;
}

const one = (repository: string) => treeOf(repository, [file('a.yaml', blobOf(repository, 'a\n'))]);

/** Runs the program on it: it must end soon, without much memory, as what is wrong with it says. */
async function ends(repository: string, said: RegExp, seconds = 10): Promise<void> {
  const ran = await measured(repository, ['diff', '--git', 'main..main', '-f', 'access'], 60);
  expect(ran.stderr).toMatch(said);
  expect(ran.stdout).toBe('');
  expect(ran.exit).toBe(4);
  expect(ran.seconds).toBeLessThan(seconds);
  expect(ran.mebibytes).toBeLessThan(500);
}

describe('bombs', () => {
  test('of trees: ten billion paths in ten trees', async () => {
    const repository = repositoryOf((where) => treeBomb(where, 10));
    await ends(
      repository,
      /^error RC129: the repository has more in it than can be taken in\n {2}name only the folders .*\n$/,
    );
  });

  test('of trees: a million paths', async () => {
    const repository = repositoryOf((where) => treeBomb(where, 6));
    await ends(
      repository,
      /^error RC129: there are 1,111,111 files and folders to look through, more than 500,000\n/,
    );
  });

  test('of trees: 300,000 manifests', async () => {
    const repository = repositoryOf((where) => {
      const tree = treeBomb(where, 5);
      return treeOf(where, [folder('a', tree), folder('b', tree), folder('c', tree)]);
    });
    await ends(repository, /^error RC129: there are 300,000 files to read, more than 250,000\n/, 25);
  });

  test('of blobs: 4 MiB, a hundred thousand times', async () => {
    const repository = repositoryOf((where) => treeBomb(where, 5, '#'.repeat(2 ** 22)));
    await ends(repository, /^error RC129: the files to read have 400,000 MiB, more than 512\n/);
  });

  test('that are not where the manifests are do not matter', async () => {
    const repository = repositoryOf(one, (where) => treeBomb(where, 10));
    expect(await names(repository, 'access', 'access/*.yaml')).toEqual(['access/a.yaml']);
    expect(await refused(repository, '.')).toContain('more in it than can be taken in');
  });

  test('of folders: 300 in each other', async () => {
    const repository = bareRepository();
    commitFiles(repository, 'main', { [`access/${'d/'.repeat(300)}a.yaml`]: 'a\n' });
    expect(await refused(repository, 'access')).toBe(
      'RC129 access/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d…: there are more than 256 folders in folders (name only the folders with the manifests)',
    );
  });
});

describe('what is read', () => {
  test('is each object once, whatever names it', () => {
    const repository = bareRepository();
    const [a, b] = [blobOf(repository, 'a'), blobOf(repository, 'bb\n')];
    const read = [...blobsOf(repository, 'main')([a, b, a, a, b])];
    expect(read.map(([object, bytes]) => [object, bytes?.toString()])).toEqual([
      [a, 'a'],
      [b, 'bb\n'],
    ]);
    expect([...blobsOf(repository, 'main')([a, b], 2)]).toEqual(expect.arrayContaining([[b, undefined]]));
    expect([...blobsOf(repository, 'main')([])]).toEqual([]);
  });

  test('is all of it where git has to be asked more than once', async () => {
    const texts = ['x', 'y', 'z'].map((letter) => `${letter.repeat(2 ** 25)}\n`);
    const repository = repositoryOf((where) =>
      treeOf(where, [
        file('0.yaml', blobOf(where, 'small\n')),
        ...texts.map((text, i) => file(`${i + 1}.yaml`, blobOf(where, text))),
      ]),
    );
    const loaded = await load(repository, ['access']);
    expect(loaded.problems).toEqual([]);
    const read = new Map(loaded.texts.map((text) => [text.file, text.text]));
    expect(read.get('access/0.yaml')).toBe('small\n');
    for (const [i, text] of texts.entries()) expect(read.get(`access/${i + 1}.yaml`) === text).toBe(true);
  });

  test('is asked of nothing but the paths: what is missing elsewhere is not missed', async () => {
    const repository = repositoryOf(one, (where) => treeOf(where, [file('b.txt', blobOf(where, 'b'))]));
    const elsewhere = git(repository, ['rev-parse', 'main:elsewhere']);
    rmSync(join(repository, 'objects', elsewhere.slice(0, 2), elsewhere.slice(2)));
    for (const paths of [['access'], ['access/a.yaml'], ['access/*'], ['access/**/*.yaml'], ['./access/']])
      expect(await names(repository, ...paths), `${paths}`).toEqual(['access/a.yaml']);
    const error: unknown = await load(repository, ['.']).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      exit: 1,
      problems: [{ code: 'RC129', message: expect.stringMatching(/^main cannot be read: .+/) }],
    });
  });

  test('of thousands of paths, of long ones, and of those that no repository can have', async () => {
    const many = Array.from({ length: 3000 }, (_, i) => file(`${i}.yaml`, ''));
    const repository = repositoryOf((where) => {
      const blob = blobOf(where, 'a\n');
      return treeOf(
        where,
        many.map((node) => ({ ...node, object: blob })),
      );
    });
    expect(await names(repository, ...many.map(({ name }) => `access/${name}`))).toHaveLength(3000);
    const { texts, problems } = await load(repository, [
      'access/1.yaml',
      `access/${'x'.repeat(200_000)}`,
      'access/1.yaml\0',
      '../up',
      '..',
      '/etc',
    ]);
    expect(texts).toHaveLength(1);
    expect(problems.map(({ code }) => code)).toEqual(Array(5).fill('RC101'));
  });

  test('is a name that is a pattern of git as it stands', async () => {
    const repository = bareRepository();
    commitFiles(repository, 'main', { 'a*/:(glob)b[1].yaml': 'x\n', 'ab/c.yaml': 'y\n' });
    expect(await names(repository, 'a*/:(glob)b[1].yaml')).toEqual(['a*/:(glob)b[1].yaml']);
    expect(await names(repository, 'a*/*.yaml')).toEqual(['a*/:(glob)b[1].yaml', 'ab/c.yaml']);
  });
});

describe('what nobody can tell', () => {
  test('two things of one name, in bytes or in text', async () => {
    const twice = (where: string, ...of: readonly string[]) =>
      treeOf(
        where,
        of.map((name, i) => file(name, blobOf(where, `${i}\n`))),
      );
    const repository = repositoryOf((where) => twice(where, 'a.yaml', 'a.yaml'));
    expect(await refused(repository, 'access')).toBe(
      'RC129 access/a.yaml: the commit has two of this name (names must be UTF-8, each once in a folder; git fsck says more)',
    );
  });

  test('a file that is none: a tree, or a commit, or not there', async () => {
    const objects = (where: string) => [
      git(where, ['rev-parse', 'main^{tree}']),
      git(where, ['rev-parse', 'main']),
      '1'.repeat(40),
    ];
    for (const which of [0, 1, 2]) {
      const repository = repositoryOf((where) => rawTree(where, file('a.yaml', objects(where)[which] ?? '')));
      expect(await refused(repository, 'access')).toBe(
        'RC129 the repository lacks a file of that commit (is it a partial clone? one without --filter has all of it)',
      );
    }
  });

  test('an .iamignore that is too large to be one', async () => {
    const repository = repositoryOf((where) =>
      treeOf(where, [
        file('.iamignore', blobOf(where, `${'x'.repeat(100)}\n`.repeat(11_000))),
        file('a.yaml', blobOf(where, 'a\n')),
      ]),
    );
    const { problems } = await load(repository, ['access']);
    expect(problems).toMatchObject([
      { code: 'RC103', message: 'the file is larger than 1 MiB', place: { file: 'access/.iamignore' } },
    ]);
    expect(await names(repository, 'access/a.yaml')).toEqual(['access/a.yaml']);
  });
});

describe('links', () => {
  const link = (where: string, name: string, to: string): Node => ({
    mode: '120000',
    name,
    object: blobOf(where, to),
  });

  test('that lead out of the paths that are read are judged all the same', async () => {
    const repository = repositoryOf(
      (where) =>
        treeOf(where, [
          file('a.yaml', blobOf(where, 'a\n')),
          link(where, 'b', '../elsewhere'),
          link(where, 'c', '../elsewhere/b.txt'),
          link(where, 'd', '../nowhere'),
          link(where, 'e', '../..'),
          link(where, 'f', '..'),
          link(where, 'g', 'x'.repeat(2 ** 21)),
          link(where, 'h', '../else\nwhere'),
          link(where, 'i', ''),
          link(where, 'j', './/../elsewhere/'),
          link(where, 'k', '../..x'),
        ]),
      (where) => treeOf(where, [file('b.txt', blobOf(where, 'b'))]),
    );
    const { problems } = await load(repository, ['access']);
    const out = 'which is not read from a commit';
    expect(problems.map(({ message }) => message)).toEqual([
      `access/b: is a symbolic link that leads out of its folder, ${out}`,
      `access/e: is a symbolic link that leads out of the repository, ${out}`,
      `access/f: is a symbolic link that leads out of its folder, ${out}`,
      `access/j: is a symbolic link that leads out of its folder, ${out}`,
    ]);
  });

  test('to a folder elsewhere are told of where ** passes them', async () => {
    const repository = repositoryOf(
      (where) => treeOf(where, [file('a.yaml', blobOf(where, 'a\n')), link(where, 'b', '../elsewhere')]),
      one,
    );
    const { problems } = await load(repository, ['access/**/*.yaml']);
    expect(problems.map(({ message }) => message)).toEqual([
      'access/b: is a symbolic link to a folder, which ** does not follow',
    ]);
  });

  test('many of them, beside as many files, are as quick as those; but not without end where they lead elsewhere', async () => {
    const linked = (to: string) => (where: string) => {
      const [text, target] = [blobOf(where, 'a\n'), blobOf(where, to)];
      const many = Array.from({ length: 20_000 }, (_, i): Node[] => [
        file(`f${i}.yaml`, text),
        { mode: '120000', name: `l${i}`, object: target },
      ]);
      return treeOf(where, [folder('a', one(where)), ...many.flat()]);
    };
    const repository = repositoryOf(linked('a'));
    const began = performance.now();
    expect(await names(repository, 'access')).toHaveLength(20_001);
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(await refused(repositoryOf(linked('../elsewhere')), 'access')).toBe(
      'RC129 there are more than 10,000 symbolic links that lead elsewhere (name only the folders with the manifests)',
    );
  });
});

/** A tree in which something is not what its mode says. */
function rawTree(repository: string, { mode, name, object }: Node): string {
  const input = Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(object, 'hex')]);
  return execFileSync('git', ['hash-object', '-t', 'tree', '-w', '--stdin'], { cwd: repository, input })
    .toString()
    .trim();
}
