import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import type { KubeServer } from './kube-server.ts';
import { type ApiAnswer, type ApiRequest, createApi, type SimUser } from './kube-simulator-api.ts';
import {
  type Fault,
  faultList,
  type KubeFaults,
  refusalOf,
  type SeenRequest,
} from './kube-simulator-faults.ts';
import { type Fields, isFields, Refusal, statusBody } from './kube-simulator-objects.ts';
import { createState } from './kube-simulator-state.ts';
import { startWatch, type Watcher } from './kube-simulator-watch.ts';

/** An API server in this process, by plain HTTP on the loopback interface, with faults on demand. `send` meets none of them. */
export interface KubeSimulator extends KubeServer {
  readonly faults: KubeFaults;
  /** All requests but those of `send`. May be emptied. */
  readonly requests: SeenRequest[];
  /** How many connections are open. */
  readonly connections: number;
  /** A token by which somebody is known. */
  addToken(user: SimUser): string;
  /** What a SubjectAccessReview says; until it is set, that everybody may everything. */
  allows: (spec: Fields) => boolean;
}

export interface SimulatorOptions {
  /** Milliseconds between the bookmarks of a watch. */
  readonly bookmarkEvery?: number;
}

const TESTER: SimUser = { username: 'tester', groups: ['system:masters'] };

export async function startKubeSimulator({
  bookmarkEvery = 60_000,
}: SimulatorOptions = {}): Promise<KubeSimulator> {
  const folder = mkdtempSync(join(tmpdir(), 'iam-kube-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const state = createState();
  const users = new Map<string, SimUser>();
  const api = createApi(state, {
    userOf: (token) => users.get(token),
    allows: (spec) => simulator.allows(spec),
  });
  const faults = faultList();
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const watchers = new Set<Watcher>();
  const hanging = new Set<ServerResponse>();
  let ownToken = '';
  let port = 0;

  function rotateToken(): void {
    users.delete(ownToken);
    ownToken = simulator.addToken(TESTER);
    writeFileSync(kubeconfig, JSON.stringify(config(simulator.url, ownToken)), { mode: 0o600 });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
    const method = request.method ?? 'GET';
    const isWatch = method === 'GET' && query.get('watch') === 'true';
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const seen: SeenRequest = { method, path, query, isWatch, token };
    requests.push(seen);
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const fault = faults.take(seen);
    if (typeof fault === 'object') await before(fault);
    if (fault === 'drop') response.destroy();
    else if (fault === 'hang') hanging.add(response);
    else if (typeof fault === 'object' && 'answer' in fault)
      sendAnswer(response, { status: 200, body: fault.answer as Fields });
    else if (fault === 'garbage')
      response.writeHead(200, { 'content-type': 'application/json' }).end('<html>\n');
    else if (!users.has(token)) throw new Refusal(401, 'Unauthorized', 'Unauthorized');
    else if (isWatch) watch(path, query, response);
    else {
      const contentType = request.headers['content-type'] ?? '';
      const answer = api.answer({ method, path, query, contentType, body: read(text) });
      if (fault === 'lose') response.destroy();
      else if (fault === 'half') sendHalf(response, answer);
      else sendAnswer(response, answer);
    }
  }

  async function before(fault: Exclude<Fault, string>): Promise<void> {
    if ('slow' in fault) await sleep(fault.slow);
    else if ('first' in fault) await fault.first();
    else if ('status' in fault) throw refusalOf(fault);
  }

  function watch(path: string, query: URLSearchParams, response: ServerResponse): void {
    const target = api.targetOf(path);
    if (target === undefined) throw new Refusal(404, 'NotFound', 'there is no such resource');
    let watcher: Watcher | undefined;
    const ended = () => {
      if (watcher) watchers.delete(watcher);
    };
    watcher = startWatch(state, { target, query, response, bookmarkEvery, ended });
    if (!response.writableEnded) watchers.add(watcher);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      const refusal =
        error instanceof Refusal
          ? error
          : new Refusal(500, 'InternalError', `the simulator has a bug: ${error}`);
      const { retryAfter } = refusal;
      if (retryAfter !== undefined && !response.headersSent) response.setHeader('retry-after', retryAfter);
      sendAnswer(response, { status: refusal.status, body: statusBody(refusal) });
    });
  });
  server.keepAliveTimeout = 90_000;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const listen = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  const away = async (milliseconds: number) => {
    const closed = once(server, 'close');
    server.close();
    drop();
    await closed;
    await sleep(milliseconds);
    await listen();
  };

  await listen();
  const simulator: KubeSimulator = {
    url: `http://127.0.0.1:${port}`,
    kubeconfig,
    requests,
    get connections() {
      return sockets.size;
    },
    allows: () => true,
    addToken(user) {
      const token = randomBytes(16).toString('hex');
      users.set(token, user);
      return token;
    },
    faults: {
      on: faults.add,
      drop,
      away,
      freezeWatches() {
        for (const watcher of watchers) watcher.freeze();
      },
      refuseWatches(status, reason) {
        for (const watcher of watchers) watcher.refuse(refusalOf({ status, reason }));
      },
      sendToWatches(text) {
        for (const watcher of watchers) watcher.write(text);
      },
      rotateToken,
      heal() {
        faults.clear();
        for (const response of hanging) response.destroy();
        hanging.clear();
      },
    },
    async send(method, url, body) {
      const { pathname: path, searchParams: query } = new URL(url, 'http://localhost');
      const contentType = method === 'PATCH' ? 'application/apply-patch+yaml' : '';
      const parsed = typeof body === 'string' ? read(body) : structuredClone(body as Fields | undefined);
      const request: ApiRequest = { method, path, query, contentType, body: parsed };
      try {
        const answer = api.answer(request);
        return {
          status: answer.status,
          body: isFields(answer.body) ? answer.body : { message: answer.body },
        };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return { status: error.status, body: statusBody(error) };
      }
    },
    restart: () => away(100),
    async forget() {
      state.forget();
      api.forgetLists();
    },
    async stop() {
      server.close();
      drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  rotateToken();
  return simulator;
}

/** JSON, or YAML. */
function read(text: string): Fields | undefined {
  if (text === '') return undefined;
  const value: unknown = text.startsWith('{') ? JSON.parse(text) : parse(text, { version: '1.1' });
  if (!isFields(value)) throw new Refusal(400, 'BadRequest', 'the body is no object');
  return value;
}

function textOf({ body }: ApiAnswer): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function sendAnswer(response: ServerResponse, answer: ApiAnswer): void {
  if (response.destroyed || response.writableEnded) return;
  const type = typeof answer.body === 'string' ? 'text/plain' : 'application/json';
  if (!response.headersSent) response.writeHead(answer.status, { 'content-type': type });
  response.end(textOf(answer));
}

function sendHalf(response: ServerResponse, answer: ApiAnswer): void {
  const text = textOf(answer);
  response.writeHead(answer.status, { 'content-type': 'application/json', 'content-length': text.length });
  response.write(text.slice(0, text.length / 2), () => response.destroy());
}

function config(server: string, token: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'tester' } }],
    clusters: [{ name: 'test', cluster: { server } }],
    users: [{ name: 'tester', user: { token } }],
  };
}
