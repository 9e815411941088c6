import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { user } from './bad-input.ts';
import { hostile } from './fuzz-hostile.ts';
import type { Tape } from './tape.ts';

/** Names that a terminal, a shell or a pattern takes for something else. */
const NAMES: readonly [string, ...string[]] = [
  'a',
  ...[
    'b',
    'c d',
    '-f',
    '--prune',
    '*',
    '[a]',
    '{a,b}',
    '?',
    '!a',
    '#a',
    '~',
    '$HOME',
    '`id`',
    "'",
    '"',
    '\\',
    'a;b',
  ],
  ...[
    '\u0001',
    '\n',
    '\r',
    '\t',
    '\u001b[31m',
    '\u0007',
    '\u007f',
    '\u0085',
    '\u202e',
    '\u2028',
    '\ufeff',
    '\u200b',
    'e\u0301',
  ],
  ...[
    'é',
    '💩',
    'a'.repeat(200),
    '...',
    '.hidden',
    'constructor',
    '__proto__',
    'COM1',
    'a.yaml.',
    ' ',
    '-',
    '%00',
    '../a',
  ],
];

const ENDS: readonly [string, ...string[]] = [
  '.yaml',
  '.yaml',
  '.yml',
  '.json',
  '.jsonl',
  '.YAML',
  '.txt',
  '',
];

/** Where links lead; most of it is out of the folder, or nowhere. None leads to a folder of the system, to be read whole. */
const TARGETS: readonly [string, ...string[]] = [
  '.',
  ...[
    '..',
    '../out',
    '../out/a.yaml',
    '/dev/zero',
    '/dev/full',
    '/dev/random',
    '/dev/null',
    '/dev/stdin',
    '/dev/tty',
  ],
  ...[
    '/proc/self/mem',
    '/proc/self/fd/0',
    '/etc/hostname',
    '/nowhere',
    'nowhere',
    'a.yaml',
    'b.yaml',
    'a',
    './a/../a',
  ],
  ...['a/a.yaml', '../a.yaml'],
];

const NOT_UTF8 = Buffer.from([0x66, 0xff, 0xfe, 0x2e, 0x79, 0x61, 0x6d, 0x6c]);

export interface HostileFolder {
  /** Everything that was put there, for a report. */
  readonly put: readonly string[];
  /** Lets go of what is open. */
  close(): void;
}

/** Fills a folder, and `out` beside it, with what no folder of manifests should have. */
export function fillFolder(folder: string, tape: Tape, texts: readonly string[]): HostileFolder {
  const put: string[] = [];
  const open: { close(): void }[] = [];
  const fill = (into: string, depth: number): void => {
    for (let left = 1 + tape.below(6); left > 0; left--) {
      const name = tape.chance(12)
        ? '.iamignore'
        : `${tape.pick(NAMES)}${tape.pick(ENDS)}`.replaceAll('/', '_');
      const path = join(into, name);
      const what = tape.below(14);
      try {
        add(path, what);
        put.push(`${what} ${JSON.stringify(path.slice(folder.length + 1))}`);
      } catch {
        // The name is taken, or none that this file system has.
      }
      if (what === 13 && depth > 0) fill(path, depth - 1);
    }
  };
  const add = (path: string, what: number): void => {
    switch (what) {
      case 0:
      case 1: {
        const { content } = hostile(tape.below(2 ** 31), texts);
        writeFileSync(path, content.length > 100_000 ? '' : content, { flag: 'wx' });
        return;
      }
      case 2:
      case 3:
      case 4:
        symlinkSync(tape.pick(TARGETS), path);
        return;
      case 5:
        symlinkSync(path, path);
        return;
      case 6:
        spawnSync('sh', ['-c', 'mkfifo -- "$1"', 'sh', path]);
        return;
      case 7: {
        if (path.length > 90) return;
        const server = createServer().on('error', () => {});
        open.push(server.listen(path));
        return;
      }
      case 8:
        writeFileSync(path, user('ana'), { flag: 'wx' });
        chmodSync(path, 0);
        return;
      case 9:
        writeFileSync(path, 'a: ', { flag: 'wx' });
        truncateSync(path, 2 ** 40);
        return;
      case 10:
        writeFileSync(Buffer.concat([Buffer.from(`${path}/../`), NOT_UTF8]), user('bo'));
        return;
      case 11:
      case 12:
        writeFileSync(path, user(`u${tape.below(1000)}`), { flag: 'wx' });
        return;
      default:
        mkdirSync(path);
    }
  };
  mkdirSync(join(folder, '../out'));
  writeFileSync(join(folder, '../out/a.yaml'), user('out'));
  fill(folder, 3);
  return {
    put,
    close() {
      for (const one of open) one.close();
    },
  };
}
