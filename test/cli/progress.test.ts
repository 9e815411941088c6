import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Context } from '../../src/cli/context.ts';
import { createProgress } from '../../src/cli/progress.ts';
import { progressLine } from '../../src/cli/progress-line.ts';
import type { Voice } from '../../src/cli/report.ts';
import type { Step } from '../../src/engine/progress.ts';
import { plain } from '../../src/render/paint.ts';
import { contextFor, type RunOptions } from '../support/run-iam.ts';

const UTF8 = { LANG: 'en_US.UTF-8' };

interface Desk {
  readonly context: Context;
  /** Lets time pass, in milliseconds, then tells how far a step is. */
  tell(passed: number, step: Step, done: number, total?: number): void;
  pass(milliseconds: number): void;
  /** What was written to stderr since it was last asked. */
  written(): string;
  stdout(): string;
  end(): void;
  exit(): void;
}

/** A display on a terminal, with a clock that goes only when it is told to. */
function desk(options: RunOptions = {}, voice: Voice = {}): Desk {
  let now = 1_000_000;
  let seen = 0;
  const tidying: (() => void)[] = [];
  const { context: world, said } = contextFor([], {
    interactive: true,
    colour: true,
    env: UTF8,
    now: () => now,
    answers: [true, true],
    ...options,
  });
  const withExit = { ...world, atExit: (tidy: () => void) => void tidying.push(tidy) };
  const { context, progress, end } = createProgress(withExit, () => voice);
  return {
    context,
    tell(passed, step, done, total) {
      now += passed;
      progress(step, done, total);
    },
    pass(milliseconds) {
      now += milliseconds;
    },
    written() {
      const { stderr } = said();
      const fresh = stderr.slice(seen);
      seen = stderr.length;
      return fresh;
    },
    stdout: () => said().stdout,
    end,
    exit: () => {
      for (const tidy of tidying) tidy();
    },
  };
}

const CLEAR = '\r\x1b[K';
const drawn = (line: string) => `\r${line}\x1b[K`;
const bar = (full: number, open: number) =>
  `\x1b[32m${'▓'.repeat(full)}\x1b[39m\x1b[2m${'░'.repeat(open)}\x1b[22m`;

/** A step that has come to 3,120 of 5,000 files in two seconds, and what was written of it last. */
function underWay(options?: RunOptions, voice?: Voice): Desk {
  const at = desk(options, voice);
  at.tell(0, 'load', 0, 5000);
  at.tell(1500, 'load', 2000, 5000);
  at.written();
  at.tell(500, 'load', 3120, 5000);
  return at;
}

