import path from 'node:path';

/** One name in a folder. */
export interface Listed {
  readonly name: string;
  /** A folder, or a link to one. */
  readonly isFolder: boolean;
  readonly isLink: boolean;
}

/** What is in a folder; empty when it is none. */
export type List = (folder: string) => readonly Listed[];

export function isGlob(pattern: string): boolean {
  return /[*?[{]/.test(pattern);
}

/**
 * The files and folders that a pattern matches: `*`, `?`, `[a-z]` and `{a,b}` in a name, `**` for folders at any
 * depth. Names that begin with a dot only where the pattern has the dot.
 *
 * Not `fs.globSync`, which leaves out silently what it cannot read. `**` follows no links; `passed` hears of each one
 * to a folder.
 */
export function expandGlob(pattern: string, list: List, passed: (link: string) => void): string[] {
  const found = new Set<string>();
  const visit = (folder: string, parts: readonly string[]): void => {
    const [part, ...rest] = parts;
    if (part === undefined) {
      found.add(folder);
    } else if (part === '.' || part === '..') {
      visit(path.join(folder, part), rest);
    } else if (part === '**') {
      visit(folder, rest);
      // What is found is read with all that is in it.
      if (rest.length === 0) return;
      for (const { name, isFolder, isLink } of list(folder)) {
        if (!isFolder || name.startsWith('.')) continue;
        if (isLink) passed(path.join(folder, name));
        else visit(path.join(folder, name), parts);
      }
    } else {
      const matches = isGlob(part)
        ? (name: string) => (part.startsWith('.') || !name.startsWith('.')) && path.matchesGlob(name, part)
        : (name: string) => name === part;
      for (const { name, isFolder } of list(folder))
        if ((rest.length === 0 || isFolder) && matches(name)) visit(path.join(folder, name), rest);
    }
  };
  for (const one of alternatives(pattern))
    visit(
      one.startsWith('/') ? '/' : '.',
      one.split('/').filter((part) => part !== ''),
    );
  return [...found];
}

/** `a{b,c}d` as `abd` and `acd`. */
function alternatives(pattern: string): string[] {
  const start = pattern.indexOf('{');
  const commas: number[] = [];
  let depth = 0;
  for (let i = start; start >= 0 && i < pattern.length; i++) {
    if (pattern[i] === '{') depth++;
    else if (pattern[i] === ',' && depth === 1) commas.push(i);
    else if (pattern[i] === '}' && --depth === 0) {
      if (commas.length === 0) break;
      const ends = [...commas, i];
      return ends.flatMap((end, n) =>
        alternatives(
          pattern.slice(0, start) + pattern.slice((ends[n - 1] ?? start) + 1, end) + pattern.slice(i + 1),
        ),
      );
    }
  }
  return [pattern];
}
