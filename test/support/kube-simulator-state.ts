import { randomBytes, randomUUID } from 'node:crypto';
import { admit, checkUid, partOf } from './kube-simulator-admission.ts';
import { type Owners, ownChanges, serverSideApply } from './kube-simulator-apply.ts';
import { content, lasting, managedFields, ownersText, seconds } from './kube-simulator-metadata.ts';
import {
  type Fields,
  isEqual,
  isFields,
  mergePatch,
  Refusal,
  type SimObject,
} from './kube-simulator-objects.ts';
import {
  apiVersionOf,
  BUILT_IN_RESOURCES,
  customResource,
  resourceName,
  type SimResource,
} from './kube-simulator-resources.ts';

/** One object, or all of a resource: in one namespace when it is given. */
export interface Target {
  readonly resource: SimResource;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** `status`, or nothing. */
  readonly subresource?: string | undefined;
}

export interface WriteOptions {
  /** Who owns the fields that are written. */
  readonly manager: string;
  readonly isForced?: boolean;
  readonly isDryRun?: boolean;
  /** Whether fields that are not known are refused, not dropped. */
  readonly isStrict?: boolean;
}

/** What happened to an object; `version` is the one that the world has since. */
export interface Happening {
  readonly version: number;
  readonly resource: SimResource;
  readonly before: SimObject | undefined;
  readonly after: SimObject | undefined;
  /** As it was last, with the version of its end. */
  readonly last: SimObject;
}

/** All that an API server keeps. Its methods throw a Refusal for what is not done. */
export interface State {
  readonly version: number;
  /** Happenings up to here are forgotten. */
  readonly forgotten: number;
  readonly happenings: readonly Happening[];
  resource(group: string, version: string, plural: string): SimResource | undefined;
  get(target: Target): SimObject;
  /** In the order of their namespaces and names. */
  list(target: Target): SimObject[];
  create(target: Target, body: Fields, options: WriteOptions): SimObject;
  update(target: Target, body: Fields, options: WriteOptions): SimObject;
  merge(target: Target, patch: Fields, options: WriteOptions): SimObject;
  apply(
    target: Target,
    config: Fields,
    options: WriteOptions,
  ): { readonly object: SimObject; readonly isNew: boolean };
  /** It goes at once, or with the last of its finalizers. */
  remove(
    target: Target,
    preconditions: Preconditions,
  ): { readonly object: SimObject; readonly isGone: boolean };
  /** Forgets all that has happened. */
  forget(): void;
  /** Calls `told` with all that happens from now on; what it gives ends that. */
  follow(told: (happening: Happening) => void): () => void;
}

export interface Preconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

interface Kept {
  readonly object: SimObject;
  readonly owners: Owners;
}

