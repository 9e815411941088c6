import { Refusal } from './kube-simulator-objects.ts';

/** What somebody has asked of the simulator. */
export interface SeenRequest {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly isWatch: boolean;
  /** Empty where there is none. */
  readonly token: string;
}

export type Fault =
  /** The connection ends without an answer; nothing is done. */
  | 'drop'
  /** It is done, and then the connection ends without an answer. */
  | 'lose'
  /** The connection stays, and there is no answer. */
  | 'hang'
  /** A good status, and what is no JSON. */
  | 'garbage'
  /** Half of the answer, then the connection ends. */
  | 'half'
  /** Milliseconds before it is done. */
  | { readonly slow: number }
  /** Something happens before it is done. */
  | { readonly first: () => unknown }
  /** A good status, and this. */
  | { readonly answer: object }
  /** It is refused. `retryAfter`: seconds. */
  | {
      readonly status: number;
      readonly reason?: string;
      readonly message?: string;
      readonly retryAfter?: number;
    };

/** To which requests something happens. */
export interface FaultMatch {
  readonly method?: string;
  /** A part of the path. */
  readonly path?: string | RegExp;
  readonly isWatch?: boolean;
  /** Only a request for a further page of a list, or only others. */
  readonly isContinue?: boolean;
}

/** What goes wrong, on demand. */
export interface KubeFaults {
  /** What happens to the next `times` requests that fit; to all, until `heal`, without. */
  on(match: FaultMatch, fault: Fault, times?: number): void;
  /** Cuts all connections. */
  drop(): void;
  /** Of the watches that there are nothing is heard any more, but they do not end. */
  freezeWatches(): void;
  /** Ends all watches with an ERROR event. */
  refuseWatches(status: number, reason: string): void;
  /** Sends to all watches a line as it is. */
  sendToWatches(text: string): void;
  /** The token of the kubeconfig is another one; the one before is not known any more (401). */
  rotateToken(): void;
  /** Nobody can reach it for some milliseconds; all connections are cut. */
  away(milliseconds: number): Promise<void>;
  /** Nothing goes wrong any more; what hangs is cut. */
  heal(): void;
}

/** The faults that are set, in the order in which they were. */
export function faultList() {
  let list: { readonly match: FaultMatch; readonly fault: Fault; times: number }[] = [];
  return {
    add(match: FaultMatch, fault: Fault, times = Number.POSITIVE_INFINITY): void {
      list.push({ match, fault, times });
    },
    clear(): void {
      list = [];
    },
    /** What happens to a request. */
    take(request: SeenRequest): Fault | undefined {
      const found = list.find(({ match, times }) => times > 0 && fits(match, request));
      if (found) found.times--;
      return found?.fault;
    },
  };
}

function fits({ method, path, isWatch, isContinue }: FaultMatch, request: SeenRequest): boolean {
  return (
    (method === undefined || method === request.method) &&
    (path === undefined ||
      (typeof path === 'string' ? request.path.includes(path) : path.test(request.path))) &&
    (isWatch === undefined || isWatch === request.isWatch) &&
    (isContinue === undefined || isContinue === request.query.has('continue'))
  );
}

export function refusalOf({
  status,
  reason = '',
  message = 'as it was asked to',
  retryAfter,
}: Extract<Fault, { status: number }>): Refusal {
  return new Refusal(status, reason, message, retryAfter);
}
