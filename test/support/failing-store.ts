import { EXIT, failure } from '../../src/core/problem.ts';
import type { Reading, Store } from '../../src/stores/store.ts';

/** A store that can go away: whatever is asked of it meanwhile, of readings that are open too, fails as a real one does. */
export interface FailingStore extends Store {
  isDown: boolean;
  /** How often it was asked while it was away. */
  readonly refusals: number;
}

export function failingStore(store: Store): FailingStore {
  let refusals = 0;
  const check = () => {
    if (!failing.isDown) return;
    refusals++;
    throw failure(
      EXIT.error,
      'RC408',
      `${store.location}: connect ECONNREFUSED 192.0.2.1:5432`,
      'does the server run?',
    );
  };
  const failing: FailingStore = {
    location: store.location,
    supports: store.supports,
    isDown: false,
    get refusals() {
      return refusals;
    },
    async read() {
      check();
      return guarded(await store.read(), check);
    },
    async write(entry) {
      check();
      return store.write(entry);
    },
    close: () => store.close(),
  };
  return failing;
}

/** The same, where each call is looked at first. */
function guarded(reading: Reading, check: () => void): Reading {
  return new Proxy(reading, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || name === 'close') return value;
      return (...args: readonly unknown[]) => {
        check();
        return Reflect.apply(value, target, args);
      };
    },
  });
}
