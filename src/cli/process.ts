import { constants } from 'node:os';
import { isatty, type WriteStream } from 'node:tty';
import type { Context, Output } from './context.ts';
import { run } from './run.ts';

/** Runs the program on this process: its arguments, environment, streams and signals. */
export async function runProcess(): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  let waiting = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      process.exitCode = 128 + constants.signals[signal];
      // A write is one synchronous transaction: between two turns of the loop nothing is half done.
      if (waiting) stopped.resolve();
      else process.exit();
    });
  }
  process.stdout.on('error', quietWhenClosed);
  process.stderr.on('error', quietWhenClosed);
  const context: Context = {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    interactive: isatty(0) && process.stdout.isTTY === true && process.env.CI === undefined,
    now: () => Date.now(),
    readStdin,
    async confirm(question) {
      const { confirm, isCancel } = await import('@clack/prompts');
      const answer = await confirm({ message: question, initialValue: false });
      return !isCancel(answer) && answer;
    },
    stopped() {
      waiting = true;
      return stopped.promise;
    },
  };
  const exit = await run(context);
  process.exitCode ??= exit;
  // A pipe takes what is written in its own time. After that there is nothing to wait for, nor memory to tidy up.
  await Promise.all([written(process.stdout), written(process.stderr)]);
  process.exit();
}

/** Resolves when all that was written to a stream is out, or can no longer be. */
function written(stream: WriteStream): Promise<void> {
  return new Promise((resolve) => void stream.write('', () => resolve()));
}

function output(stream: WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    isTTY: stream.isTTY === true,
    columns: stream.isTTY === true ? stream.columns : 80,
    colour: wantsColour(stream),
  };
}

/** NO_COLOR and FORCE_COLOR (no-color.org, force-color.org), then whether it is a terminal. */
function wantsColour(stream: WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (process.argv.includes('--no-color') || (NO_COLOR !== undefined && NO_COLOR !== '')) return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return stream.isTTY === true && TERM !== 'dumb';
}

/** Whoever reads us (head, less) may stop when he has enough: that is no error. */
function quietWhenClosed(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  throw error;
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
