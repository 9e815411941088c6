import { createReadStream, openSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { Layout } from '../core/snapshot.ts';
import { writeSnapshots } from '../engine/snapshot-files.ts';
import { fileOf, readSidecar } from '../engine/snapshot-sidecar.ts';
import { CSV } from '../render/csv.ts';
import type { ClusterStatus } from '../sources/cluster-object.ts';
import type { Head, Store } from '../stores/store.ts';

/**
 * The CSV snapshot of every workspace, as files in a folder of this process.
 *
 * Each replica has its own: the same revision makes the same bytes everywhere, so what a follower serves is what the leader
 * has told of.
 */
export interface Snapshots {
  /**
   * Brings the files to what the store has now. Those who call it while it is at work share one more run, so that each sees
   * all that was applied before he called. Where neither the store nor time has moved on it costs one look at the store.
   *
   * Throws what the store throws, and a Failure when the folder cannot be written.
   */
  refresh(): Promise<void>;
  /** What a Workspace's status says of its users table, as of the last refresh; undefined where there is none. */
  facts(workspace: string): NonNullable<ClusterStatus['snapshot']> | undefined;
  /** A table as it is now (see refresh), to be read or destroyed by the caller; undefined where there is no such workspace. */
  open(workspace: string, layout: Layout): Promise<OpenTable | undefined>;
}

export interface OpenTable {
  /** In hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
  /** Goes on to be this table whatever is written meanwhile. */
  readonly content: Readable;
}

export interface SnapshotsOptions {
  readonly store: Store;
  /** Must be nobody else's. */
  readonly folder: string;
  /** Of the program. */
  readonly version: string;
  /** Milliseconds since 1970. */
  now(): number;
  /** Is told the workspaces whose tables are others than before, or gone, whoever has asked. */
  readonly changed?: (workspaces: ReadonlySet<string>) => void;
}

export function createSnapshots({ store, folder, version, now, changed }: SnapshotsOptions): Snapshots {
  /** What the files are of, and when they were found to be. */
  let last: { readonly head: Head; readonly at: number; readonly until: number } | undefined;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const isCurrent = async () => {
    const at = now();
    if (!last || at < last.at || at >= last.until) return false;
    const { head } = last;
    const reading = await store.read();
    await reading.close();
    return reading.head.store === head.store && reading.head.revision === head.revision;
  };
  const bringUp = async () => {
    if (await isCurrent()) return;
    const at = now();
    const place = { store, folder, isDefault: false, isOwn: true, form: CSV, version, now } as const;
    const { head, until = at, written, removed } = await writeSnapshots(place);
    last = { head, at, until };
    const names = written.union(removed);
    if (names.size > 0) changed?.(names);
  };
  const refresh = (): Promise<void> => {
    if (!running) {
      running = bringUp().finally(() => {
        running = undefined;
      });
      return running;
    }
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined;
        return refresh();
      });
    return next;
  };

  const sidecarOf = (workspace: string) => {
    const facts = readSidecar(folder, workspace);
    // What is left of another store is nobody's.
    return last && facts?.store === last.head.store ? facts : undefined;
  };

  return {
    refresh,
    facts(workspace) {
      const { files, asOf } = sidecarOf(workspace) ?? {};
      const users = files?.[fileOf(workspace, 'users')];
      return users && asOf ? { sha256: users.sha256, rows: users.rows, writtenAt: asOf } : undefined;
    },
    async open(workspace, layout) {
      await refresh();
      // From here on nothing is waited for: the file is what its sidecar says.
      const name = fileOf(workspace, layout);
      const facts = sidecarOf(workspace)?.files?.[name];
      if (!facts) return undefined;
      const content = openWhole(path.join(folder, name), facts.bytes);
      if (content) return { sha256: facts.sha256, bytes: facts.bytes, content };
      // Somebody has been in the folder: the next one who asks has it written again.
      last = undefined;
      throw new Error(`${name} is not as it was written`);
    },
  };
}

/** A file of so many bytes, in pieces; undefined when it is not there, or not as long. */
function openWhole(file: string, bytes: number): Readable | undefined {
  if (statSync(file, { throwIfNoEntry: false })?.size !== bytes) return undefined;
  return createReadStream('', { fd: openSync(file, 'r'), highWaterMark: 1 << 18 });
}
