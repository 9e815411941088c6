import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type OutputFile, writeFolder } from '../../src/cli/folder-output.ts';
import { EXIT, Failure } from '../../src/core/problem.ts';

const MARKER = '.rolecall-test';
const HEAD = '# Written by iam, which replaces and removes these files.\n';

let base: string;
let dir: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'rolecall-'));
  dir = join(base, 'out');
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

const write = (files: Record<string, OutputFile['text']>) =>
  writeFolder(
    dir,
    MARKER,
    Object.entries(files).map(([path, text]) => ({ path, text })),
  );

function put(path: string, text: string) {
  mkdirSync(dirname(join(base, path)), { recursive: true });
  writeFileSync(join(base, path), text);
}

/** All files below the temporary folder, with their texts. */
function tree(folder = base, prefix = ''): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { withFileTypes: true }).flatMap((entry): [string, string][] => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return Object.entries(tree(path, `${prefix}${entry.name}/`));
      return [[prefix + entry.name, entry.isSymbolicLink() ? '(link)' : readFileSync(path, 'utf8')]];
    }),
  );
}

function refusals(act: () => void): string[] {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.exit).toBe(EXIT.invalid);
    expect(error.problems.every(({ code }) => code === 'RC128')).toBe(true);
    return error.problems.map(({ message }) => message.replaceAll(base, ''));
  }
  return [];
}

/** Expects a refusal with these messages, and that nothing at all was changed. */
function refuses(files: Record<string, OutputFile['text']>, messages: string[]) {
  const before = tree();
  expect(refusals(() => write(files))).toEqual(messages);
  expect(tree()).toEqual(before);
}

