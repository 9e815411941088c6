import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';

/**
 * Writes a file whole or not at all: temporary file beside it, fsync, rename. A reader never sees half of it.
 *
 * Throws a Failure when it cannot be written; what was there before is still there then.
 */
export function writeWhole(file: string, text: string, mode = 0o644): void {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}.tmp`);
  try {
    const descriptor = openSync(temporary, 'wx', mode);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw failure(
      EXIT.error,
      'RC128',
      `${file} cannot be written: ${error instanceof Error ? error.message : error}`,
    );
  }
}
