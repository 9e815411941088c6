/** The shortest text that still fails, as far as cutting finds one: halves first, then ever smaller pieces. */
export function minimal(text: string, fails: (text: string) => boolean): string {
  let best = text;
  for (let size = Math.ceil(text.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let start = 0; start < best.length; ) {
      const shorter = best.slice(0, start) + best.slice(start + size);
      if (fails(shorter)) best = shorter;
      else start += size;
    }
  return best;
}
