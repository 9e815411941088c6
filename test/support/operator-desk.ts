import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { CRD_FOLDER } from '../../scripts/crd.ts';
import { canonicalJson } from '../../src/core/hash.ts';
import { identity } from '../../src/core/resource.ts';
import { parsePeppers } from '../../src/engine/peppers.ts';
import { API_VERSION, isKindName, KIND_NAMES, type KindName } from '../../src/kinds/index.ts';
import { createLog } from '../../src/operator/log.ts';
import { type RunOptions, runOperator } from '../../src/operator/run-operator.ts';
import { collectionPath, objectPath } from '../../src/sources/cluster-names.ts';
import type { ClusterObject, Condition } from '../../src/sources/cluster-object.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import { openStore } from '../../src/stores/open.ts';
import type { Store } from '../../src/stores/store.ts';
import { dedent } from './bad-input.ts';
import { temporaryFolder } from './folder.ts';
import type { KubeServer } from './kube-server.ts';

/** A cluster with our custom resources, and a store; operators are begun in this process. All is tidied up with the test. */
export interface OperatorDesk {
  readonly server: KubeServer;
  /** The URL of the store. */
  readonly url: string;
  /** Lines that operators have logged. */
  readonly lines: string[];
  /** Begins an operator; resolves once it works, or waits for its lease. */
  start(options?: StartOptions): Promise<RunningOperator>;
  /** Begins an operator that may have to wait for what it needs. */
  begin(options?: StartOptions): Promise<RunningOperator>;
  /** Applies manifests as kubectl would, making the namespaces that they are in. */
  apply(yaml: string): Promise<void>;
  remove(kind: KindName, path: string): Promise<void>;
  /** Changes metadata.annotations; null takes one away. */
  annotate(kind: KindName, path: string, annotations: Readonly<Record<string, string | null>>): Promise<void>;
  /** `path`: `name`, or `namespace/name`. Undefined where there is none. */
  get(kind: KindName, path: string): Promise<ClusterObject | undefined>;
  /** Waits until the condition Ready of an object's newest generation has a reason; its message. */
  until(kind: KindName, path: string, reason: string): Promise<string>;
  /** Waits until an object is not there any more. */
  untilGone(kind: KindName, path: string): Promise<void>;
  /** Waits until something is so. */
  eventually(what: string, probe: () => unknown): Promise<void>;
  /** Keeps each version of the objects of a Kind from now on, those that are there included. `told` may look at each as it comes. */
  record(kind: KindName, told?: (version: ClusterObject) => unknown): Promise<Recording>;
  /** What the store has of a resource: its spec; undefined without one. */
  stored(kind: KindName, path: string): Promise<Readonly<Record<string, unknown>> | undefined>;
  readonly store: Store;
  /** Changes fields of a spec in the database, behind everybody's back. */
  edit(id: string, spec: Readonly<Record<string, unknown>>): void;
  revision(): Promise<number>;
  /** Rows of the audit: `create RoleBinding/acme/readers`; those of one identity when given. */
  audit(id?: string): Promise<string[]>;
}

/** What a watch has told of the objects of a Kind. */
export interface Recording {
  /** One after the other. */
  readonly versions: readonly ClusterObject[];
  /** Resolves once nothing is told any more; throws what `told` has thrown. */
  stop(): Promise<void>;
}

export type StartOptions = Partial<
  Pick<
    RunOptions,
    | 'install'
    | 'ofClass'
    | 'namespaces'
    | 'interval'
    | 'lease'
    | 'instance'
    | 'serve'
    | 'now'
    | 'copiesSnapshots'
    | 'timing'
    | 'grace'
  >
> & { readonly store?: Store };

export interface RunningOperator {
  /** Resolves once it works, or waits for its lease. */
  readonly begun: Promise<void>;
  readonly ended: Promise<'stopped' | 'lost'>;
  stop(): Promise<void>;
}

/** How long anything may take. */
const PATIENCE = 30_000;

