import { parseTime } from '../../kinds/time.ts';
import { type AuditInput, issuance, redaction, retirement, revocation } from '../sql/audit-chain.ts';
import { refuseOvertaken } from '../sql/commits.ts';
import { momentOf } from '../sql/rows.ts';
import { earlierEnd, takesSecrets } from '../sql/tokens.ts';
import { type Act, type LedgerEntry, StaleSecrets } from '../store.ts';
import { integerArray, textArray } from './arrays.ts';
import type { Session } from './session.ts';

type Of<T extends LedgerEntry['type']> = Extract<LedgerEntry, { type: T }>;

/** Writes what no revision is made of; returns the audit rows that tell it. */
export async function writeLedger(session: Session, entry: LedgerEntry): Promise<readonly AuditInput[]> {
  switch (entry.type) {
    case 'pass':
      return passTime(session, entry);
    case 'issue':
      return issueSecrets(session, entry);
    case 'delivered':
      await markDelivered(session, entry);
      return [];
    case 'commit':
      await markCommit(session, entry.act);
      return [];
    case 'settled':
      await session.query('UPDATE secret SET settled = true WHERE id = ANY ($1::text[])', [
        textArray(entry.secrets),
      ]);
      return [];
    case 'redact':
      return redactRows(session, entry);
  }
}

/** Remembers the commit of an act, where it has one. */
export async function markCommit(session: Session, act: Act): Promise<void> {
  const { manager, commit } = act;
  if (commit === null) return;
  const { rows } = await session.query('SELECT value FROM meta WHERE key = $1', [`commit:${manager}`]);
  refuseOvertaken(act, rows[0] ? String(rows[0].value) : null);
  await session.query(
    'INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    [`commit:${manager}`, commit],
  );
}

async function passTime(session: Session, { act }: Of<'pass'>): Promise<AuditInput[]> {
  const now = parseTime(act.at) ?? 0;
  const { rows } = await session.query(
    `SELECT r.uid, r.kind, r.workspace, r.name, m.pointer, m.type, m.at FROM moment m JOIN resource r ON r.id = m.resource
     WHERE NOT m.passed AND m.at <= $1 ORDER BY m.at, r.workspace, r.kind, r.name, m.pointer`,
    [now],
  );
  if (rows.length === 0) return [];
  await session.query('UPDATE moment SET passed = true WHERE NOT passed AND at <= $1', [now]);
  await session.query("UPDATE meta SET value = '0' WHERE key = 'snapshot'");
  return rows.filter(({ type }) => type === 'ends').map((row) => retirement(String(row.uid), momentOf(row)));
}

async function issueSecrets(session: Session, { act, secrets }: Of<'issue'>): Promise<AuditInput[]> {
  for (const { id, token, identity, sink, path, keyId, hash, follows } of secrets) {
    const { rows } = await session.query(
      `SELECT r.body, (SELECT s.id FROM secret s WHERE s.token = $1 ORDER BY s.number DESC LIMIT 1) AS newest
       FROM resource r WHERE r.uid = $1`,
      [token],
    );
    const [found] = rows;
    if (!takesSecrets(found?.body) || (found?.newest ?? null) !== follows) throw new StaleSecrets(identity);
    await session.query(
      `INSERT INTO secret (id, token, identity, number, issued_at, sink, path, settled)
       SELECT $1, $2, $3, coalesce(max(number), 0) + 1, $4, $5, $6, false FROM secret`,
      [id, token, identity, act.at, sink, path],
    );
    await session.query('INSERT INTO secret_hash (id, key_id, hash) VALUES ($1, $2, $3)', [id, keyId, hash]);
  }
  return secrets.map(issuance);
}

async function markDelivered(session: Session, { act, secrets }: Of<'delivered'>): Promise<void> {
  for (const { id, overlap } of secrets) {
    const { rows } = await session.query(
      'UPDATE secret SET delivered_at = $1, settled = true WHERE id = $2 AND delivered_at IS NULL AND revoked_at IS NULL RETURNING token, number',
      [act.at, id],
    );
    const [delivered] = rows;
    if (!delivered) continue;
    const until = (parseTime(act.at) ?? 0) + overlap;
    const { rows: before } = await session.query(
      'SELECT id, ends_at FROM secret WHERE token = $1 AND number < $2 AND revoked_at IS NULL',
      [String(delivered.token), Number(delivered.number)],
    );
    for (const row of before)
      await session.query('UPDATE secret SET ends_at = $1, settled = true WHERE id = $2', [
        earlierEnd(row.ends_at, until),
        String(row.id),
      ]);
  }
}

/** Ends all secrets of Tokens; what is left of a Token that is gone is to be removed. */
export async function revokeSecrets(
  session: Session,
  tokens: readonly string[],
  at: string,
): Promise<AuditInput[]> {
  if (tokens.length === 0) return [];
  const { rows } = await session.query(
    `UPDATE secret SET revoked_at = $1 WHERE token = ANY ($2::text[]) AND revoked_at IS NULL
     RETURNING id, token, identity, number`,
    [at, textArray(tokens)],
  );
  await session.query(
    `UPDATE secret SET settled = false
     WHERE token = ANY ($1::text[]) AND NOT EXISTS (SELECT FROM resource r WHERE r.uid = secret.token)`,
    [textArray(tokens)],
  );
  const ended = Map.groupBy(rows, ({ token }) => String(token));
  return [...new Set(tokens)].flatMap((token) =>
    (ended.get(token) ?? [])
      .toSorted((a, b) => Number(a.number) - Number(b.number))
      .map(({ identity, id }) => revocation(token, String(identity), String(id))),
  );
}

async function redactRows(session: Session, { rows: wanted }: Of<'redact'>): Promise<AuditInput[]> {
  const { rows } = await session.query(
    'UPDATE audit SET before = NULL, after = NULL, reason = NULL WHERE seq = ANY ($1::bigint[]) RETURNING seq',
    [integerArray(wanted)],
  );
  await session.query(
    `UPDATE revision r SET reason = NULL FROM audit a
     WHERE a.seq = ANY ($1::bigint[]) AND a.action = 'apply' AND r.revision = a.revision`,
    [integerArray(wanted)],
  );
  const redacted = new Set(rows.map(({ seq }) => Number(seq)));
  return redacted.size === 0 ? [] : [redaction([...new Set(wanted)].filter((seq) => redacted.has(seq)))];
}
