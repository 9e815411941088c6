import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { backOff } from '../../src/operator/back-off.ts';
import { type Change, type Reflector, type ReflectorTiming, reflect } from '../../src/operator/reflector.ts';
import type { Kube } from '../../src/sources/kube.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import type { KubeServer } from '../support/kube-server.ts';
import { type ConfigMap, configMap, configMaps, keptLog, type Line, makeNamespace, until } from './desk.ts';

export interface ReflectorDesk {
  readonly kube: Kube;
  /** Of ConfigMaps, in a namespace of its own. */
  readonly path: string;
  readonly reflector: Reflector<ConfigMap>;
  /** What is told: `added one 1`, the last being its data; `before` after an arrow. */
  readonly told: string[];
  readonly lines: readonly Line[];
  create(name: string, n: string): Promise<ConfigMap>;
  change(name: string, n: string): Promise<ConfigMap>;
  remove(name: string): Promise<unknown>;
  /** Waits until the cache has these, and nothing else. */
  has(...all: readonly string[]): Promise<void>;
}

/** Short, so that nothing takes minutes; what is given is as it is. */
export function hasty(timing: Partial<ReflectorTiming> = {}): Partial<ReflectorTiming> {
  return { backOff: backOff({ first: 20, longest: 200 }), shortWatch: 50, ...timing };
}

const show = ({ metadata, data }: ConfigMap) => `${metadata.name} ${data?.n}`;

export async function reflectorDesk(
  kube: Kube,
  timing: Partial<ReflectorTiming> = hasty(),
  onChange: (change: Change<ConfigMap>) => void = () => {},
): Promise<ReflectorDesk> {
  const path = configMaps(await makeNamespace(kube));
  const log = keptLog();
  const told: string[] = [];
  const reflector = reflect<ConfigMap>({
    kube,
    path,
    log,
    timing,
    onChange(change) {
      const before = change.type === 'changed' ? ` ← ${change.before.data?.n}` : '';
      told.push(`${change.type} ${show(change.object)}${before}`);
      onChange(change);
    },
  });
  return {
    kube,
    path,
    reflector,
    told,
    lines: log.lines,
    create: (name, n) => kube.request({ method: 'POST', path, body: configMap(name, { n }) }),
    change: (name, n) =>
      kube.request({ method: 'PATCH', patch: 'merge', path: `${path}/${name}`, body: { data: { n } } }),
    remove: (name) => kube.request({ method: 'DELETE', path: `${path}/${name}` }),
    async has(...all) {
      const cached = () => [...reflector.objects()].map(show).sort();
      await until(
        `${all.join(', ')} are known`,
        () => JSON.stringify(cached()) === JSON.stringify([...all].sort()),
        60_000,
      ).catch((error: Error) => {
        throw new Error(`${error.message}; there are ${cached().join(', ')}`);
      });
    },
  };
}

/** What a reflector must do, on whatever API server. */
export function reflectorSuite(server: () => KubeServer): void {
  describe('a reflector', () => {
    let kube: Kube;
    let desk: ReflectorDesk;
    beforeAll(async () => {
      kube = await kubeClient({ kubeconfig: server().kubeconfig });
    });
    afterAll(() => kube?.close());
    beforeEach(async () => {
      desk = await reflectorDesk(kube);
    });
    afterEach(() => desk.reflector.stop());

    test('knows what there is, then what happens', async () => {
      const { reflector, told, create, change, remove, has, path } = desk;
      await create('one', '1');
      expect(reflector.isSynced).toBe(false);
      reflector.start();
      expect(await reflector.synced).toBe(true);
      expect(told).toEqual(['added one 1']);
      await create('two', '1');
      await change('one', '2');
      await remove('two');
      await has('one 2');
      expect(told).toEqual(['added one 1', 'added two 1', 'changed one 2 ← 1', 'deleted two 1']);
      const namespace = path.split('/')[4];
      expect(reflector.get(`${namespace}/one`)).toMatchObject({ kind: 'ConfigMap', data: { n: '2' } });
      expect(reflector.get(`${namespace}/two`)).toBeUndefined();
      for (const { metadata } of reflector.objects()) expect(metadata.managedFields).toBeUndefined();
      expect(reflector.counts).toEqual({ lists: 1, watches: 1, failures: 0, handlerErrors: 0 });
      expect(reflector.isAlive).toBe(true);
      expect(performance.now() - (reflector.lastContact ?? 0)).toBeLessThan(60_000);
    });

    test('reads all of a long list', async () => {
      const { reflector, create } = desk;
      await Promise.all(Array.from({ length: 1201 }, (_, i) => create(`c${i}`, '1')));
      reflector.start();
      await reflector.synced;
      expect(reflector.size).toBe(1201);
    });

    test('tells another object of the same name as another one', async () => {
      const { reflector, told, create, remove, has } = desk;
      await create('one', '1');
      reflector.start();
      await reflector.synced;
      await remove('one');
      await create('one', '2');
      await has('one 2');
      expect(told).toEqual(['added one 1', 'deleted one 1', 'added one 2']);
    });

    test('goes on when the server is killed and comes back', async () => {
      const { reflector, told, create, change, remove, has } = desk;
      await create('one', '1');
      await create('two', '1');
      reflector.start();
      await reflector.synced;
      await server().restart();
      await remove('two');
      await change('one', '2');
      await create('three', '1');
      await has('one 2', 'three 1');
      expect([...told].sort()).toEqual([
        'added one 1',
        'added three 1',
        'added two 1',
        'changed one 2 ← 1',
        'deleted two 1',
      ]);
      expect(reflector.counts.failures).toBeGreaterThan(0);
      expect(reflector.isAlive).toBe(true);
    });

    test('goes on when what it goes by is forgotten', async () => {
      const { path, reflector, create, change, remove, has } = desk;
      const old = await create('one', '1');
      await create('two', '1');
      const list = (query: object) =>
        kube.request<{ metadata: { continue: string } }>({
          method: 'GET',
          path,
          query: { limit: 1, ...query },
        });
      const first = await list({});
      await change('one', '2');
      reflector.start();
      await reflector.synced;
      await server().forget();
      await server().restart();
      await expect(list({ continue: first.metadata.continue })).rejects.toMatchObject({
        status: 410,
        reason: 'Expired',
      });
      const told = [];
      const query = { resourceVersion: old.metadata.resourceVersion, timeoutSeconds: 1 };
      for await (const { object } of kube.watch(path, query, new AbortController().signal)) told.push(object);
      expect(told).toMatchObject([{ code: 410, reason: 'Expired' }]);
      await remove('two');
      await has('one 2');
    });

    test('bears a watch that the server ends', async () => {
      const own = await reflectorDesk(kube, hasty({ watch: [1000, 1000] }));
      await own.create('one', '1');
      own.reflector.start();
      await until('three watches', () => own.reflector.counts.watches >= 3);
      await own.change('one', '2');
      await own.has('one 2');
      expect(own.reflector.counts).toMatchObject({ lists: 1, failures: 0 });
      await own.reflector.stop();
    });

    test('tells nothing any more once it is stopped', async () => {
      const { reflector, told, create } = desk;
      reflector.start();
      await reflector.synced;
      const stopped = reflector.stop();
      await create('one', '1');
      await stopped;
      expect(told).toEqual([]);
      expect(reflector.isAlive).toBe(false);
      const never = await reflectorDesk(kube);
      await never.reflector.stop();
      expect(await never.reflector.synced).toBe(false);
    });
  });
}