export async function operatorDesk(
  server: KubeServer,
  url?: string,
  { sweeps = true }: { readonly sweeps?: boolean } = {},
): Promise<OperatorDesk> {
  const folder = temporaryFolder();
  const storeUrl = url ?? `sqlite:${join(folder, 'iam.db')}`;
  const store = await openStore(storeUrl, folder, 30_000);
  const running: RunningOperator[] = [];
  const recordings: Recording[] = [];
  const lines: string[] = [];
  const namespaces = new Set<string>();
  onTestFinished(async () => {
    await Promise.all(running.map((one) => one.stop()));
    await Promise.all(recordings.map((one) => one.stop().catch(() => {})));
    await store.close();
    if (sweeps) await sweep(server);
  });
  const eventually: OperatorDesk['eventually'] = async (what, probe) => {
    let last: unknown;
    for (const until = Date.now() + PATIENCE; Date.now() < until; await sleep(25)) {
      try {
        if (await probe()) return;
        last = undefined;
      } catch (error) {
        last = error;
      }
    }
    throw new Error(
      `${what}: not within ${PATIENCE / 1000} s${last ? `: ${last}` : ''}\n${lines.slice(-20).join('')}`,
    );
  };
  const get: OperatorDesk['get'] = async (kind, path) => {
    const { status, body } = await server.send('GET', pathOf(kind, path));
    return status === 200 ? (body as unknown as ClusterObject) : undefined;
  };
  const patch = async (kind: KindName, path: string, body: object) => {
    const answer = await server.send('PATCH', pathOf(kind, path), body, undefined);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  };
  let count = 0;
  const desk: OperatorDesk = {
    server,
    url: storeUrl,
    lines,
    store,
    async start(options) {
      const operator = await desk.begin(options);
      await operator.begun;
      return operator;
    },
    async begin(options = {}) {
      const stopping = new AbortController();
      const now = options.now ?? (() => Date.now());
      const begun = Promise.withResolvers<void>();
      const log = createLog({
        format: 'text',
        level: 'debug',
        now,
        write(text) {
          lines.push(text);
          if (/ (working|another process leads)\b/.test(text)) begun.resolve();
        },
      });
      const instance = options.instance ?? `pod-${++count}`;
      const ended = runOperator({
        kube: await kubeClient({ kubeconfig: server.kubeconfig }),
        store: options.store ?? (await openStore(storeUrl, folder, 30_000)),
        install: options.install ?? 'rolecall',
        ofClass: options.ofClass,
        namespaces: options.namespaces ?? [],
        interval: options.interval ?? 600_000,
        log,
        peppers: () => parsePeppers(`test:${Buffer.alloc(32, 7).toString('base64')}`, 'the test'),
        instance,
        lease: options.lease,
        serve: options.serve,
        snapshots: { folder: join(folder, `snapshots-${instance}`), version: '0.0.0' },
        copiesSnapshots: options.copiesSnapshots ?? false,
        hasObjectMetrics: false,
        grace: options.grace ?? 30_000,
        ...(options.timing ? { timing: options.timing } : {}),
        signal: stopping.signal,
        now,
      });
      ended.catch(begun.reject);
      begun.promise.catch(() => {});
      const operator = {
        begun: begun.promise,
        ended,
        async stop() {
          stopping.abort();
          await ended;
        },
      };
      running.push(operator);
      return operator;
    },
    async apply(yaml) {
      for (const document of parseAllDocuments(dedent(yaml))) {
        const object = document.toJS() as { kind: string; metadata: { name: string; namespace?: string } };
        const { namespace, name } = object.metadata;
        if (!isKindName(object.kind)) throw new Error(`no kind ${object.kind}`);
        if (namespace !== undefined && !namespaces.has(namespace)) {
          namespaces.add(namespace);
          await server.send('POST', '/api/v1/namespaces', {
            apiVersion: 'v1',
            kind: 'Namespace',
            metadata: { name: namespace },
          });
        }
        const path = `${objectPath(object.kind, namespace, name)}?fieldManager=tester&force=true`;
        const answer = await server.send('PATCH', path, { apiVersion: API_VERSION, ...object });
        expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
      }
    },
    async remove(kind, path) {
      const { status, body } = await server.send('DELETE', pathOf(kind, path));
      expect(status, JSON.stringify(body)).toBeLessThan(300);
    },
    async annotate(kind, path, annotations) {
      const [name, namespace] = path.split('/').reverse();
      // As somebody of his own, so that what he does not name goes, and all else stays.
      const kept = Object.entries(annotations).filter(([, value]) => value !== null);
      await patch(kind, `${path}?fieldManager=annotator&force=true`, {
        apiVersion: API_VERSION,
        kind,
        metadata: { name, ...(namespace && { namespace }), annotations: Object.fromEntries(kept) },
      });
    },
    get,
    async until(kind, path, reason) {
      let found: ClusterObject | undefined;
      try {
        await eventually(`${kind} ${path} is ${reason}`, async () => {
          found = await get(kind, path);
          return found && isNewest(found) && readyOf(found)?.reason === reason;
        });
      } catch (error) {
        throw new Error(`${error}\n${JSON.stringify(found, undefined, 1)}`);
      }
      return (found && readyOf(found)?.message) ?? '';
    },
    async untilGone(kind, path) {
      await eventually(`${kind} ${path} is gone`, async () => !(await get(kind, path)));
    },
    eventually,
    async record(kind, told) {
      const kube = await kubeClient({ kubeconfig: server.kubeconfig });
      const stopping = new AbortController();
      const versions: ClusterObject[] = [];
      const ended = (async () => {
        for await (const { type, object } of kube.watch(collectionPath(kind), {}, stopping.signal)) {
          if (type !== 'ADDED' && type !== 'MODIFIED') continue;
          versions.push(object);
          await told?.(object);
        }
      })();
      ended.catch(() => {});
      const recording = {
        versions,
        async stop() {
          stopping.abort();
          await ended;
          await kube.close();
        },
      };
      recordings.push(recording);
      return recording;
    },
    async stored(kind, path) {
      const [name = '', namespace] = path.split('/').reverse();
      const reading = await store.read();
      try {
        const [found] = await reading.find({ ids: [identity(kind, namespace, name)] });
        return found && (found.resource.spec as unknown as Readonly<Record<string, unknown>>);
      } finally {
        await reading.close();
      }
    },
    edit(id, spec) {
      const database = new DatabaseSync(storeUrl.slice('sqlite:'.length));
      const where = 'WHERE kind = ? AND workspace = ? AND name = ?';
      const row = database.prepare(`SELECT body FROM resource ${where}`).get(...id.split('/'));
      const body = JSON.parse(String(row?.body)) as { spec: object };
      const after = canonicalJson({ ...body, spec: { ...body.spec, ...spec } } as never);
      database.prepare(`UPDATE resource SET body = ? ${where}`).run(after, ...id.split('/'));
      database.close();
    },
    async revision() {
      const reading = await store.read();
      await reading.close();
      return reading.head.revision;
    },
    async audit(id) {
      const rows: string[] = [];
      const reading = await store.read();
      for await (const batch of reading.audit())
        for (const { action, identity: of } of batch)
          if (id === undefined || of === id) rows.push(`${action} ${of}`);
      await reading.close();
      return rows;
    },
  };
  return desk;
}

