import {
  constructFromEvents,
  EVENT_ID,
  type Event,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
} from 'js-yaml';
import type { Place, Problem } from './problem.ts';

/** Limits on one input (manifests.md). Bytes are counted in the file, the rest in the text. */
export const LIMITS = {
  fileBytes: 64 * 2 ** 20,
  documentLength: 8 * 2 ** 20,
  scalarLength: 2 ** 20,
  depth: 64,
  aliases: 1000,
  /** Values of a document once its aliases are followed: what an alias bomb would cost. */
  expandedValues: 100_000,
} as const;

/** One YAML or JSON document: its value, and where each part of it stands. */
export interface Document {
  readonly file: string;
  readonly value: unknown;
  /**
   * The place of the value at a JSON Pointer, or of the nearest parent that exists.
   * With `key`, the place of the mapping key instead of its value.
   */
  place(pointer?: string, key?: 'key'): Place;
  /** As `place`, for a character inside of a scalar; exact for single-line and block scalars. */
  placeInside(pointer: string, offset: number): Place;
}

/** What a text holds. A text with an error has no documents: a half-read file is never used. */
export interface ReadText {
  readonly documents: readonly Document[];
  readonly problems: readonly Problem[];
}

/**
 * Reads YAML 1.2 (core schema) or JSON: every document of `text`, empty ones left out.
 *
 * Never throws on bad input; all problems come back with their places.
 */
export function readYaml(file: string, text: string): ReadText {
  return readAt(file, text, new Lines(file, text), 0);
}

/** Reads JSON Lines: one document a line. */
export function readJsonLines(file: string, text: string): ReadText {
  const lines = new Lines(file, text);
  const documents: Document[] = [];
  const problems: Problem[] = [];
  let offset = 0;
  for (const line of text.split('\n')) {
    if (line.trim() !== '') {
      const read = readAt(file, line, lines, offset);
      documents.push(...read.documents);
      problems.push(...read.problems);
    }
    offset += line.length + 1;
  }
  return problems.length > 0 ? { documents: [], problems } : { documents, problems };
}

function readAt(file: string, text: string, lines: Lines, base: number): ReadText {
  let events: Event[];
  try {
    events = parseEvents(text, { filename: file, maxDepth: LIMITS.depth });
  } catch (error) {
    return { documents: [], problems: [syntaxProblem(error, lines, base)] };
  }
  const over = limitProblems(events, text, lines, base);
  if (over.length > 0) return { documents: [], problems: over };
  let values: unknown[];
  try {
    values = constructFromEvents(events, { source: text, filename: file, maxAliases: LIMITS.aliases });
  } catch (error) {
    const tree = new Tree(events, text);
    const duplicates = tree.duplicates.map(({ key, offset, first }): Problem => {
      const at = lines.at(base + first);
      return {
        code: 'RC104',
        severity: 'error',
        message: `key ${JSON.stringify(key)} is given twice in one mapping`,
        place: lines.at(base + offset),
        hint: `it is first given at ${at.line}:${at.column}; keep one of the two`,
      };
    });
    return {
      documents: [],
      problems: duplicates.length > 0 ? duplicates : [syntaxProblem(error, lines, base)],
    };
  }
  let tree: Tree | undefined;
  const nodeOf = (index: number) => {
    tree ??= new Tree(events, text);
    return tree.roots[index];
  };
  const documents: Document[] = [];
  values.forEach((value, index) => {
    if (value === null || value === undefined) return;
    documents.push({
      file,
      value,
      place(pointer = '', key) {
        const { node, found } = walk(nodeOf(index), pointer);
        const offset = key && found ? (node?.keyOffset ?? node?.offset) : node?.offset;
        return lines.at(base + (offset ?? 0));
      },
      placeInside(pointer, offset) {
        const { node, found } = walk(nodeOf(index), pointer);
        return lines.at(base + (node === undefined ? 0 : found ? inside(node, text, offset) : node.offset));
      },
    });
  });
  return { documents, problems: [] };
}

function syntaxProblem(error: unknown, lines: Lines, base: number): Problem {
  if (!(error instanceof YAMLException)) throw error;
  const reason = error.reason;
  return {
    code: /depth|alias(es)? /.test(reason) && /exceed|limit|too many/.test(reason) ? 'RC103' : 'RC102',
    severity: 'error',
    message: reason,
    place: lines.at(base + (error.mark?.position ?? 0)),
    hint: /unknown .*tag/.test(reason) ? 'custom tags are not allowed; write the plain value' : undefined,
  };
}

