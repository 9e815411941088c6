import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Failure } from '../../src/core/problem.ts';
import { type Kube, type KubeCall, KubeError } from '../../src/sources/kube.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import { type KubeSimulator, startKubeSimulator } from '../support/kube-simulator.ts';
import { clientSuite } from './client-suite.ts';
import { configMap, configMaps, until } from './desk.ts';

let simulator: KubeSimulator;
let folder: string;
beforeAll(async () => {
  simulator = await startKubeSimulator();
  folder = mkdtempSync(join(tmpdir(), 'iam-kube-client-'));
});
afterAll(async () => {
  await simulator.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('on the simulator', () => clientSuite(() => simulator));

const LIST: KubeCall = { method: 'GET', path: configMaps('default') };

/** How something fails. Throws when it does not, or not with a KubeError. */
async function failureOf(work: Promise<unknown>): Promise<KubeError> {
  const error = await work.then(
    () => new Error('it does not fail'),
    (failed: unknown) => failed,
  );
  if (!(error instanceof KubeError)) throw error;
  return error;
}

describe('a client, when', () => {
  let kube: Kube;
  beforeEach(async () => {
    kube = await kubeClient({ kubeconfig: simulator.kubeconfig });
    simulator.requests.length = 0;
  });
  afterEach(async () => {
    simulator.faults.heal();
    await kube.close();
  });
  const watched = async (signal = new AbortController().signal): Promise<string[]> => {
    const told: string[] = [];
    const query = { resourceVersion: '0', timeoutSeconds: 1 };
    for await (const { type } of kube.watch(LIST.path, query, signal)) told.push(type);
    return told;
  };

  test('it is put off, asks again', async () => {
    simulator.faults.on({}, { status: 429, retryAfter: 0 }, 3);
    await kube.request(LIST);
    expect(simulator.requests).toHaveLength(4);
    simulator.faults.on({}, { status: 503, retryAfter: 0 }, 1);
    await kube.request(LIST);
  });

  test('it is put off for a second, waits as long', async () => {
    simulator.faults.on({}, { status: 429, retryAfter: 1 }, 1);
    const before = performance.now();
    await kube.request(LIST);
    expect(performance.now() - before).toBeGreaterThan(990);
  });

  test('it is put off again and again, or for long, tells so', async () => {
    simulator.faults.on({}, { status: 429, reason: 'TooManyRequests', retryAfter: 0 });
    expect(await failureOf(kube.request(LIST))).toMatchObject({ status: 429, reason: 'TooManyRequests' });
    expect(simulator.requests).toHaveLength(5);
    simulator.faults.heal();
    simulator.faults.on({}, { status: 429, retryAfter: 60 });
    expect(await failureOf(kube.request(LIST))).toMatchObject({ status: 429, retryAfter: 60_000 });
    expect(simulator.requests).toHaveLength(6);
  });

  test('it waits, does not outlive what it waits for', async () => {
    simulator.faults.on({}, { status: 429, retryAfter: 20 });
    const calling = new AbortController();
    const request = kube.request({ ...LIST, signal: calling.signal });
    await until('it is put off', () => simulator.requests.length === 1);
    const reason = new Error('no more');
    calling.abort(reason);
    await expect(request).rejects.toBe(reason);
  });

  test.each([
    ['the connection ends', 'drop', 'socket hang up'],
    ['half of an answer comes', 'half', 'aborted'],
    ['the answer is no JSON', 'garbage', 'no JSON'],
  ] as const)('%s, tells that there is no answer', async (_, fault, said) => {
    simulator.faults.on({}, fault);
    const error = await failureOf(kube.request({ ...LIST, method: 'POST', body: configMap('x') }));
    expect(error.status).toBeNull();
    expect(error.message).toContain(said);
  });

  test('nobody answers, does not wait for ever', async () => {
    simulator.faults.on({}, 'hang');
    const error = await failureOf(kube.request({ ...LIST, timeout: 100 }));
    expect(error).toMatchObject({ status: null, message: `${kube.server} does not answer within 0.1 s` });
  });

  test('an answer is slow, takes it', async () => {
    simulator.faults.on({}, { slow: 200 });
    await kube.request(LIST);
  });

  test('the server was away, comes back with it', async () => {
    await kube.request(LIST);
    const away = simulator.faults.away(50);
    expect(await failureOf(kube.request({ ...LIST, method: 'POST', body: configMap('y') }))).toMatchObject({
      status: null,
    });
    await away;
    await kube.request(LIST);
  });

  test('its token is not known any more, reads what is valid now', async () => {
    await kube.request(LIST);
    simulator.faults.rotateToken();
    await Promise.all([kube.request(LIST), kube.request(LIST), watched()]);
    simulator.faults.rotateToken();
    await watched();
  });

  test('an idle connection is closed just when it is used, all but a POST is sent again', async () => {
    const used = new WeakSet();
    const server = createServer((request, response) => {
      if (used.has(request.socket)) request.socket.destroy();
      else response.end('{}');
      used.add(request.socket);
    }).listen(0, '127.0.0.1');
    await until('it listens', () => server.listening);
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const kubeconfig = join(folder, 'idle');
    const text = readFileSync(simulator.kubeconfig, 'utf8');
    writeFileSync(kubeconfig, text.replace(simulator.url, `http://127.0.0.1:${port}`));
    const other = await kubeClient({ kubeconfig });
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE'] as const) await other.request({ ...LIST, method });
    const post = other.request({ ...LIST, method: 'POST', body: configMap('z') });
    expect((await failureOf(post)).message).toContain('closed the connection');
    await other.close();
    server.close();
  });

  test('it gets in with nothing, tells so after a second try', async () => {
    simulator.faults.on({}, { status: 401, reason: 'Unauthorized' });
    expect(await failureOf(kube.request(LIST))).toMatchObject({ status: 401, reason: 'Unauthorized' });
    expect(await failureOf(watched())).toMatchObject({ status: 401 });
    expect(simulator.requests).toHaveLength(4);
  });

  test('a watch is refused, or broken off, tells so', async () => {
    simulator.faults.on({ isWatch: true }, { status: 410, reason: 'Expired' }, 1);
    expect(await failureOf(watched())).toMatchObject({ status: 410, reason: 'Expired' });
    simulator.faults.on({ isWatch: true }, { status: 429, retryAfter: 7 }, 1);
    expect(await failureOf(watched())).toMatchObject({ status: 429, retryAfter: 7000 });
    const watching = failureOf(watched());
    await until('it watches', () => simulator.requests.length === 3 && simulator.connections > 0);
    simulator.faults.sendToWatches('{"type":"ADDED",');
    simulator.faults.drop();
    expect(await watching).toMatchObject({ status: null });
    await simulator.send('POST', LIST.path, configMap('there'));
    const disturbed = failureOf(watched());
    await until('it watches again', () => simulator.requests.length === 4);
    simulator.faults.sendToWatches('<html>\n');
    expect((await disturbed).message).toContain('no JSON');
  });

  test('it does much, has few connections, and none that nobody needs', async () => {
    await Promise.all(Array.from({ length: 500 }, () => kube.request(LIST)));
    expect(simulator.connections).toBeLessThanOrEqual(64);
    const shared = simulator.connections;
    for (let i = 0; i < 50; i++) {
      const calling = new AbortController();
      const watching = watched(calling.signal);
      calling.abort();
      await watching;
    }
    await until('the watches are gone', () => simulator.connections <= shared);
    await kube.close();
    await until('all are gone', () => simulator.connections === 0);
  });
});

describe('a kubeconfig', () => {
  interface Config {
    contexts: object[];
    clusters: object[];
    users: object[];
    'current-context': string;
  }
  const write = (change: (config: Config) => void): string => {
    const config = JSON.parse(readFileSync(simulator.kubeconfig, 'utf8')) as Config;
    change(config);
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, JSON.stringify(config));
    return file;
  };
  const token = () =>
    (JSON.parse(readFileSync(simulator.kubeconfig, 'utf8')) as { users: { user: { token: string } }[] })
      .users[0]?.user.token ?? '';
  const refusedFor = async (options: Parameters<typeof kubeClient>[0]): Promise<string> => {
    const error = await kubeClient(options).then(
      () => new Error('it is taken'),
      (failed: unknown) => failed,
    );
    if (!(error instanceof Failure)) throw error;
    return error.problems.map(({ message, hint }) => `${error.exit} ${message} (${hint})`).join('\n');
  };

  test('may have a file for the token, which is read again when it changes', async () => {
    writeFileSync(join(folder, 'token'), `${token()}\n`);
    const kubeconfig = write(({ users }) => {
      users[0] = { name: 'tester', user: { tokenFile: 'token' } };
    });
    const kube = await kubeClient({ kubeconfig });
    await kube.request(LIST);
    simulator.faults.rotateToken();
    writeFileSync(join(folder, 'token'), token());
    await kube.request(LIST);
    await kube.close();
  });

  test('may have a program for the token, which is run again when that is not known any more', async () => {
    const credential = join(folder, 'credential.json');
    const runs = join(folder, 'runs');
    const issue = (text: string) => writeFileSync(credential, text);
    const valid = () => JSON.stringify({ kind: 'ExecCredential', status: { token: token() } });
    issue(valid());
    const kubeconfig = write(({ users }) => {
      users[0] = {
        name: 'tester',
        user: { exec: { command: 'sh', args: ['-c', `echo >>${runs}; cat ${credential}`], apiVersion: 'x' } },
      };
    });
    const kube = await kubeClient({ kubeconfig });
    await kube.request(LIST);
    simulator.faults.rotateToken();
    issue(valid());
    await Promise.all(Array.from({ length: 20 }, () => kube.request(LIST)));
    expect(readFileSync(runs, 'utf8')).toBe('\n\n');
    await kube.close();
    issue('{"status": {"token": s3cret-of-nobody');
    const other = await kubeClient({ kubeconfig });
    const error = await failureOf(other.request(LIST));
    expect(error.message).toBe(
      `no credentials for ${simulator.url}: what gives them is not to be understood`,
    );
    await other.close();
  });

  test('may have a proxy, by which all goes', async () => {
    let asked = 0;
    const proxy = createServer().listen(0, '127.0.0.1');
    proxy.on('connect', (request, socket) => {
      asked++;
      const { hostname, port } = new URL(`http://${request.url}`);
      const there = connect(Number(port), hostname, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        there.pipe(socket).pipe(there);
      });
      there.on('error', () => socket.destroy());
      socket.on('error', () => there.destroy());
    });
    await until('it listens', () => proxy.listening);
    const address = proxy.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const kubeconfig = write(({ clusters }) => {
      clusters[0] = {
        name: 'test',
        cluster: { server: simulator.url, 'proxy-url': `http://127.0.0.1:${port}` },
      };
    });
    const kube = await kubeClient({ kubeconfig });
    await kube.request(LIST);
    for await (const _ of kube.watch(LIST.path, { timeoutSeconds: 1 }, new AbortController().signal));
    expect(asked).toBe(2);
    await kube.close();
    proxy.close();
  });

  test('that is changed to another cluster meanwhile is not followed there', async () => {
    let asked = 0;
    const another = createServer((_, response) => {
      asked++;
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await until('it listens', () => another.listening);
    const address = another.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const kube = await kubeClient({ kubeconfig: write(() => {}) });
    write(({ clusters, users }) => {
      clusters[0] = { name: 'test', cluster: { server: `http://127.0.0.1:${port}` } };
      users[0] = { name: 'tester', user: { token: 'for-the-other' } };
    });
    simulator.faults.rotateToken();
    simulator.requests.length = 0;
    expect(await failureOf(kube.request(LIST))).toMatchObject({ status: 401 });
    expect(asked).toBe(0);
    // Nor is what gets in there told here.
    expect(simulator.requests.map(({ token }) => token)).not.toContain('for-the-other');
    expect(simulator.requests).toHaveLength(2);
    await kube.close();
    another.close();
  });

  test('has several contexts, of which one can be chosen', async () => {
    const kubeconfig = write((config) => {
      config.contexts.push({
        name: 'other',
        context: { cluster: 'test', user: 'tester', namespace: 'acme' },
      });
      config['current-context'] = 'other';
    });
    expect((await kubeClient({ kubeconfig })).namespace).toBe('acme');
    expect((await kubeClient({ kubeconfig, context: 'test' })).namespace).toBe('default');
    expect(await refusedFor({ kubeconfig, context: 'third' })).toBe(
      '4 the kubeconfig has no context "third", or not its cluster (--context NAME: test, other)',
    );
  });

  test('that is missing or broken is refused without a word of what is in it', async () => {
    expect(await refusedFor({ kubeconfig: join(folder, 'nowhere') })).toContain('ENOENT');
    const broken = join(folder, 'broken');
    for (const text of ['users: [{name: s3cret-of-nobody', '[]', 'text', '', 'clusters: [{name: x}]\n']) {
      writeFileSync(broken, text);
      const said = await refusedFor({ kubeconfig: broken });
      expect(said).toMatch(/^4 /);
      expect(said).not.toContain('s3cret');
    }
  });
});
