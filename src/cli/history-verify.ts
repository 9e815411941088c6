import { EXIT, Failure } from '../core/problem.ts';
import { type KnownHead, type Verification, verifyAudit } from '../engine/verify-audit.ts';
import { verificationText } from '../render/verification-text.ts';
import { headOption, snapshotHeads } from './audit-heads.ts';
import { type HistoryOptions, refuseListing, refuseWorkspace, withReading } from './history-options.ts';
import type { Handler } from './program.ts';
import { reportWarnings } from './report.ts';
import { snapshotFolder } from './snapshot-after.ts';

interface Options extends HistoryOptions {
  readonly head?: string;
}

/** Exit 1 when the audit is not as it was written. */
export const command: Handler = async (context, _args, options: Options) => {
  refuseListing('verify', options);
  refuseWorkspace('verify', options);
  const given = options.head === undefined ? undefined : [headOption(options.head)];
  const [found, heads] = await withReading(context, options, async (reading) => {
    const heads =
      given ?? snapshotHeads(snapshotFolder(context, options), reading.head.store ?? '', context.cwd);
    return [await verifyAudit(reading, heads, context.progress), heads] as const;
  });
  if (found.problems.length > 0) throw new Failure(EXIT.error, found.problems);
  const { stdout } = context;
  if (options.output === 'json') stdout.write(verificationJson(found, heads));
  else stdout.write(verificationText(found, heads, stdout.columns));
  if (found.unaccounted.length > 0)
    reportWarnings(context, options, [
      {
        code: 'RC409',
        severity: 'warn',
        message: `no audit row tells who redacted ${rowsWords(found.unaccounted)}`,
        hint: 'iam history redact leaves such a row: find out who could write to the store',
      },
    ]);
  return EXIT.done;
};

function rowsWords(rows: readonly number[]): string {
  const shown = rows.slice(0, 10).join(', ');
  const more = rows.length > 10 ? ` and ${rows.length - 10} more` : '';
  return `${rows.length === 1 ? 'row' : 'rows'} ${shown}${more}`;
}

function verificationJson(found: Verification, heads: readonly KnownHead[]): string {
  const { rows, head, redacted, unaccounted } = found;
  const comparedWith = heads.map(({ seq, hash, from }) => ({ head: `${seq}:${hash}`, from }));
  return `${JSON.stringify({ kind: 'Verification', rows, head, comparedWith, redacted, unaccounted })}\n`;
}
