import { globSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { build } from '../scripts/build.ts';

const ROOT = resolve(import.meta.dirname, '..');

/**
 * Builds the program before the tests when it is not there, or older than its sources.
 * When that fails, there is none: what runs it fails, all other tests tell what they have to tell.
 */
export default async function buildOnce(): Promise<void> {
  const built = modified('dist/cli/main.js');
  const sources = [...globSync(['src/**/*.ts', 'scripts/bu*.ts'], { cwd: ROOT }), 'package-lock.json'];
  if (built > 0 && sources.every((path) => modified(path) <= built)) return;
  try {
    await build();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`build failed: ${stripVTControlCharacters(reason)}`);
  }
}

function modified(path: string): number {
  return statSync(join(ROOT, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
