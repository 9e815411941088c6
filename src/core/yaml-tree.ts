import { CORE_SCHEMA, EVENT_ID, type Event, getScalarValue, SCALAR_STYLE } from 'js-yaml';
import { isTooLarge, KEY_LENGTH } from './yaml-strict.ts';

/** One value of a document, where it stands in its text. */
export interface Node {
  offset: number;
  keyOffset?: number;
  scalar?: Extract<Event, { type: typeof EVENT_ID.SCALAR }>;
  entries?: Map<string, Node>;
}

/** What is wrong with a document that parses. */
export interface TreeMistake {
  readonly is:
    | 'repeated key'
    | 'key that is no text'
    | 'key that is null'
    | 'long key'
    | 'number too large'
    | 'alias without anchor'
    | 'tag';
  readonly offset: number;
  /** The key, number, alias or tag. */
  readonly name: string;
  /** Where a repeated key stands first. */
  readonly first?: number;
}

/** Tags of the core schema; all others are refused. */
const CORE_TAG =
  /^(?:!|!!(?:str|int|float|bool|null|seq|map)|!<tag:yaml\.org,2002:(?:str|int|float|bool|null|seq|map)>)$/;

/** Positions of every value. Costs as much as reading: only for somebody who asks for a place. */
export class Tree {
  /** By document. */
  readonly roots: (Node | undefined)[] = [];
  readonly mistakes: TreeMistake[] = [];
  readonly #events: readonly Event[];
  readonly #text: string;
  #at = 0;
  #anchors = new Map<string, Node>();
  #tagsDeclared = false;

  constructor(events: readonly Event[], text: string) {
    this.#events = events;
    this.#text = text;
    while (this.#at < events.length) {
      const event = events[this.#at++];
      if (event?.type !== EVENT_ID.DOCUMENT) continue;
      this.#anchors = new Map();
      this.#tagsDeclared = event.directives.length > 0;
      this.roots.push(this.#read());
      while (this.#at < events.length && events[this.#at]?.type !== EVENT_ID.DOCUMENT) this.#at++;
    }
  }

  #read(): Node | undefined {
    const event = this.#events[this.#at++];
    if (!event) return undefined;
    switch (event.type) {
      case EVENT_ID.SCALAR: {
        const quoted =
          event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
        return this.#scalar(
          this.#named(event, { offset: event.valueStart - (quoted ? 1 : 0), scalar: event }),
        );
      }
      case EVENT_ID.ALIAS: {
        const name = this.#text.slice(event.anchorStart, event.anchorEnd);
        const target = this.#anchors.get(name);
        const offset = event.anchorStart - 1;
        if (!target) this.mistakes.push({ is: 'alias without anchor', offset, name });
        return { ...target, offset };
      }
      case EVENT_ID.SEQUENCE:
        return this.#sequence(this.#named(event, { offset: event.start, entries: new Map() }));
      case EVENT_ID.MAPPING:
        return this.#mapping(this.#named(event, { offset: event.start, entries: new Map() }));
      default:
        return undefined;
    }
  }

  #sequence(node: Node): Node {
    let n = 0;
    while (!this.#closes()) {
      const item = this.#read();
      if (!item) continue;
      // An empty entry ("-") has no position of its own.
      if (item.offset < 0) item.offset = node.offset;
      node.entries?.set(String(n++), item);
    }
    return node;
  }

