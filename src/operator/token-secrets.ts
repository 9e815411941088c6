import { EXIT, Failure, failure, type Problem } from '../core/problem.ts';
import { CLUSTER_SINK } from '../core/secret.ts';
import { idOfSecret } from '../engine/secret-text.ts';
import type { IsOurs, Sink, Sinks } from '../engine/sinks.ts';
import { ANNOTATION_PREFIX } from '../kinds/annotations.ts';
import { type Kube, KubeError, type KubeObject } from '../sources/kube.ts';
import { FIELD_MANAGER } from './object-writer.ts';

export interface SecretSinksOptions {
  readonly kube: Kube;
  /** The install that the operator is. */
  readonly install: string;
  /** Milliseconds since 1970. */
  now(): number;
}

/**
 * Secrets of a cluster, each in the namespace of its Token: one that is not there, or marked as that of the Token, by the labels
 * `rolecall.dev/token` and `rolecall.dev/install`. No other is ever written to.
 *
 * What waits is another key of the same Secret, so that whoever may read the one may read the other, permissions can name the Secret,
 * and a secret is put in its place, and taken from beside it, by one request. That of the Secret as it was read: what others have changed
 * meanwhile is looked at again. It has no owner: a Token may be orphaned, and other keys may be of others.
 */
export function secretSinks(options: SecretSinksOptions): Sinks {
  return {
    of: ({ metadata: { name: token, namespace }, spec: { deliverTo } }) =>
      deliverTo?.secret && namespace !== undefined
        ? secretSink({ ...deliverTo.secret, namespace, token }, options)
        : undefined,
    at(path) {
      const [namespace, name, key] = path.startsWith(CLUSTER_SINK)
        ? path.slice(CLUSTER_SINK.length).split('/')
        : [];
      return namespace && name && key ? secretSink({ namespace, name, key }, options) : undefined;
    },
  };
}

interface Place {
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
  /** The name of the Token; undefined where only its secrets are known. */
  readonly token?: string;
}

/** A Secret, as far as it is looked at. */
interface ClusterSecret extends KubeObject {
  readonly type?: string;
  readonly immutable?: boolean;
  /** In base64. */
  readonly data?: Readonly<Record<string, string>>;
}

const TOKEN = `${ANNOTATION_PREFIX}token`;
const INSTALL = `${ANNOTATION_PREFIX}install`;
const NO_MARKS = { [TOKEN]: null, [INSTALL]: null };
/** Who has set these; all else is FIELD_MANAGER's. */
const MARKER = `${FIELD_MANAGER}-marks`;
const TYPE = 'Opaque';
/** Of the names of keys. */
const MOST_CHARACTERS = 253;
/** How often others may change the Secret between a look at it and a write. */
const TRIES = 5;

