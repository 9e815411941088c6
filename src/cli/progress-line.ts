import type { Step } from '../engine/progress.ts';
import { thousands } from '../render/lines.ts';
import type { Paint } from '../render/paint.ts';
import type { Context } from './context.ts';

/** How far a step has come. */
export interface Stand {
  readonly step: Step;
  readonly done: number;
  readonly total: number | undefined;
  /** A second; undefined as long as it cannot be told. */
  readonly rate: number | undefined;
  readonly secondsLeft: number | undefined;
}

export interface Look {
  /** Columns of the terminal. */
  readonly columns: number;
  readonly paint: Paint;
  /** Whether only ASCII is to be shown. */
  readonly isPlain: boolean;
}

const UNITS: Record<Step, string> = {
  load: 'files',
  validate: 'documents',
  read: 'resources',
  apply: 'changes',
  verify: 'audit rows',
};

const LONG_BAR = 20;
const SHORT_BAR = 10;

/** A stand as one line, of which a narrow terminal sees less. The last column is left free: some terminals wrap there. */
export function progressLine(stand: Stand, { columns, paint, isPlain }: Look): string {
  const { step, done, total, rate, secondsLeft } = stand;
  const width = Math.max(0, columns - 1);
  const unit = UNITS[step];
  const speed = rate === undefined ? '' : `${thousands(rate)}/s`;
  const left = !secondsLeft ? '' : `${duration(secondsLeft)} left`;
  const share = total === undefined ? undefined : total > 0 ? Math.min(1, Math.max(0, done / total)) : 1;
  // As wide at the beginning as at the end, so that nothing jumps.
  const number =
    total === undefined
      ? thousands(done)
      : `${thousands(done).padStart(thousands(total).length)} of ${thousands(total)}`;
  const percent = share === undefined ? number : `${Math.floor(share * 100)}%`.padStart(4);
  const forms: readonly (readonly [bar: number, ...words: string[]])[] = [
    [LONG_BAR, `${number} ${unit}`, speed, left],
    [SHORT_BAR, `${number} ${unit}`, speed, left],
    [SHORT_BAR, `${number} ${unit}`, left],
    [SHORT_BAR, number, left],
    [SHORT_BAR, percent, left],
    [0, percent, left],
    [0, percent],
  ];
  for (const [size, ...words] of forms) {
    const bar = share === undefined ? 0 : size;
    const before = bar === 0 ? `${step}  ` : `${step}  ${' '.repeat(bar)}  `;
    const after = words.filter((word) => word !== '').join('  ');
    if (before.length + after.length > width) continue;
    return bar === 0
      ? before + after
      : `${step}  ${drawBar(Math.floor((share ?? 0) * bar), bar, paint, isPlain)}  ${after}`;
  }
  return step.slice(0, width);
}

function drawBar(full: number, size: number, paint: Paint, isPlain: boolean): string {
  const [done, open] = isPlain ? ['#', '-'] : ['▓', '░'];
  return paint('good', done.repeat(full)) + paint('faint', open.repeat(size - full));
}

/** `45 s`, `3 min 20 s`, `2 h 5 min`. */
function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${thousands(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** Whether a terminal shows the blocks of a bar, each in one column: in Chinese, Japanese and Korean some take two. */
export function hasUnicode({ LC_ALL, LC_CTYPE, LANG }: Context['env']): boolean {
  return /^(?!zh|ja|ko).*utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}
