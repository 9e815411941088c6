import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesSource } from '../../src/sources/files.ts';
import { expandGlob } from '../../src/sources/glob.ts';
import type { Loaded } from '../../src/sources/source.ts';
import { temporary, user, useTemporary } from '../support/bad-input.ts';
import { runIam } from '../support/run-iam.ts';

useTemporary();

function load(cwd: string, paths: readonly string[], stdin = ''): Promise<Loaded> {
  return filesSource({ paths, cwd, readStdin: async () => new TextEncoder().encode(stdin) }).load();
}

/** The names of what is read; there must be no problem. */
async function read(cwd: string, ...paths: readonly string[]): Promise<string[]> {
  const { texts, problems } = await load(cwd, paths);
  expect(problems).toEqual([]);
  return texts.map(({ file }) => file).sort();
}

describe('a folder', () => {
  test('is read with all below it: yaml, yml, json, jsonl, however they are written', async () => {
    const cwd = temporary({
      'a.yaml': 'a',
      'b/c/d.yml': 'a',
      'e.json': 'a',
      'f.jsonl': 'a',
      'G.YAML': 'a',
      'h.txt': 'a',
      'i.yaml.bak': 'a',
      'j.yaml/k.yaml': 'a',
      yaml: 'a',
    });
    expect(await read(cwd, '.')).toEqual([
      'G.YAML',
      'a.yaml',
      'b/c/d.yml',
      'e.json',
      'f.jsonl',
      'j.yaml/k.yaml',
    ]);
  });

  test('without names that begin with a dot, unless they are given themselves', async () => {
    const cwd = temporary({ 'a.yaml': 'a', '.b.yaml': 'a', '.c/d.yaml': 'a' });
    expect(await read(cwd, '.')).toEqual(['a.yaml']);
    expect(await read(cwd, '.b.yaml', '.c')).toEqual(['.b.yaml', '.c/d.yaml']);
    expect(await read(cwd, '.*', '.*/*')).toEqual(['.b.yaml', '.c/d.yaml']);
  });

  test('links inside of it are read where they lead, once', async () => {
    const cwd = temporary({ 'in/a.yaml': 'a', 'in/b/c.yaml': 'a' });
    symlinkSync('a.yaml', join(cwd, 'in/0.yaml'));
    symlinkSync('b', join(cwd, 'in/link'));
    symlinkSync('../a.yaml', join(cwd, 'in/b/up.yaml'));
    expect(await read(cwd, 'in')).toEqual(['in/0.yaml', 'in/b/c.yaml']);
  });

  test('that is a link itself is read', async () => {
    const cwd = temporary({ 'real/a.yaml': 'a', 'real/b/c.yaml': 'a' });
    symlinkSync('real', join(cwd, 'link'));
    symlinkSync('a.yaml', join(cwd, 'real/z.yaml'));
    expect(await read(cwd, 'link')).toEqual(['link/a.yaml', 'link/b/c.yaml']);
  });
});

describe('.iamignore', () => {
  test('leaves out files and folders, with negation', async () => {
    const cwd = temporary({
      '.iamignore': '# not for Rolecall\nkustomization.yaml\n/drafts/\n*.json\n!keep.json\n',
      'kustomization.yaml': '',
      'a.yaml': 'a',
      'b/kustomization.yaml': '',
      'b/drafts/c.yaml': 'a',
      'drafts/d.yaml': '- not even valid',
      'e.json': '',
      'b/keep.json': 'a',
    });
    expect(await read(cwd, '.')).toEqual(['a.yaml', 'b/drafts/c.yaml', 'b/keep.json']);
  });

  test('of an inner folder has the last word on what is in it', async () => {
    const cwd = temporary({
      '.iamignore': '*.json\nold-*\n',
      'a.json': '',
      'in/.iamignore': '!a.json\nb.yaml\n!old-c.yaml\n',
      'in/a.json': 'a',
      'in/b.yaml': 'a',
      'in/c/b.yaml': 'a',
      'in/old-c.yaml': 'a',
      'b.yaml': 'a',
    });
    expect(await read(cwd, '.')).toEqual(['b.yaml', 'in/a.json', 'in/old-c.yaml']);
  });

  test('is that of the folder given, and of those in it: not of those around it', async () => {
    const cwd = temporary({ '.iamignore': '*', 'in/a.yaml': 'a' });
    expect(await read(cwd, 'in')).toEqual(['in/a.yaml']);
  });

  test('does not leave out what is given itself', async () => {
    const cwd = temporary({ '.iamignore': '*', 'a.yaml': 'a', 'b.yaml': 'a' });
    expect(await read(cwd, 'a.yaml')).toEqual(['a.yaml']);
    expect(await read(cwd, '*.yaml')).toEqual(['a.yaml', 'b.yaml']);
  });

  test('leaves out links that lead out, and what is no file', async () => {
    const cwd = temporary({ 'in/.iamignore': 'link.yaml\nothers/\npipe.yaml\n', 'in/a.yaml': 'a' });
    symlinkSync('/etc/hostname', join(cwd, 'in/link.yaml'));
    symlinkSync('/etc', join(cwd, 'in/others'));
    execFileSync('sh', ['-c', 'mkfifo in/pipe.yaml'], { cwd });
    expect(await read(cwd, 'in')).toEqual(['in/a.yaml']);
  });

  test('may be empty, or have CR LF', async () => {
    const cwd = temporary({
      '.iamignore': '',
      'a.yaml': 'a',
      'b/.iamignore': 'c.yaml\r\nd.yaml\r\n',
      'b/c.yaml': 'a',
      'b/d.yaml': 'a',
      'b/e.yaml': 'a',
    });
    expect(await read(cwd, '.')).toEqual(['a.yaml', 'b/e.yaml']);
  });
});

