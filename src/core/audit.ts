import { sha256 } from './hash.ts';
import type { Action } from './plan.ts';

/** What is done in the ledger alone: a secret of a token is issued, replaced or ended, access has ended, a payload is taken away. */
export type LedgerAction = 'issue' | 'rotate' | 'revoke' | 'retire' | 'redact';

/** What an audit row says before it is chained. Columns and their meaning: safety.md, Audit. */
export interface AuditFacts {
  readonly seq: number;
  readonly revision: number;
  readonly at: string;
  readonly actor: string | null;
  readonly actorVerified: boolean;
  readonly action: 'apply' | 'refused' | 'override' | 'policy' | Action | LedgerAction;
  readonly uid: string | null;
  readonly identity: string | null;
  readonly before: string | null;
  readonly after: string | null;
  readonly reason: string | null;
  readonly commit: string | null;
  readonly pr: string | null;
  readonly approvers: string | null;
  readonly verdicts: string | null;
}

export interface AuditHashes {
  /** Of before, after and reason. */
  readonly payloadHash: string;
  /** Of all else, payloadHash and the hash of the row before. */
  readonly hash: string;
}

export interface AuditRow extends AuditFacts, AuditHashes {
  readonly prevHash: string;
}

/** The hash that the first row of a chain follows. */
export const GENESIS = `sha256:${'0'.repeat(64)}`;

/**
 * Hashes of one row that follows a row with `prevHash`: sha256 of the columns as a JSON array, in their order.
 *
 * The payload has a hash of its own, which the row's hash covers: a payload can be redacted without breaking the
 * chain, and nothing else can be changed without doing so.
 */
export function chainRow(facts: AuditFacts, prevHash: string): AuditHashes {
  const payloadHash = hashPayload(facts);
  return { payloadHash, hash: hashRow(facts, payloadHash, prevHash) };
}

/** Whether a row is as it was written and follows a row with `prevHash`. A payload that is redacted passes. */
export function isIntact(row: AuditRow, prevHash: string): boolean {
  return row.prevHash === prevHash && isWhole(row);
}

/** Whether the payload of a row was taken away. A row that never had one is not redacted. */
export function isRedacted({ before, after, reason, payloadHash }: AuditRow): boolean {
  return before === null && after === null && reason === null && payloadHash !== NO_PAYLOAD;
}

/** What is wrong with a row of a chain, `seq` being the number that it has. */
export type AuditBreak =
  /** It is not as it was written. */
  | { readonly type: 'changed'; readonly seq: number }
  /** It was written as row `was`. */
  | { readonly type: 'moved'; readonly seq: number; readonly was: number }
  /** Rows `from` to `to`, right before it, are not there. */
  | { readonly type: 'missing'; readonly seq: number; readonly from: number; readonly to: number }
  /** It is whole, but not the one that was written after row `last`: one of the two was put in, or rewritten. */
  | { readonly type: 'detached'; readonly seq: number; readonly last: number };

/**
 * Checks a chain row by row, from its first one on, in the order in which they are read. The function says what is wrong
 * with a row; it must not be asked again once it has.
 */
export function createChainCheck(): (row: AuditRow) => AuditBreak | undefined {
  let [last, prevHash] = [0, GENESIS];
  return (row) => {
    const { seq } = row;
    if (!isWhole(row)) {
      const was = numberOf(row, last + 1);
      return was === undefined ? { type: 'changed', seq } : { type: 'moved', seq, was };
    }
    if (seq > last + 1) return { type: 'missing', seq, from: last + 1, to: seq - 1 };
    if (seq !== last + 1 || row.prevHash !== prevHash) return { type: 'detached', seq, last };
    last = seq;
    prevHash = row.hash;
    return undefined;
  };
}

/** Further away nobody looks for the number that a row had. */
const NEAR = 1000;

/** The number with which a row is as it was written; undefined when there is none near. */
function numberOf(row: AuditRow, expected: number): number | undefined {
  const isIt = (seq: number) => isWhole({ ...row, seq });
  if (isIt(expected)) return expected;
  for (let seq = Math.max(1, row.seq - NEAR); seq <= row.seq + NEAR; seq++) if (isIt(seq)) return seq;
  return undefined;
}

/** Whether a row has the hashes of what it says. */
function isWhole(row: AuditRow): boolean {
  return (
    row.hash === hashRow(row, row.payloadHash, row.prevHash) &&
    (isRedacted(row) || row.payloadHash === hashPayload(row))
  );
}

function hashPayload({ before, after, reason }: Pick<AuditFacts, 'before' | 'after' | 'reason'>): string {
  return sha256(JSON.stringify([before, after, reason]));
}

const NO_PAYLOAD = hashPayload({ before: null, after: null, reason: null });

function hashRow(facts: AuditFacts, payloadHash: string, prevHash: string): string {
  const { seq, revision, at, actor, actorVerified, action, uid, identity, commit, pr, approvers, verdicts } =
    facts;
  return sha256(
    JSON.stringify([
      seq,
      revision,
      at,
      actor,
      actorVerified,
      action,
      uid,
      identity,
      commit,
      pr,
      approvers,
      verdicts,
      payloadHash,
      prevHash,
    ]),
  );
}
