import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

const USAGE = path.join(import.meta.dirname, 'usage.cjs');

/** What one run took. Milliseconds and bytes; of a program that is not ours to look into, only the wall time. */
export interface Run {
  readonly wall: number;
  readonly cpu: number | null;
  readonly rss: number | null;
}

export interface Child {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where its stdout goes. */
  readonly stdout: string;
  /** Exit statuses that are no failure; 0 when left out. */
  readonly accepts?: readonly number[];
  readonly signal: AbortSignal;
}

/** Runs a program to its end. Throws with the end of its stderr when it fails. */
export async function run(child: Child): Promise<Run> {
  const { command, args, cwd, env, signal, accepts = [0] } = child;
  const descriptor = openSync(child.stdout, 'w');
  try {
    const start = process.hrtime.bigint();
    const running = spawn(command, args, { cwd, env, signal, stdio: ['ignore', descriptor, 'pipe'] });
    let stderr = '';
    running.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-2000);
    });
    let problem: Error | undefined;
    running.on('error', (error) => {
      problem = error;
    });
    // Also when it is told to stop: until then it may write.
    const [status, by] = await new Promise<[number | null, string | null]>((resolve) =>
      running.on('close', (...ended) => resolve(ended)),
    );
    const wall = Number(process.hrtime.bigint() - start) / 1e6;
    if (problem) throw problem;
    if (status === null || !accepts.includes(status))
      throw new Error(`${command} ${args.join(' ')} ended with ${status ?? by}\n${stderr}`);
    return { wall, cpu: null, rss: null };
  } finally {
    closeSync(descriptor);
  }
}

/** Runs a Node program, and tells CPU time and peak memory too. */
export async function runNode(child: Omit<Child, 'command'>): Promise<Run> {
  const usage = `${child.stdout}.usage`;
  rmSync(usage, { force: true });
  const { wall } = await run({
    ...child,
    command: process.execPath,
    args: ['--require', USAGE, ...child.args],
    env: { ...child.env, BENCH_USAGE: usage },
  });
  const { cpu, rss } = JSON.parse(readFileSync(usage, 'utf8')) as { cpu: number; rss: number };
  return { wall, cpu, rss };
}

/**
 * The same for a program that is short and changes nothing: measuring the CPU time takes some 2 ms, a tenth of an
 * empty program, so the wall time is that of another run.
 */
export async function runShort(child: Omit<Child, 'command'>): Promise<Run> {
  const { wall } = await run({ ...child, command: process.execPath });
  return { ...(await runNode(child)), wall };
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** The median of each figure by itself; null where a run does not tell it. */
export function medianRun(runs: readonly Run[]): Run {
  const of = (figures: readonly (number | null)[]) => {
    const known = figures.filter((one) => one !== null);
    return known.length === 0 ? null : median(known);
  };
  return {
    wall: median(runs.map(({ wall }) => wall)),
    cpu: of(runs.map(({ cpu }) => cpu)),
    rss: of(runs.map(({ rss }) => rss)),
  };
}

/** What the first of two commands took more than the second, run by run. */
export function difference(more: readonly Run[], less: readonly Run[]): Run[] {
  return more.slice(0, less.length).map((run, i) => {
    const other = less[i] ?? run;
    const cpu = run.cpu === null || other.cpu === null ? null : run.cpu - other.cpu;
    return { wall: run.wall - other.wall, cpu, rss: run.rss };
  });
}
