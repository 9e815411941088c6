import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Identity } from '../../core/resource.ts';
import type { Secret } from '../../core/secret.ts';
import type { Stored } from '../../core/stored.ts';
import type { KindName } from '../../kinds/index.ts';
import {
  auditOf,
  edgeOf,
  hashOf,
  momentOf,
  type Row,
  revisionOf,
  secretOf,
  storedReader,
  tallyOf,
} from '../sql/rows.ts';
import type { Reading, StoredEdge, Tally, Wanted } from '../store.ts';
import { guarded, type OpenedToRead } from './database.ts';

const RESOURCES = 'SELECT uid, kind, workspace, name, manager, field_managers, body FROM resource';
const AUDIT = 'SELECT * FROM audit';
// CROSS JOIN keeps SQLite from beginning with the edges, and sorting them afterwards.
const MOMENTS =
  'SELECT r.kind, r.workspace, r.name, m.pointer, m.type, m.at FROM moment m CROSS JOIN resource r ON r.id = m.resource';
// With OR in the place of UNION, SQLite would go through all secrets.
const SECRETS = `SELECT * FROM secret WHERE number IN (
  SELECT number FROM secret WHERE id IN (SELECT value FROM json_each(?))
  UNION SELECT number FROM secret WHERE token IN (SELECT value FROM json_each(?))`;
const UNSETTLED = ' UNION SELECT number FROM secret WHERE settled = 0';
const EDGES =
  'SELECT kind, workspace, name, pointer, since FROM resource CROSS JOIN edge ON edge.resource = resource.id';
// Global kinds have the workspace ''.
const OF_WORKSPACE =
  "WHERE (workspace = ? AND workspace <> '') OR (workspace = '' AND kind = 'Workspace' AND name = ?)";

/** A reading of an opened database, which it closes. */
export function sqliteReading(opened: OpenedToRead, file: string): Reading {
  const rows = <T>(sql: string, values: readonly SQLInputValue[], map: (row: Row) => T) =>
    batches(opened, file, sql, values, map);
  const inWorkspace = <T>(
    select: string,
    workspace: string | undefined,
    order: string,
    map: (row: Row) => T,
  ) =>
    workspace === undefined
      ? rows(`${select} ${order}`, [], map)
      : rows(`${select} ${OF_WORKSPACE} ${order}`, [workspace, workspace], map);
  return {
    head: opened.head,
    resources: ({ workspace } = {}) =>
      inWorkspace(RESOURCES, workspace, 'ORDER BY workspace, kind, name', storedReader()),
    async find(wanted) {
      return guarded(file, () => {
        try {
          return lookUp(opened.database, wanted);
        } finally {
          opened.check();
        }
      });
    },
    async tally() {
      const tallies: Tally[] = [];
      for await (const batch of rows('SELECT * FROM tally', [], tallyOf)) tallies.push(...batch);
      return tallies;
    },
    edges: (filter = {}) =>
      'ids' in filter
        ? edgesOf(opened, file, filter.ids)
        : inWorkspace(EDGES, filter.workspace, 'ORDER BY workspace, kind, name, pointer', edgeOf),
    revisions: () => rows('SELECT * FROM revision ORDER BY revision DESC', [], revisionOf),
    audit({ revision, after = -1, from = 0, uids } = {}) {
      if (uids)
        return rows(
          `${AUDIT} WHERE uid IN (SELECT value FROM json_each(?)) AND seq >= ? AND revision > ? AND (? IS NULL OR revision = ?) ORDER BY seq`,
          [JSON.stringify(uids), from, after, revision ?? null, revision ?? null],
          auditOf,
        );
      if (from > 0)
        return rows(
          `${AUDIT} WHERE seq >= ? AND revision > ? AND (? IS NULL OR revision = ?) ORDER BY seq`,
          [from, after, revision ?? null, revision ?? null],
          auditOf,
        );
      if (revision !== undefined)
        return rows(`${AUDIT} WHERE revision = ? AND revision > ? ORDER BY seq`, [revision, after], auditOf);
      // Rows of later revisions have later numbers: this order is that of seq, and needs no sorting.
      return after < 0
        ? rows(`${AUDIT} ORDER BY seq`, [], auditOf)
        : rows(`${AUDIT} WHERE revision > ? ORDER BY revision, seq`, [after], auditOf);
    },
    moments: ({ after, until, open } = {}) =>
      rows(
        `${MOMENTS} WHERE ${open ? 'm.passed = 0 AND ' : ''}m.at > ? AND m.at <= ? ORDER BY m.at, r.workspace, r.kind, r.name, m.pointer, m.type`,
        [after ?? Number.MIN_SAFE_INTEGER, until ?? Number.MAX_SAFE_INTEGER],
        momentOf,
      ),
    async secrets({ ids = [], tokens = [], unsettled = false }) {
      const found: Secret[] = [];
      const values = [JSON.stringify(ids), JSON.stringify(tokens)];
      const sql = unsettled ? SECRETS + UNSETTLED : SECRETS;
      for await (const batch of rows(`${sql}) ORDER BY number DESC`, values, secretOf)) found.push(...batch);
      return found;
    },
    async commitOf(manager) {
      const row = guarded(file, () =>
        opened.database.prepare('SELECT value FROM meta WHERE key = ?').get(`commit:${manager}`),
      );
      opened.check();
      return row ? String(row.value) : null;
    },
    async secretHash(id) {
      for await (const [hash] of rows('SELECT * FROM secret_hash WHERE id = ?', [id], hashOf)) return hash;
      return undefined;
    },
    async close() {
      opened.database.close();
    },
  };
}

