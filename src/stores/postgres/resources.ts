import { canonicalJson } from '../../core/hash.ts';
import type { Identity } from '../../core/resource.ts';
import type { KindName, Resource } from '../../kinds/index.ts';
import { foldCase } from '../../kinds/text.ts';
import { deliversSecrets } from '../sql/tokens.ts';
import type { WriteChange } from '../store.ts';
import { integerArray, textArray } from './arrays.ts';
import { type Found, independent, type Met } from './batching.ts';
import { insertEdges, replaceEdges } from './edges.ts';
import { insertMoments, replaceMoments } from './moments.ts';
import type { Row, Session } from './session.ts';

/** What one entry writes resources with. */
export interface Writing {
  readonly session: Session;
  readonly revision: number;
  readonly renames: ReadonlyMap<Identity, Identity>;
  /** Milliseconds. */
  readonly now: number;
  /** Gives the row of a new resource. Only the one writer may do so. */
  readonly newRow: () => number;
}

/** A change that was given its uid. */
export interface Placed extends Met {
  readonly uid: string;
}

/** What changes meet, in their order. Throws when one names something that is not there. */
export async function meet(session: Session, changes: readonly WriteChange[]): Promise<Met[]> {
  const uids = changes.flatMap(({ uid }) => (uid === null ? [] : [uid]));
  const found = new Map<string, Found>();
  if (uids.length > 0) {
    const { rows } = await session.query(
      'SELECT id, uid, kind, workspace, name, manager, body FROM resource WHERE uid = ANY ($1::text[])',
      [textArray(uids)],
      'resources',
    );
    for (const row of rows) found.set(String(row.uid), foundOf(row));
  }
  return changes.map((change) => {
    const { id, uid, after } = change;
    if (uid === null && !after) throw new Error(`${id} has neither a uid nor a state after`);
    if (uid !== null && !found.has(uid)) throw new Error(`${id}: the store has nothing with uid ${uid}`);
    return { change, found: uid === null ? undefined : found.get(uid) };
  });
}

function foundOf(row: Row): Found {
  return {
    row: Number(row.id),
    kind: row.kind as KindName,
    workspace: String(row.workspace),
    name: String(row.name),
    manager: String(row.manager),
    body: String(row.body),
  };
}

/** Writes changes that name no resource twice, with the meaning of one after the other. */
export async function writeResources(writing: Writing, chunk: readonly Placed[]): Promise<void> {
  for (const part of independent(chunk)) await writePart(writing, part as Placed[]);
}

interface NewState {
  readonly row: number;
  readonly uid: string;
  readonly resource: Resource;
  readonly body: string;
  readonly manager: string;
  readonly fieldManagers: string;
}

async function writePart(writing: Writing, part: readonly Placed[]): Promise<void> {
  const gone: number[] = [];
  const changed: NewState[] = [];
  const made: NewState[] = [];
  for (const { change, found, uid } of part) {
    const { after, manager, fieldManagers } = change;
    if (!after) {
      if (found) gone.push(found.row);
      continue;
    }
    const { body, resource } = after;
    const row = found?.row ?? writing.newRow();
    (found ? changed : made).push({
      row,
      uid,
      resource,
      body,
      manager,
      fieldManagers: canonicalJson(fieldManagers),
    });
  }
  await removeAll(writing.session, gone);
  await updateAll(writing, changed);
  await insertAll(writing, made);
}

async function removeAll(session: Session, rows: readonly number[]): Promise<void> {
  if (rows.length === 0) return;
  // Their edges go with them.
  await session.query('DELETE FROM resource WHERE id = ANY ($1::bigint[])', [integerArray(rows)], 'delete');
}

async function updateAll(writing: Writing, states: readonly NewState[]): Promise<void> {
  const { session, revision, renames, now } = writing;
  if (states.length === 0) return;
  await session.query(
    `UPDATE resource r SET workspace = n.workspace, name = n.name, manager = n.manager,
       field_managers = n.field_managers, body = n.body, email = n.email,
       delivers = n.delivers <> 0, revision = $9
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[])
       AS n (id, workspace, name, manager, field_managers, body, email, delivers)
     WHERE r.id = n.id`,
    [integerArray(states.map(({ row }) => row)), ...columns(states), revision],
    'update',
  );
  await replaceEdges(session, states, revision, renames);
  await replaceMoments(session, states, now);
}

async function insertAll({ session, revision, now }: Writing, states: readonly NewState[]): Promise<void> {
  if (states.length === 0) return;
  await session.query(
    `INSERT INTO resource (id, workspace, name, manager, field_managers, body, email, delivers, uid, kind, revision)
     SELECT id, workspace, name, manager, field_managers, body, email, delivers <> 0, uid, kind, $11::bigint
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
       $9::text[], $10::text[])
       AS n (id, workspace, name, manager, field_managers, body, email, delivers, uid, kind)`,
    [
      integerArray(states.map(({ row }) => row)),
      ...columns(states),
      textArray(states.map(({ uid }) => uid)),
      textArray(states.map(({ resource }) => resource.kind)),
      revision,
    ],
    'insert',
  );
  await insertEdges(session, states, revision);
  await insertMoments(session, states, now);
}

/** workspace, name, manager, field_managers, body, email and delivers. */
function columns(states: readonly NewState[]): Buffer[] {
  const column = (of: (state: NewState) => string | null) => textArray(states.map(of));
  return [
    column(({ resource }) => resource.metadata.namespace ?? ''),
    column(({ resource }) => resource.metadata.name),
    column(({ manager }) => manager),
    column(({ fieldManagers }) => fieldManagers),
    column(({ body }) => body),
    column(({ resource }) => (resource.kind === 'User' ? foldCase(resource.spec.email) : null)),
    integerArray(states.map(({ resource }) => Number(deliversSecrets(resource)))),
  ];
}
