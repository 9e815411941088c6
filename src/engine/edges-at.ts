import type { AuditRow } from '../core/audit.ts';
import {
  type Edge,
  edgeKey,
  edgesOf,
  fromManifest,
  type Identity,
  identityOf,
  type Manifest,
} from '../core/resource.ts';
import type { Reading } from '../stores/store.ts';
import { isChange, type PastState } from './state-at.ts';

/** The revision that made each edge, by identity and pointer. */
export type EdgeRevisions = ReadonlyMap<Identity, ReadonlyMap<string, number>>;

/**
 * The revision that had made each edge of a past state: of what has not changed since, as the store has it; of all
 * else from the audit, told as a store writes it (an edge stays the same one when its target is renamed).
 *
 * Of a resource with a redacted row nothing is known.
 */
export async function edgesAt(reading: Reading, revision: number, past: PastState): Promise<EdgeRevisions> {
  const same = new Set<Identity>();
  const wanted = new Map<string, Identity>();
  for (const { uid, id } of past.resources) {
    if (past.changed.has(uid)) wanted.set(uid, id);
    else same.add(id);
  }
  const edges = new Map<Identity, Map<string, number>>();
  for await (const batch of reading.edges()) {
    for (const { id, pointer, since } of batch) {
      if (!same.has(id)) continue;
      const known = edges.get(id);
      if (known) known.set(pointer, since);
      else edges.set(id, new Map([[pointer, since]]));
    }
  }
  if (wanted.size === 0) return edges;
  const made = new Map<string, Made>();
  for await (const rows of revisionsOf(reading, revision)) {
    const renames = renamesOf(rows);
    for (const row of rows)
      if (row.uid !== null && wanted.has(row.uid)) made.set(row.uid, next(made.get(row.uid), row, renames));
  }
  for (const [uid, id] of wanted) {
    const known = made.get(uid);
    if (known && known !== 'unknown')
      edges.set(id, new Map(known.map(({ pointer, since }) => [pointer, since])));
  }
  return edges;
}

/** The edges of one resource so far. */
type Made = readonly (Edge & { readonly since: number })[] | 'unknown';

/** Rows of changes, of one revision after the other, up to the last one wanted. */
async function* revisionsOf(reading: Reading, last: number): AsyncGenerator<AuditRow[]> {
  let rows: AuditRow[] = [];
  for await (const batch of reading.audit()) {
    for (const row of batch) {
      if (rows[0] && rows[0].revision !== row.revision) {
        yield rows;
        rows = [];
      }
      if (row.revision > last) return;
      if (isChange(row)) rows.push(row);
    }
  }
  yield rows;
}

function renamesOf(rows: readonly AuditRow[]): ReadonlyMap<Identity, Identity> {
  const renames = new Map<Identity, Identity>();
  for (const { before, identity } of rows) {
    const was = before === null ? identity : identityOf(resourceOf(before));
    if (was !== null && identity !== null && was !== identity) renames.set(was, identity);
  }
  return renames;
}

function next(was: Made | undefined, row: AuditRow, renames: ReadonlyMap<Identity, Identity>): Made {
  if (was === 'unknown' || row.after === null) return 'unknown';
  const known = new Map(
    (was ?? []).map(({ pointer, target, since }) => [
      edgeKey(pointer, target === null ? null : (renames.get(target) ?? target)),
      since,
    ]),
  );
  return edgesOf(resourceOf(row.after)).map((edge) => ({
    ...edge,
    since: known.get(edgeKey(edge.pointer, edge.target)) ?? row.revision,
  }));
}

function resourceOf(body: string) {
  return fromManifest(JSON.parse(body) as Manifest);
}
