import type { DatabaseSync } from 'node:sqlite';
import type { Moment } from '../../core/moment.ts';
import { parseTime } from '../../kinds/time.ts';

/** Writes the moments of resources. What is past when it is written needs no retiring: the change itself says so. */
export function momentWriter(database: DatabaseSync, now: string) {
  const time = parseTime(now) ?? 0;
  const insert = database.prepare(
    'INSERT INTO moment (resource, pointer, type, at, passed) VALUES (?, ?, ?, ?, ?)',
  );
  const list = database.prepare('SELECT pointer, type, at FROM moment WHERE resource = ?');
  const remove = database.prepare('DELETE FROM moment WHERE resource = ? AND pointer = ? AND type = ?');
  const add = (id: number, { pointer, type, at }: Moment) =>
    insert.run(id, pointer, type, at, Number(at <= time));
  return {
    insert(id: number, moments: readonly Moment[]) {
      for (const moment of moments) add(id, moment);
    },
    /** What stays as it was is retired once, not again. */
    replace(id: number, moments: readonly Moment[]) {
      const left = new Map(moments.map((moment) => [keyOf(moment), moment]));
      for (const row of list.all(id)) {
        const [pointer, type] = [String(row.pointer), String(row.type)];
        if (!left.delete(`${type} ${row.at} ${pointer}`)) remove.run(id, pointer, type);
      }
      for (const moment of left.values()) add(id, moment);
    },
  };
}

function keyOf({ pointer, type, at }: Moment): string {
  return `${type} ${at} ${pointer}`;
}
