/** What goes wrong with the next requests that match. */
export interface Fault {
  /** All methods without it. */
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** What the path (without query) must match; all without it. */
  readonly path?: RegExp;
  /** How many requests; 1 without it. */
  readonly times?: number;
  /**
   * `secondary limit` is a 403 with Retry-After, `primary limit` a 403 with nothing remaining until a reset,
   * `close` ends the connection without an answer, `hang` never answers.
   */
  readonly with: 'secondary limit' | 'primary limit' | 429 | 500 | 502 | 503 | 'close' | 'hang';
  /** Whether what was asked for happens all the same, and only the answer is lost. */
  readonly afterEffect?: boolean;
  /** Seconds of Retry-After, or until the reset; 1 without it. */
  readonly retryAfter?: number;
}

export interface FaultAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The faults that are still to come, in the order in which they were asked for. */
export function createFaults(): {
  add(fault: Fault): void;
  /** The fault of this request, if it has one; it is then used up. */
  take(method: string, path: string): Fault | undefined;
} {
  const coming: { readonly fault: Fault; left: number }[] = [];
  return {
    add(fault) {
      coming.push({ fault, left: fault.times ?? 1 });
    },
    take(method, path) {
      const found = coming.find(
        ({ fault, left }) =>
          left > 0 && (fault.method ?? method) === method && (fault.path ?? /^/).test(path),
      );
      if (found) found.left -= 1;
      return found?.fault;
    },
  };
}

const LIMITS = 'https://docs.github.com/rest/overview/rate-limits-for-the-rest-api';

/** What GitHub answers then; undefined when it answers nothing. */
export function faultAnswer({ with: what, retryAfter = 1 }: Fault): FaultAnswer | undefined {
  const json = (
    status: number,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ): FaultAnswer => ({
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify({ message, documentation_url: LIMITS, status: String(status) }),
  });
  const later = { 'retry-after': String(retryAfter) };
  switch (what) {
    case 'secondary limit':
      return json(
        403,
        'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
        later,
      );
    case 'primary limit':
      return json(403, 'API rate limit exceeded for installation ID 51234567.', {
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + retryAfter),
      });
    case 429:
      return json(429, 'Too many requests. Please wait a few minutes before you try again.', later);
    case 500:
      return json(500, 'Server Error');
    case 502:
    case 503:
      return {
        status: what,
        headers: { 'content-type': 'text/html; charset=utf-8' },
        body: '<!DOCTYPE html><title>Unicorn! &middot; GitHub</title><p>No server is available to handle it.</p>',
      };
    case 'close':
    case 'hang':
      return undefined;
  }
}
