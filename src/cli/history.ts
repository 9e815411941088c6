import { EXIT } from '../core/problem.ts';
import { requireStore } from '../engine/plan.ts';
import { parseTime, showTime } from '../kinds/time.ts';
import { table } from '../render/table.ts';
import type { Revision } from '../stores/store.ts';
import { storeOf } from './inputs.ts';
import type { Handler } from './program.ts';
import { note } from './report.ts';
import { type GlobalOptions, timeOption } from './settings.ts';

interface Options extends GlobalOptions {
  readonly output: 'text' | 'json' | 'jsonl';
  readonly since?: string;
}

export const command: Handler = async (context, _args, options: Options) => {
  const store = await storeOf(options, context);
  const since = options.since === undefined ? -Infinity : timeOption(options.since, context, '--since');
  const reading = await store.read();
  const revisions: Revision[] = [];
  try {
    requireStore(reading.head, store.location);
    for await (const batch of reading.revisions())
      revisions.push(...batch.filter(({ at }) => (parseTime(at) ?? 0) >= since));
  } finally {
    await reading.close();
  }
  const { stdout } = context;
  if (options.output === 'json') stdout.write(`${JSON.stringify({ kind: 'History', revisions })}\n`);
  else if (options.output === 'jsonl')
    for (const revision of revisions) stdout.write(`${JSON.stringify(revision)}\n`);
  else if (revisions.length === 0)
    note(
      context,
      options,
      options.since === undefined ? 'nothing was applied yet' : `nothing was applied since ${options.since}`,
    );
  else stdout.write(table(['REVISION', 'WHEN', 'BY', '+', '~', '-', 'REASON'], revisions.map(row)));
  return EXIT.done;
};

function row({ revision, at, actor, manager, summary, reason }: Revision): string[] {
  const { create, update, delete: removed } = summary;
  const when = showTime(at.replace(/\.\d+Z$/, 'Z'));
  return [
    String(revision),
    when,
    actor ?? `manager:${manager}`,
    String(create),
    String(update),
    String(removed),
    (reason ?? '').replaceAll('\n', ' '),
  ];
}
