import { createServer, type IncomingMessage, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { EXIT, failure } from '../core/problem.ts';
import type { Log } from './log.ts';
import { keepTls, readTls, type TlsFiles } from './tls-files.ts';

/** Where to listen. Without a host: on all addresses. */
export interface Address {
  readonly host?: string;
  readonly port: number;
}

/** Reads `:8080`, `127.0.0.1:8080` or `[::1]:8080`; throws a Failure (exit 4) that names the option for anything else. */
export function readAddress(text: string, option: string): Address {
  const [, bracketed, plain, digits = ''] = /^(?:\[([\da-f:.]+)\]|([\w.-]*)):(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits);
  if (digits === '' || port > 65_535)
    throw failure(
      EXIT.invalid,
      'RC121',
      `${option}: not an address ${JSON.stringify(text)}`,
      ':8080, or HOST:PORT',
    );
  const host = bracketed ?? plain;
  return host ? { host, port } : { port };
}

export interface Listener {
  /** For whoever asks from the same machine. */
  readonly url: string;
  /** Takes no more requests, and gives the answers under way so many milliseconds to end. */
  close(patience: number): Promise<void>;
}

/** An answer without more to it than a text. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request for something, without a body: GET or HEAD. */
export interface Asked {
  /** Without its query; as it was sent, not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly method: 'GET' | 'HEAD';
}

/** Gives an Answer, or answers by itself. What it throws is told as 500, and logged. */
export type Handler = (asked: Asked, response: ServerResponse) => Promise<Answer | undefined> | Answer;

/** Against those who open connections and then take their time: milliseconds. */
const LIMITS: ServerOptions = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 15_000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16_384,
};
/** For how long nothing need be read of an answer. */
const IDLE = 60_000;
/** So many requests are answered at once; others are to come again. */
const AT_ONCE = 64;
const CONNECTIONS = 256;

/** Listens, and resolves once it does. Throws a Failure (exit 1) when it cannot. */
export async function listen(
  address: Address,
  handler: Handler,
  { log, tls }: { readonly log: Log; readonly tls?: TlsFiles | undefined },
): Promise<Listener> {
  let underWay = 0;
  let isClosing = false;
  const take = (request: IncomingMessage, response: ServerResponse) => {
    underWay++;
    response.once('close', () => {
      underWay--;
      if (isClosing) server.closeIdleConnections();
    });
    const asked = readRequest(request);
    if (underWay > AT_ONCE)
      return send(response, { status: 503, text: 'too many requests', headers: { 'retry-after': '1' } });
    if ('status' in asked) return send(response, asked);
    Promise.resolve()
      .then(() => handler(asked, response))
      .catch((error: unknown): Answer => {
        log.error('request failed', { path: asked.path, error });
        return { status: 500, text: 'internal error' };
      })
      .then((answer) => answer && send(response, answer));
  };
  const pair = tls && readTls(tls);
  const server = pair
    ? createTlsServer({ ...LIMITS, ...pair, handshakeTimeout: 10_000 }, take)
    : createServer(LIMITS, take);
  server.maxConnections = CONNECTIONS;
  server.timeout = IDLE;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const where = `${address.host ?? ''}:${address.port}`;
      reject(failure(EXIT.error, 'RC130', `cannot listen on ${where}: ${error.message}`));
    });
    server.listen(address.port, address.host, resolve);
  });
  server.removeAllListeners('error').on('error', (error) => log.error('listener failed', { error }));
  const stopKeeping = tls && pair ? keepTls(server as TlsServer, tls, pair, log) : () => {};
  return {
    url: urlOf(server.address() as AddressInfo, pair !== undefined),
    async close(patience) {
      isClosing = true;
      stopKeeping();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const timer = setTimeout(() => server.closeAllConnections(), patience);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** Writes an answer, unless one has begun: then whoever asks sees that it breaks off. */
function send(response: ServerResponse, { status, text, headers = {} }: Answer): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = Buffer.from(text.endsWith('\n') ? text : `${text}\n`);
  response.writeHead(status, {
    ...CONSTANT,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': body.length,
    ...headers,
  });
  response.end(body);
}

/** In every answer: nobody keeps a copy, or takes it for what it is not. */
export const CONSTANT = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

function readRequest({ method, url = '', headers }: IncomingMessage): Asked | Answer {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
  // What follows is a body that nobody reads.
  const connection = hasBody ? { connection: 'close' } : undefined;
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, text: 'only GET and HEAD', headers: { allow: 'GET, HEAD', ...connection } };
  if (connection) return { status: 413, text: 'no body is taken', headers: connection };
  const [path = '', ...query] = url.split('?');
  return { path, query: new URLSearchParams(query.join('?')), headers, method };
}

function urlOf({ address, port, family }: AddressInfo, isTls: boolean): string {
  const isAll = address === '::' || address === '0.0.0.0';
  const host = isAll ? 'localhost' : family === 'IPv6' ? `[${address}]` : address;
  return `${isTls ? 'https' : 'http'}://${host}:${port}`;
}
