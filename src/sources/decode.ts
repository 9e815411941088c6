import { isUtf8 } from 'node:buffer';
import { LIMITS } from '../core/document.ts';
import type { Problem } from '../core/problem.ts';

export function tooLarge(file: string): Problem {
  const place = { file, line: 1, column: 1 };
  return {
    code: 'RC103',
    severity: 'error',
    message: 'the file is larger than 64 MiB',
    place,
    hint: 'split it',
  };
}

/**
 * The text of a file's bytes; undefined, with a problem at its place, when there are too many or none, or not UTF-8.
 *
 * A file without a single byte was most likely cut off: what it declared would be taken to be gone.
 */
export function decode(file: string, bytes: Uint8Array, problems: Problem[]): string | undefined {
  if (bytes.length > LIMITS.fileBytes) {
    problems.push(tooLarge(file));
    return undefined;
  }
  if (bytes.length === 0) {
    problems.push({
      code: 'RC120',
      severity: 'error',
      message: file === 'stdin' ? 'nothing came from stdin' : 'the file is empty',
      place: { file, line: 1, column: 1 },
      hint:
        file === 'stdin'
          ? 'did the command before the pipe fail?'
          : 'was it cut off? if not, remove it, or write a comment in it',
    });
    return undefined;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // Only now, to find the place: everything up to the first bad byte decodes.
    const good = validPrefix(bytes);
    const lines = new TextDecoder().decode(bytes.subarray(0, good)).split(/\r\n|\n|\r/);
    problems.push({
      code: 'RC102',
      severity: 'error',
      message: `the byte 0x${(bytes[good] ?? 0).toString(16).padStart(2, '0')} is not UTF-8`,
      place: { file, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 },
      hint: 'save the file as UTF-8',
    });
    return undefined;
  }
}

/** The length of the longest prefix that is whole UTF-8. */
function validPrefix(bytes: Uint8Array): number {
  let low = 0;
  let high = bytes.length;
  const decodes = (length: number) => {
    try {
      // A character cut at the end is not yet an error.
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (decodes(middle)) low = middle;
    else high = middle - 1;
  }
  // A character that the bad byte cuts off is bad from where it begins.
  while (!isUtf8(bytes.subarray(0, low))) low--;
  return low;
}
