import type { Act, Store, StoredMoment } from '../stores/store.ts';
import { nextRotation, type SecretScope } from './due-secrets.ts';

/**
 * Retires what has ended by `at` (milliseconds; the time of `act`): each end is told once, as an audit row
 * (docs/decisions/0014). Where something has ended or begun, the next snapshot is written anew. Writes nothing where nothing
 * has, or there is no store. Returns the ends, by time.
 */
export async function passTime(store: Store, act: Act, at: number): Promise<readonly StoredMoment[]> {
  const reading = await store.read();
  const passed: StoredMoment[] = [];
  try {
    for await (const moments of reading.moments({ until: at, open: true })) passed.push(...moments);
  } finally {
    await reading.close();
  }
  if (passed.length > 0) await store.write({ type: 'pass', act });
  return passed.filter(({ type }) => type === 'ends');
}

/**
 * The next moment after `time` (milliseconds) at which an apply has something to do although nothing was changed: a window
 * begins or ends, or a secret is to be replaced. Undefined when there is none, or no store.
 */
export async function nextMoment(
  store: Store,
  scope: SecretScope,
  time: number,
): Promise<number | undefined> {
  const reading = await store.read();
  try {
    const rotation = await nextRotation(reading, scope, time);
    for await (const [first] of reading.moments({ after: time, until: rotation ?? Number.MAX_SAFE_INTEGER }))
      if (first) return first.at;
    return rotation;
  } finally {
    await reading.close();
  }
}
