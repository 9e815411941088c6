import { Buffer } from 'node:buffer';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writevSync,
} from 'node:fs';
import path from 'node:path';
import {
  encodeIndex,
  type IndexFacts,
  openIndex,
  type SettledFile,
  type SettledIndex,
} from './settled-index.ts';

/** The place where an index is kept. It is disposable: nothing that goes wrong with it is worth a failure. */
export interface IndexFile {
  /** Undefined where there is none that can be used. Must be closed. */
  open(): { readonly index: SettledIndex; close(): void } | undefined;
  write(facts: IndexFacts, files: readonly SettledFile[]): void;
  /** Takes it away, so that the next plan reads everything. */
  forget(): void;
}

export function indexFile(file: string): IndexFile {
  return {
    open() {
      try {
        return openFile(file);
      } catch {
        // Not there, not readable, not whole: as if there were none.
        return undefined;
      }
    },
    write(facts, files) {
      // Always the same name, so that none pile up: what two writers make of it together is not whole, and seen to be so.
      const temporary = `${file}.tmp`;
      try {
        mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
        writeParts(temporary, encodeIndex(facts, files));
        renameSync(temporary, file);
      } catch {
        // A folder that cannot be written, a full disk: the next plan reads everything, as this one did.
        rmSync(temporary, { force: true });
      }
    },
    forget() {
      try {
        rmSync(file, { force: true });
      } catch {
        // A folder that cannot be written: plan --full does without.
      }
    },
  };
}

function openFile(file: string): ReturnType<IndexFile['open']> {
  const descriptor = openSync(file, 'r');
  const close = () => closeSync(descriptor);
  try {
    const { size, mode, uid } = fstatSync(descriptor);
    // Whoever can write it could hide a change: it must be as much ours as the store is.
    const isOurs = process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
    const index = isOurs
      ? openIndex({ length: size, read: (start, length) => readPart(descriptor, start, length) })
      : undefined;
    if (index) return { index, close };
  } catch (error) {
    close();
    throw error;
  }
  close();
  return undefined;
}

function readPart(descriptor: number, start: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const n = readSync(descriptor, bytes, read, length - read, start + read);
    if (n === 0) break;
    read += n;
  }
  return bytes.subarray(0, read);
}

/** How many parts one system call may take. */
const AT_ONCE = 1000;

function writeParts(file: string, parts: readonly Buffer[]): void {
  const descriptor = openSync(
    file,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    for (let i = 0; i < parts.length; i += AT_ONCE) writeAll(descriptor, parts.slice(i, i + AT_ONCE));
  } finally {
    closeSync(descriptor);
  }
}

function writeAll(descriptor: number, parts: readonly Buffer[]): void {
  let left = [...parts].filter(({ length }) => length > 0);
  while (left.length > 0) {
    let written = writevSync(descriptor, left);
    while (left.length > 0 && written >= (left[0]?.length ?? 0)) {
      written -= left[0]?.length ?? 0;
      left = left.slice(1);
    }
    const [first] = left;
    if (first && written > 0) left = [first.subarray(written), ...left.slice(1)];
  }
}
