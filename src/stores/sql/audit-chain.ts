import { type AuditFacts, type AuditRow, chainRow } from '../../core/audit.ts';
import { canonicalJson } from '../../core/hash.ts';
import type { JsonValue } from '../../kinds/kind.ts';
import { formatTime } from '../../kinds/time.ts';
import type { Act, Entry, NewSecret, StoredMoment } from '../store.ts';

/** What differs from row to row of one entry; what is left out is null. */
export type AuditInput = Pick<AuditFacts, 'action'> &
  Partial<Pick<AuditFacts, 'uid' | 'identity' | 'before' | 'after' | 'verdicts'>> & {
    /** In place of `after`: what is said, to which the manager of the act is added. */
    readonly facts?: Readonly<Record<string, JsonValue>>;
  };

/** Makes the audit rows of one entry, which follow the newest row that there is. */
export function auditChain(
  act: Act,
  revision: number,
  last: Pick<AuditRow, 'seq' | 'hash'>,
): (input: AuditInput) => AuditRow {
  let { seq, hash: prevHash } = last;
  const approvers = act.approvers.length === 0 ? null : canonicalJson(act.approvers);
  const { at, actor, actorVerified, reason, commit, pr } = act;
  return ({ action, uid = null, identity = null, before = null, verdicts = null, ...said }) => {
    const after = said.facts ? canonicalJson({ ...said.facts, manager: act.manager }) : (said.after ?? null);
    seq += 1;
    const facts = {
      seq,
      revision,
      at,
      actor,
      actorVerified,
      action,
      uid,
      identity,
      before,
      after,
      reason,
      commit,
      pr,
      approvers,
      verdicts,
    };
    const row = { ...facts, prevHash, ...chainRow(facts, prevHash) };
    prevHash = row.hash;
    return row;
  };
}

/** The rows that an entry has beside those of its changes. */
export function auditInputs(entry: Extract<Entry, { type: 'apply' | 'refused' }>): AuditInput[] {
  const whole: AuditInput = {
    action: entry.type,
    after: canonicalJson({
      ...(entry.type === 'apply' && entry.adopts.size > 0
        ? { adopts: Object.fromEntries(entry.adopts) }
        : {}),
      digest: entry.digest,
      manager: entry.act.manager,
      ...(entry.act.review === undefined ? {} : { review: entry.act.review }),
    }),
    verdicts: entry.verdicts.length === 0 ? null : canonicalJson(entry.verdicts),
  };
  if (entry.type === 'refused') return [whole];
  const remarks = entry.remarks.map(({ action, identity, verdicts, message }) => ({
    action,
    identity,
    after: message === null ? null : canonicalJson({ message }),
    verdicts: verdicts.length === 0 ? null : canonicalJson(verdicts),
  }));
  return [whole, ...remarks];
}

/** The row of a secret that is issued. */
export function issuance({ id, token, identity, follows, path }: NewSecret): AuditInput {
  return {
    action: follows === null ? 'issue' : 'rotate',
    uid: token,
    identity,
    facts: { follows, path, secret: id },
  };
}

/** The row of a secret that is ended. */
export function revocation(uid: string, identity: string, secret: string): AuditInput {
  return { action: 'revoke', uid, identity, facts: { secret } };
}

/** The row of a window that has ended. */
export function retirement(uid: string, { id, pointer, at }: Omit<StoredMoment, 'type'>): AuditInput {
  return {
    action: 'retire',
    uid,
    identity: id,
    facts: { path: pointer, until: formatTime(at) },
  };
}

/** The row that says which payloads are gone. */
export function redaction(rows: readonly number[]): AuditInput {
  return { action: 'redact', facts: { rows: [...rows] } };
}
