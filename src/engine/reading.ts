import type { Reading, Store } from '../stores/store.ts';

/** Uses a reading of a store, which is closed afterwards. */
export async function reading<T>(store: Store, use: (reading: Reading) => Promise<T>): Promise<T> {
  const open = await store.read();
  try {
    return await use(open);
  } finally {
    await open.close();
  }
}
