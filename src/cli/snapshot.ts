import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';
import { GRANT_COLUMNS, type Layout, USER_COLUMNS } from '../core/snapshot.ts';
import { requireStore } from '../engine/plan.ts';
import { readSnapshot } from '../engine/snapshot.ts';
import { csv } from '../render/csv.ts';
import { count } from '../render/lines.ts';
import { storeOf } from './inputs.ts';
import type { Handler } from './program.ts';
import { note } from './report.ts';
import { type GlobalOptions, timeOption } from './settings.ts';
import { writeWhole } from './write-whole.ts';

interface Options extends GlobalOptions {
  readonly layout: Layout;
  readonly output?: string;
  readonly at?: string;
  readonly bom?: boolean;
}

const COLUMNS = { users: USER_COLUMNS, grants: GRANT_COLUMNS } as const satisfies Record<
  Layout,
  readonly string[]
>;

export const command: Handler = async (context, _args, options: Options) => {
  const store = await storeOf(options, context);
  const at = timeOption(options.at, context);
  const past = options.at !== undefined && at < context.now();
  const { head, workspaces, rows } = await readSnapshot(store, at, options.workspace, past);
  requireStore(head, store.location);
  if (options.workspace !== undefined && workspaces.length === 0)
    throw failure(
      EXIT.invalid,
      'RC126',
      `there ${past ? 'was' : 'is'} no workspace "${options.workspace}"`,
      'iam get workspaces',
    );
  const table = workspaces.flatMap((workspace): readonly Readonly<Record<string, string>>[] =>
    rows[options.layout](workspace),
  );
  const text =
    (options.bom === true ? '\ufeff' : '') + [...csv<string>(COLUMNS[options.layout], table)].join('');
  if (options.output === undefined) context.stdout.write(text);
  else {
    writeWhole(path.resolve(context.cwd, options.output), text, 0o600);
    note(context, options, `wrote ${count(table.length, 'row')} to ${options.output}`);
  }
  return EXIT.done;
};
