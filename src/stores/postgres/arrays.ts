/**
 * Arrays in the binary form of the protocol, one for each column of many rows: nothing is escaped, nothing is parsed.
 *
 * The statement must say the type, such as `$1::text[]`.
 */
export function textArray(values: readonly (string | null)[]): Buffer {
  let size = 0;
  for (const value of values) size += 4 + (value === null ? 0 : Buffer.byteLength(value));
  const buffer = header(values.length, TEXT, size);
  let at = HEADER;
  for (const value of values) {
    const written = value === null ? -1 : buffer.write(value, at + 4);
    buffer.writeInt32BE(written, at);
    at += 4 + Math.max(written, 0);
  }
  return buffer;
}

/** As `bigint[]`. */
export function integerArray(values: readonly number[]): Buffer {
  const buffer = header(values.length, BIGINT, values.length * 12);
  let at = HEADER;
  for (const value of values) {
    buffer.writeInt32BE(8, at);
    buffer.writeBigInt64BE(BigInt(value), at + 4);
    at += 12;
  }
  return buffer;
}

const TEXT = 25;
const BIGINT = 20;
const HEADER = 20;

function header(length: number, type: number, size: number): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER + size);
  // One dimension, that may hold nulls, from 1 on.
  for (const [i, value] of [1, 1, type, length, 1].entries()) buffer.writeInt32BE(value, i * 4);
  return buffer;
}
