import { readFileSync } from 'node:fs';
import { EXIT, failure, type Problem, sortProblems } from '../core/problem.ts';
import type { Forge } from '../gitops/forge.ts';
import { github } from '../gitops/github.ts';
import { count } from '../render/lines.ts';
import type { Context } from './context.ts';
import { note, reportProblems, type Voice } from './report.ts';
import type { GlobalOptions } from './settings.ts';

/** Options of every command about pull requests; what is left out, the environment of GitHub Actions says. */
export interface PullRequestOptions extends GlobalOptions {
  readonly repo?: string;
  readonly pr?: string;
  readonly base?: string;
  readonly head?: string;
  readonly dryRun?: boolean;
}

/** What an event of GitHub Actions says of what it is about. */
export interface EventFacts {
  readonly number?: number | undefined;
  readonly base?: string | undefined;
  readonly head?: string | undefined;
  /** The branch that a merge queue put a group on. */
  readonly groupRef?: string | undefined;
}

/** The forge, when there is a repository and a token for it; undefined by hand and with --dry-run. */
export function forgeOf(options: PullRequestOptions, context: Context): Forge | undefined {
  const { env } = context;
  const repository = options.repo ?? env.GITHUB_REPOSITORY;
  const token = env.GITHUB_TOKEN;
  if (options.dryRun === true || !repository || !token) return undefined;
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository))
    throw failure(EXIT.invalid, 'RC121', `--repo cannot be ${JSON.stringify(repository)}`, 'OWNER/NAME');
  const api = env.GITHUB_API_URL || 'https://api.github.com';
  if (!URL.canParse(api))
    throw failure(
      EXIT.invalid,
      'RC121',
      `GITHUB_API_URL cannot be ${JSON.stringify(api)}`,
      'https://HOST/api/v3 for GitHub Enterprise',
    );
  return github({
    repository,
    token,
    api,
    run: env.GITHUB_RUN_ID || undefined,
    waiting: (seconds, why) => note(context, options, `waiting ${seconds} s for ${why} of GitHub`),
    hurries: context.hurries ?? false,
  });
}

/** More problems than these nobody reads in a log. */
const MOST_SAID = 500;

/** Says problems, of very many the first: others can make as many as they like. */
export function sayProblems(context: Context, voice: Voice, problems: readonly Problem[]): void {
  reportProblems(context, voice, sortProblems(problems).slice(0, MOST_SAID));
  const more = problems.length - MOST_SAID;
  if (more > 0) note(context, voice, `… and ${count(more, 'more problem')}: iam validate tells all of them`);
}

/** The event that this run is for; nothing where there is none. */
export function eventOf({ env }: Context): EventFacts {
  if (!env.GITHUB_EVENT_PATH) return {};
  let event: unknown;
  try {
    event = JSON.parse(readFileSync(env.GITHUB_EVENT_PATH, 'utf8'));
  } catch (error) {
    throw failure(
      EXIT.invalid,
      'RC101',
      `GITHUB_EVENT_PATH cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
  const { pull_request: pull, issue, merge_group: group, inputs } = (event ?? {}) as Event;
  const number =
    pull?.number ?? (issue?.pull_request ? issue.number : undefined) ?? Number(inputs?.pr ?? Number.NaN);
  return {
    number: Number.isSafeInteger(number) ? number : undefined,
    base: group?.base_sha,
    head: group?.head_sha,
    groupRef: group?.head_ref,
  };
}

interface Event {
  readonly pull_request?: { readonly number?: number };
  readonly issue?: { readonly number?: number; readonly pull_request?: object };
  readonly merge_group?: {
    readonly base_sha?: string;
    readonly head_sha?: string;
    readonly head_ref?: string;
  };
  readonly inputs?: { readonly pr?: string };
}
