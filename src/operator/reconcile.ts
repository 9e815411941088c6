import { sha256 } from '../core/hash.ts';
import { identityOfChange } from '../core/plan.ts';
import { EXIT, Failure, type Problem } from '../core/problem.ts';
import { type Identity, identity } from '../core/resource.ts';
import type { WorkResult } from '../engine/work-queue.ts';
import { parseTime } from '../kinds/time.ts';
import type { ClusterStatus } from '../sources/cluster-object.ts';
import { KubeError } from '../sources/kube.ts';
import { afterApply } from './after-apply.ts';
import { type Standing, statusOf } from './conditions.ts';
import { hold, isGone, release, say, type Unwritten } from './object-writer.ts';
import { type Key, type Known, workspaceOfKey } from './objects.ts';
import type { Operation } from './operation.ts';
import { type Applied, applyKey, driftsOf, goneOf, isOvertaken, NoWorkspace } from './plan-key.ts';
import { tellEvents } from './tell-events.ts';

/** Milliseconds after which it is looked again whether what was missing is there; the object that it is wakes its key at once. */
const DEPENDENCY_WAIT = 30_000;

/**
 * Brings the store to what the objects of a key declare, and tells each what became of it: once, whatever happens.
 *
 * In this order: what goes; the finalizer of what is there, before any effect; the plan; what follows from it; the statuses. Throws
 * what is worth trying again soon.
 */
export async function reconcile(operation: Operation, key: Key): Promise<WorkResult> {
  const { kube, objects, memory } = operation;
  const all = objects.of(key);
  if (all.length === 0) {
    objects.forget(key);
    memory.refused.delete(key);
    memory.facts.delete(workspaceOfKey(key) ?? '');
    return {};
  }
  const leaving = all.filter((known) => known.isLeaving && known.isHeld);
  const [deleted, orphaned] = split(leaving, ({ isDeletedWith }) => isDeletedWith);
  const staying = all.filter(({ isLeaving }) => !isLeaving);
  const unwritten = [...(await release(kube, orphaned)), ...(await hold(kube, staying))];
  const unheld = new Set(unwritten.map(({ known }) => known.id));
  const declared = staying.filter(({ id }) => !unheld.has(id));
  const round = { operation, key, declared, deleted };
  const workspace = workspaceOfKey(key);
  if (workspace !== undefined && !objects.get(identity('Workspace', undefined, workspace)))
    return withoutWorkspace(round, workspace);
  let applied: Applied;
  try {
    applied = await applyKey(operation, key, { declared, deleted, frozen: unheld });
  } catch (error) {
    return untilNext(round, error);
  }
  // Whatever becomes of the rest: next time it is not known any more that something was written.
  wakeOthers(operation, key, applied);
  unwritten.push(
    ...(await release(
      kube,
      deleted.filter(({ id }) => applied.gone.has(id)),
    )),
  );
  // What fails afterwards is tried again; what is applied is told all the same.
  const [after] = await Promise.allSettled([afterApply(operation, key, applied)]);
  const { undelivered = new Map() } = after.status === 'fulfilled' ? after.value : {};
  const told = new Map<Known, Standing>();
  for (const known of declared) told.set(known, standingOf(known, applied, undelivered));
  for (const known of deleted) {
    const standing = applied.gone.has(known.id) ? undefined : deletionStanding(known, applied);
    if (standing) told.set(known, standing);
  }
  tellEvents(
    operation,
    told,
    driftsOf(applied.written, (id) => isApplied(objects.get(id))),
  );
  unwritten.push(...(await tell(operation, told, applied)));
  refuseUnwritten(unwritten);
  if (after.status === 'rejected') throw after.reason;
  const isWaiting = [...told.values()].some(({ is }) => is === 'waiting');
  const wait = jittered(operation);
  return { againAfter: isWaiting ? Math.min(DEPENDENCY_WAIT, wait) : wait };
}

interface Round {
  readonly operation: Operation;
  readonly key: Key;
  readonly declared: readonly Known[];
  readonly deleted: readonly Known[];
}

function split<T>(list: readonly T[], test: (one: T) => boolean): readonly [T[], T[]] {
  return [list.filter(test), list.filter((one) => !test(one))];
}

/** The interval, a tenth more or less: not all keys at once. */
function jittered({ interval, random }: Operation): number {
  return interval * (0.9 + random() / 5);
}

/** Lets go what the store does not have, which may have gone with the workspace; all else waits for that. */
async function withoutWorkspace(round: Round, workspace: string): Promise<WorkResult> {
  const { operation, deleted } = round;
  let gone: ReadonlySet<Identity>;
  try {
    gone = await goneOf(operation, deleted);
  } catch (error) {
    return untilNext(round, error);
  }
  const [released, left] = split(deleted, ({ id }) => gone.has(id));
  refuseUnwritten(await release(operation.kube, released));
  const message = `Workspace ${workspace} is not there yet: nothing in its namespace is planned before it is`;
  return tellAll(
    { ...round, deleted: left },
    { is: 'waiting', reason: 'DependencyNotReady', message },
    DEPENDENCY_WAIT,
  );
}

/** Tells all of a key the same, those who are as they should be excepted. */
async function tellAll(
  { operation, declared, deleted }: Round,
  standing: Extract<Standing, { reason: string }>,
  againAfter: number,
): Promise<WorkResult> {
  const told = new Map<Known, Standing>();
  for (const known of declared) if (!isApplied(known)) told.set(known, standing);
  for (const known of deleted) told.set(known, { ...standing, message: withWayOut(standing.message) });
  tellEvents(operation, told, []);
  refuseUnwritten(await tell(operation, told));
  return { againAfter };
}