describe('writeFolder', () => {
  test('makes the folder, and lists what it wrote', () => {
    write({ 'users.yaml': 'a\n', 'acme/groups.yaml': ['b\n', 'ü\n'] });
    expect(tree()).toEqual({
      'out/.rolecall-test': `${HEAD}acme/groups.yaml\nusers.yaml\n`,
      'out/acme/groups.yaml': 'b\nü\n',
      'out/users.yaml': 'a\n',
    });
  });

  test('takes a folder that is empty, and one behind a link', () => {
    mkdirSync(join(base, 'real'));
    symlinkSync('real', dir);
    write({ 'a.yaml': 'a' });
    expect(readFileSync(join(base, 'real/a.yaml'), 'utf8')).toBe('a');
  });

  test('replaces what is listed, removes what is not written any more with its empty folders, and keeps the rest', () => {
    write({ 'a.yaml': '1', 'b/c/d.yaml': '2', 'b/e.yaml': '3', 'f/g.yaml': '4' });
    put('out/f/mine.txt', 'mine');
    write({ 'a.yaml': '5', 'b/e.yaml': '6' });
    expect(tree()).toEqual({
      'out/.rolecall-test': `${HEAD}a.yaml\nb/e.yaml\n`,
      'out/a.yaml': '5',
      'out/b/e.yaml': '6',
      'out/f/mine.txt': 'mine',
    });
    expect(existsSync(join(dir, 'b/c'))).toBe(false);
  });

  test('refuses a folder that is not ours', () => {
    put('out/notes.txt', 'mine');
    refuses({ 'a.yaml': 'a' }, ['/out is not empty and has no .rolecall-test']);
  });

  test('refuses what is not a folder', () => {
    put('out', 'a file');
    refuses({ 'a.yaml': 'a' }, ['/out is not a folder']);
    rmSync(dir);
    symlinkSync('nowhere', dir);
    refuses({ 'a.yaml': 'a' }, ['/out is a link to nothing']);
  });

  test('names every file that exists and is not listed', () => {
    write({ 'a.yaml': '1' });
    put('out/b.yaml', 'mine');
    put('out/c/d.yaml', 'mine');
    refuses({ 'a.yaml': '2', 'b.yaml': '2', 'c/d.yaml': '2' }, [
      '/out/b.yaml exists, and .rolecall-test does not list it',
      '/out/c/d.yaml exists, and .rolecall-test does not list it',
    ]);
  });

  test.each([
    '../secret',
    '/secret',
    'a/../../secret',
    './a',
    'a//b',
    'a\\b',
    'C:secret',
    'a\u0007',
    '.rolecall-test',
  ])('trusts no path of a marker: %j', (path) => {
    put('secret', 'theirs');
    put(`out/${MARKER}`, `${path}\n`);
    refuses({ 'a.yaml': 'a' }, [`${JSON.stringify(path)} is not the path of a file in /out`]);
  });

  test.each(['../a', '/a', 'a/..', '', MARKER, '#a'])('writes no path that leads elsewhere: %j', (path) => {
    refuses({ [path]: 'a' }, [`${JSON.stringify(path)} is not the path of a file in /out`]);
  });

  test('neither writes nor removes through a link', () => {
    put('theirs/a.yaml', 'theirs');
    put(`out/${MARKER}`, 'link/a.yaml\nfile.yaml\n');
    symlinkSync('../theirs', join(dir, 'link'));
    symlinkSync('../theirs/a.yaml', join(dir, 'file.yaml'));
    refuses({}, ['/out/link is not a folder, but a link', '/out/file.yaml is not a file, but a link']);
    refuses({ 'link/a.yaml': '2', 'file.yaml': '2' }, [
      '/out/file.yaml is not a file, but a link',
      '/out/link is not a folder, but a link',
    ]);
  });

  test('refuses a marker that is a link, and a folder or file in the way', () => {
    put('theirs', 'a.yaml\n');
    mkdirSync(dir);
    symlinkSync('../theirs', join(dir, MARKER));
    refuses({ 'a.yaml': 'a' }, ['/out/.rolecall-test is not a file']);
    rmSync(join(dir, MARKER));
    put(`out/${MARKER}`, 'a.yaml\nb\n');
    put('out/a.yaml/x', 'x');
    put('out/b', 'b');
    refuses({ 'a.yaml': 'a', 'b/c': 'c' }, [
      '/out/a.yaml is not a file, but a folder',
      '/out/b is not a folder, but a file',
    ]);
  });

  test('refuses the same path twice', () => {
    expect(
      refusals(() =>
        writeFolder(dir, MARKER, [
          { path: 'a', text: '' },
          { path: 'a', text: '' },
        ]),
      ),
    ).toEqual(['/out/a would be written twice']);
  });

  test('goes on after a crash in the middle', () => {
    write({ 'a.yaml': '1', 'b.yaml': '1' });
    const crash = function* () {
      yield 'half';
      throw new Error('crash');
    };
    expect(() => write({ 'b.yaml': '2', 'c.yaml': crash(), 'd.yaml': '2' })).toThrow('crash');
    expect(tree()).toEqual({
      'out/.rolecall-test': `${HEAD}a.yaml\nb.yaml\nc.yaml\nd.yaml\n`,
      'out/a.yaml': '1',
      'out/b.yaml': '2',
    });
    write({ 'b.yaml': '3', 'c.yaml': '3' });
    expect(tree()).toEqual({
      'out/.rolecall-test': `${HEAD}b.yaml\nc.yaml\n`,
      'out/b.yaml': '3',
      'out/c.yaml': '3',
    });
  });

  test.skipIf(process.getuid?.() === 0)(
    'says why a folder cannot be written (not as root, who can write everywhere)',
    () => {
      mkdirSync(dir);
      chmodSync(dir, 0o500);
      expect(refusals(() => write({ 'a.yaml': 'a' }))).toEqual(['/out cannot be written: EACCES']);
    },
  );

  test('says why a path cannot be a folder', () => {
    put('out', 'a file');
    expect(refusals(() => writeFolder(join(dir, 'below'), MARKER, []))[0]).toMatch(
      /^\/out\/below cannot be (read|written): ENOTDIR$/,
    );
  });
});
