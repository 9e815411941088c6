import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { EXIT } from '../../src/core/problem.ts';
import { builtProgram, firstChange } from '../support/crash-program.ts';
import { seedOfRun, tapeOf } from '../support/crash-random.ts';
import { allIsSettled, gather, nothingIsLeft, nothingIsLost } from '../support/secret-checks.ts';
import { APPLY, type Lab, newLab, ROTATES_EVERY, type TokenSpec } from '../support/secret-lab.ts';
import type { Tape } from '../support/tape.ts';

const KILLS = process.env.ROLECALL_LONG === '1' ? 500 : 25;
/** Kills in one store, from the moment before it is made. */
const KILLS_OF_A_STORE = 25;
const TOKENS = 10;
const HOUR = 3_600_000;
const program = builtProgram();
afterAll(() => program.remove());

test(`${KILLS} kills of what issues, rotates, moves and ends secrets lose none`, {
  timeout: KILLS * 10_000,
}, async () => {
  const seed = seedOfRun();
  const counts: Record<string, number> = {};
  let life: Life | undefined;
  onTestFinished(() => life?.lab.remove());
  for (let round = 0, kills = 0; kills < KILLS; round++) {
    const tape = tapeOf(seed, round);
    if (!life || life.kills === KILLS_OF_A_STORE) {
      life?.lab.remove();
      life = newLife();
    }
    try {
      const [what, wasKilled] = await life.round(tape);
      counts[what] = (counts[what] ?? 0) + 1;
      if (wasKilled) kills++;
    } catch (error) {
      throw new Error(`ROLECALL_SEED=${seed}, round ${round}, after ${kills} kills`, { cause: error });
    }
  }
  const said = Object.entries(counts).map(([what, times]) => `${what}: ${times}`);
  console.log(`${KILLS} kills, seed ${seed}; ${said.sort().join(', ')}`);
});

interface Life {
  readonly lab: Lab;
  readonly kills: number;
  /** Does something, kills that, looks at what is there, and mostly makes it good. Returns what it was, and whether it was killed. */
  round(tape: Tape): Promise<[what: string, wasKilled: boolean]>;
}

/** How long a run takes that is not killed, in milliseconds. */
let duration = 250;

function newLife(): Life {
  const lab = newLab(program);
  const texts = new Map<string, string>();
  let tokens: readonly TokenSpec[] = [];
  let count = 0;
  let kills = 0;
  let ahead = 0;

  const newToken = (tape: Tape): TokenSpec => {
    const name = `t${count++}`;
    return {
      name,
      file: tape.chance(2) ? name : `deep/${name}`,
      overlap: tape.pick([undefined, '24h', '1h']),
    };
  };

  /** What to run, once the manifests say what it is about. */
  function next(tape: Tape): readonly [what: string, argv: readonly string[]] {
    if (tokens.length === 0) {
      tokens = Array.from({ length: TOKENS }, () => newToken(tape));
      return ['first apply', APPLY];
    }
    const { name } = tape.one(tokens.filter(({ revoked }) => !revoked)) ?? newToken(tape);
    const isIt = (token: TokenSpec) => token.name === name;
    switch (tape.below(8)) {
      case 0:
      case 1:
        ahead += ROTATES_EVERY;
        return ['rotation by schedule', APPLY];
      case 2:
        return ['token rotate', ['token', 'rotate', name, '-n', 'acme']];
      case 3:
        return ['token rotate --to', ['token', 'rotate', name, '-n', 'acme', '--to', `out/${name}`]];
      case 4:
        tokens = tokens.map((token) =>
          isIt(token) ? { ...token, file: `moved/${name}-${count++}` } : token,
        );
        return ['change of deliverTo', APPLY];
      case 5:
        tokens = [...tokens.filter((token) => !isIt(token)), newToken(tape)];
        return ['one goes, another comes', APPLY];
      case 6:
        tokens = tokens.map((token) => (isIt(token) ? { ...token, revoked: true } : token));
        return ['token revoke', ['token', 'revoke', name, '-n', 'acme']];
      default: {
        const gone = tokens.find(({ revoked }) => revoked);
        tokens = [...tokens.filter((token) => token !== gone), newToken(tape)];
        return ['one that was revoked goes, another comes', APPLY];
      }
    }
  }

  return {
    lab,
    get kills() {
      return kills;
    },
    async round(tape) {
      // So late that what was left is seen to be of nobody who still runs, and that some overlaps are over.
      ahead += tape.pick([2, 3, 30]) * HOUR;
      const isLast = tokens.length > 0 && tape.chance(4);
      const [what, argv] = isLast ? (['nothing', APPLY] as const) : next(tape);
      lab.declare(tokens);
      const before = lab.files();
      gather(texts, before);
      const began = performance.now();
      const { child, ended } = lab.start(argv, { ahead });
      const stop = new AbortController();
      const isDone = ended.then(() => stop.abort());
      const share = tape.below(1000) / 1000;
      try {
        // Either at any time, or soon after something happened to a file or the store.
        if (tape.chance(3) || before.length === 0) await sleep(share * duration, undefined, stop);
        else {
          const watched = tape.pick(['.iam/secrets', '.iam']);
          await firstChange(path.join(lab.cwd, watched), /./, stop.signal);
          await sleep(share * 20, undefined, stop);
        }
        child.kill('SIGKILL');
      } catch (error) {
        if (!stop.signal.aborted) throw error;
      }
      await isDone;
      const { exit, stderr } = await ended;
      if (exit !== null) {
        // What was killed may not have made the token.
        expect(argv === APPLY ? [EXIT.done] : [EXIT.done, EXIT.invalid], stderr).toContain(exit);
        duration = performance.now() - began;
      } else kills++;
      await nothingIsLost(lab, before, Date.now() + ahead);
      gather(texts, lab.files());
      // Sometimes the next is killed before this one is made good; a guard would object to many that go at once.
      if (tape.chance(3) && !what.includes('goes')) return [what, exit === null];
      ahead += 2 * HOUR;
      const ran = await lab.start(APPLY, { ahead }).ended;
      expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
      expect(ran.stderr).not.toMatch(/unexpected|RC510/);
      gather(texts, lab.files());
      await allIsSettled(lab, texts, Date.now() + ahead, true);
      await nothingIsLeft(lab, ahead);
      return [what, exit === null];
    },
  };
}
