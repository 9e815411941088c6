import { sha256 } from './hash.ts';
import type { Action } from './plan.ts';

/** What an audit row says before it is chained. Columns and their meaning: safety.md, Audit. */
export interface AuditFacts {
  readonly seq: number;
  readonly revision: number;
  readonly at: string;
  readonly actor: string | null;
  readonly actorVerified: boolean;
  readonly action: 'apply' | 'refused' | 'override' | 'policy' | Action;
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
  const redacted = row.before === null && row.after === null && row.reason === null;
  return (
    row.prevHash === prevHash &&
    row.hash === hashRow(row, row.payloadHash, prevHash) &&
    (redacted || row.payloadHash === hashPayload(row))
  );
}

function hashPayload({ before, after, reason }: AuditFacts): string {
  return sha256(JSON.stringify([before, after, reason]));
}

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
