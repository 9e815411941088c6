import { randomUUID } from 'node:crypto';
import { EXIT, type Failure, failure } from '../../core/problem.ts';
import type { Head } from '../store.ts';
import { codeOf } from './failures.ts';
import { grantsTo, ROLES } from './grants.ts';
import { MIGRATIONS } from './migrations.ts';
import type { Session } from './session.ts';
import type { Place } from './url.ts';

/** The comment of the table of migrations: marks the schema as ours. */
const MARK = 'A store of Rolecall';

/** The number of migrations that the schema has; 0 where there is no store. Refuses what is not ours or too new. */
export async function schemaVersion(session: Session, place: Place): Promise<number> {
  const { rows } = await session.query(
    `SELECT c.relname AS name, obj_description(c.oid, 'pg_class') AS mark
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
     ORDER BY c.relname <> 'migration' LIMIT 1`,
    [place.schema],
  );
  const [first] = rows;
  if (!first) return 0;
  if (first.name !== 'migration' || first.mark !== MARK)
    throw notOurs(
      place,
      'has other tables, and is no store of Rolecall',
      'a store has a schema of its own: ?schema=NAME',
    );
  const { rows: migrations } = await session.query(
    // By its whole name: a search_path passes over what the role may not use.
    `SELECT version, checksum FROM "${place.schema}".migration ORDER BY version`,
    [],
  );
  if (migrations.length === 0) throw notOurs(place, 'has lost the list of its migrations');
  for (const [index, row] of migrations.entries()) {
    const migration = MIGRATIONS[index];
    if (!migration) throw notOurs(place, 'was made by a newer version of iam');
    if (Number(row.version) !== index + 1 || row.checksum !== migration.checksum)
      throw notOurs(place, `has another migration ${index + 1} than this version of iam`);
  }
  return migrations.length;
}

export function tooOld(place: Place): Failure {
  return notOurs(place, 'was made by an older version of iam', 'the next apply brings it up to date');
}

function notOurs(
  { location, schema }: Place,
  what: string,
  hint = 'give another --store, or use the version of iam that made it',
): Failure {
  return failure(EXIT.error, 'RC403', `${location}: schema ${schema} ${what}`, hint);
}

/** Brings the schema from `version` up to date inside of the caller's transaction. */
export async function migrate(session: Session, place: Place, version: number): Promise<void> {
  if (version === MIGRATIONS.length) return;
  try {
    if (version === 0) await create(session, place);
    for (const [index, { name, checksum, sql }] of MIGRATIONS.entries()) {
      if (index < version) continue;
      await session.query(sql);
      await session.query('INSERT INTO migration (version, name, checksum) VALUES ($1, $2, $3)', [
        index + 1,
        name,
        checksum,
      ]);
    }
    if (version === 0)
      await session.query("INSERT INTO meta (key, value) VALUES ('store', $1)", [randomUUID()]);
    await grant(session, place);
  } catch (error) {
    if (codeOf(error) !== '42501') throw error;
    const what = version === 0 ? 'create the store' : 'bring the store up to date';
    throw failure(
      EXIT.error,
      'RC403',
      `${place.location}: role ${session.user} may not ${what} in schema ${place.schema}`,
      `apply once as ${place.schema}_migrator (docs/stores.md)`,
    );
  }
}

async function create(session: Session, { schema }: Place): Promise<void> {
  const { rows } = await session.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  // IF NOT EXISTS asks for the right to create schemas also where there is one.
  if (rows.length === 0) await session.query(`CREATE SCHEMA "${schema}"`);
  await session.query(
    `CREATE TABLE migration (version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL);
     COMMENT ON TABLE migration IS '${MARK}'`,
  );
}

/** Gives the roles of this schema what they may, those that there are. */
async function grant(session: Session, { schema }: Place): Promise<void> {
  for (const role of ROLES) {
    const name = `${schema}_${role}`;
    const { rows } = await session.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name]);
    if (rows.length > 0) await session.query(grantsTo(role, schema));
  }
}

export async function readHead(session: Session): Promise<Head> {
  const { rows } = await session.query(
    `SELECT (SELECT value FROM meta WHERE key = 'store') AS store,
       (SELECT value FROM meta WHERE key = 'snapshot') AS snapshot,
       (SELECT max(revision) FROM revision) AS revision,
       (SELECT seq || ':' || hash FROM audit ORDER BY seq DESC LIMIT 1) AS audit`,
    [],
  );
  const [head] = rows;
  return {
    store: head?.store ? String(head.store) : null,
    revision: Number(head?.revision ?? 0),
    auditHead: head?.audit ? String(head.audit) : null,
    snapshotRevision: Number(head?.snapshot ?? 0),
  };
}
