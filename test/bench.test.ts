import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generate, writeWorkload } from '../bench/generate.ts';
import { difference, median, medianRun } from '../bench/measure.ts';
import { type Measure, measuresAt, stepsOf } from '../bench/measures.ts';
import { markdown, parseSize, type Row, rowOf, showSize } from '../bench/table.ts';
import type { Resource } from '../src/kinds/index.ts';
import { readTree, temporaryFolder } from './support/folder.ts';

const BENCH = new URL('../bench/main.ts', import.meta.url).pathname;

function bench(cwd: string, ...args: string[]) {
  return spawnSync(process.execPath, [BENCH, ...args], { cwd, encoding: 'utf8' });
}

test('a short run gives a row with numbers for every measure, as a table and as JSON', () => {
  const cwd = temporaryFolder();
  const { status, stdout, stderr } = bench(cwd, '--size', '200', '--runs', '1', '--json', 'bench.json');
  expect(stderr).not.toContain('bench:');
  expect(status).toBe(0);
  const facts = JSON.parse(readFileSync(join(cwd, 'bench.json'), 'utf8')) as {
    size: number;
    runs: number;
    node: string;
    cpu: string;
    date: string;
    measures: Row[];
    steps: Record<string, { wall: number }[]>;
  };
  expect(facts).toMatchObject({ size: 200, runs: 1, node: process.version });
  expect(Date.parse(facts.date)).not.toBeNaN();
  const wanted = measuresAt(200);
  expect(facts.measures.map(({ name }) => name)).toEqual(wanted.map(({ name }) => name));
  expect(new Set(Object.keys(facts.steps))).toEqual(stepsOf(wanted));
  const lines = stdout.trimEnd().split('\n');
  expect(lines.length).toBe(wanted.length + 2);
  facts.measures.forEach((row, i) => {
    const { name, title, minus, floor } = wanted[i] as Measure;
    for (const figure of [row.wall, row.cpu, row.rss]) expect(figure, name).toEqual(expect.any(Number));
    // A difference may be lost in the noise.
    if (minus === undefined) expect(row.wall, name).toBeGreaterThan(0);
    if (floor !== undefined) expect(row.floorWall, name).toBeGreaterThan(0);
    expect(row.runs.length, name).toBe(1);
    expect(lines[i + 2]).toContain(`| ${title} | `);
    expect(lines[i + 2]).not.toMatch(/NaN|undefined|null/);
  });
}, 60_000);

test('--only runs nothing else', () => {
  const { status, stdout, stderr } = bench(
    temporaryFolder(),
    '--size',
    '200',
    '--runs',
    '1',
    '--only',
    'help',
  );
  expect({ status, steps: stderr.match(/(?<=run 1 of 1: ).*/g) }).toEqual({
    status: 0,
    steps: ['empty', 'help'],
  });
  expect(stdout.split('\n').length).toBe(4);
});

test.each([
  [['--size', 'many'], '--size cannot be many: 1k, 10k, 100k, 1M or a number from 100'],
  [['--size', '3'], '--size cannot be 3: '],
  [['--runs', '0'], '--runs cannot be 0: a number from 1'],
  [['--only', 'help,nothing'], '--only cannot be nothing: help, version, cold-apply, '],
])('%j is refused', (args, message) => {
  const { status, stderr } = bench(temporaryFolder(), ...args);
  expect(status).toBe(1);
  expect(stderr).toContain(`bench: ${message}`);
});

test('the workload is the same for the same seed, and another for another', () => {
  const [one, same, other] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
  writeWorkload(one, 500, 7);
  writeWorkload(same, 500, 7);
  writeWorkload(other, 500, 8);
  expect(readTree(one)).toEqual(readTree(same));
  expect(readTree(one)).not.toEqual(readTree(other));
  expect(Object.keys(readTree(one)).length).toBe(3);
});

