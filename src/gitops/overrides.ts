import { CODES, type Code } from '../core/code.ts';
import type { Override } from '../core/override.ts';
import type { Problem } from '../core/problem.ts';
import type { Verdict } from '../core/verdict.ts';
import { NO_OVERRIDES, type Overriding } from '../engine/judgement.ts';
import { approverOf } from './approvals.ts';
import type { GitOpsConfig } from './config.ts';
import type { Comment, Forge, PullRequest } from './forge.ts';
import { handIn, isSoft, type Objection, objections } from './objection.ts';

/** What lets refusals of one plan pass, and the comments that would, and do not count. */
export interface FoundOverrides {
  readonly overriding: Overriding;
  readonly void: readonly Problem[];
}

/** On a line of its own. */
const ORDER = /^[ \t]*iam override (RC\d{3}) (sha256:[0-9a-f]{64})[ \t]*\r?$/gm;

/**
 * What lets the refusals of a plan of some pull requests pass: comments of people who may and wrote none of them, for soft
 * codes, and the approval of a protected environment for hard ones. Asks the forge what they may at this moment. `approved`:
 * the digest that the environment was approved for; undefined where it was not.
 */
export async function overridesOf(
  forge: Forge,
  pulls: readonly PullRequest[],
  config: GitOpsConfig,
  denied: readonly Verdict[],
  digest: string,
  approved?: string,
): Promise<FoundOverrides> {
  const codes = new Set(denied.map(({ code }) => code));
  if (codes.size === 0) return { overriding: NO_OVERRIDES, void: [] };
  const overrides: Override[] = [];
  const people = new Set<string>();
  const ways = new Set<string>();
  const voids: { readonly code: Code; readonly problem: Problem }[] = [];
  const hand = handIn(forge, pulls);
  const objectionTo = objections(forge, pulls, config, hand);
  const comments = await Promise.all(pulls.map(({ number }) => forge.comments(number)));
  for (const comment of comments.flat()) {
    for (const [, code = '', of] of comment.body.matchAll(ORDER)) {
      if (!isCode(code) || !codes.has(code)) continue;
      const objection =
        of === digest ? await objectionTo(comment, code) : { why: 'it is for another plan than this' };
      if (objection) voids.push({ code, problem: voidProblem(comment, code, objection) });
      else {
        overrides.push({ code, digest });
        people.add(comment.author);
        ways.add(`${nameOf(comment.author, config)} in a comment`);
      }
    }
  }
  const hard = [...codes].filter((code) => !isSoft(code) && isOverridable(code));
  const { environment } = config;
  const approval =
    hard.length > 0 && environment !== undefined && approved !== undefined
      ? await approverOf(forge, { environment, approved }, digest, hand)
      : undefined;
  const isApproved = approval !== undefined && 'by' in approval;
  if (isApproved) {
    overrides.push(...hard.map((code) => ({ code, digest })));
    people.add(approval.by);
    ways.add(`${nameOf(approval.by, config)}, who approved of ${environment}`);
  }
  const passed = new Set(overrides.map(({ code }) => code));
  const said = [
    ...once(voids.filter(({ code }) => !passed.has(code)).map(({ problem }) => problem)),
    ...(approval && 'void' in approval ? [approval.void] : []),
  ];
  if (overrides.length === 0) return { overriding: NO_OVERRIDES, void: said };
  const names = [...people].map((login) => nameOf(login, config));
  return {
    overriding: {
      overrides: unique(overrides),
      actor: names.join(', '),
      reason: `pull request ${pulls.map(({ number }) => `#${number}`).join(', ')}`,
      isApproved,
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

/** Whether an approval of the environment is asked for: it lets something pass, and what it does not, a comment does. */
export function isApprovable(denied: readonly Verdict[], digest: string, config: GitOpsConfig): boolean {
  return (
    denied.some(({ code }) => !isSoft(code)) &&
    denied.every((verdict) => wayOut(verdict, digest, config) !== null)
  );
}

/** The User that somebody is, else how the forge calls him. */
export function nameOf(login: string, { people }: GitOpsConfig): string {
  return people.get(login.toLowerCase()) ?? `github:${login}`;
}

function voidProblem({ author }: Comment, code: Code, { why, hint }: Objection): Problem {
  return {
    code: 'RC606',
    severity: 'warn',
    message: `the override of ${code} by ${author} does not count: ${why}`,
    hint:
      hint ??
      (isSoft(code)
        ? 'overrides in .rolecall/gitops.yaml says who may, by a new comment'
        : 'an approval of the environment that .rolecall/gitops.yaml names does'),
  };
}

function isCode(code: string): code is Code {
  return Object.hasOwn(CODES, code);
}

/** Whoever asks, these hold (cli.md). */
function isOverridable(code: Code): boolean {
  return !['RC209', 'RC210', 'RC213'].includes(code);
}

/** Who says a thing a thousand times is answered once. */
function once(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((one) => [one.message, one])).values()];
}

function unique(overrides: readonly Override[]): Override[] {
  return [...new Map(overrides.map((one) => [one.code, one])).values()];
}
