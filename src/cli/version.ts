import { EXIT } from '../core/problem.ts';
import type { Handler } from './program.ts';
import { programVersion } from './version-number.ts';

interface Options {
  readonly output: 'text' | 'json';
}

export const command: Handler = async (context, _args, options: Options) => {
  const version = programVersion();
  const { node } = process.versions;
  context.stdout.write(
    options.output === 'json'
      ? `${JSON.stringify({ kind: 'Version', version, node })}\n`
      : `iam ${version} (node ${node})\n`,
  );
  return EXIT.done;
};
