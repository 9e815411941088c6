import type { DatabaseSync } from 'node:sqlite';
import { GENESIS } from '../../core/audit.ts';
import { type AuditInput, auditChain } from '../sql/audit-chain.ts';
import type { Act } from '../store.ts';
import { lastAudit } from './database.ts';

/** Returns a function that adds a row to the audit, chained to the newest. */
export function auditWriter(database: DatabaseSync, act: Act, revision: number): (input: AuditInput) => void {
  const next = auditChain(act, revision, lastAudit(database) ?? { seq: 0, hash: GENESIS });
  const insert = database.prepare(
    `INSERT INTO audit (seq, revision, at, actor, actor_verified, action, uid, identity, before, after, reason, "commit", pr, approvers, verdicts, payload_hash, prev_hash, hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return (input) => {
    const row = next(input);
    insert.run(
      row.seq,
      row.revision,
      row.at,
      row.actor,
      Number(row.actorVerified),
      row.action,
      row.uid,
      row.identity,
      row.before,
      row.after,
      row.reason,
      row.commit,
      row.pr,
      row.approvers,
      row.verdicts,
      row.payloadHash,
      row.prevHash,
      row.hash,
    );
  };
}
