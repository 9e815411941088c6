import { type Moment, momentsOf } from '../../core/moment.ts';
import { integerArray, textArray } from './arrays.ts';
import { parts } from './batching.ts';
import type { Holder } from './edges.ts';
import type { Session } from './session.ts';

const BATCH = 5000;

interface MomentRow extends Moment {
  readonly resource: number;
}

function rowsOf(holders: readonly Holder[]): MomentRow[] {
  return holders.flatMap(({ row, resource }) =>
    momentsOf(resource).map((moment) => ({ resource: row, ...moment })),
  );
}

/** Writes the moments of new resources. What is past at `now` (milliseconds) needs no retiring: the change itself says so. */
export async function insertMoments(
  session: Session,
  holders: readonly Holder[],
  now: number,
): Promise<void> {
  await insertRows(session, rowsOf(holders), now);
}

/** Makes the moments of resources those that they have now. What stays as it was is retired once, not again. */
export async function replaceMoments(
  session: Session,
  holders: readonly Holder[],
  now: number,
): Promise<void> {
  const left = new Map(rowsOf(holders).map((moment) => [keyOf(moment), moment]));
  const { rows } = await session.query(
    'SELECT resource, pointer, type, at FROM moment WHERE resource = ANY ($1::bigint[])',
    [integerArray(holders.map(({ row }) => row))],
    'moments',
  );
  const gone = rows
    .map((row): MomentRow => {
      const type = row.type === 'begins' ? 'begins' : 'ends';
      return { resource: Number(row.resource), pointer: String(row.pointer), type, at: Number(row.at) };
    })
    .filter((moment) => !left.delete(keyOf(moment)));
  for (const part of parts(gone, BATCH))
    await session.query(
      `DELETE FROM moment m USING unnest($1::bigint[], $2::text[], $3::text[]) AS g (resource, pointer, type)
       WHERE (m.resource, m.pointer, m.type) = (g.resource, g.pointer, g.type)`,
      [
        integerArray(part.map(({ resource }) => resource)),
        textArray(part.map(({ pointer }) => pointer)),
        textArray(part.map(({ type }) => type)),
      ],
      'delete moments',
    );
  await insertRows(session, [...left.values()], now);
}

function keyOf({ resource, pointer, type, at }: MomentRow): string {
  return `${resource} ${type} ${at} ${pointer}`;
}

async function insertRows(session: Session, rows: readonly MomentRow[], now: number): Promise<void> {
  for (const part of parts(rows, BATCH))
    await session.query(
      `INSERT INTO moment (resource, pointer, type, at, passed)
       SELECT resource, pointer, type, at, at <= $5::bigint
       FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) AS n (resource, pointer, type, at)`,
      [
        integerArray(part.map(({ resource }) => resource)),
        textArray(part.map(({ pointer }) => pointer)),
        textArray(part.map(({ type }) => type)),
        integerArray(part.map(({ at }) => at)),
        now,
      ],
      'insert moments',
    );
}
