import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { connect } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { AccessReview, Wanted } from '../../src/operator/access-review.ts';
import { readAddress } from '../../src/operator/listener.ts';
import { type Server, type ServerOptions, startServer } from '../../src/operator/server.ts';
import type { OpenTable } from '../../src/operator/snapshots.ts';
import { KubeError } from '../../src/sources/kube.ts';
import { selfSigned } from '../support/certificate.ts';
import { temporaryFolder } from '../support/folder.ts';
import { recordingLog } from '../support/scripted-kube.ts';

const TABLE = '"workspace","user"\r\n"acme","ana"\r\n';
const SHA256 = createHash('sha256').update(TABLE).digest('hex');
const ANY = { host: '127.0.0.1', port: 0 };

function tableOf(content: string | Buffer): OpenTable {
  const bytes = Buffer.from(content);
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    content: Readable.from([bytes]),
  };
}

/** `good` may read all, `poor` nothing, others are nobody. */
const letsGood: AccessReview = {
  mayRead: async (token) => (token === 'good' ? 'allowed' : token === 'poor' ? 'denied' : 'unknown'),
};

async function serving(more: Partial<ServerOptions> = {}) {
  const log = recordingLog();
  const server = await startServer({
    main: ANY,
    health: ANY,
    alive: {},
    ready: {},
    metrics: {
      text: async () => 'rolecall_revision 7\n',
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
    },
    snapshots: { open: async (name) => (name === 'acme' ? tableOf(TABLE) : undefined) },
    access: letsGood,
    log,
    ...more,
  });
  onTestFinished(() => server.close());
  return { server, log };
}

interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

async function get(
  url: string,
  options: RequestOptions & { readonly token?: string; readonly ca?: string } = {},
) {
  const { token, headers = {}, ...rest } = options;
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const send = url.startsWith('https:') ? tlsRequest : httpRequest;
  return new Promise<Got>((resolve, reject) => {
    // A new connection each: nobody else's is closed.
    const call = send(url, { agent: false, ...rest, headers: { ...headers, ...authorization } }, (answer) => {
      text(answer).then(
        (body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: body }),
        reject,
      );
    });
    call.on('error', reject).end();
  });
}

const snapshotUrl = (server: Server, name = 'acme.users.csv') => `${server.mainUrl}/snapshots/${name}`;

test('health is good when nothing is wrong, and says what is', async () => {
  let wrong: string | undefined;
  const { server } = await serving({
    alive: { queue: () => wrong, watches: () => undefined },
    ready: {
      caches: () => {
        throw new Error('with details that are nobody’s business');
      },
    },
  });
  const alive = (query = '') => get(`${server.healthUrl}/healthz${query}`);
  expect(await alive()).toMatchObject({
    status: 200,
    text: 'ok\n',
    headers: { 'cache-control': 'no-store' },
  });
  expect(await alive('?verbose')).toMatchObject({
    status: 200,
    text: '[+]queue ok\n[+]watches ok\nhealthz check passed\n',
  });
  wrong = 'nothing for 90 s';
  expect(await alive()).toMatchObject({
    status: 503,
    text: '[-]queue failed: nothing for 90 s\n[+]watches ok\nhealthz check failed\n',
  });
  expect(await get(`${server.healthUrl}/readyz`)).toMatchObject({
    status: 503,
    text: '[-]caches failed: it cannot be told\nreadyz check failed\n',
  });
});

test('each listener has its own paths', async () => {
  const { server } = await serving();
  for (const url of [
    `${server.healthUrl}/metrics`,
    `${server.healthUrl}/`,
    snapshotUrl(server).replace(server.mainUrl, server.healthUrl),
    `${server.mainUrl}/healthz`,
    `${server.mainUrl}/readyz`,
    `${server.mainUrl}/`,
  ])
    expect(await get(url, { token: 'good' }), url).toMatchObject({ status: 404, text: 'not found\n' });
});

test('who may is given the metrics', async () => {
  const { server } = await serving();
  expect(await get(`${server.mainUrl}/metrics`, { token: 'good' })).toMatchObject({
    status: 200,
    text: 'rolecall_revision 7\n',
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' },
  });
  expect(await get(`${server.mainUrl}/metrics`)).toMatchObject({ status: 401 });
  expect(await get(`${server.mainUrl}/metrics`, { token: 'poor' })).toMatchObject({
    status: 403,
    text: 'forbidden: needs the verb get on the path /metrics\n',
  });
});

