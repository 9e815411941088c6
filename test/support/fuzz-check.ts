import { isDeepStrictEqual } from 'node:util';
import { type Document, pointerPart, readYaml } from '../../src/core/document.ts';
import type { Place, Problem } from '../../src/core/problem.ts';
import { readInput } from '../../src/core/read-input.ts';
import { decode } from '../../src/sources/decode.ts';
import type { Hostile } from './fuzz-hostile.ts';
import { disagreement } from './fuzz-oracle.ts';

/** About the input as a whole, so that no place in it is to blame. */
const WITHOUT_PLACE: ReadonlySet<string> = new Set(['RC120']);

/** More than any text of the fuzzer takes, on a machine that has much else to do. */
const SECONDS = 20;

export interface Checked {
  /** Whether it was read without an error. */
  readonly accepted: boolean;
  /** What is wrong with our reading, or undefined. */
  readonly wrong?: string | undefined;
}

/** Reads a hostile input and holds what comes of it to all that must be true of it. */
export function check({ file, content }: Hostile): Checked {
  const started = performance.now();
  const decoding: Problem[] = [];
  let text: string | undefined;
  try {
    text = typeof content === 'string' ? content : decode(file, content, decoding);
    if (text === undefined) {
      const again: Problem[] = [];
      decode(file, content as Uint8Array, again);
      const same = isDeepStrictEqual(again, decoding) ? undefined : 'decoded twice, two answers';
      return { accepted: false, wrong: same ?? decodingWrong(file, content as Uint8Array, decoding) };
    }
    return checkText(file, text, started);
  } catch (error) {
    return {
      accepted: false,
      wrong: `throws ${error instanceof Error ? (error.stack ?? error.message) : error}`,
    };
  }
}

function checkText(file: string, text: string, started: number): Checked {
  const { documents, problems } = readYaml(file, text);
  const seconds = (performance.now() - started) / 1000;
  if (seconds > SECONDS) return { accepted: false, wrong: `took ${seconds} s` };
  const again = readYaml(file, text);
  const manifests = readInput([{ file, text }]);
  const lines = new Lengths(text);
  const accepted = !problems.some(({ severity }) => severity === 'error');
  const values = documents.map(({ value }) => value);
  const wrong =
    problemsWrong(file, [...problems, ...manifests.problems], lines) ??
    (problems.length > 0 && documents.length > 0 && accepted ? 'a warning' : undefined) ??
    (isDeepStrictEqual(again.problems, problems) &&
    isDeepStrictEqual(
      again.documents.map(({ value }) => value),
      values,
    )
      ? undefined
      : 'read twice, two answers') ??
    (accepted && manifests.declared.length === 0 && manifests.problems.length === 0
      ? 'neither manifest nor problem'
      : undefined) ??
    documents.map((document) => placesWrong(file, document, lines)).find((one) => one !== undefined) ??
    (accepted ? disagrees(file, text, values) : undefined);
  return { accepted, wrong };
}

function disagrees(file: string, text: string, values: readonly unknown[]): string | undefined {
  // A document that is one text is no manifest, whatever the text is.
  if (values.some((value) => typeof value !== 'object')) return undefined;
  if (!isJsonLines(file, text)) return disagreement(text, values);
  let at = 0;
  for (const line of text.split('\n').map((one) => one.replace(/\r$/, ''))) {
    if (line.trim() === '') continue;
    const count = readYaml('a.yaml', line).documents.length;
    const wrong = disagreement(line, values.slice(at, at + count));
    if (wrong) return `line ${JSON.stringify(line)}: ${wrong}`;
    at += count;
  }
  return at === values.length ? undefined : 'lines of JSON are not read one by one';
}

/** manifests.md: by the name, or by the first lines of stdin. */
function isJsonLines(file: string, text: string): boolean {
  return file.endsWith('.jsonl') || (file === 'stdin' && /^\{.*\}[ \t]*\r?\n\{/.test(text));
}

function problemsWrong(file: string, problems: readonly Problem[], lines: Lengths): string | undefined {
  for (const { code, message, place } of problems) {
    if (message === '') return `${code} says nothing`;
    if (!place && !WITHOUT_PLACE.has(code)) return `${code} ${message} has no place`;
    if (place && !lines.has(file, place)) return `${code} ${message} is at ${JSON.stringify(place)}`;
  }
  return undefined;
}

/** What could not be decoded has one problem, at the first byte that is no UTF-8. */
function decodingWrong(file: string, bytes: Uint8Array, problems: readonly Problem[]): string | undefined {
  const wrong = problemsWrong(file, problems, new Lengths(new TextDecoder().decode(bytes)));
  return wrong ?? (problems.length === 1 ? undefined : `${problems.length} problems of decoding`);
}

/** Whether every value of a document has a place in the text. */
function placesWrong(file: string, document: Document, lines: Lengths): string | undefined {
  if (document.locator && !isDeepStrictEqual(document.locator.value(), document.value))
    return 'another value when it is read again';
  for (const pointer of pointers(document.value, '', 100)) {
    for (const key of [undefined, 'key'] as const) {
      const place = document.place(pointer, key);
      if (!lines.has(file, place)) return `${key ?? ''} ${pointer} is at ${JSON.stringify(place)}`;
    }
    for (const offset of [0, 1, 7]) {
      const place = document.placeInside(pointer, offset);
      if (!lines.has(file, place)) return `${pointer} + ${offset} is at ${JSON.stringify(place)}`;
    }
  }
  return undefined;
}

/** Some of what is in a value: the first `most` pointers. */
function pointers(value: unknown, base: string, most: number): string[] {
  const found = [base];
  if (typeof value !== 'object' || value === null) return found;
  for (const [key, one] of Object.entries(value)) {
    if (found.length >= most) break;
    found.push(...pointers(one, `${base}/${pointerPart(key)}`, most - found.length));
  }
  return found;
}

/** The lengths of the lines of a text. */
class Lengths {
  readonly #lengths: number[];

  constructor(text: string) {
    this.#lengths = text.split(/\r\n|\n|\r/).map(({ length }) => length);
  }

  has(file: string, { file: named, line, column }: Place): boolean {
    const length = this.#lengths[line - 1];
    return named === file && length !== undefined && column >= 1 && column <= length + 1;
  }
}
