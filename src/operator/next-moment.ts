import type { Identity } from '../core/resource.ts';
import { deliveredTokens, dueAmong } from '../engine/due-secrets.ts';
import { nextMoment } from '../engine/passing.ts';
import type { Store } from '../stores/store.ts';
import { type Key, type Objects, workspaceKey } from './objects.ts';

/** The longest that a timer of Node waits. */
const LONGEST = 2 ** 31 - 1;

/** Milliseconds after which it is asked again when the store is not to be had. */
const AGAIN = 5000;

export interface AlarmOptions {
  readonly store: Store;
  readonly manager: string;
  readonly objects: Objects;
  readonly wake: (key: Key) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly failed: (error: unknown) => void;
  /** Is told when the next moment is; undefined when there is none. */
  readonly told: (at: number | undefined) => void;
}

export interface Alarm {
  /** Looks for the next moment anew: the store was written to. */
  set(): void;
  stop(): void;
}

/**
 * Wakes the keys that have something to do at a time though nothing changes: windows that begin or end, secrets to be replaced. What
 * comes due from when it is made is told once, however late a timer is.
 */
export function createAlarm(options: AlarmOptions): Alarm {
  const { store, manager, wake, now, failed, told } = options;
  let next: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let isLooking = false;
  let isAsked = false;
  let seen = now();
  const later = (wait: number) => {
    clearTimeout(timer);
    // It may be early, and cannot be as long as a month.
    if (!isStopped) timer = setTimeout(set, Math.min(Math.max(0, Math.ceil(wait)), LONGEST));
  };
  const look = async () => {
    isLooking = true;
    while (isAsked && !isStopped) {
      isAsked = false;
      try {
        const until = now();
        const isDue = next !== undefined && next <= until;
        for (const key of await dueKeys(options, seen, until, isDue)) wake(key);
        seen = until;
        next = await nextMoment(store, { manager }, until);
        told(next);
        if (next === undefined) clearTimeout(timer);
        else later(next - now());
      } catch (error) {
        failed(error);
        later(AGAIN);
      }
    }
    isLooking = false;
  };
  const set = () => {
    isAsked = true;
    if (!isLooking) void look();
  };
  return {
    set,
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

/** The keys of what has begun or ended since, and of Tokens whose secrets are to be replaced. */
async function dueKeys(
  { store, manager, objects }: AlarmOptions,
  since: number,
  until: number,
  withSecrets: boolean,
): Promise<ReadonlySet<Key>> {
  const keys = new Set<Key>();
  if (until <= since) return keys;
  const reading = await store.read();
  try {
    for await (const moments of reading.moments({ after: since, until }))
      for (const { id } of moments) for (const key of keysOf(id, objects)) keys.add(key);
    if (withSecrets)
      for (const { token } of dueAmong(await deliveredTokens(reading, { manager }), until))
        keys.add(workspaceKey(token.metadata.namespace ?? ''));
  } finally {
    await reading.close();
  }
  return keys;
}

/** Of what is global and has a window, a person, all are. */
function keysOf(id: Identity, objects: Objects): readonly Key[] {
  const [, workspace] = id.split('/');
  return workspace ? [workspaceKey(workspace)] : objects.keys();
}
