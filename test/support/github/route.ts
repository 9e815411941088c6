import { git } from '../git-repository.ts';
import type { Answers } from './answers.ts';
import type { Parameters } from './description.ts';
import type { Json } from './site.ts';
import { ApiError, type Scope, type State, type Token } from './state.ts';

/** A request that fits the description, by somebody who is known. */
export interface Call {
  readonly state: State;
  readonly answers: Answers;
  readonly parameters: Parameters;
  readonly body: Json;
  readonly token: Token | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  /** Of a list: the page that this is, how many there are, and how long they are. */
  readonly page?: { readonly number: number; readonly last: number; readonly size: number };
  /** Of a list without numbered pages: where the next one begins. */
  readonly after?: string;
}

/** One of these scopes, at this level; no scope where everybody may who sees the repository. */
export type Need = readonly ['read' | 'write', ...Scope[]];

/** How the server answers an operation. */
export interface Route {
  /** Parameters of the query and fields of the body that it heeds. Whoever sends others wants another server. */
  readonly heeds?: readonly string[];
  /** Whether it also answers for forks. */
  readonly isOfForks?: boolean;
  needs(call: Call): Need;
  answer(call: Call): Answer;
}

/** A page of a list: 30 unless asked otherwise, never more than 100. */
export function pageOf<T>(
  { parameters }: Call,
  all: readonly T[],
  write: (item: T) => Json,
  wrap: (items: readonly Json[]) => unknown = (items) => items,
): Answer {
  const size = Math.min(100, Math.max(1, Number(parameters.per_page ?? 30)));
  const number = Math.max(1, Number(parameters.page ?? 1));
  return {
    status: 200,
    body: wrap(all.slice((number - 1) * size, number * size).map(write)),
    page: { number, last: Math.max(1, Math.ceil(all.length / size)), size },
  };
}

/** A page of a list that has no numbered pages: each says where the next one begins. */
export function cursorPageOf<T extends { readonly id: number }>(
  { parameters }: Call,
  all: readonly T[],
  write: (item: T) => Json,
): Answer {
  const size = Math.min(100, Math.max(1, Number(parameters.per_page ?? 30)));
  const begin = all.findIndex(({ id }) => cursorOf(id) === parameters.after) + 1;
  const items = all.slice(begin, begin + size);
  const last = begin + size < all.length ? items.at(-1) : undefined;
  return {
    status: 200,
    body: items.map(write),
    ...(last ? { after: cursorOf(last.id) } : {}),
  };
}

function cursorOf(id: number): string {
  return Buffer.from(String(id)).toString('base64');
}

/** The Link header of a page; undefined when there is only one. */
export function linkHeader(
  url: URL,
  { number, last, size }: NonNullable<Answer['page']>,
): string | undefined {
  const to = (page: number, rel: string): string => {
    const other = new URL(url);
    other.searchParams.set('per_page', String(size));
    other.searchParams.set('page', String(page));
    return `<${other}>; rel="${rel}"`;
  };
  const links = [
    ...(number > 1 ? [to(Math.min(number - 1, last), 'prev')] : []),
    ...(number < last ? [to(number + 1, 'next'), to(last, 'last')] : []),
    ...(number > 1 ? [to(1, 'first')] : []),
  ];
  return links.length === 0 ? undefined : links.join(', ');
}

/** The Link header of a list without numbered pages. */
export function cursorHeader(url: URL, after: string): string {
  const next = new URL(url);
  next.searchParams.set('after', after);
  return `<${next}>; rel="next"`;
}

/** What has this number or id; throws 404 if nothing has. */
export function found<T>(things: ReadonlyMap<number, T>, key: unknown): T {
  const thing = things.get(Number(key));
  if (thing === undefined) throw new ApiError(404, 'Not Found');
  return thing;
}

/** The commit that a ref names: a SHA, a branch or a tag. Throws 422 if there is none. */
export function commitOf(state: State, ref: string): string {
  try {
    return git(state.repository.path, ['rev-parse', '--verify', '-q', '--end-of-options', `${ref}^{commit}`]);
  } catch {
    throw new ApiError(422, `No commit found for SHA: ${ref}`);
  }
}

const LONGEST_BODY = 65_536;

/** Throws 422 if GitHub does not take this as the body of a comment or an issue. */
export function checkBody(resource: 'Issue' | 'IssueComment', body: string): void {
  if ([...body].length > LONGEST_BODY) {
    const problem =
      resource === 'Issue'
        ? {
            code: 'custom',
            field: 'body',
            message: `body is too long (maximum is ${LONGEST_BODY} characters)`,
          }
        : {
            code: 'unprocessable',
            field: 'data',
            message: `Body is too long (maximum is ${LONGEST_BODY} characters)`,
          };
    throw new ApiError(422, 'Validation Failed', [{ resource, ...problem }]);
  }
  if (resource === 'IssueComment' && body.trim() === '') {
    throw new ApiError(422, 'Validation Failed', [
      { resource, code: 'unprocessable', field: 'data', message: 'Body cannot be blank' },
    ]);
  }
}