test('who may is given the snapshot, by its sum', async () => {
  const { server } = await serving();
  const url = snapshotUrl(server);
  const headers = {
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-length': String(TABLE.length),
    'content-disposition': 'attachment; filename="acme.users.csv"',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    etag: `"${SHA256}"`,
  };
  expect(await get(url, { token: 'good' })).toMatchObject({ status: 200, text: TABLE, headers });
  expect(await get(`${url}?any=thing`, { token: 'good' })).toMatchObject({ status: 200, text: TABLE });
  expect(await get(url, { token: 'good', method: 'HEAD' })).toMatchObject({ status: 200, text: '', headers });
  for (const known of [`"${SHA256}"`, `W/"${SHA256}"`, `"other", "${SHA256}"`, '*'])
    expect(await get(url, { token: 'good', headers: { 'if-none-match': known } })).toMatchObject({
      status: 304,
      text: '',
      headers: { etag: `"${SHA256}"`, 'cache-control': 'no-store' },
    });
  expect(await get(url, { token: 'good', headers: { 'if-none-match': '"other"' } })).toMatchObject({
    status: 200,
  });
});

test('who may not, or is nobody, gets nothing, also not whether there is a workspace', async () => {
  const { server } = await serving();
  for (const name of ['acme.users.csv', 'gone.grants.csv']) {
    const workspace = name.split('.')[0];
    expect(await get(snapshotUrl(server, name))).toMatchObject({
      status: 401,
      text: 'unauthorized: a bearer token is needed\n',
      headers: { 'www-authenticate': 'Bearer' },
    });
    expect(await get(snapshotUrl(server, name), { token: 'wrong' })).toMatchObject({
      status: 401,
      text: 'unauthorized: the cluster does not know this token\n',
    });
    expect(await get(snapshotUrl(server, name), { token: 'poor' })).toMatchObject({
      status: 403,
      text: `forbidden: needs the verb get on workspaces/snapshot "${workspace}" of rolecall.dev\n`,
    });
  }
  expect(await get(snapshotUrl(server, 'gone.users.csv'), { token: 'good' })).toMatchObject({ status: 404 });
});

test('only bearer tokens are tokens', async () => {
  const asked: string[] = [];
  const access: AccessReview = {
    async mayRead(token) {
      asked.push(token);
      return 'unknown';
    },
  };
  const { server } = await serving({ access });
  for (const authorization of [
    'good',
    'Basic Z29vZA==',
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer a"b',
    'Bearerx',
  ])
    expect(await get(snapshotUrl(server), { headers: { authorization } }), authorization).toMatchObject({
      status: 401,
    });
  expect(asked).toEqual([]);
  await get(snapshotUrl(server), { headers: { authorization: 'bearer a.b_c-d~e+f/g==' } });
  expect(asked).toEqual(['a.b_c-d~e+f/g==']);
});

test('no other path leads anywhere, and nobody is asked about it', async () => {
  const wanted: Wanted[] = [];
  const access: AccessReview = {
    async mayRead(_token, what) {
      wanted.push(what);
      return 'allowed';
    },
  };
  const opened: string[] = [];
  const snapshots = {
    async open(name: string) {
      opened.push(name);
      return undefined;
    },
  };
  const { server } = await serving({ access, snapshots });
  const paths = [
    '/snapshots/',
    '/snapshots/acme',
    '/snapshots/acme.csv',
    '/snapshots/acme.snapshot.json',
    '/snapshots/acme.Users.csv',
    '/snapshots/../acme.users.csv',
    '/snapshots/..%2facme.users.csv',
    '/snapshots/a%63me.users.csv',
    '/snapshots/Acme.users.csv',
    '/snapshots/-acme.users.csv',
    '/snapshots/.acme.users.csv',
    '/snapshots/acme/.users.csv',
    '/snapshots/acme.users.csv/',
    '/snapshots//acme.users.csv',
    '//snapshots/acme.users.csv',
    `/snapshots/${'a'.repeat(64)}.users.csv`,
    '/snapshots/acme\\..\\x.users.csv',
    '/metrics/',
    '/METRICS',
    'http://elsewhere.invalid/metrics',
  ];
  const { hostname, port } = new URL(server.mainUrl);
  for (const path of paths)
    expect(await get(server.mainUrl, { hostname, port, path, token: 'good' }), path).toMatchObject({
      status: 404,
    });
  expect(wanted).toEqual([]);
  expect(opened).toEqual([]);
});

test('nothing but GET and HEAD is taken, and no body', async () => {
  const { server } = await serving();
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    for (const url of [snapshotUrl(server), `${server.healthUrl}/healthz`])
      expect(await get(url, { method, token: 'good' })).toMatchObject({
        status: 405,
        text: 'only GET and HEAD\n',
        headers: { allow: 'GET, HEAD' },
      });
  for (const headers of [{ 'content-length': '3' }, { 'transfer-encoding': 'chunked' }])
    expect(await rawGet(server, '/metrics', headers, 'abc')).toMatch(
      /^HTTP\/1\.1 413 .*connection: close.*no body is taken/is,
    );
});

