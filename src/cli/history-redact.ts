import { type AuditRow, isRedacted } from '../core/audit.ts';
import { EXIT, failure } from '../core/problem.ts';
import { redactRows, rowsToRedact } from '../engine/redact-rows.ts';
import { auditText } from '../render/audit-text.ts';
import {
  type HistoryOptions,
  numberArgument,
  refuseListing,
  refuseWorkspace,
  withReading,
} from './history-options.ts';
import { actOf } from './inputs.ts';
import type { Handler } from './program.ts';
import { note } from './report.ts';
import { managerName } from './settings.ts';

interface Options extends HistoryOptions {
  readonly reason?: string;
  readonly yes?: boolean;
}

/** Takes the payloads of audit rows away for good; the chain holds, and says that it was done. */
export const command: Handler = async (context, words, options: Options) => {
  refuseListing('redact', options);
  refuseWorkspace('redact', options);
  const numbers = words.map((word) =>
    numberArgument(word, 'SEQ', 'the number of an audit row: iam history --audit lists them'),
  );
  if (options.reason === undefined || options.reason.trim() === '')
    throw failure(EXIT.invalid, 'RC121', 'to redact needs a reason', 'say why with --reason TEXT');
  const asks = context.interactive && options.yes !== true;
  if (asks && options.output === 'json')
    throw failure(
      EXIT.invalid,
      'RC121',
      '-o json on a terminal cannot ask',
      'give --yes, or look at the rows first: iam history --audit',
    );
  const act = actOf(options, context, managerName(options, context));
  const [rows, store] = await withReading(
    context,
    options,
    async (reading, store) => [await rowsToRedact(reading, numbers), store] as const,
  );
  const { stdout } = context;
  const left = rows.filter((row) => !isRedacted(row));
  if (options.output === 'text') stdout.write(auditText(rows, { width: stdout.columns }));
  if (asks && left.length > 0) {
    const what = left.length === 1 ? 'this row says' : `these ${left.length} rows say`;
    if (!(await context.confirm(`Take away for good what ${what}?`))) {
      note(context, options, 'declined, nothing was redacted');
      return EXIT.error;
    }
  }
  // Also where nothing is left: the last time it may have failed to take the texts out of the file.
  const { auditHead } = await redactRows(store, left, act);
  if (options.output === 'json') stdout.write(`${JSON.stringify(redactionJson(left, auditHead))}\n`);
  else
    note(
      context,
      options,
      left.length === 0
        ? 'nothing to do: redacted already'
        : `redacted ${left.length === 1 ? 'row' : 'rows'} ${left.map(({ seq }) => seq).join(', ')}; the newest audit row is ${auditHead}`,
    );
  return EXIT.done;
};

function redactionJson(rows: readonly AuditRow[], auditHead: string | null) {
  return {
    kind: 'Redaction',
    rows: rows.map(({ seq, revision, action, identity }) => ({ seq, revision, action, identity })),
    auditHead,
  };
}
