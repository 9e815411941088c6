import { lazily } from '../core/actual.ts';
import { type AuditRow, isRedacted } from '../core/audit.ts';
import { payloadOf, verdictsOf } from '../core/audit-payload.ts';
import { type Change, identityOfChange, type PlanNotes } from '../core/plan.ts';
import { fromManifest, type Identity, identityOf, type Manifest } from '../core/resource.ts';
import type { Verdict } from '../core/verdict.ts';
import { parseTime } from '../kinds/time.ts';
import type { Reading, Revision } from '../stores/store.ts';
import { accessOf, bearsOn, changeBetween, differenceOf } from './compare-revisions.ts';
import { findRevision, refuseUnknownWorkspace } from './history.ts';
import { isChange, Untellable } from './state-at.ts';

/** All that is known of one revision. */
export interface RevisionStory {
  readonly revision: Revision;
  readonly pr: string | null;
  readonly approvers: readonly string[];
  /** Of a pull request: whether it is known that people looked at just this; null for all else. */
  readonly review: string | null;
  /** By identity; without those whose row is redacted. */
  readonly changes: readonly Change[];
  /** Who gained or lost what, from its time on; null when that cannot be told. */
  readonly access: PlanNotes | null;
  /** Why it cannot be told; null when it can. */
  readonly untellable: string | null;
  /** What guards and policies said of its plan; what was overridden is a warning. */
  readonly verdicts: readonly Verdict[];
  /** What somebody answered for, a row each. */
  readonly overrides: readonly AuditRow[];
  /** What policies with enforcement Audit found, a row each. */
  readonly findings: readonly AuditRow[];
  /** What was refused, or done in the ledger alone, while it was the newest revision: a row each. */
  readonly events: readonly AuditRow[];
  /** Rows whose payload is gone. */
  readonly redacted: readonly AuditRow[];
}

/**
 * Tells of one revision what its rows say, and who gained or lost what by it. What is redacted is told to be so. With
 * `workspace` what bears on that one, and access there.
 *
 * Throws a Failure (exit 4) when there is no such revision, or never was such a workspace.
 */
export async function readRevision(
  reading: Reading,
  number: number,
  workspace: string | undefined,
): Promise<RevisionStory> {
  const revision = await findRevision(reading, number);
  await refuseUnknownWorkspace(reading, workspace);
  const rows: AuditRow[] = [];
  for await (const batch of reading.audit({ revision: number })) rows.push(...batch);
  const whole = rows.find(({ action }) => action === 'apply');
  const { adopts = {}, review = null } = whole ? payloadOf(whole) : {};
  const told = await accessBy(reading, revision, workspace);
  const accessChanged = lazily(
    () => told.access?.accessByWorkspace()[Symbol.iterator]().next().done === false,
  );
  const of = (...actions: readonly AuditRow['action'][]) =>
    rows.filter(({ action }) => actions.includes(action));
  return {
    revision,
    pr: whole?.pr ?? null,
    approvers: JSON.parse(whole?.approvers ?? '[]'),
    review,
    changes: rows
      .filter((row) => isChange(row) && !isRedacted(row))
      .map((row) => changeOf(row, adopts))
      .filter((change) => bearsOn(identityOfChange(change), workspace, accessChanged))
      .sort((a, b) => (identityOfChange(a) < identityOfChange(b) ? -1 : 1)),
    ...told,
    verdicts: whole ? verdictsOf(whole) : [],
    overrides: of('override'),
    findings: of('policy'),
    events: of('refused', 'issue', 'rotate', 'revoke', 'retire', 'redact'),
    redacted: rows.filter(isRedacted),
  };
}

function changeOf({ identity, before, after }: AuditRow, adopts: Readonly<Record<Identity, string>>): Change {
  const id = identity ?? '';
  const was =
    before === null ? null : { id: identityOf(fromManifest(JSON.parse(before) as Manifest)), body: before };
  return changeBetween(was, after === null ? null : { id, body: after }, adopts[id] ?? null);
}

async function accessBy(
  reading: Reading,
  { revision, at }: Revision,
  workspace: string | undefined,
): Promise<Pick<RevisionStory, 'access' | 'untellable'>> {
  try {
    const difference = await differenceOf(reading, revision - 1, revision);
    return { access: accessOf(difference, parseTime(at) ?? 0, workspace).notes, untellable: null };
  } catch (error) {
    if (!(error instanceof Untellable)) throw error;
    return { access: null, untellable: error.message };
  }
}
