import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Context, Output } from './context.ts';
import { run } from './run.ts';

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Runs the program on this process: its arguments, environment, streams and signals. */
export async function runProcess(): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  let waiting: 'to be interrupted' | 'for its end' | undefined;
  for (const [signal, exit] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (waiting !== 'for its end') process.exitCode = exit;
      // Who waits for it ends by itself; who is asked twice ends like all others.
      if (waiting) {
        waiting = undefined;
        stopped.resolve();
        return;
      }
      // A write is one synchronous transaction: between two turns of the loop nothing is half done.
      process.exit();
    });
  }
  const env = { ...process.env };
  // They may hold secrets, which no process that is started from here needs.
  delete process.env.IAM_PEPPER;
  delete process.env.IAM_STORE;
  delete process.env.GITHUB_TOKEN;
  const context: Context = {
    argv: process.argv.slice(2),
    env,
    cwd: process.cwd(),
    stdout: output(1),
    stderr: output(2),
    get interactive() {
      return isatty(0) && isatty(1) && process.env.CI === undefined;
    },
    now: () => Date.now(),
    readStdin,
    async confirm(question) {
      const { confirm, isCancel } = await import('@clack/prompts');
      const answer = await confirm({ message: question, initialValue: false });
      return !isCancel(answer) && answer;
    },
    stopped(isItsEnd = false) {
      waiting = isItsEnd ? 'for its end' : 'to be interrupted';
      return stopped.promise;
    },
    atExit: (tidy) => process.on('exit', tidy),
  };
  const exit = await run(context);
  process.exitCode ??= exit;
  // All is written: there is nothing to wait for, nor memory to tidy up.
  process.exit();
}

/** A stream by its descriptor. Node's own streams cost a sixth of an empty program to open. */
function output(descriptor: 1 | 2): Output {
  return {
    write: (text) => writeAll(descriptor, text),
    get isTTY() {
      return isatty(descriptor);
    },
    get columns() {
      const { columns } = isatty(descriptor) ? process[descriptor === 1 ? 'stdout' : 'stderr'] : {};
      return columns || 80;
    },
    get colour() {
      return wantsColour(descriptor);
    },
  };
}

/** Writes all of a text before it returns, however slowly it is taken. Ends the process when nobody reads results any more. */
function writeAll(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      // Whoever reads us (head, less) may stop when he has enough: that is no error. Work goes on when nobody hears of it.
      if (code === 'EPIPE' && descriptor === 1) process.exit();
      if (code === 'EPIPE') return;
      if (code !== 'EAGAIN') throw error;
      // A pipe that is full and does not block: give its reader a moment.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

/** NO_COLOR and FORCE_COLOR (no-color.org, force-color.org), then whether it is a terminal. */
function wantsColour(descriptor: number): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (process.argv.includes('--no-color') || (NO_COLOR !== undefined && NO_COLOR !== '')) return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return isatty(descriptor) && TERM !== 'dumb';
}

async function readStdin(): Promise<Uint8Array> {
  const { LIMITS } = await import('../core/document.ts');
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    // What is too much is refused by whoever reads it: no need to hold the rest.
    if (length > LIMITS.fileBytes) break;
  }
  return Buffer.concat(chunks);
}
