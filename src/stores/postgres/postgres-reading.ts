import type { Identity } from '../../core/resource.ts';
import type { Stored } from '../../core/stored.ts';
import {
  auditOf,
  edgeOf,
  hashOf,
  momentOf,
  revisionOf,
  secretOf,
  storedReader,
  tallyOf,
} from '../sql/rows.ts';
import type { Head, Reading, Wanted } from '../store.ts';
import { textArray } from './arrays.ts';
import type { Row, Session, Value } from './session.ts';

const BATCH = 1000;

const COLUMNS = 'r.uid, r.kind, r.workspace, r.name, r.manager, r.field_managers, r.body';
const RESOURCES = `SELECT ${COLUMNS} FROM resource r`;
const EDGES =
  'SELECT r.kind, r.workspace, r.name, e.pointer, e.since FROM resource r JOIN edge e ON e.resource = r.id';
const MOMENTS =
  'SELECT r.kind, r.workspace, r.name, m.pointer, m.type, m.at FROM moment m JOIN resource r ON r.id = m.resource';
// Global kinds have the workspace ''.
const OF_WORKSPACE =
  "WHERE (r.workspace = $1 AND r.workspace <> '') OR (r.workspace = '' AND r.kind = 'Workspace' AND r.name = $1)";
/** Narrows to identities. */
const AMONG =
  'JOIN unnest($1::text[], $2::text[], $3::text[]) AS w (workspace, kind, name) ON (r.workspace, r.kind, r.name) = (w.workspace, w.kind, w.name)';

/** A reading in the transaction that `session` has begun, and which it ends. */
export function postgresReading(session: Session, head: Head): Reading {
  let cursors = 0;
  const rows = <T>(sql: string, values: readonly Value[], map: (row: Row) => T) =>
    batches(session, () => `batch_${cursors++}`, sql, values, map);
  const inWorkspace = <T>(
    select: string,
    workspace: string | undefined,
    order: string,
    map: (row: Row) => T,
  ) =>
    workspace === undefined
      ? rows(`${select} ${order}`, [], map)
      : rows(`${select} ${OF_WORKSPACE} ${order}`, [workspace], map);
  return {
    head,
    resources: ({ workspace } = {}) =>
      inWorkspace(RESOURCES, workspace, 'ORDER BY r.workspace, r.kind, r.name', storedReader()),
    async find(wanted) {
      try {
        return await lookUp(session, wanted);
      } catch (error) {
        throw session.fail(error);
      }
    },
    async tally() {
      const tallies = [];
      for await (const batch of rows('SELECT * FROM tally', [], tallyOf)) tallies.push(...batch);
      return tallies;
    },
    edges: (filter = {}) =>
      'ids' in filter
        ? rows(
            `${EDGES} ${AMONG} ORDER BY r.workspace, r.kind, r.name, e.pointer`,
            places(filter.ids),
            edgeOf,
          )
        : inWorkspace(EDGES, filter.workspace, 'ORDER BY r.workspace, r.kind, r.name, e.pointer', edgeOf),
    revisions: () => rows('SELECT * FROM revision ORDER BY revision DESC', [], revisionOf),
    audit({ revision, after = -1, from = 0, uids } = {}) {
      const values: Value[] = [after, from];
      let of = '';
      if (revision !== undefined) of += ` AND revision = $${values.push(revision)}`;
      if (uids) of += ` AND uid = ANY ($${values.push(textArray(uids))}::text[])`;
      // Rows of later revisions have later numbers: both orders are the same, and each index has one of them.
      const order = after < 0 && revision === undefined ? 'seq' : 'revision, seq';
      return rows(
        `SELECT * FROM audit WHERE revision > $1 AND seq >= $2${of} ORDER BY ${order}`,
        values,
        auditOf,
      );
    },
    moments: ({ after = Number.MIN_SAFE_INTEGER, until = Number.MAX_SAFE_INTEGER, open } = {}) =>
      rows(
        `${MOMENTS} WHERE ${open ? 'NOT m.passed AND ' : ''}m.at > $1 AND m.at <= $2 ORDER BY m.at, r.workspace, r.kind, r.name, m.pointer, m.type`,
        [after, until],
        momentOf,
      ),
    async secrets({ ids = [], tokens = [], unsettled = false }) {
      const where = `id = ANY ($1::text[]) OR token = ANY ($2::text[])${unsettled ? ' OR NOT settled' : ''}`;
      const found = [];
      const sql = `SELECT * FROM secret WHERE ${where} ORDER BY number DESC`;
      for await (const batch of rows(sql, [textArray(ids), textArray(tokens)], secretOf))
        found.push(...batch);
      return found;
    },
    async commitOf(manager) {
      for await (const [commit] of rows(
        'SELECT value FROM meta WHERE key = $1',
        [`commit:${manager}`],
        (row) => String(row.value),
      ))
        if (commit !== undefined) return commit;
      return null;
    },
    async secretHash(id) {
      try {
        const { rows } = await session.query('SELECT key_id, hash FROM secret_hash WHERE id = $1', [id]);
        return rows.map(hashOf)[0];
      } catch (error) {
        throw session.failAs('read the hashes of secrets', 'writer', error);
      }
    },
    close: () => session.close(),
  };
}

