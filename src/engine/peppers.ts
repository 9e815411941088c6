import { EXIT, Failure, type Problem } from '../core/problem.ts';

/** A key that secrets are hashed with. */
export interface Pepper {
  /** Kept beside each hash, so that it is known which key it is of. */
  readonly id: string;
  /** At least 32 bytes. Must be neither shown nor stored beside the hashes. */
  readonly key: Uint8Array;
}

export interface Peppers {
  /** What is issued from now on is hashed with it. */
  readonly current: Pepper;
  /** The current one too. */
  find(id: string): Pepper | undefined;
}

const KEY_BYTES = 32;
const ID = /^[A-Za-z0-9._-]{1,32}$/;

/**
 * Reads `id:base64[,id:base64…]`, the current one first; a line break at the end is left out.
 *
 * `where` is what the text is from, such as IAM_PEPPER. Throws a Failure (RC502, exit 4) that has every problem and
 * nothing of the text: whoever mixes up the parts has the key where the id belongs.
 */
export function parsePeppers(text: string, where: string): Peppers {
  const problems: Problem[] = [];
  const peppers = new Map<string, Pepper>();
  const places = new Map<string, number>();
  const entries = text.replace(/\r?\n$/, '').split(',');
  for (const [index, entry] of entries.entries()) {
    const place = index + 1;
    const wrong = (what: string) =>
      problems.push({
        code: 'RC502',
        severity: 'error',
        message: entries.length === 1 ? `${where} ${what}` : `${where}: entry ${place} ${what}`,
        hint: 'id:base64[,id:base64], the first for new secrets; a key: openssl rand -base64 32',
      });
    const colon = entry.indexOf(':');
    if (colon < 0) {
      wrong(entry === '' ? 'is empty' : 'has no ":" between an id and a key');
      continue;
    }
    const id = entry.slice(0, colon);
    const base64 = entry.slice(colon + 1);
    const key = Buffer.from(base64, 'base64');
    const first = places.get(id);
    if (!ID.test(id)) wrong('has an id that is not 1 to 32 of A-Z a-z 0-9 . _ -');
    else if (first !== undefined) wrong(`has the id of entry ${first}`);
    else places.set(id, place);
    // Node reads what it can of anything; only of base64 in its one full form is it all.
    if (key.toString('base64') !== base64) wrong('has a key that is not base64');
    else if (key.length < KEY_BYTES)
      wrong(`has a key of ${key.length} bytes, which is less than ${KEY_BYTES}`);
    else if (!peppers.has(id)) peppers.set(id, { id, key });
  }
  const [current] = peppers.values();
  if (problems.length > 0 || current === undefined) throw new Failure(EXIT.invalid, problems);
  return { current, find: (id) => peppers.get(id) };
}
