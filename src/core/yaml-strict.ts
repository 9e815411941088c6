import {
  COLLECTION_STYLE,
  CORE_SCHEMA,
  defineMappingTag,
  defineScalarTag,
  EVENT_ID,
  type Event,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  mapTag,
  NOT_RESOLVED,
  SCALAR_STYLE,
  YAMLException,
} from 'js-yaml';

/**
 * What js-yaml reads though YAML 1.2.2 does not allow it, or reads as another value than other readers do. A manifest
 * must mean the same to everybody who reads it, so these are refused. test/fuzz holds the two readers together.
 */
export interface Unclear {
  readonly offset: number;
  readonly message: string;
  readonly hint: string;
}

/** An implicit key ends within so many characters (YAML 1.2.2, 7.4.2). */
export const KEY_LENGTH = 1024;

/** All numbers of the core schema. */
const NUMBER = /^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+|0o[0-7]+)$/;

/** Whether this is a number that none of JavaScript is: js-yaml takes it for a text, others for infinity. */
export function isTooLarge(source: string): boolean {
  return (
    (source.length > 250 || /[eE]/.test(source)) && NUMBER.test(source) && !Number.isFinite(Number(source))
  );
}

/** The core schema without what is not clear. `Tree` tells what of it stands where. */
export const STRICT_SCHEMA = CORE_SCHEMA.withTags(
  defineMappingTag(mapTag.tagName, {
    create: mapTag.create,
    has: mapTag.has,
    keys: mapTag.keys,
    get: mapTag.get,
    identify: mapTag.identify,
    addPair(mapping, key, value) {
      if (key === null) return 'a key is null';
      if (typeof key === 'string' && key.length > KEY_LENGTH) return 'a key is too long';
      return mapTag.addPair(mapping, key, value);
    },
  }),
  // Explicit too, in the forms that the core schema has: no 0b11.
  defineScalarTag(intCoreTag.tagName, {
    ...intCoreTag,
    resolve: (source, _, tagName) => intCoreTag.resolve(source, false, tagName),
  }),
  defineScalarTag(floatCoreTag.tagName, {
    ...floatCoreTag,
    resolve(source, isExplicit, tagName) {
      const value = floatCoreTag.resolve(source, isExplicit, tagName);
      if (value === NOT_RESOLVED && isTooLarge(source)) throw new YAMLException('a number is too large');
      return value;
    },
  }),
);

/** More are not told. */
const MOST = 1000;

/** The end of a value, perhaps, and something after it in its line. */
const CLOSED = /[}\]"'*][ \t]*[^ \t\r\n,:}\]#]/;

/** What is not clear in a text that parses, the first first. Costs next to nothing where there is nothing. */
export function unclear(text: string, events: readonly Event[]): Unclear[] {
  const found: Unclear[] = [];
  const add = (offset: number, message: string, hint: string) => {
    if (found.length < MOST) found.push({ offset, message, hint });
  };
  if (CLOSED.test(text)) strayKeys(text, events, add);
  if (text.includes('%')) directives(text, add);
  if (text.includes('...')) afterEnd(text, add);
  indentedMarkers(text, add);
  if (text.includes('\ufeff')) byteOrderMarks(text, events, add);
  if (text.includes('\\')) escapes(text, events, add);
  if (text.includes('&') || text.includes('!')) properties(text, events, add);
  if (text.includes('#')) glued(text, events, add);
  if (text.includes('\t')) tabs(text, events, add);
  if (text.endsWith(' ')) openEnd(text, events, add);
  if ((text.includes('|') || text.includes('>')) && /[|>][-+]?[1-9]/.test(text)) blankEnds(text, events, add);
  return found.sort((a, b) => a.offset - b.offset);
}

type Add = (offset: number, message: string, hint: string) => void;

/**
 * Keys of a block mapping, but its first, that do not begin their line: what stands behind `- {}` or `- "a"` in its line
 * is read as the next key of the mapping around the list.
 */