test('the workload has the promised mix', () => {
  const size = 20_000;
  const all = [...generate(size)];
  const kinds = Map.groupBy(all, ({ kind }) => kind);
  const of = <K extends Resource['kind']>(kind: K) => (kinds.get(kind) ?? []) as Resource<K>[];
  const share = (n: number) => n / size;
  expect(all.length).toBe(size);
  expect(of('Workspace').length).toBe(20);
  expect(share(of('User').length)).toBeCloseTo(0.6, 2);
  expect(share(of('Group').length)).toBeCloseTo(0.04, 2);
  expect(share(of('RoleBinding').length)).toBeCloseTo(0.34, 2);
  expect(share(of('Token').length)).toBeCloseTo(0.02, 2);

  const groups = of('Group').map(({ spec }) => spec.members ?? []);
  const members = groups.reduce((sum, one) => sum + one.length, 0);
  expect(members / groups.length).toBeGreaterThan(27);
  expect(members / groups.length).toBeLessThan(33);
  const nested = groups.filter((one) => one.some(({ kind }) => kind === 'Group'));
  expect(nested.length).toBeGreaterThan(0);
  expect(nested.length).toBeLessThan(groups.length / 5);

  const bindings = of('RoleBinding').map(({ spec }) => spec);
  const part = (holds: (spec: (typeof bindings)[number]) => boolean) =>
    bindings.filter(holds).length / bindings.length;
  expect(part(({ subjects }) => subjects.some(({ kind }) => kind === 'Group'))).toBeCloseTo(0.5, 1);
  expect(part(({ resources }) => resources.some((one) => 'labels' in one))).toBeCloseTo(0.1, 1);
  expect(part(({ expiresAt }) => expiresAt !== undefined)).toBeCloseTo(0.1, 1);
});

test('medians are of each figure by itself, and leave out what is not known', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(
    medianRun([
      { wall: 1, cpu: 9, rss: null },
      { wall: 3, cpu: 7, rss: null },
      { wall: 2, cpu: null, rss: null },
    ]),
  ).toEqual({ wall: 2, cpu: 8, rss: null });
});

test('a difference is taken run by run', () => {
  const runs = (...walls: number[]) => walls.map((wall) => ({ wall, cpu: wall, rss: 5 }));
  expect(difference(runs(10, 25, 31), runs(7, 20))).toEqual([
    { wall: 3, cpu: 3, rss: 5 },
    { wall: 5, cpu: 5, rss: 5 },
  ]);
});

test('a bar is judged only at the sizes that it is set for', () => {
  const measure = measuresAt(1_000_000).find(({ name }) => name === 'cold-apply') as Measure;
  const runs = (wall: number, rss = 2e9) => [{ wall, cpu: wall, rss }];
  const results = new Map([
    ['cold-apply', runs(2900)],
    ['parse', runs(1200)],
    ['insert', runs(800)],
  ]);
  const held = (size: number) => rowOf(measure, results, size)?.bars.map((bar) => bar.held);
  expect(held(10_000)).toEqual([null, null]);
  expect(held(100_000)).toEqual([true, null]);
  expect(held(1_000_000)).toEqual([true, false]);
  expect(rowOf(measure, results, 100_000)).toMatchObject({ floorWall: 2000, ratio: 1.45, cpuRatio: 1.45 });
});

test('a rival that is slower is so many times slower; one that is not there is named', () => {
  const measure = measuresAt(1000).find(({ name }) => name === 'terraform-apply') as Measure;
  const runs = (wall: number) => [{ wall, cpu: null, rss: null }];
  const rows = (...rival: ReturnType<typeof runs>) => {
    const results = new Map([
      ['cold-apply', runs(500)],
      ['terraform-apply', rival],
    ]);
    return [rowOf(measure, results, 1000)].filter((row) => row !== undefined);
  };
  expect(markdown(rows(...runs(35_000)), '')).toContain(
    '| 35.00 s | 70.00 × faster | – | ≥ 60 × faster | yes |',
  );
  expect(markdown(rows(), 'it is not there')).toContain(
    '| it is not there | – | – | – | ≥ 60 × faster | – |',
  );
});

test.each([
  ['1k', 1000],
  ['10k', 10_000],
  ['1M', 1_000_000],
  ['250', 250],
])('a size is written %s', (text, size) => {
  expect(parseSize(text)).toBe(size);
  expect(showSize(size)).toBe(text);
});
