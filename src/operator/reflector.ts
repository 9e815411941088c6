import { setTimeout as sleep } from 'node:timers/promises';
import { type Kube, type KubeCall, KubeError, type KubeObject, type KubeStatus } from '../sources/kube.ts';
import { type BackOff, backOff } from './back-off.ts';
import type { Log } from './log.ts';

/** What became of an object since it was last told. */
export type Change<T extends KubeObject> =
  | { readonly type: 'added'; readonly object: T; readonly before?: undefined }
  | { readonly type: 'changed'; readonly object: T; readonly before: T }
  /** `object` is the last that is known of it. */
  | { readonly type: 'deleted'; readonly object: T; readonly before: T };

export interface ReflectorOptions<T extends KubeObject> {
  readonly kube: Kube;
  /** Of the collection: `/apis/rolecall.dev/v1alpha1/workspaces`. */
  readonly path: string;
  /** Selectors that narrow it. */
  readonly query?: KubeCall['query'];
  /**
   * Is told each change once it is in the cache: of one object in the order in which they came, not each version of it. What it
   * throws is logged and counted.
   */
  readonly onChange: (change: Change<T>) => void;
  readonly log: Log;
  readonly timing?: Partial<ReflectorTiming>;
}

/** In milliseconds. */
export interface ReflectorTiming {
  /** A watch is to be ended by the server after a time between these. */
  readonly watch: readonly [shortest: number, longest: number];
  /** Nothing heard for this much longer than that: the other side is gone, though nobody said so. */
  readonly slack: number;
  /** A watch that ends sooner, with nothing told, has failed. */
  readonly shortWatch: number;
  readonly backOff: BackOff;
}

/** A copy of one collection, kept up to date as long as it runs, whatever becomes of the API server. */
export interface Reflector<T extends KubeObject> {
  readonly path: string;
  /** Begins. It ends only by `stop`. */
  start(): void;
  /** Tells nothing more from when it is called; resolves when nothing of it runs any more. */
  stop(): Promise<void>;
  /** True once all that was there at first is in the cache, and told; false when it is stopped before. Never rejects. */
  readonly synced: Promise<boolean>;
  readonly isSynced: boolean;
  /** The cache: objects without `metadata.managedFields`, which must not be modified. */
  objects(): IterableIterator<T>;
  readonly size: number;
  /** By `namespace/name`, or the name alone where there are no namespaces. */
  get(key: string): T | undefined;
  /** Whether it goes on: it waits, but not for longer than it means to. Says nothing of the API server. */
  readonly isAlive: boolean;
  /** When the API server last said something, in milliseconds of `performance.now()`; undefined before. */
  readonly lastContact: number | undefined;
  readonly counts: Readonly<ReflectorCounts>;
}

export interface ReflectorCounts {
  /** Whole lists read. */
  lists: number;
  /** Watches begun. */
  watches: number;
  /** Whatever went wrong with either. */
  failures: number;
  /** What `onChange` has thrown. */
  handlerErrors: number;
}

const PAGE = 500;

const TIMING = {
  watch: [300_000, 600_000],
  slack: 30_000,
  shortWatch: 1000,
} as const satisfies Omit<ReflectorTiming, 'backOff'>;

/** Milliseconds that a page may take, with all that the client does to get it. */
const LONGEST_PAGE = 300_000;

