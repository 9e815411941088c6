import { randomUUID } from 'node:crypto';
import { type Fields, isFields, Refusal, type SimObject } from './kube-simulator-objects.ts';
import { apiVersionOf } from './kube-simulator-resources.ts';
import type { State, Target, WriteOptions } from './kube-simulator-state.ts';
import { selectorOf } from './kube-simulator-watch.ts';

/** Who asks, as a TokenReview says it. */
export interface SimUser {
  readonly username: string;
  readonly groups: readonly string[];
}

export interface ApiRequest {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly body: Fields | undefined;
}

export interface ApiAnswer {
  readonly status: number;
  /** Sent as JSON, unless it is a text. */
  readonly body: Fields | SimObject | string;
}

/** What an API server asks others. */
export interface Reviewers {
  /** Whose token it is. */
  userOf(token: string): SimUser | undefined;
  /** What a SubjectAccessReview says. */
  allows(spec: Fields): boolean;
}

/** What an API server answers. Its methods throw a Refusal for what is not done. */
export interface SimApi {
  /** What a path means; undefined where it means none of the objects. */
  targetOf(path: string): Target | undefined;
  answer(request: ApiRequest): ApiAnswer;
  /** No list can be gone on with any more. */
  forgetLists(): void;
}

const NO_SUCH = 'the server could not find the requested resource';

export function createApi(state: State, reviewers: Reviewers): SimApi {
  /** What is left of lists of which a part was given. */
  const lists = new Map<string, { readonly items: readonly SimObject[]; readonly version: number }>();

  function targetOf(path: string): Target | undefined {
    const parts = path.split('/').slice(1).map(decodeURIComponent);
    const [root, ...rest] = parts;
    if (root !== 'api' && root !== 'apis') return undefined;
    const [group = '', version = '', ...names] = root === 'api' ? ['', ...rest] : rest;
    const inNamespace =
      names[0] === 'namespaces' && names.length > 2 && state.resource(group, version, names[2] ?? '');
    const [plural = '', name, subresource] = inNamespace ? names.slice(2) : names;
    const resource = state.resource(group, version, plural);
    if (resource === undefined || (inNamespace && !resource.isNamespaced)) return undefined;
    return { resource, namespace: inNamespace ? names[1] : undefined, name, subresource };
  }

  function list(target: Target, query: URLSearchParams): ApiAnswer {
    const { resource } = target;
    const limit = Number(query.get('limit')) || Number.POSITIVE_INFINITY;
    const token = query.get('continue');
    const selected = selectorOf(query);
    const from = token
      ? lists.get(token)
      : { items: state.list(target).filter(selected), version: state.version };
    if (from === undefined)
      throw new Refusal(
        410,
        'Expired',
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
      );
    const left = from.items.slice(limit);
    const next = left.length > 0 ? Buffer.from(randomUUID()).toString('base64url') : '';
    if (next) lists.set(next, { items: left, version: from.version });
    const items = from.items.slice(0, limit);
    return {
      status: 200,
      body: {
        kind: `${resource.kind}List`,
        apiVersion: apiVersionOf(resource),
        metadata: {
          resourceVersion: `${from.version}`,
          ...(next ? { continue: next, remainingItemCount: left.length } : {}),
        },
        // Those of a CRD say in a list too what they are.
        items: resource.isCustom ? items : items.map(({ apiVersion: _, kind: __, ...rest }) => rest),
      },
    };
  }

  function write(target: Target, { method, query, contentType, body = {} }: ApiRequest): ApiAnswer {
    const manager = query.get('fieldManager');
    const options: WriteOptions = {
      manager: manager || 'unknown',
      isForced: query.get('force') === 'true',
      isDryRun: query.get('dryRun') === 'All',
      isStrict: query.get('fieldValidation') === 'Strict',
    };
    const { metadata } = body as {
      readonly metadata?: { readonly name?: string; readonly namespace?: string };
    };
    if (metadata?.namespace && target.namespace && metadata.namespace !== target.namespace)
      throw new Refusal(
        400,
        'BadRequest',
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    if (method === 'POST') {
      if (target.name) throw notAllowed(method);
      if (target.resource.isNamespaced && target.namespace === undefined) throw notAllowed(method);
      return { status: 201, body: state.create(target, body, options) };
    }
    if (metadata?.name && metadata.name !== target.name)
      throw new Refusal(
        400,
        'BadRequest',
        `the name of the object (${metadata.name}) does not match the name on the URL (${target.name})`,
      );
    if (target.subresource && target.subresource !== 'status') throw new Refusal(404, 'NotFound', NO_SUCH);
    if (target.subresource && !target.resource.hasStatus) throw new Refusal(404, 'NotFound', NO_SUCH);
    if (method === 'PUT') return { status: 200, body: state.update(target, body, options) };
    if (contentType.startsWith('application/merge-patch+json'))
      return { status: 200, body: state.merge(target, body, options) };
    if (!contentType.startsWith('application/apply-patch+yaml'))
      throw new Refusal(415, 'UnsupportedMediaType', `the simulator does not know a patch of ${contentType}`);
    if (!manager)
      throw new Refusal(
        422,
        'Invalid',
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      );
    if (!body.apiVersion || !body.kind)
      throw new Refusal(400, 'BadRequest', 'Object apiVersion or kind is missing');
    const { object, isNew } = state.apply(target, body, options);
    return { status: isNew ? 201 : 200, body: object };
  }

  function remove(target: Target, body: Fields): ApiAnswer {
    const all = target.name === undefined ? state.list(target) : [state.get(target)];
    const preconditions = isFields(body.preconditions) ? body.preconditions : {};
    const removed = all.map(({ metadata: { namespace, name } }) =>
      state.remove({ resource: target.resource, namespace, name }, preconditions),
    );
    const [first] = removed;
    if (first && !first.isGone && target.name !== undefined) return { status: 200, body: first.object };
    const details = { name: target.name ?? '', group: target.resource.group, kind: target.resource.plural };
    return {
      status: 200,
      body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details },
    };
  }

  function review({ method, path, body = {} }: ApiRequest): ApiAnswer | undefined {
    const spec = (body.spec ?? {}) as Fields;
    if (method !== 'POST') return undefined;
    if (path === '/apis/authentication.k8s.io/v1/tokenreviews') {
      const user = reviewers.userOf(String(spec.token));
      const status = user
        ? { authenticated: true, user }
        : { authenticated: false, error: 'token is not known' };
      return { status: 201, body: { ...body, status } };
    }
    if (path === '/apis/authorization.k8s.io/v1/subjectaccessreviews')
      return { status: 201, body: { ...body, status: { allowed: reviewers.allows(spec) } } };
    return undefined;
  }

  return {
    targetOf,
    answer(request) {
      const { method, path, query, body } = request;
      if (/^\/(?:readyz|livez|healthz)$/.test(path)) return { status: 200, body: 'ok' };
      const reviewed = review(request);
      if (reviewed) return reviewed;
      const target = targetOf(path);
      if (target === undefined) return { status: 404, body: '404 page not found\n' };
      if (method === 'GET')
        return target.name === undefined ? list(target, query) : { status: 200, body: state.get(target) };
      if (method === 'DELETE') return remove(target, body ?? {});
      if (method === 'POST' || method === 'PUT' || method === 'PATCH') return write(target, request);
      throw notAllowed(method);
    },
    forgetLists: () => lists.clear(),
  };
}

function notAllowed(method: string): Refusal {
  return new Refusal(405, 'MethodNotAllowed', `the server does not allow ${method} on this resource`);
}
