/** What a seed makes: the same numbers everywhere (mulberry32, small and fast). */
export function numbers(seed: number, count: number): Uint32Array {
  const values = new Uint32Array(count);
  let state = Math.imul(seed + 1, 0x9e3779b9) >>> 0;
  for (let i = 0; i < count; i++) {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    values[i] = (mixed ^ (mixed >>> 14)) >>> 0;
  }
  return values;
}
