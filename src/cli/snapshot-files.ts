import { createHash, hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';
import { identity } from '../core/resource.ts';
import { COLUMNS, type Layout, type WorkspaceSnapshot } from '../core/snapshot.ts';
import { type Affected, affectedBy } from '../engine/affected.ts';
import { readSnapshot, type StoreSnapshot } from '../engine/snapshot.ts';
import { type Touched, touchedSince } from '../engine/touched.ts';
import type { Resource } from '../kinds/index.ts';
import { formatTime, parseTime } from '../kinds/time.ts';
import { CSV, csvHeader } from '../render/csv.ts';
import type { Head, Reading, Store } from '../stores/store.ts';
import type { Context } from './context.ts';
import { type PatchedTable, patchTable, type RowKey } from './patch-table.ts';
import { Pieces } from './pieces.ts';
import { note, type Voice } from './report.ts';
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
import { programVersion } from './version-number.ts';
import { beginWhole, isLeftOver, isTemporary, temporaryName, type WholeFile } from './whole-file.ts';

/** How often others may have applied something while the snapshot was written, before it is left to them. */
const TRIES = 10;

/**
 * Writes both layouts and the sidecar of every workspace whose rows differ from what the folder has, when the store
 * is at a revision whose snapshot was not written yet; removes those of workspaces that are gone.
 *
 * The store remembers the revision at the end, so that what a crash leaves behind is written by the next apply.
 */
export async function writeSnapshots(
  context: Context,
  voice: Voice,
  store: Store,
  folder: string,
  isDefault: boolean,
): Promise<void> {
  const written = new Set<string>();
  // Somebody may have applied something meanwhile, and written newer rows that ours then took the place of.
  for (let tries = 0; tries < TRIES; tries++)
    if (await writeOnce(context, store, folder, isDefault, tries > 0, written)) break;
  if (written.size > 0)
    note(
      context,
      voice,
      `wrote the snapshot of ${written.size === 1 ? [...written][0] : `${written.size} workspaces`} to ${path.relative(context.cwd, folder) || '.'}`,
    );
}

/** Returns whether the store is still at the revision of what was written. */
async function writeOnce(
  context: Context,
  store: Store,
  folder: string,
  isDefault: boolean,
  again: boolean,
  written: Set<string>,
): Promise<boolean> {
  const at = context.now();
  const reading = await store.read();
  let mark: string;
  const { head } = reading;
  try {
    if (head.store === null) return true;
    const unfinished = unfinishedIn(folder);
    // The store's mark is about the default folder; another one is always looked at.
    const isMarked = isDefault && head.snapshotRevision === head.revision && existsSync(folder);
    if (isMarked && unfinished.length === 0 && !again) return true;
    mark = path.join(folder, temporaryName('snapshot'));
    makeFolder(folder, mark);
    const snapshot = await readSnapshot(reading, { at, form: CSV });
    const { workspaces } = snapshot;
    const known =
      unfinished.length > 0 || again ? undefined : await knownIn(folder, reading, head.store, workspaces);
    for (const workspace of workspaces) {
      const facts = readSidecar(folder, workspace);
      const looksRight = known && facts?.store === head.store && looksFresh(folder, workspace, facts, at);
      if (looksRight && !known.workspaces.has(workspace)) continue;
      const made =
        (looksRight && (await patched(folder, reading, snapshot, workspace, facts, known.bodies))) ||
        whole(await snapshot.of(workspace));
      if (writeWorkspace(folder, snapshot, workspace, head.store, at, made)) written.add(workspace);
    }
    removeGone(folder, head.store, new Set(workspaces));
    for (const name of unfinished) if (isLeftOver(name)) rmSync(path.join(folder, name), { force: true });
  } finally {
    await reading.close();
  }
  const { revision } = isDefault
    ? (await store.write({ type: 'snapshot', revision: head.revision })).head
    : await headOf(store);
  if (revision !== head.revision) return false;
  rmSync(mark, { force: true });
  return true;
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

function whole(rows: WorkspaceSnapshot): Made {
  return {
    until: rows.until,
    write(layout, to) {
      const pieces = new Pieces((text) => to(Buffer.from(text)));
      let count = 0;
      pieces.add(csvHeader(COLUMNS[layout]));
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
    until: Math.min(rows.until, facts.until ? (parseTime(facts.until) ?? -Infinity) : Infinity),
    write(layout, to) {
      const { parts = [], more = 0 } = tables.get(layout) ?? {};
      for (const part of parts) to(part);
      return (facts.files?.[fileOf(workspace, layout)]?.rows ?? 0) + more;
    },
  };
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
  store: string,
  at: number,
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
    const current = isCurrent(folder, known, store, files);
    if (current && known?.until === until) return false;
    if (!current) for (const file of begun) file.place();
    const facts: Sidecar = {
      store,
      revision: head.revision,
      commit,
      asOf: formatTime(at),
      until,
      files,
      version: programVersion(),
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
function removeGone(folder: string, store: string, workspaces: ReadonlySet<string>): void {
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(SIDECAR) || workspaces.has(name.slice(0, -SIDECAR.length))) continue;
    const gone = name.slice(0, -SIDECAR.length);
    if (readSidecar(folder, gone)?.store !== store) continue;
    for (const end of ['.users.csv', '.grants.csv', SIDECAR])
      rmSync(path.join(folder, gone + end), { force: true });
  }
}
