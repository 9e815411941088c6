import { isRedacted } from '../core/audit.ts';
import { mayTreatDrift } from '../core/drift-treatment.ts';
import { sha256 } from '../core/hash.ts';
import type { Identity } from '../core/resource.ts';
import type { Stored } from '../core/stored.ts';
import type { Reading } from '../stores/store.ts';
import { type Authored, allChanges } from './histories.ts';
import { letSignalsIn } from './signals.ts';

/** What must be known of each resource that ever was to tell whether it has to be looked at. */
interface Track {
  /** What its last row calls it. */
  id: Identity;
  /** The number of its last row. */
  seq: number;
  /** The sha256 of what it is since then; null when it is gone, undefined when that is redacted. */
  hash: string | null | undefined;
  /** Whether the manager ever wrote it. */
  isOurs: boolean;
  /** Whether somebody may have changed what the manager applied. */
  isSuspect: boolean;
  isThere: boolean;
}

/** By uid. */
export type Tracks = ReadonlyMap<string, Track>;

/** Goes through the audit once, without keeping a body. */
export async function readTracks(reading: Reading, manager: string): Promise<Tracks> {
  const tracks = new Map<string, Track>();
  for await (const batch of allChanges(reading)) {
    for (const change of batch) follow(tracks, change, manager);
    await letSignalsIn();
  }
  return tracks;
}

function follow(tracks: Map<string, Track>, { row, uid, by }: Authored, manager: string): void {
  const isOurs = by.manager === manager;
  const id = row.identity ?? '';
  const hash = row.action === 'delete' ? null : row.after === null ? undefined : sha256(row.after);
  const track = tracks.get(uid);
  if (!track || row.action === 'create') {
    tracks.set(uid, { id, seq: row.seq, hash, isOurs, isSuspect: false, isThere: false });
    return;
  }
  const wasEdited = row.before === null || (track.hash != null && track.hash !== sha256(row.before));
  if (isOurs) {
    track.isOurs = true;
    // What it brings back is no drift any more; some it lets be.
    track.isSuspect = (track.isSuspect || wasEdited) && mayTreatDrift(row.after ?? '');
  } else if (track.isOurs) {
    const mayTake = by.adopts === undefined || by.adopts[id] !== undefined || isRedacted(row);
    track.isSuspect ||= wasEdited || mayTake;
  }
  Object.assign(track, { id, seq: row.seq, hash });
}

/** What has to be looked at. */
export interface Suspects {
  /** What is there and may not be as it was applied. */
  readonly there: ReadonlyMap<string, Stored>;
  /** What is not there any more, and should be. By uid. */
  readonly gone: ReadonlyMap<string, Track>;
  /** What no audit row tells of. */
  readonly strangers: readonly Stored[];
  /** What is there, but its last row is redacted. */
  readonly untold: readonly Identity[];
  /** How many of the resources `isAsked` for there are. */
  readonly count: number;
}

/** Goes through all resources once. */
export async function findSuspects(
  reading: Reading,
  tracks: Tracks,
  isAsked: (id: Identity) => boolean,
): Promise<Suspects> {
  const there = new Map<string, Stored>();
  const strangers: Stored[] = [];
  const untold: Identity[] = [];
  let count = 0;
  for await (const batch of reading.resources()) {
    for (const stored of batch) {
      if (isAsked(stored.id)) count++;
      const track = tracks.get(stored.uid);
      if (!track) {
        strangers.push(stored);
        continue;
      }
      track.isThere = true;
      const { id, hash, isSuspect } = track;
      if (hash === undefined) untold.push(stored.id);
      else if (isSuspect || id !== stored.id || hash !== sha256(stored.body)) there.set(stored.uid, stored);
    }
    await letSignalsIn();
  }
  const gone = new Map([...tracks].filter(([, one]) => !one.isThere && (one.hash !== null || one.isSuspect)));
  return { there, gone, strangers, untold, count };
}

/**
 * What has the names of resources that are gone: undefined where the manager (of what was not his, anybody) has made or
 * taken away something of that name since, so that nothing is missing. By uid of what is gone.
 */
export async function successorsOf(
  reading: Reading,
  gone: Suspects['gone'],
  tracks: Tracks,
): Promise<Map<string, Stored | undefined>> {
  const successors = new Map<string, Stored | undefined>();
  if (gone.size === 0) return successors;
  const byName = Map.groupBy(gone, ([, { id }]) => id);
  for (const stored of await reading.find({ ids: [...byName.keys()] }))
    for (const [uid] of byName.get(stored.id) ?? []) successors.set(uid, stored);
  for (const later of tracks.values()) {
    for (const [uid, track] of byName.get(later.id) ?? [])
      if (later.seq > track.seq && (later.isOurs || !track.isOurs)) successors.set(uid, undefined);
  }
  return successors;
}
