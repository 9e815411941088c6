import { difference, medianRun, type Run } from './measure.ts';
import type { Measure } from './measures.ts';

/** A row of the table, as it is in the JSON: milliseconds and bytes. */
export interface Row {
  readonly name: string;
  readonly title: string;
  readonly wall: number;
  readonly cpu: number | null;
  readonly rss: number | null;
  readonly floor: string | null;
  readonly floorWall: number | null;
  /** Of the measure to its floor; of a rival to the measure. */
  readonly ratio: number | null;
  /** The same of the CPU times, which other work on the machine disturbs less. */
  readonly cpuRatio: number | null;
  readonly rival: boolean;
  readonly bars: readonly { readonly text: string; readonly held: boolean | null }[];
  readonly runs: readonly Run[];
}

/** Every run of each step, by its name. A step that could not be run has none. */
export type Results = ReadonlyMap<string, readonly Run[]>;

/** The row of a measure; undefined when its steps were not run. */
export function rowOf(measure: Measure, results: Results, size: number): Row | undefined {
  const { name, title, floor, rival = false } = measure;
  const first = results.get(measure.step) ?? [];
  const runs = measure.minus === undefined ? first : difference(first, results.get(measure.minus) ?? []);
  if (runs.length === 0) return undefined;
  const { wall, cpu, rss } = medianRun(runs);
  const floors = floor?.steps.map((step) => results.get(step) ?? []) ?? [];
  const known = floors.length > 0 && floors.every((one) => one.length > 0);
  const least = known ? sum(floors.map(medianRun)) : { wall: null, cpu: null };
  const ratioOf = (own: number | null, other: number | null) =>
    own === null || other === null ? null : rival ? other / own : own / other;
  const floorWall = least.wall;
  const figures = { wall, rss, floor: floorWall };
  return {
    name,
    title,
    wall,
    cpu,
    rss,
    floor: floor?.title ?? null,
    floorWall,
    ratio: ratioOf(wall, floorWall),
    cpuRatio: ratioOf(cpu, least.cpu),
    rival,
    bars: measure.bars.map((bar) => ({
      text: bar.at === undefined ? bar.text : `${bar.text} at ${bar.at.map(showSize).join(', ')}`,
      held: (bar.at?.includes(size) ?? true) && (floorWall !== null || !rival) ? bar.holds(figures) : null,
    })),
    runs,
  };
}

const HEAD = [
  'measure',
  'wall median',
  'CPU',
  'peak RSS',
  'floor',
  'floor wall',
  'ratio',
  'CPU ratio',
  'bar',
  'held',
];

/** The rows as one Markdown table. Of a rival that was not there, `absent` says so. */
export function markdown(rows: readonly Row[], absent: string): string {
  const lines = [HEAD, HEAD.map(() => '---'), ...rows.map((row) => cells(row, absent))];
  return lines.map((line) => `| ${line.join(' | ')} |\n`).join('');
}

function cells(
  { title, wall, cpu, rss, floor, floorWall, ratio, cpuRatio, rival, bars }: Row,
  absent: string,
): string[] {
  const judged = bars.filter(({ held }) => held !== null);
  const missed = judged.filter(({ held }) => held === false);
  return [
    title,
    showTime(wall),
    cpu === null ? '–' : showTime(cpu),
    rss === null ? '–' : `${Math.round(rss / 1e6)} MB`,
    rival && floorWall === null ? absent : (floor ?? '–'),
    floorWall === null ? '–' : showTime(floorWall),
    ratio === null ? '–' : `${ratio.toFixed(2)} ×${rival ? ' faster' : ''}`,
    cpuRatio === null ? '–' : `${cpuRatio.toFixed(2)} ×`,
    bars.length === 0 ? '–' : bars.map(({ text }) => text).join('; '),
    judged.length === 0 ? '–' : missed.length === 0 ? 'yes' : 'no',
  ];
}

function sum(runs: readonly Run[]): { wall: number; cpu: number | null } {
  const wall = runs.reduce((all, one) => all + one.wall, 0);
  const cpu = runs.reduce<number | null>(
    (all, one) => (all === null || one.cpu === null ? null : all + one.cpu),
    0,
  );
  return { wall, cpu };
}

function showTime(milliseconds: number): string {
  return Math.abs(milliseconds) < 1000
    ? `${milliseconds.toFixed(1)} ms`
    : `${(milliseconds / 1000).toFixed(2)} s`;
}

export function showSize(size: number): string {
  if (size >= 1e6 && size % 1e6 === 0) return `${size / 1e6}M`;
  return size >= 1000 && size % 1000 === 0 ? `${size / 1000}k` : String(size);
}

/** `1k`, `10k`, `1M` or a number. */
export function parseSize(text: string): number {
  const match = /^(\d{1,7})([kM]?)$/.exec(text);
  const size = Number(match?.[1]) * (match?.[2] === 'M' ? 1e6 : match?.[2] === 'k' ? 1000 : 1);
  if (!(size >= 100 && size <= 1e7))
    throw new Error(`--size cannot be ${text}: 1k, 10k, 100k, 1M or a number from 100`);
  return size;
}
