import { compareText } from '../core/problem.ts';
import type { Layout } from '../core/snapshot.ts';

/** Whose a row is: what rows are sorted by first. */
export interface RowKey {
  readonly email: string;
  readonly kind: string;
  readonly name: string;
}

export interface PatchedTable {
  /** One after the other they are the table. */
  readonly parts: readonly Uint8Array[];
  /** How many rows are more than there were. */
  readonly more: number;
}

/**
 * Puts rows in the place of all those that `keys` have in a table that `iam` has written, where the order wants them;
 * rows of others than `keys` are not looked at. Undefined when it cannot be told where that is.
 */
export function patchTable(
  table: Buffer,
  layout: Layout,
  workspace: string,
  keys: readonly RowKey[],
  rows: Iterable<string>,
): PatchedTable | undefined {
  const wanted = new Map(keys.map((key) => [showKey(key), { key, rows: [] as string[] }]));
  for (const row of rows) {
    const key = readKey(Buffer.from(row), 0, layout);
    if (!key) return undefined;
    wanted.get(showKey(key))?.rows.push(row);
  }
  const start = Buffer.from(`\r\n"${workspace}","`);
  const nextRow = (from: number) => {
    const found = table.indexOf(start, from - 2);
    return found < 0 ? table.length : found + 2;
  };
  const parts: Uint8Array[] = [];
  let more = 0;
  let done = 0;
  let from = nextRow(2);
  for (const one of [...wanted.values()].sort((a, b) => compareKeys(a.key, b.key))) {
    const place = findPlace(table, layout, one.key, from, nextRow);
    if (place === undefined) return undefined;
    let end = place;
    for (; end < table.length; more--) {
      const key = readKey(table, end, layout);
      if (!key) return undefined;
      if (compareKeys(key, one.key) !== 0) break;
      end = nextRow(end + 1);
    }
    parts.push(table.subarray(done, place), Buffer.from(one.rows.join('')));
    more += one.rows.length;
    done = end;
    from = end;
  }
  parts.push(table.subarray(done));
  return { parts, more };
}

/** Where the first row begins that is not before a key, looked for from the row at `from` on. */
function findPlace(
  table: Buffer,
  layout: Layout,
  wanted: RowKey,
  from: number,
  nextRow: (from: number) => number,
): number | undefined {
  let [low, high] = [from, table.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = nextRow(middle);
    if (row >= high) {
      high = middle;
      continue;
    }
    const key = readKey(table, row, layout);
    if (!key) return undefined;
    if (compareKeys(key, wanted) < 0) low = nextRow(row + 1);
    else high = row;
  }
  return low;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
/** How many cells a key is made of. */
const CELLS = { users: 3, grants: 4 } as const satisfies Record<Layout, number>;

/** The key of the row that begins at an offset; undefined where a cell may not say what was put in. */
function readKey(table: Buffer, offset: number, layout: Layout): RowKey | undefined {
  const cells: string[] = [];
  for (let at = offset; cells.length < CELLS[layout]; ) {
    const end = table.indexOf(QUOTE, at + 1);
    if (table[at] !== QUOTE || table[end + 1] !== COMMA) return undefined;
    cells.push(table.toString('utf8', at + 1, end));
    at = end + 2;
  }
  const [, second = '', third = '', fourth = ''] = cells;
  const [kind, name, email] = layout === 'users' ? ['User', second, third] : [second, third, fourth];
  // An apostrophe may be his own or that of a safe cell.
  return /^'|; '/.test(email) ? undefined : { email, kind, name };
}

function compareKeys(a: RowKey, b: RowKey): number {
  return compareText(a.email, b.email) || compareText(a.kind, b.kind) || compareText(a.name, b.name);
}

function showKey({ email, kind, name }: RowKey): string {
  return `${email} ${kind}/${name}`;
}
