import { type AuditBreak, type AuditRow, createChainCheck, isRedacted } from '../core/audit.ts';
import { payloadOf } from '../core/audit-payload.ts';
import type { Problem } from '../core/problem.ts';
import { showIdentity } from '../core/resource.ts';
import type { Reading, Revision } from '../stores/store.ts';
import { NO_PROGRESS, type Progress } from './progress.ts';
import { letSignalsIn } from './signals.ts';

/** A row that is known to have been there. */
export interface KnownHead {
  readonly seq: number;
  readonly hash: string;
  /** Who says so, for messages. */
  readonly from: string;
}

export interface Verification {
  /** How many rows were read. */
  readonly rows: number;
  /** `SEQ:HASH` of the newest; null when there is none. */
  readonly head: string | null;
  /** The numbers of the rows whose payload is gone. */
  readonly redacted: readonly number[];
  /** Those of them that no row of a redaction names. */
  readonly unaccounted: readonly number[];
  /** What is wrong; empty when the audit is as it was written. */
  readonly problems: readonly Problem[];
}

/**
 * Reads the whole audit once, and checks that every row is as it was written and follows the one before, that the
 * known heads are rows of it, and that revisions are what their rows say. Reads on after what is wrong, but of the
 * chain tells only the first place.
 */
export async function verifyAudit(
  reading: Reading,
  heads: readonly KnownHead[],
  progress: Progress = NO_PROGRESS,
): Promise<Verification> {
  const total = Number(reading.head.auditHead?.split(':', 1)[0] ?? 0);
  const check = createChainCheck();
  let broken: Problem | undefined;
  let rows = 0;
  let last: AuditRow | undefined;
  const redacted: number[] = [];
  const accounted = new Set<number>();
  const wanted = Map.groupBy(heads, ({ seq }) => seq);
  const problems: Problem[] = [];
  const tellings = new Map<number, Telling>();
  for await (const batch of reading.audit()) {
    await letSignalsIn();
    for (const row of batch) {
      progress('verify', rows, total > rows ? total : undefined);
      rows += 1;
      if (!broken) {
        const found = check(row);
        if (found) broken = breakProblem(found, row);
      }
      for (const head of wanted.get(row.seq) ?? [])
        if (head.hash !== row.hash) problems.push(rewrittenProblem(head));
      wanted.delete(row.seq);
      if (isRedacted(row)) redacted.push(row.seq);
      if (row.action === 'redact') for (const seq of payloadOf(row).rows ?? []) accounted.add(seq);
      tell(tellings, row);
      last = row;
    }
  }
  progress('verify', rows, rows);
  if (broken) problems.unshift(broken);
  for (const head of [...wanted.values()].flat())
    if (head.seq > (last?.seq ?? 0)) problems.push(cutProblem(head, last));
  // Where rows are missing or changed, revisions cannot be what they say.
  if (problems.length === 0) problems.push(...(await checkRevisions(reading, tellings)));
  return {
    rows,
    head: last ? `${last.seq}:${last.hash}` : null,
    redacted,
    unaccounted: redacted.filter((seq) => !accounted.has(seq)),
    problems,
  };
}

/** What the rows say of a revision. */
interface Telling {
  readonly whole: AuditRow;
  readonly counts: { create: number; update: number; delete: number };
}

function tell(tellings: Map<number, Telling>, row: AuditRow): void {
  const { action, revision } = row;
  if (action === 'apply') tellings.set(revision, { whole: row, counts: { create: 0, update: 0, delete: 0 } });
  const counts = tellings.get(revision)?.counts;
  if (counts && (action === 'create' || action === 'update' || action === 'delete')) counts[action] += 1;
}

async function checkRevisions(
  reading: Reading,
  tellings: ReadonlyMap<number, Telling>,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const left = new Map(tellings);
  for await (const batch of reading.revisions()) {
    for (const revision of batch) {
      const telling = left.get(revision.revision);
      left.delete(revision.revision);
      const wrong = telling ? otherThan(revision, telling) : 'there is no audit row of it';
      if (wrong !== undefined) problems.push(problem(`revision ${revision.revision}: ${wrong}`, RESTORE));
    }
  }
  for (const [revision, { whole }] of left)
    problems.push(problem(`revision ${revision}, of which audit row ${whole.seq} tells, is gone`, RESTORE));
  return problems;
}

/** In what a revision is not what its rows say; undefined when it is. */
function otherThan(revision: Revision, { whole, counts }: Telling): string | undefined {
  const { digest, manager } = payloadOf(whole);
  const columns = ['at', 'actor', 'actorVerified', 'commit'] as const;
  const wrong: string[] = columns.filter((name) => revision[name] !== whole[name]);
  if (!isRedacted(whole)) {
    if (revision.reason !== whole.reason) wrong.push('reason');
    if (revision.digest !== digest) wrong.push('digest');
    if (revision.manager !== manager) wrong.push('manager');
  }
  const { summary } = revision;
  const isSame = (['create', 'update', 'delete'] as const).every((name) => summary[name] === counts[name]);
  if (!isSame) wrong.push('number of changes');
  return wrong.length === 0 ? undefined : `its ${wrong.join(', ')} is not what audit row ${whole.seq} says`;
}

const RESTORE = 'compare the store with a backup, and find out who could write to it';

function problem(message: string, hint: string): Problem {
  return { code: 'RC409', severity: 'error', message, hint };
}

function breakProblem(found: AuditBreak, row: AuditRow): Problem {
  const before = found.seq > 1 ? `the rows before it are as they were written; ${RESTORE}` : RESTORE;
  return problem(breakWords(found, row), before);
}

function breakWords(found: AuditBreak, { action, identity, revision }: AuditRow): string {
  const { seq } = found;
  switch (found.type) {
    case 'changed': {
      const what = identity === null ? action : `${action} ${showIdentity(identity)}`;
      return `audit row ${seq} (${what}, revision ${revision}) is not as it was written`;
    }
    case 'moved':
      return `the audit is out of order: what is row ${seq} now was written as row ${found.was}`;
    case 'missing':
      return found.from === found.to
        ? `audit row ${found.from} is missing: row ${seq} comes next`
        : `audit rows ${found.from} to ${found.to} are missing: row ${seq} comes next`;
    case 'detached':
      return `audit row ${seq} does not follow ${found.last === 0 ? 'the beginning' : `row ${found.last}`}: one of them was put in, or rewritten`;
  }
}

function rewrittenProblem({ seq, hash, from }: KnownHead): Problem {
  return problem(
    `audit row ${seq} is not ${seq}:${hash} (${from}): it, or what came before, was rewritten`,
    RESTORE,
  );
}

function cutProblem({ seq, hash, from }: KnownHead, last: AuditRow | undefined): Problem {
  const end = last === undefined ? 'there is no row' : `the newest row is ${last.seq}`;
  return problem(
    `the end of the audit is cut off: ${end}, and there was ${seq}:${hash} (${from})`,
    `${RESTORE}; a store that was restored from an older backup looks the same`,
  );
}