describe('on a terminal', () => {
  test('a line is drawn over itself', () => {
    const at = desk();
    at.tell(0, 'load', 0, 5000);
    at.tell(1200, 'load', 1800, 5000);
    expect(at.written()).toBe(drawn(`load  ${bar(7, 13)}  1,800 of 5,000 files  1,500/s  3 s left`));
    at.tell(800, 'load', 3120, 5000);
    expect(at.written()).toBe(drawn(`load  ${bar(12, 8)}  3,120 of 5,000 files  1,560/s  2 s left`));
    at.end();
    expect(at.written()).toBe(CLEAR);
  });

  test('nothing is shown in the first second of all steps', () => {
    const at = desk();
    for (let done = 0; done <= 500; done++) at.tell(1, 'load', done, 500);
    for (let done = 1; done <= 400; done++) at.tell(1, 'apply', done, 400);
    at.tell(98, 'apply', 400, 400);
    at.end();
    expect(at.written()).toBe('');
  });

  test('it is drawn at most ten times a second, whatever the calls cost', () => {
    for (const [calls, each] of [
      [5000, 1],
      [50_000, 0.1],
      [100, 50],
      [20, 250],
    ] as const) {
      const at = desk();
      for (let done = 0; done <= calls; done++) at.tell(each, 'load', done, calls);
      const times = at.written().split('\r').length - 1;
      expect(times).toBeLessThanOrEqual(40);
      expect(times).toBeGreaterThanOrEqual(15);
    }
  });

  test('the clock is looked at seldom where calls are many', () => {
    let looks = 0;
    const { context } = contextFor([], { now: () => 1000 + looks++ / 10 });
    const { progress } = createProgress(context, () => ({}));
    for (let done = 0; done < 100_000; done++) progress('load', done, undefined);
    expect(looks).toBeLessThan(2000);
  });

  test('slow calls after many quick ones are soon told again', () => {
    const at = desk();
    for (let done = 0; done <= 20_000; done++) at.tell(0.1, 'load', done, 30_000);
    at.written();
    for (let done = 20_001; done <= 20_100; done++) at.tell(50, 'load', done, 30_000);
    expect(at.written().split('\r').length).toBeGreaterThan(15);
  });

  test('without a total there is no bar, and no end is foretold', () => {
    const at = desk();
    at.tell(0, 'read', 0);
    at.tell(2000, 'read', 1_234_567);
    expect(at.written()).toBe(drawn('read  1,234,567 resources  617,284/s'));
  });

  test('the rate is that of the last three seconds', () => {
    const at = desk();
    for (let second = 0; second <= 10; second++) at.tell(1000, 'apply', second * 100, 5000);
    at.written();
    for (let second = 1; second <= 4; second++) at.tell(1000, 'apply', 1000 + second * 10, 5000);
    expect(at.written().split('\r').at(-1)).toContain('1,040 of 5,000 changes  10/s  6 min 36 s left');
    for (let second = 1; second <= 4; second++) at.tell(1000, 'apply', 1040, 5000);
    expect(at.written().split('\r').at(-1)).toContain('1,040 of 5,000 changes  0/s\x1b[K');
  });

  test.each([
    ['stdout', (at: Desk) => at.context.stdout.write('')],
    ['stderr', (at: Desk) => at.context.stderr.write('')],
    ['a question', (at: Desk) => at.context.confirm('sure?')],
    ['the end of the process', (at: Desk) => at.exit()],
    ['the end of the work', (at: Desk) => at.end()],
  ])('it is gone before anything else is seen: %s', (_, happens) => {
    const at = underWay();
    at.written();
    happens(at);
    expect(at.written()).toBe(CLEAR);
    happens(at);
    expect(at.written()).toBe('');
  });

  test('it comes again after what was said meanwhile', () => {
    const at = underWay();
    at.context.stderr.write('a word\n');
    at.written();
    at.tell(100, 'load', 3200, 5000);
    expect(at.written()).toBe('');
    at.tell(25, 'load', 3300, 5000);
    expect(at.written()).toMatch(/^\rload {2}/);
  });

  test('the end of a step is seen, as silent work may follow', () => {
    const at = underWay({ colour: false });
    at.written();
    at.tell(1, 'load', 5000, 5000);
    at.tell(1, 'load', 5000, 5000);
    at.tell(1, 'validate', 1);
    expect(at.written()).toBe(drawn('load  ####################  5,000 of 5,000 files  2,499/s'));
  });

  test('nothing comes after the end', () => {
    const at = underWay();
    at.end();
    at.written();
    at.tell(5000, 'load', 4000, 5000);
    at.tell(5000, 'apply', 0, 5000);
    expect(at.written()).toBe('');
  });

  test('to think is not work', async () => {
    const at = desk();
    at.tell(0, 'load', 0, 10);
    at.tell(100, 'load', 10, 10);
    const { confirm } = at.context;
    at.pass(0);
    const thinking = confirm('Apply this plan?');
    at.pass(60_000);
    expect(await thinking).toBe(true);
    at.tell(100, 'apply', 0, 10);
    at.tell(100, 'apply', 10, 10);
    expect(at.written()).toBe('');
  });

  test('what begins anew after its results is other work', () => {
    const at = desk();
    for (let times = 0; times < 5; times++) {
      at.tell(3000, 'load', 0, 2);
      at.tell(200, 'load', 2, 2);
      at.tell(200, 'apply', 0, 1);
      at.tell(200, 'apply', 1, 1);
      at.context.stdout.write('created User ana\n');
    }
    expect(at.written()).toBe('');
  });

  test.each<[string, RunOptions, Voice]>([
    ['-q', {}, { quiet: true }],
    ['-q with --log-format json', {}, { quiet: true, logFormat: 'json' }],
    ['CI', { env: { ...UTF8, CI: 'true' } }, {}],
    ['TERM=dumb', { env: { ...UTF8, TERM: 'dumb' } }, {}],
    ['no terminal', { interactive: false }, {}],
    ['no terminal, colours wanted', { interactive: false, colour: true }, {}],
  ])('%s: nothing', (_, options, voice) => {
    const at = underWay(options, voice);
    at.end();
    at.exit();
    expect(at.written()).toBe('');
  });

  test('without colours, or where the terminal knows ASCII only, the bar is plain', () => {
    const text = '  3,120 of 5,000 files  1,560/s  2 s left';
    expect(underWay({ colour: false }).written()).toBe(drawn(`load  ############--------${text}`));
    for (const LC_ALL of ['C', 'ja_JP.UTF-8'])
      expect(underWay({ env: { ...UTF8, LC_ALL } }).written()).toBe(
        drawn(`load  \x1b[32m############\x1b[39m\x1b[2m--------\x1b[22m${text}`),
      );
  });

  test.each([
    [80, 'load  ############--------  3,120 of 5,000 files  1,560/s  2 s left'],
    [60, 'load  ######----  3,120 of 5,000 files  1,560/s  2 s left'],
    [40, 'load  ######----   62%  2 s left'],
    [20, 'load   62%'],
    [5, 'load'],
    [3, 'lo'],
    [0, ''],
  ])('%i columns', (columns, line) => {
    expect(underWay({ columns, colour: false }).written()).toBe(drawn(line));
  });

  test('a stderr that fails fails nothing', () => {
    const { context: world } = contextFor([], { interactive: true, now: () => clock });
    let clock = 0;
    let tried = 0;
    const write = () => {
      tried++;
      throw new Error('EIO');
    };
    const { progress, end } = createProgress({ ...world, stderr: { ...world.stderr, write } }, () => ({}));
    for (; clock < 9000; clock += 100) progress('load', clock, 9000);
    end();
    expect(tried).toBe(1);
  });
});