/** More happenings than these are forgotten by themselves. */
const REMEMBERED = 50_000;

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export function createState(): State {
  const resources = [...BUILT_IN_RESOURCES];
  const kept = new Map<string, Map<string, Kept>>();
  const followers = new Set<(happening: Happening) => void>();
  let happenings: Happening[] = [];
  let version = 1;
  let forgotten = 0;

  const allOf = (resource: SimResource): Map<string, Kept> => {
    const all = kept.get(resourceName(resource)) ?? new Map<string, Kept>();
    kept.set(resourceName(resource), all);
    return all;
  };
  const keyOf = (namespace: string | undefined, name: string) => `${namespace ?? ''}/${name}`;
  const find = ({ resource, namespace, name = '' }: Target) => allOf(resource).get(keyOf(namespace, name));

  function must(target: Target): Kept {
    const found = find(target);
    if (found) return found;
    throw new Refusal(404, 'NotFound', `${resourceName(target.resource)} "${target.name}" not found`);
  }

  /** Keeps, or drops, an object, and tells who follows. */
  function commit(resource: SimResource, before: SimObject | undefined, after: Kept | undefined): SimObject {
    version++;
    const source = after?.object ?? before;
    if (source === undefined) throw new Error('nothing happens');
    const last = { ...source, metadata: { ...source.metadata, resourceVersion: `${version}` } };
    const key = keyOf(source.metadata.namespace, source.metadata.name);
    if (after) allOf(resource).set(key, { object: last, owners: after.owners });
    else allOf(resource).delete(key);
    const happening = { version, resource, before, after: after && last, last };
    happenings.push(happening);
    if (happenings.length > REMEMBERED) {
      happenings = happenings.slice(REMEMBERED / 2);
      forgotten = (happenings[0]?.version ?? version) - 1;
    }
    for (const told of [...followers]) told(happening);
    return last;
  }

  function checkNamespace(target: Target): void {
    if (!target.resource.isNamespaced) return;
    const all = kept.get('namespaces');
    const namespace = all?.get(keyOf(undefined, target.namespace ?? ''))?.object;
    if (namespace === undefined)
      throw new Refusal(404, 'NotFound', `namespaces "${target.namespace}" not found`);
    if (namespace.metadata.deletionTimestamp)
      throw new Refusal(
        403,
        'Forbidden',
        `${resourceName(target.resource)} "${target.name}" is forbidden: unable to create new content in namespace ${target.namespace} because it is being terminated`,
      );
  }

  function create(target: Target, body: Fields, options: WriteOptions, owners?: Owners): SimObject {
    const { resource, namespace } = target;
    const given: Fields = isFields(body.metadata) ? body.metadata : {};
    const prefix = given.generateName;
    const name = String(
      given.name || (prefix ? `${prefix}${randomBytes(3).toString('hex').slice(0, 5)}` : ''),
    );
    if (name === '')
      throw new Refusal(
        422,
        'Invalid',
        `${resource.kind} "" is invalid: metadata.name: Required value: name or generateName is required`,
      );
    if (!NAME.test(name) || (prefix && !NAME.test(String(prefix).replace(/-$/, 'a'))))
      throw new Refusal(
        422,
        'Invalid',
        `${resource.kind} "${name}" is invalid: metadata.name: Invalid value: "${name}"`,
      );
    checkNamespace({ ...target, name });
    if (given.resourceVersion)
      throw new Refusal(400, 'BadRequest', 'resourceVersion should not be set on objects to be created');
    if (find({ resource, namespace, name }))
      throw new Refusal(409, 'AlreadyExists', `${resourceName(resource)} "${name}" already exists`);
    const { status, ...rest } = structuredClone(body);
    const object = admit(
      target,
      {
        ...rest,
        ...(status === undefined || resource.hasStatus ? {} : { status }),
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        metadata: {
          ...structuredClone(given),
          name,
          ...(namespace === undefined ? {} : { namespace }),
          uid: randomUUID(),
          resourceVersion: '',
          ...(resource.isCustom ? { generation: 1 } : {}),
          creationTimestamp: seconds(),
        },
      },
      options,
    );
    delete object.metadata.deletionTimestamp;
    const mine =
      owners ??
      ownChanges(undefined, object, `${options.manager} Update `, new Map(), resource.schema?.schema);
    object.metadata.managedFields = managedFields(mine, object.apiVersion);
    const after = { object, owners: mine };
    return options.isDryRun ? object : commit(resource, undefined, after);
  }

  /** Replaces an object by what `change` makes of it. */
  function replace(
    target: Target,
    { object: before, owners }: Kept,
    wanted: SimObject,
    options: WriteOptions,
    applied?: Owners,
  ): SimObject {
    const { resource, subresource } = target;
    const name = `${resourceName(resource)} "${before.metadata.name}"`;
    const { metadata } = wanted;
    if (metadata.resourceVersion && metadata.resourceVersion !== before.metadata.resourceVersion)
      throw new Refusal(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${name}: the object has been modified; please apply your changes to the latest version and try again`,
      );
    const isStatus = subresource === 'status';
    const object = admit(
      target,
      {
        ...(isStatus ? { ...before, status: wanted.status } : wanted),
        ...(!isStatus && resource.hasStatus ? { status: before.status } : {}),
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        metadata: {
          ...(isStatus ? before.metadata : metadata),
          ...lasting(before),
        },
      },
      options,
    );
    for (const field of ['status', 'spec']) if (object[field] === undefined) delete object[field];
    const finalizers = object.metadata.finalizers ?? [];
    if (finalizers.length === 0) delete object.metadata.finalizers;
    if (before.metadata.deletionTimestamp) {
      const added = finalizers.filter((one) => !before.metadata.finalizers?.includes(one));
      if (added.length > 0)
        throw new Refusal(
          422,
          'Invalid',
          `${name} is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`,
        );
    }
    if (resource.isCustom && !isEqual(content(before), content(object)))
      object.metadata.generation = (before.metadata.generation ?? 0) + 1;
    const mine =
      applied ??
      ownChanges(
        before,
        object,
        `${options.manager} Update ${subresource ?? ''}`,
        owners,
        resource.schema?.schema,
      );
    const bare = ({ metadata: { managedFields: _, ...rest }, ...fields }: SimObject) => ({
      ...fields,
      metadata: rest,
    });
    if (isEqual(bare(before), bare(object)) && isEqual(ownersText(owners), ownersText(mine))) return before;
    object.metadata.managedFields = managedFields(mine, object.apiVersion);
    if (options.isDryRun) return object;
    if (isLeaving(object)) return commit(resource, object, undefined);
    return commit(resource, before, { object, owners: mine });
  }

  function isLeaving({ metadata, spec }: SimObject): boolean {
    const held = isFields(spec) && Array.isArray(spec.finalizers) ? spec.finalizers.length : 0;
    return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length + held === 0;
  }

  function define(crd: SimObject): void {
    const next = customResource(crd);
    const at = resources.findIndex((one) => resourceName(one) === resourceName(next));
    resources.splice(at < 0 ? resources.length : at, at < 0 ? 0 : 1, next);
  }
  followers.add(({ resource, after }) => {
    if (resource.plural === 'customresourcedefinitions' && after) define(after);
  });

  const state: State = {
    get version() {
      return version;
    },
    get forgotten() {
      return forgotten;
    },
    get happenings() {
      return happenings;
    },
    resource: (group, apiVersion, plural) =>
      resources.find((one) => one.group === group && one.version === apiVersion && one.plural === plural),
    get: (target) => must(target).object,
    list: ({ resource, namespace }) =>
      [...allOf(resource).entries()]
        .filter(([, { object }]) => namespace === undefined || object.metadata.namespace === namespace)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { object }]) => object),
    create: (target, body, options) => create(target, body, options),
    update(target, body, options) {
      const before = must(target);
      const wanted = structuredClone(body) as SimObject;
      wanted.metadata ??= {} as SimObject['metadata'];
      if (target.resource.isCustom && !wanted.metadata.resourceVersion)
        throw new Refusal(
          422,
          'Invalid',
          `${resourceName(target.resource)} "${target.name}" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
        );
      const { uid } = before.object.metadata;
      if (wanted.metadata.uid && wanted.metadata.uid !== uid)
        throw new Refusal(
          409,
          'Conflict',
          `Operation cannot be fulfilled on ${resourceName(target.resource)} "${target.name}": Precondition failed: UID in precondition: ${wanted.metadata.uid}, UID in object meta: ${uid}`,
        );
      return replace(target, before, wanted, options);
    },
    merge(target, patch, options) {
      const before = must(target);
      const wanted = structuredClone(mergePatch(before.object, patch)) as SimObject;
      checkUid(target, before.object, wanted.metadata.uid);
      return replace(target, before, wanted, options);
    },
    apply(target, config, options) {
      const before = find(target);
      const { name, uid, resourceVersion } = (isFields(config.metadata) ? config.metadata : {}) as Partial<
        SimObject['metadata']
      >;
      const { schema } = target.resource.schema ?? {};
      const manager = `${options.manager} Apply ${target.subresource ?? ''}`;
      if (before === undefined) {
        if (target.subresource) must(target);
        if (uid)
          throw new Refusal(
            409,
            'Conflict',
            `Operation cannot be fulfilled on ${resourceName(target.resource)} "${target.name}": uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
          );
        const part = partOf(target, config);
        const { owners } = serverSideApply({}, part, manager, true, new Map(), schema);
        const metadata = { ...(part.metadata as Fields), name: name ?? target.name };
        return { object: create(target, { ...part, metadata }, options, owners), isNew: true };
      }
      checkUid(target, before.object, uid);
      const { object, owners } = serverSideApply(
        before.object as SimObject & Fields,
        partOf(target, config),
        manager,
        options.isForced ?? false,
        before.owners,
        schema,
      );
      object.metadata.resourceVersion = resourceVersion ?? before.object.metadata.resourceVersion;
      return { object: replace(target, before, object, options, owners), isNew: false };
    },
    remove(target, { uid, resourceVersion }) {
      const { object, owners } = must(target);
      const { metadata } = object;
      if ((uid && uid !== metadata.uid) || (resourceVersion && resourceVersion !== metadata.resourceVersion))
        throw new Refusal(
          409,
          'Conflict',
          `Operation cannot be fulfilled on ${resourceName(target.resource)} "${target.name}": Precondition failed`,
        );
      if (metadata.deletionTimestamp) return { object, isGone: false };
      const leaving = {
        ...object,
        metadata: {
          ...metadata,
          deletionTimestamp: seconds(),
          deletionGracePeriodSeconds: 0,
          ...(metadata.generation === undefined ? {} : { generation: metadata.generation + 1 }),
        },
      };
      if (isLeaving(leaving)) return { object: commit(target.resource, object, undefined), isGone: true };
      target.resource.prepare?.(leaving);
      return { object: commit(target.resource, object, { object: leaving, owners }), isGone: false };
    },
    forget() {
      happenings = [];
      forgotten = version;
    },
    follow(told) {
      followers.add(told);
      return () => followers.delete(told);
    },
  };
  const namespaces = resources.find(({ plural }) => plural === 'namespaces');
  for (const name of ['default', 'kube-system'])
    if (namespaces)
      state.create({ resource: namespaces }, { metadata: { name } }, { manager: 'kube-apiserver' });
  return state;
}
