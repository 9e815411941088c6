import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { idOfSecret } from '../../src/engine/secret-text.ts';
import type { Hook } from './secret-hook.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HOOK = fileURLToPath(new URL('./secret-hook.ts', import.meta.url));

export interface LifeOptions {
  /** More of the environment of each command. */
  readonly env: Readonly<Record<string, string>>;
}

interface RunOptions {
  readonly stdin?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** How far its clock is ahead, in milliseconds. */
  readonly ahead?: number;
}

/** A user's life with the built program: a folder to work in, a home and a folder for temporary files of his own. */
export interface Life {
  readonly cwd: string;
  readonly home: string;
  /** Runs a command, and remembers all that it says, and that its child processes can be seen to have. */
  run(argv: readonly string[], options?: RunOptions): Promise<{ exit: number | null; said: string }>;
  /** The texts of all secrets that were seen in files for secrets after some command, by id. */
  readonly secrets: ReadonlyMap<string, string>;
  /** What was said, command by command. */
  readonly said: readonly string[];
  /** The arguments and environments of the processes that commands have started. */
  children(): readonly string[];
  /** Every file of the three folders, but for what the processes were recorded in. */
  files(): readonly string[];
  remove(): void;
}

export function newLife({ env: always }: LifeOptions): Life {
  const base = mkdtempSync(path.join(tmpdir(), 'iam-life-'));
  const [cwd = '', home = '', temporary = '', bin = ''] = ['work', 'home', 'tmp', 'bin'].map((name) => {
    const folder = path.join(base, name);
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  });
  // As it is built now: another build meanwhile changes nothing.
  for (const name of ['dist', 'schemas', 'package.json'])
    cpSync(path.join(ROOT, name), path.join(base, name), { recursive: true });
  const main = path.join(base, 'dist/cli/main.js');
  const seen = new Set<string>();
  const said: string[] = [];
  const secrets = new Map<string, string>();
  recordGit(bin);

  const gather = () => {
    for (const folder of ['.iam/secrets', 'out'].map((name) => path.join(cwd, name)))
      for (const file of existsSync(folder) ? filesBelow(folder) : []) {
        const [, held] = /^(rct_.*)\n$/.exec(readFileSync(file, 'utf8')) ?? [];
        const id = held === undefined ? undefined : idOfSecret(held);
        if (held !== undefined && id !== undefined) secrets.set(id, held);
      }
  };

  return {
    cwd,
    home,
    secrets,
    said,
    async run(argv, { stdin = '', env = {}, ahead = 0 } = {}) {
      const hook: Hook = { at: -1, signal: 'SIGKILL', ahead, log: '/dev/null', all: false };
      const child = spawn(process.execPath, [...(ahead > 0 ? ['--import', HOOK] : []), main, ...argv], {
        cwd,
        stdio: ['pipe', 'pipe', 'pipe'],
        env: {
          PATH: `${bin}:${process.env.PATH}`,
          HOME: home,
          TMPDIR: temporary,
          NO_COLOR: '1',
          ...(ahead > 0 ? { HOOK: JSON.stringify(hook) } : {}),
          ...always,
          ...env,
        },
      });
      child.stdin.on('error', () => {}).end(stdin);
      const isOver = new AbortController();
      const watched = watchChildren(child.pid ?? 0, seen, isOver.signal);
      const [stdout, stderr] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ]);
      isOver.abort();
      await watched;
      said.push(`$ iam ${argv.join(' ')}\n${stdout}${stderr}`);
      gather();
      return { exit: child.exitCode, said: stdout + stderr };
    },
    children: () => [...seen, readFileSync(path.join(bin, 'git.log'), 'latin1')],
    files: () => [cwd, home, temporary].flatMap(filesBelow),
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}

/** A git that tells how it was called, and with what environment, before it does what it always does. */
function recordGit(bin: string): void {
  const { stdout } = spawnSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' });
  const script = `#!/bin/sh\n{ printf '%s ' git "$@"; echo; env; } >> '${bin}/git.log'\nexec '${stdout.trim()}' "$@"\n`;
  writeFileSync(path.join(bin, 'git'), script);
  writeFileSync(path.join(bin, 'git.log'), '');
  chmodSync(path.join(bin, 'git'), 0o755);
}

/** Looks again and again at what others can see of the processes below one: only on Linux there is such a place. */
async function watchChildren(pid: number, seen: Set<string>, signal: AbortSignal): Promise<void> {
  if (process.platform !== 'linux') return;
  const own = procFile(pid, 'cmdline');
  while (!signal.aborted) {
    for (const child of below(pid)) {
      const command = procFile(child, 'cmdline');
      // Until it runs a program of its own it is a copy of its parent, with all that was given to that.
      if (command === '' || command === own) continue;
      seen.add(`${command}\n${procFile(child, 'environ')}`);
    }
    await sleep(2);
  }
}

function below(pid: number): string[] {
  const children = procFile(`${pid}/task/${pid}`, 'children').trim().split(' ').filter(Boolean);
  return children.flatMap((child) => [child, ...below(Number(child))]);
}

function procFile(pid: number | string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name));
}

/** How a secret, or a key, may look to whoever looks for it. */
export function looksOf(what: Uint8Array): Buffer[] {
  const bytes = Buffer.from(what);
  const base64 = [0, 1, 2].map((shift) => {
    // Wherever it stands in what is encoded; what depends on its neighbours is left out.
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    return encoded.slice(shift === 0 ? 0 : 4, -4);
  });
  const hex = bytes.toString('hex');
  const wide = Buffer.from(bytes.toString('latin1'), 'utf16le');
  return [bytes, wide, ...[hex, hex.toUpperCase(), ...base64].map((look) => Buffer.from(look))];
}

/** Where any of these is: the names of those `places` whose bytes have one. */
export function placesOf(
  looks: readonly Buffer[],
  places: Iterable<readonly [name: string, bytes: Buffer]>,
): string[] {
  const found: string[] = [];
  for (const [name, bytes] of places) if (looks.some((look) => bytes.includes(look))) found.push(name);
  return found;
}

/** The files below a folder that were written since a time in milliseconds, with their bytes. */
export function* writtenSince(folder: string, time: number): Generator<readonly [string, Buffer]> {
  for (const file of filesBelow(folder)) {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats && stats.mtimeMs >= time) yield [file, readFileSync(file)];
  }
}