describe('one file is read once', () => {
  test('however often and however it is spelt, under the first of its names', async () => {
    const cwd = temporary({ 'a.yaml': user('ana'), 'b/c.yaml': user('cy') });
    symlinkSync('a.yaml', join(cwd, 'z.yaml'));
    symlinkSync('b', join(cwd, 'y'));
    const paths = [
      'z.yaml',
      './a.yaml',
      'a.yaml',
      'b/../a.yaml',
      join(cwd, 'b/c.yaml'),
      'y/c.yaml',
      '.',
      './b/',
      '*.yaml',
      '**/*.yaml',
    ];
    const names = ['a.yaml', join(cwd, 'b/c.yaml')].sort();
    expect(await read(cwd, ...paths)).toEqual(names);
    expect(await read(cwd, ...paths.toReversed())).toEqual(names);
    const { stdout, exit } = await runIam(['validate', ...paths.flatMap((path) => ['-f', path])], { cwd });
    expect({ stdout, exit }).toEqual({ stdout: 'valid: 2 resources (2 User)\n', exit: 0 });
  });

  test('stdin too, beside files', async () => {
    const cwd = temporary({ 'a.yaml': user('ana') });
    const { exit, stdout } = await runIam(['validate', '-f', '-', '-f', 'a.yaml', '-f', '-'], {
      cwd,
      stdin: user('bo'),
    });
    expect({ stdout, exit }).toEqual({ stdout: 'valid: 2 resources (2 User)\n', exit: 0 });
  });
});

describe('stdin', () => {
  const json = (name: string) =>
    JSON.stringify({
      apiVersion: 'rolecall.dev/v1alpha1',
      kind: 'User',
      metadata: { name },
      spec: { email: `${name}@b.example` },
    });
  test.each([
    ['YAML', `${user('ana')}---\n${user('bo')}`],
    ['YAML with a byte order mark', `\ufeff${user('ana')}---\n${user('bo')}`],
    ['YAML with CR LF', `${user('ana')}---\n${user('bo')}`.replaceAll('\n', '\r\n')],
    ['JSON Lines', `${json('ana')}\n${json('bo')}\n`],
    ['JSON Lines with CR LF, and no end', `${json('ana')}\r\n${json('bo')}`],
    ['JSON documents in YAML', `${json('ana')}\n---\n${json('bo')}\n`],
    ['a List in one line', `{"apiVersion":"v1","kind":"List","items":[${json('ana')},${json('bo')}]}\n`],
  ])('%s', async (_, stdin) => {
    const { exit, stdout, stderr } = await runIam(['validate', '-f', '-'], { cwd: temporary({}), stdin });
    expect({ stdout, stderr, exit }).toEqual({
      stdout: 'valid: 2 resources (2 User)\n',
      stderr: '',
      exit: 0,
    });
  });
});

