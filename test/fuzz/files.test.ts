import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/core/document.ts';
import { readInput } from '../../src/core/read-input.ts';
import { filesSource } from '../../src/sources/files.ts';
import { asText, temporary, user, useTemporary } from '../support/bad-input.ts';
import { corpus } from '../support/fuzz-corpus.ts';
import { fillFolder } from '../support/fuzz-folder.ts';
import { hostile } from '../support/fuzz-hostile.ts';
import { numbers } from '../support/fuzz-numbers.ts';
import { measured } from '../support/fuzz-process.ts';
import { Tape } from '../support/tape.ts';

/** Folders, and what is in them, that are no folders of manifests: no crash, no waiting, every problem names its file. */
const LONG = process.env.ROLECALL_LONG === '1';
const FOLDERS = LONG ? 2000 : 150;
const FILES = LONG ? 100_000 : 5000;
const MINUTE = 60_000;

useTemporary();

const texts = corpus();
const noStdin = async () => new Uint8Array();

/** A folder in a folder: what leads out of it does not lead far. */
function inside(): string {
  const folder = join(temporary(), 'in');
  mkdirSync(folder);
  return folder;
}

/** The problems of reading these paths that do not say what they are about. */
async function unplaced(cwd: string, paths: readonly string[]): Promise<string[]> {
  const loaded = await filesSource({ paths, cwd, readStdin: noStdin }).load();
  const read = readInput(loaded.texts);
  const files = new Set(loaded.texts.map(({ file }) => file));
  return [
    ...loaded.problems.filter(
      ({ code, message, place }) => !place && !(/^RC1(?:01|20)$/.test(code) && message.includes(': ')),
    ),
    ...read.problems.filter(({ code, place }) => (place ? !files.has(place.file) : code !== 'RC120')),
  ].map((problem) => JSON.stringify(problem));
}

describe(`${FOLDERS.toLocaleString('en')} folders of links, pipes, devices, sockets and strange names`, () => {
  test('are read to an end, and every problem names its file', { timeout: 20 * MINUTE }, async () => {
    for (let seed = 0; seed < FOLDERS; seed++) {
      const cwd = inside();
      const folder = fillFolder(cwd, new Tape(numbers(seed, 300)), texts);
      const started = performance.now();
      const names = readdirSync(cwd).filter((name) => name !== '');
      const wrong = [
        ...(await unplaced(cwd, ['.'])),
        ...(await unplaced(cwd, names.slice(0, 3))),
        ...(await unplaced(cwd, ['**/*.yaml', '*/*', '.*'])),
      ];
      folder.close();
      const told = `folder ${seed}: ${folder.put.join(', ')}`;
      expect(wrong, told).toEqual([]);
      expect(performance.now() - started, told).toBeLessThan(20_000);
    }
  });

  test('are refused by the program, with each problem at a place or with its file', {
    timeout: 10 * MINUTE,
  }, async () => {
    for (let seed = 0; seed < (LONG ? 100 : 8); seed++) {
      const cwd = inside();
      const folder = fillFolder(cwd, new Tape(numbers(10_000 + seed, 300)), texts);
      writeFileSync(join(cwd, 'last.yaml'), 'a: 1\n');
      const { exit, stdout, stderr, mebibytes } = await measured(
        cwd,
        ['validate', '-f', '.', '-o', 'json'],
        60,
      );
      folder.close();
      expect({ exit, stdout }, folder.put.join(', ')).toEqual({ exit: 4, stdout: '' });
      expect(asText(stderr)).toMatch(/^(?:(?:.+:\d+:\d+: )?(?:error|warning) RC1\d\d: .+\n(?: {2}.+\n)?)+$/);
      expect(mebibytes).toBeLessThan(400);
    }
  });
});

test('a folder in a folder in a folder, a hundred deep, and links around it', {
  timeout: MINUTE,
}, async () => {
  const cwd = temporary();
  let folder = cwd;
  for (let depth = 0; depth < 100; depth++) {
    folder = join(folder, 'd');
    mkdirSync(folder);
    symlinkSync('..', join(folder, 'up'));
    symlinkSync('.', join(folder, 'here'));
  }
  writeFileSync(join(folder, 'a.yaml'), user('ana'));
  const { texts: read, problems } = await filesSource({ paths: ['.'], cwd, readStdin: noStdin }).load();
  expect([read.map(({ text }) => text), problems]).toEqual([[user('ana')], []]);
});