/** Says a request by hand, and gives all that comes back until the other end closes. */
async function rawGet(
  server: Server,
  path: string,
  headers: Record<string, string>,
  body: string,
): Promise<string> {
  const { hostname, port } = new URL(server.mainUrl);
  const socket = connect(Number(port), hostname);
  const lines = Object.entries({ host: 'x', authorization: 'Bearer good', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
  return text(socket);
}

test('an API server that does not say who may is told, and is never a yes', async () => {
  let error: Error = new KubeError(null, '', 'connection refused');
  const access: AccessReview = {
    mayRead: () => Promise.reject(error),
  };
  const { server, log } = await serving({ access });
  for (const url of [snapshotUrl(server), `${server.mainUrl}/metrics`])
    expect(await get(url, { token: 'good' })).toMatchObject({
      status: 503,
      text: 'the API server does not say who may read this\n',
      headers: { 'retry-after': '1' },
    });
  error = new KubeError(429, 'TooManyRequests', 'later', 7000);
  expect(await get(snapshotUrl(server), { token: 'good' })).toMatchObject({
    status: 503,
    headers: { 'retry-after': '7' },
  });
  expect(log.lines.map(({ message }) => message)).toEqual(Array(3).fill('access review failed'));
});

test('a snapshot that cannot be made, or metrics that break, are told without why', async () => {
  const { server, log } = await serving({
    snapshots: { open: () => Promise.reject(new Error('the store at db.acme.example is down')) },
    metrics: { text: () => Promise.reject(new Error('inside')), contentType: 'text/plain' },
  });
  expect(await get(snapshotUrl(server), { token: 'good' })).toMatchObject({
    status: 503,
    text: 'the snapshot cannot be made now\n',
  });
  expect(await get(`${server.mainUrl}/metrics`, { token: 'good' })).toMatchObject({
    status: 500,
    text: 'internal error\n',
  });
  expect(log.lines).toMatchObject([
    { level: 'warn', message: 'snapshot not made', object: 'Workspace//acme' },
    { level: 'error', message: 'request failed', path: '/metrics' },
  ]);
});

test('no token is ever logged', async () => {
  const token = 'very-secret-token';
  const access: AccessReview = { mayRead: () => Promise.reject(new Error('no')) };
  const { server, log } = await serving({ access });
  await get(`${snapshotUrl(server)}?token=${token}`, { token });
  expect(log.lines).toHaveLength(1);
  expect(JSON.stringify(log.lines)).not.toContain(token);
});

test('a large table is sent as it is read, not held', async () => {
  const piece = Buffer.alloc(1 << 18, 'x');
  const pieces = 400;
  let read = 0;
  const open = async (): Promise<OpenTable> => ({
    sha256: SHA256,
    bytes: piece.length * pieces,
    content: new Readable({
      highWaterMark: 1 << 18,
      read() {
        this.push(read++ < pieces ? piece : null);
      },
    }),
  });
  const { server } = await serving({ snapshots: { open } });
  const call = httpRequest(snapshotUrl(server), { agent: false, headers: { authorization: 'Bearer good' } });
  call.end();
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  await sleep(500);
  expect(read).toBeLessThan(pieces / 4);
  let bytes = 0;
  for await (const chunk of answer) bytes += (chunk as Buffer).length;
  expect(bytes).toBe(piece.length * pieces);
});

test('whoever goes away in the middle leaves nothing open', async () => {
  const content = new Readable({ read() {} });
  content.push('"workspace"');
  const { server } = await serving({
    snapshots: { open: async () => ({ sha256: SHA256, bytes: 100, content }) },
  });
  const call = httpRequest(snapshotUrl(server), { agent: false, headers: { authorization: 'Bearer good' } });
  call.on('error', () => {}).end();
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  answer.on('error', () => {});
  call.destroy();
  await expect.poll(() => content.destroyed).toBe(true);
  expect(await get(`${server.mainUrl}/metrics`, { token: 'good' })).toMatchObject({ status: 200 });
});

test('more than 64 at once are to come again', async () => {
  const gate = Promise.withResolvers<void>();
  const access: AccessReview = {
    async mayRead() {
      await gate.promise;
      return 'allowed';
    },
  };
  const { server } = await serving({ access });
  const held = Array.from({ length: 64 }, () => get(snapshotUrl(server), { token: 'good' }));
  await sleep(300);
  expect(await get(snapshotUrl(server), { token: 'good' })).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1' },
  });
  expect(await get(`${server.healthUrl}/healthz`)).toMatchObject({ status: 200 });
  gate.resolve();
  expect((await Promise.all(held)).every(({ status }) => status === 200)).toBe(true);
  expect(await get(snapshotUrl(server), { token: 'good' })).toMatchObject({ status: 200 });
});