function strayKeys(text: string, events: readonly Event[], add: Add): void {
  /** How many keys and values each open block mapping has had; -1 for what is none. */
  const open: number[] = [];
  for (const event of events) {
    if (event.type === EVENT_ID.POP) {
      open.pop();
      continue;
    }
    const last = open.length - 1;
    const count = open[last] ?? -1;
    if (count >= 0) {
      open[last] = count + 1;
      if (count > 0 && count % 2 === 0) {
        const start = startOf(event);
        if (start >= 0 && !beginsLine(text, start))
          add(
            start,
            'this stands in a line that belongs to something else',
            'begin a new line, and indent it',
          );
      }
    }
    if (event.type === EVENT_ID.MAPPING) open.push(event.style === COLLECTION_STYLE.BLOCK ? 0 : -1);
    else if (event.type === EVENT_ID.SEQUENCE || event.type === EVENT_ID.DOCUMENT) open.push(-1);
  }
}

/** Whether only white space and the indicators of block entries stand before. */
function beginsLine(text: string, offset: number): boolean {
  for (let i = offset - 1; i >= 0; i--) {
    const code = text.charCodeAt(i);
    if (code === 0x0a || code === 0x0d) return true;
    if (code === 0x20 || code === 0x09) continue;
    // "-", "?" and ":".
    if ((code !== 0x2d && code !== 0x3f && code !== 0x3a) || !/[ \t]/.test(text[i + 1] ?? '')) return false;
  }
  return true;
}

