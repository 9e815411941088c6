import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { KindName } from '../../src/kinds/index.ts';
import { openStore } from '../../src/stores/open.ts';
import { type FailingStore, failingStore } from '../support/failing-store.ts';
import { temporaryFolder } from '../support/folder.ts';
import type { KubeServer } from '../support/kube-server.ts';
import { conditionOf, type OperatorDesk, operatorDesk } from '../support/operator-desk.ts';
import { type RunOptions, runIam } from '../support/run-iam.ts';
import { AN_ORGANISATION, READERS } from './stories.ts';

const ADMINS = READERS.replace('name: readers', 'name: admins').replace('read-only', 'admin');

async function storeOf({ url }: OperatorDesk): Promise<FailingStore> {
  return failingStore(await openStore(url, '/', 30_000));
}

/** What an operator must do while it has no store, and what people can do then. */
export function storeStories(server: () => KubeServer): void {
  const desk = () => operatorDesk(server());

  test('while the store is down what is applied stays so, and what is to be done waits, says so, and is done', async () => {
    const organisation = await desk();
    const { start, apply, remove, until, untilGone, get, eventually, record, stored } = organisation;
    const store = await storeOf(organisation);
    await apply(AN_ORGANISATION);
    await apply(READERS);
    await apply(ADMINS);
    await start({ store, interval: 500 });
    for (const name of ['owners', 'readers', 'admins']) await until('RoleBinding', `acme/${name}`, 'Applied');
    const { versions } = await record('RoleBinding');
    store.isDown = true;
    await apply(READERS.replace('source-read-only', 'pii-access'));
    await apply(READERS.replace('name: readers', 'name: others'));
    await remove('RoleBinding', 'acme/admins');
    const said = `RC408: ${store.location}: connect ECONNREFUSED 192.0.2.1:5432 (does the server run?)`;
    for (const name of ['readers', 'others'])
      expect(await until('RoleBinding', `acme/${name}`, 'StoreUnavailable')).toBe(said);
    expect(await until('RoleBinding', 'acme/admins', 'StoreUnavailable')).toBe(
      `${said}; rolecall.dev/deletion-policy: Orphan lets the object go and leaves what is in the store`,
    );
    const told = versions.length;
    const asked = store.refusals;
    await eventually('it is tried again', () => store.refusals > asked + 3);
    for (const name of ['readers', 'others', 'admins']) {
      const waiting = await get('RoleBinding', `acme/${name}`);
      expect(waiting?.status?.conditions).toMatchObject([
        { type: 'Ready', status: 'False', reason: 'StoreUnavailable' },
        { type: 'Reconciling', status: 'True', reason: 'StoreUnavailable' },
      ]);
      expect(waiting?.metadata.finalizers).toEqual(['rolecall.dev/operator']);
    }
    for (const [kind, path] of [
      ['RoleBinding', 'acme/owners'],
      ['Workspace', 'acme'],
      ['User', 'bo'],
    ] as const) {
      const applied = await get(kind, path);
      expect(applied?.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
        'Ready=True',
      ]);
    }
    // Nobody is told again what is known, however often it is tried.
    expect(versions.length).toBe(told);
    store.isDown = false;
    await until('RoleBinding', 'acme/readers', 'Applied');
    await until('RoleBinding', 'acme/others', 'Applied');
    await untilGone('RoleBinding', 'acme/admins');
    expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'pii-access' });
    expect(await stored('RoleBinding', 'acme/admins')).toBeUndefined();
    const after = await get('RoleBinding', 'acme/readers');
    expect(after && conditionOf(after, 'Reconciling')).toBeUndefined();
  });

  test('what is applied says so although what follows from it fails, which is tried again', async () => {
    const organisation = await desk();
    const { start, apply, until, get, eventually, lines } = organisation;
    const store = await storeOf(organisation);
    await apply(AN_ORGANISATION);
    await start({
      store: {
        ...store,
        read: () => store.read(),
        async write(entry) {
          const written = await store.write(entry);
          // All that is read after the apply of the readers fails, for a while.
          if (entry.type === 'apply' && entry.base.revision === 2) {
            store.isDown = true;
            setTimeout(() => {
              store.isDown = false;
            }, 1500);
          }
          return written;
        },
      },
    });
    await until('RoleBinding', 'acme/owners', 'Applied');
    await apply(READERS);
    await until('RoleBinding', 'acme/readers', 'Applied');
    expect(store.isDown).toBe(true);
    await eventually('it is tried again', () => lines.some((line) => line.includes('is tried again')));
    await eventually('the Workspace tells of two people', async () => {
      const { status } = (await get('Workspace', 'acme')) ?? {};
      return status?.counts?.people === 2;
    });
  });

  test('what nobody expects is told the log, says that it is tried again, and is', async () => {
    const organisation = await desk();
    const { start, apply, until, lines, store } = organisation;
    await apply(AN_ORGANISATION);
    let isBroken = false;
    await start({
      store: {
        ...store,
        async write(entry) {
          if (isBroken) throw new TypeError('entry.x is not a function');
          return store.write(entry);
        },
        close: async () => {},
      },
    });
    await until('RoleBinding', 'acme/owners', 'Applied');
    isBroken = true;
    await apply(READERS);
    expect(await until('RoleBinding', 'acme/readers', 'Retrying')).toContain('the log says what');
    expect(lines.some((line) => line.includes('entry.x is not a function'))).toBe(true);
    isBroken = false;
    await until('RoleBinding', 'acme/readers', 'Applied');
  });

  test('an operator that begins without its store follows it as soon as it is there', async () => {
    const organisation = await desk();
    const { start, apply, until } = organisation;
    const store = await storeOf(organisation);
    store.isDown = true;
    await start({ store });
    await apply(AN_ORGANISATION);
    await until('Workspace', 'acme', 'StoreUnavailable');
    await until('RoleBinding', 'acme/owners', 'StoreUnavailable');
    store.isDown = false;
    await until('RoleBinding', 'acme/owners', 'Applied');
    await until('Workspace', 'acme', 'Applied');
  });

  test('what waits for a store that is gone is let go by iam operator release, and what the store has stays', async () => {
    const organisation = await desk();
    const { start, apply, until, untilGone, remove, get, stored } = organisation;
    const store = await storeOf(organisation);
    await apply(AN_ORGANISATION);
    for (const name of ['one', 'two', 'three', 'four'])
      await apply(READERS.replace('name: readers', `name: ${name}`));
    await apply(`
      kind: Workspace
      metadata: {name: beta}
      spec: {displayName: Beta, tier: Business}
      ---
      kind: RoleBinding
      metadata: {name: one, namespace: beta}
      spec: {role: workspace-owner, subjects: [{name: ana}], resources: [{type: Workspace}]}
    `);
    const operator = await start({ store });
    const all = ['acme/owners', 'acme/one', 'acme/two', 'acme/three', 'acme/four', 'beta/one'];
    for (const path of all) await until('RoleBinding', path, 'Applied');
    store.isDown = true;
    for (const path of ['acme/one', 'acme/two', 'acme/three', 'beta/one']) {
      await remove('RoleBinding', path);
      await until('RoleBinding', path, 'StoreUnavailable');
    }
    const release = (...argv: readonly string[]) => iam(['operator', 'release', ...argv], server());

    // By its name, and by its namespace where the name is not enough.
    expect(await release('rolebinding', 'two')).toEqual({
      exit: 0,
      stdout: 'released workspacerolebindings acme/two\n',
      stderr: '',
    });
    await untilGone('RoleBinding', 'acme/two');
    expect(await release('workspacerolebindings', 'one', '-n', 'beta')).toMatchObject({
      exit: 0,
      stdout: 'released workspacerolebindings beta/one\n',
    });
    await untilGone('RoleBinding', 'beta/one');
    expect((await get('RoleBinding', 'acme/one'))?.metadata.finalizers).toEqual(['rolecall.dev/operator']);

    // What nobody has deleted waits for nobody.
    expect(await release('rolebinding', 'owners')).toMatchObject({
      exit: 4,
      stdout: '',
      stderr: expect.stringMatching(
        /RC126.*no rolebinding owners waits for the operator\n.*delete it first, or give --all/s,
      ),
    });
    expect(await release('rolebinding', 'nobody')).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('no rolebinding nobody'),
    });
    expect(await release('widget')).toMatchObject({
      exit: 4,
      stderr: expect.stringMatching(/RC121.*unknown kind "widget"/),
    });
    expect(await release('--class', 'other')).toMatchObject({ exit: 0, stdout: '' });

    // All that wait, and nothing else.
    const { stdout } = await release();
    expect(stdout.trim().split('\n').sort()).toEqual([
      'released workspacerolebindings acme/one',
      'released workspacerolebindings acme/three',
    ]);
    await untilGone('RoleBinding', 'acme/one');
    expect(await release()).toMatchObject({ exit: 0, stdout: '' });
    for (const path of ['acme/owners', 'acme/four'])
      expect((await get('RoleBinding', path))?.metadata.finalizers).toEqual(['rolecall.dev/operator']);

    // Before an uninstall all are let go, and none of them goes.
    await operator.stop();
    expect(await release('--all', '-n', 'acme')).toMatchObject({ exit: 0 });
    expect((await get('RoleBinding', 'acme/four'))?.metadata.finalizers).toBeUndefined();
    expect((await get('Workspace', 'beta'))?.metadata.finalizers).toBeDefined();
    expect(await release('--all')).toMatchObject({ exit: 0 });
    for (const [kind, path] of [
      ['Workspace', 'acme'],
      ['Workspace', 'beta'],
      ['User', 'ana'],
      ['RoleBinding', 'acme/owners'],
    ] as const)
      expect((await get(kind, path))?.metadata.finalizers).toBeUndefined();
    for (const [kind, path] of [
      ...all.map((path) => ['RoleBinding', path] as const),
      ['Workspace', 'acme'],
    ] as readonly (readonly [KindName, string])[])
      expect(await stored(kind, path), path).toBeDefined();
  });

  test('on a terminal iam operator release names what it lets go, and asks', async () => {
    const organisation = await desk();
    const { start, apply, until, remove, untilGone, get } = organisation;
    const store = await storeOf(organisation);
    await apply(AN_ORGANISATION);
    await apply(READERS);
    await start({ store });
    await until('RoleBinding', 'acme/readers', 'Applied');
    store.isDown = true;
    await remove('RoleBinding', 'acme/readers');
    await until('RoleBinding', 'acme/readers', 'StoreUnavailable');
    const ask = (answer: boolean) =>
      iam(['operator', 'release'], server(), { interactive: true, answers: [answer] });
    expect(await ask(false)).toMatchObject({ exit: 1, stdout: 'workspacerolebindings acme/readers\n' });
    expect(await get('RoleBinding', 'acme/readers')).toBeDefined();
    expect(await ask(true)).toMatchObject({
      exit: 0,
      stdout: 'workspacerolebindings acme/readers\nreleased workspacerolebindings acme/readers\n',
    });
    await untilGone('RoleBinding', 'acme/readers');
  });

  test('iam operator release says how it looks for a cluster when it finds none', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'kubeconfig');
    const release = async (...argv: readonly string[]) => {
      const { exit, stdout, stderr } = await runIam(['operator', 'release', ...argv], { cwd: folder });
      expect(stdout).toBe('');
      return `${exit} ${stderr}`;
    };
    expect(await release('--kubeconfig', file)).toMatch(/^4 error RC101: the kubeconfig .* cannot be read/);
    writeFileSync(file, 'who: knows\nwhat: {this: is\n');
    expect(await release('--kubeconfig', file)).toMatch(/^4 error RC101: the kubeconfig .* cannot be read/);
    writeFileSync(file, '{apiVersion: v1, kind: Config}');
    expect(await release('--kubeconfig', file)).toMatch(/^4 error RC101: .*no current context/);
    const { kubeconfig } = server();
    expect(await release('--kubeconfig', kubeconfig, '--context', 'moon')).toMatch(
      /^4 error RC101: .*no context "moon".*\n.*--context NAME: test/,
    );
    const nobody = { name: 'x', cluster: { server: 'http://127.0.0.1:9' } };
    const context = { name: 'x', context: { cluster: 'x', user: 'x' } };
    const user = { name: 'x', user: {} };
    const config = { 'current-context': 'x', clusters: [nobody], contexts: [context], users: [user] };
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...config }));
    expect(await release('--kubeconfig', file)).toMatch(
      /^1 error RC701: .*objects of http:\/\/127\.0\.0\.1:9 cannot be read.*ECONNREFUSED/s,
    );
  });
}

async function iam(argv: readonly string[], { kubeconfig }: KubeServer, options: RunOptions = {}) {
  const { exit, stdout, stderr } = await runIam([...argv, '--kubeconfig', kubeconfig], options);
  return { exit, stdout, stderr };
}
