import { createHash } from 'node:crypto';
import { API_VERSION } from '../kinds/index.ts';
import type { Kube } from '../sources/kube.ts';
import { Recent } from './recent.ts';

/** What somebody wants to read. */
export type Wanted =
  | { readonly what: 'snapshot'; readonly workspace: string }
  | { readonly what: 'path'; readonly path: string };

/** `unknown`: nobody whom the cluster knows. `denied`: somebody who may not. */
export type Verdict = 'allowed' | 'denied' | 'unknown';

/**
 * Asks the API server who has a bearer token (TokenReview), and whether he may read something (SubjectAccessReview): of a
 * workspace its `snapshot`, a subresource, or a path.
 */
export interface AccessReview {
  /** Throws a KubeError when the API server does not say: that is never a yes. */
  mayRead(token: string, wanted: Wanted): Promise<Verdict>;
}

export interface AccessReviewOptions {
  readonly kube: Kube;
  /** Whom tokens must be for; without it the API server itself. */
  readonly audiences?: readonly string[];
  /** Milliseconds of the monotonic clock. */
  readonly now?: () => number;
}

/** For how long (milliseconds) what the API server says is believed. */
const YES_FOR = 10_000;
const NO_FOR = 5000;
/** So many answers are remembered. */
const REMEMBERED = 1000;

/** Who somebody is, as the API server has found: it is told so again. */
type Caller = Readonly<Record<string, unknown>>;

interface TokenReview {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: Caller;
    readonly audiences?: readonly string[];
  };
}

interface SubjectAccessReview {
  readonly status?: { readonly allowed?: boolean; readonly denied?: boolean };
}

export function createAccessReview({
  kube,
  audiences = [],
  now = () => performance.now(),
}: AccessReviewOptions): AccessReview {
  // No token is kept: only what it is known by. Strangers push nobody out but strangers.
  const callers = new Recent<Caller>(REMEMBERED, now);
  const strangers = new Recent<true>(REMEMBERED, now);
  const answers = new Recent<boolean>(REMEMBERED, now);
  const asking = new Map<string, Promise<unknown>>();

  /** Asks one question once, however many want to know at the same time. */
  const once = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const asked = asking.get(key) as Promise<T> | undefined;
    if (asked) return asked;
    const answer = ask().finally(() => asking.delete(key));
    asking.set(key, answer);
    return answer;
  };
  const reviewToken = async (key: string, token: string): Promise<Caller | undefined> => {
    const { status } = await kube.request<TokenReview>({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, ...(audiences.length > 0 ? { audiences } : {}) },
      },
    });
    // An authenticator that does not know of audiences names none.
    const isForUs =
      audiences.length === 0 || (status?.audiences ?? []).some((audience) => audiences.includes(audience));
    const caller = status?.authenticated === true && isForUs ? status.user : undefined;
    if (caller) callers.set(key, caller, YES_FOR);
    else strangers.set(key, true, NO_FOR);
    return caller;
  };
  const reviewAccess = async (key: string, caller: Caller, wanted: Wanted): Promise<boolean> => {
    const { username, groups, uid, extra } = caller;
    const { status } = await kube.request<SubjectAccessReview>({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { user: username, groups, uid, extra, ...attributesOf(wanted) },
      },
    });
    const isAllowed = status?.allowed === true && status.denied !== true;
    answers.set(key, isAllowed, isAllowed ? YES_FOR : NO_FOR);
    return isAllowed;
  };

  return {
    async mayRead(token, wanted) {
      const who = keyOf(token);
      if (strangers.get(who)) return 'unknown';
      const caller = callers.get(who) ?? (await once(who, () => reviewToken(who, token)));
      if (!caller) return 'unknown';
      const key = keyOf(JSON.stringify([caller, wanted]));
      const isAllowed = answers.get(key) ?? (await once(key, () => reviewAccess(key, caller, wanted)));
      return isAllowed ? 'allowed' : 'denied';
    },
  };
}

function attributesOf(wanted: Wanted): object {
  if (wanted.what === 'path') return { nonResourceAttributes: { path: wanted.path, verb: 'get' } };
  const [group, version] = API_VERSION.split('/');
  return {
    resourceAttributes: {
      group,
      version,
      resource: 'workspaces',
      subresource: 'snapshot',
      name: wanted.workspace,
      verb: 'get',
    },
  };
}

function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
