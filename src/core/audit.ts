import { canonicalJson, sha256 } from './hash.ts';

/** What an audit row says before it is chained. */
export interface AuditFacts {
  readonly seq: number;
  readonly revision: number;
  readonly at: string;
  readonly actor: string | null;
  readonly actorVerified: boolean;
  readonly action: string;
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

/** The hash that the first row of a chain follows. */
export const GENESIS = `sha256:${'0'.repeat(64)}`;

/**
 * Hashes of one row. The payload (before, after, reason) has a hash of its own, which the row's hash covers: a payload
 * can be redacted without breaking the chain, and nothing else can be changed without doing so.
 */
export function chainRow(facts: AuditFacts, prevHash: string): { payloadHash: string; hash: string } {
  const { before, after, reason, ...rest } = facts;
  const payloadHash = sha256(canonicalJson({ before, after, reason }));
  return { payloadHash, hash: sha256(canonicalJson({ ...rest, payloadHash, prevHash })) };
}
