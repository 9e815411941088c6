import type { AuditRow } from '../core/audit.ts';
import { verdictsOf } from '../core/audit-payload.ts';
import { EXIT, failure } from '../core/problem.ts';
import type { Identity } from '../core/resource.ts';
import { didYouMean } from '../core/suggest.ts';
import type { Verdict } from '../core/verdict.ts';
import { parseTime } from '../kinds/time.ts';
import type { Reading, Revision } from '../stores/store.ts';
import { letSignalsIn } from './signals.ts';
import { identitiesOf } from './state-at.ts';

/** Which part of the history. */
export interface HistoryFilter {
  /** Only what is not before it, in milliseconds. */
  readonly since: number;
  /** Only what is about this workspace, which may be gone. */
  readonly workspace: string | undefined;
}

/**
 * Revisions, newest first; of a workspace those that changed it, or something in it.
 *
 * Throws a Failure (exit 4) when there never was such a workspace.
 */
export async function readRevisions(
  reading: Reading,
  { since, workspace }: HistoryFilter,
): Promise<Revision[]> {
  const touching = workspace === undefined ? undefined : await revisionsTouching(reading, workspace);
  const revisions: Revision[] = [];
  for await (const batch of reading.revisions())
    for (const one of batch)
      if (isSince(one, since) && touching?.has(one.revision) !== false) revisions.push(one);
  return revisions;
}

/**
 * Audit rows, oldest first, in batches none of which is empty. Of a workspace those that name something in it, what is
 * said of the whole of a revision that changed it, and refusals of what would have.
 *
 * Throws a Failure (exit 4) when there never was such a workspace.
 */
export async function* auditRows(
  reading: Reading,
  { since, workspace, action }: HistoryFilter & { readonly action?: AuditRow['action'] | undefined },
): AsyncGenerator<readonly AuditRow[]> {
  const touching = workspace === undefined ? undefined : await revisionsTouching(reading, workspace);
  const isWanted = (row: AuditRow) =>
    isSince(row, since) &&
    (action === undefined || row.action === action) &&
    (workspace === undefined || isAbout(row, workspace, touching));
  for await (const batch of reading.audit()) {
    await letSignalsIn();
    const wanted = batch.filter(isWanted);
    if (wanted.length > 0) yield wanted;
  }
}

/**
 * The revision of a number.
 *
 * Throws a Failure (exit 4) when there is none.
 */
export async function findRevision(reading: Reading, number: number): Promise<Revision> {
  for await (const batch of reading.revisions()) {
    const found = batch.find(({ revision }) => revision === number);
    if (found) return found;
  }
  const newest = reading.head.revision;
  throw failure(
    EXIT.invalid,
    'RC126',
    `there is no revision ${number}`,
    newest === 0 ? 'nothing was applied yet' : `the newest is ${newest}; iam history lists them`,
  );
}

/** Whether a resource is a workspace, or in it. */
export function isInWorkspace(id: Identity, workspace: string): boolean {
  const [kind, namespace, name] = id.split('/', 3);
  return (kind === 'Workspace' ? name : namespace) === workspace;
}

function isSince({ at }: { readonly at: string }, since: number): boolean {
  return (parseTime(at) ?? Infinity) >= since;
}

/** Throws a Failure (exit 4) when there never was such a workspace. */
export async function refuseUnknownWorkspace(reading: Reading, workspace: string | undefined): Promise<void> {
  if (workspace !== undefined) await revisionsTouching(reading, workspace);
}

async function revisionsTouching(reading: Reading, workspace: string): Promise<ReadonlySet<number>> {
  const names = new Set<string>();
  const touching = new Set<number>();
  for await (const batch of reading.audit()) {
    await letSignalsIn();
    for (const row of batch) {
      for (const id of namesOf(row)) {
        if (id.startsWith('Workspace//')) names.add(id.slice('Workspace//'.length));
        if (isInWorkspace(id, workspace) && CHANGES.includes(row.action)) touching.add(row.revision);
      }
    }
  }
  if (names.has(workspace)) return touching;
  throw failure(
    EXIT.invalid,
    'RC126',
    `there never was a workspace "${workspace}"`,
    didYouMean(workspace, names) ?? 'iam get workspaces',
  );
}

const CHANGES: readonly AuditRow['action'][] = ['create', 'update', 'delete'];

/** What a row is about. A Workspace also by the name that it had: of all else the workspace stays the same. */
function namesOf(row: AuditRow): readonly Identity[] {
  if (row.identity === null) return [];
  return row.identity.startsWith('Workspace/') && row.action === 'update'
    ? identitiesOf(row)
    : [row.identity];
}

function isAbout(row: AuditRow, workspace: string, touching: ReadonlySet<number> | undefined): boolean {
  if (row.identity !== null) return namesOf(row).some((id) => isInWorkspace(id, workspace));
  if (row.action === 'refused') return verdictsOf(row).some((verdict) => concerns(verdict, workspace));
  return touching?.has(row.revision) === true && row.action !== 'redact';
}

/** Whether the numbers of a verdict name a workspace, or something in it. */
function concerns({ numbers }: Verdict, workspace: string): boolean {
  const { workspace: one, workspaces, resource } = numbers;
  return (
    one === workspace ||
    (Array.isArray(workspaces) && workspaces.includes(workspace)) ||
    (typeof resource === 'string' && isInWorkspace(resource, workspace))
  );
}
