import { endedOf } from '../core/horizon.ts';
import { Failure } from '../core/problem.ts';
import { passTime } from '../engine/passing.ts';
import { parseTime } from '../kinds/time.ts';
import { count, wrap } from '../render/lines.ts';
import { endedWords } from '../render/time-words.ts';
import type { Act, Store, StoredMoment } from '../stores/store.ts';

/** More names than these nobody reads; the history has them. */
const MOST = 10;

/**
 * Retires what has ended, once the apply is done; a failure is handed back, so that what was done is told all the same.
 * The next apply tries again.
 */
export async function retireAfter(store: Store, act: Act): Promise<readonly StoredMoment[] | Failure> {
  try {
    return await passTime(store, act, parseTime(act.at) ?? 0);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** `2 accesses have ended: RoleBinding acme/x (2026-11-01 00:00 UTC), …`. */
export function retiredText(ended: readonly StoredMoment[], width: number): string {
  const words = `${count(ended.length, 'access has', 'accesses have')} ended`;
  return `${wrap(`${words}: ${endedWords(ended.map(endedOf), MOST)}`, width, '  ')}\n`;
}
