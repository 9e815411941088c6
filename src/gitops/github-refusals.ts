import { EXIT, Failure, failure } from '../core/problem.ts';
import { visible } from '../render/lines.ts';

/** Which permission of a workflow's token a route needs. */
const NEEDS: readonly (readonly [RegExp, string])[] = [
  [/check-runs/, 'checks: write'],
  [/issues\/.*comments|issues\/comments/, 'pull-requests: write'],
  [/issues/, 'issues: write'],
  [/approvals/, 'actions: read'],
  [/pulls/, 'pull-requests: read'],
  [/activity|commits/, 'contents: read'],
];

/** What octokit throws. */
interface Refusal extends Error {
  readonly status?: number;
  readonly response?: { readonly data?: unknown };
}

function messageOf({ response, message }: Refusal): string {
  // Of a proxy in between it may be a whole page.
  const answer = (response?.data as { readonly message?: unknown } | undefined)?.message;
  const said = response ? (typeof answer === 'string' ? answer : '') : message;
  return visible(said.split('\n')[0] ?? '').slice(0, 200);
}

function isLimit(status: number, said: string): boolean {
  return status === 429 || /rate limit/i.test(said);
}

/** Whether a request may have had its effect all the same. */
export function isUnknown(error: unknown): boolean {
  return error instanceof Error && 'status' in error && Number(error.status) >= 500;
}

/** Whether there is nothing for this token, whenever it asks: 404, or 403 for want of a permission. */
export function closedTo(error: unknown): 403 | 404 | undefined {
  if (!(error instanceof Error)) return undefined;
  const refusal: Refusal = error;
  if (refusal.status === 404) return 404;
  return refusal.status === 403 && !isLimit(403, messageOf(refusal)) ? 403 : undefined;
}

/** The Failure (RC602, exit 1) of a request that GitHub did not do; what is none of its refusals stays as it is. */
export function asFailure(error: unknown, route: string, params: Readonly<Record<string, unknown>>): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error;
  const refusal: Refusal = error;
  const { status = 0, response } = refusal;
  const said = messageOf(refusal);
  const what = `GitHub: ${route.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name]))}`;
  const refused = (message: string, hint: string) =>
    failure(EXIT.error, 'RC602', `${what}: ${message}`, hint);
  if (!response) return refused(`no answer${said === '' ? '' : `: ${said}`}`, 'try again');
  if (isLimit(status, said)) return refused(said || 'too many requests', 'try again later');
  const words = said === '' ? `answered ${status}` : `${said} (${status})`;
  if (status === 401) return refused(words, 'GITHUB_TOKEN is wrong, or over: it lives an hour');
  if (status === 404) return refused(words, 'it is not there, or the token may not see it');
  if (status !== 403) return refused(words, 'try again');
  if (/via a GitHub App/.test(said))
    return refused(words, 'the token of a workflow, or of an App, makes checks');
  const needs = NEEDS.find(([pattern]) => pattern.test(route))?.[1];
  return refused(
    words,
    needs ? `the job needs "permissions: ${needs}"` : 'look at the permissions of the token',
  );
}
