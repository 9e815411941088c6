import type { PullRequest, Pushers } from './forge.ts';

type Json = Readonly<Record<string, unknown>>;

/** Of a longer pull request GitHub does not list the rest. */
const MOST_COMMITS = 250;

const AGAIN = 'push to it again; what is merged already: take it back, and open it anew';
const ELSEWHERE = 'push it to a branch of this repository, and open it anew';
const FEWER = 'make it several pull requests, of branches of their own';

/** What GitHub tells of the pushes to a branch, the last first: or that they are not for this token, or too many. */
export type Pushes = readonly Json[] | 'no permission' | 'not there' | 'too many';

/**
 * Who had a hand in a pull request, from its commits and the pushes to its branch as GitHub lists them. Commits say what whoever
 * made them wrote; who pushed them GitHub knows. Of the present head that must be known.
 */
export function pushersAmong(
  { head, headRepository, isFork, openedAt }: PullRequest,
  commits: readonly Json[],
  pushes: Pushes,
): Pushers {
  if (headRepository === null) return unknown('its fork is gone', ELSEWHERE);
  if (commits.length >= MOST_COMMITS) return unknown('it has too many commits', FEWER);
  if (pushes === 'no permission')
    return unknown('the token may not see pushes', 'the job needs "permissions: contents: read"');
  if (pushes === 'not there')
    return isFork
      ? unknown(`the token may not see ${headRepository}`, ELSEWHERE)
      : unknown('this GitHub does not tell of pushes', 'a newer GitHub Enterprise Server does');
  if (pushes === 'too many') return unknown('its branch was pushed to too often', FEWER);
  const own = new Set([head, ...commits.map(({ sha }) => sha)]);
  // A branch of that name may have been there before.
  const ofIt = pushes.filter(
    ({ activity_type, after, timestamp }) =>
      activity_type !== 'branch_deletion' && (own.has(after) || Date.parse(String(timestamp)) >= openedAt),
  );
  if (!ofIt.some(({ after }) => after === head))
    return unknown(`GitHub tells of no push of ${head.slice(0, 12)}`, AGAIN);
  const actors = ofIt.map(({ actor }) => loginOf(actor));
  if (actors.includes('')) return unknown('GitHub does not say who it was', AGAIN);
  // An address that is nobody's says nothing.
  const named = commits.flatMap(({ author, committer }) => [loginOf(author), loginOf(committer)]);
  return { is: 'known', people: [...new Set([...actors, ...named.filter((login) => login !== '')])] };
}

function unknown(why: string, hint: string): Pushers {
  return { is: 'unknown', why, hint };
}

/** The login of an account; empty where it is nobody's, or gone. */
export function loginOf(user: unknown): string {
  const login = (user as Json | null | undefined)?.login;
  return typeof login === 'string' ? login : '';
}
