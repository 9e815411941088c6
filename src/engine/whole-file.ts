import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';

/** A file that is being written. Until it is put in its place nobody sees it, and what was there before stays. */
export interface WholeFile {
  write(bytes: Uint8Array): void;
  /** Puts it in its place, durably. */
  place(): void;
  /** Leaves everything as it was; nothing once it is in its place. */
  drop(): void;
}

/**
 * Begins to write a file whole or not at all: a temporary file beside it, fsync, rename.
 *
 * Each call throws a Failure when it cannot be written; nothing of it is left then.
 */
export function beginWhole(file: string, mode: number): WholeFile {
  const temporary = path.join(path.dirname(file), temporaryName(path.basename(file)));
  let descriptor: number | undefined;
  const drop = () => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
    rmSync(temporary, { force: true });
  };
  const trying = (act: () => void) => {
    try {
      act();
    } catch (error) {
      drop();
      const reason = error instanceof Error ? error.message : error;
      throw failure(EXIT.error, 'RC128', `${file} cannot be written: ${reason}`);
    }
  };
  trying(() => {
    descriptor = openSync(temporary, 'wx', mode);
  });
  return {
    write: (bytes) =>
      trying(() => {
        for (let at = 0; at < bytes.length && descriptor !== undefined; )
          at += writeSync(descriptor, bytes, at);
      }),
    place: () =>
      trying(() => {
        if (descriptor === undefined) return;
        fsyncSync(descriptor);
        closeSync(descriptor);
        descriptor = undefined;
        renameSync(temporary, file);
      }),
    drop,
  };
}

const TEMPORARY = /^\..*\.(\d+)-[\da-f-]{36}\.tmp$/;

/** A name that says which process it is of, so that what is left of one that is gone can be told. */
export function temporaryName(name: string): string {
  return `.${name}.${process.pid}-${randomUUID()}.tmp`;
}

export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

/** Whether a process that is gone has left a temporary file. To be asked of what was there before this one began. */
export function isLeftOver(name: string): boolean {
  const [, pid] = TEMPORARY.exec(name) ?? [];
  if (pid === undefined) return false;
  if (Number(pid) === process.pid) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
