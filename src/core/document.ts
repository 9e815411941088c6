import { constructFromEvents, EVENT_ID, type Event, parseEvents, YAMLException } from 'js-yaml';
import type { Place, Problem } from './problem.ts';
import { syntaxProblem, treeProblem, unclearProblem } from './yaml-problem.ts';
import { STRICT_SCHEMA, unclear } from './yaml-strict.ts';
import { inside, Tree, walk } from './yaml-tree.ts';

/** Limits on one input (manifests.md). Bytes are counted in the file, the rest in the text. */
export const LIMITS = {
  fileBytes: 64 * 2 ** 20,
  documentLength: 8 * 2 ** 20,
  scalarLength: 2 ** 20,
  depth: 64,
  aliases: 1000,
  /** Values of a document once its aliases are followed: what an alias bomb would cost. */
  expandedValues: 100_000,
  /** Mistakes of a file that are told; after them it is read no further. */
  problems: 1000,
} as const;

/** Longer texts are parsed document by document, so that a hostile one costs no more than its worst document. */
const PARSED_AT_ONCE = 2 ** 20;

/** Where the parts of one document stand. */
export interface Locator {
  readonly file: string;
  /**
   * The place of the value at a JSON Pointer, or of the nearest parent that exists.
   * With `key`, the place of the mapping key instead of its value.
   */
  place(pointer?: string, key?: 'key'): Place;
  /** As `place`, for a character inside of a scalar; exact for single-line and block scalars. */
  placeInside(pointer: string, offset: number): Place;
  /** What it holds, read again. */
  value(): unknown;
}

/** One YAML or JSON document: its value, and where each part of it stands. */
export interface Document extends Omit<Locator, 'value'> {
  readonly value: unknown;
  /** To be kept where the value is not. */
  readonly locator?: Locator;
}

/** What a text holds. With a problem the documents are not all, and good for nothing but finding more problems. */
export interface ReadText {
  readonly documents: readonly Document[];
  readonly problems: readonly Problem[];
}

/**
 * Reads YAML 1.2 (core schema), JSON or JSON Lines: every document of `text`, empty ones left out.
 *
 * Never throws on bad input; all problems come back with their places.
 */
export function readYaml(file: string, text: string): ReadText {
  const problems: Problem[] = [];
  return { documents: [...documentsOf(file, text, problems)], problems };
}

/**
 * As `readYaml`, one document after the other; what is wrong is added to `problems` on the way. With `again`, which gives
 * the text once more, it is not kept for those who ask for places later.
 */
export function* documentsOf(
  file: string,
  text: string,
  problems: Problem[],
  again?: () => string,
): Generator<Document> {
  const lines = new Lines(file, text);
  let parts: Iterable<Part>;
  let whole: readonly Problem[] = [];
  if (isJsonLines(file, text)) parts = linesOf(text);
  else if (text.length > PARSED_AT_ONCE) parts = partsOf(text);
  else {
    const read = readAt(file, text, lines, 0, again);
    const all = read.problems.length === 0 ? [] : [...partsOf(text)];
    if (all.length < 2) {
      problems.push(...read.problems);
      yield* read.documents;
      return;
    }
    // One mistake ends the parsing. Each document by itself shows the mistakes of all.
    parts = all;
    whole = read.problems;
  }
  const before = problems.length;
  for (const { start, end } of parts) {
    const read = readAt(file, text.slice(start, end), lines, start, undefined, true);
    problems.push(...read.problems);
    if (problems.length >= LIMITS.problems) return;
    yield* read.documents;
  }
  if (problems.length === before) problems.push(...whole);
}

/** Whether a text is read in parts, each by itself. */
export function isReadInParts(input: { file: string; text: string; size?: number }): boolean {
  if ((input.size ?? input.text.length) > PARSED_AT_ONCE) return true;
  // The text may have to be read for this: only where it tells something.
  return isJsonLines(input.file, input.file === 'stdin' ? input.text : '');
}

/** Part of a text, by its offsets. */
interface Part {
  readonly start: number;
  readonly end: number;
}

