/** When a key is to be worked on again, though nothing was added. */
export interface WorkResult {
  /** Milliseconds from the end of the work; left out: not until it is added. */
  readonly againAfter?: number | undefined;
}

/** Is told what becomes of keys, for figures. Must not throw. */
export interface QueueObserver {
  added(key: string, depth: number): void;
  started(key: string, waitedMs: number, depth: number): void;
  done(key: string, workedMs: number, result: 'success' | 'error' | 'again'): void;
  retried(key: string): void;
}

export interface WorkQueueOptions<K extends string> {
  /** Must bring about all that is to be done for a key, whatever happened; what it throws is told to `failed`. */
  readonly work: (key: K) => Promise<WorkResult>;
  readonly failed: (key: K, error: unknown, againAfter: number) => void;
  /** Which of two keys that are ready comes first: the one of lower rank. */
  readonly rank?: (key: K) => number;
  /** How many keys are worked on at once. */
  readonly workers?: number;
  /** Between 0 and 1; for back-off. */
  readonly random?: () => number;
  readonly observer?: QueueObserver | undefined;
}

/**
 * Keys to be worked on. One that is added several times is worked on once; one that is added while it is worked on, once more
 * afterwards; never the same one twice at a time.
 *
 * Work that throws is tried again: after 200 ms, twice that, and so on up to 5 minutes, each with jitter, and all keys together at
 * most ten times a second after a hundred at once (the figures of client-go's default rate limiter, with a longer first wait).
 */
export class WorkQueue<K extends string> {
  readonly #options: WorkQueueOptions<K>;
  /** Since when each key is ready, in the order of their coming. */
  readonly #ready = new Map<K, number>();
  readonly #working = new Map<K, number>();
  /** Added while they are worked on. */
  readonly #again = new Set<K>();
  readonly #later = new Map<K, { readonly at: number; readonly timer: NodeJS.Timeout }>();
  readonly #failures = new Map<K, number>();
  readonly #bucket = new Bucket(10, 100);
  #isRunning = false;
  #isStopped = false;
  #idle: (() => void)[] = [];

  constructor(options: WorkQueueOptions<K>) {
    this.#options = options;
  }

  /** How many keys wait, those that are to come later not counted. */
  get depth(): number {
    return this.#ready.size + this.#again.size;
  }

  /** When the work that has taken longest was begun, in milliseconds of the monotonic clock; undefined when there is none. */
  get workingSince(): number | undefined {
    return this.#working.size === 0 ? undefined : Math.min(...this.#working.values());
  }

  add(key: K): void {
    this.#forgetLater(key);
    if (this.#working.has(key)) this.#again.add(key);
    else if (!this.#ready.has(key)) this.#ready.set(key, performance.now());
    else return;
    this.#options.observer?.added(key, this.depth);
    this.#next();
  }

  /** Adds a key after some milliseconds, or earlier when it is to be added earlier already. */
  addAfter(key: K, wait: number): void {
    if (this.#isStopped || this.#ready.has(key) || this.#again.has(key)) return;
    const at = performance.now() + Math.max(0, wait);
    const later = this.#later.get(key);
    if (later && later.at <= at) return;
    this.#forgetLater(key);
    // No timer of Node waits for longer than 24 days.
    const timer = setTimeout(
      () => {
        this.#later.delete(key);
        if (at > performance.now() + 1) this.addAfter(key, at - performance.now());
        else this.add(key);
      },
      Math.min(Math.max(0, wait), 2 ** 31 - 1),
    );
    this.#later.set(key, { at, timer });
  }

  /** Begins to work. */
  start(): void {
    this.#isRunning = true;
    this.#next();
  }

  /** Begins nothing more, for good; resolves once nothing is worked on. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#isStopped = true;
    for (const key of [...this.#later.keys()]) this.#forgetLater(key);
    if (this.#working.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #forgetLater(key: K): void {
    clearTimeout(this.#later.get(key)?.timer);
    this.#later.delete(key);
  }

  #next(): void {
    const { workers = 1, rank = () => 0 } = this.#options;
    while (this.#isRunning && this.#working.size < workers) {
      let first: K | undefined;
      for (const key of this.#ready.keys()) if (first === undefined || rank(key) < rank(first)) first = key;
      if (first === undefined) return;
      void this.#work(first);
    }
  }

  async #work(key: K): Promise<void> {
    const { work, failed, observer, random = Math.random } = this.#options;
    const begun = performance.now();
    const waited = begun - (this.#ready.get(key) ?? begun);
    this.#ready.delete(key);
    this.#working.set(key, begun);
    observer?.started(key, waited, this.depth);
    let result: 'success' | 'error' | 'again' = 'success';
    try {
      const { againAfter } = await work(key);
      this.#failures.delete(key);
      if (againAfter !== undefined) {
        result = 'again';
        this.addAfter(key, againAfter);
      }
    } catch (error) {
      result = 'error';
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      const longest = Math.min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT);
      const wait = Math.max(longest * (0.5 + random() / 2), this.#bucket.take());
      observer?.retried(key);
      failed(key, error, wait);
      this.addAfter(key, wait);
    }
    this.#working.delete(key);
    observer?.done(key, performance.now() - begun, result);
    if (this.#again.delete(key)) {
      this.#forgetLater(key);
      this.#ready.set(key, performance.now());
    }
    this.#next();
    if (this.#working.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** Milliseconds. */
const FIRST_WAIT = 200;
const LONGEST_WAIT = 300_000;

/** So many at once, then so many a second. */
class Bucket {
  readonly #rate: number;
  #tokens: number;
  readonly #size: number;
  #at = performance.now();

  constructor(rate: number, size: number) {
    this.#rate = rate;
    this.#size = size;
    this.#tokens = size;
  }

  /** For how many milliseconds to wait. */
  take(): number {
    const now = performance.now();
    this.#tokens = Math.min(this.#size, this.#tokens + ((now - this.#at) * this.#rate) / 1000) - 1;
    this.#at = now;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#rate) * 1000;
  }
}