async function* edgesOf(
  { database, check }: OpenedToRead,
  file: string,
  ids: readonly Identity[],
): AsyncGenerator<readonly StoredEdge[]> {
  const statement = guarded(file, () =>
    database.prepare(`${EDGES} WHERE workspace = ? AND kind = ? AND name = ? ORDER BY pointer`),
  );
  for (const id of new Set(ids)) {
    const edges = guarded(file, () => statement.all(...placeOf(id)).map(edgeOf));
    check();
    if (edges.length > 0) yield edges;
  }
}

/** One prepared look-up for each thing that is wanted: as fast as a join, and without a limit on their number. */
function lookUp(database: DatabaseSync, wanted: Wanted): Stored[] {
  const { ids = [], targets = [], emails = [], kinds = [], uids = [], delivers = false, page } = wanted;
  const toStored = storedReader();
  const found = new Map<Identity, Stored>();
  const add = (where: string, several: Iterable<readonly SQLInputValue[]>) => {
    const statement = database.prepare(`${RESOURCES} ${where}`);
    for (const values of several) {
      for (const row of statement.iterate(...values)) {
        const stored = toStored(row);
        found.set(stored.id, stored);
      }
    }
  };
  if (ids.length > 0) add('WHERE workspace = ? AND kind = ? AND name = ?', ids.map(placeOf));
  if (targets.length > 0)
    add(
      'WHERE id IN (SELECT resource FROM edge WHERE target = ?)',
      targets.map((target) => [target]),
    );
  if (emails.length > 0)
    add(
      'WHERE email = ?',
      emails.map((email) => [email]),
    );
  if (kinds.length > 0)
    add(
      'WHERE kind = ? AND workspace = ?',
      // The index begins with the workspace.
      kinds.flatMap((kind) => placesOf(database, kind).map((workspace) => [kind, workspace])),
    );
  if (uids.length > 0)
    add(
      'WHERE uid = ?',
      uids.map((uid) => [uid]),
    );
  if (delivers) add('WHERE delivers = 1', [[]]);
  if (page)
    add('WHERE workspace = ? AND kind = ? AND name > ? ORDER BY name LIMIT ?', [
      [page.workspace, page.kind, page.after, page.limit],
    ]);
  return [...found.values()];
}

/** The workspaces in which there is something of a kind; the empty one for a global kind. */
function placesOf(database: DatabaseSync, kind: KindName): string[] {
  const rows = database.prepare('SELECT DISTINCT workspace FROM tally WHERE kind = ?').all(kind);
  return rows.map(({ workspace }) => String(workspace));
}

function placeOf(id: Identity): [workspace: string, kind: string, name: string] {
  const [kind = '', workspace = '', name = ''] = id.split('/');
  return [workspace, kind, name];
}

const BATCH = 1000;

async function* batches<T>(
  { database, check }: OpenedToRead,
  file: string,
  sql: string,
  values: readonly SQLInputValue[],
  map: (row: Row) => T,
): AsyncGenerator<readonly T[]> {
  const rows = guarded(file, () => database.prepare(sql).iterate(...values));
  for (;;) {
    const batch: T[] = [];
    const ended = guarded(file, () => {
      try {
        while (batch.length < BATCH) {
          const next = rows.next();
          if (next.done) return true;
          batch.push(map(next.value));
        }
        return false;
      } finally {
        // A write in between is also the better reason when SQLite found the rows malformed.
        check();
      }
    });
    if (batch.length > 0) yield batch;
    if (ended) return;
  }
}
