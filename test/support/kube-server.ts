import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeBinaries } from './kube-binaries.ts';

/** An answer of an API server. */
export interface KubeAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A real API server of its own, on the loopback interface alone; nothing of it outlives `stop`. */
export interface KubeServer {
  readonly url: string;
  /** The file of a kubeconfig whose user may do everything. */
  readonly kubeconfig: string;
  /**
   * `body` is sent as JSON, or as the YAML that it is when it is a text; PATCH is a server-side apply. `accept` is JSON
   * unless it says more.
   */
  send(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: object | string,
    accept?: string,
  ): Promise<KubeAnswer>;
  /** Kills it, as a crash would, and starts it again where it was; resolves when it is ready. What it keeps is kept. */
  restart(): Promise<void>;
  /**
   * Forgets what has happened: to go on with a list, or to begin a watch, from before is 410. A real one still knows from its
   * cache, until it is started again.
   */
  forget(): Promise<void>;
  /** Ends both processes. */
  stop(): Promise<void>;
}

/** One that knows more than one user. */
export interface RealKubeServer extends KubeServer {
  /** `send` of another user, of whom the server believes us that he is it. */
  as(user: string, ...groups: readonly string[]): KubeServer['send'];
  /** All requests that it has answered or begun to answer, by whomever; with the option `audit`. */
  audited(): readonly AuditEvent[];
}

/** A request as the server has noted it: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/ */
export interface AuditEvent {
  readonly stage: 'ResponseStarted' | 'ResponseComplete' | 'Panic';
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  /** What it is about; a path that is no resource has none. */
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code: number };
}

export interface KubeServerOptions {
  /** Without RBAC everybody may do everything. */
  readonly rbac?: boolean;
  /** Notes each request, for `audited`. */
  readonly audit?: boolean;
}

