import type { AuditRow } from '../core/audit.ts';
import { EXIT, Failure, failure } from '../core/problem.ts';
import { fromManifest, type Identity, identityOf, type Manifest, showIdentity } from '../core/resource.ts';
import type { Resource } from '../kinds/index.ts';
import { formatTime, parseTime, showTime } from '../kinds/time.ts';
import type { Reading, Revision } from '../stores/store.ts';

/** One resource as it was: its uid, and its canonical JSON. */
export interface Past {
  readonly uid: string;
  readonly id: Identity;
  readonly body: string;
  /** Parsed from `body` when first asked for. */
  readonly resource: Resource;
}

/** All that there was at a revision. */
export interface PastState {
  readonly resources: readonly Past[];
  /** The uids of those that are not any more as they were. */
  readonly changed: ReadonlySet<string>;
}

/** What was there cannot be told: an audit row that it takes is redacted. */
export class Untellable extends Failure {}

/**
 * The newest revision whose time is not after `at` (milliseconds).
 *
 * Throws a Failure (exit 4) when there was none yet.
 */
export async function revisionAt(reading: Reading, at: number): Promise<Revision> {
  let oldest: Revision | undefined;
  for await (const batch of reading.revisions()) {
    for (const revision of batch) {
      if ((parseTime(revision.at) ?? Infinity) <= at) return revision;
      oldest = revision;
    }
  }
  throw failure(
    EXIT.invalid,
    'RC126',
    `there was nothing yet at ${showTime(formatTime(at))}`,
    oldest ? `the first apply was at ${showTime(oldest.at)}` : 'nothing was applied yet',
  );
}

/**
 * All that there was at a revision, without a copy of it having been kept: what no later audit row names is as it is
 * now, all else as it was before the first of them.
 *
 * Throws Untellable (exit 1) when such a row was redacted: nobody can tell any more.
 */
export async function stateAt(reading: Reading, revision: number): Promise<PastState> {
  const before = await changedBetween(reading, revision, reading.head.revision);
  const resources: Past[] = [];
  for await (const batch of reading.resources())
    for (const stored of batch) if (!before.has(stored.uid)) resources.push(stored);
  for (const past of before.values()) if (past) resources.push(past);
  return { resources, changed: new Set(before.keys()) };
}

/**
 * By uid what each resource was at the revision `from` that a revision after it, up to `to`, has changed; null where it
 * was not there. Throws Untellable (exit 1) when a row that tells is redacted.
 */
export async function changedBetween(
  reading: Reading,
  from: number,
  to: number,
): Promise<Map<string, Past | null>> {
  const before = new Map<string, Past | null>();
  if (from >= to) return before;
  for await (const batch of reading.audit({ after: from })) {
    for (const row of batch) {
      if (row.revision > to) return before;
      if (row.uid === null || before.has(row.uid) || !isChange(row)) continue;
      before.set(row.uid, wasBefore(row, row.uid, from));
    }
  }
  return before;
}

/** The identities that a change is about: by the names that it had, and has. */
export function identitiesOf({ identity, before }: AuditRow): Identity[] {
  const was = before === null ? null : identityOf(fromManifest(JSON.parse(before) as Manifest));
  return [...new Set([identity, was].filter((id) => id !== null))];
}

export function isChange({ action }: AuditRow): boolean {
  return action === 'create' || action === 'update' || action === 'delete';
}

function wasBefore(row: AuditRow, uid: string, revision: number): Past | null {
  // Also when it is redacted: what is created was not there.
  if (row.action === 'create') return null;
  if (row.before === null)
    throw new Untellable(EXIT.error, [
      {
        code: 'RC408',
        severity: 'error',
        message: `what ${showIdentity(row.identity ?? '')} was at revision ${revision} cannot be told: audit row ${row.seq} is redacted`,
        hint: `the states from revision ${row.revision} on do not need that row`,
      },
    ]);
  const resource = fromManifest(JSON.parse(row.before) as Manifest);
  return { uid, id: identityOf(resource), body: row.before, resource };
}
