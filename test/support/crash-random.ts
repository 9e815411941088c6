import { Tape } from './tape.ts';

/** The seed of a run: ROLECALL_SEED, else one of now. A test that fails names it. */
export function seedOfRun(): number {
  const given = Number(process.env.ROLECALL_SEED);
  return Number.isSafeInteger(given) && given > 0 ? given : Date.now() % 2 ** 31;
}

/** Decisions for one round; the same seed and round give the same. */
export function tapeOf(seed: number, round: number): Tape {
  const next = randoms(Math.imul(seed, 0x9e3779b1) + round);
  return new Tape(Uint32Array.from({ length: 5000 }, next));
}

/** mulberry32: small, and good enough to spread kills. */
function randoms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
