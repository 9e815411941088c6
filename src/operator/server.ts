import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Layout } from '../core/snapshot.ts';
import { API_VERSION } from '../kinds/index.ts';
import { KubeError } from '../sources/kube.ts';
import type { AccessReview, Wanted } from './access-review.ts';
import { type Address, type Answer, type Asked, CONSTANT, listen } from './listener.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Snapshots } from './snapshots.ts';
import type { TlsFiles } from './tls-files.ts';

/** Questions by name, each of which says what is wrong; undefined when nothing is. Everybody may read it. */
export type Checks = Readonly<Record<string, () => string | undefined>>;

export interface ServerOptions {
  /** For /metrics and /snapshots/WORKSPACE.users.csv and .grants.csv: for whom `access` lets. */
  readonly main: Address;
  /** For /healthz and /readyz: for everybody. */
  readonly health: Address;
  /** /healthz: whether all that goes round and round still does. */
  readonly alive: Checks;
  /** /readyz: whether all is known that must be. */
  readonly ready: Checks;
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  readonly snapshots: Pick<Snapshots, 'open'>;
  readonly access: AccessReview;
  /** Of the main listener; without it it speaks plain HTTP. */
  readonly tls?: TlsFiles | undefined;
  readonly log: Log;
}

export interface Server {
  readonly mainUrl: string;
  readonly healthUrl: string;
  /** Takes no more requests; answers under way may end within 5 s. */
  close(): Promise<void>;
}

/** Milliseconds. */
const PATIENCE = 5000;

/** Starts both listeners. Throws a Failure when one cannot be; then there is neither. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { log, tls } = options;
  const health = await listen(options.health, (asked) => answerHealth(asked, options), { log });
  const main = await listen(options.main, (asked, response) => answerMain(asked, response, options), {
    log,
    tls,
  }).catch(async (error: unknown) => {
    await health.close(0);
    throw error;
  });
  return {
    mainUrl: main.url,
    healthUrl: health.url,
    async close() {
      await Promise.all([main.close(PATIENCE), health.close(PATIENCE)]);
    },
  };
}

function answerHealth({ path, query }: Asked, { alive, ready }: ServerOptions): Answer {
  const checks = path === '/healthz' ? alive : path === '/readyz' ? ready : undefined;
  if (!checks) return NOT_FOUND;
  const results = Object.entries(checks).map(([name, check]) => ({ name, wrong: outcomeOf(check) }));
  const isGood = results.every(({ wrong }) => wrong === undefined);
  if (isGood && !query.has('verbose')) return { status: 200, text: 'ok' };
  const lines = results.map(({ name, wrong }) =>
    wrong === undefined ? `[+]${name} ok` : `[-]${name} failed: ${wrong}`,
  );
  const sum = `${path.slice(1)} check ${isGood ? 'passed' : 'failed'}`;
  return { status: isGood ? 200 : 503, text: [...lines, sum].join('\n') };
}

function outcomeOf(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch {
    return 'it cannot be told';
  }
}

/** Names of workspaces are DNS labels; nothing else leads to a file. */
const SNAPSHOT = /^\/snapshots\/([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)\.(users|grants)\.csv$/;

async function answerMain(
  asked: Asked,
  response: ServerResponse,
  options: ServerOptions,
): Promise<Answer | undefined> {
  if (asked.path === '/metrics') {
    const refused = await refusal(asked, { what: 'path', path: '/metrics' }, options);
    if (refused) return refused;
    const { metrics } = options;
    return { status: 200, text: await metrics.text(), headers: { 'content-type': metrics.contentType } };
  }
  const [, workspace, layout] = SNAPSHOT.exec(asked.path) ?? [];
  if (workspace === undefined) return NOT_FOUND;
  const refused = await refusal(asked, { what: 'snapshot', workspace }, options);
  return refused ?? answerTable(asked, response, workspace, layout as Layout, options);
}

/** Why somebody gets no answer; undefined when he gets one. */
async function refusal(
  { headers: { authorization = '' } }: Asked,
  wanted: Wanted,
  { access, log }: ServerOptions,
): Promise<Answer | undefined> {
  const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization) ?? [];
  if (token === undefined) return unauthorized('a bearer token is needed');
  try {
    switch (await access.mayRead(token, wanted)) {
      case 'allowed':
        return undefined;
      case 'denied':
        return { status: 403, text: `forbidden: needs ${rightFor(wanted)}` };
      case 'unknown':
        return unauthorized('the cluster does not know this token');
    }
  } catch (error) {
    log.warn('access review failed', { error });
    const wait = error instanceof KubeError ? (error.retryAfter ?? 1000) : 1000;
    const headers = { 'retry-after': String(Math.ceil(wait / 1000)) };
    return { status: 503, text: 'the API server does not say who may read this', headers };
  }
}

function unauthorized(text: string): Answer {
  return { status: 401, text: `unauthorized: ${text}`, headers: { 'www-authenticate': 'Bearer' } };
}

function rightFor(wanted: Wanted): string {
  return wanted.what === 'path'
    ? `the verb get on the path ${wanted.path}`
    : `the verb get on workspaces/snapshot "${wanted.workspace}" of ${API_VERSION.split('/')[0]}`;
}

async function answerTable(
  { method, headers }: Asked,
  response: ServerResponse,
  workspace: string,
  layout: Layout,
  { snapshots, log }: ServerOptions,
): Promise<Answer | undefined> {
  let table: Awaited<ReturnType<Snapshots['open']>>;
  try {
    table = await snapshots.open(workspace, layout);
  } catch (error) {
    log.warn('snapshot not made', { object: `Workspace//${workspace}`, error });
    return { status: 503, text: 'the snapshot cannot be made now', headers: { 'retry-after': '5' } };
  }
  if (!table) return NOT_FOUND;
  const { sha256, bytes, content } = table;
  const etag = `"${sha256}"`;
  const isKnown = isAmong(headers['if-none-match'], etag);
  response.writeHead(isKnown ? 304 : 200, {
    ...CONSTANT,
    etag,
    ...(isKnown
      ? {}
      : {
          'content-type': 'text/csv; charset=utf-8; header=present',
          'content-length': bytes,
          'content-disposition': `attachment; filename="${workspace}.${layout}.csv"`,
        }),
  });
  if (isKnown || method === 'HEAD') {
    content.destroy();
    response.end();
    return undefined;
  }
  await pipeline(content, response).catch((error: unknown) => {
    // Whoever asked has gone, or reads too slowly.
    log.debug('snapshot not read to its end', { object: `Workspace//${workspace}`, error });
  });
  return undefined;
}

/** Whether an If-None-Match names a tag. */
function isAmong(header: string | undefined, etag: string): boolean {
  const tags = (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}

const NOT_FOUND: Answer = { status: 404, text: 'not found' };