test('the devices of the system, given by their names', { timeout: MINUTE }, async () => {
  const devices = [
    '/dev/zero',
    '/dev/full',
    '/dev/null',
    '/dev/random',
    '/dev/urandom',
    '/dev/tty',
    '/dev/stdin',
    '/dev/ptmx',
  ];
  for (const device of devices) {
    const { exit, stdout, stderr, mebibytes } = await measured(
      temporary(),
      ['validate', '-f', device, '-o', 'json'],
      20,
    );
    expect({ exit, stdout }).toEqual({ exit: 4, stdout: '' });
    expect(asText(stderr)).toContain(device);
    expect(mebibytes).toBeLessThan(200);
  }
});

test('files that grow, shrink, vanish and turn into pipes while they are read', {
  timeout: MINUTE,
}, async () => {
  const cwd = temporary();
  const writer = spawn(process.execPath, ['-e', WRITER], { cwd, stdio: 'ignore' });
  try {
    for (const until = performance.now() + 5000; performance.now() < until; )
      expect(await unplaced(cwd, ['.', 'f1.yaml', '*.yaml'])).toEqual([]);
  } finally {
    writer.kill('SIGKILL');
  }
});

const WRITER = `
const fs = require('node:fs');
const { spawnSync } = require('node:child_process');
const attempt = (run) => { try { run(); } catch {} };
for (let i = 0; ; i++) {
  const file = 'f' + (i % 7) + '.yaml';
  const text = 'a: ' + 'x'.repeat(i % 5000) + '\\n';
  switch ((i * 7919) % 8) {
    case 0: attempt(() => fs.unlinkSync(file)); break;
    case 1: attempt(() => fs.appendFileSync(file, text, { flag: fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_NONBLOCK })); break;
    case 2: attempt(() => fs.truncateSync(file, 1)); break;
    case 3: if (i % 50 === 3) { attempt(() => fs.unlinkSync(file)); spawnSync('sh', ['-c', 'mkfifo ' + file]); } break;
    case 4: attempt(() => { fs.unlinkSync(file); fs.symlinkSync('f' + (i % 3) + '.yaml', file); }); break;
    case 5: attempt(() => { fs.unlinkSync(file); fs.mkdirSync(file); fs.rmdirSync(file); }); break;
    case 6: attempt(() => { fs.mkdirSync('d', { recursive: true }); fs.writeFileSync('d/a.yaml', text); fs.rmSync('d', { recursive: true }); }); break;
    default: attempt(() => { fs.unlinkSync(file); fs.writeFileSync(file, text); });
  }
}`;

describe(`${FILES.toLocaleString('en')} files`, () => {
  /** A folder of them, a hundred in each folder of it. */
  function many(content: (i: number) => string | Uint8Array): string {
    const cwd = temporary();
    for (let i = 0; i < FILES; i++) {
      const folder = join(cwd, `d${Math.floor(i / 10_000)}`, `e${Math.floor(i / 100) % 100}`);
      if (i % 100 === 0) mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `f${i}.yaml`), content(i));
    }
    return cwd;
  }

  test('of one manifest each are read', { timeout: 20 * MINUTE }, async () => {
    const cwd = many((i) => user(`u${i}`));
    const { exit, stdout, stderr, mebibytes, seconds } = await measured(cwd, ['validate', '-f', '.'], 600);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(stdout).toContain(FILES.toLocaleString('en'));
    expect(mebibytes).toBeLessThan(LONG ? 1500 : 400);
    expect(seconds).toBeLessThan(LONG ? 300 : 30);
    execFileSync('rm', ['-rf', cwd]);
  });

  test('that are hostile are refused, each problem at its place', { timeout: 20 * MINUTE }, async () => {
    const cwd = many((i) => {
      const { content } = hostile(i, texts);
      return content.length > LIMITS.scalarLength / 10 ? '' : content;
    });
    const { exit, stdout, stderr, mebibytes, seconds } = await measured(
      cwd,
      ['validate', '-f', '.', '-o', 'json'],
      600,
    );
    expect({ exit, stdout }).toEqual({ exit: 4, stdout: '' });
    const { items } = JSON.parse(stderr) as {
      items: { file: string | null; line: number; message: string }[];
    };
    expect(items.length).toBeGreaterThan(FILES / 10);
    expect(items.filter(({ file, line }) => file === null || line < 1)).toEqual([]);
    expect(mebibytes).toBeLessThan(LONG ? 3000 : 600);
    expect(seconds).toBeLessThan(LONG ? 300 : 60);
    execFileSync('rm', ['-rf', cwd]);
  });
});
