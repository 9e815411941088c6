import { createHash, hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';
import { identity } from '../core/resource.ts';
import { COLUMNS, type Layout, type RowForm, type WorkspaceSnapshot } from '../core/snapshot.ts';
import type { Resource } from '../kinds/index.ts';
import { formatTime, parseTime } from '../kinds/time.ts';
import type { Head, Reading, Store } from '../stores/store.ts';
import { type Affected, affectedBy } from './affected.ts';
import { type PatchedTable, patchTable, type RowKey } from './patch-table.ts';
import { Pieces } from './pieces.ts';
import { readSnapshot, type StoreSnapshot } from './snapshot.ts';
import {
  type FileFacts,
  fileOf,
  isCurrent,
  LAYOUTS,
  looksFresh,
  readSidecar,
  SIDECAR,
  type Sidecar,
} from './snapshot-sidecar.ts';
import { type Touched, touchedSince } from './touched.ts';
import { beginWhole, isLeftOver, isTemporary, temporaryName, type WholeFile } from './whole-file.ts';

/** How often others may have applied something while the snapshot was written, before it is left to them. */
const TRIES = 10;

/** Where the snapshot of a store is kept. */
export interface SnapshotFolder {
  readonly store: Store;
  readonly folder: string;
  /** Whether it is the folder that the store's own mark is about (`Head.snapshotRevision`). */
  readonly isDefault: boolean;
  /** Whether nobody else writes there, and it is written to once at a time: what is applied meanwhile is left to the next time. */
  readonly isOwn?: true;
  /** CSV (src/render/csv.ts): what is there already is read as that. */
  readonly form: RowForm;
  /** Of the program, for the sidecars. */
  readonly version: string;
  /** Milliseconds since 1970. */
  now(): number;
}

/** What the folder is of now. */
export interface SnapshotsWritten {
  /** The workspaces whose tables were not there as they are now. */
  readonly written: ReadonlySet<string>;
  /** The workspaces that are gone, whose tables were there. */
  readonly removed: ReadonlySet<string>;
  readonly head: Head;
  /** From when on (milliseconds) some rows differ though nothing changes; undefined when that was not looked at. */
  readonly until: number | undefined;
}

/**
 * Writes both layouts and the sidecar of every workspace whose rows differ from what the folder has, when the store
 * is at a revision whose snapshot was not written yet; removes those of workspaces that are gone.
 *
 * The store remembers the revision at the end, so that what a crash leaves behind is written by the next apply.
 */
export async function writeSnapshots(place: SnapshotFolder): Promise<SnapshotsWritten> {
  const written = new Set<string>();
  const removed = new Set<string>();
  // Somebody may have applied something meanwhile, and written newer rows that ours then took the place of.
  for (let tries = 0; ; tries++) {
    const { isLast, head, until } = await writeOnce(place, tries > 0, written, removed);
    if (isLast || tries + 1 === TRIES) return { written, removed, head, until };
  }
}

/** `isLast` is whether the store is still at the revision of what was written. */
async function writeOnce(
  { store, folder, isDefault, isOwn, form, version, now }: SnapshotFolder,
  again: boolean,
  written: Set<string>,
  removed: Set<string>,
): Promise<{ readonly isLast: boolean; readonly head: Head; readonly until: number | undefined }> {
  const at = now();
  const reading = await store.read();
  let mark: string;
  let until = Infinity;
  const { head } = reading;
  try {
    if (head.store === null) return { isLast: true, head, until };
    const unfinished = unfinishedIn(folder);
    // The store's mark is about the default folder; another one is always looked at.
    const isMarked = isDefault && head.snapshotRevision === head.revision && existsSync(folder);
    if (isMarked && unfinished.length === 0 && !again) return { isLast: true, head, until: undefined };
    mark = path.join(folder, temporaryName('snapshot'));
    makeFolder(folder, mark);
    const snapshot = await readSnapshot(reading, { at, form });
    const { workspaces } = snapshot;
    const known =
      unfinished.length > 0 || again ? undefined : await knownIn(folder, reading, head.store, workspaces);
    for (const workspace of workspaces) {
      const facts = readSidecar(folder, workspace);
      const looksRight = known && facts?.store === head.store && looksFresh(folder, workspace, facts, at);
      if (looksRight && !known.workspaces.has(workspace)) {
        until = Math.min(until, endOf(facts));
        continue;
      }
      const made =
        (looksRight && (await patched(folder, reading, snapshot, workspace, facts, known.bodies))) ||
        whole(await snapshot.of(workspace), form);
      until = Math.min(until, made.until);
      const of = { store: head.store, asOf: formatTime(at), version };
      if (writeWorkspace(folder, snapshot, workspace, of, made)) written.add(workspace);
    }
    for (const gone of removeGone(folder, head.store, new Set(workspaces))) removed.add(gone);
    for (const name of unfinished) if (isLeftOver(name)) rmSync(path.join(folder, name), { force: true });
  } finally {
    await reading.close();
  }
  if (!isOwn) {
    const { revision } = isDefault
      ? (await store.write({ type: 'snapshot', revision: head.revision })).head
      : await headOf(store);
    if (revision !== head.revision) return { isLast: false, head, until };
  }
  rmSync(mark, { force: true });
  return { isLast: true, head, until };
}

async function headOf(store: Store): Promise<Head> {
  const reading = await store.read();
  await reading.close();
  return reading.head;
}

/** What shows that another process is, or was, in the middle of writing here. */
function unfinishedIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter(isTemporary) : [];
}