test('whoever takes his time over a request is hung up on', async () => {
  const { server } = await serving();
  const { hostname, port } = new URL(server.mainUrl);
  const socket = connect(Number(port), hostname);
  socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n');
  const dripping = setInterval(() => socket.write('x-a: b\r\n'), 500);
  const begun = Date.now();
  expect(await text(socket.on('error', () => {}))).toMatch(/^HTTP\/1\.1 408 /);
  clearInterval(dripping);
  expect(Date.now() - begun).toBeLessThan(10_000);
});

test('who closes lets answers under way end, and takes no more', async () => {
  const gate = Promise.withResolvers<void>();
  const access: AccessReview = {
    async mayRead() {
      await gate.promise;
      return 'allowed';
    },
  };
  const { server } = await serving({ access });
  const held = get(snapshotUrl(server), { token: 'good' });
  await sleep(200);
  const closed = server.close();
  await expect(get(snapshotUrl(server), { token: 'good' })).rejects.toThrow('ECONNREFUSED');
  gate.resolve();
  expect(await held).toMatchObject({ status: 200, text: TABLE });
  await closed;
});

test('what does not end within five seconds of closing is cut', async () => {
  const { server } = await serving({ access: { mayRead: () => new Promise(() => {}) } });
  const held = expect(get(snapshotUrl(server), { token: 'good' })).rejects.toThrow('socket hang up');
  await sleep(200);
  const begun = Date.now();
  await server.close();
  await held;
  expect(Date.now() - begun).toBeGreaterThan(4900);
  expect(Date.now() - begun).toBeLessThan(6500);
});

test('an address that is taken is a failure, and leaves no listener behind', async () => {
  const { server } = await serving();
  const taken = Number(new URL(server.mainUrl).port);
  const health = Number(new URL(server.healthUrl).port);
  await server.close();
  const again = await serving({ main: { host: '127.0.0.1', port: taken } });
  await expect(
    serving({ main: { host: '127.0.0.1', port: taken }, health: { host: '127.0.0.1', port: health } }),
  ).rejects.toThrow(`cannot listen on 127.0.0.1:${taken}`);
  await expect(get(`http://127.0.0.1:${health}/healthz`)).rejects.toThrow('ECONNREFUSED');
  await again.server.close();
});

test('addresses are a port, with a host or without', () => {
  expect(readAddress(':8080', '--listen')).toEqual({ port: 8080 });
  expect(readAddress('127.0.0.1:0', '--listen')).toEqual({ host: '127.0.0.1', port: 0 });
  expect(readAddress('[::1]:65535', '--listen')).toEqual({ host: '::1', port: 65_535 });
  expect(readAddress('localhost:80', '--listen')).toEqual({ host: 'localhost', port: 80 });
  for (const wrong of ['', '8080', ':', ':65536', ':http', 'a:b:1', '::1:80', 'http://a:80', ':80/', ' :80'])
    expect(() => readAddress(wrong, '--listen'), wrong).toThrow('--listen: not an address');
});

test('with a certificate it speaks TLS alone, and takes the one that a renewal puts there', {
  timeout: 60_000,
}, async () => {
  const [first, second] = [selfSigned('first'), selfSigned('second')];
  const folder = temporaryFolder({ 'tls.crt': first.cert, 'tls.key': first.key });
  const tls = { cert: path.join(folder, 'tls.crt'), key: path.join(folder, 'tls.key') };
  const { server, log } = await serving({ tls });
  const asked = (ca: string) => get(`${server.mainUrl}/metrics`, { token: 'good', ca });
  expect(server.mainUrl).toMatch(/^https:/);
  expect(await asked(first.cert)).toMatchObject({ status: 200 });
  await expect(
    get(`${server.mainUrl.replace('https', 'http')}/metrics`, { token: 'good' }),
  ).rejects.toThrow();
  expect(await get(`${server.healthUrl}/healthz`)).toMatchObject({ status: 200 });
  // Halfway through a renewal.
  writeFileSync(tls.cert, second.cert);
  await expect
    .poll(() => log.lines.map(({ message }) => message), { timeout: 15_000 })
    .toEqual(['certificate not renewed']);
  expect(await asked(first.cert)).toMatchObject({ status: 200 });
  writeFileSync(tls.key, second.key);
  await expect.poll(() => log.lines.at(-1)?.message, { timeout: 15_000 }).toBe('certificate renewed');
  expect(await asked(second.cert)).toMatchObject({ status: 200 });
  await expect(asked(first.cert)).rejects.toThrow();
});

test('a certificate that is not there, or not of the key, is a failure at once', async () => {
  const folder = temporaryFolder({ 'tls.crt': selfSigned('a').cert, 'tls.key': selfSigned('b').key });
  const cert = path.join(folder, 'tls.crt');
  for (const key of ['tls.key', 'none.key'])
    await expect(serving({ tls: { cert, key: path.join(folder, key) } })).rejects.toThrow(
      `the certificate ${cert} and its key ${path.join(folder, key)} cannot be used`,
    );
});
