import { EXIT, type ExitStatus, failure } from '../core/problem.ts';
import { compareSources } from '../engine/compare.ts';
import { gitSource } from '../sources/git.ts';
import type { Context } from './context.ts';
import type { InputOptions } from './inputs.ts';
import { planExit, printPlan } from './plan.ts';
import type { Handler } from './program.ts';
import { managerName } from './settings.ts';

export interface DiffOptions extends InputOptions {
  readonly output: 'text' | 'json' | 'markdown';
  readonly git?: string;
  readonly from?: string;
  readonly to?: string;
}

export const command: Handler = async (context, _args, options: DiffOptions) => {
  const { git, from, to, filename } = options;
  if (from === undefined && to === undefined) return diffCommits(context, options);
  if (git !== undefined || filename !== undefined)
    throw failure(
      EXIT.invalid,
      'RC121',
      `--from and --to compare revisions of the store: no ${git === undefined ? '-f' : '--git'} beside them`,
      'leave it out, or compare commits: --git BASE..HEAD -f PATH',
    );
  if (from === undefined)
    throw failure(EXIT.invalid, 'RC121', '--to needs --from', '--from REV --to REV, such as --from 3 --to 5');
  const { diffRevisions } = await import('./diff-revisions.ts');
  return diffRevisions(context, options, from, to);
};

async function diffCommits(context: Context, options: DiffOptions): Promise<ExitStatus> {
  const { git: range, filename: paths = [] } = options;
  const match = /^(.+?)(?<!\.)\.\.([^.].*)?$/.exec(range ?? '');
  if (!match)
    throw failure(
      EXIT.invalid,
      'RC121',
      range === undefined ? 'nothing to compare' : `--git cannot be ${JSON.stringify(range)}`,
      range === undefined
        ? '--git BASE..HEAD -f PATH for commits, --from REV for revisions of the store'
        : '--git BASE..HEAD -f PATH, such as --git main..HEAD',
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
}
