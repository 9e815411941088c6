import type { Head, Reading } from '../store.ts';

/** The head of a store that does not exist. */
export const NO_STORE: Head = { store: null, revision: 0, auditHead: null, snapshotRevision: 0 };

/** What there is to read where there is no store. */
export function emptyReading(): Reading {
  const nothing = async function* <T>(): AsyncGenerator<readonly T[]> {};
  return {
    head: NO_STORE,
    resources: () => nothing(),
    find: async () => [],
    tally: async () => [],
    edges: () => nothing(),
    revisions: () => nothing(),
    audit: () => nothing(),
    moments: () => nothing(),
    secrets: async () => [],
    commitOf: async () => null,
    secretHash: async () => undefined,
    close: async () => {},
  };
}
