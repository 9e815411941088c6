import type { Code } from '../core/code.ts';
import { isPage } from './comments.ts';
import type { GitOpsConfig } from './config.ts';
import { SOFT_CODES } from './config-schema.ts';
import type { Comment, Forge, PullRequest, Pushers } from './forge.ts';

/** Why a comment lets nothing pass. */
export interface Objection {
  readonly why: string;
  /** What would; undefined for what all know who read the configuration. */
  readonly hint?: string | undefined;
}

/** Says why somebody may not answer for some pull requests; undefined where he may: he had no hand in any of them. */
export type Hand = (login: string) => Promise<Objection | undefined>;

/** Whoever opened, wrote or pushed any of them has a hand in it. The forge is asked who pushed once, when that matters first. */
export function handIn(forge: Forge, pulls: readonly PullRequest[]): Hand {
  let pushers: Promise<Pushers> | undefined;
  return async (somebody) => {
    const is = (other: string) => other.toLowerCase() === somebody.toLowerCase();
    if (pulls.some(({ author }) => is(author))) return { why: `${somebody} opened the pull request` };
    pushers ??= pushersOf(forge, pulls);
    const known = await pushers;
    if (known.is === 'unknown') return known;
    return known.people.some(is)
      ? { why: `${somebody} wrote or pushed commits of the pull request` }
      : undefined;
  };
}

/** Says why a comment on some pull requests does not let a code pass; undefined where it does. */
export function objections(
  forge: Forge,
  pulls: readonly PullRequest[],
  config: GitOpsConfig,
  hand: Hand,
): (comment: Comment, code: Code) => Promise<Objection | undefined> {
  return async ({ author, isBot, isEdited, body }, code) => {
    const login = author.toLowerCase();
    if (!isSoft(code)) return { why: 'no comment lets it pass' };
    if (isEdited) return { why: 'the comment was edited' };
    if (isBot) return { why: `${author} is a bot` };
    if (isPage(body)) return { why: 'it begins as what iam itself writes' };
    const isOpener = pulls.some((pull) => pull.author.toLowerCase() === login);
    if (!isOpener && !config.overrides.get(code)?.has(login))
      return { why: `${author} is not among those who may override ${code}` };
    const objection = await hand(author);
    if (objection) return objection;
    const permission = await forge.permissionOf(author);
    if (permission === 'admin' || permission === 'write') return undefined;
    return { why: `${author} may not write to the repository (${permission})` };
  };
}

/** Refusals that a comment may let pass. */
export function isSoft(code: Code): boolean {
  return (SOFT_CODES as readonly string[]).includes(code);
}

async function pushersOf(forge: Forge, pulls: readonly PullRequest[]): Promise<Pushers> {
  const people: string[] = [];
  for (const pull of pulls) {
    const some = await forge.pushers(pull);
    if (some.is === 'unknown')
      return { ...some, why: `of #${pull.number} it is not known who pushed: ${some.why}` };
    people.push(...some.people);
  }
  return { is: 'known', people };
}
