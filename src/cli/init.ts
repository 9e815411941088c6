import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EXIT, type Failure, failure } from '../core/problem.ts';
import { starterFiles } from '../render/starter.ts';
import { readPackageFile } from './package-files.ts';
import type { Handler } from './program.ts';
import { paintFor } from './settings.ts';
import { shellQuote } from './shell-quote.ts';

/** Beside the manifests, so that editors find it wherever the folder is; hidden, so that it is not read as one. */
const SCHEMA = '.rolecall.schema.json';

export const command: Handler = async (context, [dir = '']) => {
  const folder = resolve(context.cwd, dir);
  const year = new Date(context.now()).getUTCFullYear();
  const manifests = starterFiles({ schema: SCHEMA, until: `${year + 1}-12-31` });
  const files = [
    ...manifests,
    { path: SCHEMA, about: 'for editors', text: readPackageFile('schemas/rolecall.schema.json') },
  ];
  attempt(dir, () => {
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length > 0)
      throw refused(`${dir} is not empty`, 'give a folder that does not exist yet, or is empty');
    // Never over a file that appeared in the meantime.
    for (const { path, text } of files) writeFileSync(join(folder, path), text, { flag: 'wx' });
  });
  const { stdout } = context;
  const paint = paintFor(stdout);
  const names = files.map(({ path }) => join(dir, path));
  const width = Math.max(...names.map((name) => name.length));
  const wrote = files.map(
    ({ about }, i) => `  ${(names[i] ?? '').padEnd(width)}  ${paint('faint', about)}\n`,
  );
  stdout.write(
    `wrote\n${wrote.join('')}\nnext\n  iam plan -f ${shellQuote(dir)}\n  iam apply -f ${shellQuote(dir)}\n`,
  );
  return EXIT.done;
};

/** Runs what touches the file system; what that says is wrong becomes a Failure. */
function attempt(dir: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error && 'code' in error)) throw error;
    if (error.code === 'EEXIST' || error.code === 'ENOTDIR') throw refused(`${dir} is not a folder`);
    throw refused(`${dir} cannot be written: ${error.code}`);
  }
}

function refused(message: string, hint?: string): Failure {
  return failure(EXIT.invalid, 'RC128', message, hint);
}
