/** How long to wait before what failed is tried again. Times are milliseconds on a clock that never goes back. */
export interface BackOff {
  /** It works: for as long as nobody calls `failed`. */
  works(): void;
  /** It has failed: the milliseconds to wait, not less than `atLeast`, which is what the other side asks for. */
  failed(atLeast?: number): number;
}

export interface BackOffOptions {
  /** The longest wait after the first failure; each one after it doubles that. */
  readonly first?: number;
  readonly longest?: number;
  /** After it has worked for this long, the next failure is the first again. */
  readonly healthyAfter?: number;
  /** From 0 up to 1. */
  readonly random?: () => number;
  readonly now?: () => number;
}

/** Exponential, with full jitter: those who were thrown out together do not come back together. */
export function backOff({
  first = 800,
  longest = 30_000,
  healthyAfter = 120_000,
  random = Math.random,
  now = () => performance.now(),
}: BackOffOptions = {}): BackOff {
  let failures = 0;
  let worksSince: number | undefined;
  return {
    works() {
      worksSince ??= now();
    },
    failed(atLeast = 0) {
      if (worksSince !== undefined && now() - worksSince >= healthyAfter) failures = 0;
      worksSince = undefined;
      const most = Math.min(longest, first * 2 ** failures);
      failures++;
      return atLeast + random() * most;
    },
  };
}
