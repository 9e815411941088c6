import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../src/stores/open.ts';
import type { Store } from '../../src/stores/store.ts';
import { temporaryFolder } from '../support/folder.ts';
import type { KubeServer } from '../support/kube-server.ts';
import type { KubeSimulator } from '../support/kube-simulator.ts';
import { type OperatorDesk, operatorDesk } from '../support/operator-desk.ts';
import type { ProcessOptions } from '../support/operator-process.ts';
import { AN_ORGANISATION, READERS } from './stories.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../support/operator-process.ts');
const MAIN = path.resolve(import.meta.dirname, '../../src/cli/main.ts');

/** Short, and long enough for a machine that has more to do. */
const DURATIONS = { lease: 4000, renewDeadline: 2500, retry: 400 };

/** A process of an operator. */
export interface Operating {
  readonly name: string;
  readonly child: ChildProcess;
  /** All that it has printed. */
  text(): string;
  readonly isLeading: boolean;
  /** With what it ended; null when a signal ended it. */
  readonly ended: Promise<number | null>;
}

let count = 0;

/** Starts processes, all of one lease, and ends them with the test. */
function processesOf({ url, server }: OperatorDesk) {
  const lease = `processes-${process.pid}-${++count}`;
  const folder = temporaryFolder();
  const start = (
    name: string,
    argv: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Operating => {
    const child = spawn(process.execPath, argv, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, TMPDIR: folder, ...env },
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    return {
      name,
      child,
      text: () => text,
      get isLeading() {
        return /\bworking\b/.test(text);
      },
      ended: once(child, 'close').then(([exit]) => exit as number | null),
    };
  };
  return {
    lease,
    /** With a short lease. */
    begin(name: string): Operating {
      const options: ProcessOptions = {
        url,
        kubeconfig: server.kubeconfig,
        instance: name,
        lease,
        durations: DURATIONS,
        folder,
      };
      return start(name, [PROGRAM, JSON.stringify(options)]);
    },
    /** As a cluster runs it. */
    iam: (name: string): Operating =>
      start(
        name,
        [
          MAIN,
          ...['operator', '--leader-elect', '--lease-name', lease, '--kubeconfig', server.kubeconfig],
          ...['--listen', '127.0.0.1:0', '--health-listen', '127.0.0.1:0', '--lease-namespace', 'default'],
        ],
        { IAM_STORE: url, POD_NAME: name },
      ),
    holder: async () => {
      const { body } = await server.send(
        'GET',
        `/apis/coordination.k8s.io/v1/namespaces/default/leases/${lease}`,
      );
      return (body.spec as { holderIdentity?: string } | undefined)?.holderIdentity;
    },
    /** Makes somebody else the holder. */
    async take(holder: string) {
      const at = `/apis/coordination.k8s.io/v1/namespaces/default/leases/${lease}`;
      const { body } = await server.send('GET', at);
      const spec = { ...(body.spec as object), holderIdentity: holder };
      expect((await server.send('PUT', at, { ...body, spec })).status).toBe(200);
    },
  };
}

/** Two that stand for one lease, of which one works. */
async function pair(one: OperatorDesk, begin: (name: string) => Operating) {
  const both = [begin('a'), begin('b')];
  await one.eventually(`one of them leads\n${both.map((some) => some.text()).join('\n')}`, () =>
    both.some(({ isLeading }) => isLeading),
  );
  const [leader, follower] = both[0]?.isLeading ? both : both.reverse();
  if (!leader || !follower) throw new Error('there are two');
  await one.eventually('the other one waits', () => follower.text().includes('another process leads'));
  return { leader, follower };
}

const CREATED_AND_UPDATED = ['create RoleBinding/acme/readers', 'update RoleBinding/acme/readers'];

/** How processes of operators take turns. */
export function processStories(server: () => KubeServer): void {
  const desk = () => operatorDesk(server());

  test('when the leader is killed the other one works on within the lease', async () => {
    const one = await desk();
    const { apply, until, eventually, audit, stored } = one;
    await apply(AN_ORGANISATION);
    await apply(READERS);
    const { leader, follower } = await pair(one, processesOf(one).begin);
    await until('RoleBinding', 'acme/readers', 'Applied');
    leader.child.kill('SIGKILL');
    const killed = performance.now();
    await apply(READERS.replace('source-read-only', 'source-admin'));
    await eventually('the other one leads', () => follower.isLeading);
    const took = performance.now() - killed;
    expect(await leader.ended).toBe(null);
    // Not before the lease is over: its holder may only be slow.
    expect(took).toBeGreaterThan(DURATIONS.lease - 2 * DURATIONS.retry);
    expect(took).toBeLessThan(DURATIONS.lease + 2 * DURATIONS.retry + 2000);
    await until('RoleBinding', 'acme/readers', 'Applied');
    expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'source-admin' });
    expect(await audit('RoleBinding/acme/readers')).toEqual(CREATED_AND_UPDATED);
  });

  test('a leader that stood still for longer than its lease has lost it, ends, and does nothing twice', async () => {
    const one = await desk();
    const { apply, until, eventually, audit, stored } = one;
    await apply(AN_ORGANISATION);
    await apply(READERS);
    const { begin, holder } = processesOf(one);
    const { leader, follower } = await pair(one, begin);
    await until('RoleBinding', 'acme/readers', 'Applied');
    leader.child.kill('SIGSTOP');
    await apply(READERS.replace('source-read-only', 'source-admin'));
    await eventually('the other one leads', () => follower.isLeading);
    await until('RoleBinding', 'acme/readers', 'Applied');
    leader.child.kill('SIGCONT');
    expect(await leader.ended, leader.text()).toBe(1);
    expect(await holder()).toBe(follower.name);
    await apply(READERS.replace('source-read-only', 'function-admin'));
    await eventually('the last edit is applied', async () => {
      const spec = await stored('RoleBinding', 'acme/readers');
      return spec?.role === 'function-admin';
    });
    expect(await audit('RoleBinding/acme/readers')).toEqual([
      ...CREATED_AND_UPDATED,
      'update RoleBinding/acme/readers',
    ]);
  });

  test('one that is asked to stop ends well and soon, and the other one leads at once', {
    timeout: 90_000,
  }, async () => {
    const one = await desk();
    const { apply, until, eventually, audit } = one;
    await apply(AN_ORGANISATION);
    await apply(READERS);
    const { iam, holder, take } = processesOf(one);
    const { leader, follower } = await pair(one, iam);
    await until('RoleBinding', 'acme/readers', 'Applied');
    await apply(READERS.replace('source-read-only', 'source-admin'));
    const asked = performance.now();
    leader.child.kill('SIGTERM');
    expect(await leader.ended, leader.text()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(5000);
    // The lease lasts for 15 s: it was given back.
    await eventually('the other one leads', () => follower.isLeading);
    expect(performance.now() - asked).toBeLessThan(10_000);
    expect(await holder()).toBe(follower.name);
    await until('RoleBinding', 'acme/readers', 'Applied');
    expect(await audit('RoleBinding/acme/readers')).toEqual(CREATED_AND_UPDATED);
    // Whoever has lost the lease is not taken for one who was asked to stop.
    await take('somebody');
    expect(await follower.ended, follower.text()).toBe(1);
  });

  test('what one who has lost the lease still has in his hands is not written to the store', async () => {
    const one = await desk();
    const { start, apply, until, eventually, audit, stored, url } = one;
    await apply(AN_ORGANISATION);
    await apply(READERS);
    const { lease, take } = processesOf(one);
    const store = await openStore(url, '/', 30_000);
    let gate: PromiseWithResolvers<void> | undefined;
    let isAtGate = false;
    const gated: Store = {
      location: store.location,
      supports: store.supports,
      async read() {
        isAtGate = gate !== undefined;
        await gate?.promise;
        return store.read();
      },
      write: (entry) => store.write(entry),
      close: () => store.close(),
    };
    const held = { namespace: 'default', name: lease, durations: DURATIONS };
    const slow = await start({ lease: held, instance: 'slow', store: gated });
    await until('RoleBinding', 'acme/readers', 'Applied');
    await start({ lease: held, instance: 'quick' });
    gate = Promise.withResolvers<void>();
    await apply(READERS.replace('source-read-only', 'function-admin'));
    await eventually('it is about to plan the first edit', () => isAtGate);
    await apply(READERS.replace('source-read-only', 'source-admin'));
    await take('quick');
    await until('RoleBinding', 'acme/readers', 'Applied');
    expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'source-admin' });
    gate.resolve();
    expect(await slow.ended).toBe('lost');
    expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'source-admin' });
    expect(await audit('RoleBinding/acme/readers')).toEqual(CREATED_AND_UPDATED);
  });
}

