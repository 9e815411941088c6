import type { DatabaseSync } from 'node:sqlite';
import { parseTime } from '../../kinds/time.ts';
import { type AuditInput, issuance, redaction, retirement, revocation } from '../sql/audit-chain.ts';
import { refuseOvertaken } from '../sql/commits.ts';
import { momentOf } from '../sql/rows.ts';
import { earlierEnd, takesSecrets } from '../sql/tokens.ts';
import { type Act, type LedgerEntry, StaleSecrets } from '../store.ts';

type Of<T extends LedgerEntry['type']> = Extract<LedgerEntry, { type: T }>;

/** Writes what no revision is made of; returns the audit rows that tell it. When it throws, the caller must roll back. */
export function writeLedger(database: DatabaseSync, entry: LedgerEntry): readonly AuditInput[] {
  switch (entry.type) {
    case 'pass':
      return passTime(database, entry);
    case 'issue':
      return issueSecrets(database, entry);
    case 'delivered':
      markDelivered(database, entry);
      return [];
    case 'commit':
      markCommit(database, entry.act);
      return [];
    case 'settled': {
      const settle = database.prepare('UPDATE secret SET settled = 1 WHERE id = ?');
      for (const id of entry.secrets) settle.run(id);
      return [];
    }
    case 'redact':
      return redactRows(database, entry);
  }
}

/** Remembers the commit of an act, where it has one. */
export function markCommit(database: DatabaseSync, act: Act): void {
  const { manager, commit } = act;
  if (commit === null) return;
  const last = database.prepare('SELECT value FROM meta WHERE key = ?').get(`commit:${manager}`);
  refuseOvertaken(act, last ? String(last.value) : null);
  database
    .prepare(
      'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    )
    .run(`commit:${manager}`, commit);
}

function passTime(database: DatabaseSync, { act }: Of<'pass'>): AuditInput[] {
  const now = parseTime(act.at) ?? 0;
  const passed = database
    .prepare(
      `SELECT r.uid, r.kind, r.workspace, r.name, m.pointer, m.type, m.at FROM moment m JOIN resource r ON r.id = m.resource
       WHERE m.passed = 0 AND m.at <= ? ORDER BY m.at, r.workspace, r.kind, r.name, m.pointer`,
    )
    .all(now);
  if (passed.length === 0) return [];
  database.prepare('UPDATE moment SET passed = 1 WHERE passed = 0 AND at <= ?').run(now);
  database.exec("UPDATE meta SET value = '0' WHERE key = 'snapshot'");
  return passed
    .filter(({ type }) => type === 'ends')
    .map((row) => retirement(String(row.uid), momentOf(row)));
}

function issueSecrets(database: DatabaseSync, { act, secrets }: Of<'issue'>): AuditInput[] {
  const find = database.prepare('SELECT body FROM resource WHERE uid = ?');
  const newest = database.prepare('SELECT id FROM secret WHERE token = ? ORDER BY number DESC LIMIT 1');
  const insert = database.prepare(
    `INSERT INTO secret (id, token, identity, number, issued_at, sink, path, settled)
     VALUES (?, ?, ?, (SELECT coalesce(max(number), 0) + 1 FROM secret), ?, ?, ?, 0)`,
  );
  const insertHash = database.prepare('INSERT INTO secret_hash (id, key_id, hash) VALUES (?, ?, ?)');
  return secrets.map((secret) => {
    const { id, token, identity, sink, path, keyId, hash, follows } = secret;
    if (!takesSecrets(find.get(token)?.body) || (newest.get(token)?.id ?? null) !== follows)
      throw new StaleSecrets(identity);
    insert.run(id, token, identity, act.at, sink, path);
    insertHash.run(id, keyId, hash);
    return issuance(secret);
  });
}

function markDelivered(database: DatabaseSync, { act, secrets }: Of<'delivered'>): void {
  const deliver = database.prepare(
    'UPDATE secret SET delivered_at = ?, settled = 1 WHERE id = ? AND delivered_at IS NULL AND revoked_at IS NULL RETURNING token, number',
  );
  const before = database.prepare(
    'SELECT id, ends_at FROM secret WHERE token = ? AND number < ? AND revoked_at IS NULL',
  );
  const end = database.prepare('UPDATE secret SET ends_at = ?, settled = 1 WHERE id = ?');
  for (const { id, overlap } of secrets) {
    const delivered = deliver.get(act.at, id);
    if (!delivered) continue;
    const until = (parseTime(act.at) ?? 0) + overlap;
    for (const row of before.all(String(delivered.token), Number(delivered.number)))
      end.run(earlierEnd(row.ends_at, until), String(row.id));
  }
}

/** Ends all secrets of Tokens; what is left of a Token that is gone is to be removed. */
export function revokeSecrets(database: DatabaseSync, tokens: readonly string[], at: string): AuditInput[] {
  if (tokens.length === 0) return [];
  const revoke = database.prepare(
    'UPDATE secret SET revoked_at = ? WHERE token = ? AND revoked_at IS NULL RETURNING id, identity, number',
  );
  const unsettle = database.prepare(
    'UPDATE secret SET settled = 0 WHERE token = ? AND NOT EXISTS (SELECT 1 FROM resource WHERE uid = secret.token)',
  );
  return [...new Set(tokens)].flatMap((token) => {
    const revoked = revoke.all(at, token).sort((a, b) => Number(a.number) - Number(b.number));
    unsettle.run(token);
    return revoked.map(({ id, identity }) => revocation(token, String(identity), String(id)));
  });
}

function redactRows(database: DatabaseSync, { rows }: Of<'redact'>): AuditInput[] {
  const redact = database.prepare(
    'UPDATE audit SET before = NULL, after = NULL, reason = NULL WHERE seq = ?',
  );
  const forget = database.prepare(
    "UPDATE revision SET reason = NULL WHERE revision = (SELECT revision FROM audit WHERE seq = ? AND action = 'apply')",
  );
  const redacted = [...new Set(rows)].filter((seq) => redact.run(seq).changes > 0);
  for (const seq of redacted) forget.run(seq);
  return redacted.length === 0 ? [] : [redaction(redacted)];
}
