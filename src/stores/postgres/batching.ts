import { type Identity, identity, identityOf } from '../../core/resource.ts';
import type { KindName } from '../../kinds/index.ts';
import type { WriteChange } from '../store.ts';

/** What is there of a resource before a change. */
export interface Found {
  /** Its row. */
  readonly row: number;
  readonly kind: KindName;
  readonly workspace: string;
  readonly name: string;
  readonly manager: string;
  readonly body: string;
}

/** A change and what it meets. */
export interface Met {
  readonly change: WriteChange;
  /** Undefined for a create. */
  readonly found: Found | undefined;
}

/** How much is written at a time: changes, and UTF-16 units of their bodies. */
export interface BatchSize {
  readonly changes: number;
  readonly text: number;
}

/** Changes in their order, in parts that name no resource twice: what they meet can be looked up together. */
export function* chunks(changes: Iterable<WriteChange>, size: BatchSize): Generator<WriteChange[]> {
  let chunk: WriteChange[] = [];
  let uids = new Set<string>();
  let text = 0;
  for (const change of changes) {
    if (chunk.length >= size.changes || text >= size.text || (change.uid !== null && uids.has(change.uid))) {
      yield chunk;
      chunk = [];
      uids = new Set();
      text = 0;
    }
    chunk.push(change);
    if (change.uid !== null) uids.add(change.uid);
    text += change.after?.body.length ?? 0;
  }
  if (chunk.length > 0) yield chunk;
}

/**
 * Cuts a chunk into parts whose changes may be written in any order: none gives away a name that another one takes.
 * Whether a name is taken at the moment of its change then does not depend on the others of its part.
 */
export function* independent(chunk: readonly Met[]): Generator<Met[]> {
  let part: Met[] = [];
  let taken = new Set<Identity>();
  let given = new Set<Identity>();
  for (const met of chunk) {
    const { before, after } = names(met);
    const moves = before !== after;
    if (moves && ((after !== undefined && given.has(after)) || (before !== undefined && taken.has(before)))) {
      yield part;
      part = [];
      taken = new Set();
      given = new Set();
    }
    part.push(met);
    if (moves && after !== undefined) taken.add(after);
    if (moves && before !== undefined) given.add(before);
  }
  if (part.length > 0) yield part;
}

function names({ change, found }: Met): { before: Identity | undefined; after: Identity | undefined } {
  return {
    before: found && identity(found.kind, found.workspace === '' ? undefined : found.workspace, found.name),
    after: change.after ? identityOf(change.after.resource) : undefined,
  };
}

/** Parts of at most `size`. */
export function* parts<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}