  #mapping(node: Node): Node {
    while (!this.#closes()) {
      const key = this.#read();
      const value = this.#read();
      if (!key || !value) continue;
      const name = this.#key(key);
      // Neither has an absent value ("members:"), which stands at its key, nor an absent key.
      if (key.offset < 0) key.offset = value.offset < 0 ? node.offset : value.offset;
      if (value.offset < 0) value.offset = key.offset;
      if (typeof name !== 'string') {
        const is = name === null ? 'key that is null' : 'key that is no text';
        this.mistakes.push({ is, offset: key.offset, name: '' });
        continue;
      }
      if (name.length > KEY_LENGTH) this.mistakes.push({ is: 'long key', offset: key.offset, name });
      const first = node.entries?.get(name)?.keyOffset;
      if (first !== undefined) this.mistakes.push({ is: 'repeated key', offset: key.offset, name, first });
      node.entries?.set(name, { ...value, keyOffset: first ?? key.offset });
    }
    return node;
  }

  /** Whether the collection ends here; steps over its end. */
  #closes(): boolean {
    const event = this.#events[this.#at];
    if (event && event.type !== EVENT_ID.POP) return false;
    this.#at++;
    return true;
  }

  /** As js-yaml names it: `1.0` is the key "1". Null where it is null, undefined where it is no scalar. */
  #key({ scalar }: Node): string | null | undefined {
    if (!scalar) return undefined;
    const text = getScalarValue(this.#text, scalar);
    const tag = scalar.tagStart < 0 ? '' : this.#text.slice(scalar.tagStart, scalar.tagEnd);
    if (tag === '' ? scalar.style !== SCALAR_STYLE.PLAIN : /^!$|str>?$/.test(tag)) return text;
    const { value } = CORE_SCHEMA.resolveImplicitScalarTag(text);
    return value === null ? null : String(value);
  }

  #scalar(node: Node): Node {
    const { scalar } = node;
    if (!scalar || (scalar.style !== SCALAR_STYLE.PLAIN && scalar.tagStart < 0)) return node;
    const first = this.#text.charCodeAt(scalar.valueStart);
    // "+", "-", "." and digits.
    if (first < 0x2b || first > 0x39) return node;
    const source = getScalarValue(this.#text, scalar);
    if (isTooLarge(source)) this.mistakes.push({ is: 'number too large', offset: node.offset, name: source });
    return node;
  }

  #named(
    event: { anchorStart: number; anchorEnd: number; tagStart: number; tagEnd: number },
    node: Node,
  ): Node {
    if (event.anchorStart >= 0) {
      this.#anchors.set(this.#text.slice(event.anchorStart, event.anchorEnd), node);
      if (node.offset < 0) node.offset = event.anchorStart - 1;
    }
    if (event.tagStart >= 0) {
      const name = this.#text.slice(event.tagStart, event.tagEnd);
      if (!this.#tagsDeclared && !CORE_TAG.test(name))
        this.mistakes.push({ is: 'tag', offset: event.tagStart, name });
      if (node.offset < 0) node.offset = event.tagStart;
    }
    return node;
  }
}

/** The node at the parts of a path, or the last one on the way that exists. */
export function walk(
  root: Node | undefined,
  parts: readonly string[],
): { node: Node | undefined; found: boolean } {
  let node = root;
  for (const part of parts) {
    const next = node?.entries?.get(part);
    if (!next) return { node, found: false };
    node = next;
  }
  return { node, found: true };
}

/** Escapes of a double-quoted scalar, doubled quotes of a single-quoted one, else one character that is no space. */
const TOKENS = new Map<number, RegExp>([
  [SCALAR_STYLE.DOUBLE_QUOTED, /\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n|[\s\S])|\S/g],
  [SCALAR_STYLE.SINGLE_QUOTED, /''|\S/g],
]);

/**
 * The offset in the text of character `offset` of a scalar's value.
 *
 * However a scalar is quoted, folded or indented, only white space and escapes set its value apart from its text.
 */
export function inside({ scalar, offset: start }: Node, text: string, offset: number): number {
  // An absent value stands where its key or its list does.
  if (!scalar || scalar.valueStart < 0) return start;
  const raw = text.slice(scalar.valueStart, scalar.valueEnd);
  let left = visible(getScalarValue(text, scalar).slice(0, offset));
  for (const match of raw.matchAll(TOKENS.get(scalar.style) ?? /\S/g)) {
    left -= visible(unescaped(match[0]));
    if (left < 0) return scalar.valueStart + match.index;
  }
  return scalar.valueStart + raw.trimEnd().length;
}

function visible(text: string): number {
  return text.replace(/\s/g, '').length;
}

/** What one token stands for, as far as it matters: white space or not, and how long. */
function unescaped(token: string): string {
  if (token === "''") return "'";
  if (token.length === 1) return token;
  const code = /^\\[xuU]([0-9a-fA-F]+)$/.exec(token)?.[1];
  if (code !== undefined) return String.fromCodePoint(Math.min(Number.parseInt(code, 16), 0x10ffff));
  return /^\\[ \t\r\nntvfr_LP]/.test(token) ? ' ' : 'x';
}