describe('as a line', () => {
  const look = { columns: 80, paint: plain, isPlain: true };
  const stand = { step: 'apply', done: 0, total: 1000, rate: undefined, secondsLeft: undefined } as const;

  test.each([
    [59, '59 s left'],
    [60, '1 min 0 s left'],
    [3599, '59 min 59 s left'],
    [7500, '2 h 5 min left'],
  ])('%i seconds', (secondsLeft, text) => {
    expect(progressLine({ ...stand, rate: 0.1, secondsLeft }, look)).toBe(
      `apply  --------------------      0 of 1,000 changes  0.1/s  ${text}`,
    );
  });

  test('of what is more than all, or of nothing, is full', () => {
    expect(progressLine({ ...stand, done: 1001 }, look)).toBe(
      'apply  ####################  1,001 of 1,000 changes',
    );
    expect(progressLine({ ...stand, total: 0 }, look)).toBe('apply  ####################  0 of 0 changes');
  });
});

describe('--log-format json', () => {
  const log = (at: Desk) =>
    at
      .written()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));

  test.each([true, false])('a line a second, on a terminal or not (%s)', (interactive) => {
    const at = desk({ interactive }, { logFormat: 'json' });
    at.tell(0, 'load', 0, 5000);
    at.tell(2000, 'load', 3120, 5000);
    expect(at.written()).toBe(
      '{"level":"info","kind":"Progress","step":"load","done":3120,"total":5000,"rate":1560,"secondsLeft":2}\n',
    );
    at.tell(999, 'load', 4000, 5000);
    expect(at.written()).toBe('');
    at.tell(1, 'load', 4200, 5000);
    expect(log(at)).toMatchObject([{ done: 4200 }]);
    at.end();
    at.exit();
    expect(at.written()).toBe('');
  });

  test('and one at the end of each step', () => {
    const at = desk({}, { logFormat: 'json' });
    at.tell(0, 'load', 0, 10);
    at.tell(1500, 'load', 10, 10);
    at.tell(10, 'validate', 0);
    at.tell(10, 'validate', 7);
    at.tell(300, 'read', 0, 3);
    at.tell(10, 'read', 3, 3);
    at.tell(10, 'read', 3, 3);
    expect(log(at)).toEqual([
      { level: 'info', kind: 'Progress', step: 'load', done: 10, total: 10, rate: 6.7, secondsLeft: 0 },
      {
        level: 'info',
        kind: 'Progress',
        step: 'validate',
        done: 7,
        total: null,
        rate: 23,
        secondsLeft: null,
      },
      { level: 'info', kind: 'Progress', step: 'read', done: 3, total: 3, rate: null, secondsLeft: 0 },
    ]);
  });

  test('nothing of work that takes no longer than a second', () => {
    const at = desk({}, { logFormat: 'json' });
    at.tell(0, 'load', 0, 10);
    at.tell(500, 'load', 10, 10);
    at.tell(500, 'apply', 10, 10);
    expect(at.written()).toBe('');
  });
});

