import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { type Acts, createActs } from './acts.ts';
import { createAnswers, rateOf } from './answers.ts';
import { createFaults, type Fault, faultAnswer } from './faults.ts';
import { respond } from './respond.ts';
import { cursorHeader, linkHeader } from './route.ts';
import { fullName } from './site.ts';
import { createState, type StateOptions } from './state.ts';

export interface GithubServerOptions extends StateOptions {
  /** Where the API begins, `/api/v3` on GitHub Enterprise; empty without it. */
  readonly basePath?: string;
}

/** A request and what came of it, without the token. */
export interface Exchange {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  /** The login that the token stands for. */
  readonly by: string | undefined;
  /** 0 when there was no answer. */
  status: number;
  answer: string;
}

/**
 * GitHub for one test, in this process: a REST API over a bare git repository, and the acts of people. Whoever
 * calls it must not block this thread meanwhile. What the description of GitHub does not allow, or this server
 * does not model, is a complaint, and fails the test at its end.
 */
export interface GithubServer extends Acts {
  /** For `baseUrl` of a client. */
  readonly url: string;
  /** All requests so far. */
  readonly log: readonly Exchange[];
  fault(fault: Fault): void;
  /** The complaints so far, which are then forgotten. */
  takeComplaints(): string[];
  /** Ends it; throws when there are complaints. A test that ends does that itself. */
  stop(): Promise<void>;
}

export async function githubServer({
  basePath = '',
  ...options
}: GithubServerOptions): Promise<GithubServer> {
  const state = createState(options);
  const faults = createFaults();
  const log: Exchange[] = [];
  let complaints: string[] = [];

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      complaints.push(`${request.method} ${request.url}: ${error instanceof Error ? error.stack : error}`);
      response.writeHead(500).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${basePath}`;
  const answers = createAnswers(state, { api: url, web: 'https://github.com' });

  const named = `${url}/repos/${fullName(state.repository)}`;
  const numbered = `${url}/repositories/${state.repository.id}`;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { authorization = '', ...headers } = request.headers;
    const { method = '' } = request;
    // Links between pages name the repository by its number.
    const asked = new URL(new URL(request.url ?? '', url).href.replace(numbered, named));
    const path = asked.pathname.startsWith(`${basePath}/`) ? asked.pathname.slice(basePath.length) : '';
    const token = state.tokens.get(/^(?:token|bearer) (.+)$/i.exec(authorization)?.[1] ?? '');
    const exchange: Exchange = {
      method,
      path: `${asked.pathname}${asked.search}`,
      headers,
      body,
      by: token?.account.login,
      status: 0,
      answer: '',
    };
    log.push(exchange);

    const send = (status: number, more: Readonly<Record<string, string>>, answer: string): void => {
      exchange.status = status;
      exchange.answer = answer;
      const rate = Object.entries(rateOf(token)).map(([name, value]) => [
        `x-ratelimit-${name}`,
        String(value),
      ]);
      response.writeHead(status, {
        ...Object.fromEntries(rate),
        'x-ratelimit-resource': 'core',
        date: new Date(state.clock()).toUTCString(),
        'x-github-request-id': `0000:${log.length}`,
        'content-type': 'application/json; charset=utf-8',
        ...more,
      });
      response.end(answer);
    };
    const act = () =>
      respond(
        {
          state,
          answers,
          complain: (what) => complaints.push(`${method} ${exchange.path}: ${what}`),
        },
        {
          method,
          path,
          query: Object.fromEntries(asked.searchParams),
          headers: request.headers,
          body,
          token,
        },
      );

    const fault = faults.take(method, path);
    if (!fault) {
      const answer = act();
      const here = new URL(asked.href.replace(named, numbered));
      const link =
        answer.after === undefined
          ? answer.page && linkHeader(here, answer.page)
          : cursorHeader(here, answer.after);
      send(
        answer.status,
        link === undefined ? {} : { link },
        answer.body === undefined ? '' : JSON.stringify(answer.body),
      );
      return;
    }
    if (fault.afterEffect) act();
    const answer = faultAnswer(fault);
    if (answer) send(answer.status, answer.headers, answer.body);
    else if (fault.with === 'close') request.socket.destroy();
  }

  let ended: Promise<unknown> | undefined;
  function end(): Promise<unknown> {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    return closed;
  }
  function takeComplaints(): string[] {
    const taken = complaints;
    complaints = [];
    return taken;
  }
  async function stop(): Promise<void> {
    ended ??= end();
    await ended;
    const taken = takeComplaints();
    if (taken.length > 0) throw new Error(`GitHub would not have it so:\n${taken.join('\n')}`);
  }
  onTestFinished(stop);
  return { ...createActs(state), url, log, fault: faults.add, takeComplaints, stop };
}