/** Starts etcd and kube-apiserver, and waits until it is ready. */
export async function startKubeServer(
  { apiServer, etcd }: KubeBinaries,
  { rbac = false, audit = false }: KubeServerOptions = {},
): Promise<RealKubeServer> {
  const folder = mkdtempSync(join(tmpdir(), 'iam-kube-'));
  const file = (name: string) => join(folder, name);
  const [store, peer, secure] = [await freePort(), await freePort(), await freePort()];
  const token = randomBytes(16).toString('hex');
  writeFileSync(file('tokens.csv'), `${token},tester,1,system:masters\n`, { mode: 0o600 });
  writeFileSync(file('account.pem'), privateKey(), { mode: 0o600 });
  mkdirSync(file('certificates'));
  writeFileSync(file('audit-policy'), JSON.stringify(AUDIT_POLICY));
  writeFileSync(file('audit'), '', { mode: 0o600 });
  const storeUrl = `http://127.0.0.1:${store}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const url = `https://127.0.0.1:${secure}`;
  const children: ChildProcess[] = [];
  const logs: string[] = [];
  const start = (command: string, args: readonly string[]): ChildProcess => {
    const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      logs.push(text);
      if (logs.length > 50) logs.shift();
    });
    child.on('error', (error) => logs.push(String(error)));
    children.unshift(child);
    return child;
  };
  const killAll = () => {
    for (const child of children)
      if (child.pid !== undefined && child.exitCode === null) child.kill('SIGKILL');
  };
  process.on('exit', killAll);
  const stop = async () => {
    for (const child of children) await end(child);
    process.off('exit', killAll);
    agent.destroy();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  start(etcd, [
    `--data-dir=${file('etcd')}`,
    `--listen-client-urls=${storeUrl}`,
    `--advertise-client-urls=${storeUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    '--unsafe-no-fsync',
    '--log-level=error',
  ]);
  const serverArguments = [
    `--etcd-servers=${storeUrl}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${secure}`,
    // It makes its own, for 127.0.0.1.
    `--cert-dir=${file('certificates')}`,
    `--token-auth-file=${file('tokens.csv')}`,
    `--authorization-mode=${rbac ? 'RBAC' : 'AlwaysAllow'}`,
    '--anonymous-auth=false',
    '--service-account-issuer=https://rolecall.invalid',
    `--service-account-key-file=${file('account.pem')}`,
    `--service-account-signing-key-file=${file('account.pem')}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    // Without a controller-manager there are no accounts to wait for.
    '--disable-admission-plugins=ServiceAccount',
    '--endpoint-reconciler-type=none',
    '--profiling=false',
    ...(audit ? [`--audit-policy-file=${file('audit-policy')}`, `--audit-log-path=${file('audit')}`] : []),
  ];
  let server = start(apiServer, serverArguments);
  const certificate = () => readFileSync(file('certificates/apiserver.crt'), 'utf8');
  const as: RealKubeServer['as'] =
    (user, ...groups) =>
    async (method, path, body, accept = 'application/json') => {
      const impersonate = user === '' ? {} : { 'impersonate-user': user, 'impersonate-group': groups };
      return ask(method, `${url}${path}`, body, accept, { agent, token, ca: certificate(), impersonate });
    };
  const send = as('');
  try {
    await ready(send, children, logs);
    writeFileSync(file('kubeconfig'), JSON.stringify(kubeconfig(url, token, certificate())), { mode: 0o600 });
  } catch (error) {
    await stop();
    throw error;
  }
  const restart = async () => {
    await end(server, 'SIGKILL');
    children.splice(children.indexOf(server), 1);
    server = start(apiServer, serverArguments);
    await ready(send, children, logs);
  };
  const audited = () =>
    readFileSync(file('audit'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as AuditEvent);
  const forget = () => compact(storeUrl);
  return { url, kubeconfig: file('kubeconfig'), send, as, audited, restart, forget, stop };
}

/** Who asked for what, and what became of it; not what was in it. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};

/** Has etcd forget all versions but the last one. */
async function compact(storeUrl: string): Promise<void> {
  const ask = async (path: string, body: object): Promise<{ header?: { revision?: string } }> => {
    const response = await fetch(`${storeUrl}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`etcd: ${response.status} ${await response.text()}`);
    return (await response.json()) as { header?: { revision?: string } };
  };
  const { header } = await ask('range', { key: Buffer.from('/').toString('base64') });
  await ask('compaction', { revision: header?.revision, physical: true });
}

function privateKey(): string {
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs1', format: 'pem' })
    .toString();
}

async function ready(send: KubeServer['send'], children: readonly ChildProcess[], logs: readonly string[]) {
  for (const until = Date.now() + 120_000; Date.now() < until; await sleep(100)) {
    if (children.some(({ exitCode, pid }) => exitCode !== null || pid === undefined)) break;
    // There is no certificate yet, nobody who listens, or not all that must be there.
    const answer = await send('GET', '/readyz').catch(() => undefined);
    if (answer?.status === 200) return;
  }
  throw new Error(`the API server did not start:\n${logs.join('')}`);
}

interface Sender {
  readonly agent: Agent;
  readonly token: string;
  readonly ca: string;
  readonly impersonate: Readonly<Record<string, string | readonly string[]>>;
}

function ask(
  method: string,
  url: string,
  body: object | string | undefined,
  accept: string,
  { agent, token, ca, impersonate }: Sender,
): Promise<KubeAnswer> {
  const format = typeof body === 'string' ? 'application/yaml' : 'application/json';
  const contentType = method === 'PATCH' ? 'application/apply-patch+yaml' : format;
  const headers = {
    authorization: `Bearer ${token}`,
    accept,
    ...impersonate,
    ...(body === undefined ? {} : { 'content-type': contentType }),
  };
  return new Promise((resolve, reject) => {
    const call = request(url, { method, agent, ca, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        const isJson = response.headers['content-type']?.startsWith('application/json');
        resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : { message: text } });
      });
    });
    call.on('error', reject);
    call.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
  });
}

function kubeconfig(server: string, token: string, ca: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'tester' } }],
    clusters: [
      {
        name: 'test',
        cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
      },
    ],
    users: [{ name: 'tester', user: { token } }],
  };
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const patience = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(patience);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
