import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { EXIT } from '../../src/core/problem.ts';
import { builtProgram, type Ended, type Running } from '../support/crash-program.ts';
import { allIsSettled, gather, nothingIsLeft, nothingIsLost } from '../support/secret-checks.ts';
import { APPLY, type Lab, newLab, ROTATES_EVERY, type TokenSpec } from '../support/secret-lab.ts';

/** Also at each step that has nothing to do with secrets. */
const all = process.env.ROLECALL_LONG === '1';
const WAVES = all ? 100 : 5;
const HOUR = 3_600_000;
const program = builtProgram();
afterAll(() => program.remove());

const ci: TokenSpec = { name: 'ci', file: 'ci/deploy', overlap: '24h' };
const other: TokenSpec = { name: 'other', file: 'other' };
const ROTATE = ['token', 'rotate', 'ci', '-n', 'acme'];
/** Who waits for one that is held waits in vain. */
const IMPATIENT = ['--lock-timeout', '100ms'];

interface Case {
  readonly title: string;
  /** What is held at each of its steps. */
  readonly held: readonly string[];
  /** What others do meanwhile, one after the other. */
  readonly meanwhile: readonly (readonly string[])[];
  /** How long ago the secrets were issued, in milliseconds. */
  readonly ago: number;
  /** What the manifests say in the end, where it is not what they said. */
  readonly desired?: readonly TokenSpec[];
}

const CASES: readonly Case[] = [
  { title: 'token rotate, while another rotates', held: ROTATE, meanwhile: [ROTATE], ago: HOUR },
  { title: 'token rotate, while two others rotate', held: ROTATE, meanwhile: [ROTATE, ROTATE], ago: HOUR },
  { title: 'token rotate, while another applies', held: ROTATE, meanwhile: [APPLY], ago: HOUR },
  {
    title: 'apply with rotations that are due, while another applies',
    held: APPLY,
    meanwhile: [APPLY],
    ago: ROTATES_EVERY + HOUR,
  },
  {
    title: 'apply with rotations that are due, while another rotates',
    held: APPLY,
    meanwhile: [ROTATE],
    ago: ROTATES_EVERY + HOUR,
  },
  {
    title: 'token rotate, while another takes the token away',
    held: ROTATE,
    meanwhile: [['delete', 'token', 'ci', '-n', 'acme']],
    ago: HOUR,
  },
  {
    title: 'token rotate, while another revokes the token',
    held: ROTATE,
    meanwhile: [['token', 'revoke', 'ci', '-n', 'acme']],
    ago: HOUR,
    desired: [{ ...ci, revoked: true }, other],
  },
  {
    title: 'apply with rotations that are due, while another takes the token away',
    held: APPLY,
    meanwhile: [['delete', 'token', 'ci', '-n', 'acme']],
    ago: ROTATES_EVERY + HOUR,
  },
];

/** Whether others see a difference between this step and the one before it. */
function isTelling(step: string): boolean {
  return all || !/^(?:write|sync)/.test(step);
}

describe.skipIf(process.platform === 'win32')(
  'held at each step, nothing is lost and all ends well (skipped on Windows: no SIGSTOP):',
  () => {
    test.each(CASES)('$title', { timeout: 600_000 }, async (one) => {
      const lab = newLab(program);
      onTestFinished(() => lab.remove());
      lab.declare([ci, other]);
      expect((await lab.run(APPLY, -one.ago)).exit).toBe(0);
      const back = lab.keep();
      expect((await lab.start(one.held, { all }).ended).exit).toBe(0);
      const steps = lab.steps();
      for (const [at, step] of steps.entries()) {
        if (!isTelling(step)) continue;
        back();
        try {
          await held(lab, one, at);
        } catch (error) {
          throw new Error(`step ${at} of ${steps.length}: ${step}`, { cause: error });
        }
      }
      expect(steps.length).toBeGreaterThan(8);
    });

    test('token rotate, while another goes on that has settled what there was', {
      timeout: 600_000,
    }, async () => {
      const lab = newLab(program);
      onTestFinished(() => lab.remove());
      lab.declare([ci, other]);
      expect((await lab.run(APPLY, -HOUR)).exit).toBe(0);
      expect((await lab.start(ROTATE).ended).exit).toBe(0);
      const steps = lab.steps();
      const issued = steps.indexOf('after COMMIT ');
      expect((await lab.start(ROTATE, { at: issued }).ended).exit).toBeNull();
      const back = lab.keep();
      const settled = ['rename', 'sync', 'before COMMIT', 'after COMMIT'].length - 1;
      for (const [at, step] of steps.entries()) {
        if (!isTelling(step)) continue;
        back();
        try {
          const one = lab.start(ROTATE, { at: settled, signal: 'SIGSTOP' });
          await isHeld(lab, one, settled);
          expect(lab.steps().at(-1)).toBe('after COMMIT ');
          await held(lab, { held: ROTATE, meanwhile: [] }, at, async () => {
            one.child.kill('SIGCONT');
            // Whoever is held before its commit has the lock.
            if (step.startsWith('before')) await sleep(300);
            else await one.ended;
            return one;
          });
        } catch (error) {
          throw new Error(`step ${at} of ${steps.length}: ${step}`, { cause: error });
        }
      }
    });
  },
);

