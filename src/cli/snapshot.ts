import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';
import { COLUMNS, type Layout } from '../core/snapshot.ts';
import { Pieces } from '../engine/pieces.ts';
import { requireStore } from '../engine/plan.ts';
import { readSnapshot, type StoreSnapshot } from '../engine/snapshot.ts';
import { beginWhole } from '../engine/whole-file.ts';
import { CSV, csvHeader } from '../render/csv.ts';
import { count } from '../render/lines.ts';
import { storeOf } from './inputs.ts';
import type { Handler } from './program.ts';
import { note } from './report.ts';
import { type GlobalOptions, timeOption } from './settings.ts';

interface Options extends GlobalOptions {
  readonly layout: Layout;
  readonly output?: string;
  readonly at?: string;
  readonly bom?: boolean;
}

export const command: Handler = async (context, _args, options: Options) => {
  const store = await storeOf(options, context);
  const at = timeOption(options.at, context);
  const past = options.at !== undefined && at < context.now();
  const { workspace } = options;
  const reading = await store.read();
  try {
    const snapshot = await readSnapshot(reading, { at, workspace, past, form: CSV });
    requireStore(snapshot.head, store.location);
    if (workspace !== undefined && snapshot.workspaces.length === 0)
      throw failure(
        EXIT.invalid,
        'RC126',
        `there ${past ? 'was' : 'is'} no workspace "${workspace}"`,
        'iam get workspaces',
      );
    if (options.output === undefined) {
      await writeTable(snapshot, options, (text) => context.stdout.write(text));
      return EXIT.done;
    }
    const file = beginWhole(path.resolve(context.cwd, options.output), 0o600);
    try {
      const rows = await writeTable(snapshot, options, (text) => file.write(Buffer.from(text)));
      file.place();
      note(context, options, `wrote ${count(rows, 'row')} to ${options.output}`);
    } finally {
      file.drop();
    }
    return EXIT.done;
  } finally {
    await reading.close();
  }
};

/** Writes all rows of a layout, as they are made; returns how many there are. */
async function writeTable(
  snapshot: StoreSnapshot,
  { layout, bom }: Options,
  write: (text: string) => void,
): Promise<number> {
  const pieces = new Pieces(write);
  let rows = 0;
  pieces.add((bom === true ? '\ufeff' : '') + csvHeader(COLUMNS[layout]));
  for (const workspace of snapshot.workspaces) {
    for (const row of (await snapshot.of(workspace))[layout]()) {
      pieces.add(row);
      rows++;
    }
  }
  pieces.flush();
  return rows;
}
