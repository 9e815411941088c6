import { hash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Layout } from '../core/snapshot.ts';
import { parseTime } from '../kinds/time.ts';

export interface FileFacts {
  readonly sha256: string;
  readonly rows: number;
  readonly bytes: number;
}

/** What stands beside the tables of a workspace, and tells what they are of. */
export interface Sidecar {
  /** The id of the store that it is of. */
  readonly store: string;
  readonly revision: number;
  readonly commit: string | null;
  readonly asOf: string;
  /** From when on passing time alone makes other rows; null when never. */
  readonly until: string | null;
  readonly files: Readonly<Record<string, FileFacts>>;
  readonly version: string;
  readonly auditHead: string | null;
}

export const SIDECAR = '.snapshot.json';
export const LAYOUTS: readonly Layout[] = ['users', 'grants'];

export function fileOf(workspace: string, layout: Layout): string {
  return `${workspace}.${layout}.csv`;
}

/** Whether the tables are there, and passing time has not made other rows: found out without reading them. */
export function looksFresh(folder: string, workspace: string, facts: Partial<Sidecar>, at: number): boolean {
  const { asOf, until, files } = facts;
  const from = parseTime(asOf ?? '');
  const end = until === null ? Infinity : parseTime(until ?? '');
  if (from === undefined || end === undefined || at < from || at >= end) return false;
  return LAYOUTS.every((layout) => {
    const name = fileOf(workspace, layout);
    const found = statSync(path.join(folder, name), { throwIfNoEntry: false });
    return found !== undefined && found.size === files?.[name]?.bytes;
  });
}

/** Whether the folder has these rows already: the files themselves, and a sidecar of this store that says so. */
export function isCurrent(
  folder: string,
  facts: Partial<Sidecar> | undefined,
  store: string,
  files: Sidecar['files'],
): boolean {
  return (
    facts?.store === store &&
    Object.entries(files).every(([name, { sha256, bytes }]) => {
      const file = path.join(folder, name);
      return (
        facts.files?.[name]?.sha256 === sha256 &&
        statSync(file, { throwIfNoEntry: false })?.size === bytes &&
        hash('sha256', readFileSync(file)) === sha256
      );
    })
  );
}

/** A sidecar that is not there, or cannot be read, is one to write again. */
export function readSidecar(folder: string, workspace: string): Partial<Sidecar> | undefined {
  const file = path.join(folder, workspace + SIDECAR);
  if (!existsSync(file)) return undefined;
  try {
    const facts: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof facts === 'object' && facts !== null ? facts : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
