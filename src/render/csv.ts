import type { RowForm } from '../core/snapshot.ts';

/** A first character, after white space, that makes a spreadsheet read a cell as a formula; full-width forms too. */
const FORMULA = /^(\s*)([=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])/;

/** A cell that can be written as it is: no quote, and no part whose first character could be a danger. */
const PLAIN = /^(?![\s=+\-@\uff1d\uff0b\uff0d\uff20])(?:[^";]|;(?! [\s=+\-@\uff1d\uff0b\uff0d\uff20]))*$/;

/** A cell that no spreadsheet runs: an apostrophe before what would begin a formula, in each part that "; " joins. */
export function safeCell(value: string): string {
  return value
    .split('; ')
    .map((part) => (/^[\t\r\n]/.test(part) ? `'${part}` : part.replace(FORMULA, "$1'$2")))
    .join('; ');
}

/** CSV (RFC 4180): every cell quoted and safe, CRLF at each end. */
export const CSV: RowForm = {
  cells(values) {
    let text = '';
    for (const value of values) text += `${text === '' ? '"' : ',"'}${inQuotes(value)}"`;
    return text;
  },
  between: ',',
  end: '\r\n',
};

function inQuotes(value: string): string {
  return PLAIN.test(value) ? value : safeCell(value).replaceAll('"', '""');
}

/**
 * Rows as CSV: a header, then each row. In pieces, so that large tables need not be held.
 */
export function* csv<Column extends string>(
  columns: readonly Column[],
  rows: Iterable<Readonly<Record<Column, string>>>,
): Generator<string> {
  yield csvHeader(columns);
  for (const row of rows) yield CSV.cells(columns.map((column) => row[column])) + CSV.end;
}

export function csvHeader(columns: readonly string[]): string {
  return CSV.cells(columns) + CSV.end;
}