/**
 * What has changed since the files of the folder were made; undefined when that cannot be told.
 *
 * A run that ends leaves all files of its revision. So nothing but what the newest sidecar's audit head does not yet
 * know of, and time, can have made other rows since.
 */
async function knownIn(
  folder: string,
  reading: Reading,
  store: string,
  workspaces: readonly string[],
): Promise<Touched | undefined> {
  let newest: Partial<Sidecar> | undefined;
  for (const workspace of workspaces) {
    const facts = readSidecar(folder, workspace);
    if (facts?.store === store && (facts.revision ?? 0) > (newest?.revision ?? 0)) newest = facts;
  }
  return newest?.auditHead ? touchedSince(reading, newest.auditHead) : undefined;
}

/** The tables of a workspace, ready to be written. */
interface Made {
  readonly until: number;
  /** Writes a table; returns how many rows it has. */
  write(layout: Layout, to: (bytes: Uint8Array) => void): number;
}

function whole(rows: WorkspaceSnapshot, form: RowForm): Made {
  return {
    until: rows.until,
    write(layout, to) {
      const pieces = new Pieces((text) => to(Buffer.from(text)));
      let count = 0;
      pieces.add(form.cells(COLUMNS[layout]) + form.end);
      for (const row of rows[layout]()) {
        pieces.add(row);
        count++;
      }
      pieces.flush();
      return count;
    },
  };
}

/** More people and tokens than these, and their groups, are not looked up one by one. */
const MOST = 500;

/** The tables that are there, with other rows for those whom changes are about; undefined when that cannot be. */
async function patched(
  folder: string,
  reading: Reading,
  snapshot: StoreSnapshot,
  workspace: string,
  facts: Partial<Sidecar>,
  bodies: readonly Resource[],
): Promise<Made | undefined> {
  const affected = await affectedBy(reading, workspace, bodies, MOST);
  if (!affected) return undefined;
  const rows = await snapshot.ofSome(workspace, affected);
  const keys = await keysOf(reading, affected, bodies);
  const tables = new Map<Layout, PatchedTable>();
  for (const layout of LAYOUTS) {
    const name = fileOf(workspace, layout);
    const table = readFileSync(path.join(folder, name));
    // What is in no row of theirs stays: it must be what was written.
    if (hash('sha256', table) !== facts.files?.[name]?.sha256) return undefined;
    const made = patchTable(table, layout, workspace, keys, rows[layout]());
    if (!made) return undefined;
    tables.set(layout, made);
  }
  return {
    until: Math.min(rows.until, endOf(facts)),
    write(layout, to) {
      const { parts = [], more = 0 } = tables.get(layout) ?? {};
      for (const part of parts) to(part);
      return (facts.files?.[fileOf(workspace, layout)]?.rows ?? 0) + more;
    },
  };
}