/** One JSON document a line: by the name of the file or, where there is none to tell, by the first two lines. */
function isJsonLines(file: string, text: string): boolean {
  return /\.jsonl$/i.test(file) || (file === 'stdin' && /^\{.*\}[ \t]*\r?\n\{/.test(text));
}

function* linesOf(text: string): Generator<Part> {
  for (let start = 0; start < text.length; ) {
    const next = text.indexOf('\n', start);
    const after = next < 0 ? text.length : next;
    const end = text[after - 1] === '\r' ? Math.max(start, after - 1) : after;
    if (text.slice(start, end).trim() !== '') yield { start, end };
    start = after + 1;
  }
}

/** The documents of a text. A marker at the start of a line ends a document, whatever it stands in. */
function* partsOf(text: string): Generator<Part> {
  const marker = /(?<=^|[\r\n])(?:(?:\ufeff?---|\.\.\.)(?=[ \t\r\n]|$)|%)/g;
  let start = 0;
  let directive = false;
  for (const { index, 0: mark } of text.matchAll(marker)) {
    // Directives belong to the document after them.
    const ended = directive;
    directive = mark === '%';
    if (directive || (ended && mark !== '...')) continue;
    const end = mark === '...' ? endOfLine(text, index) : index;
    if (end <= start) continue;
    if (end - start > 8 || !/^(?:---)?\s*$/.test(text.slice(start, end))) yield { start, end };
    start = end;
  }
  yield { start, end: text.length };
}

function endOfLine(text: string, start: number): number {
  let end = start;
  while (end < text.length && text[end] !== '\n' && text[end] !== '\r') end++;
  return end;
}

function readAt(
  file: string,
  text: string,
  lines: Lines,
  base: number,
  again?: () => string,
  isPart = false,
): ReadText {
  const at = (offset: number) => lines.at(base + offset);
  const fails = (...problems: Problem[]): ReadText => ({ documents: [], problems });
  if (text.length > LIMITS.documentLength)
    return fails({
      code: 'RC103',
      severity: 'error',
      message: 'a document longer than 8 MiB',
      place: at(0),
      hint: 'split it with ---',
    });
  let events: Event[];
  try {
    events = parseEvents(text, { filename: file, maxDepth: LIMITS.depth });
  } catch (error) {
    return fails(parserProblem(error, text, at));
  }
  const over = limitProblems(events, text, lines, base);
  if (over.length > 0) return fails(...over);
  const wrong = unclear(text, events);
  if (wrong.length > 0) return fails(...wrong.map((one) => unclearProblem(one, at)));
  let values: unknown[];
  try {
    values = constructFromEvents(events, {
      source: text,
      filename: file,
      schema: STRICT_SCHEMA,
      maxAliases: LIMITS.aliases,
    });
  } catch (error) {
    const mistakes = new Tree(events, text).mistakes.slice(0, LIMITS.problems);
    return fails(
      ...(mistakes.length === 0
        ? [parserProblem(error, text, at)]
        : mistakes.map((one) => treeProblem(one, at))),
    );
  }
  const source = new SourceText(
    file,
    again ?? (() => text),
    // A part ends before its file does, even when it begins with it.
    isPart ? () => lines.at(base) : undefined,
    rootOffsets(events),
  );
  const documents: Document[] = [];
  for (const [index, value] of values.entries())
    if (value !== null && value !== undefined) documents.push(new SourceDocument(source, index, value));
  return { documents, problems: [] };
}

/** A text that has been read, for whoever asks where something stands in it. */
class SourceText {
  readonly file: string;
  readonly #get: () => string;
  /** Where it begins in its file; undefined for a whole file. */
  readonly #base: (() => Pick<Place, 'line' | 'column'>) | undefined;
  /** Where the value of each document begins; -1 where it is no mapping. */
  readonly #roots: Int32Array;
  /** Line and column of each of them. */
  #places: Uint32Array | undefined;

  constructor(
    file: string,
    get: () => string,
    base: (() => Pick<Place, 'line' | 'column'>) | undefined,
    roots: Int32Array,
  ) {
    this.file = file;
    this.#get = get;
    this.#base = base;
    this.#roots = roots;
  }

  /** Of a whole file. */
  get roots(): Int32Array | undefined {
    return this.#base ? undefined : this.#roots;
  }

  place(index: number, pointer: string, key?: 'key'): Place {
    if (pointer === '' && (this.#roots[index] ?? -1) >= 0) {
      this.#places ??= Uint32Array.from(
        [...this.#roots].flatMap((offset) => {
          const { line, column } = offset < 0 ? NOWHERE : this.#at(offset);
          return [line, column];
        }),
      );
      const [line = 0, column = 0] = this.#places.subarray(2 * index);
      return { file: this.file, line, column };
    }
    const { node, found } = this.#find(index, pointer);
    return this.#at((key && found ? node?.keyOffset : undefined) ?? node?.offset ?? 0);
  }

  placeInside(index: number, pointer: string, offset: number): Place {
    const { node, found } = this.#find(index, pointer);
    return this.#at(!node ? 0 : found ? inside(node, this.#read().text, offset) : node.offset);
  }

  /** Read again: what is kept costs every collection of garbage, and is asked for seldom. */
  value(index: number): unknown {
    const { text } = this.#read();
    return constructFromEvents(this.#events(text), {
      source: text,
      filename: this.file,
      schema: STRICT_SCHEMA,
      maxAliases: LIMITS.aliases,
    })[index];
  }

  #find(index: number, pointer: string) {
    const read = this.#read();
    read.tree ??= new Tree(this.#events(read.text), read.text);
    return walk(read.tree.roots[index], pointerParts(pointer));
  }

  #events(text: string): Event[] {
    return parseEvents(text, { filename: this.file, maxDepth: LIMITS.depth });
  }

  #at(offset: number): Place {
    const read = this.#read();
    read.lines ??= new Lines(this.file, read.text);
    const { file, line, column } = read.lines.at(offset);
    const base = this.#base?.() ?? START;
    return { file, line: base.line + line - 1, column: line === 1 ? base.column + column - 1 : column };
  }

  #read(): LastRead {
    if (lastRead?.source !== this) lastRead = { source: this, text: this.#get() };
    return lastRead;
  }
}

