/**
 * Lets signals be heard: what only waits for promises that are kept already never gives way, and a Ctrl-C would come
 * too late. To be awaited between steps that may take long, and before what cannot be taken back.
 */
export function letSignalsIn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
