import type { AuditRow } from '../core/audit.ts';
import { EXIT, Failure, type Problem } from '../core/problem.ts';
import type { Act, Head, Reading, Store } from '../stores/store.ts';

/**
 * The audit rows of these numbers, to be redacted, by number.
 *
 * Throws a Failure (exit 4) that names each which is not there, or is itself the record of a redaction.
 */
export async function rowsToRedact(reading: Reading, numbers: Iterable<number>): Promise<AuditRow[]> {
  const wanted = new Set(numbers);
  const rows: AuditRow[] = [];
  for await (const batch of reading.audit({ from: Math.min(...wanted) })) {
    rows.push(...batch.filter(({ seq }) => wanted.has(seq)));
    if (rows.length === wanted.size) break;
  }
  const problems: Problem[] = rows
    .filter(({ action }) => action === 'redact')
    .map(({ seq }) => ({
      code: 'RC121',
      severity: 'error',
      message: `audit row ${seq} says what was redacted, and must stay`,
      hint: 'leave it out',
    }));
  const found = new Set(rows.map(({ seq }) => seq));
  for (const seq of wanted.difference(found))
    problems.push({
      code: 'RC126',
      severity: 'error',
      message: `there is no audit row ${seq}`,
      hint: 'iam history --audit lists them',
    });
  if (problems.length > 0) throw new Failure(EXIT.invalid, problems);
  return rows;
}

/** Takes the payloads of rows away for good. Returns the head after. */
export async function redactRows(store: Store, rows: readonly AuditRow[], act: Act): Promise<Head> {
  const { head } = await store.write({ type: 'redact', act, rows: rows.map(({ seq }) => seq) });
  return head;
}