interface LastRead {
  readonly source: SourceText;
  readonly text: string;
  tree?: Tree;
  lines?: Lines;
}

/** Whoever asks for places asks for several of one text, most often. */
let lastRead: LastRead | undefined;

const START = { line: 1, column: 1 };
const NOWHERE = { line: 0, column: 0 };

/** Where the value of each document begins; -1 where it is no mapping. */
function rootOffsets(events: readonly Event[]): Int32Array {
  const offsets: number[] = [];
  let isFirst = false;
  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) {
      offsets.push(-1);
      isFirst = true;
    } else if (isFirst) {
      isFirst = false;
      if (event.type === EVENT_ID.MAPPING) offsets[offsets.length - 1] = event.start;
    }
  }
  return Int32Array.from(offsets);
}

class SourceDocument implements Document {
  readonly value: unknown;
  readonly locator: Locator;

  constructor(source: SourceText, index: number, value: unknown) {
    this.value = value;
    this.locator = new SourceLocator(source, index);
  }

  get file(): string {
    return this.locator.file;
  }

  place(pointer?: string, key?: 'key'): Place {
    return this.locator.place(pointer, key);
  }

  placeInside(pointer: string, offset: number): Place {
    return this.locator.placeInside(pointer, offset);
  }
}

/** Where the documents of a text begin, as `SourceText` takes it; undefined for one that was read in parts. */
export function rootsOf(
  locator: Locator,
): { readonly index: number; readonly roots: Int32Array } | undefined {
  return locator instanceof SourceLocator ? locator.packed : undefined;
}

/** The locator of each document of a text that somebody else has read. */
export function locatorsOf(file: string, get: () => string, roots: Int32Array): (index: number) => Locator {
  const source = new SourceText(file, get, undefined, roots);
  return (index) => new SourceLocator(source, index);
}

