import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { KubeServer } from '../support/kube-server.ts';
import { conditionOf, operatorDesk } from '../support/operator-desk.ts';

export const AN_ORGANISATION = `
  kind: Workspace
  metadata: {name: acme}
  spec: {displayName: Acme, tier: Business}
  ---
  kind: User
  metadata: {name: ana}
  spec: {email: ana@acme.example}
  ---
  kind: User
  metadata: {name: bo}
  spec: {email: bo@acme.example}
  ---
  kind: RoleBinding
  metadata: {name: owners, namespace: acme}
  spec: {role: workspace-owner, subjects: [{name: ana}], resources: [{type: Workspace}]}
`;

export const READERS = `
  kind: RoleBinding
  metadata: {name: readers, namespace: acme}
  spec: {role: source-read-only, subjects: [{name: bo}], resources: [{type: Workspace}]}
`;

/** What an operator must do, on whatever API server. */
export function operatorStories(
  server: () => KubeServer,
  lease = { namespace: 'default', name: 'rolecall-test' },
): void {
  const desk = () => operatorDesk(server());

  test('what is created is applied, in whatever order it comes, and says so', async () => {
    const { start, apply, until, get, stored } = await desk();
    await start();
    await apply(READERS);
    expect(await until('RoleBinding', 'acme/readers', 'DependencyNotReady')).toBe(
      'Workspace acme is not there yet: nothing in its namespace is planned before it is',
    );
    await apply(AN_ORGANISATION);
    expect(await until('RoleBinding', 'acme/readers', 'Applied')).toMatch(/^Applied revision \d+$/);
    await until('Workspace', 'acme', 'Applied');
    const binding = await get('RoleBinding', 'acme/readers');
    expect(binding?.metadata.finalizers).toEqual(['rolecall.dev/operator']);
    expect(binding?.status?.appliedHash).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(binding?.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'Ready=True',
    ]);
    expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'source-read-only' });
  });

  test('a Workspace says what is in it', async () => {
    const { start, apply, eventually, get } = await desk();
    await apply(AN_ORGANISATION);
    await apply(READERS);
    await start();
    await eventually('the Workspace tells of two people', async () => {
      const { status } = (await get('Workspace', 'acme')) ?? {};
      return status?.counts?.people === 2 && status.counts.roleBindings === 2;
    });
    const { status } = (await get('Workspace', 'acme')) ?? {};
    expect(status?.owners).toEqual({ count: 1, names: ['ana'] });
    expect(status?.snapshot).toMatchObject({ rows: 2, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  test('a copy of the snapshot is kept in a ConfigMap only where that is asked for', async () => {
    const { start, apply, until, eventually, server } = await desk();
    const copy = () => server.send('GET', '/api/v1/namespaces/acme/configmaps/rolecall-snapshot');
    await apply(AN_ORGANISATION);
    const first = await start();
    await until('RoleBinding', 'acme/owners', 'Applied');
    await first.stop();
    expect((await copy()).status).toBe(404);
    await start({ copiesSnapshots: true });
    await eventually('the copy names the owner', async () => {
      const { data } = (await copy()).body as { data?: Readonly<Record<string, string>> };
      return (
        data?.['users.csv']?.includes('"ana@acme.example"') &&
        data['grants.csv']?.includes('"workspace-owner"')
      );
    });
    await apply(READERS);
    await eventually('the copy names the reader', async () => {
      const { data } = (await copy()).body as { data?: Readonly<Record<string, string>> };
      return data?.['users.csv']?.includes('"bo@acme.example"');
    });
    await server.send('DELETE', '/api/v1/namespaces/acme/configmaps/rolecall-snapshot');
  });

  test('an edit is applied, and a time of transition moves only when its status does', async () => {
    const { start, apply, until, get, stored, eventually } = await desk();
    await apply(AN_ORGANISATION);
    await apply(READERS);
    await start();
    await until('RoleBinding', 'acme/readers', 'Applied');
    const before = await get('RoleBinding', 'acme/readers');
    await apply(READERS.replace('source-read-only', 'source-admin'));
    await eventually('the store has the edit', async () => {
      const spec = await stored('RoleBinding', 'acme/readers');
      return spec?.role === 'source-admin';
    });
    await until('RoleBinding', 'acme/readers', 'Applied');
    const after = await get('RoleBinding', 'acme/readers');
    if (!before || !after) throw new Error('it is gone');
    expect(after.status?.observedGeneration).toBe(2);
    expect(conditionOf(after, 'Ready')?.lastTransitionTime).toBe(
      conditionOf(before, 'Ready')?.lastTransitionTime,
    );
    expect(conditionOf(after, 'Ready')?.observedGeneration).toBe(2);
  });

  test('an edit that comes while the version before it is applied is not taken for applied', async () => {
    const { start, apply, until, get, store, eventually, stored } = await desk();
    await apply(AN_ORGANISATION);
    const gate = Promise.withResolvers<void>();
    let isGated = false;
    let isWriting = false;
    await start({
      store: {
        ...store,
        async write(entry) {
          if (entry.type === 'apply' && isGated) {
            isWriting = true;
            await gate.promise;
          }
          return store.write(entry);
        },
        close: async () => {},
      },
    });
    await until('RoleBinding', 'acme/owners', 'Applied');
    isGated = true;
    await apply(READERS);
    await eventually('the first version is being written', () => isWriting);
    await apply(READERS.replace('source-read-only', 'source-admin'));
    // Long enough for a watch to have told of it.
    await sleep(300);
    gate.resolve();
    await eventually('the first version is told of', async () => {
      const { status, metadata } = (await get('RoleBinding', 'acme/readers')) ?? {};
      expect(metadata?.generation).toBe(2);
      if (status?.observedGeneration !== 2) return status?.observedGeneration === 1;
      expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'source-admin' });
      return true;
    });
    await until('RoleBinding', 'acme/readers', 'Applied');
    expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'source-admin' });
  });

  test('what is deleted goes from the store first, and then from the cluster', async () => {
    const { start, apply, until, untilGone, remove, stored } = await desk();
    await apply(AN_ORGANISATION);
    await apply(READERS);
    await start();
    await until('RoleBinding', 'acme/readers', 'Applied');
    await remove('RoleBinding', 'acme/readers');
    await untilGone('RoleBinding', 'acme/readers');
    expect(await stored('RoleBinding', 'acme/readers')).toBeUndefined();
  });

  test('a person stays in the store unless the object says that he goes with it', async () => {
    const { start, apply, until, untilGone, remove, annotate, stored } = await desk();
    await apply(AN_ORGANISATION);
    await apply('{kind: User, metadata: {name: cy}, spec: {email: cy@acme.example}}');
    await start();
    await until('User', 'bo', 'Applied');
    await until('User', 'cy', 'Applied');
    await annotate('User', 'cy', { 'rolecall.dev/deletion-policy': 'Delete' });
    await remove('User', 'bo');
    await remove('User', 'cy');
    await untilGone('User', 'bo');
    await untilGone('User', 'cy');
    expect(await stored('User', 'bo')).toMatchObject({ email: 'bo@acme.example' });
    expect(await stored('User', 'cy')).toBeUndefined();
  });

  test('a deletion that a guard refuses says so, and the access stays', async () => {
    const { start, apply, until, untilGone, remove, annotate, stored } = await desk();
    await apply(AN_ORGANISATION);
    await start();
    await until('RoleBinding', 'acme/owners', 'Applied');
    await remove('RoleBinding', 'acme/owners');
    expect(await until('RoleBinding', 'acme/owners', 'DeletionDenied')).toContain(
      'RC205: acme has 0 owners, minimum 1: no longer ana',
    );
    expect(await stored('RoleBinding', 'acme/owners')).toBeDefined();
    await annotate('RoleBinding', 'acme/owners', { 'rolecall.dev/deletion-policy': 'Orphan' });
    await untilGone('RoleBinding', 'acme/owners');
    expect(await stored('RoleBinding', 'acme/owners')).toBeDefined();
  });

  test('a deletion that is refused keeps no other from being done', async () => {
    const { start, apply, until, untilGone, remove, stored } = await desk();
    await apply(AN_ORGANISATION);
    await apply(READERS);
    await start();
    await until('RoleBinding', 'acme/readers', 'Applied');
    await Promise.all([remove('RoleBinding', 'acme/owners'), remove('RoleBinding', 'acme/readers')]);
    await untilGone('RoleBinding', 'acme/readers');
    expect(await until('RoleBinding', 'acme/owners', 'DeletionDenied')).toContain('RC205');
    expect(await stored('RoleBinding', 'acme/owners')).toBeDefined();
  });

  test('one bad object beside good ones keeps none of them back', async () => {
    const { start, apply, until, stored } = await desk();
    await apply(AN_ORGANISATION);
    await apply(READERS.replace('source-read-only', 'no-such-role').replace('readers', 'bad'));
    await apply(READERS);
    await start();
    await until('RoleBinding', 'acme/readers', 'Applied');
    expect(await until('RoleBinding', 'acme/bad', 'DependencyNotReady')).toContain('RC112');
    expect(await stored('RoleBinding', 'acme/bad')).toBeUndefined();
    await apply(
      '{kind: Role, metadata: {name: no-such-role}, spec: {displayName: There, scopes: [Workspace]}}',
    );
    await until('RoleBinding', 'acme/bad', 'Applied');
  });

  test('a policy denies, and another object lifts it', async () => {
    const { start, apply, until, get } = await desk();
    await apply(`
      kind: AccessPolicy
      metadata: {name: employees}
      spec:
        match: {"on": Grant, roles: [source-read-only]}
        validations: [{expression: "grant.email.endsWith('@acme.example')", message: no employee}]
    `);
    await apply(AN_ORGANISATION.replace('bo@acme.example', 'bo@other.example'));
    await start();
    await until('RoleBinding', 'acme/owners', 'Applied');
    await apply(READERS);
    expect(await until('RoleBinding', 'acme/readers', 'Denied')).toMatch(/^RC301: .*no employee/);
    const denied = await get('RoleBinding', 'acme/readers');
    expect(denied && conditionOf(denied, 'Stalled')?.status).toBe('True');
    expect(denied && conditionOf(denied, 'Reconciling')).toBeUndefined();
    await apply(AN_ORGANISATION);
    await until('RoleBinding', 'acme/readers', 'Applied');
    const lifted = await get('RoleBinding', 'acme/readers');
    expect(lifted && conditionOf(lifted, 'Stalled')).toBeUndefined();
  });

  test("a leaver's access goes although somebody else's grant is denied", async () => {
    const { start, apply, until, stored } = await desk();
    await apply(`
      kind: AccessPolicy
      metadata: {name: employees}
      spec:
        match: {"on": Grant, roles: [source-admin]}
        validations: [{expression: "false", message: nobody}]
    `);
    await apply(AN_ORGANISATION);
    await apply(READERS.replace('subjects: [{name: bo}]', 'subjects: [{name: ana}, {name: bo}]'));
    await start();
    await until('RoleBinding', 'acme/readers', 'Applied');
    await apply(READERS.replace('name: readers', 'name: admins').replace('source-read-only', 'source-admin'));
    await apply(READERS.replace('subjects: [{name: bo}]', 'subjects: [{name: ana}]'));
    await until('RoleBinding', 'acme/admins', 'Denied');
    await until('RoleBinding', 'acme/readers', 'Applied');
    expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({
      subjects: [{ kind: 'User', name: 'ana' }],
    });
  });

  test('what is paused stays as it is, and goes on when it is not any more', async () => {
    const { start, apply, until, annotate, stored, remove, untilGone } = await desk();
    await apply(AN_ORGANISATION);
    await apply(READERS);
    await start();
    await until('RoleBinding', 'acme/readers', 'Applied');
    await annotate('RoleBinding', 'acme/readers', { 'rolecall.dev/paused': 'true' });
    await until('RoleBinding', 'acme/readers', 'Applied');
    await apply(READERS.replace('source-read-only', 'source-admin'));
    expect(await until('RoleBinding', 'acme/readers', 'Paused')).toContain('is paused and stays as it is');
    expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'source-read-only' });
    await annotate('RoleBinding', 'acme/readers', {});
    await until('RoleBinding', 'acme/readers', 'Applied');
    expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'source-admin' });
    await annotate('RoleBinding', 'acme/readers', { 'rolecall.dev/paused': 'true' });
    await until('RoleBinding', 'acme/readers', 'Applied');
    await remove('RoleBinding', 'acme/readers');
    await untilGone('RoleBinding', 'acme/readers');
    expect(await stored('RoleBinding', 'acme/readers')).toBeUndefined();
  });

  test('a look that is asked for is answered, and brings back what somebody changed in the store', async () => {
    const { start, apply, until, annotate, eventually, get, edit, stored, server } = await desk();
    await apply(AN_ORGANISATION);
    await apply(READERS);
    await start();
    await until('RoleBinding', 'acme/readers', 'Applied');
    edit('RoleBinding/acme/readers', { role: 'source-admin' });
    await annotate('RoleBinding', 'acme/readers', { 'rolecall.dev/reconcile-requested-at': 'now' });
    await eventually('the request is echoed', async () => {
      const found = await get('RoleBinding', 'acme/readers');
      return found?.status?.lastHandledReconcileAt === 'now';
    });
    expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'source-read-only' });
    await eventually('an Event tells of the drift', async () => {
      const { body } = await server.send('GET', '/apis/events.k8s.io/v1/namespaces/acme/events');
      return (body.items as { reason: string }[]).some(({ reason }) => reason === 'DriftCorrected');
    });
  });

  test('what somebody changed in the store is brought back within the interval', async () => {
    const { start, apply, until, eventually, edit, stored } = await desk();
    await apply(AN_ORGANISATION);
    await apply(READERS);
    await start({ interval: 1000 });
    await until('RoleBinding', 'acme/readers', 'Applied');
    edit('RoleBinding/acme/readers', { role: 'source-admin' });
    await eventually('it is as declared', async () => {
      const spec = await stored('RoleBinding', 'acme/readers');
      return spec?.role === 'source-read-only';
    });
  });

  test('drift that is only to be reported is left, and told', async () => {
    const { start, apply, until, annotate, eventually, get, edit, stored } = await desk();
    await apply(AN_ORGANISATION);
    await apply(READERS);
    await annotate('RoleBinding', 'acme/readers', { 'rolecall.dev/drift': 'report' });
    await start({ interval: 1000 });
    await until('RoleBinding', 'acme/readers', 'Applied');
    edit('RoleBinding/acme/readers', { role: 'source-admin' });
    await eventually('it is told', async () => {
      const found = await get('RoleBinding', 'acme/readers');
      expect(found && conditionOf(found, 'Drifted')?.message).toContain('role changed in the database');
      return true;
    });
    expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'source-admin' });
  });

  test('what ends is told to the second, and stays', async () => {
    const { start, apply, until, eventually, get } = await desk();
    await apply(AN_ORGANISATION);
    await start();
    await until('RoleBinding', 'acme/owners', 'Applied');
    const end = Math.ceil(Date.now() / 1000) * 1000 + 3000;
    await apply(
      READERS.replace('spec: {', `spec: {expiresAt: ${new Date(end).toISOString().slice(0, 19)}Z, `),
    );
    await until('RoleBinding', 'acme/readers', 'Applied');
    await eventually('it is over', async () => {
      const found = await get('RoleBinding', 'acme/readers');
      if (!found || !conditionOf(found, 'Expired')) return false;
      expect(conditionOf(found, 'Ready')?.status).toBe('True');
      expect(Date.parse(conditionOf(found, 'Expired')?.lastTransitionTime ?? '')).toBe(end);
      return true;
    });
    expect(Date.now() - end).toBeLessThan(1000);
    await eventually('the Workspace has one person less', async () => {
      const { status } = (await get('Workspace', 'acme')) ?? {};
      return status?.counts?.people === 1;
    });
  });

  test('1,000 objects that come at once are planned together, and each is written once', async () => {
    const { start, apply, until, eventually, get, revision, server } = await desk();
    await apply(AN_ORGANISATION);
    await start();
    await until('RoleBinding', 'acme/owners', 'Applied');
    const before = await revision();
    const names = Array.from({ length: 1000 }, (_, i) => `readers-${i}`);
    await Promise.all(names.map((name) => apply(READERS.replace('name: readers', `name: ${name}`))));
    await eventually('all are applied', async () => {
      const found = await Promise.all(
        ['readers-0', 'readers-500', 'readers-999'].map((name) => get('RoleBinding', `acme/${name}`)),
      );
      return found.every((one) => one && conditionOf(one, 'Ready')?.status === 'True');
    });
    await eventually('every one is', async () => {
      const { body } = await server.send(
        'GET',
        '/apis/rolecall.dev/v1alpha1/namespaces/acme/workspacerolebindings',
      );
      return (body.items as { status: { observedGeneration: number } }[]).every(
        ({ status }) => status.observedGeneration === 1,
      );
    });
    expect((await revision()) - before).toBeLessThan(30);
  });

  test('two operators without a lease do nothing twice', async () => {
    const { start, apply, until, eventually, store, server } = await desk();
    await apply(AN_ORGANISATION);
    await Promise.all([start(), start()]);
    await apply(READERS);
    await until('RoleBinding', 'acme/readers', 'Applied');
    await apply(READERS.replace('source-read-only', 'source-admin'));
    await until('RoleBinding', 'acme/readers', 'Applied');
    await eventually('both are still', async () => {
      const { body } = await server.send('GET', '/apis/rolecall.dev/v1alpha1/workspaces/acme');
      return body.status !== undefined;
    });
    const reading = await store.read();
    const rows: string[] = [];
    for await (const batch of reading.audit())
      for (const { action, identity } of batch) rows.push(`${action} ${identity}`);
    await reading.close();
    expect(rows.filter((row) => row === 'create RoleBinding/acme/readers')).toHaveLength(1);
    expect(rows.filter((row) => row === 'update RoleBinding/acme/readers')).toHaveLength(1);
  });

  test('of two operators with a lease the other works on when the first stops', async () => {
    const { start, apply, until, lines } = await desk();
    await apply(AN_ORGANISATION);
    const first = await start({ lease, instance: 'one' });
    await start({ lease, instance: 'two' });
    await until('RoleBinding', 'acme/owners', 'Applied');
    expect(lines.filter((line) => / working /.test(line))).toHaveLength(1);
    await first.stop();
    await apply(READERS);
    await until('RoleBinding', 'acme/readers', 'Applied');
    expect(lines.filter((line) => / working /.test(line))).toHaveLength(2);
  });

  test('while the API server is gone nothing is lost, and then it goes on', async () => {
    const { start, apply, until, server } = await desk();
    await apply(AN_ORGANISATION);
    await start();
    await until('RoleBinding', 'acme/owners', 'Applied');
    await server.restart();
    await apply(READERS);
    await until('RoleBinding', 'acme/readers', 'Applied');
  });
}
