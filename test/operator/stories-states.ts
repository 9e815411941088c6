import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { sha256 } from '../../src/core/hash.ts';
import { type ClusterObject, readObject } from '../../src/sources/cluster-object.ts';
import { kstatus } from '../chart/kstatus.ts';
import type { KubeServer } from '../support/kube-server.ts';
import { conditionOf, operatorDesk } from '../support/operator-desk.ts';
import { AN_ORGANISATION, READERS } from './stories.ts';

/** What others take an object for while it becomes what it is to be. */
export function stateStories(server: () => KubeServer): void {
  const desk = () => operatorDesk(server());

  test('whoever waits by kstatus waits for just as long as it takes', async () => {
    const { start, apply, until, untilGone, remove, record, stored } = await desk();
    /** What is current must be in the store as that version declares it, or a later one. */
    const look = async (version: ClusterObject) => {
      if (kstatus(version) !== 'Current') return;
      const { metadata, status, spec } = version;
      const [declared] = readObject('RoleBinding', version).declared;
      expect(status?.appliedHash).toBe(sha256(declared?.body ?? ''));
      const found = await stored('RoleBinding', `acme/${metadata.name}`);
      if (metadata.name === 'edited')
        expect(Number(found?.reason)).toBeGreaterThanOrEqual(Number((spec as { reason: string }).reason));
      else expect(found ?? metadata.deletionTimestamp).toBeDefined();
    };
    const recording = await record('RoleBinding', look);
    const seen = (name: string) =>
      recording.versions
        .filter(({ metadata }) => metadata.name === name)
        .map(kstatus)
        .filter((one, at, all) => one !== all[at - 1]);

    await apply(READERS.replace('name: readers', 'name: early'));
    // Nobody has looked at it yet, and that is what it says.
    await sleep(300);
    expect(seen('early')).toEqual(['InProgress']);
    await start();
    await until('RoleBinding', 'acme/early', 'DependencyNotReady');
    await apply(`
      kind: AccessPolicy
      metadata: {name: employees}
      spec:
        match: {"on": Grant, roles: [source-admin]}
        validations: [{expression: "grant.email.endsWith('@acme.example')", message: no employee}]
      ---
      kind: User
      metadata: {name: cy}
      spec: {email: cy@other.example}
    `);
    await apply(AN_ORGANISATION);
    await until('RoleBinding', 'acme/early', 'Applied');
    const OF_CY = READERS.replace('name: bo', 'name: cy').replace('name: readers', 'name: denied');
    await apply(OF_CY.replace('source-read-only', 'source-admin'));
    await until('RoleBinding', 'acme/denied', 'Denied');
    await apply(OF_CY);
    await until('RoleBinding', 'acme/denied', 'Applied');
    for (let reason = 1; reason <= 15; reason++) {
      await apply(
        READERS.replace('name: readers', 'name: edited').replace('spec: {', `spec: {reason: "${reason}", `),
      );
      await sleep(reason * 20);
    }
    await until('RoleBinding', 'acme/edited', 'Applied');
    await remove('RoleBinding', 'acme/early');
    await untilGone('RoleBinding', 'acme/early');
    await recording.stop();

    expect(seen('early')).toEqual(['InProgress', 'Current', 'Terminating']);
    expect(seen('denied')).toEqual(['InProgress', 'Failed', 'InProgress', 'Current']);
    const edited = seen('edited');
    expect(edited[0]).toBe('InProgress');
    expect(edited.at(-1)).toBe('Current');
    expect(edited).not.toContain('Failed');
    for (const { status, metadata } of recording.versions)
      for (const { type, status: is, observedGeneration = 0, ...condition } of status?.conditions ?? []) {
        // Those that are there only while they are True, and nothing that is not said of this version or one before.
        if (type !== 'Ready') expect(is).toBe('True');
        expect(observedGeneration).toBeLessThanOrEqual(metadata.generation ?? 0);
        expect(condition).toMatchObject({ reason: expect.stringMatching(/^[A-Z]\w+$/) });
      }
  });

  test('where nothing changes nothing is written, neither to the cluster nor to the store', async () => {
    const { start, apply, eventually, record, get, revision, audit } = await desk();
    await apply(AN_ORGANISATION);
    const names = Array.from({ length: 200 }, (_, i) => `readers-${i}`);
    await Promise.all(names.map((name) => apply(READERS.replace('name: readers', `name: ${name}`))));
    const kinds = ['Workspace', 'User', 'RoleBinding'] as const;
    const recordings = await Promise.all(kinds.map((kind) => record(kind)));
    const told = () => recordings.reduce((sum, { versions }) => sum + versions.length, 0);
    await start({ interval: 500 });
    await eventually('all are applied', async () => {
      const newest = new Map(recordings[2]?.versions.map((one) => [one.metadata.name, one]));
      return [...newest.values()].every((one) => conditionOf(one, 'Ready')?.status === 'True');
    });
    await eventually('the Workspace tells of it', async () => {
      const { status } = (await get('Workspace', 'acme')) ?? {};
      return status?.counts?.roleBindings === 201 && status.snapshot?.rows === 2;
    });
    await sleep(600);
    const before = { told: told(), revision: await revision(), rows: (await audit()).length };
    const from = requestsOf(server())?.length;
    await sleep(1700);
    expect({ told: told(), revision: await revision(), rows: (await audit()).length }).toEqual(before);
    const written = requestsOf(server())
      ?.slice(from)
      .filter(({ method }) => method !== 'GET');
    expect(written ?? []).toEqual([]);
    // Each object was written to twice at most: the finalizer, and what became of it.
    const versions = Map.groupBy(recordings[2]?.versions ?? [], ({ metadata }) => metadata.name);
    for (const name of names) expect(versions.get(name)?.length, name).toBeLessThanOrEqual(3);
  });
}

/** What was asked, where the server tells. */
function requestsOf(server: KubeServer): readonly { readonly method: string }[] | undefined {
  return 'requests' in server
    ? (server as { requests: readonly { readonly method: string }[] }).requests
    : undefined;
}
