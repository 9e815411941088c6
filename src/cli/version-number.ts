import { readFileSync } from 'node:fs';

/** The version of package.json, which lies two folders above this file, bundled or not. */
export function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
