import { expect, test } from 'vitest';
import { release } from '../../src/operator/object-writer.ts';
import { Known } from '../../src/operator/objects.ts';
import type { ClusterObject } from '../../src/sources/cluster-object.ts';
import { kubeClient } from '../../src/sources/kube-client.ts';
import type { KubeServer } from '../support/kube-server.ts';
import { conditionOf, operatorDesk } from '../support/operator-desk.ts';
import { runIam } from '../support/run-iam.ts';
import { AN_ORGANISATION, READERS } from './stories.ts';

const A_SECOND_WORKSPACE = `
  kind: Workspace
  metadata: {name: beta}
  spec: {displayName: Beta, tier: Business}
  ---
  kind: RoleBinding
  metadata: {name: owners, namespace: beta}
  spec: {role: workspace-owner, subjects: [{name: ana}], resources: [{type: Workspace}]}
`;

const OF_THE_OTHER = { 'rolecall.dev/class': 'other' };

/** What may become of objects by whoever has them. */
export function objectStories(server: () => KubeServer): void {
  const desk = () => operatorDesk(server());

  test('what is deleted while no operator is there is deleted once one is', async () => {
    const { start, apply, until, untilGone, remove, get, stored, audit } = await desk();
    await apply(AN_ORGANISATION);
    await apply(READERS);
    const first = await start();
    await until('RoleBinding', 'acme/readers', 'Applied');
    await first.stop();
    await remove('RoleBinding', 'acme/readers');
    expect((await get('RoleBinding', 'acme/readers'))?.metadata.deletionTimestamp).toBeDefined();
    await start();
    await untilGone('RoleBinding', 'acme/readers');
    expect(await stored('RoleBinding', 'acme/readers')).toBeUndefined();
    expect(await audit('RoleBinding/acme/readers')).toEqual([
      'create RoleBinding/acme/readers',
      'delete RoleBinding/acme/readers',
    ]);
  });

  test('what is let go and made again under its name while no operator is there is one change', async () => {
    const { start, apply, until, untilGone, remove, get, stored, audit, server } = await desk();
    await apply(AN_ORGANISATION);
    await apply(READERS);
    const first = await start();
    await until('RoleBinding', 'acme/readers', 'Applied');
    await first.stop();
    const before = await get('RoleBinding', 'acme/readers');
    await remove('RoleBinding', 'acme/readers');
    const kube = await kubeClient({ kubeconfig: server.kubeconfig });
    await release(kube, [new Known('RoleBinding', (await get('RoleBinding', 'acme/readers')) ?? never())]);
    await kube.close();
    await untilGone('RoleBinding', 'acme/readers');
    await apply(READERS.replace('source-read-only', 'source-admin'));
    expect((await get('RoleBinding', 'acme/readers'))?.metadata.uid).not.toBe(before?.metadata.uid);
    await start();
    await until('RoleBinding', 'acme/readers', 'Applied');
    expect(await stored('RoleBinding', 'acme/readers')).toMatchObject({ role: 'source-admin' });
    expect(await audit('RoleBinding/acme/readers')).toEqual([
      'create RoleBinding/acme/readers',
      'update RoleBinding/acme/readers',
    ]);
  });

  test('a workspace with owners is not deleted by deleting its objects, and is let go once it is', async () => {
    const { start, apply, until, untilGone, remove, annotate, stored, url } = await desk();
    await apply(AN_ORGANISATION);
    await apply(A_SECOND_WORKSPACE);
    await apply(READERS.replace('acme', 'beta'));
    await annotate('Workspace', 'beta', { 'rolecall.dev/deletion-policy': 'Delete' });
    await start({ interval: 500 });
    await until('RoleBinding', 'beta/readers', 'Applied');
    await remove('RoleBinding', 'beta/readers');
    await remove('RoleBinding', 'beta/owners');
    await remove('Workspace', 'beta');
    expect(await until('RoleBinding', 'beta/owners', 'DeletionDenied')).toContain('RC205');
    expect(await until('Workspace', 'beta', 'DeletionDenied')).toContain('RC209');
    await untilGone('RoleBinding', 'beta/readers');
    expect(await stored('RoleBinding', 'beta/owners')).toBeDefined();
    // Who answers for it says so on the command line, and the objects follow.
    const deletion = ['delete', 'workspace', 'beta', '--with-contents', '--manager', 'operator:rolecall'];
    const argv = [...deletion, '--yes', '--store', url, '--reason', 'closed', '--as', 'ana'];
    const refused = await runIam(argv);
    expect(refused).toMatchObject({ exit: 3, stdout: expect.stringContaining('the only person of beta') });
    const [override = ''] = /RC203@sha256:[0-9a-f]+/.exec(refused.stdout) ?? [];
    expect(await runIam([...argv, '--override', override])).toMatchObject({ exit: 0 });
    await untilGone('RoleBinding', 'beta/owners');
    await untilGone('Workspace', 'beta');
    expect(await stored('RoleBinding', 'acme/owners')).toBeDefined();
  });

  test('a workspace with nobody in it goes once all that is in it has gone', async () => {
    const { start, apply, until, untilGone, remove, stored } = await desk();
    await apply(AN_ORGANISATION);
    await apply(`
      kind: Workspace
      metadata: {name: beta, annotations: {rolecall.dev/deletion-policy: Delete}}
      spec: {displayName: Beta, tier: Business}
      ---
      kind: Group
      metadata: {name: readers, namespace: beta}
      spec: {displayName: Readers}
      ---
      kind: RoleBinding
      metadata: {name: readers, namespace: beta}
      spec: {role: source-read-only, subjects: [{kind: Group, name: readers}], resources: [{type: Workspace}]}
    `);
    await start();
    await until('RoleBinding', 'beta/readers', 'Applied');
    await remove('Workspace', 'beta');
    expect(await until('Workspace', 'beta', 'DeletionDenied')).toContain('RC209');
    await remove('RoleBinding', 'beta/readers');
    await untilGone('RoleBinding', 'beta/readers');
    await remove('Group', 'beta/readers');
    await untilGone('Group', 'beta/readers');
    await untilGone('Workspace', 'beta');
    expect(await stored('Workspace', 'beta')).toBeUndefined();
  });

  test('two installs in one cluster and one store look after their own objects alone', async () => {
    const { start, apply, until, annotate, get, stored, store, revision } = await desk();
    await apply(AN_ORGANISATION);
    await apply(A_SECOND_WORKSPACE);
    await annotate('Workspace', 'beta', OF_THE_OTHER);
    await annotate('RoleBinding', 'beta/owners', OF_THE_OTHER);
    await start({ interval: 500 });
    await until('RoleBinding', 'acme/owners', 'Applied');
    expect(await stored('Workspace', 'beta')).toBeUndefined();
    expect((await get('RoleBinding', 'beta/owners'))?.metadata.finalizers).toBeUndefined();
    await start({ install: 'other', ofClass: 'other', interval: 500 });
    await until('RoleBinding', 'beta/owners', 'Applied');
    await until('Workspace', 'beta', 'Applied');
    const reading = await store.read();
    const managers: string[] = [];
    for await (const batch of reading.resources())
      for (const { id, manager } of batch) managers.push(`${id} ${manager}`);
    await reading.close();
    expect(managers.sort()).toEqual([
      'RoleBinding/acme/owners operator:rolecall',
      'RoleBinding/beta/owners operator:other',
      'User//ana operator:rolecall',
      'User//bo operator:rolecall',
      'Workspace//acme operator:rolecall',
      'Workspace//beta operator:other',
    ]);
    // What another one manages is not taken over, and its own install has nothing to do with the object any more.
    const before = await revision();
    await annotate('User', 'bo', OF_THE_OTHER);
    await apply('{kind: User, metadata: {name: bo}, spec: {email: bo@other.example}}');
    expect(await until('User', 'bo', 'ManagedElsewhere')).toMatch(/^RC210: .*operator:rolecall/);
    const bo = await get('User', 'bo');
    expect(bo && conditionOf(bo, 'Stalled')?.status).toBe('True');
    expect(await stored('User', 'bo')).toMatchObject({ email: 'bo@acme.example' });
    // Neither does the second one delete it.
    expect(await revision()).toBe(before);
    await annotate('User', 'bo', {});
    await until('User', 'bo', 'Applied');
    expect(await stored('User', 'bo')).toMatchObject({ email: 'bo@other.example' });
  });

  test('what names of its own, labels and annotations of other tools say makes no difference', async () => {
    const { start, apply, until, get, eventually, annotate, stored, revision, server, audit } = await desk();
    await apply(AN_ORGANISATION);
    await start({ interval: 500 });
    await until('RoleBinding', 'acme/owners', 'Applied');
    const { body: made } = await server.send(
      'POST',
      '/apis/rolecall.dev/v1alpha1/namespaces/acme/workspacerolebindings',
      {
        apiVersion: 'rolecall.dev/v1alpha1',
        kind: 'RoleBinding',
        metadata: { generateName: 'readers-', namespace: 'acme' },
        spec: { role: 'source-read-only', subjects: [{ name: 'bo' }], resources: [{ type: 'Workspace' }] },
      },
    );
    const { name } = (made as unknown as ClusterObject).metadata;
    expect(name).toMatch(/^readers-.+/);
    await until('RoleBinding', `acme/${name}`, 'Applied');
    expect(await stored('RoleBinding', `acme/${name}`)).toMatchObject({ role: 'source-read-only' });
    const before = await revision();
    const transition = await transitionOf(get, 'acme/owners');
    await annotate('RoleBinding', 'acme/owners', {
      'kubectl.kubernetes.io/last-applied-configuration': '{"kind":"RoleBinding","spec":{"role":"x"}}\n',
      'argocd.argoproj.io/tracking-id': 'access:rolecall.dev/RoleBinding:acme/owners',
      'kustomize.toolkit.fluxcd.io/prune': 'disabled',
    });
    await annotate('RoleBinding', 'acme/owners', {
      'rolecall.dev/reconcile-requested-at': 'now',
      'argocd.argoproj.io/tracking-id': 'access:rolecall.dev/RoleBinding:acme/owners',
    });
    await eventually('it is looked at', async () => {
      const { status } = (await get('RoleBinding', 'acme/owners')) ?? {};
      return status?.lastHandledReconcileAt === 'now';
    });
    expect(await revision()).toBe(before);
    // Labels are part of what is declared: they are kept, once, and nobody's access is another.
    await apply(`
      kind: RoleBinding
      metadata:
        name: owners
        namespace: acme
        labels:
          app.kubernetes.io/instance: access
          app.kubernetes.io/managed-by: kustomize
          kustomize.toolkit.fluxcd.io/name: access
      spec: {role: workspace-owner, subjects: [{name: ana}], resources: [{type: Workspace}]}
    `);
    await eventually('the labels are in the store', async () => (await revision()) === before + 1);
    await until('RoleBinding', 'acme/owners', 'Applied');
    expect(await transitionOf(get, 'acme/owners')).toBe(transition);
    expect(await audit('RoleBinding/acme/owners')).toEqual([
      'create RoleBinding/acme/owners',
      'update RoleBinding/acme/owners',
    ]);
  });

  test('an object that says which name it had is a rename, where the other one goes at the same time', async () => {
    const { start, apply, until, untilGone, remove, stored, store, audit } = await desk();
    await apply(AN_ORGANISATION);
    await apply(READERS);
    const first = await start();
    await until('RoleBinding', 'acme/readers', 'Applied');
    await first.stop();
    const uidOf = async (name: string) => {
      const reading = await store.read();
      const [found] = await reading.find({ ids: [`RoleBinding/acme/${name}`] });
      await reading.close();
      return found?.uid;
    };
    const uid = await uidOf('readers');
    const named = (name: string, before: string) =>
      READERS.replace('readers', `${name}, annotations: {rolecall.dev/previous-names: ${before}}`);
    await remove('RoleBinding', 'acme/readers');
    await apply(named('lookers', 'readers'));
    await start({ interval: 500 });
    await untilGone('RoleBinding', 'acme/readers');
    await until('RoleBinding', 'acme/lookers', 'Applied');
    expect(await stored('RoleBinding', 'acme/readers')).toBeUndefined();
    expect(await uidOf('lookers')).toBe(uid);
    expect(await audit()).not.toContain('delete RoleBinding/acme/readers');
    // As long as the other one is there, both are: nobody is without access meanwhile.
    await apply(named('seers', 'lookers'));
    await until('RoleBinding', 'acme/seers', 'Applied');
    expect(await stored('RoleBinding', 'acme/lookers')).toBeDefined();
    await remove('RoleBinding', 'acme/lookers');
    await untilGone('RoleBinding', 'acme/lookers');
    expect(await stored('RoleBinding', 'acme/lookers')).toBeUndefined();
    expect(await stored('RoleBinding', 'acme/seers')).toBeDefined();
  });

  test('an operator of some namespaces has nothing to do with what is in others', async () => {
    const { start, apply, until, remove, untilGone, get, stored, eventually } = await desk();
    await apply(AN_ORGANISATION);
    await apply(READERS);
    await apply(A_SECOND_WORKSPACE);
    await start({ namespaces: ['acme'], interval: 500 });
    await until('RoleBinding', 'acme/readers', 'Applied');
    await until('Workspace', 'beta', 'Applied');
    const before = await get('RoleBinding', 'beta/owners');
    await apply(READERS.replace('acme', 'beta'));
    await apply(READERS.replace('source-read-only', 'source-admin'));
    await eventually('the edit in its own namespace is applied', async () => {
      const spec = await stored('RoleBinding', 'acme/readers');
      return spec?.role === 'source-admin';
    });
    for (const name of ['owners', 'readers']) {
      const other = await get('RoleBinding', `beta/${name}`);
      expect(other?.metadata.finalizers).toBeUndefined();
      expect(other?.status).toEqual({ observedGeneration: -1 });
      expect(await stored('RoleBinding', `beta/${name}`)).toBeUndefined();
    }
    expect((await get('RoleBinding', 'beta/owners'))?.metadata.resourceVersion).toBe(
      before?.metadata.resourceVersion,
    );
    await remove('RoleBinding', 'beta/readers');
    await untilGone('RoleBinding', 'beta/readers');
    await until('Workspace', 'beta', 'Applied');
  });
}

async function transitionOf(
  get: (kind: 'RoleBinding', path: string) => Promise<ClusterObject | undefined>,
  path: string,
) {
  const found = await get('RoleBinding', path);
  return found && conditionOf(found, 'Ready')?.lastTransitionTime;
}

function never(): never {
  throw new Error('it is gone');
}
