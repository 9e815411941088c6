import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { KubeSimulator } from '../support/kube-simulator.ts';
import { operatorDesk } from '../support/operator-desk.ts';
import { runIam } from '../support/run-iam.ts';
import { AN_ORGANISATION, READERS } from './stories.ts';

/** How soon an operator notices that nothing is heard any more, in these stories. */
const TIMING = { watch: [900, 1100], slack: 300 } as const;

type Trouble = (simulator: KubeSimulator) => unknown;

/** What goes wrong from a moment on, by its name. */
const TROUBLES: Readonly<Record<string, Trouble>> = {
  'writes are put off (429)': ({ faults }) =>
    faults.on({ method: 'PATCH' }, { status: 429, reason: 'TooManyRequests', retryAfter: 1 }, 4),
  'writes are put off for as long as it takes (429)': async ({ faults }) => {
    faults.on({ method: 'PATCH' }, { status: 429, reason: 'TooManyRequests', retryAfter: 60 });
    setTimeout(faults.heal, 1000);
  },
  'others change each object at the same time (409)': ({ faults }) =>
    faults.on(
      { method: 'PATCH', path: /workspacerolebindings\/\w+$/ },
      { status: 409, reason: 'Conflict' },
      6,
    ),
  'no write is done (500)': ({ faults }) => {
    faults.on({ method: 'PATCH' }, { status: 500, reason: 'InternalError' });
    setTimeout(faults.heal, 1000);
  },
  'no status is written (500)': ({ faults }) => {
    faults.on({ method: 'PATCH', path: '/status' }, { status: 500, reason: 'InternalError' });
    setTimeout(faults.heal, 1000);
  },
  'its token is not known any more (401)': ({ faults }) => {
    faults.rotateToken();
    faults.drop();
  },
  'writes are slow': ({ faults }) => faults.on({ method: 'PATCH' }, { slow: 700 }, 8),
  'the watches are slow to begin': ({ faults }) => {
    faults.on({ isWatch: true }, { slow: 500 }, 7);
    faults.drop();
  },
  'nothing is heard of the watches any more': ({ faults }) => faults.freezeWatches(),
  'its connections are cut': ({ faults }) => faults.drop(),
  'its requests are cut': ({ faults }) => faults.on({ method: 'PATCH' }, 'drop', 5),
  'what it writes is done, and the answers are lost': ({ faults }) =>
    faults.on({ method: 'PATCH' }, 'lose', 5),
  'what it writes is done, and half of the answer comes': ({ faults }) =>
    faults.on({ method: 'PATCH' }, 'half', 5),
  'the API server is away': ({ faults }) => faults.away(500),
  'the watches begin too late (410, as an event)': async (simulator) => {
    simulator.faults.drop();
    await simulator.forget();
  },
  'the watches may not begin (410, as a status)': ({ faults }) => {
    faults.on({ isWatch: true }, { status: 410, reason: 'Expired' }, 7);
    faults.drop();
  },
  'the watches are ended (410)': ({ faults }) => faults.refuseWatches(410, 'Expired'),
  'the watches are ended (500)': ({ faults }) => faults.refuseWatches(500, 'InternalError'),
  'the watches tell garbage': ({ faults }) => faults.sendToWatches('<html>bad gateway</html>\n'),
  'lists and watches are answered with garbage': ({ faults }) => {
    faults.on({ method: 'GET' }, 'garbage', 10);
    faults.drop();
  },
  'lists are answered with what is no list': async (simulator) => {
    simulator.faults.on({ method: 'GET', isWatch: false }, { answer: { kind: 'Status' } }, 7);
    simulator.faults.refuseWatches(410, 'Expired');
  },
  'writes are answered with garbage': ({ faults }) => faults.on({ method: 'PATCH' }, 'garbage', 5),
};

