import type { Plan } from '../core/plan.ts';
import { EXIT, type ExitStatus, Failure, type Problem } from '../core/problem.ts';
import { isDenied } from '../core/verdict.ts';
import { NO_OVERRIDES } from '../engine/judgement.ts';
import { count, visible } from '../render/lines.ts';
import { type MarkdownPart, problemItem } from '../render/plan-markdown.ts';
import { planSummary } from '../render/plan-words.ts';
import type { GitHistory } from '../sources/git-history.ts';
import type { Store } from '../stores/store.ts';
import { approversOf } from './approved-head.ts';
import { markerOf, publish } from './comments.ts';
import { CONFIG_FILE, type GitOpsConfig, readConfig } from './config.ts';
import type { Annotation, Check, Forge, KnownCheck, PullRequest } from './forge.ts';
import { nameOf, overridesOf } from './overrides.ts';
import { pages } from './pages.ts';
import type { Asking } from './plan-own.ts';
import { Conflict, planRequest, type RequestPlan } from './plan-request.ts';
import { isMistake } from './planning.ts';
import { mistakesParts, requestParts } from './request-markdown.ts';
import { readRecord, recordText } from './review-record.ts';

/** What is to be planned, and with what. */
export interface PlanPullRequest {
  readonly cwd: string;
  readonly history: GitHistory;
  /** Opens the store; undefined where nobody may see it. */
  readonly store: Store | undefined;
  readonly at: number;
  /** Two commits by hand, a group of a merge queue, or a pull request of a forge, which has a number. */
  readonly pull: Pick<PullRequest, 'base' | 'head' | 'isFork' | 'isDraft'> & { readonly number?: number };
  /** Whether a fork whose head is approved may be planned with the store. */
  readonly approvedForks?: boolean | undefined;
  /** What else is asked of the forge that has it; undefined where none is asked. */
  readonly asking?: AskedOf | undefined;
  /** Where all of a plan that is cut can be found. */
  readonly elsewhere: string;
}

/** A forge, and the pull request that it is of; undefined for several at once, or where it is not known. */
export interface AskedOf {
  readonly forge: Forge;
  readonly pull: PullRequest | undefined;
}

/** What is to be told of a pull request. */
export interface PullRequestReport {
  readonly config: GitOpsConfig;
  /** Undefined when it cannot be planned. */
  readonly planned: RequestPlan | undefined;
  readonly pages: readonly string[];
  readonly check: Check;
  readonly problems: readonly Problem[];
  /** What our checks of its head said before, the newest first. */
  readonly before: readonly KnownCheck[];
  /** Whether there is nothing worth a comment. */
  readonly isNothing: boolean;
  readonly exit: ExitStatus;
}

/** Plans a pull request. Throws a Failure when its base is no base: without a configuration, or not there. */
export async function planPullRequest(asked: PlanPullRequest): Promise<PullRequestReport> {
  const { cwd, history, at, pull, elsewhere } = asked;
  const config = readConfig(history.text(pull.base, CONFIG_FILE));
  const store = (await mayKnowStore(asked)) ? asked.store : undefined;
  const before = asked.asking ? await checksBefore(asked.asking.forge, pull.head, config) : [];
  const told = (
    parts: readonly MarkdownPart[],
    facts: Pick<PullRequestReport, 'planned' | 'problems' | 'isNothing' | 'exit'> & {
      readonly title: string;
    },
  ): PullRequestReport => {
    const made = pages(parts, (page) => markerOf(config.manager, page), elsewhere);
    const check: Check = {
      name: checkName(config),
      commit: pull.head,
      conclusion: facts.exit === EXIT.done ? 'success' : pull.isDraft ? 'neutral' : 'failure',
      title: facts.title,
      summary: made[0] ?? '',
      record: facts.planned ? recordText({ ...facts.planned.record, pull: pull.number ?? null }) : '',
      annotations: annotationsOf(facts.problems),
    };
    return { config, pages: made, check, before, ...facts };
  };
  try {
    const planning = { cwd, history, config, store, at };
    const planned = await planRequest(planning, pull.base, pull.head, askingOf(asked, config));
    const earlier = before.flatMap(({ record }) => readRecord(record) ?? []);
    const { plan, warnings } = planned.stored ?? planned.difference;
    return told(requestParts(planned, config, earlier, pull.isFork), {
      planned,
      problems: warnings,
      title: titleOf(plan),
      // What waits beside it, or has drifted, is no news of this one.
      isNothing: plan.changes.length === 0 && plan.verdicts.length === 0,
      exit: isDenied(plan.verdicts) ? EXIT.refused : EXIT.done,
    });
  } catch (error) {
    if (error instanceof Conflict) {
      const problem: Problem = {
        code: 'RC603',
        severity: 'error',
        message: 'it conflicts with its base: what merging does is not known',
        hint: 'merge the base into it, or rebase it',
      };
      return told(mistakesParts('Conflicts with its base', [problem]), {
        planned: undefined,
        problems: [problem],
        title: 'Conflicts with its base',
        isNothing: false,
        exit: EXIT.stale,
      });
    }
    if (!isMistake(error)) throw error;
    const title = `${count(error.problems.length, 'mistake')} in the manifests`;
    return told(mistakesParts(title, error.problems), {
      planned: undefined,
      problems: error.problems,
      title,
      isNothing: false,
      exit: EXIT.invalid,
    });
  }
}

