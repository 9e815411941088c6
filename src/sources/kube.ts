/** A request to an API server of Kubernetes. */
export interface KubeCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the root: `/api/v1/namespaces/acme-prod/secrets/x`. Parts of it that are not constant must be encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: object;
  /** What a PATCH is: a merge patch (RFC 7386), or a server-side apply, which also wants `fieldManager` in the query. */
  readonly patch?: 'merge' | 'apply';
  readonly signal?: AbortSignal;
  /** Milliseconds that the answer may take; 30,000 when left out. */
  readonly timeout?: number;
}

/** An API server. Its credentials are in no message. */
export interface Kube {
  /** Where it is, for messages. */
  readonly server: string;
  /** The namespace of the kubeconfig's context, or of the pod. */
  readonly namespace: string;
  /**
   * The body of a good answer. What is put off (429) is asked again as the answer says, a few times. Throws a KubeError for
   * any other, and where there is none.
   */
  request<T = unknown>(call: KubeCall): Promise<T>;
  /**
   * Watches a collection: what the server sends, as it comes. Ends when the server ends it, or `signal` aborts. Throws a KubeError
   * when it does not begin, and when it breaks off; an ERROR event is given as it is.
   */
  watch(
    path: string,
    query: Readonly<Record<string, string | number | boolean | undefined>>,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent>;
  /** Closes its connections. */
  close(): Promise<void>;
}

/** What is the same of all objects. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: KubeMetadata;
}

export interface KubeMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  /** Once somebody has deleted it: it goes when it has no finalizer any more. */
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: unknown;
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: KubeObject }
  | { readonly type: 'ERROR'; readonly object: KubeStatus };

/** What an API server says of a request that it does not do (metav1.Status). */
export interface KubeStatus {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

/** What an API server did not do, and why. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** Of HTTP; null where there was no answer. */
  readonly status: number | null;
  /** `NotFound`, `Conflict`, `AlreadyExists`, `Expired`, …; empty where the server gives none. */
  readonly reason: string;
  /** Milliseconds after which to ask again, where the server says so. */
  readonly retryAfter: number | undefined;

  constructor(status: number | null, reason: string, message: string, retryAfter?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}
