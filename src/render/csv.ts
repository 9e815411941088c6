/** A first character, after white space, that makes a spreadsheet read a cell as a formula; full-width forms too. */
const FORMULA = /^(\s*)([=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])/;

/** A cell that no spreadsheet runs: an apostrophe before what would begin a formula, in each part that "; " joins. */
export function safeCell(value: string): string {
  return value
    .split('; ')
    .map((part) => (/^[\t\r\n]/.test(part) ? `'${part}` : part.replace(FORMULA, "$1'$2")))
    .join('; ');
}

/**
 * Rows as CSV (RFC 4180): a header, every field quoted, CRLF, UTF-8. In pieces, so that large tables need not be held.
 */
export function* csv<Column extends string>(
  columns: readonly Column[],
  rows: Iterable<Readonly<Record<Column, string>>>,
): Generator<string> {
  yield `${columns.map(quote).join(',')}\r\n`;
  for (const row of rows) yield `${columns.map((column) => quote(safeCell(row[column]))).join(',')}\r\n`;
}

function quote(value: string): string {
  return `"${value.replaceAll('"', '""')}"`;
}
