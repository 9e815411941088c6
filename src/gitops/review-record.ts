import type { AccessChange } from '../core/access-diff.ts';
import { sha256 } from '../core/hash.ts';
import { accessKeys } from './access-keys.ts';

/**
 * What people who looked at a pull request could see: the commits that it was planned of, the store, the digest, and whose
 * access changes. It is kept in a check run, where only an App can write.
 */
export interface ReviewRecord {
  /** The number of the pull request; null for two commits by hand, and for a merge queue. */
  readonly pull: number | null;
  readonly head: string;
  readonly base: string;
  /** Random id and revision of the store; null where the plan knew files alone. */
  readonly store: string | null;
  readonly revision: number | null;
  readonly digest: string | null;
  /** Of all keys of access, sorted. */
  readonly accessSum: string;
  /** The keys; null where they are too many to be kept. */
  readonly access: readonly string[] | null;
}

/** As many as fit into the text of a check run, with room for the rest. */
const MOST_KEYS = 2500;

export function reviewRecord(
  facts: Omit<ReviewRecord, 'accessSum' | 'access'>,
  access: Iterable<AccessChange>,
): ReviewRecord {
  const keys = [...accessKeys(access)].sort();
  return { ...facts, accessSum: sumOf(keys), access: keys.length > MOST_KEYS ? null : keys };
}

/** Whether each of some access was to be seen; those that were not. `also`: what else was. */
export function unseen(
  access: readonly AccessChange[],
  records: readonly ReviewRecord[],
  also: ReadonlySet<string>,
): AccessChange[] {
  const seen = new Set(records.flatMap((record) => record.access ?? []));
  const sum = sumOf([...accessKeys(access)].sort());
  // Of very much only all of it together can be known again.
  if (records.some((record) => record.access === null && record.accessSum === sum)) return [];
  return access.flatMap((change) => {
    const isNew = (part: 'gains' | 'loses') =>
      change[part].filter((line) => {
        const [key = ''] = accessKeys([{ ...change, gains: [], loses: [], [part]: [line] }]);
        return !seen.has(key) && !also.has(key);
      });
    const [gains, loses] = [isNew('gains'), isNew('loses')];
    return gains.length + loses.length > 0 ? [{ ...change, gains, loses }] : [];
  });
}

function sumOf(sorted: readonly string[]): string {
  return sha256(sorted.join('\n'));
}

const MARK = 'rolecall-record:';

/** A record as the text of a check run. */
export function recordText(record: ReviewRecord): string {
  return `${MARK}${JSON.stringify(record)}`;
}

/** The record in a text; undefined where there is none. */
export function readRecord(text: string): ReviewRecord | undefined {
  if (!text.startsWith(MARK)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text.slice(MARK.length));
  } catch {
    // Cut, or written by somebody else: as if there were none.
    return undefined;
  }
  const { pull, head, base, store, revision, digest, accessSum, access } = (value ??
    {}) as Partial<ReviewRecord>;
  if (typeof head !== 'string' || typeof base !== 'string' || typeof accessSum !== 'string') return undefined;
  const keys = Array.isArray(access) ? access.filter((key) => typeof key === 'string') : null;
  return {
    pull: pull ?? null,
    head,
    base,
    store: store ?? null,
    revision: revision ?? null,
    digest: digest ?? null,
    accessSum,
    access: keys,
  };
}
