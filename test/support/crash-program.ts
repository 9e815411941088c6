import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdtempSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** How a process of the program ended. */
export interface Ended {
  /** Null when a signal ended it. */
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  /** Starts `iam`; `through` is what runs it, such as a shell that sets limits first. */
  start(cwd: string, argv: readonly string[], through?: readonly string[]): Running;
  remove(): void;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** The program as it is built now, in a folder of its own: another build meanwhile changes nothing. */
export function builtProgram(): Program {
  const folder = mkdtempSync(path.join(tmpdir(), 'iam-program-'));
  cpSync(path.join(ROOT, 'dist'), path.join(folder, 'dist'), { recursive: true });
  copyFileSync(path.join(ROOT, 'package.json'), path.join(folder, 'package.json'));
  const main = path.join(folder, 'dist/cli/main.js');
  return {
    start(cwd, argv, through = []) {
      const [command = '', ...args] = [...through, process.execPath, main, ...argv];
      const child = spawn(command, args, {
        cwd,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: process.env.PATH, NO_COLOR: '1' },
      });
      return { child, ended: ending(child) };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function ending(
  child: ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream },
) {
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { exit: child.exitCode, stdout, stderr };
}

/** Resolves when a file of that name is made, changed or removed in a folder; rejects at the signal. */
export function firstChange(folder: string, name: RegExp, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const watcher = watch(folder, (_, changed) => {
      if (!name.test(changed ?? '')) return;
      watcher.close();
      resolve();
    });
    signal?.addEventListener('abort', () => {
      watcher.close();
      reject(new Error('ended'));
    });
  });
}