export function conditionOf({ status }: ClusterObject, type: string): Condition | undefined {
  return status?.conditions?.find((one) => one.type === type);
}

function readyOf(object: ClusterObject): Condition | undefined {
  return conditionOf(object, 'Ready');
}

/** Whether what is said of an object is said of its newest version. */
function isNewest({ metadata, status }: ClusterObject): boolean {
  return status?.observedGeneration === metadata.generation;
}

function pathOf(kind: KindName, path: string): string {
  const [, place = '', query = ''] = /^([^?]*)(\?.*)?$/.exec(path) ?? [];
  const [name = '', namespace] = place.split('/').reverse();
  return `${objectPath(kind, namespace, name)}${query}`;
}

/** Installs our custom resources; resolves when they are served. */
export async function installResources(server: KubeServer): Promise<void> {
  const folder = join(import.meta.dirname, '../..', CRD_FOLDER);
  for (const file of readdirSync(folder)) {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const { status, body } = await server.send('POST', path, readFileSync(join(folder, file), 'utf8'));
    expect([201, 404, 409], JSON.stringify(body)).toContain(status);
  }
  for (const kind of KIND_NAMES)
    for (const until = Date.now() + PATIENCE; ; await sleep(50)) {
      const { status } = await server.send('GET', collectionPath(kind));
      if (status === 200) break;
      expect(Date.now()).toBeLessThan(until);
    }
}

/** Takes all objects away, whoever waits for whom. */
async function sweep(server: KubeServer): Promise<void> {
  for (const kind of KIND_NAMES) {
    const { body } = await server.send('GET', collectionPath(kind));
    for (const object of (body.items ?? []) as ClusterObject[]) {
      const { name, namespace } = object.metadata;
      const path = objectPath(kind, namespace, name);
      await server.send('DELETE', path);
      const left = await server.send('GET', path);
      if (left.status === 200)
        await server.send('PUT', path, {
          ...left.body,
          metadata: { ...(left.body.metadata as object), finalizers: [] },
        });
    }
  }
}
