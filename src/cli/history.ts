import { EXIT, type ExitStatus, failure } from '../core/problem.ts';
import { didYouMean } from '../core/suggest.ts';
import { auditRows, type HistoryFilter, readRevisions } from '../engine/history.ts';
import { auditText, refusalsText } from '../render/audit-text.ts';
import { whenWords } from '../render/audit-words.ts';
import { table } from '../render/table.ts';
import type { Revision } from '../stores/store.ts';
import type { Context } from './context.ts';
import { type HistoryOptions, withReading } from './history-options.ts';
import { listed, writeParts } from './parts.ts';
import type { Handler } from './program.ts';
import { note } from './report.ts';
import { paintFor, timeOption } from './settings.ts';

export const command: Handler = async (context, [word], options: HistoryOptions) => {
  if (word !== undefined)
    throw failure(
      EXIT.invalid,
      'RC121',
      `unknown command "history ${word}"`,
      didYouMean(word, BELOW) ?? `iam history alone, or with one of: ${BELOW.join(', ')}`,
    );
  const filter: HistoryFilter = {
    since: options.since === undefined ? -Infinity : timeOption(options.since, context, '--since'),
    workspace: options.workspace,
  };
  return options.audit === true || options.refused === true
    ? showAudit(context, options, filter)
    : showRevisions(context, options, filter);
};

const BELOW = ['show', 'verify', 'redact'];

async function showRevisions(
  context: Context,
  options: HistoryOptions,
  filter: HistoryFilter,
): Promise<ExitStatus> {
  const revisions = await withReading(context, options, (reading) => readRevisions(reading, filter));
  const { stdout } = context;
  if (options.output === 'json') stdout.write(`${JSON.stringify({ kind: 'History', revisions })}\n`);
  else if (options.output === 'jsonl')
    for (const revision of revisions) stdout.write(`${JSON.stringify(revision)}\n`);
  else if (revisions.length === 0)
    note(
      context,
      options,
      `nothing was applied${options.since === undefined ? ' yet' : sinceWords(options)}`,
    );
  else stdout.write(table(['REVISION', 'WHEN', 'BY', '+', '~', '-', 'REASON'], revisions.map(row)));
  return EXIT.done;
}

function row({ revision, at, actor, manager, summary, reason }: Revision): string[] {
  const { create, update, delete: removed } = summary;
  return [
    String(revision),
    whenWords(at),
    actor ?? `manager:${manager}`,
    String(create),
    String(update),
    String(removed),
    (reason ?? '').replaceAll('\n', ' '),
  ];
}

/** As it is read: of a long history the audit does not fit into memory. */
async function showAudit(
  context: Context,
  options: HistoryOptions,
  filter: HistoryFilter,
): Promise<ExitStatus> {
  const { stdout } = context;
  const { output } = options;
  const isRefused = options.refused === true;
  const width = stdout.columns;
  let separator = '';
  let rows = 0;
  await withReading(context, options, async (reading) => {
    for await (const batch of auditRows(reading, { ...filter, action: isRefused ? 'refused' : undefined })) {
      if (output === 'json') {
        if (rows === 0) stdout.write('{"kind":"Audit","rows":[');
        writeParts(stdout, [separator, ...listed(batch)]);
      } else if (output === 'jsonl')
        writeParts(
          stdout,
          batch.map((one) => `${JSON.stringify(one)}\n`),
        );
      else if (isRefused)
        stdout.write(`${separator}${refusalsText(batch, { paint: paintFor(stdout), width })}`);
      else stdout.write(auditText(batch, { width }));
      separator = output === 'json' ? ',' : '\n';
      rows += batch.length;
    }
  });
  if (output === 'json') stdout.write(rows === 0 ? '{"kind":"Audit","rows":[]}\n' : ']}\n');
  else if (rows === 0 && output === 'text')
    note(context, options, `nothing was ${isRefused ? 'refused' : 'recorded'}${sinceWords(options)}`);
  return EXIT.done;
}

function sinceWords({ since, workspace }: HistoryOptions): string {
  return `${workspace === undefined ? '' : ` in ${workspace}`}${since === undefined ? '' : ` since ${since}`}`;
}