describe('while it is read', () => {
  /** Paths that do something when the one after the first is asked for: the first has been found by then. */
  function pathsThen(act: () => void, ...paths: readonly string[]): string[] {
    const hooked = [...paths];
    Object.defineProperty(hooked, Symbol.iterator, {
      *value() {
        for (const [index, path] of paths.entries()) {
          if (index === 1) act();
          yield path;
        }
      },
    });
    return hooked;
  }

  test('a file that vanishes is a problem', async () => {
    const cwd = temporary({ 'a.yaml': user('ana'), 'b.yaml': user('bo') });
    const { problems } = await load(
      cwd,
      pathsThen(() => unlinkSync(join(cwd, 'a.yaml')), 'a.yaml', 'b.yaml'),
    );
    expect(problems).toEqual([
      { code: 'RC101', severity: 'error', message: 'a.yaml: vanished while it was read', hint: 'run again' },
    ]);
  });

  test('a pipe in the place of a file is a problem, and nothing waits for it', async () => {
    const cwd = temporary({ 'a.yaml': user('ana'), 'b.yaml': user('bo') });
    const swap = () => {
      unlinkSync(join(cwd, 'a.yaml'));
      execFileSync('sh', ['-c', 'mkfifo a.yaml'], { cwd });
    };
    const { problems } = await load(cwd, pathsThen(swap, 'a.yaml', 'b.yaml'));
    expect(problems.map(({ message }) => message)).toEqual(['a.yaml: is not a file']);
  });

  test('a file that grows is a problem', async () => {
    const cwd = temporary({ 'a.yaml': `# ${'x'.repeat(2 ** 25)}\n` });
    const writer = spawn(
      process.execPath,
      ['-e', `const fs = require('node:fs'); console.log('on'); for (;;) fs.appendFileSync('a.yaml', '#');`],
      { cwd },
    );
    try {
      await once(writer.stdout, 'data');
      const messages = new Set<string>();
      for (let i = 0; i < 20 && messages.size === 0; i++)
        for (const { message } of (await load(cwd, ['a.yaml'])).problems) messages.add(message);
      expect([...messages]).toEqual(['a.yaml: changed while it was read']);
    } finally {
      writer.kill('SIGKILL');
    }
  });

  test('a file that does not change is none, whatever its time', async () => {
    const cwd = temporary({ 'a.yaml': user('ana') });
    utimesSync(join(cwd, 'a.yaml'), 0, 0);
    expect(await read(cwd, 'a.yaml')).toEqual(['a.yaml']);
    appendFileSync(join(cwd, 'a.yaml'), '# more\n');
    expect((await load(cwd, ['a.yaml'])).texts).toEqual([{ file: 'a.yaml', text: `${user('ana')}# more\n` }]);
  });
});

describe('globs', () => {
  const FILES = {
    'a.yaml': 'a',
    'b.yml': 'a',
    'c/a.yaml': 'a',
    'c/d/a.yaml': 'a',
    'e/a.json': 'a',
    '.f/a.yaml': 'a',
    'g/.a.yaml': 'a',
    'g[1].yaml': 'a',
    'c/e{f}.yaml': 'a',
  };
  test.each([
    ['*.yaml', ['a.yaml', 'g[1].yaml']],
    ['*.{yaml,yml}', ['a.yaml', 'b.yml', 'g[1].yaml']],
    ['?.y*ml', ['a.yaml', 'b.yml']],
    ['[a-b].*', ['a.yaml', 'b.yml']],
    ['*/a.yaml', ['c/a.yaml']],
    ['**/a.yaml', ['a.yaml', 'c/a.yaml', 'c/d/a.yaml']],
    ['c/**', ['c/a.yaml', 'c/d/a.yaml', 'c/e{f}.yaml']],
    ['{c,e}/*', ['c/a.yaml', 'c/d/a.yaml', 'c/e{f}.yaml', 'e/a.json']],
    ['{c/d,e}/a.*', ['c/d/a.yaml', 'e/a.json']],
    ['./c/../*.yml', ['b.yml']],
    ['.f/*', ['.f/a.yaml']],
    ['g[1].yaml', ['g[1].yaml']],
    ['c/e{f}.yaml', ['c/e{f}.yaml']],
  ])('%s', async (glob, files) => {
    expect(await read(temporary(FILES), glob)).toEqual(files);
  });

  test('of a whole path', async () => {
    const cwd = temporary(FILES);
    expect(await read('/', join(cwd, '*.yml'))).toEqual([join(cwd, 'b.yml')]);
  });

  test('do not follow links into folders at any depth', async () => {
    const cwd = temporary({ 'a/b.yaml': 'a' });
    symlinkSync('..', join(cwd, 'a/up'));
    expect(await read(cwd, '**/b.yaml')).toEqual(['a/b.yaml']);
  });

  test('ask for no folder that cannot match', () => {
    const asked: string[] = [];
    expandGlob(
      'a/{b,c}/*.yaml',
      (name) => {
        asked.push(name);
        return name === '.' ? [{ name: 'a', isFolder: true, isLink: false }] : [];
      },
      () => {},
      () => {},
    );
    expect(new Set(asked)).toEqual(new Set(['.', 'a']));
  });
});

test('every text is what is in its file', async () => {
  const cwd = temporary({});
  writeFileSync(join(cwd, 'a.yaml'), '\ufeffä\r\n😀\n');
  expect((await load(cwd, ['a.yaml'])).texts).toEqual([{ file: 'a.yaml', text: 'ä\r\n😀\n' }]);
});