function titleOf(plan: Plan): string {
  const denied = plan.verdicts.filter(({ severity }) => severity === 'deny').map(({ code }) => code);
  if (denied.length > 0) return `Refused by ${[...new Set(denied)].join(', ')}: ${planSummary(plan)}`;
  return plan.changes.length === 0 ? 'Nothing to do' : planSummary(plan);
}

/** Those that we wrote, as far as that can be told; none where the forge does not say. */
async function checksBefore(
  forge: Forge,
  commit: string,
  config: GitOpsConfig,
): Promise<readonly KnownCheck[]> {
  try {
    const known = await forge.checks(commit, checkName(config));
    return known.filter(({ app }) => config.app === undefined || app === config.app);
  } catch (error) {
    if (error instanceof Failure) return [];
    throw error;
  }
}

/** Of a fork nobody knows what it brings before somebody who may has looked at it. */
async function mayKnowStore({ store, pull, approvedForks, asking }: PlanPullRequest): Promise<boolean> {
  if (!pull.isFork) return true;
  if (store === undefined || approvedForks !== true || !asking?.pull) return false;
  return (await approversOf(asking.forge, asking.pull)).length > 0;
}

function askingOf({ asking }: PlanPullRequest, config: GitOpsConfig): Asking | undefined {
  if (!asking) return undefined;
  const { forge, pull } = asking;
  if (!pull) return { actor: null, find: async () => ({ overriding: NO_OVERRIDES, void: [SEVERAL] }) };
  return {
    actor: nameOf(pull.author, config),
    // An environment is approved for the run that applies, which this is not: nor may it ask.
    find: (denied, digest) =>
      overridesOf(forge, [pull], { ...config, environment: undefined }, denied, digest),
  };
}

/** Each is applied by itself: what lets all of them pass together would let none pass then. */
const SEVERAL: Problem = {
  code: 'RC606',
  severity: 'warn',
  message:
    'no comment counts here: the merge queue has put several pull requests together, or one that was pushed to since',
  hint: 'queue the one that needs an override by itself: then the comments on it count',
};

export function checkName({ manager }: Pick<GitOpsConfig, 'manager'>): string {
  return manager === 'default' ? 'rolecall' : `rolecall (${manager})`;
}

/**
 * Tells a pull request what is to be told. Where there is nothing, and nothing was said before, only the check says so. What the
 * forge does not take keeps nothing else back; it is given as problems.
 */
export async function tellPullRequest(
  forge: Forge,
  { number }: Pick<PullRequest, 'number'>,
  { config, pages: made, check, before: [last], isNothing }: PullRequestReport,
): Promise<readonly Problem[]> {
  const isSaid = last !== undefined && says(last, check);
  return [
    ...(await untold(publish(forge, number, config.manager, made, { onlyOver: isNothing }))),
    ...(isSaid ? [] : await untold(forge.writeCheck(check))),
  ];
}

/**
 * Whether more is said of a pull request already: a fork that is planned without the store, and was planned with it before, head
 * and base being the same.
 */
export function saysLess(
  { isFork }: Pick<PullRequest, 'isFork'>,
  { planned, before: [last] }: PullRequestReport,
): boolean {
  const known = last && readRecord(last.record);
  if (!isFork || !planned || planned.stored || !known) return false;
  return known.digest !== null && known.head === planned.head && known.base === planned.base;
}

function says(known: KnownCheck, { conclusion, title, summary, record }: Check): boolean {
  return (
    known.conclusion === conclusion &&
    known.title === title &&
    known.summary.trim() === summary.trim() &&
    known.record === record
  );
}

/** Why the forge does not take something; nothing when it does. */
export async function untold(telling: Promise<unknown>): Promise<readonly Problem[]> {
  try {
    await telling;
    return [];
  } catch (error) {
    if (error instanceof Failure) return error.problems;
    throw error;
  }
}

/**
 * Tells a pull request that it could not be planned at all, which the log says why: its check must not wait for ever. `config`: that
 * of its base; undefined where it cannot be read.
 */
export async function tellUnplanned(
  forge: Forge,
  commit: string,
  error: unknown,
  config: GitOpsConfig | undefined,
): Promise<void> {
  const problems = error instanceof Failure ? error.problems : [];
  const ours = problems.filter(({ code }) => code === 'RC601');
  await forge.writeCheck({
    name: checkName(config ?? { manager: 'default' }),
    commit,
    conclusion: 'failure',
    title: 'Not planned',
    // Of a store, or of GitHub, the log alone may say more.
    summary: ours.length > 0 ? ours.map(problemItem).join('\n') : 'The log of the run says why.',
    record: '',
    annotations: annotationsOf(ours),
  });
}

/** Nobody looks at more, and each fifty are a request. */
const MOST_ANNOTATIONS = 500;

/** Characters of an annotation: GitHub takes no more than 64 KB. */
const LONGEST_ANNOTATION = 4000;

function annotationsOf(problems: readonly Problem[]): Annotation[] {
  const placed = problems.filter(({ place }) => place).slice(0, MOST_ANNOTATIONS);
  return placed.flatMap(({ place, code, message, hint, severity }) =>
    place
      ? [
          {
            path: place.file,
            line: place.line,
            level: severity === 'error' ? ('failure' as const) : ('warning' as const),
            title: code,
            message: [message, hint ?? []]
              .flat()
              .map(visible)
              .join('\n')
              .slice(0, LONGEST_ANNOTATION)
              .toWellFormed(),
          },
        ]
      : [],
  );
}