/** The costs that a document may not have, told from its events, before any value is built. */
function limitProblems(events: readonly Event[], text: string, lines: Lines, base: number): Problem[] {
  const problems: Problem[] = [];
  const over = (offset: number, message: string, hint?: string) =>
    problems.push({ code: 'RC103', severity: 'error', message, place: lines.at(base + offset), hint });
  const open: { anchor: string | undefined; size: number }[] = [];
  let sizes = new Map<string, number>();
  let start = -1;
  let last = 0;
  let bomb = false;
  const add = (size: number, offset: number) => {
    const parent = open.at(-1);
    if (!parent) return;
    parent.size += size;
    if (parent.size > LIMITS.expandedValues && sizes.size > 0 && !bomb) {
      bomb = true;
      over(offset, `aliases expand to more than ${LIMITS.expandedValues.toLocaleString('en')} values`);
    }
  };
  for (const event of events) {
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        open.push({ anchor: undefined, size: 0 });
        sizes = new Map();
        start = -1;
        bomb = false;
        break;
      case EVENT_ID.MAPPING:
      case EVENT_ID.SEQUENCE:
        if (start < 0) start = event.start;
        last = event.start;
        open.push({ anchor: anchorOf(event, text), size: 1 });
        if (event.anchorStart >= 0) sizes.set(text.slice(event.anchorStart, event.anchorEnd), Infinity);
        break;
      case EVENT_ID.SCALAR: {
        if (event.valueStart < 0) break;
        if (start < 0) start = event.valueStart;
        last = event.valueEnd;
        if (event.valueEnd - event.valueStart > LIMITS.scalarLength)
          over(event.valueStart, 'a text longer than 1 MiB');
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
        if (open.length === 0) {
          if (start >= 0 && last - start > LIMITS.documentLength)
            over(start, 'a document longer than 8 MiB', 'split it with ---');
          break;
        }
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

interface Node {
  offset: number;
  keyOffset?: number;
  scalar?: Extract<Event, { type: typeof EVENT_ID.SCALAR }>;
  entries?: Map<string, Node>;
}

/** Positions of every value, built only once somebody asks for a place. */
class Tree {
  readonly roots: (Node | undefined)[] = [];
  readonly duplicates: { key: string; offset: number; first: number }[] = [];

  constructor(events: readonly Event[], text: string) {
    let i = 0;
    let anchors = new Map<string, Node>();
    const remember = (event: { anchorStart: number; anchorEnd: number }, node: Node) => {
      const anchor = anchorOf(event, text);
      if (anchor !== undefined) anchors.set(anchor, node);
      return node;
    };
    const read = (): Node | undefined => {
      const event = events[i++];
      if (!event) return undefined;
      switch (event.type) {
        case EVENT_ID.SCALAR: {
          const quoted =
            event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
          return remember(event, { offset: event.valueStart - (quoted ? 1 : 0), scalar: event });
        }
        case EVENT_ID.ALIAS: {
          const target = anchors.get(text.slice(event.anchorStart, event.anchorEnd));
          return { ...target, offset: event.anchorStart - 1 };
        }
        case EVENT_ID.SEQUENCE: {
          const node = remember(event, { offset: event.start, entries: new Map() });
          let n = 0;
          while (i < events.length && events[i]?.type !== EVENT_ID.POP) {
            const item = read();
            if (!item) continue;
            // An empty entry ("-") has no position of its own either.
            if (item.offset < 0) item.offset = node.offset;
            node.entries?.set(String(n++), item);
          }
          i++;
          return node;
        }
        case EVENT_ID.MAPPING: {
          const node = remember(event, { offset: event.start, entries: new Map() });
          while (i < events.length && events[i]?.type !== EVENT_ID.POP) {
            const key = read();
            const value = read();
            if (!key || !value) continue;
            const name = key.scalar ? getScalarValue(text, key.scalar) : '';
            // An absent value ("members:") has no position of its own: it stands at its key.
            if (value.offset < 0) value.offset = key.offset;
            const first = node.entries?.get(name);
            if (first) this.duplicates.push({ key: name, offset: key.offset, first: first.keyOffset ?? 0 });
            node.entries?.set(name, { ...value, keyOffset: key.offset });
          }
          i++;
          return node;
        }
        default:
          return undefined;
      }
    };
    while (i < events.length) {
      if (events[i++]?.type !== EVENT_ID.DOCUMENT) continue;
      anchors = new Map();
      this.roots.push(read());
      while (i < events.length && events[i]?.type !== EVENT_ID.DOCUMENT) i++;
    }
  }
}

function walk(root: Node | undefined, pointer: string): { node: Node | undefined; found: boolean } {
  let node = root;
  for (const part of pointerParts(pointer)) {
    const next = node?.entries?.get(part);
    if (!next) return { node, found: false };
    node = next;
  }
  return { node, found: true };
}

/** The offset in the file of character `offset` of a scalar's value. */
function inside(node: Node, text: string, offset: number): number {
  const scalar = node.scalar;
  if (!scalar) return node.offset;
  if (scalar.style !== SCALAR_STYLE.LITERAL_BLOCK) {
    const raw = text.slice(scalar.valueStart, scalar.valueEnd);
    return raw.includes('\n') ? scalar.valueStart : scalar.valueStart + Math.min(offset, raw.length);
  }
  let at = scalar.valueStart;
  let left = offset;
  for (const line of text.slice(scalar.valueStart, scalar.valueEnd).split('\n')) {
    const indent = Math.min(scalar.indent, line.length);
    if (left <= line.length - indent) return at + indent + left;
    left -= line.length - indent + 1;
    at += line.length + 1;
  }
  return scalar.valueStart;
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
      for (const match of this.#text.matchAll(/\r\n|\n|\r/g)) this.#starts.push(match.index + match[0].length);
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