function secretSink(place: Place, { kube, install, now }: SecretSinksOptions): Sink {
  const { namespace, name, key, token } = place;
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
  const marks = { [INSTALL]: install, ...(token === undefined ? {} : { [TOKEN]: token }) };
  const beside = (id: string) => `${key}.${id}.next`;

  const read = async (): Promise<ClusterSecret | undefined> => {
    try {
      return await kube.request<ClusterSecret>({ method: 'GET', path });
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return undefined;
      throw error;
    }
  };

  /** What `fields` says of the Secret, and nothing else that this manager has said of it before; that as it was read, if it was. */
  const apply = (found: ClusterSecret | undefined, fieldManager: string, fields: object, labels?: object) =>
    kube.request<ClusterSecret>({
      method: 'PATCH',
      path,
      patch: 'apply',
      query: { fieldManager, force: found !== undefined },
      body: {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name,
          namespace,
          labels,
          uid: found?.metadata.uid,
          resourceVersion: found?.metadata.resourceVersion,
        },
        ...fields,
      },
    });

  /**
   * Makes the Secret, or marks it anew. It is made by an apply, for which the permission to create can be narrowed to a name, and by
   * a manager of its own, so that whoever makes it at the same time takes nothing out of it.
   */
  const mark = async (found: ClusterSecret | undefined): Promise<ClusterSecret> => {
    const marked = await apply(found, MARKER, { type: TYPE }, marks);
    const isOurs = managedFields(marked).every(
      ({ manager }) => manager === MARKER || manager === FIELD_MANAGER,
    );
    if (found || isOurs) return marked;
    await take(marked, [], NO_MARKS);
    throw new KubeError(409, 'Conflict', 'somebody else has made it at the same time');
  };

  /** Takes keys away, whoever has a hand in them, which an apply does not. */
  const take = (
    { metadata: { uid, resourceVersion } }: ClusterSecret,
    keys: readonly string[],
    labels = {},
  ) =>
    kube.request({
      method: 'PATCH',
      path,
      patch: 'merge',
      query: { fieldManager: FIELD_MANAGER },
      body: {
        metadata: { uid, resourceVersion, labels },
        data: Object.fromEntries(keys.map((one) => [one, null])),
      },
    });

  const isMarked = ({ metadata: { labels = {} } }: ClusterSecret) =>
    Object.entries(marks).every(([label, value]) => labels[label] === value);

  /** Looks at the Secret and does something, again where others were faster. All that fails is a Failure. */
  const looking = async <T>(
    what: string,
    act: (found: ClusterSecret | undefined) => T | Promise<T>,
  ): Promise<T> => {
    for (let tries = 1; ; tries++)
      try {
        return await act(await read());
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        const isOvertaken = error.status === 409 || error.status === 404;
        if (!isOvertaken || tries === TRIES) throw refusal(error, place, what);
      }
  };

  const drop = (id: string) =>
    looking('written', async (found) => {
      if (found && idIn(found, beside(id)) === id) await take(found, [beside(id)]);
    });

  const refuse = (found: ClusterSecret | undefined, isOurs: IsOurs) => {
    const problem = problemIn(found, isOurs);
    if (problem) throw new Failure(EXIT.error, [problem]);
  };

  const problemIn = (found: ClusterSecret | undefined, isOurs: IsOurs): Problem | undefined => {
    const most = MOST_CHARACTERS - beside('0'.repeat(12)).length + key.length;
    if (key.length > most)
      return problem('RC509', `the key of ${shown(place)} has more than ${most} characters`);
    if (!found) return undefined;
    const secret = `Secret ${namespace}/${name}`;
    if (found.metadata.deletionTimestamp !== undefined)
      return problem(
        'RC509',
        `${secret} is being deleted`,
        'its finalizers keep it: see to what they are for',
      );
    if (found.immutable) return problem('RC509', `${secret} is immutable`, 'delete it: another is made');
    if (found.type !== TYPE)
      return problem('RC506', `${secret} is of type ${found.type}, not ${TYPE}`, 'name another Secret');
    if (found.data?.[key] !== undefined) {
      const held = idIn(found, key);
      if (held !== undefined && isOurs(held)) return undefined;
      const message = `key ${key} of ${secret} does not hold a secret of this token`;
      return problem('RC506', message, 'take the key away, or name another');
    }
    if (isMarked(found)) return undefined;
    const label = Object.entries(marks).map(([one, value]) => `${one}=${value}`);
    return problem(
      'RC506',
      `${secret} exists, and is not marked as that of this token`,
      `name another Secret, or mark it: kubectl label secret ${name} -n ${namespace} ${label.join(' ')}`,
    );
  };

  return {
    path: `${CLUSTER_SINK}${namespace}/${name}/${key}`,
    shown: shown(place),
    async check(isOurs) {
      try {
        return await looking('read', (found) => problemIn(found, isOurs));
      } catch (error) {
        if (error instanceof Failure) return error.problems[0];
        throw error;
      }
    },
    async stage({ id, text }, isOurs) {
      try {
        await looking('written', async (found) => {
          // Done before, though no answer came.
          if (idIn(found, beside(id)) === id) return;
          refuse(found, isOurs);
          const secret = found && isMarked(found) ? found : await mark(found);
          const data = { ...oursIn(secret), [beside(id)]: Buffer.from(text).toString('base64') };
          await apply(secret, FIELD_MANAGER, { data });
        });
      } catch (error) {
        // It may have been done all the same.
        await drop(id).catch(() => undefined);
        throw error;
      }
    },
    staged: () =>
      looking('read', (found) =>
        Object.keys(found?.data ?? {}).flatMap((one) => {
          const id = idIn(found, one);
          return id !== undefined && one === beside(id)
            ? [{ id, age: now() - lastWritten(found), isWhole: true }]
            : [];
        }),
      ),
    place: (id, isOurs) =>
      looking('written', async (found) => {
        if (idIn(found, key) === id) return;
        if (!found || idIn(found, beside(id)) !== id)
          throw failure(
            EXIT.error,
            'RC509',
            `the secret ${id} is not beside ${shown(place)} any more`,
            'another is issued in its place',
          );
        refuse(found, isOurs);
        const { [beside(id)]: _, ...rest } = oursIn(found);
        await apply(found, FIELD_MANAGER, { data: { ...rest, [key]: found.data?.[beside(id)] } });
      }),
    drop,
    holds: () => looking('read', (found) => idIn(found, key)),
    remove: (isOurs) =>
      looking('written', async (found) => {
        if (!found) return;
        const own = oursIn(found);
        const keys = Object.keys(found.data ?? {}).filter((one) => {
          const id = idIn(found, one);
          const isHere = Object.hasOwn(own, one) || one === key || (id !== undefined && one === beside(id));
          return isHere && id !== undefined && isOurs(id);
        });
        if (keys.length === 0) return;
        const { uid, resourceVersion } = found.metadata;
        const isAll = keys.length === Object.keys(found.data ?? {}).length;
        if (isAll && isMarked(found))
          await kube.request({ method: 'DELETE', path, body: { preconditions: { uid, resourceVersion } } });
        else await take(found, keys, isMarked(found) ? NO_MARKS : {});
      }),
  };
}

