import type { IncomingHttpHeaders } from 'node:http';
import type { Answers } from './answers.ts';
import { findOperation, type Operation } from './description.ts';
import { observe } from './observe.ts';
import type { Answer, Call } from './route.ts';
import { ROUTES } from './routes.ts';
import { fullName, type Json } from './site.ts';
import { ApiError, type Repository, type State, type Token } from './state.ts';

export interface ApiRequest {
  readonly method: string;
  /** Below the API's address, decoded as it came. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly token: Token | undefined;
}

export interface Respondent {
  readonly state: State;
  readonly answers: Answers;
  /** Told what GitHub would not have, or this server does not model. */
  complain(what: string): void;
}

/** What GitHub answers, and what else it does. The answer fits the description, or is complained of. */
export function respond(respondent: Respondent, request: ApiRequest): Answer {
  const { complain } = respondent;
  const match = findOperation(request.method, request.path);
  let answer: Answer;
  try {
    if (!match) return refuse(complain, 404, 'Not Found');
    answer = answerOperation(respondent, request, match.operation, match.path);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { status, message, errors } = error;
    const documentation_url = match?.operation.documentation ?? 'https://docs.github.com/rest';
    const body = { message, ...(errors ? { errors } : {}), documentation_url, status: String(status) };
    answer = { status, body };
  }
  for (const misfit of match?.operation.checkAnswer(answer.status, answer.body) ?? []) {
    complain(`answered ${answer.status}: ${misfit}`);
  }
  return answer;
}

function refuse(complain: Respondent['complain'], status: number, message: string): never {
  complain(message);
  throw new ApiError(status, message);
}

function answerOperation(
  { state, answers, complain }: Respondent,
  request: ApiRequest,
  operation: Operation,
  path: Readonly<Record<string, string>>,
): Answer {
  const { headers, token, query } = request;
  if (headers.authorization !== undefined && !token) throw new ApiError(401, 'Bad credentials');
  const body = parseBody(request, complain);
  const { faults, parameters } = operation.checkRequest({ path, query, body });
  for (const fault of faults) complain(fault);
  if (faults.length > 0) throw new ApiError(422, `Invalid request.\n\n${faults.join('\n')}`);

  const route = ROUTES.get(operation.id);
  const call: Call = { state, answers, parameters, body: (body ?? {}) as Json, token };
  const heeded = ['page', 'per_page', ...(route?.heeds ?? [])];
  const unheeded = [...Object.keys(query), ...Object.keys(call.body)].filter(
    (name) => !heeded.includes(name),
  );
  if (!route || unheeded.length > 0) {
    throw new Error(`${operation.id} ${unheeded.join(', ')} is not modelled`);
  }
  if (operation.id === 'rate-limit/get') return route.answer(call);

  if (token) token.used += 1;
  if (operation.id === 'users/get-authenticated') return route.answer(call);
  const repository = repositoryNamed(state, `${parameters.owner}/${parameters.repo}`);
  if (!repository || !maySee(token, repository, state)) throw new ApiError(404, 'Not Found');
  if (repository !== state.repository && route.isOfForks !== true)
    throw new Error(`${operation.id} of a fork is not modelled`);
  observe(state);
  const [level, ...scopes] = route.needs(call);
  if (level === 'write' && !token) throw new ApiError(401, 'Requires authentication');
  if (token && scopes.length > 0 && !scopes.some((scope) => mayDo(token, level, scope))) {
    throw new ApiError(
      403,
      `Resource not accessible by ${token.app ? 'integration' : 'personal access token'}`,
    );
  }
  return route.answer(call);
}

function repositoryNamed(state: State, name: string): Repository | undefined {
  const all = [state.repository, ...state.forks.values()].filter(({ deleted }) => !deleted);
  return all.find((one) => fullName(one).toLowerCase() === name.toLowerCase());
}

/** An app is installed in our repository, and in no fork. */
function maySee(token: Token | undefined, repository: Repository, state: State): boolean {
  if (!repository.private) return true;
  return repository === state.repository ? token !== undefined : token?.account === repository.owner;
}

const ACCEPTED = /^application\/(?:json|vnd\.github(?:\.v3)?\+json)$/;
const VERSIONS: readonly unknown[] = [undefined, '2022-11-28', '2026-03-10'];

/** The body, undefined without one. Refuses what every client of GitHub must say and this one does not. */
function parseBody({ headers, body }: ApiRequest, complain: Respondent['complain']): unknown {
  if (!headers['user-agent']) refuse(complain, 403, 'Request forbidden by administrative rules.');
  if (!ACCEPTED.test(headers.accept ?? '')) {
    refuse(
      complain,
      415,
      `Unsupported 'Accept' header: '${headers.accept}'. Must accept 'application/json'.`,
    );
  }
  const version = headers['x-github-api-version'];
  if (!VERSIONS.includes(version)) refuse(complain, 400, `Invalid API version: ${version}`);
  if (body === '') return undefined;
  if (!headers['content-type']?.startsWith('application/json')) {
    refuse(complain, 415, `Unsupported content type: ${headers['content-type']}`);
  }
  try {
    return JSON.parse(body);
  } catch {
    return refuse(complain, 400, 'Problems parsing JSON');
  }
}

function mayDo({ permissions }: Token, level: 'read' | 'write', scope: keyof Token['permissions']): boolean {
  const given = permissions[scope] ?? 'none';
  return given === 'write' || given === level;
}
