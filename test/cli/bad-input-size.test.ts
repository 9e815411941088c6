/** Input that is too big: refused in a short time and with little memory, measured in a process of its own. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { asText, temporary, useStore } from '../support/bad-input.ts';

useStore();

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts');
const MIB = 2 ** 20;
/** Says at the end, on the last line of stderr, how much memory the process had at most, in KiB. */
const MEASURE =
  'data:text/javascript,process.on("exit",()=>process.stderr.write(String(process.resourceUsage().maxRSS)))';

/** A file of this many bytes: `start`, then `rest` again and again. */
function write(file: string, start: string, rest: string, bytes: number): void {
  const block = Buffer.from(rest.repeat(Math.ceil(MIB / rest.length)));
  const descriptor = openSync(file, 'w');
  writeSync(descriptor, start);
  for (let written = start.length; written < bytes; written += block.length) writeSync(descriptor, block);
  closeSync(descriptor);
  truncateSync(file, bytes);
}

function apply(cwd: string, file: string, stdin?: number) {
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', MEASURE, MAIN, 'apply', '-f', stdin === undefined ? file : '-', '-o', 'json'],
    {
      cwd,
      encoding: 'utf8',
      maxBuffer: 64 * MIB,
      stdio: [stdin ?? 'ignore', 'pipe', 'pipe'],
    },
  );
  const [problems = '', peak = ''] = stderr.split('\n');
  return {
    exit: status,
    stdout,
    problems: asText(problems),
    mebibytes: Number(peak) / 1024,
    seconds: (performance.now() - began) / 1000,
  };
}

const TOO_LARGE = 'a.yaml:1:1: error RC103: the file is larger than 64 MiB\n  split it\n';
const TOO_LONG = 'a.yaml:1:1: error RC103: a document longer than 8 MiB\n  split it with ---\n';
const MANY =
  /^a\.\w+:1:1: error RC103: 1,000 mistakes in this file: the rest of it was not read\n(?:.*\n){1,3}a\.\w+:1:1: error RC105/;

interface Case {
  readonly name: string;
  readonly start?: string;
  readonly rest: string;
  readonly bytes: number;
  readonly problems: string | RegExp;
  /** MiB at most; an empty Node program takes 50. */
  readonly memory: number;
}

const CASES: readonly Case[] = [
  { name: 'a text of 200 MB', start: 'a: ', rest: 'x', bytes: 200_000_003, problems: TOO_LARGE, memory: 200 },
  { name: 'a text of 60 MB', start: 'a: ', rest: 'x', bytes: 60_000_003, problems: TOO_LONG, memory: 400 },
  { name: '64 MB of brackets', rest: '[', bytes: 64_000_000, problems: TOO_LONG, memory: 400 },
  {
    name: '8 MB of brackets',
    rest: '[',
    bytes: 8_000_000,
    problems: 'a.yaml:1:64: error RC103: this is nested more than 64 deep\n  no manifest nests that deep\n',
    memory: 300,
  },
  {
    name: '4 MB of one list',
    rest: '- a\n',
    bytes: 4_000_000,
    problems: /^a\.yaml:1:1: error RC105: not a manifest: it must be a mapping, not a list\n/,
    memory: 800,
  },
  {
    name: '64 MB of empty documents',
    rest: '---\n',
    bytes: 64_000_000,
    problems: /^error RC120: no manifest in a\.yaml\n/,
    memory: 500,
  },
  {
    name: '64 MB of documents that are no manifest',
    rest: 'a\n---\n',
    bytes: 64_000_000,
    problems: MANY,
    memory: 1000,
  },
];

test.each(CASES)('$name', ({ start = '', rest, bytes, problems, memory }) => {
  const cwd = temporary();
  write(join(cwd, 'a.yaml'), start, rest, bytes);
  const told = apply(cwd, 'a.yaml');
  expect(told.problems).toMatch(problems);
  if (typeof problems === 'string') expect(told.problems).toBe(problems);
  expect(told).toMatchObject({ exit: 4, stdout: '' });
  expect(told.mebibytes).toBeLessThan(memory);
  expect(told.seconds).toBeLessThan(20);
  expect(existsSync(join(cwd, '.iam'))).toBe(false);
});

test('a sparse file of 1 TiB', () => {
  const cwd = temporary({ 'a.yaml': 'a: ' });
  truncateSync(join(cwd, 'a.yaml'), 2 ** 40);
  const told = apply(cwd, 'a.yaml');
  expect(told).toMatchObject({ exit: 4, problems: TOO_LARGE });
  expect(told.mebibytes).toBeLessThan(200);
});

test('64 MB of JSON Lines that are no manifest', () => {
  const cwd = temporary();
  write(join(cwd, 'a.jsonl'), '', '{}\n', 64_000_000);
  const told = apply(cwd, 'a.jsonl');
  expect(told.problems).toMatch(MANY);
  expect(told.exit).toBe(4);
  expect(told.mebibytes).toBeLessThan(1000);
});

test('100 MB from stdin', () => {
  const cwd = temporary();
  const file = join(cwd, 'input');
  writeFileSync(file, '');
  write(file, 'a: ', 'x', 100_000_000);
  const descriptor = openSync(file, 'r');
  const told = apply(cwd, '-', descriptor);
  closeSync(descriptor);
  expect(told).toMatchObject({ exit: 4, problems: TOO_LARGE.replace('a.yaml', 'stdin') });
  expect(told.mebibytes).toBeLessThan(500);
});
