import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Kube } from '../../src/sources/kube.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import { type KubeSimulator, startKubeSimulator } from '../support/kube-simulator.ts';
import { configMap, until } from './desk.ts';
import { hasty, type ReflectorDesk, reflectorDesk, reflectorSuite } from './reflector-suite.ts';

let simulator: KubeSimulator;
beforeAll(async () => {
  simulator = await startKubeSimulator({ bookmarkEvery: 50 });
});
afterAll(() => simulator.stop());

describe('on the simulator', () => reflectorSuite(() => simulator));

describe('a reflector, when', () => {
  let kube: Kube;
  let desk: ReflectorDesk;
  beforeEach(async () => {
    kube = await kubeClient({ kubeconfig: simulator.kubeconfig });
    desk = await reflectorDesk(kube);
    await desk.create('one', '1');
    await desk.create('two', '1');
  });
  afterEach(async () => {
    simulator.faults.heal();
    await desk.reflector.stop();
    await kube.close();
  });
  const begin = async (own = desk): Promise<ReflectorDesk> => {
    own.reflector.start();
    await own.reflector.synced;
    await until('it watches', () =>
      simulator.requests.some(({ isWatch, path }) => isWatch && path === own.path),
    );
    own.told.length = 0;
    return own;
  };
  /** Not by a connection that may be cut. */
  const set = (path: string, name: string, n: string) =>
    simulator.send('PATCH', `${path}/${name}?fieldManager=test&force=true`, configMap(name, { n }));
  const meddle = async ({ path }: ReflectorDesk): Promise<void> => {
    await set(path, 'two', '2');
    await set(path, 'three', '1');
  };

  test.each([
    ['with a status', { isWatch: true, fault: { status: 410, reason: 'Expired' } as const }],
    ['in the watch', undefined],
  ])('its version is forgotten, which it is told %s, reads all again', async (_, refused) => {
    const { reflector, told, remove, change, has } = await begin();
    await simulator.send('POST', desk.path, { metadata: { name: 'same' }, data: { n: '1' } });
    await has('one 1', 'two 1', 'same 1');
    told.length = 0;
    simulator.faults.on({ isWatch: true }, { status: 500 });
    simulator.faults.drop();
    await until('it is cut off', () => reflector.counts.failures > 0);
    await remove('one');
    await change('two', '2');
    simulator.faults.heal();
    if (refused) simulator.faults.on({ isWatch: true }, refused.fault, 1);
    await simulator.forget();
    await has('two 2', 'same 1');
    // What is gone was last known so; of what is the same nothing is said.
    expect(told).toEqual(['deleted one 1', 'changed two 2 ← 1']);
    expect(reflector.counts.lists).toBe(2);
  });

  test('an object is made anew while nothing is heard, tells it as another one', async () => {
    const { told, has } = await begin();
    simulator.faults.on({ isWatch: true }, { status: 410, reason: 'Expired' }, 1);
    simulator.faults.drop();
    await simulator.send('DELETE', `${desk.path}/two`);
    await set(desk.path, 'two', '2');
    await has('one 1', 'two 2');
    expect(told).toEqual(['deleted two 1', 'added two 2']);
  });

  test('its list is forgotten before it has come to an end, begins anew', async () => {
    await Promise.all(Array.from({ length: 600 }, (_, i) => desk.create(`c${i}`, '1')));
    simulator.faults.on({ isContinue: true }, { first: () => simulator.forget() }, 1);
    desk.reflector.start();
    await desk.reflector.synced;
    expect(desk.reflector.size).toBe(602);
    expect(desk.reflector.counts).toMatchObject({ lists: 1, failures: 1 });
  });

  test('nothing is heard any more, does not wait for ever', async () => {
    const own = await reflectorDesk(kube, hasty({ watch: [300, 300], slack: 100 }));
    await own.create('two', '1');
    await begin(own);
    simulator.faults.freezeWatches();
    await meddle(own);
    expect(own.told).toEqual([]);
    await own.has('two 2', 'three 1');
    expect(own.lines.map(({ error }) => String(error))).toContainEqual(
      expect.stringContaining('nothing heard'),
    );
    expect(own.reflector.counts.lists).toBe(1);
    await own.reflector.stop();
  });

  test.each([
    ['connections are cut', () => simulator.faults.drop(), 1],
    ['the server is away', () => simulator.faults.away(300), 1],
    ['a line is no JSON', () => simulator.faults.sendToWatches('<html>\n'), 1],
    [
      'half of a line comes',
      () => {
        simulator.faults.sendToWatches('{"type":"MODI');
        simulator.faults.drop();
      },
      1,
    ],
    ['an event has no version', () => simulator.faults.sendToWatches('{"type":"ADDED","object":{}}\n'), 1],
    ['the watch tells an error', () => simulator.faults.refuseWatches(500, 'InternalError'), 2],
    [
      'a token is not known any more',
      () => {
        simulator.faults.rotateToken();
        simulator.faults.drop();
      },
      1,
    ],
  ] as const)('%s, goes on', async (_, fault, lists) => {
    const { reflector, told, has } = await begin();
    await fault();
    await meddle(desk);
    await has('one 1', 'two 2', 'three 1');
    expect([...told].sort()).toEqual(['added three 1', 'changed two 2 ← 1']);
    expect(reflector.counts.lists).toBe(lists);
    expect(reflector.isAlive).toBe(true);
  });

  test.each([
    ['is put off', { status: 429, retryAfter: 0 }],
    ['is refused', { status: 403, reason: 'Forbidden' }],
    ['is not served', { status: 404, reason: 'NotFound' }],
    ['meets an error', { status: 500 }],
    ['is not answered', 'drop'],
    ['is answered with half', 'half'],
    ['is answered with something else', 'garbage'],
    ['is answered with what is no list', { answer: { kind: 'Status', metadata: {}, status: 'Success' } }],
    ['is answered with an object', { answer: { kind: 'ConfigMapList', metadata: { resourceVersion: '9' } } }],
  ] as const)('a list %s, takes nothing for deleted', async (_, fault) => {
    const { reflector, told, has, remove } = await begin();
    simulator.faults.on({ method: 'GET' }, fault);
    simulator.faults.refuseWatches(410, 'Expired');
    await until('it has tried again', () => reflector.counts.failures >= 3, 30_000);
    await remove('one');
    expect(told).toEqual([]);
    expect(reflector.size).toBe(2);
    expect(reflector.isAlive).toBe(true);
    simulator.faults.heal();
    await has('two 1');
    expect(told).toEqual(['deleted one 1']);
  });

  test('it is put off for a second, waits as long', async () => {
    const { reflector, has } = await begin();
    simulator.faults.on({ isWatch: true }, { status: 429, retryAfter: 1 }, 1);
    simulator.faults.drop();
    await until('it is put off', () => reflector.counts.failures >= 2);
    const before = performance.now();
    await meddle(desk);
    await has('one 1', 'two 2', 'three 1');
    expect(performance.now() - before).toBeGreaterThan(900);
  });

  test('watches end at once, does not ask without end', async () => {
    const { reflector } = await begin();
    simulator.faults.on({ isWatch: true }, { answer: {} });
    simulator.faults.drop();
    const { watches } = reflector.counts;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(reflector.counts.watches - watches).toBeLessThan(40);
  });

  test('only others change, keeps up by bookmarks', async () => {
    const own = await reflectorDesk(kube, hasty({ watch: [1000, 1000] }));
    await own.create('one', '1');
    await begin(own);
    await desk.change('one', '2');
    // The next watch begins after what is forgotten here, though it was told nothing.
    await new Promise((resolve) => setTimeout(resolve, 150));
    await simulator.forget();
    simulator.faults.drop();
    await set(own.path, 'one', '2');
    await own.has('one 2');
    expect(own.reflector.counts.lists).toBe(1);
    await own.reflector.stop();
  });

  test('whoever is told throws, says so and goes on', async () => {
    const own = await reflectorDesk(kube, hasty(), ({ type }) => {
      if (type === 'added') throw new Error('not today');
    });
    await own.create('two', '1');
    await begin(own);
    await meddle(own);
    await own.has('two 2', 'three 1');
    expect(own.told).toEqual(['changed two 2 ← 1', 'added three 1']);
    expect(own.reflector.counts).toEqual({ lists: 1, watches: 1, failures: 0, handlerErrors: 2 });
    expect(own.lines.filter(({ level }) => level === 'error')).toHaveLength(2);
    await own.reflector.stop();
  });

  test('much happens while connections are cut, ends with what there is', async () => {
    const { reflector, has } = await begin();
    const left = new Map([
      ['one', '1'],
      ['two', '1'],
    ]);
    for (let i = 0; i < 300; i++) {
      const name = `c${i % 7}`;
      if (i % 41 === 0) simulator.faults.drop();
      if (i % 67 === 0) await simulator.forget();
      if (i % 29 === 0) simulator.faults.on({ isWatch: true }, 'drop', 2);
      if (left.has(name) && i % 5 === 0) await simulator.send('DELETE', `${desk.path}/${name}`);
      else await set(desk.path, name, `${i}`);
      if (left.has(name) && i % 5 === 0) left.delete(name);
      else left.set(name, `${i}`);
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await has(...[...left].map(([name, n]) => `${name} ${n}`));
    expect(reflector.counts.failures).toBeGreaterThan(3);
  });
});
