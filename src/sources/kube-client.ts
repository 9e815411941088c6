import type { RequestOptions } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kube, type KubeCall, KubeError, type KubeStatus, type WatchEvent } from './kube.ts';
import { type KubeAccess, type KubeConfigOptions, readKubeConfig } from './kube-config.ts';
import { type HttpAnswer, type HttpCall, kubeHttp } from './kube-http.ts';

/** How often what an API server puts off is asked. */
const TRIES = 5;
/** Milliseconds before it is asked again, where it does not say how many. */
const PAUSE = 1000;
/** Who is put off for longer is told so. */
const LONGEST_PAUSE = 30_000;
/** Milliseconds that an answer may take. */
const PATIENCE = 30_000;

/**
 * An API server, by a kubeconfig or what a pod has. Makes no request yet.
 *
 * Throws a Failure (exit 4) when there is no kubeconfig, or it cannot be used.
 */
export async function kubeClient(options: KubeConfigOptions = {}): Promise<Kube> {
  const access = await readKubeConfig(options);
  const { server, namespace, context } = access;
  const http = kubeHttp(server);
  const credentials = holdCredentials(access, async () => {
    const next = await readKubeConfig({ ...options, context });
    // Who edits a kubeconfig meanwhile must not send to one cluster what is for another.
    return next.server === server ? next : access;
  });

  /** Asks once more, with what gets in now, where the server does not know any more who asks. */
  async function ask<T extends HttpAnswer>(send: (options: RequestOptions) => Promise<T>): Promise<T> {
    const held = await credentials.get();
    const answer = await send(held.options);
    return answer.status === 401 ? send((await credentials.renew(held)).options) : answer;
  }

  async function request(call: KubeCall): Promise<unknown> {
    const sent = httpCallOf(call);
    for (let tries = 1; ; tries++) {
      const answer = await ask((options) => http.exchange({ ...sent, options }));
      if (answer.status >= 200 && answer.status < 300) return decode(answer.text, call.path);
      const error = refusal(answer, call);
      const isPutOff = error.status === 429 || (answer.status >= 500 && error.retryAfter !== undefined);
      const pause = error.retryAfter ?? PAUSE;
      if (!isPutOff || tries === TRIES || pause > LONGEST_PAUSE) throw error;
      await sleepFor(pause * (1 + Math.random() / 4), call.signal);
    }
  }

  async function* watch(call: KubeCall): AsyncGenerator<WatchEvent> {
    try {
      const answer = await ask((options) => http.open({ ...httpCallOf(call), options }));
      if (answer.lines === undefined) throw refusal(answer, call);
      for await (const line of answer.lines) yield decode(line, call.path) as WatchEvent;
    } catch (error) {
      if (!call.signal?.aborted) throw error;
    }
  }

  return {
    server,
    namespace,
    request: <T>(call: KubeCall) => request(call) as Promise<T>,
    watch: (path, query, signal) => watch({ method: 'GET', path, query: { ...query, watch: true }, signal }),
    close: () => http.close(),
  };
}

/** Throws the reason of `signal` once that aborts. */
async function sleepFor(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(milliseconds, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
}

interface Credentials {
  readonly access: KubeAccess;
  readonly options: RequestOptions;
  /** On the clock that never goes back. */
  readonly until: number;
}

/** Milliseconds for which files with certificates and tokens are not read again. */
const HELD_FOR = 10_000;

/** What gets in, until the server does not know it any more: then `reread` says where to get other. */
function holdCredentials(first: KubeAccess, reread: () => Promise<KubeAccess>) {
  let access = first;
  let held: Credentials | undefined;
  let pending: Promise<Credentials> | undefined;
  const read = async (): Promise<Credentials> => {
    try {
      held = { access, options: await access.options(), until: performance.now() + HELD_FOR };
      return held;
    } catch (error) {
      throw new KubeError(null, '', `no credentials for ${access.server}: ${withoutSecrets(error)}`);
    }
  };
  /** However many ask at once, it is done once. */
  const once = (work: () => Promise<Credentials>): Promise<Credentials> => {
    pending ??= work().finally(() => {
      pending = undefined;
    });
    return pending;
  };
  return {
    get: async (): Promise<Credentials> =>
      pending ?? (held && performance.now() < held.until ? held : once(read)),
    async renew(refused: Credentials): Promise<Credentials> {
      if (held && held.access !== refused.access) return held;
      return once(async () => {
        // One that is just being written is read the next time.
        access = await reread().catch(() => access);
        return read();
      });
    },
  };
}

/** What a file or a program that gives credentials says when it does not, on one line; a parser quotes what it reads. */
function withoutSecrets(error: unknown): string {
  if (!(error instanceof Error) || error instanceof SyntaxError)
    return 'what gives them is not to be understood';
  return error.message.trim().split('\n')[0]?.slice(0, 200) || 'no reason';
}

const PATCHES = { merge: 'application/merge-patch+json', apply: 'application/apply-patch+yaml' } as const;

function httpCallOf({
  method,
  path,
  query = {},
  body,
  patch,
  signal,
  timeout,
}: KubeCall): Omit<HttpCall, 'options'> {
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) given.set(key, `${value}`);
  const contentType = patch === undefined ? 'application/json' : PATCHES[patch];
  return {
    method,
    path: given.size === 0 ? path : `${path}?${given}`,
    headers: body === undefined ? {} : { 'content-type': contentType },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
    timeout: timeout ?? PATIENCE,
  };
}

function decode(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new KubeError(null, '', `${path}: what the server answers is no JSON`);
  }
}

function refusal({ status, headers, text }: HttpAnswer, { method, path }: KubeCall): KubeError {
  const said = statusOf(text);
  const seconds = Number(headers['retry-after'] ?? said.details?.retryAfterSeconds);
  const message = said.message || `${method} ${path}: the server answers ${status}`;
  return new KubeError(status, said.reason ?? '', message, seconds >= 0 ? seconds * 1000 : undefined);
}

/** Nothing where something between answers, not the server. */
function statusOf(text: string): KubeStatus {
  try {
    return (JSON.parse(text) as KubeStatus | null) ?? {};
  } catch {
    return {};
  }
}
