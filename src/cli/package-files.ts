import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of the package. This file is two levels below it in the sources, and so is every chunk of the bundle. */
const PACKAGE = join(import.meta.dirname, '../..');

/** The text of a file that comes with the package. */
export function readPackageFile(path: string): string {
  return readFileSync(join(PACKAGE, path), 'utf8');
}