function shown({ namespace, name, key }: Place): string {
  return `Secret ${namespace}/${name} (key ${key})`;
}

/** The id of the secret of a token that a key holds, and nothing else. */
function idIn(found: ClusterSecret | undefined, key: string): string | undefined {
  const value = found?.data?.[key];
  return value === undefined ? undefined : idOfSecret(Buffer.from(value, 'base64').toString('latin1'));
}

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly time?: string;
  readonly fieldsV1?: { readonly 'f:data'?: object };
}

function managedFields({ metadata }: ClusterSecret): readonly ManagedFields[] {
  return (metadata.managedFields ?? []) as readonly ManagedFields[];
}

/** What was applied from here. */
function appliedTo(found: ClusterSecret): ManagedFields | undefined {
  return managedFields(found).find(
    ({ manager, operation }) => manager === FIELD_MANAGER && operation === 'Apply',
  );
}

/** The keys that were applied from here, with what is in them: what the next apply leaves out goes. */
function oursIn(found: ClusterSecret): Readonly<Record<string, string>> {
  const fields = appliedTo(found)?.fieldsV1?.['f:data'] ?? {};
  return Object.fromEntries(Object.entries(found.data ?? {}).filter(([key]) => `f:${key}` in fields));
}

/** When something was last applied from here, in milliseconds: what waits there is no younger. */
function lastWritten(found: ClusterSecret | undefined): number {
  const time = Date.parse((found && appliedTo(found)?.time) ?? '');
  return Number.isNaN(time) ? Infinity : time;
}

/** In words of ours: what a server says of a request may repeat what was in it. */
function refusal({ status, reason, message }: KubeError, place: Place, what: string): Failure {
  const { namespace, name } = place;
  const cannot = `${shown(place)} cannot be ${what}`;
  const verb = status === 403 ? /cannot (\w+) resource "secrets"/.exec(message)?.[1] : undefined;
  if (verb !== undefined)
    return failure(
      EXIT.error,
      'RC509',
      `${cannot}: the operator may not ${verb} Secrets in namespace ${namespace}`,
      `let its ServiceAccount get, patch and delete ${name} there, and create Secrets`,
    );
  switch (status) {
    case null:
      return failure(EXIT.error, 'RC509', `${cannot}: ${message}`);
    case 404:
      return failure(EXIT.error, 'RC509', `${cannot}: there is no namespace ${namespace}`);
    case 409:
      return failure(EXIT.error, 'RC509', `${cannot}: others change it all the time`);
    case 403:
      return failure(
        EXIT.error,
        'RC509',
        `${cannot}: the API server forbids it`,
        'an admission policy, a quota, or that the namespace is being deleted: ask with kubectl apply --dry-run=server',
      );
    default:
      return failure(EXIT.error, 'RC509', `${cannot}: the API server answers ${status} ${reason}`);
  }
}

function problem(code: 'RC506' | 'RC509', message: string, hint?: string): Problem {
  return { code, severity: 'error', message, hint };
}
