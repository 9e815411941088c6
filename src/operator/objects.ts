import type { ReadManifests } from '../core/manifest.ts';
import { type Identity, identity } from '../core/resource.ts';
import { type KindName, kindOf } from '../kinds/index.ts';
import { type ClusterObject, isOfClass, readObject } from '../sources/cluster-object.ts';
import type { KubeObject } from '../sources/kube.ts';

/** What is planned together: what belongs to no workspace, or what is in one. */
export type Key = 'global' | `workspace/${string}`;

export function workspaceKey(workspace: string): Key {
  return `workspace/${workspace}`;
}

/** The workspace of a key; undefined for what is global. */
export function workspaceOfKey(key: Key): string | undefined {
  return key === 'global' ? undefined : key.slice('workspace/'.length);
}

/** On all objects that have a counterpart in the store: it must be looked at before they go. */
export const FINALIZER = 'rolecall.dev/operator';

const POLICY = 'rolecall.dev/deletion-policy';
const ASKED_AT = 'rolecall.dev/reconcile-requested-at';

/**
 * One object of this install, in one of its versions: what somebody else than the operator changes makes another one, so that who works
 * on this one says of it what he has seen.
 */
export class Known {
  readonly kind: KindName;
  readonly id: Identity;
  readonly key: Key;
  /** With the newest status and finalizers that are known. */
  object: ClusterObject;
  #read: ReadManifests | undefined;

  constructor(kind: KindName, object: ClusterObject) {
    const { namespace, name } = object.metadata;
    this.kind = kind;
    this.id = identity(kind, namespace, name);
    this.key = namespace === undefined ? 'global' : workspaceKey(namespace);
    this.object = object;
  }

  /** What it declares; read once. */
  get declares(): ReadManifests {
    this.#read ??= readObject(this.kind, this.object);
    return this.#read;
  }

  get isLeaving(): boolean {
    return this.object.metadata.deletionTimestamp !== undefined;
  }

  get isHeld(): boolean {
    return this.object.metadata.finalizers?.includes(FINALIZER) ?? false;
  }

  /** Whether deleting it deletes what the store has: of people and whole workspaces only where it says so. */
  get isDeletedWith(): boolean {
    const said = this.object.metadata.annotations?.[POLICY];
    if (said === 'Delete' || said === 'Orphan') return said === 'Delete';
    return this.kind !== 'Workspace' && this.kind !== 'User';
  }

  /** When somebody last asked for a look at it. */
  get askedAt(): string | undefined {
    return this.object.metadata.annotations?.[ASKED_AT];
  }
}

/**
 * Whether one version of an object is before another one: a watch may tell of one before that which the server has answered with, and
 * the other way round. Versions are numbers that grow.
 */
export function isOlder({ metadata: a }: KubeObject, { metadata: b }: KubeObject): boolean {
  const [x, y] = [Number(a.resourceVersion), Number(b.resourceVersion)];
  return Number.isSafeInteger(x) && Number.isSafeInteger(y) && x < y;
}

/** Whether nothing but what the operator itself writes is different. */
function isSame({ metadata: a }: ClusterObject, { metadata: b }: ClusterObject): boolean {
  return (
    a.uid === b.uid &&
    a.generation === b.generation &&
    a.deletionTimestamp === b.deletionTimestamp &&
    (a.finalizers ?? []).includes(FINALIZER) <= (b.finalizers ?? []).includes(FINALIZER) &&
    JSON.stringify(a.labels ?? {}) === JSON.stringify(b.labels ?? {}) &&
    JSON.stringify(a.annotations ?? {}) === JSON.stringify(b.annotations ?? {})
  );
}

/** All objects of one class that the cluster has, as far as is known. */
export class Objects {
  readonly #class: string | undefined;
  readonly #byId = new Map<Identity, Known>();
  readonly #byKey = new Map<Key, Map<Identity, Known>>();

  /** Without a class: those that name none. */
  constructor(ofClass: string | undefined) {
    this.#class = ofClass;
  }

  get(id: Identity): Known | undefined {
    return this.#byId.get(id);
  }

  of(key: Key): readonly Known[] {
    return [...(this.#byKey.get(key)?.values() ?? [])];
  }

  keys(): readonly Key[] {
    return [...this.#byKey.keys()];
  }

  all(): IterableIterator<Known> {
    return this.#byId.values();
  }

  /** Takes what a watch says of an object; the key that has work because of it, if any. */
  take(kind: KindName, type: 'added' | 'changed' | 'deleted', object: ClusterObject): Key | undefined {
    const { namespace, name } = object.metadata;
    const id = identity(kind, namespace, name);
    const known = this.#byId.get(id);
    if (type === 'deleted' || !isOfClass(object, this.#class)) {
      if (!known) return undefined;
      this.#byId.delete(id);
      const others = this.#byKey.get(known.key);
      others?.delete(id);
      // What waits for it, or for its place, may go on.
      return known.key;
    }
    if (known?.object.metadata.uid === object.metadata.uid) {
      if (isOlder(object, known.object)) return undefined;
      if (isSame(known.object, object)) {
        known.object = object;
        return undefined;
      }
    }
    const made = new Known(kind, object);
    this.#byId.set(id, made);
    const others = this.#byKey.get(made.key) ?? new Map<Identity, Known>();
    this.#byKey.set(made.key, others);
    others.set(id, made);
    return made.key;
  }

  /** Forgets a key without objects. */
  forget(key: Key): void {
    if (this.#byKey.get(key)?.size === 0) this.#byKey.delete(key);
  }
}

/** Whether a Kind is planned as global. */
export function isGlobal(kind: KindName): boolean {
  return !kindOf(kind).namespaced;
}
