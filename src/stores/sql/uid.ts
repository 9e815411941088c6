import { randomUUID } from 'node:crypto';

/**
 * Makes uids for what is created at a time in normal form: random UUIDs (version 7, RFC 9562) that sort in the order in
 * which they were made, so that the index of a million grows at its end.
 */
export function uidsFrom(at: string): () => string {
  const start = Date.parse(at);
  let count = 0;
  return () => {
    // 4,096 to the millisecond; more run ahead of the clock, as the RFC allows.
    const time = (start + Math.floor(count / 4096)).toString(16).padStart(12, '0');
    const order = (count % 4096).toString(16).padStart(3, '0');
    count += 1;
    return `${time.slice(0, 8)}-${time.slice(8)}-7${order}-${randomUUID().slice(19)}`;
  };
}
