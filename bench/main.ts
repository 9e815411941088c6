import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { writeWorkload } from './generate.ts';
import type { Run } from './measure.ts';
import { measuresAt, stepsOf } from './measures.ts';
import { prepareSteps, type Step } from './steps.ts';
import { markdown, parseSize, rowOf } from './table.ts';

const BUILT = path.resolve(import.meta.dirname, '../dist/cli/main.js');

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1k' },
    runs: { type: 'string' },
    json: { type: 'string' },
    only: { type: 'string' },
    program: { type: 'string', default: BUILT },
    quick: { type: 'boolean', default: false },
  },
});

function parseRuns(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`--runs cannot be ${text}: a number from 1`);
  return Number(text);
}

function wantedMeasures(size: number) {
  const all = measuresAt(size);
  if (values.only === undefined) return all;
  const names = values.only.split(',');
  const unknown = names.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined)
    throw new Error(`--only cannot be ${unknown}: ${all.map(({ name }) => name).join(', ')}`);
  return all.filter(({ name }) => names.includes(name));
}

/** On a terminal one line that changes, elsewhere a line each. */
function progress(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
}

/** Rounds of all steps one after the other, so that whatever else the machine does falls on all alike. */
async function runRounds(steps: readonly Step[], runs: number, size: number): Promise<Map<string, Run[]>> {
  const results = new Map<string, Run[]>(steps.map(({ name }) => [name, []]));
  const enough = ({ heavy, most = runs }: Step) => {
    const quick = values.quick && (heavy === true || most < runs);
    return Math.min(runs, most, quick ? (size >= 1e6 ? 1 : 3) : runs);
  };
  // Where it costs little, a first round only warms the caches of the system.
  const first = runs > 1 && size <= 10_000 ? 0 : 1;
  for (let round = first; round <= runs; round++)
    for (const step of steps) {
      if (round > enough(step) || (round === 0 && step.most !== undefined)) continue;
      progress(`${round === 0 ? 'warming up' : `run ${round} of ${enough(step)}`}: ${step.name}`);
      const took = await step.run();
      if (round > 0) results.get(step.name)?.push(took);
    }
  if (process.stderr.isTTY) progress('');
  return results;
}

async function main(): Promise<void> {
  const size = parseSize(values.size);
  const runs = parseRuns(values.runs ?? String(size <= 1000 ? 21 : size <= 10_000 ? 11 : 5));
  const measures = wantedMeasures(size);
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
  const folder = mkdtempSync(path.join(tmpdir(), 'rolecall-bench-'));
  try {
    progress('writing the manifests');
    const files = writeWorkload(path.join(folder, 'workload'), size);
    const wanted = stepsOf(measures);
    const program = path.resolve(values.program);
    const { signal } = abort;
    const steps = await prepareSteps({ program, folder, files, size, signal, wanted, progress });
    const results = await runRounds(steps, runs, size);
    const rows = measures.flatMap((measure) => rowOf(measure, results, size) ?? []);
    process.stdout.write(markdown(rows, 'terraform is not on the PATH'));
    if (values.json === undefined) return;
    const facts = {
      size,
      runs,
      files: files.length,
      bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
      date: new Date().toISOString(),
      node: process.version,
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      platform: `${process.platform} ${process.arch}`,
      measures: rows,
      steps: Object.fromEntries(results),
    };
    writeFileSync(values.json, `${JSON.stringify(facts, null, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