/** From when on passing time alone makes other rows than those that a sidecar is of. */
function endOf({ until }: Partial<Sidecar>): number {
  return until ? (parseTime(until) ?? -Infinity) : Infinity;
}

/** What is in the rows of those who are affected to tell them by, as it is and as it was. */
async function keysOf(
  reading: Reading,
  { users, tokens }: Affected,
  bodies: readonly Resource[],
): Promise<RowKey[]> {
  const ids = [...users].map((name) => identity('User', undefined, name));
  const now = (await reading.find({ ids })).map(({ resource }) => resource);
  return [
    ...[...now, ...bodies].flatMap((resource): RowKey[] =>
      resource.kind === 'User'
        ? [{ email: resource.spec.email, kind: 'User', name: resource.metadata.name }]
        : [],
    ),
    ...[...tokens].map((name): RowKey => ({ email: '', kind: 'Token', name })),
  ];
}

/** Writes the files of a workspace; returns whether they were not there already. */
function writeWorkspace(
  folder: string,
  { head, commit }: StoreSnapshot,
  workspace: string,
  of: Pick<Sidecar, 'store' | 'asOf' | 'version'>,
  made: Made,
): boolean {
  const begun: WholeFile[] = [];
  const begin = (name: string) => {
    const file = beginWhole(path.join(folder, name), 0o600);
    begun.push(file);
    return file;
  };
  try {
    const files: Record<string, FileFacts> = {};
    for (const layout of LAYOUTS) {
      const name = fileOf(workspace, layout);
      files[name] = writeTable(begin(name), layout, made);
    }
    const until = made.until === Infinity ? null : formatTime(made.until);
    const known = readSidecar(folder, workspace);
    const current = isCurrent(folder, known, of.store, files);
    if (current && known?.until === until) return false;
    if (!current) for (const file of begun) file.place();
    const facts: Sidecar = {
      store: of.store,
      revision: head.revision,
      commit,
      asOf: of.asOf,
      until,
      files,
      version: of.version,
      auditHead: head.auditHead,
    };
    const sidecar = begin(workspace + SIDECAR);
    sidecar.write(Buffer.from(`${JSON.stringify(facts, null, 2)}\n`));
    sidecar.place();
    return !current;
  } finally {
    for (const file of begun) file.drop();
  }
}

function writeTable(file: WholeFile, layout: Layout, made: Made): FileFacts {
  const sum = createHash('sha256');
  let bytes = 0;
  const rows = made.write(layout, (piece) => {
    sum.update(piece);
    bytes += piece.length;
    file.write(piece);
  });
  return { sha256: sum.digest('hex'), rows, bytes };
}

/** Makes a folder (0700), and a file that marks it as unfinished; a new `.iam` also gets its .gitignore. */
function makeFolder(folder: string, mark: string): void {
  try {
    const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (let each = folder; made !== undefined && each.length >= made.length; each = path.dirname(each))
      if (path.basename(each) === '.iam')
        writeFileSync(path.join(each, '.gitignore'), '*\n', { mode: 0o600 });
    writeFileSync(mark, '', { mode: 0o600 });
  } catch (error) {
    throw failure(
      EXIT.error,
      'RC128',
      `${folder} cannot be written: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** Removes the snapshots of this store's workspaces that are gone; another store may share the folder. */
function removeGone(folder: string, store: string, workspaces: ReadonlySet<string>): string[] {
  const gone = readdirSync(folder)
    .filter((name) => name.endsWith(SIDECAR))
    .map((name) => name.slice(0, -SIDECAR.length))
    .filter((name) => !workspaces.has(name) && readSidecar(folder, name)?.store === store);
  for (const name of gone)
    for (const end of ['.users.csv', '.grants.csv', SIDECAR])
      rmSync(path.join(folder, name + end), { force: true });
  return gone;
}
