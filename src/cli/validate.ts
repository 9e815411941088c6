import { EXIT, Failure, sortProblems } from '../core/problem.ts';
import { hasErrors } from '../engine/load.ts';
import { auditFiles, validateFiles } from '../engine/validate.ts';
import { KIND_NAMES } from '../kinds/index.ts';
import { count, thousands } from '../render/lines.ts';
import { type InputOptions, sourceOf } from './inputs.ts';
import type { Handler } from './program.ts';
import { reportWarnings } from './report.ts';

interface Options extends InputOptions {
  readonly partial?: boolean;
  readonly audit?: boolean;
  readonly output: 'text' | 'json';
}

export const command: Handler = async (context, _args, options: Options) => {
  const { declared, warnings } = await validateFiles(
    sourceOf(options, context),
    options.partial ?? false,
    context.progress,
  );
  const audited = options.audit === true ? await auditFiles(declared, context.now()) : [];
  if (hasErrors(audited)) throw new Failure(EXIT.refused, sortProblems([...warnings, ...audited]));
  reportWarnings(context, options, [...warnings, ...audited]);
  const kinds = Map.groupBy(declared, ({ resource }) => resource.kind);
  const counts = KIND_NAMES.flatMap((kind) =>
    kinds.has(kind) ? [[kind, kinds.get(kind)?.length ?? 0] as const] : [],
  );
  if (options.output === 'json') {
    context.stdout.write(
      `${JSON.stringify({ kind: 'Validation', valid: true, resources: Object.fromEntries(counts) })}\n`,
    );
  } else {
    const list = counts.map(([kind, n]) => `${thousands(n)} ${kind}`).join(', ');
    context.stdout.write(`valid: ${count(declared.length, 'resource')} (${list})\n`);
  }
  return EXIT.done;
};
