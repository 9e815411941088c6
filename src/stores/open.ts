import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';
import type { Store } from './store.ts';

/** The store of a URL: `sqlite:PATH`, the path relative to `cwd`. Opens nothing yet. `lockTimeout` in milliseconds. */
export async function openStore(url: string, cwd: string, lockTimeout: number): Promise<Store> {
  const scheme = /^([a-z]+):/.exec(url)?.[1];
  switch (scheme) {
    case 'sqlite': {
      const file = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
      if (file === '')
        throw failure(EXIT.invalid, 'RC121', '--store sqlite: names no file', 'sqlite:.iam/iam.db');
      const { sqliteStore } = await import('./sqlite/sqlite-store.ts');
      return sqliteStore({ file: path.resolve(cwd, file), location: file, lockTimeout });
    }
    default:
      throw failure(
        EXIT.invalid,
        'RC121',
        `--store: ${scheme === undefined ? 'not a URL' : `unknown kind of store "${scheme}:"`}`,
        'sqlite:PATH, such as sqlite:.iam/iam.db',
      );
  }
}
