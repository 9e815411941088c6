import { isDeepStrictEqual } from 'node:util';
import { parseAllDocuments } from 'yaml';

type Read = { readonly values: readonly unknown[] } | { readonly refuses: string };

/** What the package `yaml` reads, with the settings nearest to ours; or why it refuses the text. */
function otherReader(text: string): Read {
  const read = parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: true,
    strict: true,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const values: unknown[] = [];
  for (const document of Array.isArray(read) ? read : []) {
    const [error] = document.errors;
    if (error) return { refuses: `${error.code} ${error.message}` };
    try {
      values.push(plain(document.toJS({ mapAsMap: true, maxAliasCount: -1 })));
    } catch (error) {
      return { refuses: String(error) };
    }
  }
  return { values: values.filter((value) => value !== null && value !== undefined) };
}

/** Maps as objects. A key that is no text has a name that none has. */
function plain(value: unknown, seen = new Map<object, unknown>()): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    seen.set(value, list);
    for (const one of value) list.push(plain(one, seen));
    return list;
  }
  if (!(value instanceof Map)) return value;
  const mapping: Record<string, unknown> = {};
  seen.set(value, mapping);
  for (const [key, one] of value)
    Object.defineProperty(mapping, key === null || typeof key === 'object' ? '\u0000no text' : String(key), {
      value: plain(one, seen),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return mapping;
}

interface Deviation {
  /** Where `yaml` differs from YAML 1.2.2. */
  readonly why: string;
  /** What it says then, or nothing where it reads another value. */
  readonly refuses?: RegExp;
  /** The same text without what it stumbles over. */
  without(text: string): string;
}

/**
 * Where ours is right by the specification, and `yaml` is not: it is asked again without it, and then must agree.
 * Everything else in which the two differ is refused by ours (src/core/yaml-strict.ts).
 */
const DEVIATIONS: readonly Deviation[] = [
  {
    why: 'a carriage return by itself is a line break (production 27), which it does not know',
    without: (text) => text.replace(/\r(?!\n)/g, '\n'),
  },
  {
    why: 'a byte order mark may begin every document with a marker (production 202), not the first one only',
    without: (text) => text.replace(/^\ufeff/, '').replace(/(?<=[\r\n])\ufeff(?=---\s)/g, ''),
  },
  {
    why: 'a tab may stand before a tag, an anchor or the first token, and in a line with nothing else (productions 66 and 78)',
    refuses: /^TAB_AS_INDENT/,
    without: (text) =>
      text
        .replace(/(?<=[-?:] *)\t[ \t]*(?=[!&])/g, ' ')
        .replace(/(?<=\n)[ \t]*\t[ \t]*(?=\r?\n|$)/g, '')
        .replace(/(?<=(?:^|\n) *)\t[ \t]*/g, (tabs) => ' '.repeat(tabs.length)),
  },
  {
    why: 'a comment is set apart by the line break before it, also in brackets and before a value (production 79)',
    refuses: /^MISSING_CHAR Comments must be separated|^MULTILINE_IMPLICIT_KEY/,
    without: (text) => text.replace(/(?<=\n)#[^\n]*\n/g, ''),
  },
  {
    why: 'the core schema has whole numbers of the tag !!float (10.3.2)',
    without: (text) => text.replace(/!!float (?=[-+]?[0-9]+(?![0-9.eE]))/g, ''),
  },
];

/** Why the two readers do not agree on a text that ours accepts, or undefined. */
export function disagreement(text: string, ours: readonly unknown[]): string | undefined {
  let asked = text;
  let other = otherReader(asked);
  for (const { refuses, without } of DEVIATIONS) {
    if ('values' in other && isDeepStrictEqual(other.values, [...ours])) return undefined;
    if (refuses && !('refuses' in other && refuses.test(other.refuses))) continue;
    const simpler = without(asked);
    if (simpler === asked) continue;
    asked = simpler;
    other = otherReader(asked);
  }
  if ('refuses' in other) return `yaml refuses: ${other.refuses}`;
  return isDeepStrictEqual(other.values, [...ours]) ? undefined : 'another value';
}
