import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeWorkload } from './generate.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const IAM = path.join(ROOT, 'dist/cli/main.js');

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1k' },
    runs: { type: 'string', default: '21' },
    json: { type: 'string' },
  },
});

interface Measure {
  readonly name: string;
  readonly milliseconds: number;
  /** What the same run needs at the least. */
  readonly floor: string;
  readonly floorMilliseconds: number;
  readonly ratio: number;
  readonly bar: number;
}

/** Medians of alternating runs, so that whatever else the machine does falls on all alike. */
function medians(
  commands: Readonly<Record<string, readonly string[]>>,
  cwd: string,
  runs: number,
): Record<string, number> {
  const times: Record<string, number[]> = {};
  for (let run = -1; run < runs; run++) {
    for (const [name, args] of Object.entries(commands)) {
      const start = process.hrtime.bigint();
      const { status, stderr } = spawnSync(process.execPath, [...args], {
        cwd,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
      // The first round only warms the file cache.
      if (run < 0) continue;
      times[name] ??= [];
      times[name].push(Number(process.hrtime.bigint() - start) / 1e6);
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, all]) => [
      name,
      all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0,
    ]),
  );
}

function sizeOf(text: string): number {
  const match = /^(\d+)([kM]?)$/.exec(text);
  if (!match) throw new Error(`--size cannot be ${text}: 1k, 10k, 100k or 1M`);
  return Number(match[1]) * (match[2] === 'M' ? 1e6 : match[2] === 'k' ? 1e3 : 1);
}

const folder = mkdtempSync(path.join(tmpdir(), 'rolecall-bench-'));
try {
  const workload = path.join(folder, 'workload');
  writeWorkload(workload, sizeOf(values.size));
  const empty = path.join(folder, 'empty.mjs');
  writeFileSync(empty, '');
  const parse = path.join(folder, 'parse.mjs');
  const yaml = fileURLToPath(import.meta.resolve('js-yaml'));
  writeFileSync(
    parse,
    `import { readdirSync, readFileSync } from 'node:fs';
import { loadAll } from ${JSON.stringify(yaml)};
for (const file of readdirSync('workload')) loadAll(readFileSync('workload/' + file, 'utf8'));`,
  );
  execFileSync(process.execPath, [IAM, 'apply', '-f', 'workload', '--no-snapshot', '-q'], {
    cwd: folder,
    stdio: 'ignore',
  });
  const measured = medians(
    {
      empty: [empty],
      parse: [parse],
      help: [IAM, '--help'],
      version: [IAM, 'version'],
      plan: [IAM, 'plan', '-f', 'workload'],
    },
    folder,
    Number(values.runs),
  );
  const against = (name: string, key: string, floor: string, floorKey: string, bar: number): Measure => {
    const [milliseconds = 0, floorMilliseconds = 0] = [measured[key], measured[floorKey]];
    return { name, milliseconds, floor, floorMilliseconds, ratio: milliseconds / floorMilliseconds, bar };
  };
  const measures = [
    against('iam --help', 'help', 'an empty Node program', 'empty', 1.5),
    against('iam version', 'version', 'an empty Node program', 'empty', 1.5),
    against(`no-op plan, ${values.size}`, 'plan', 'js-yaml alone on the same bytes', 'parse', 1.5),
  ];
  const ms = (n: number) => `${n.toFixed(1)} ms`;
  console.log('| measure | median | floor | floor median | ratio | bar |\n|---|---|---|---|---|---|');
  for (const { name, milliseconds, floor, floorMilliseconds, ratio, bar } of measures)
    console.log(
      `| ${name} | ${ms(milliseconds)} | ${floor} | ${ms(floorMilliseconds)} | ${ratio.toFixed(2)} | ≤ ${bar} |`,
    );
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      `${JSON.stringify({ size: values.size, node: process.version, measures }, null, 2)}\n`,
    );
} finally {
  rmSync(folder, { recursive: true });
}
