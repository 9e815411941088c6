import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { builtProgram } from '../support/crash-program.ts';
import { allIsSettled, gather, nothingIsLeft, nothingIsLost } from '../support/secret-checks.ts';
import { APPLY, type Lab, newLab, ROTATES_EVERY, type TokenSpec } from '../support/secret-lab.ts';

/** Also at each step that has nothing to do with secrets. */
const all = process.env.ROLECALL_LONG === '1';
const HOUR = 3_600_000;
const program = builtProgram();
afterAll(() => program.remove());

const ci: TokenSpec = { name: 'ci', file: 'ci/deploy', overlap: '24h' };
const other: TokenSpec = { name: 'other', file: 'other' };

interface Case {
  readonly title: string;
  /** The Tokens that were applied before; undefined where there is no store yet. */
  readonly before: readonly TokenSpec[] | undefined;
  readonly after: readonly TokenSpec[];
  readonly argv: readonly string[];
  /** What makes good what was killed; the same command where it is not given. */
  readonly again?: readonly string[];
  /** How long after what was before, in milliseconds. */
  readonly later?: number;
}

const CASES: readonly Case[] = [
  { title: 'the first apply of all', before: undefined, after: [ci], argv: APPLY },
  { title: 'the first secrets in a store that is there', before: [], after: [ci, other], argv: APPLY },
  {
    title: 'the first secret of one token where another has one',
    before: [other],
    after: [ci, other],
    argv: APPLY,
  },
  {
    title: 'rotation by schedule',
    before: [ci, other],
    after: [ci, other],
    argv: APPLY,
    later: ROTATES_EVERY + HOUR,
  },
  {
    title: 'token rotate',
    before: [ci],
    after: [ci],
    argv: ['token', 'rotate', 'ci', '-n', 'acme'],
    later: HOUR,
  },
  {
    title: 'token rotate without an overlap',
    before: [other],
    after: [other],
    argv: ['token', 'rotate', 'other', '-n', 'acme'],
    later: HOUR,
  },
  {
    title: 'token rotate --to',
    before: [ci],
    after: [ci],
    argv: ['token', 'rotate', 'ci', '-n', 'acme', '--to', 'out/ci'],
    later: HOUR,
  },
  {
    title: 'a change of deliverTo',
    before: [ci],
    after: [{ ...ci, file: 'elsewhere/deploy' }],
    argv: APPLY,
    later: HOUR,
  },
  { title: 'a token that is pruned', before: [ci, other], after: [other], argv: APPLY, later: HOUR },
  {
    title: 'iam delete',
    before: [ci, other],
    after: [other],
    argv: ['delete', 'token', 'ci', '-n', 'acme'],
    again: APPLY,
    later: HOUR,
  },
];

describe('killed at each step, and run again, nothing is lost and all is done:', () => {
  test.each(CASES)('$title', { timeout: 600_000 }, async (one) => {
    const lab = newLab(program);
    onTestFinished(() => lab.remove());
    await prepare(lab, one);
    const back = lab.keep();
    const { later = 0, argv } = one;
    const whole = await lab.start(argv, { all, ahead: later }).ended;
    expect(whole.exit, whole.stderr).toBe(0);
    const steps = lab.steps();
    // What is killed after its last step has ended.
    for (const [at, step] of steps.entries()) {
      back();
      try {
        await killed(lab, one, at);
      } catch (error) {
        throw new Error(`step ${at} of ${steps.length}: ${step}`, { cause: error });
      }
    }
    expect(steps.length).toBeGreaterThan(3);
  });
});

async function prepare(lab: Lab, { before, after }: Case): Promise<void> {
  if (before) {
    lab.declare(before);
    const ran = await lab.run(APPLY, 0);
    expect(ran.exit, ran.stderr).toBe(0);
  }
  lab.declare(after);
}

async function killed(lab: Lab, { argv, again = argv, later = 0 }: Case, at: number): Promise<void> {
  const before = lab.files();
  const texts = new Map<string, string>();
  gather(texts, before);
  const { exit } = await lab.start(argv, { at, all, ahead: later }).ended;
  expect(exit).toBeNull();
  await nothingIsLost(lab, before, Date.now() + later);
  gather(texts, lab.files());
  // So late that what it left is seen to be of nobody who still runs.
  const ahead = later + 2 * HOUR;
  const ran = await lab.start(again, { ahead }).ended;
  expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
  gather(texts, lab.files());
  await allIsSettled(lab, texts, Date.now() + ahead);
  await nothingIsLeft(lab, ahead);
}
