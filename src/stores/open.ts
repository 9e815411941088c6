import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';
import type { Store } from './store.ts';

function databasePath(url: string): string {
  return url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
}

/** The folder that a store's database is in; undefined where it is not a file. */
export function folderOfStore(url: string, cwd: string): string | undefined {
  return url.startsWith('sqlite:') ? path.dirname(path.resolve(cwd, databasePath(url))) : undefined;
}

/**
 * The store of a URL: `sqlite:PATH`, the path relative to `cwd`, or `postgres://…`. Opens nothing yet. `lockTimeout` in
 * milliseconds.
 */
export async function openStore(url: string, cwd: string, lockTimeout: number): Promise<Store> {
  const scheme = /^([a-z]+):/.exec(url)?.[1];
  switch (scheme) {
    case 'sqlite': {
      const file = databasePath(url);
      if (file === '')
        throw failure(EXIT.invalid, 'RC121', '--store sqlite: names no file', 'sqlite:.iam/iam.db');
      const { sqliteStore } = await import('./sqlite/sqlite-store.ts');
      return sqliteStore({ file: path.resolve(cwd, file), location: file, lockTimeout });
    }
    case 'postgres':
    case 'postgresql': {
      const { postgresStore } = await import('./postgres/postgres-store.ts');
      return postgresStore({ url, lockTimeout });
    }
    default:
      throw failure(
        EXIT.invalid,
        'RC121',
        `--store: ${scheme === undefined ? 'not a URL' : `unknown kind of store "${scheme}:"`}`,
        'sqlite:PATH, such as sqlite:.iam/iam.db, or postgres://USER@HOST/DATABASE',
      );
  }
}
