/** What a bar is held against: medians, in milliseconds and bytes. */
export interface Figures {
  readonly wall: number;
  readonly rss: number | null;
  /** The sum of the floors. */
  readonly floor: number | null;
}

export interface Bar {
  readonly text: string;
  /** The sizes that it is set for; all when left out. */
  readonly at?: readonly number[];
  holds(figures: Figures): boolean;
}

export interface Measure {
  readonly name: string;
  readonly title: string;
  /** The step that it is the time of, or of two the difference. */
  readonly step: string;
  readonly minus?: string;
  /** What it needs at the least, and the steps that measure that. */
  readonly floor?: { readonly title: string; readonly steps: readonly string[] };
  /** The floor is another program that does the same: the ratio tells how many times faster this one is. */
  readonly rival?: boolean;
  readonly bars: readonly Bar[];
  /** The only size that it is measured at; all when left out. */
  readonly only?: number;
}

const [K, M] = [1000, 1_000_000];
const GB = 1e9;

function times(ratio: number, at?: readonly number[]): Bar {
  return {
    text: `≤ ${ratio} ×`,
    ...(at && { at }),
    holds: ({ wall, floor }) => floor !== null && wall <= ratio * floor,
  };
}

function timesAnd(ratio: number, extra: number, at: readonly number[]): Bar {
  return {
    text: `≤ ${ratio} × + ${extra} ms`,
    at,
    holds: ({ wall, floor }) => floor !== null && wall <= ratio * floor + extra,
  };
}

function within(milliseconds: number, at: readonly number[]): Bar {
  return { text: `< ${milliseconds / 1000} s`, at, holds: ({ wall }) => wall < milliseconds };
}

function memory(bytes: number, at: readonly number[]): Bar {
  return {
    text: `≤ ${bytes >= GB ? `${bytes / GB} GB` : `${bytes / 1e6} MB`}`,
    at,
    holds: ({ rss }) => rss !== null && rss <= bytes,
  };
}

function faster(ratio: number): Bar {
  return {
    text: `≥ ${ratio} × faster`,
    holds: ({ wall, floor }) => floor !== null && floor >= ratio * wall,
  };
}

const EMPTY = { title: 'an empty Node program', steps: ['empty'] };
const HASH = { title: 'stat and hash of the files', steps: ['hash'] };
const GRANTS = { title: 'scan and a bare CSV writer', steps: ['grants-floor'] };

/** All that is measured, in the order of the table. Sizes up to 1k are held to Node's own start, larger ones to reading. */
export function measuresAt(size: number): readonly Measure[] {
  const all: readonly Measure[] = [
    { name: 'help', title: '`iam --help`', step: 'help', floor: EMPTY, bars: [times(1.5)] },
    { name: 'version', title: '`iam version`', step: 'version', floor: EMPTY, bars: [times(1.5)] },
    {
      name: 'cold-apply',
      title: 'cold apply, no snapshot',
      step: 'cold-apply',
      floor: { title: 'js-yaml + bare inserts', steps: ['parse', 'insert'] },
      bars: [times(1.5, [100 * K, M]), memory(1.5 * GB, [M])],
    },
    {
      name: 'cold-plan-json',
      title: 'cold plan, `-o json`',
      step: 'cold-plan-json',
      floor: { title: 'js-yaml alone', steps: ['parse'] },
      bars: [memory(1.5 * GB, [M])],
    },
    {
      name: 'noop-plan-cold-cache',
      title: 'no-op plan, cold cache',
      step: 'noop-plan-cold-cache',
      floor: { title: 'js-yaml alone', steps: ['parse'] },
      bars: [],
    },
    {
      name: 'noop-plan',
      title: 'no-op plan, unchanged files',
      step: 'noop-plan',
      floor: size <= K ? EMPTY : HASH,
      bars: [size <= K ? times(3, [K]) : times(2, [M]), memory(400e6, [M])],
    },
    {
      name: 'changed-plan',
      title: 'one changed file: plan',
      step: 'changed-plan',
      floor: HASH,
      bars: [timesAnd(1.5, 100, [M]), within(1000, [M])],
    },
    {
      name: 'changed-apply',
      title: 'one changed file: apply, no snapshot',
      step: 'changed-apply',
      floor: HASH,
      bars: [within(1500, [M])],
    },
    {
      name: 'snapshot',
      title: 'the snapshot after it (apply with − apply without)',
      step: 'changed-apply-snapshot',
      minus: 'changed-apply',
      floor: { title: "writing the workspace's rows", steps: ['rows'] },
      bars: [times(1.5)],
    },
    {
      name: 'grants-csv',
      title: 'CSV of all grants',
      step: 'grants-csv',
      floor: GRANTS,
      bars: [times(2)],
    },
    { name: 'export', title: '`iam export -o DIR`', step: 'export', bars: [] },
    { name: 'why', title: '`iam why USER`', step: 'why', floor: EMPTY, bars: [times(3, [M])] },
    { name: 'can-i', title: '`iam can-i USER ROLE`', step: 'can-i', floor: EMPTY, bars: [times(3, [M])] },
    { name: 'get', title: '`iam get user NAME`', step: 'get', floor: EMPTY, bars: [times(3, [M])] },
    {
      name: 'terraform-apply',
      title: 'cold apply, beside Terraform',
      step: 'cold-apply',
      floor: { title: 'terraform apply, as many `terraform_data`', steps: ['terraform-apply'] },
      rival: true,
      bars: [faster(60)],
      only: K,
    },
    {
      name: 'terraform-plan',
      title: 'no-op plan, beside Terraform',
      step: 'noop-plan',
      floor: { title: 'terraform plan, nothing to do', steps: ['terraform-plan'] },
      rival: true,
      bars: [faster(10)],
      only: K,
    },
  ];
  return all.filter(({ only }) => only === undefined || only === size);
}

/** The names of the steps that measures rest on. */
export function stepsOf(measures: readonly Measure[]): Set<string> {
  return new Set(
    measures.flatMap(({ step, minus, floor }) => [
      step,
      ...(minus === undefined ? [] : [minus]),
      ...(floor?.steps ?? []),
    ]),
  );
}
