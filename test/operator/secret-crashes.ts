import { describe, expect, test } from 'vitest';
import { seedOfRun, tapeOf } from '../support/crash-random.ts';
import {
  allIsSettled,
  Crash,
  crashing,
  type Declared,
  HOUR,
  heldIn,
  nothingIsLost,
  ROTATES_EVERY,
  type SecretLab,
} from './secret-lab.ts';

const CI = { ci: 'ci-deploy/token' };
const WAVES = process.env.ROLECALL_LONG === '1' ? 200 : 12;

/** Operators that end at any moment, and several at once. */
export function secretCrashes(newLab: () => Promise<SecretLab>): void {
  describe('ended at each step, and done again, nothing is lost and all is done:', () => {
    interface Case {
      readonly title: string;
      readonly before?: Declared;
      readonly after: Declared;
      readonly later?: number;
      readonly lose?: (lab: SecretLab) => Promise<unknown>;
    }
    const cases: readonly Case[] = [
      { title: 'the first secrets', after: { ...CI, cd: 'cd-deploy/token' } },
      { title: 'rotation by schedule', before: CI, after: CI, later: ROTATES_EVERY },
      { title: 'another key', before: CI, after: { ci: 'ci-deploy/password' }, later: HOUR },
      { title: 'another Secret', before: CI, after: { ci: 'cd-deploy/token' }, later: HOUR },
      { title: 'a Token that goes', before: { ...CI, cd: 'cd-deploy/token' }, after: CI, later: HOUR },
      { title: 'a Secret that is gone', before: CI, after: CI, lose: (lab) => lab.clear() },
    ];
    const names = ['ci-deploy', 'cd-deploy'];

    test.each(cases)('$title', { timeout: 300_000 }, async (one) => {
      for (const when of ['before', 'after'] as const)
        for (let at = 0, isOver = false; !isOver; at++) {
          const { steps, crashed } = await killed(one, at, when);
          isOver = !crashed;
          if (isOver) expect(steps.length).toBeGreaterThan(3);
        }
    });

    async function killed({ before, after, later = 0, lose }: Case, at: number, when: 'before' | 'after') {
      const lab = await newLab();
      if (before) {
        await lab.declare(before);
        await lab.deliver();
      }
      await lab.declare(after);
      await lose?.(lab);
      lab.ahead += later;
      const held = await heldIn(lab, names);
      const process = crashing(lab, at, when);
      let crashed = false;
      try {
        await lab.deliver(process);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        crashed = true;
      }
      try {
        // Where it was to be lost, it is what is made good.
        if (!lose) await nothingIsLost(lab, held);
        lab.ahead += 2 * HOUR;
        await lab.deliver();
        await nothingIsLost(lab, lose ? [] : held);
        await allIsSettled(lab, after, names, true);
        // What never became valid goes with the next secret.
        lab.ahead += ROTATES_EVERY;
        await lab.deliver();
        await allIsSettled(lab, after, names);
        expect(await lab.deliver()).toEqual({ issued: [], failed: [], warnings: [], removed: [] });
      } catch (error) {
        throw new Error(`${when} step ${at}: ${process.steps[at]}`, { cause: error });
      }
      return { steps: process.steps, crashed };
    }
  });

  test(`${WAVES} times two to five operators at once, some of which end, lose nothing`, {
    timeout: WAVES * 10_000,
  }, async () => {
    const seed = seedOfRun();
    const lab = await newLab();
    // In the past, so that nothing that waits looks older than it is: that is by the clock of the API server.
    lab.ahead = -WAVES * (ROTATES_EVERY + 2 * HOUR);
    const both = { ...CI, cd: 'cd-deploy/token' };
    await lab.declare(both);
    const names = ['ci-deploy', 'cd-deploy'];
    for (let wave = 0; wave < WAVES; wave++) {
      const tape = tapeOf(seed, wave);
      const held = await heldIn(lab, names);
      const ended = await Promise.allSettled(
        Array.from({ length: 2 + tape.below(4) }, () =>
          lab.deliver(crashing(lab, tape.chance(2) ? tape.below(20) : 1000, tape.pick(['before', 'after']))),
        ),
      );
      try {
        for (const one of ended)
          if (one.status === 'rejected' && !/RC407|others issue/.test(String(one.reason)))
            expect(one.reason).toBeInstanceOf(Crash);
        await nothingIsLost(lab, held);
        lab.ahead += 2 * HOUR;
        await lab.deliver();
        await allIsSettled(lab, both, names, true);
      } catch (error) {
        throw new Error(`ROLECALL_SEED=${seed}, wave ${wave}`, { cause: error });
      }
      lab.ahead += tape.pick([HOUR, ROTATES_EVERY]);
    }
  });
}
