import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import { KubeError } from './kube.ts';

export interface HttpCall {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds: until all of the answer is there, or the first of it where it is read by lines. */
  readonly timeout: number;
  /** Credentials and TLS. */
  readonly options: RequestOptions;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** An answer that does not end soon: `text` is empty where there are `lines`, which is so with status 200. */
export interface HttpStream extends HttpAnswer {
  /** As they come, without their line feeds. To be read once, or left at once. */
  readonly lines?: AsyncIterable<string>;
}

/**
 * Requests to one server. All throw a KubeError (status null) where there is no answer, or only some of it, and the reason
 * of `signal` once that aborts.
 */
export interface KubeHttp {
  exchange(call: HttpCall): Promise<HttpAnswer>;
  /** On a connection of its own. */
  open(call: HttpCall): Promise<HttpStream>;
  close(): Promise<void>;
}

/** Connections that may be open at a time, beside those of `open`: file descriptors must stay few. */
const MOST_SOCKETS = 64;
/** Milliseconds after which one that nobody needs is closed: sooner than an API server does it, which is after 90 s. */
const IDLE = 45_000;
/** Milliseconds of silence after which the kernel asks whether the other side is still there. */
const PROBE_AFTER = 30_000;
/** A longer answer is not taken: a text in V8 ends at half a GiB. */
const MOST_BYTES = 256 * 2 ** 20;

export function kubeHttp(server: string): KubeHttp {
  const isPlain = server.startsWith('http:');
  const pool = { keepAlive: true, maxSockets: MOST_SOCKETS, maxFreeSockets: MOST_SOCKETS, timeout: IDLE };
  const shared = isPlain ? new HttpAgent(pool) : new HttpsAgent(pool);
  const running = new Set<Running>();
  let isClosed = false;

  interface Running {
    readonly response: Promise<IncomingMessage>;
    /** Whether it was sent on a connection that the server may have closed meanwhile. */
    isReused(): boolean;
    cut(error: Error): void;
    end(): void;
  }

  function start(call: HttpCall, agent: RequestOptions['agent']): Running {
    call.signal?.throwIfAborted();
    if (isClosed) throw new KubeError(null, '', `${server} is not asked any more`);
    const request = (isPlain ? httpRequest : httpsRequest)(`${server}${call.path}`, {
      ...call.options,
      agent: call.options.agent ?? agent,
      method: call.method,
      headers: {
        accept: 'application/json',
        'user-agent': 'rolecall',
        ...call.options.headers,
        ...call.headers,
        ...(call.body === undefined ? {} : { 'content-length': Buffer.byteLength(call.body) }),
      } as Record<string, string | number>,
    });
    request.setSocketKeepAlive(true, PROBE_AFTER);
    let answer: IncomingMessage | undefined;
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      request.on('error', reject);
      request.on('response', (message) => {
        answer = message;
        resolve(message);
      });
    });
    const abort = () => one.cut(new Error('aborted'));
    call.signal?.addEventListener('abort', abort);
    const one: Running = {
      response,
      isReused: () => request.reusedSocket,
      cut: (error) => (answer ?? request).destroy(error),
      end() {
        running.delete(one);
        call.signal?.removeEventListener('abort', abort);
      },
    };
    running.add(one);
    request.end(call.body);
    return one;
  }

  function unanswered(error: unknown, { signal }: HttpCall): unknown {
    if (signal?.aborted) return signal.reason;
    return error instanceof KubeError
      ? error
      : new KubeError(null, '', `${server} does not answer: ${said(error)}`);
  }

  /** Cuts it off after its time, unless what it gives is called before. */
  function limit(one: Running, { timeout }: HttpCall): () => void {
    const late = new KubeError(null, '', `${server} does not answer within ${timeout / 1000} s`);
    const timer = setTimeout(() => one.cut(late), timeout);
    return () => clearTimeout(timer);
  }

  async function attempt(call: HttpCall): Promise<HttpAnswer | undefined> {
    const one = start(call, shared);
    const inTime = limit(one, call);
    let response: IncomingMessage | undefined;
    try {
      response = await one.response;
      return { status: response.statusCode ?? 0, headers: response.headers, text: await whole(response) };
    } catch (error) {
      if (response === undefined && one.isReused() && isReset(error) && !call.signal?.aborted)
        return undefined;
      throw unanswered(error, call);
    } finally {
      inTime();
      one.end();
    }
  }

  return {
    async exchange(call) {
      // A connection that was idle may be closed by the server just when it is used. It is not known then whether it was
      // done, so what makes something new is not sent twice; all else comes to the same, or is refused as a conflict.
      for (let tries = 0; tries < MOST_SOCKETS; tries++) {
        const answer = await attempt(call);
        if (answer !== undefined) return answer;
        if (call.method === 'POST') break;
      }
      throw new KubeError(null, '', `${server} closed the connection`);
    },
    async open(call) {
      const one = start(call, false);
      const inTime = limit(one, call);
      try {
        const response = await one.response;
        const head = { status: response.statusCode ?? 0, headers: response.headers };
        if (head.status !== 200) {
          const text = await whole(response);
          one.end();
          return { ...head, text };
        }
        inTime();
        return { ...head, text: '', lines: linesOf(response, one, (error) => unanswered(error, call)) };
      } catch (error) {
        one.end();
        throw unanswered(error, call);
      } finally {
        inTime();
      }
    },
    async close() {
      isClosed = true;
      for (const one of running) one.cut(new KubeError(null, '', `${server} is not asked any more`));
      shared.destroy();
    },
  };
}

async function whole(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new KubeError(null, '', 'an answer is longer than 256 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function* linesOf(
  response: IncomingMessage,
  one: { end(): void },
  failed: (error: unknown) => unknown,
): AsyncGenerator<string> {
  let begun: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      let from = 0;
      for (let to = chunk.indexOf(10); to >= 0; to = chunk.indexOf(10, from)) {
        begun.push(chunk.subarray(from, to));
        yield Buffer.concat(begun).toString();
        begun = [];
        bytes = 0;
        from = to + 1;
      }
      if (from === chunk.length) continue;
      begun.push(chunk.subarray(from));
      bytes += chunk.length - from;
      if (bytes > MOST_BYTES) throw new KubeError(null, '', 'an event is longer than 256 MiB');
    }
  } catch (error) {
    throw failed(error);
  } finally {
    one.end();
  }
}

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

/** Of several addresses that do not answer Node says nothing but a code. */
function said(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no reason';
  return (error instanceof Error && error.message) || code;
}