/** What a terminal shows after these bytes, and the longest that any line was. */
function screen(bytes: string): { text: string; longest: number } {
  const lines = [''];
  let column = 0;
  let longest = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal reads control characters
  for (const [token] of bytes.matchAll(/\x1b\[[0-9;]*[A-Za-z]|./gsu)) {
    const line = lines.at(-1) ?? '';
    if (token === '\r') column = 0;
    else if (token === '\n') {
      lines.push('');
      column = 0;
    } else if (token === '\x1b[K') lines[lines.length - 1] = line.slice(0, column);
    else if (!token.startsWith('\x1b')) {
      lines[lines.length - 1] = line.slice(0, column) + token + line.slice(column + 1);
      column++;
      longest = Math.max(longest, column);
    }
  }
  return { text: lines.join('\n'), longest };
}

test('whatever is called: no line is too long, and nothing of it stays', () => {
  const number = fc.oneof(fc.nat(10), fc.nat(10_000_000), fc.double());
  const call = fc.record({
    passed: fc.oneof(fc.constant(0), fc.nat(200), fc.integer({ min: -5000, max: 5000 })),
    step: fc.constantFrom<Step>('load', 'validate', 'read', 'apply'),
    done: number,
    total: fc.option(number, { nil: undefined }),
    says: fc.constantFrom('', '', 'stderr', 'stdout'),
  });
  fc.assert(
    fc.property(
      fc.array(call, { maxLength: 60 }),
      fc.nat(130),
      fc.boolean(),
      fc.constantFrom<'end' | 'exit'>('end', 'exit'),
      (calls, columns, colour, last) => {
        const at = desk({ columns, colour });
        let told = '';
        let bytes = '';
        for (const { passed, step, done, total, says } of calls) {
          at.tell(passed, step, done, total);
          if (says !== '') at.context[says as 'stdout' | 'stderr'].write('\n');
          if (says === 'stderr') told += '\n';
          const fresh = at.written();
          // A result goes elsewhere: before it the line must be gone.
          if (says === 'stdout')
            expect(
              screen(bytes + fresh)
                .text.split('\n')
                .at(-1),
            ).toBe('');
          bytes += fresh;
        }
        at[last]();
        bytes += at.written();
        const { text, longest } = screen(bytes);
        expect(text).toBe(told);
        expect(longest).toBeLessThanOrEqual(Math.max(0, columns - 1));
      },
    ),
    { numRuns: 500 },
  );
});
