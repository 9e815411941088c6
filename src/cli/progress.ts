import type { Progress, Step } from '../engine/progress.ts';
import type { Context, Output } from './context.ts';
import { hasUnicode, progressLine, type Stand } from './progress-line.ts';
import type { Voice } from './report.ts';
import { paintFor } from './settings.ts';

/** All in milliseconds. Work that takes no longer than PATIENCE says nothing. */
const PATIENCE = 1000;
const REDRAW = 125;
const LOG = 1000;
/** The time that a rate is measured over. */
const WINDOW = 3000;
/** So many calls at most pass without a look at the clock. */
const STRIDE = 64;

const CLEAR = '\r\u001b[K';
const ORDER: readonly Step[] = ['load', 'validate', 'read', 'apply', 'verify'];

export interface ProgressDisplay {
  readonly progress: Progress;
  /** The same context with `progress`; it takes the line away before it writes or asks anything. */
  readonly context: Context;
  /** Takes the line away for good. */
  end(): void;
}

/** A step under way. */
interface Course {
  readonly step: Step;
  readonly speed: Speed;
  done: number;
  total: number | undefined;
  isOver: boolean;
  /** How much was done when a log line told it last. */
  logged: number | undefined;
}

/**
 * Shows on stderr how far work is: a line that is drawn over itself on a terminal, JSON lines with `--log-format json`,
 * else nothing. How to speak is asked only when there is something to say.
 *
 * No timers, which long work would hold up: all is drawn inside of the calls of `progress`.
 */
export function createProgress(world: Context, voice: () => Voice): ProgressDisplay {
  let course: Course | undefined;
  let begun = 0;
  let spoken = Number.NEGATIVE_INFINITY;
  let looked = 0;
  let stride = 0;
  let wait = 0;
  let isDrawn = false;
  let isMute = false;
  /** Whether anything else was written since the step began. */
  let hasTold = false;

  const put = (text: string) => {
    try {
      world.stderr.write(text);
    } catch {
      // Work must not fail because nobody can be told of it.
      isMute = true;
    }
  };
  const clear = () => {
    if (isDrawn && !isMute) put(CLEAR);
    isDrawn = false;
  };
  const say = (now: number, { step, done, total, speed, logged }: Course, isEnd: boolean): boolean => {
    if (isMute || now - begun <= PATIENCE) return false;
    const way = wayOf(world, voice());
    // A clock that was set back must not make us wait for it.
    const isDue = Math.abs(now - spoken) >= (way === 'log' ? LOG : REDRAW);
    // Silent work may follow the end of a step: what stands there then must be the end.
    const isLast = isEnd && (way === 'log' ? done !== logged : done === total);
    if (way === 'none' || !(isDue || isLast)) return false;
    if (isDue) spoken = now;
    const stand = standOf(step, done, total, speed.at(now, done));
    if (way === 'log') put(logLine(stand));
    else {
      const { stderr, env } = world;
      const paint = paintFor(stderr);
      const isPlain = !stderr.colour || !hasUnicode(env);
      put(`\r${progressLine(stand, { columns: stderr.columns, paint, isPlain })}\u001b[K`);
      isDrawn = true;
    }
    return true;
  };
  const look = (now: number, course: Course, isEnd = false) => {
    course.speed.add(now, course.done);
    if (say(now, course, isEnd)) course.logged = course.done;
    const passed = now - looked;
    looked = now;
    if (passed < REDRAW / 4) stride = Math.min(2 * stride, STRIDE) || 1;
    else if (passed > REDRAW) stride = 1;
    wait = stride - 1;
  };
  const begin = (step: Step, done: number): Course => {
    const now = world.now();
    if (course && !course.isOver) look(now, course, true);
    // What was told ends the work: whatever begins at the beginning then is other work, as in --watch.
    const isOther = !course || (hasTold && ORDER.indexOf(step) < ORDER.indexOf(course.step));
    if (isOther) begun = now;
    hasTold = false;
    // How quick its calls are is not known yet.
    stride = 0;
    wait = 0;
    return { step, speed: createSpeed(), done, total: undefined, isOver: false, logged: undefined };
  };

  const progress: Progress = (step, done, total) => {
    if (isMute) return;
    if (course?.step !== step || done < course.done) course = begin(step, done);
    course.done = done;
    course.total = total;
    const isEnd = done === total && !course.isOver;
    if (isEnd) course.isOver = true;
    wait--;
    if (isEnd || wait < 0) look(world.now(), course, isEnd);
  };
  const first = (output: Output): Output => ({
    write(text) {
      clear();
      hasTold = true;
      output.write(text);
    },
    get isTTY() {
      return output.isTTY;
    },
    get columns() {
      return output.columns;
    },
    get colour() {
      return output.colour;
    },
  });
  world.atExit?.(clear);
  return {
    progress,
    context: {
      ...world,
      progress,
      stdout: first(world.stdout),
      stderr: first(world.stderr),
      async confirm(question) {
        clear();
        const asked = world.now();
        const answer = await world.confirm(question);
        // To think is not work.
        begun += world.now() - asked;
        return answer;
      },
    },
    end() {
      clear();
      isMute = true;
    },
  };
}

function wayOf({ stderr, env }: Context, { quiet, logFormat }: Voice): 'line' | 'log' | 'none' {
  if (quiet === true) return 'none';
  if (logFormat === 'json') return 'log';
  return stderr.isTTY && env.CI === undefined && env.TERM !== 'dumb' ? 'line' : 'none';
}

function standOf(step: Step, done: number, total: number | undefined, rate: number | undefined): Stand {
  const left = total === undefined || !rate ? undefined : Math.max(0, Math.ceil((total - done) / rate));
  const rounded = rate !== undefined && rate < 10 ? Math.round(rate * 10) / 10 : rate && Math.round(rate);
  return { step, done, total, rate: rounded, secondsLeft: done === total ? 0 : left };
}

/** With a kind, as beside it there may be a ProblemList. */
function logLine({ step, done, total, rate, secondsLeft }: Stand): string {
  const line = { level: 'info', kind: 'Progress', step, done, total: total ?? null };
  return `${JSON.stringify({ ...line, rate: rate ?? null, secondsLeft: secondsLeft ?? null })}\n`;
}

interface Speed {
  add(now: number, done: number): void;
  /** A second, over the last few; undefined before it can be told. */
  at(now: number, done: number): number | undefined;
}

function createSpeed(): Speed {
  /** The oldest first. */
  const samples: { readonly at: number; readonly done: number }[] = [];
  return {
    add(now, done) {
      const last = samples.at(-1);
      if (last && Math.abs(now - last.at) < REDRAW) return;
      samples.push({ at: now, done });
      while (samples[1] && now - samples[1].at >= WINDOW) samples.shift();
    },
    at(now, done) {
      const [oldest] = samples;
      const passed = oldest ? now - oldest.at : 0;
      return oldest && passed >= REDRAW ? ((done - oldest.done) * 1000) / passed : undefined;
    },
  };
}