/** `%YAML 1.2` is what the text is anyway; all else changes what the text means, or means nothing. */
function directives(text: string, add: Add): void {
  for (const { index, 0: line } of text.matchAll(
    /(?<=^\ufeff?|[\r\n]\ufeff?)%[^\r\n]*(?:(?:\r\n?|\n)[ \t])?/g,
  )) {
    const rest = line.trimEnd();
    if (/^%YAML[ \t]+1\.2(?:[ \t]+#.*)?$/.test(rest) && !/[\r\n]/.test(line)) continue;
    if (/^%YAML[ \t]+1\.[013-9]/.test(rest))
      add(
        index,
        'this says that the text is not YAML 1.2, in which manifests are written',
        'remove the line',
      );
    else add(index, 'a line that begins with %', 'remove it, or quote the text that it is part of');
  }
}

function afterEnd(text: string, add: Add): void {
  for (const { index, 0: mark } of text.matchAll(/(?<=^\ufeff?|[\r\n]\ufeff?)\.\.\.[ \t]+(?=[^ \t\r\n#])/g))
    add(index + mark.length, 'something stands after ... in the line', 'begin another document with ---');
}

/** js-yaml does not see the white space before the first marker; others take what stands behind a tab for one. */
function indentedMarkers(text: string, add: Add): void {
  const first = text.charCodeAt(0);
  if (first !== 0x20 && first !== 0x09 && first !== 0xfeff && !text.includes('\t')) return;
  for (const { index, 0: all } of text.matchAll(
    /(?:^\ufeff?[ \t]+|(?<=[\r\n])\t[ \t]*)(?:(?:---|\.\.\.)(?=[ \t\r\n]|$)|%)/g,
  )) {
    const mark = all.trimStart();
    add(index, `white space before ${mark}`, `begin the line with ${mark}`);
  }
}

/** Said of what `cat` makes of two files that begin with one, too. */
export const BYTE_ORDER_MARK = 'the character U+FEFF (a byte order mark) stands in the middle of the file';

/** At the start of the text, of a document with a marker, and in quotes they are allowed. */
function byteOrderMarks(text: string, events: readonly Event[], add: Add): void {
  const quoted = events.filter((event) => event.type === EVENT_ID.SCALAR).filter(isQuoted);
  let at = 0;
  for (const { index } of text.matchAll(/(?<!^|[\r\n](?=\ufeff---[ \t\r\n]))\ufeff/g)) {
    while ((quoted[at]?.valueEnd ?? Infinity) <= index) at++;
    if ((quoted[at]?.valueStart ?? Infinity) > index) add(index, BYTE_ORDER_MARK, 'remove it');
  }
}

/** Escapes of a double-quoted scalar that stand for no character. */
function escapes(text: string, events: readonly Event[], add: Add): void {
  for (const event of events) {
    if (event.type !== EVENT_ID.SCALAR || event.style !== SCALAR_STYLE.DOUBLE_QUOTED || event.fast) continue;
    const raw = text.slice(event.valueStart, event.valueEnd);
    if (raw.length > KEY_LENGTH && /^"[ \t]*:/.test(text.slice(event.valueEnd, event.valueEnd + 100)))
      add(event.valueStart - 1, 'a key longer than 1,024 characters', 'shorten it');
    const broken = /\\(?:\r\n?|\n)[ \t]*[\r\n]/.exec(raw);
    if (broken)
      add(
        event.valueStart + broken.index,
        'an empty line after a line that \\ joins',
        'remove one of the two',
      );
    for (const { index, 0: written } of raw.matchAll(/\\(?:U[0-9a-fA-F]{8}|[\s\S])/g))
      if (written.length > 2 && Number.parseInt(written.slice(2), 16) > 0x10ffff)
        add(event.valueStart + index, `the escape ${written} stands for no character`, 'remove it');
  }
}

/** Anchors and tags where none can stand. */
function properties(text: string, events: readonly Event[], add: Add): void {
  const inside = new Nesting();
  for (const event of events) {
    const { flow, key } = inside;
    inside.step(event);
    if (event.type !== EVENT_ID.SCALAR && event.type !== EVENT_ID.MAPPING && event.type !== EVENT_ID.SEQUENCE)
      continue;
    const { anchorEnd, tagStart, tagEnd } = event;
    for (const end of [anchorEnd, tagEnd])
      if (end >= 0 && /[[{]/.test(text[end] ?? ''))
        add(end, 'a space is missing before this', 'put one there');
    const last = Math.max(anchorEnd, tagEnd);
    if (key && last >= 0 && event.type === EVENT_ID.SCALAR && event.valueStart < 0)
      add(startOf(event), 'a key must be more than an anchor or a tag', 'write the key');
    if (flow && last >= 0 && /^[ \t]*[\r\n]/.test(text.slice(last, last + 100)))
      add(last, 'the line ends here, between brackets', 'put what follows into the same line');
    if (
      event.type === EVENT_ID.SCALAR &&
      tagStart >= 0 &&
      /^!.*(?:map|seq)>?$/.test(text.slice(tagStart, tagEnd))
    )
      add(tagStart, `the tag ${text.slice(tagStart, tagEnd)} stands at no list or mapping`, 'remove it');
    if (event.type !== EVENT_ID.MAPPING || event.style !== COLLECTION_STYLE.BLOCK) continue;
    if (!/^\ufeff?[ \t]*(?:[-?:][ \t]+)*$/.test(text.slice(lineStart(text, event.start), event.start)))
      add(event.start, 'a mapping begins in the middle of a line', 'begin a new line, and indent it');
  }
}

function lineStart(text: string, offset: number): number {
  let start = offset;
  while (start > 0 && text[start - 1] !== '\n' && text[start - 1] !== '\r') start--;
  return start;
}

/** `{a # comment`, and `:b}` on the next line: no colon stands so close to its value after a key without quotes. */
function glued(text: string, events: readonly Event[], add: Add): void {
  if (!/[\r\n][ \t]*:[^ \t\r\n,[\]{}]/.test(text)) return;
  for (const [i, event] of events.entries()) {
    const key = events[i - 1];
    if (key?.type !== EVENT_ID.ALIAS && (key?.type !== EVENT_ID.SCALAR || isQuoted(key))) continue;
    const start = startOf(event);
    if (
      text[start - 1] === ':' &&
      /(?:^|[\r\n])[ \t]*$/.test(text.slice(Math.max(0, start - 200), start - 1))
    )
      add(start, 'a space is missing after the colon', 'put one there');
  }
}

/** Where an event begins in the text, with its anchor and tag; -1 when it is nowhere. */
function startOf(event: Event): number {
  if (event.type === EVENT_ID.POP || event.type === EVENT_ID.DOCUMENT) return -1;
  if (event.type === EVENT_ID.SCALAR && event.anchorStart < 0 && event.tagStart < 0)
    return event.valueStart - (isQuoted(event) ? 1 : 0);
  if (event.type === EVENT_ID.ALIAS) return event.anchorStart - 1;
  const value = event.type !== EVENT_ID.SCALAR ? event.start : event.valueStart - (isQuoted(event) ? 1 : 0);
  const starts = [value, event.tagStart, event.anchorStart < 0 ? -1 : event.anchorStart - 1];
  const known = starts.filter((start) => start >= 0);
  return known.length === 0 ? -1 : Math.min(...known);
}

/** Tabs that indent a line of a text over several, the line after a block, a key, or a list or mapping. */
function tabs(text: string, events: readonly Event[], add: Add): void {
  // One after the other: there may be millions.
  const lines = text.matchAll(/(?<=^|[\r\n]) *\t[ \t]*(?:[-?:](?=[ \t\r\n]|$))?/g);
  let line = lines.next().value;
  const indents = (offset: number) => add(offset, 'a tab indents this line', 'indent with spaces');
  const inside = new Nesting();
  for (const event of events) {
    if (!line) return;
    const start = startOf(event);
    // Between the event before and this one.
    for (; line && start > line.index; line = lines.next().value)
      if (inside.block && (/\S$/.test(line[0]) || (inside.key && line.index + line[0].length === start)))
        indents(line.index);
    if (event.type === EVENT_ID.SCALAR && event.valueStart >= 0) {
      for (; line && event.valueEnd > line.index; line = lines.next().value)
        if (!isBlock(event)) indents(line.index);
      if (isBlock(event) && line?.index === event.valueEnd) indents(event.valueEnd);
    }
    inside.step(event);
  }
}

/** Where in a document the next event is. */
class Nesting {
  readonly #open: { readonly style: number; readonly isMapping: boolean; count: number }[] = [];

  /** Whether it is in a block list or mapping. */
  get block(): boolean {
    return this.#open.at(-1)?.style === COLLECTION_STYLE.BLOCK;
  }

  /** Whether it is in brackets or braces. */
  get flow(): boolean {
    return this.#open.at(-1)?.style === COLLECTION_STYLE.FLOW;
  }

  /** Whether it is the key of an entry. */
  get key(): boolean {
    const last = this.#open.at(-1);
    return last?.isMapping === true && last.count % 2 === 0;
  }

  step(event: Event): void {
    if (event.type === EVENT_ID.POP) {
      this.#open.pop();
      return;
    }
    const last = this.#open.at(-1);
    if (last) last.count++;
    const style = 'start' in event ? event.style : 0;
    if (event.type !== EVENT_ID.SCALAR && event.type !== EVENT_ID.ALIAS)
      this.#open.push({ style, isMapping: event.type === EVENT_ID.MAPPING, count: 0 });
  }
}

/** Whether the last line of a block is part of it, when it is all spaces and does not end, is told in many ways. */
function openEnd(text: string, events: readonly Event[], add: Add): void {
  const start = /(?<=^|[\r\n]) +$/.exec(text)?.index ?? text.length;
  for (const event of events)
    if (event.type === EVENT_ID.SCALAR && isBlock(event) && event.valueEnd > start)
      add(start, 'spaces without a line break after them end this text', 'put a line break at the end');
}

/** More spaces than a block is indented, in the last line that has any: when the indentation is given, some drop it. */
function blankEnds(text: string, events: readonly Event[], add: Add): void {
  for (const event of events) {
    if (event.type !== EVENT_ID.SCALAR || !isBlock(event)) continue;
    const last = /(?<=^|[\r\n]) +[\r\n]*$/.exec(text.slice(event.valueStart, event.valueEnd));
    if (last && /(?:^|\n) +\n*$/.test(getScalarValue(text, event)))
      add(
        event.valueStart + last.index,
        'this block ends with a line of nothing but spaces',
        'remove the line',
      );
  }
}

function isQuoted({ style }: Extract<Event, { type: typeof EVENT_ID.SCALAR }>): boolean {
  return style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED;
}

function isBlock({ style }: Extract<Event, { type: typeof EVENT_ID.SCALAR }>): boolean {
  return style === SCALAR_STYLE.LITERAL_BLOCK || style === SCALAR_STYLE.FOLDED_BLOCK;
}