/** Throws why something was not written, unless a watch will say it. */
function refuseUnwritten(unwritten: readonly Unwritten[]): void {
  const failed = unwritten.find((one) => !isGone(one));
  if (failed) throw failed.error;
}

/** What becomes of a key that could not be planned or applied. */
async function untilNext(round: Round, error: unknown): Promise<WorkResult> {
  const { operation, key } = round;
  // Others write to the same store: nobody need hear of it.
  if (isOvertaken(error)) return { againAfter: 50 + 200 * operation.random() };
  if (error instanceof NoWorkspace) return withoutWorkspace(round, workspaceOfKey(key) ?? '');
  const problem = error instanceof Failure ? error.problems[0] : undefined;
  if (error instanceof KubeError) throw error;
  if (!(error instanceof Failure) || !problem) {
    await tellAll(round, { is: 'waiting', reason: 'Retrying', message: UNEXPECTED }, 0);
    throw error;
  }
  if (error.exit === EXIT.invalid)
    return tellAll(
      round,
      { is: 'stalled', reason: 'InvalidSpec', message: words(problem) },
      jittered(operation),
    );
  await tellAll(round, { is: 'waiting', reason: 'StoreUnavailable', message: words(problem) }, 0);
  throw error;
}

const UNEXPECTED = 'Something that must not happen has happened; the log says what. It is tried again';

/** Whether the newest version of an object is in the store, as far as it says itself. */
function isApplied(known: Known | undefined): boolean {
  const { metadata, status } = known?.object ?? {};
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return (
    ready?.status === 'True' &&
    status?.observedGeneration === metadata?.generation &&
    ready.observedGeneration === metadata?.generation
  );
}

function standingOf(
  known: Known,
  { leftOut, written, warnings, revision }: Applied,
  undelivered: ReadonlyMap<Identity, Problem>,
): Standing {
  const problem = leftOut.get(known.id);
  if (problem) return leftOutStanding(problem);
  const paused = warnings.find((one) => one.code === 'RC124' && isOf(known, one));
  if (paused) return { is: 'paused', message: words(paused) };
  const secret = undelivered.get(known.id);
  if (secret) return { is: 'waiting', reason: 'SecretNotDelivered', message: words(secret) };
  const [declared] = known.declares.declared;
  const changed = written.some((change) => identityOfChange(change) === known.id);
  return { is: 'applied', revision, hash: sha256(declared?.body ?? ''), changed };
}

function leftOutStanding(problem: Problem): Standing {
  const message = words(problem);
  switch (problem.code) {
    case 'RC112':
      return { is: 'waiting', reason: 'DependencyNotReady', message };
    case 'RC210':
    case 'RC213':
      return { is: 'stalled', reason: 'ManagedElsewhere', message };
    default:
      return problem.code.startsWith('RC1')
        ? { is: 'stalled', reason: 'InvalidSpec', message }
        : { is: 'stalled', reason: 'Denied', message };
  }
}

function deletionStanding(known: Known, { leftOut }: Applied): Standing {
  const problem = leftOut.get(known.id);
  const message = problem ? withWayOut(words(problem)) : 'it is not deleted yet';
  return { is: 'stalled', reason: 'DeletionDenied', message };
}

/** What is said of an object that waits to be deleted. */
function withWayOut(message: string): string {
  return `${message}; rolecall.dev/deletion-policy: Orphan lets the object go and leaves what is in the store`;
}

function words({ code, message, hint }: Problem): string {
  return `${code}: ${message}${hint === undefined ? '' : ` (${hint})`}`;
}

function isOf({ declares }: Known, { place }: Problem): boolean {
  return place !== undefined && declares.declared[0]?.file === place.file;
}

/** Writes the statuses; of Workspaces with what is known of them. */
function tell(
  operation: Operation,
  told: ReadonlyMap<Known, Standing>,
  applied?: Applied,
): Promise<readonly Unwritten[]> {
  const { kube, memory } = operation;
  const at = operation.now();
  const now = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
  const statuses = [...told].map(([known, standing]) => {
    const drift = applied?.warnings.find((one) => one.code === 'RC410' && isOf(known, one));
    const remarks = { isExpired: isOver(known, at), drift: drift && words(drift) };
    return { known, status: statusOf(known.object, standing, remarks, factsOf(known, memory.facts), now) };
  });
  return say(kube, statuses);
}

/** What a Workspace says of what is in it: what is not known yet in this process, as it was said before. */
function factsOf(
  { kind, object }: Known,
  facts: Operation['memory']['facts'],
): Pick<ClusterStatus, 'counts' | 'owners' | 'snapshot'> {
  if (kind !== 'Workspace') return {};
  const known = facts.get(object.metadata.name);
  if (known) return known;
  const { counts, owners, snapshot } = object.status ?? {};
  return { ...(counts && { counts }), ...(owners && { owners }), ...(snapshot && { snapshot }) };
}

/** Whether its window is over. */
function isOver({ declares }: Known, at: number): boolean {
  const spec = declares.declared[0]?.resource.spec;
  if (!spec || !('expiresAt' in spec) || typeof spec.expiresAt !== 'string') return false;
  const end = parseTime(spec.expiresAt);
  return end !== undefined && end <= at;
}

/** Workspaces plan on what is global; what is global and goes waits until no workspace needs it. */
function wakeOthers({ objects, wake }: Operation, key: Key, { written }: Applied): void {
  if (written.length === 0) return;
  if (key === 'global') {
    for (const other of objects.keys()) if (other !== 'global') wake(other);
    return;
  }
  if (objects.of('global').some(({ isLeaving, isDeletedWith }) => isLeaving && isDeletedWith)) wake('global');
}
