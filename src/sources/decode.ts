import { LIMITS } from '../core/document.ts';
import type { Problem } from '../core/problem.ts';

export function tooLarge(file: string): Problem {
  const place = { file, line: 1, column: 1 };
  return { code: 'RC103', severity: 'error', message: `${file}: larger than 64 MiB`, place, hint: 'split it' };
}

/** The text of a file's bytes; undefined, with a problem at its place, when they are too many or not UTF-8. */
export function decode(file: string, bytes: Uint8Array, problems: Problem[]): string | undefined {
  if (bytes.length > LIMITS.fileBytes) {
    problems.push(tooLarge(file));
    return undefined;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // Only now, to find the place: everything up to the first bad byte decodes.
    const good = validPrefix(bytes);
    const lines = new TextDecoder().decode(bytes.subarray(0, good)).split('\n');
    problems.push({
      code: 'RC102',
      severity: 'error',
      message: `${file}: is not UTF-8`,
      place: { file, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 },
      hint: 'save it as UTF-8',
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
  return low;
}