/** One query for each way of asking, however many are wanted. */
async function lookUp(session: Session, wanted: Wanted): Promise<Stored[]> {
  const { ids = [], targets = [], emails = [], kinds = [], uids = [], delivers = false, page } = wanted;
  const toStored = storedReader();
  const found = new Map<Identity, Stored>();
  const add = async (rest: string, values: readonly Value[]) => {
    for (const row of (await session.query(`${RESOURCES} ${rest}`, values)).rows) {
      const stored = toStored(row);
      found.set(stored.id, stored);
    }
  };
  if (ids.length > 0) await add(AMONG, places(ids));
  if (targets.length > 0)
    await add('WHERE r.id IN (SELECT resource FROM edge WHERE target = ANY ($1::text[]))', [
      textArray(targets),
    ]);
  if (emails.length > 0) await add('WHERE r.email = ANY ($1::text[])', [textArray(emails)]);
  if (kinds.length > 0) await add('WHERE r.kind = ANY ($1::text[])', [textArray(kinds)]);
  if (uids.length > 0) await add('WHERE r.uid = ANY ($1::text[])', [textArray(uids)]);
  if (delivers) await add('WHERE r.delivers', []);
  if (page)
    await add('WHERE r.workspace = $1 AND r.kind = $2 AND r.name > $3 ORDER BY r.name LIMIT $4', [
      page.workspace,
      page.kind,
      page.after,
      page.limit,
    ]);
  return [...found.values()];
}

/** The values of AMONG. */
function places(ids: readonly Identity[]): Buffer[] {
  const parts = [...new Set(ids)].map((id) => id.split('/'));
  return [1, 0, 2].map((at) => textArray(parts.map((part) => part[at] ?? '')));
}

/**
 * Reads by a cursor, so that neither side ever has more than a batch. Only the server's word that there is no more ends
 * it; all else throws.
 */
async function* batches<T>(
  session: Session,
  newName: () => string,
  sql: string,
  values: readonly Value[],
  map: (row: Row) => T,
): AsyncGenerator<readonly T[]> {
  const cursor = newName();
  try {
    await session.query(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${sql}`, values);
    for (;;) {
      const { rows } = await session.query(`FETCH ${BATCH} FROM ${cursor}`);
      if (rows.length > 0) yield rows.map(map);
      if (rows.length < BATCH) break;
    }
  } catch (error) {
    throw session.fail(error);
  } finally {
    await session.query(`CLOSE ${cursor}`).catch(() => {});
  }
}
