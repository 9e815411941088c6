import type { Problem } from '../core/problem.ts';
import type { InputText } from '../core/read-input.ts';

/** Where manifests come from. */
export interface Source {
  /** For people: the paths as they were given. */
  readonly name: string;
  /**
   * Reads the whole input. What is missing, unreadable or only half read must be a problem, never left out. Each
   * text is given once, whatever the paths that lead to it.
   *
   * Files of which `isKnown` knows the hash (sha256 of their bytes, hexadecimal) are given without their text. Where
   * nobody asks, and in a source that has no hashes, all have their text and no hash.
   */
  load(isKnown?: (hash: string) => boolean, told?: Told): Promise<Loaded>;
  /**
   * Calls `changed` after anything that `load` would read may have changed; says nothing of what did. Resolves once
   * it is watching; the result stops it. Absent where a source cannot watch.
   */
  watch?(changed: () => void): Promise<() => Promise<void>>;
}

/** Is told how many files were read, of how many. Never throws. */
export type Told = (done: number, total: number) => void;

export interface Loaded {
  readonly texts: readonly InputText[];
  readonly problems: readonly Problem[];
  readonly known: readonly KnownFile[];
}

/** A file whose bytes are known. */
export interface KnownFile {
  readonly file: string;
  readonly hash: string;
  /** Its text after all. One that has changed meanwhile is a problem. */
  read(): Pick<Loaded, 'texts' | 'problems'>;
}
