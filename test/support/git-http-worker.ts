import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { devNull } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { parentPort, workerData } from 'node:worker_threads';
import type { GitHttpOrder } from './git-http.ts';

const { root, password } = workerData as GitHttpOrder;

/** What GitHub lets be fetched: any commit, and a part of what it has. */
const SETTINGS = ['-c', 'uploadpack.allowFilter=true', '-c', 'uploadpack.allowAnySHA1InWant=true'];

function environmentOf({ method, url, headers }: IncomingMessage): Record<string, string> {
  const { pathname, search } = new URL(url ?? '', 'http://localhost');
  return {
    PATH: process.env.PATH ?? '',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
    REQUEST_METHOD: method ?? '',
    PATH_INFO: decodeURIComponent(pathname),
    QUERY_STRING: search.slice(1),
    CONTENT_TYPE: headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
  };
}

/** Passes a request on to the backend (CGI), and what it says back. */
async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const basic = Buffer.from(`x-access-token:${password}`).toString('base64');
  if (password !== undefined && request.headers.authorization !== `Basic ${basic}`) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="GitHub"' }).end('Repository not found.');
    return;
  }
  const backend = spawn('git', [...SETTINGS, 'http-backend'], { env: environmentOf(request) });
  request.pipe(backend.stdin);
  const said = await buffer(backend.stdout);
  const end = said.indexOf('\r\n\r\n');
  let status = 200;
  for (const line of said.subarray(0, end).toString().split('\r\n')) {
    const [name = '', value = ''] = line.split(/: (.*)/);
    if (name === 'Status') status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(end < 0 ? 500 : status).end(said.subarray(end + 4));
}

const server = createServer((request, response) => {
  serve(request, response).catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => parentPort?.postMessage((server.address() as AddressInfo).port));
