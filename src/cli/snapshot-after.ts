import path from 'node:path';
import { Failure } from '../core/problem.ts';
import { CSV } from '../render/csv.ts';
import { folderOfStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import type { Context } from './context.ts';
import { note } from './report.ts';
import { type GlobalOptions, storeUrl } from './settings.ts';
import { programVersion } from './version-number.ts';

export interface SnapshotOptions extends GlobalOptions {
  /** A folder; false with --no-snapshot. */
  readonly snapshot?: string | boolean;
}

/** Writes the snapshots; a failure says that the apply has happened all the same. */
export async function snapshotAfter(
  context: Context,
  options: SnapshotOptions,
  store: Store,
  revision: number,
): Promise<void> {
  const { writeSnapshots } = await import('../engine/snapshot-files.ts');
  const folder = snapshotFolder(context, options);
  try {
    const { written } = await writeSnapshots({
      store,
      folder,
      isDefault: typeof options.snapshot !== 'string',
      form: CSV,
      version: programVersion(),
      now: () => context.now(),
    });
    if (written.size > 0)
      note(
        context,
        options,
        `wrote the snapshot of ${written.size === 1 ? [...written][0] : `${written.size} workspaces`} to ${path.relative(context.cwd, folder) || '.'}`,
      );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const hint = `the store is at revision ${revision}; mend this, and the next apply writes the snapshot`;
    throw new Failure(
      error.exit,
      error.problems.map((problem) => ({ ...problem, message: `snapshot: ${problem.message}`, hint })),
    );
  }
}

/** Beside the database file; for a remote store below .iam. */
export function snapshotFolder(context: Context, options: SnapshotOptions): string {
  if (typeof options.snapshot === 'string') return path.resolve(context.cwd, options.snapshot);
  const base = folderOfStore(storeUrl(options, context), context.cwd) ?? path.resolve(context.cwd, '.iam');
  return path.join(base, 'snapshot');
}
