import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts');
/** Says at the end, on the last line of stderr, how much memory the process had at most, in KiB. */
const MEASURE =
  'data:text/javascript,process.on("exit",()=>process.stderr.write("\\n"+process.resourceUsage().maxRSS))';

export interface Measured {
  /** Null when it had to be ended. */
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly mebibytes: number;
  readonly seconds: number;
}

/** Runs the program in a process of its own; ends it after a while. */
export async function measured(cwd: string, argv: readonly string[], seconds = 120): Promise<Measured> {
  const began = performance.now();
  const child = spawn(process.execPath, ['--import', MEASURE, MAIN, ...argv], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const exit = await new Promise<number | null>((done) => child.on('close', done));
  const last = stderr.lastIndexOf('\n');
  return {
    exit,
    stdout,
    stderr: stderr.slice(0, Math.max(0, last)),
    mebibytes: Number(stderr.slice(last + 1)) / 1024,
    seconds: (performance.now() - began) / 1000,
  };
}