/** What only a simulator can bring about. */
export function frozenStories(server: () => KubeSimulator): void {
  test('a leader that stood still in the middle of its work does not undo what was done meanwhile', async () => {
    const one = await operatorDesk(server());
    const { apply, until, eventually, audit, stored, get } = one;
    await apply(AN_ORGANISATION);
    await apply(READERS);
    const { leader, follower } = await pair(one, processesOf(one).begin);
    await until('RoleBinding', 'acme/readers', 'Applied');
    const frozen = Promise.withResolvers<void>();
    const first = () => {
      leader.child.kill('SIGSTOP');
      frozen.resolve();
    };
    server().faults.on({ method: 'PATCH', path: '/workspacerolebindings/newcomer' }, { first }, 1);
    await apply(READERS.replace('name: readers', 'name: newcomer'));
    await frozen.promise;
    // What the leader has in its hands is the version before this one.
    await apply(READERS.replace('source-read-only', 'source-admin'));
    await eventually('the other one leads', () => follower.isLeading);
    await until('RoleBinding', 'acme/readers', 'Applied');
    await until('RoleBinding', 'acme/newcomer', 'Applied');
    leader.child.kill('SIGCONT');
    expect(await leader.ended, leader.text()).toBe(1);
    expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'source-admin' });
    expect(await audit('RoleBinding/acme/readers')).toEqual(CREATED_AND_UPDATED);
    expect(await audit('RoleBinding/acme/newcomer')).toEqual(['create RoleBinding/acme/newcomer']);
    expect((await get('RoleBinding', 'acme/readers'))?.status?.observedGeneration).toBe(2);
  });
}
