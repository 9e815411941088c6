import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '../core/hash.ts';
import { EXIT, failure } from '../core/problem.ts';
import { GRANT_COLUMNS, USER_COLUMNS } from '../core/snapshot.ts';
import { readSnapshot } from '../engine/snapshot.ts';
import { formatTime } from '../kinds/time.ts';
import { csv } from '../render/csv.ts';
import type { Store } from '../stores/store.ts';
import type { Context } from './context.ts';
import { note, type Voice } from './report.ts';
import { programVersion } from './version-number.ts';
import { writeWhole } from './write-whole.ts';

interface Sidecar {
  /** The id of the store that it is of. */
  readonly store: string;
  readonly revision: number;
  readonly commit: string | null;
  readonly asOf: string;
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly rows: number }>>;
  readonly version: string;
  readonly auditHead: string | null;
}

const SIDECAR = '.snapshot.json';

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
  const at = context.now();
  const { head, workspaces, rows, commit } = await readSnapshot(store, at);
  // The mark is about the default folder; another one is always compared.
  if (head.store === null || (isDefault && head.snapshotRevision === head.revision && existsSync(folder)))
    return;
  try {
    makeFolder(folder);
  } catch (error) {
    throw failure(
      EXIT.error,
      'RC128',
      `${folder} cannot be made: ${error instanceof Error ? error.message : error}`,
    );
  }
  const written: string[] = [];
  for (const workspace of workspaces) {
    const layouts = {
      [`${workspace}.users.csv`]: { columns: USER_COLUMNS, rows: rows.users(workspace) },
      [`${workspace}.grants.csv`]: { columns: GRANT_COLUMNS, rows: rows.grants(workspace) },
    };
    const files: Record<string, { sha256: string; rows: number }> = {};
    const texts = new Map<string, string>();
    for (const [name, layout] of Object.entries(layouts)) {
      const text = [...csv<string>(layout.columns, layout.rows)].join('');
      texts.set(name, text);
      files[name] = { sha256: hashOf(text), rows: layout.rows.length };
    }
    const sidecar = path.join(folder, workspace + SIDECAR);
    if (isCurrent(sidecar, head.store, files)) continue;
    for (const [name, text] of texts) writeWhole(path.join(folder, name), text, 0o600);
    const facts: Sidecar = {
      store: head.store,
      revision: head.revision,
      commit,
      asOf: formatTime(at),
      files,
      version: programVersion(),
      auditHead: head.auditHead,
    };
    writeWhole(sidecar, `${JSON.stringify(facts, null, 2)}\n`, 0o600);
    written.push(workspace);
  }
  removeGone(folder, head.store, new Set(workspaces));
  if (isDefault) await store.write({ type: 'snapshot', revision: head.revision });
  if (written.length > 0)
    note(
      context,
      voice,
      `wrote the snapshot of ${written.length === 1 ? written[0] : `${written.length} workspaces`} to ${path.relative(context.cwd, folder) || '.'}`,
    );
}

/** Makes a folder (0700); a new `.iam` also gets its .gitignore. */
function makeFolder(folder: string): void {
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (made === undefined) return;
  for (let each = folder; each.length >= made.length; each = path.dirname(each))
    if (path.basename(each) === '.iam') writeFileSync(path.join(each, '.gitignore'), '*\n', { mode: 0o600 });
}

/** Whether the folder has these rows already: the files themselves, and a sidecar of this store that says so. */
function isCurrent(sidecar: string, store: string, files: Sidecar['files']): boolean {
  const facts = readSidecar(sidecar);
  return (
    facts?.store === store &&
    Object.entries(files).every(([name, { sha256: hash }]) => {
      const file = path.join(path.dirname(sidecar), name);
      return (
        facts.files?.[name]?.sha256 === hash &&
        existsSync(file) &&
        hashOf(readFileSync(file, 'utf8')) === hash
      );
    })
  );
}

function hashOf(text: string): string {
  return sha256(text).slice('sha256:'.length);
}

/** A sidecar that is not there, or cannot be read, is one to write again. */
function readSidecar(file: string): Partial<Sidecar> | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Sidecar>;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Removes the snapshots of this store's workspaces that are gone; another store may share the folder. */
function removeGone(folder: string, store: string, workspaces: ReadonlySet<string>): void {
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(SIDECAR) || workspaces.has(name.slice(0, -SIDECAR.length))) continue;
    if (readSidecar(path.join(folder, name))?.store !== store) continue;
    const gone = name.slice(0, -SIDECAR.length);
    for (const end of ['.users.csv', '.grants.csv', SIDECAR])
      rmSync(path.join(folder, gone + end), { force: true });
  }
}
