import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';
import type { Spend } from './effort.ts';

/** One name in a folder. */
export interface Listed {
  readonly name: string;
  /** A folder, or a link to one. */
  readonly isFolder: boolean;
  readonly isLink: boolean;
}

/** What is in a folder; empty when it is none. */
export type List = (folder: string) => readonly Listed[];

/** No path is longer, and so no pattern need be. */
const LONGEST = 4096;

/** More patterns than these one with braces does not stand for. */
const MOST_ALTERNATIVES = 1000;

export function isGlob(pattern: string): boolean {
  return /[*?[{]/.test(pattern);
}

/**
 * The files and folders that a pattern matches: `*`, `?`, `[a-z]` and `{a,b}` in a name, `**` for folders at any
 * depth. Names that begin with a dot only where the pattern has the dot. What is special in a name is not in `[*]`.
 * Throws a Failure (RC103, exit 4) when the pattern is too long, or stands for too many.
 *
 * Neither `fs.globSync`, which leaves out silently what it cannot read, nor `path.matchesGlob`, whose time grows with
 * the power of the stars. `**` follows no links; `passed` hears of each one to a folder.
 */
export function expandGlob(
  pattern: string,
  list: List,
  passed: (link: string) => void,
  spend: Spend,
): string[] {
  if (pattern.length > LONGEST)
    throw refused(`${pattern.slice(0, 40)}…: is longer than ${LONGEST.toLocaleString('en')} characters`);
  const found = new Set<string>();
  for (const one of alternatives(pattern)) {
    if (one === '') continue;
    const parts = one.split('/').filter((part) => part !== '');
    const tests = parts.map(testOf);
    // By several ** one comes to a folder on many ways.
    const visited = parts.map(() => new Set<string>());
    const visit = (folder: string, at: number): void => {
      const [part, seen] = [parts[at], visited[at]];
      if (part === undefined || seen === undefined) {
        found.add(folder);
        return;
      }
      if (seen.has(folder)) return;
      seen.add(folder);
      if (part === '.' || part === '..') {
        visit(path.join(folder, part), at + 1);
      } else if (part === '**') {
        visit(folder, at + 1);
        // What is found is read with all that is in it.
        if (at === parts.length - 1) return;
        for (const { name, isFolder, isLink } of list(folder)) {
          spend(1);
          if (!isFolder || name.startsWith('.')) continue;
          if (isLink) passed(path.join(folder, name));
          else visit(path.join(folder, name), at);
        }
      } else {
        const isLast = at === parts.length - 1;
        for (const { name, isFolder } of list(folder)) {
          spend(name.length * part.length);
          if ((isLast || isFolder) && tests[at]?.(name)) visit(path.join(folder, name), at + 1);
        }
      }
    };
    visit(one.startsWith('/') ? '/' : '.', 0);
  }
  return [...found];
}

function refused(message: string) {
  return failure(EXIT.invalid, 'RC103', message, 'name folders, or a simpler pattern');
}

/** One character: whether it fits. */
type Fits = (char: string) => boolean;

/** Whether a part of a pattern matches a name. */
function testOf(part: string): (name: string) => boolean {
  if (!isGlob(part)) return (name) => name === part;
  const pieces = piecesOf(part);
  const hasDot = part.startsWith('.');
  return (name) => (hasDot || !name.startsWith('.')) && isMatch(pieces, Array.from(name));
}

/** As many steps as the one is long times the other: of what stars took, only the last one ever gives back. */
function isMatch(pieces: readonly (Fits | '*')[], chars: readonly string[]): boolean {
  let [piece, star, from] = [0, -1, 0];
  for (let at = 0; at < chars.length; ) {
    const fits = pieces[piece];
    if (fits === '*') {
      star = piece++;
      from = at;
    } else if (fits?.(chars[at] ?? '')) {
      piece++;
      at++;
    } else if (star >= 0) {
      piece = star + 1;
      at = ++from;
    } else return false;
  }
  return pieces.slice(piece).every((rest) => rest === '*');
}

/** The characters of a part, and its stars. */
function piecesOf(part: string): (Fits | '*')[] {
  const chars = Array.from(part);
  const pieces: (Fits | '*')[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    const range = char === '[' ? rangeAt(chars, at) : undefined;
    if (char === '*') pieces.push('*');
    else if (char === '?') pieces.push(() => true);
    else if (range) {
      pieces.push(range.fits);
      at = range.end;
    } else pieces.push((other) => other === char);
  }
  return pieces;
}

/** A `[a-z]`, `[!a-z]` or `[^a-z]` that begins here, and where it ends; undefined when nothing closes it. */
function rangeAt(chars: readonly string[], start: number): { fits: Fits; end: number } | undefined {
  const isNot = chars[start + 1] === '!' || chars[start + 1] === '^';
  const first = start + (isNot ? 2 : 1);
  const ranges: (readonly [low: string, high: string])[] = [];
  for (let at = first; at < chars.length; at++) {
    // Where it would be empty, it is no end.
    if (chars[at] === ']' && at > first) {
      const among = (char: string) => ranges.some(([low, high]) => low <= char && char <= high);
      return { fits: (char) => among(char) !== isNot, end: at };
    }
    const low = chars[at] ?? '';
    const isRange = chars[at + 1] === '-' && chars[at + 2] !== ']';
    if (isRange) at += 2;
    ranges.push([low, isRange ? (chars[at] ?? '') : low]);
  }
  return undefined;
}

/** `a{b,c}d` as `abd` and `acd`. Throws a Failure when they are too many. */
function alternatives(pattern: string): string[] {
  const done: string[] = [];
  const open = [pattern];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const split = splitFirst(one);
    if (split.length === 1) done.push(one);
    else open.push(...split.reverse());
    if (done.length + open.length > MOST_ALTERNATIVES)
      throw refused(`${pattern.slice(0, 40)}…: stands for more than ${MOST_ALTERNATIVES} patterns`);
  }
  return done;
}

/** A pattern by its first braces with a comma; itself where there are none. */
function splitFirst(pattern: string): string[] {
  for (let start = 0; start < pattern.length; start++) {
    const ends = pattern[start] === '{' ? endsAt(pattern, start) : [];
    const after = pattern.slice((ends.at(-1) ?? start) + 1);
    const choice = (end: number, n: number) => pattern.slice((ends[n - 1] ?? start) + 1, end);
    if (ends.length > 1) return ends.map((end, n) => pattern.slice(0, start) + choice(end, n) + after);
  }
  return [pattern];
}

/** Where what stands in braces ends that begin here: at each comma, and last of all where they close; nowhere if they do not. */
function endsAt(pattern: string, start: number): number[] {
  const ends: number[] = [];
  let depth = 0;
  for (let at = start; at < pattern.length; at++) {
    if (pattern[at] === '{') depth++;
    else if (pattern[at] === ',' && depth === 1) ends.push(at);
    else if (pattern[at] === '}' && --depth === 0) return [...ends, at];
  }
  return [];
}