function keyOf({ metadata: { namespace, name } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Lists a collection, then watches it, again and again. */
export function reflect<T extends KubeObject>(options: ReflectorOptions<T>): Reflector<T> {
  const { kube, path, query = {}, log } = options;
  const timing: ReflectorTiming = { ...TIMING, backOff: backOff(), ...options.timing };
  const cache = new Map<string, T>();
  const counts: ReflectorCounts = { lists: 0, watches: 0, failures: 0, handlerErrors: 0 };
  const stopping = new AbortController();
  const synced = Promise.withResolvers<boolean>();
  let isSynced = false;
  let running: Promise<void> | undefined;
  let lastContact: number | undefined;
  let aliveUntil = Number.POSITIVE_INFINITY;

  function tell(change: Change<T>): void {
    if (stopping.signal.aborted) return;
    try {
      options.onChange(change);
    } catch (error) {
      counts.handlerErrors++;
      log.error('a change could not be taken', { path, object: keyOf(change.object), error });
    }
  }

  function heard(): void {
    lastContact = performance.now();
    timing.backOff.works();
  }

  /** Takes what an object is now. One that was deleted and made again meanwhile is another one. */
  function put(object: T): void {
    const key = keyOf(object);
    const before = cache.get(key);
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    if (before !== undefined && before.metadata.uid !== object.metadata.uid) remove(key, before);
    cache.set(key, object);
    const known = before?.metadata.uid === object.metadata.uid ? before : undefined;
    tell(known ? { type: 'changed', object, before: known } : { type: 'added', object });
  }

  function remove(key: string, object = cache.get(key)): void {
    const before = cache.get(key);
    if (before === undefined || object === undefined) return;
    cache.delete(key);
    tell({ type: 'deleted', object, before });
  }

  /** The version that the whole list is of. */
  async function list(): Promise<string> {
    const found = new Map<string, T>();
    for (let from: string | undefined; ; ) {
      aliveUntil = performance.now() + LONGEST_PAGE;
      const page = pageOf<T>(
        await kube.request({
          method: 'GET',
          path,
          query: { ...query, limit: PAGE, continue: from },
          signal: stopping.signal,
        }),
        path,
      );
      heard();
      for (const item of page.items) found.set(keyOf(item), lean(item));
      if (page.from !== undefined) {
        from = page.from;
        continue;
      }
      counts.lists++;
      for (const key of [...cache.keys()]) if (!found.has(key)) remove(key);
      for (const object of found.values()) put(object);
      return page.version;
    }
  }

  /** Watches from a version on, until the server ends it; says how far it has come to `reached`. */
  async function follow(from: string, reached: (version: string) => void): Promise<void> {
    const [shortest, longest] = timing.watch;
    const length = shortest + Math.random() * (longest - shortest);
    const silence = length + timing.slack;
    const silent = new AbortController();
    let watchdog: NodeJS.Timeout | undefined;
    const listen = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => silent.abort(), silence);
      aliveUntil = performance.now() + silence + timing.slack;
    };
    const begun = performance.now();
    let told = 0;
    counts.watches++;
    const stop = () => silent.abort();
    stopping.signal.addEventListener('abort', stop);
    listen();
    try {
      const events = kube.watch(
        path,
        {
          ...query,
          resourceVersion: from,
          allowWatchBookmarks: true,
          timeoutSeconds: Math.max(1, Math.round(length / 1000)),
        },
        silent.signal,
      );
      for await (const event of events) {
        if (silent.signal.aborted) break;
        if (event.type === 'ERROR') throw new Ended(event.object);
        heard();
        listen();
        told++;
        const version = event.object?.metadata?.resourceVersion;
        if (!version) throw new KubeError(null, '', `${path}: an event has no version`);
        if (event.type === 'DELETED') remove(keyOf(event.object), lean(event.object as T));
        else if (event.type !== 'BOOKMARK') put(lean(event.object as T));
        reached(version);
      }
    } finally {
      clearTimeout(watchdog);
      stopping.signal.removeEventListener('abort', stop);
    }
    if (stopping.signal.aborted) return;
    if (silent.signal.aborted)
      throw new KubeError(null, '', `${path}: nothing heard for ${Math.round(silence / 1000)} s`);
    if (told === 0 && performance.now() - begun < timing.shortWatch)
      throw new KubeError(null, '', `${path}: the watch ends at once`);
    heard();
  }

  async function run(): Promise<void> {
    let version: string | undefined;
    while (!stopping.signal.aborted) {
      try {
        version ??= await list();
        if (!isSynced) {
          isSynced = true;
          synced.resolve(true);
          log.debug('a collection is read', { path, objects: cache.size });
        }
        await follow(version, (reached) => {
          version = reached;
        });
      } catch (error) {
        if (stopping.signal.aborted) break;
        counts.failures++;
        if (!canGoOn(error)) version = undefined;
        const wait = timing.backOff.failed(error instanceof KubeError ? error.retryAfter : undefined);
        aliveUntil = performance.now() + wait + timing.slack;
        const next = version === undefined ? 'list' : 'watch';
        log.warn('a collection is not followed for now', { path, error, next, wait: Math.round(wait) });
        await sleep(wait, undefined, { signal: stopping.signal }).catch(() => {});
      }
    }
  }

  return {
    path,
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
      synced.resolve(false);
    },
    synced: synced.promise,
    get isSynced() {
      return isSynced;
    },
    objects: () => cache.values(),
    get size() {
      return cache.size;
    },
    get: (key) => cache.get(key),
    get isAlive() {
      return running !== undefined && !stopping.signal.aborted && performance.now() < aliveUntil;
    },
    get lastContact() {
      return lastContact;
    },
    counts,
  };
}

/** What ended a watch from within it. */
class Ended extends KubeError {
  constructor(status: KubeStatus | undefined) {
    const { code = null, reason = '', message = 'the watch is ended', details } = status ?? {};
    const seconds = details?.retryAfterSeconds;
    super(code, reason, message, seconds === undefined ? undefined : seconds * 1000);
  }
}

/**
 * Whether a watch may begin again where the last one has ended. Not from a version that the server has forgotten (410), and not
 * after it has said of the watch itself that it is wrong: a list finds out whatever that is.
 */
function canGoOn(error: unknown): boolean {
  if (!(error instanceof KubeError)) return true;
  if (error instanceof Ended) return false;
  const { status } = error;
  return status === null || status >= 500 || status === 401 || status === 403 || status === 429;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly version: string;
  /** Where the next one begins. */
  readonly from: string | undefined;
}

/** What is no list must never be read as an empty one: all would be taken for deleted. */
function pageOf<T extends KubeObject>(answer: unknown, path: string): Page<T> {
  const { items, metadata } = (answer ?? {}) as {
    readonly items?: readonly T[] | null;
    readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  };
  // Go writes null for an empty list.
  if (!metadata?.resourceVersion || (items !== null && !Array.isArray(items)))
    throw new KubeError(null, '', `${path}: the server answers with what is no list`);
  return { items: items ?? [], version: metadata.resourceVersion, from: metadata.continue || undefined };
}

/** Without what nobody here reads, which is often the larger part. */
function lean<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
