import type { Output } from './context.ts';

/** Texts by the comma, each the JSON of one entry of a list. */
export function* listed(entries: Iterable<unknown>): Generator<string> {
  let separator = '';
  for (const entry of entries) {
    yield `${separator}${JSON.stringify(entry)}`;
    separator = ',';
  }
}

/** The entries of lists, one after the other. */
export function* flattened<T>(lists: Iterable<readonly T[]>): Generator<T> {
  for (const list of lists) yield* list;
}

/** Each write costs as much as some kilobytes of text. */
const AT_ONCE = 2 ** 16;

/** Joins small parts to larger ones. */
export function* gathered(parts: Iterable<string>): Generator<string> {
  let waiting = '';
  for (const part of parts) {
    waiting += part;
    if (waiting.length < AT_ONCE) continue;
    yield waiting;
    waiting = '';
  }
  if (waiting !== '') yield waiting;
}

export function writeParts(output: Pick<Output, 'write'>, parts: Iterable<string>): void {
  for (const part of gathered(parts)) output.write(part);
}
