import { History } from '../core/applied.ts';
import { type DriftItem, driftOf, madeInDatabase } from '../core/drift.ts';
import { type Identity, identity } from '../core/resource.ts';
import type { Reading } from '../stores/store.ts';
import { findSuspects, readTracks, successorsOf } from './drift-tracks.ts';
import { historiesOf } from './histories.ts';
import { isInWorkspace } from './history.ts';

/** What a store has that is not as it was applied. */
export interface Drift {
  /** By identity, without those that are to be ignored. */
  readonly items: readonly DriftItem[];
  /** How many resources there are. */
  readonly resources: number;
  /** How many differ, and are to be ignored. */
  readonly ignored: number;
  /** Of how many it cannot be told, because audit rows are redacted. */
  readonly unknown: number;
}

/**
 * Compares what `manager` applied last, as the audit tells it, with what there is; and what anybody applied last with what
 * there is, to find what was changed in the database. With `workspace` only of that one and what is in it; undefined where
 * there is no such workspace, and never was.
 *
 * Goes through the audit and the resources once each. Of the bodies only those are kept that may differ.
 */
export async function findDrift(
  reading: Reading,
  manager: string,
  workspace: string | undefined,
): Promise<Drift | undefined> {
  const isAsked = (id: Identity) => workspace === undefined || isInWorkspace(id, workspace);
  const tracks = await readTracks(reading, manager);
  const { there, gone, strangers, untold, count } = await findSuspects(reading, tracks, isAsked);
  if (workspace !== undefined && count === 0 && !tracks.values().some(({ id }) => isAsked(id)))
    return undefined;
  const successors = await successorsOf(reading, gone, tracks);
  const holders = [...successors.values()].flatMap((one) => one?.uid ?? []);
  const histories = await historiesOf(
    reading,
    new Set([...there.keys(), ...gone.keys(), ...holders]),
    manager,
  );
  const historyOf = (uid: string) => histories.get(uid) ?? new History(manager);

  const items: DriftItem[] = [];
  const unknown = untold.filter(isAsked);
  let ignored = 0;
  const add = (id: Identity, differing: readonly DriftItem[] | undefined) => {
    if (!isAsked(id)) return;
    if (!differing) unknown.push(id);
    else if (differing.some(({ treatment }) => treatment === 'ignore')) ignored++;
    else items.push(...differing);
  };
  for (const [uid, stored] of there) add(stored.id, driftOf(historyOf(uid), stored));
  const named = new Set<string>();
  for (const [uid, { id }] of gone) {
    // Whatever has its name now is what there is of it.
    const successor = successors.get(uid);
    if (!successor && successors.has(uid)) continue;
    add(id, driftOf(historyOf(uid), successor, successor && historyOf(successor.uid).last));
    if (successor) named.add(successor.uid);
  }
  for (const stored of strangers) if (!named.has(stored.uid)) add(stored.id, [madeInDatabase(stored)]);
  return { items: items.sort(byIdentity), resources: count, ignored, unknown: unknown.length };
}

function byIdentity(a: DriftItem, b: DriftItem): number {
  const [one, other] = [a, b].map(({ kind, namespace, name }) =>
    identity(kind, namespace ?? undefined, name),
  );
  return one === other
    ? (a.revision ?? Infinity) - (b.revision ?? Infinity)
    : (one ?? '') < (other ?? '')
      ? -1
      : 1;
}