/** What an operator must bear. */
export function faultStories(server: () => KubeSimulator): void {
  test.each(Object.entries(TROUBLES))(
    'when %s, what is changed meanwhile arrives, and once',
    async (_, trouble) => {
      const { start, apply, until, untilGone, remove, get, stored, audit, eventually } = await operatorDesk(
        server(),
      );
      const simulator = server();
      await apply(AN_ORGANISATION);
      await apply(READERS);
      await apply(READERS.replace('name: readers', 'name: leaving'));
      await start({ timing: TIMING });
      for (const name of ['readers', 'leaving']) await until('RoleBinding', `acme/${name}`, 'Applied');
      await sleep(100);
      const before = simulator.requests.length;
      await trouble(simulator);
      await apply(READERS.replace('source-read-only', 'source-admin'));
      await apply(READERS.replace('name: readers', 'name: newcomer'));
      await remove('RoleBinding', 'acme/leaving');
      await until('RoleBinding', 'acme/newcomer', 'Applied');
      await until('RoleBinding', 'acme/readers', 'Applied');
      await untilGone('RoleBinding', 'acme/leaving');
      expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'source-admin' });
      expect(await stored('RoleBinding', 'acme/leaving')).toBeUndefined();
      expect((await get('RoleBinding', 'acme/newcomer'))?.metadata.finalizers).toEqual([
        'rolecall.dev/operator',
      ]);
      await eventually('nothing is under way', async () => {
        const written = simulator.requests.length;
        await sleep(300);
        return simulator.requests.slice(written).every(({ method }) => method === 'GET');
      });
      const of = (name: string, ...actions: string[]) =>
        actions.map((action) => `${action} RoleBinding/acme/${name}`);
      expect(await audit('RoleBinding/acme/readers')).toEqual(of('readers', 'create', 'update'));
      expect(await audit('RoleBinding/acme/newcomer')).toEqual(of('newcomer', 'create'));
      expect(await audit('RoleBinding/acme/leaving')).toEqual(of('leaving', 'create', 'delete'));
      const written = simulator.requests.slice(before).filter(({ method }) => method !== 'GET');
      expect(written.length).toBeLessThan(60);
    },
  );

  test('iam operator release says what the API server does not do, and what to do about it', async () => {
    const { start, apply, until, remove, get, untilGone } = await operatorDesk(server());
    const { faults, kubeconfig } = server();
    await apply(AN_ORGANISATION);
    await apply(READERS);
    const operator = await start();
    await until('RoleBinding', 'acme/readers', 'Applied');
    await operator.stop();
    await remove('RoleBinding', 'acme/readers');
    const release = async () => {
      const { exit, stdout, stderr } = await runIam(['operator', 'release', '--kubeconfig', kubeconfig]);
      faults.heal();
      expect(stdout).toBe('');
      return `${exit} ${stderr}`;
    };
    faults.on({ method: 'GET', path: 'workspacerolebindings' }, { status: 404, reason: 'NotFound' });
    expect(await release()).toMatch(
      /^1 error RC701: RoleBinding objects of http.* cannot be read: .*custom resource definitions/s,
    );
    faults.on({ method: 'GET', path: 'workspacerolebindings' }, { status: 403, reason: 'Forbidden' });
    expect(await release()).toMatch(/^1 error RC701: RoleBinding objects .*get and list/s);
    faults.on({ method: 'GET', path: 'workspacerolebindings' }, { answer: { kind: 'Status' } });
    expect(await release()).toMatch(/^1 error RC701: RoleBinding objects .*what is no list/s);
    faults.on({ method: 'PATCH' }, { status: 403, reason: 'Forbidden', message: 'not you' });
    expect(await release()).toMatch(/^1 error RC701: 1 object not released: not you\n.*try again/s);
    expect((await get('RoleBinding', 'acme/readers'))?.metadata.finalizers).toEqual([
      'rolecall.dev/operator',
    ]);
    expect(await runIam(['operator', 'release', '--kubeconfig', kubeconfig])).toMatchObject({ exit: 0 });
    await untilGone('RoleBinding', 'acme/readers');
  });

  test('one that is asked to stop while nobody answers ends within its grace', async () => {
    const { start, apply, until } = await operatorDesk(server());
    const { faults } = server();
    await apply(AN_ORGANISATION);
    const durations = { lease: 5000, renewDeadline: 1000, retry: 300 };
    const lease = { namespace: 'default', name: 'hanging', durations };
    const operator = await start({ lease, grace: 2000 });
    await until('RoleBinding', 'acme/owners', 'Applied');
    faults.on({}, 'hang');
    await apply(READERS);
    await sleep(300);
    const asked = performance.now();
    await operator.stop();
    expect(performance.now() - asked).toBeLessThan(3000);
    faults.heal();
  });

  test('one that never got to work ends when it is asked to', async () => {
    const { begin, lines, eventually } = await operatorDesk(server());
    const { faults } = server();
    faults.on({ path: 'selfsubjectreviews' }, { status: 500, reason: 'InternalError' });
    const operator = await begin();
    await eventually('it tries', () => lines.some((line) => line.includes('it is not known who this is')));
    const asked = performance.now();
    await operator.stop();
    expect(performance.now() - asked).toBeLessThan(1000);
    faults.heal();
    faults.on({}, 'drop');
    const other = await begin();
    await sleep(300);
    await other.stop();
    faults.heal();
  });
}
