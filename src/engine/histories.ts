import { type Author, History } from '../core/applied.ts';
import { type AuditRow, isRedacted } from '../core/audit.ts';
import { payloadOf } from '../core/audit-payload.ts';
import type { Reading } from '../stores/store.ts';
import { isChange } from './state-at.ts';

/** A create, update or delete, and who wrote its revision. */
export interface Authored {
  readonly row: AuditRow;
  readonly uid: string;
  readonly by: Author;
}

/** Of more than so many resources all rows are gone through, rather than looked up. */
const FEW = 1000;

/** What the audit tells of these resources, and what of each `manager` applied last; those that it knows. */
export async function historiesOf(
  reading: Reading,
  uids: ReadonlySet<string>,
  manager: string,
): Promise<Map<string, History>> {
  const histories = new Map<string, History>();
  if (uids.size === 0) return histories;
  const changes = uids.size > FEW ? allChanges(reading) : changesOfFew(reading, [...uids], manager);
  for await (const batch of changes) {
    for (const { row, uid, by } of batch) {
      if (!uids.has(uid)) continue;
      const history = histories.get(uid) ?? new History(manager);
      histories.set(uid, history);
      history.add(row, by);
    }
  }
  return histories;
}

/** Every create, update and delete that there was, by seq. */
export async function* allChanges(reading: Reading): AsyncGenerator<readonly Authored[]> {
  const managers = await managersOf(reading);
  // The row of an apply comes before those of its changes.
  let adopts: Author['adopts'];
  for await (const batch of reading.audit()) {
    const changes: Authored[] = [];
    for (const row of batch) {
      if (row.action === 'apply') adopts = adoptsIn(row);
      else if (row.uid !== null && isChange(row))
        changes.push({ row, uid: row.uid, by: { manager: managers.get(row.revision) ?? '', adopts } });
    }
    yield changes;
  }
}

async function* changesOfFew(
  reading: Reading,
  uids: readonly string[],
  manager: string,
): AsyncGenerator<readonly Authored[]> {
  const rows: AuditRow[] = [];
  for await (const batch of reading.audit({ uids })) rows.push(...batch.filter(isChange));
  const revisions = new Set(rows.map(({ revision }) => revision));
  const managers = await managersOf(reading, revisions);
  const authors = new Map<number, Author>();
  for (const revision of revisions) {
    const other = managers.get(revision) ?? '';
    // Nobody takes anything over from himself.
    const adopts = other === manager ? {} : await adoptsOf(reading, revision);
    authors.set(revision, { manager: other, adopts });
  }
  yield rows.flatMap((row) => {
    const by = authors.get(row.revision);
    return row.uid === null || !by ? [] : [{ row, uid: row.uid, by }];
  });
}

/** Who wrote these revisions, or all. */
async function managersOf(reading: Reading, wanted?: ReadonlySet<number>): Promise<Map<number, string>> {
  const managers = new Map<number, string>();
  for await (const batch of reading.revisions()) {
    for (const { revision, manager } of batch)
      if (!wanted || wanted.has(revision)) managers.set(revision, manager);
    if (managers.size === wanted?.size) break;
  }
  return managers;
}

async function adoptsOf(reading: Reading, revision: number): Promise<Author['adopts']> {
  for await (const batch of reading.audit({ revision })) {
    const row = batch.find(({ action }) => action === 'apply');
    if (row) return adoptsIn(row);
  }
  return undefined;
}

function adoptsIn(row: AuditRow): Author['adopts'] {
  return isRedacted(row) ? undefined : (payloadOf(row).adopts ?? {});
}
