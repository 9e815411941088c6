import { CODES, type Code } from '../core/code.ts';
import type { Override } from '../core/override.ts';
import type { Problem } from '../core/problem.ts';
import type { Verdict } from '../core/verdict.ts';
import { NO_OVERRIDES, type Overriding } from '../engine/judgement.ts';
import type { GitOpsConfig } from './config.ts';
import { SOFT_CODES } from './config-schema.ts';
import type { Comment, Forge, PullRequest } from './forge.ts';

/** What lets refusals of one plan pass, and the comments that would, and do not count. */
export interface FoundOverrides {
  readonly overriding: Overriding;
  readonly void: readonly Problem[];
}

const ORDER = /^\s*iam override (RC\d{3}) (sha256:[0-9a-f]{64})\s*$/gm;

/**
 * What lets the refusals of a plan of some pull requests pass: comments of people who may and wrote none of them, for soft codes, and the approval of a protected environment
 * for hard ones. Asks the forge what they may at this moment.
 */
export async function overridesOf(
  forge: Forge,
  pulls: readonly PullRequest[],
  config: GitOpsConfig,
  denied: readonly Verdict[],
  digest: string,
): Promise<FoundOverrides> {
  const codes = new Set(denied.map(({ code }) => code));
  if (codes.size === 0) return { overriding: NO_OVERRIDES, void: [] };
  const overrides: Override[] = [];
  const people = new Set<string>();
  const ways = new Set<string>();
  const voids: { readonly code: Code; readonly problem: Problem }[] = [];
  const authors = new Set(pulls.map(({ author }) => author.toLowerCase()));
  const pushers = await pushersOf(forge, pulls);
  const comments = await Promise.all(pulls.map(({ number }) => forge.comments(number)));
  for (const comment of comments.flat()) {
    for (const [, code = '', of] of comment.body.matchAll(ORDER)) {
      if (!isCode(code) || !codes.has(code)) continue;
      const why =
        of === digest
          ? await objection(forge, comment, code, config, authors, pushers)
          : 'it is for another plan than this';
      if (why !== undefined) voids.push({ code, problem: voidProblem(comment, code, why) });
      else {
        overrides.push({ code, digest });
        people.add(comment.author);
        ways.add(`${nameOf(comment.author, config)} in a comment`);
      }
    }
  }
  const hard = [...codes].filter((code) => !isSoft(code) && isOverridable(code));
  const approvers =
    hard.length > 0 && config.environment !== undefined
      ? (await forge.approvalsOf(config.environment)).filter((login) => !authors.has(login.toLowerCase()))
      : [];
  if (approvers.length > 0) {
    overrides.push(...hard.map((code) => ({ code, digest })));
    for (const login of approvers) {
      people.add(login);
      ways.add(`${nameOf(login, config)}, who approved of ${config.environment}`);
    }
  }
  const passed = new Set(overrides.map(({ code }) => code));
  const said = voids.filter(({ code }) => !passed.has(code)).map(({ problem }) => problem);
  if (overrides.length === 0) return { overriding: NO_OVERRIDES, void: said };
  const names = [...people].map((login) => nameOf(login, config));
  return {
    overriding: {
      overrides: unique(overrides),
      actor: names.join(', '),
      reason: `pull request ${pulls.map(({ number }) => `#${number}`).join(', ')}`,
      isApproved: approvers.length > 0,
      note: `by ${[...ways].join(', and ')}`,
    },
    void: said,
  };
}

/** What lets a refusal of a plan pass in a pull request: a comment, or an approval; null where nothing does. */
export function wayOut({ code, override }: Verdict, digest: string, config: GitOpsConfig): string | null {
  if (override === null) return null;
  if (isSoft(code)) return config.overrides.has(code) ? `iam override ${code} ${digest}` : null;
  return config.environment === undefined ? null : `an approval of the environment ${config.environment}`;
}

/** The User that somebody is, else how the forge calls him. */
export function nameOf(login: string, { people }: GitOpsConfig): string {
  return people.get(login.toLowerCase()) ?? `github:${login}`;
}

/** Everybody who wrote something of these; undefined where that is not known of all of it. */
async function pushersOf(
  forge: Forge,
  pulls: readonly PullRequest[],
): Promise<ReadonlySet<string> | undefined> {
  const all = new Set<string>();
  for (const { number } of pulls) {
    const some = await forge.pushers(number);
    if (!some) return undefined;
    for (const login of some) all.add(login.toLowerCase());
  }
  return all;
}

/** Why a comment does not count; undefined when it does. */
async function objection(
  forge: Forge,
  { author, isBot, isEdited }: Comment,
  code: Code,
  config: GitOpsConfig,
  authors: ReadonlySet<string>,
  pushers: ReadonlySet<string> | undefined,
): Promise<string | undefined> {
  const login = author.toLowerCase();
  if (!isSoft(code)) return 'no comment lets it pass';
  if (isEdited) return 'the comment was edited';
  if (isBot) return `${author} is a bot`;
  if (authors.has(login)) return `${author} opened the pull request`;
  if (!pushers) return 'it is not known who wrote all commits of the pull request';
  if (pushers.has(login)) return `${author} wrote commits of the pull request`;
  if (!config.overrides.get(code)?.has(login)) return `${author} is not among those who may override ${code}`;
  const permission = await forge.permissionOf(author);
  return permission === 'admin' || permission === 'write'
    ? undefined
    : `${author} may not write to the repository (${permission})`;
}

function voidProblem({ author }: Comment, code: Code, why: string): Problem {
  return {
    code: 'RC606',
    severity: 'warn',
    message: `the override of ${code} by ${author} does not count: ${why}`,
    hint: isSoft(code)
      ? 'overrides in .rolecall/gitops.yaml says who may, by a new comment'
      : 'an approval of the environment that .rolecall/gitops.yaml names does',
  };
}

function isCode(code: string): code is Code {
  return Object.hasOwn(CODES, code);
}

function isSoft(code: Code): boolean {
  return (SOFT_CODES as readonly string[]).includes(code);
}

/** Whoever asks, these hold (cli.md). */
function isOverridable(code: Code): boolean {
  return !['RC209', 'RC210', 'RC213'].includes(code);
}

function unique(overrides: readonly Override[]): Override[] {
  return [...new Map(overrides.map((one) => [one.code, one])).values()];
}
