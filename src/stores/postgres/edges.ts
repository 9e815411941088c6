import { edgeKey, edgesOf, type Identity } from '../../core/resource.ts';
import type { Resource } from '../../kinds/index.ts';
import { integerArray, textArray } from './arrays.ts';
import { parts } from './batching.ts';
import type { Row, Session } from './session.ts';

const BATCH = 5000;

/** A resource of a row, with the edges that it has from now on. */
export interface Holder {
  readonly row: number;
  readonly resource: Resource;
}

interface EdgeRow {
  readonly resource: number;
  readonly pointer: string;
  readonly target: string | null;
  readonly since: number;
}

/** Writes the edges of new resources. */
export async function insertEdges(
  session: Session,
  holders: readonly Holder[],
  revision: number,
): Promise<void> {
  const rows: EdgeRow[] = [];
  for (const { row, resource } of holders)
    for (const { pointer, target } of edgesOf(resource))
      rows.push({ resource: row, pointer, target, since: revision });
  await insertRows(session, rows);
}

/**
 * Makes the edges of resources those that they have now. What was there before keeps the revision that made it, also
 * when its target was renamed.
 */
export async function replaceEdges(
  session: Session,
  holders: readonly Holder[],
  revision: number,
  renames: ReadonlyMap<Identity, Identity>,
): Promise<void> {
  if (holders.length === 0) return;
  const { rows } = await session.query(
    'SELECT resource, pointer, target, since FROM edge WHERE resource = ANY ($1::bigint[])',
    [integerArray(holders.map(({ row }) => row))],
    'edges',
  );
  const before = Map.groupBy(rows.map(edgeRow), ({ resource }) => resource);
  const gone: EdgeRow[] = [];
  const made: EdgeRow[] = [];
  for (const holder of holders) {
    const change = changed(before.get(holder.row) ?? [], holder, revision, renames);
    gone.push(...change.gone);
    made.push(...change.made);
  }
  for (const part of parts(gone, BATCH))
    await session.query(
      `DELETE FROM edge e USING unnest($1::bigint[], $2::text[]) AS g (resource, pointer)
       WHERE e.resource = g.resource AND e.pointer = g.pointer`,
      [integerArray(part.map(({ resource }) => resource)), textArray(part.map(({ pointer }) => pointer))],
      'delete edges',
    );
  await insertRows(session, made);
}

function edgeRow(row: Row): EdgeRow {
  return {
    resource: Number(row.resource),
    pointer: String(row.pointer),
    target: row.target === null ? null : String(row.target),
    since: Number(row.since),
  };
}

/** Which edges of one resource go, and which come. */
function changed(
  before: readonly EdgeRow[],
  { row, resource }: Holder,
  revision: number,
  renames: ReadonlyMap<Identity, Identity>,
): { readonly gone: Iterable<EdgeRow>; readonly made: readonly EdgeRow[] } {
  const gone = new Map(
    before.map((edge) => [
      edgeKey(edge.pointer, edge.target === null ? null : (renames.get(edge.target) ?? edge.target)),
      edge,
    ]),
  );
  const made: EdgeRow[] = [];
  for (const { pointer, target } of edgesOf(resource)) {
    const key = edgeKey(pointer, target);
    const was = gone.get(key);
    if (was?.pointer === pointer && was.target === target) gone.delete(key);
    else made.push({ resource: row, pointer, target, since: was?.since ?? revision });
  }
  return { gone: gone.values(), made };
}

async function insertRows(session: Session, rows: readonly EdgeRow[]): Promise<void> {
  for (const part of parts(rows, BATCH))
    await session.query(
      `INSERT INTO edge (resource, pointer, target, since)
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])`,
      [
        integerArray(part.map(({ resource }) => resource)),
        textArray(part.map(({ pointer }) => pointer)),
        textArray(part.map(({ target }) => target)),
        integerArray(part.map(({ since }) => since)),
      ],
      'insert edges',
    );
}
