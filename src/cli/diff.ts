import { EXIT, failure } from '../core/problem.ts';
import { compareSources } from '../engine/compare.ts';
import { gitSource } from '../sources/git.ts';
import type { InputOptions } from './inputs.ts';
import { planExit, printPlan } from './plan.ts';
import type { Handler } from './program.ts';
import { managerName } from './settings.ts';

interface Options extends InputOptions {
  readonly output: 'text' | 'json' | 'markdown';
  readonly git?: string;
}

export const command: Handler = async (context, _args, options: Options) => {
  const { git: range, filename: paths = [] } = options;
  const match = /^(.+?)(?<!\.)\.\.([^.].*)?$/.exec(range ?? '');
  if (!match)
    throw failure(
      EXIT.invalid,
      'RC121',
      range === undefined ? 'nothing to compare' : `--git cannot be ${JSON.stringify(range)}`,
      '--git BASE..HEAD -f PATH, such as --git main..HEAD',
    );
  if (paths.length === 0 || paths.includes('-'))
    throw failure(
      EXIT.invalid,
      'RC121',
      'no manifests given',
      'name files or a folder of the repository with -f',
    );
  const [, base = '', head = 'HEAD'] = match;
  const { cwd } = context;
  const compared = await compareSources(
    gitSource({ revision: base, paths, cwd, label: `${base}:`, mayBeAbsent: true }),
    gitSource({ revision: head, paths, cwd, label: '', mayBeAbsent: false }),
    managerName(options, context),
    context.now(),
  );
  const name = `${base}..${head}`;
  await printPlan(
    context,
    options,
    compared,
    name,
    `Difference ${name} of ${paths.join(' ')}: files against files, no store`,
  );
  return planExit(context, options, compared, false);
};