async function held(
  lab: Lab,
  { held, meanwhile, desired }: Pick<Case, 'held' | 'meanwhile' | 'desired'>,
  at: number,
  goOn?: () => Promise<Running>,
): Promise<void> {
  const texts = new Map<string, string>();
  gather(texts, lab.files());
  const running = lab.start([...held, ...IMPATIENT], { at, signal: 'SIGSTOP', all: all && !goOn });
  await isHeld(lab, running, at);
  for (const argv of meanwhile) {
    const ran = await lab.run([...argv, ...IMPATIENT], 0);
    // Whoever is held may have the lock.
    expect([EXIT.done, EXIT.stale], ran.stderr).toContain(ran.exit);
    if (ran.exit === EXIT.stale) expect(lab.steps().at(-1)).toMatch(/COMMIT|-holder/);
    gather(texts, lab.files());
    await nothingIsLost(lab, [], Date.now());
  }
  const other = await goOn?.();
  gather(texts, lab.files());
  running.child.kill('SIGCONT');
  const ended = await running.ended;
  if (other) expect((await other.ended).exit, (await other.ended).stderr).toBe(0);
  expect(ended.stderr).not.toContain('unexpected');
  if (ended.exit === EXIT.error)
    expect(ended.stderr).toContain('RC511: Token acme/ci: its secrets were revoked while');
  else expect([EXIT.done, EXIT.stale, EXIT.invalid], ended.stderr).toContain(ended.exit);
  if (desired) lab.declare(desired);
  await end(lab, texts, 0);
}

test(`${WAVES} times two to eight processes that rotate and apply at once lose nothing`, {
  timeout: WAVES * 30_000,
}, async () => {
  const lab = newLab(program);
  onTestFinished(() => lab.remove());
  lab.declare([ci, other]);
  const texts = new Map<string, string>();
  const ends: Record<string, number> = {};
  for (let wave = 0; wave < WAVES; wave++) {
    // By turns there is no store yet, all is due, and nothing is.
    // In the past, so that no file that waits looks older than it is.
    const ahead = (Math.floor(wave / 2) - WAVES) * (ROTATES_EVERY + 4 * HOUR);
    const argvs = wave === 0 ? [APPLY] : [ROTATE, APPLY, ROTATE, [...ROTATE, '--to', 'out/ci']];
    const running = Array.from({ length: 2 + ((wave * 2) % 7) }, (_, i) =>
      lab.start(argvs[i % argvs.length] ?? APPLY, { ahead }),
    );
    for (const { exit, stderr } of await Promise.all(running.map(({ ended }) => ended))) {
      expect([EXIT.done, EXIT.stale], stderr).toContain(exit);
      expect(stderr).not.toMatch(/unexpected|RC510/);
      const end = exit === EXIT.done ? 'exit 0' : `exit 5 (${/RC\d+/.exec(stderr)?.[0]})`;
      ends[end] = (ends[end] ?? 0) + 1;
    }
    try {
      await end(lab, texts, ahead);
    } catch (error) {
      throw new Error(`wave ${wave}`, { cause: error });
    }
  }
  console.log(
    `${WAVES} waves; ${Object.entries(ends)
      .map(([end, times]) => `${end}: ${times}`)
      .join(', ')}`,
  );
});

/** What a last apply must find, and leave. */
async function end(lab: Lab, texts: Map<string, string>, before: number): Promise<void> {
  gather(texts, lab.files());
  await nothingIsLost(lab, [], Date.now() + before);
  const ahead = before + 2 * HOUR;
  const { exit, stderr } = await lab.start(APPLY, { ahead }).ended;
  expect(exit, stderr).toBe(0);
  expect(stderr).not.toContain('RC510');
  gather(texts, lab.files());
  await allIsSettled(lab, texts, Date.now() + ahead);
  await nothingIsLeft(lab, ahead);
}

async function isHeld(lab: Lab, { child, ended }: Running, at: number): Promise<void> {
  let over: Ended | undefined;
  void ended.then((end) => {
    over = end;
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  while (lab.steps().length <= at) {
    if (over) throw new Error(`ended before step ${at}: ${over.stderr}`);
    await sleep(5);
  }
}