class SourceLocator implements Locator {
  readonly #source: SourceText;
  readonly #index: number;

  get packed() {
    const { roots } = this.#source;
    return roots && { index: this.#index, roots };
  }

  constructor(source: SourceText, index: number) {
    this.#source = source;
    this.#index = index;
  }

  get file(): string {
    return this.#source.file;
  }

  place(pointer = '', key?: 'key'): Place {
    return this.#source.place(this.#index, pointer, key);
  }

  placeInside(pointer: string, offset: number): Place {
    return this.#source.placeInside(this.#index, pointer, offset);
  }

  value(): unknown {
    return this.#source.value(this.#index);
  }
}

function parserProblem(error: unknown, text: string, place: (offset: number) => Place): Problem {
  if (!(error instanceof YAMLException)) throw error;
  return syntaxProblem(error.reason, text, error.mark?.position ?? 0, place);
}

/** The costs that a document may not have, told from its events, before any value is built. */
function limitProblems(events: readonly Event[], text: string, lines: Lines, base: number): Problem[] {
  // Most texts are too short to be over a limit, and have no anchor that an alias could repeat.
  if (text.length <= LIMITS.scalarLength && !text.includes('&')) return [];
  const problems: Problem[] = [];
  const over = (offset: number, message: string, hint?: string) =>
    problems.push({ code: 'RC103', severity: 'error', message, place: lines.at(base + offset), hint });
  const open: { anchor: string | undefined; size: number }[] = [];
  let sizes = new Map<string, number>();
  let last = 0;
  let bomb = false;
  const add = (size: number, offset: number) => {
    const parent = open.at(-1);
    if (!parent) return;
    parent.size += size;
    if (parent.size > LIMITS.expandedValues && sizes.size > 0 && !bomb) {
      bomb = true;
      over(offset, 'aliases expand to more than 100,000 values', 'write the values where they are needed');
    }
  };
  for (const event of events) {
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        open.push({ anchor: undefined, size: 0 });
        sizes = new Map();
        bomb = false;
        break;
      case EVENT_ID.MAPPING:
      case EVENT_ID.SEQUENCE:
        last = event.start;
        open.push({ anchor: anchorOf(event, text), size: 1 });
        if (event.anchorStart >= 0) sizes.set(text.slice(event.anchorStart, event.anchorEnd), Infinity);
        break;
      case EVENT_ID.SCALAR: {
        if (event.valueStart < 0) break;
        last = event.valueEnd;
        if (event.valueEnd - event.valueStart > LIMITS.scalarLength)
          over(event.valueStart, 'a text longer than 1 MiB', 'shorten it');
        const anchor = anchorOf(event, text);
        if (anchor !== undefined) sizes.set(anchor, 1);
        add(1, event.valueStart);
        break;
      }
      case EVENT_ID.ALIAS:
        add(sizes.get(text.slice(event.anchorStart, event.anchorEnd)) ?? 1, event.anchorStart);
        break;
      case EVENT_ID.POP: {
        const closed = open.pop();
        if (!closed) break;
        if (closed.anchor !== undefined) sizes.set(closed.anchor, closed.size);
        add(closed.size, last);
        break;
      }
    }
  }
  return problems;
}

function anchorOf(event: { anchorStart: number; anchorEnd: number }, text: string): string | undefined {
  return event.anchorStart < 0 ? undefined : text.slice(event.anchorStart, event.anchorEnd);
}

/** The parts of a JSON Pointer (RFC 6901). */
export function pointerParts(pointer: string): string[] {
  return pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** One part, escaped for a JSON Pointer (RFC 6901). */
export function pointerPart(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Offsets to lines and columns; the table of lines is made when first needed. */
class Lines {
  readonly #file: string;
  readonly #text: string;
  #starts: number[] | undefined;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
  }

  at(offset: number): Place {
    if (!this.#starts) {
      this.#starts = [0];
      for (const match of this.#text.matchAll(/\r\n|\n|\r/g))
        this.#starts.push(match.index + match[0].length);
    }
    const starts = this.#starts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.#file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }
}
