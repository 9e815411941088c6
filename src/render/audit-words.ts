import { type AuditRow, isRedacted } from '../core/audit.ts';
import { payloadOf, verdictsOf } from '../core/audit-payload.ts';
import { showIdentity } from '../core/resource.ts';
import { showTime } from '../kinds/time.ts';

/** To the minute or second, as people read it: what the store wrote has milliseconds. */
export function whenWords(at: string): string {
  return showTime(at.replace(/\.\d+Z$/, 'Z'));
}

/** `ana (not verified)`; undefined where nobody is named. */
export function actorWords({
  actor,
  actorVerified,
}: Pick<AuditRow, 'actor' | 'actorVerified'>): string | undefined {
  return actor === null ? undefined : `${actor} (${actorVerified ? 'verified' : 'not verified'})`;
}

/** `User ana`, `rows 3, 4`: what an audit row is about; empty for the whole of a plan. */
export function aboutWords(row: AuditRow): string {
  if (row.identity !== null) return showIdentity(row.identity);
  const { rows = [] } = payloadOf(row);
  return rows.length === 0 ? '' : `${rows.length === 1 ? 'row' : 'rows'} ${rows.join(', ')}`;
}

/** What an audit row says beside that: codes, a message, a secret's fingerprint, a reason. */
export function noteWords(row: AuditRow): string {
  if (isRedacted(row)) return 'redacted';
  const { message, secret, path, until } = payloadOf(row);
  const words = [
    row.action === 'refused' || row.action === 'override' ? codeWords(row) : '',
    message ?? '',
    secret === undefined ? '' : `secret ${secret}${path === undefined ? '' : ` to ${path}`}`,
    until === undefined ? '' : `${path ?? ''} ended ${showTime(until)}`,
    // Each row of a plan has its reason: once is enough.
    CHANGES.includes(row.action) ? '' : (row.reason ?? '').replaceAll('\n', ' '),
  ];
  return words.filter(Boolean).join('; ');
}

const CHANGES: readonly AuditRow['action'][] = ['create', 'update', 'delete'];

/** `RC203, RC205`: what was refused, or answered for. */
export function codeWords(row: AuditRow): string {
  const verdicts = verdictsOf(row);
  const denied = verdicts.filter(({ severity }) => severity === 'deny');
  return [...new Set((denied.length > 0 ? denied : verdicts).map(({ code }) => code))].join(', ');
}
