import { globSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from '../scripts/build.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** Builds the program before the tests when it is not there, or older than its sources. */
export default async function buildOnce(): Promise<void> {
  const built = modified('dist/cli/main.js');
  const sources = [...globSync('src/**/*.ts', { cwd: ROOT }), 'package-lock.json', 'scripts/build.ts'];
  if (built === 0 || sources.some((path) => modified(path) > built)) await build();
}

function modified(path: string): number {
  return statSync(join(ROOT, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
