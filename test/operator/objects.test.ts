import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KindName } from '../../src/kinds/index.ts';
import { release, say } from '../../src/operator/object-writer.ts';
import { FINALIZER, isOlder, Known, Objects } from '../../src/operator/objects.ts';
import type { ClusterObject } from '../../src/sources/cluster-object.ts';
import type { KubeMetadata } from '../../src/sources/kube.ts';
import { scriptedKube } from '../support/scripted-kube.ts';

const SPEC = { role: 'source-admin', subjects: [{ name: 'ana' }], resources: [{ type: 'Workspace' }] };

function binding(metadata: Partial<KubeMetadata> = {}, spec: object = SPEC): ClusterObject {
  return {
    metadata: {
      name: 'readers',
      namespace: 'acme',
      uid: 'u1',
      resourceVersion: '10',
      generation: 1,
      ...metadata,
    },
    spec,
  };
}

const ID = 'RoleBinding/acme/readers';

/** Objects with one that is known. */
function knowing(metadata: Partial<KubeMetadata> = {}): Objects {
  const objects = new Objects(undefined);
  objects.take('RoleBinding', 'added', binding(metadata));
  return objects;
}

describe('what a watch tells of an object', () => {
  test('that is not known is work for its key', () => {
    const objects = new Objects(undefined);
    expect(objects.take('RoleBinding', 'added', binding())).toBe('workspace/acme');
    const user = { metadata: { name: 'ana', uid: 'u', resourceVersion: '1' } };
    expect(objects.take('User', 'added', user)).toBe('global');
    expect(objects.keys()).toEqual(['workspace/acme', 'global']);
    expect(objects.of('workspace/acme').map(({ id }) => id)).toEqual([ID]);
    expect([...objects.all()].map(({ id }) => id)).toEqual([ID, 'User//ana']);
  });

  test.each<[string, Partial<KubeMetadata>]>([
    ['its spec', { generation: 2 }],
    ['a label', { labels: { team: 'a' } }],
    ['an annotation', { annotations: { 'rolecall.dev/paused': 'true' } }],
    ['that it is to go', { deletionTimestamp: '2026-11-24T12:00:00Z' }],
    ['that nobody holds it any more', { finalizers: [] }],
    ['that it is another one', { uid: 'u2', resourceVersion: '3' }],
  ])('is work when it is %s, and makes another version', (_, metadata) => {
    const objects = knowing({ finalizers: [FINALIZER] });
    const before = objects.get(ID);
    const next = binding({ finalizers: [FINALIZER], resourceVersion: '11', ...metadata });
    expect(objects.take('RoleBinding', 'changed', next)).toBe('workspace/acme');
    expect(objects.get(ID)).not.toBe(before);
    expect(objects.get(ID)?.object).toBe(next);
    // Who works on the one before still sees what he has begun with.
    expect(before?.object.metadata.resourceVersion).toBe('10');
    expect(objects.of('workspace/acme')).toEqual([objects.get(ID)]);
  });

  test.each<[string, Partial<KubeMetadata>, Partial<ClusterObject>]>([
    ['its status', {}, { status: { observedGeneration: 1 } }],
    ['that it is held', { finalizers: ['other', FINALIZER] }, {}],
    ['the finalizer of others', { finalizers: ['other'] }, {}],
    ['who manages which fields', { managedFields: [{}] }, {}],
  ])('is no work when it is %s', (_, metadata, fields) => {
    const objects = knowing();
    const before = objects.get(ID);
    const next = { ...binding({ resourceVersion: '11', ...metadata }), ...fields };
    expect(objects.take('RoleBinding', 'changed', next)).toBeUndefined();
    expect(objects.get(ID)).toBe(before);
    expect(objects.get(ID)?.object).toBe(next);
  });

  test('is not taken when a later version is known already', () => {
    const objects = knowing({ resourceVersion: '10', generation: 3 });
    const late = binding({ resourceVersion: '9', generation: 2 });
    expect(objects.take('RoleBinding', 'changed', late)).toBeUndefined();
    expect(objects.get(ID)?.object.metadata.generation).toBe(3);
  });

  test('that goes is work, as others may wait for it, and then it is forgotten', () => {
    const objects = knowing();
    expect(objects.take('RoleBinding', 'deleted', binding())).toBe('workspace/acme');
    expect(objects.get(ID)).toBeUndefined();
    expect(objects.take('RoleBinding', 'deleted', binding())).toBeUndefined();
    expect(objects.keys()).toEqual(['workspace/acme']);
    objects.forget('workspace/acme');
    expect(objects.keys()).toEqual([]);
  });

  test('is forgotten no sooner than the last of its key', () => {
    const objects = knowing();
    objects.forget('workspace/acme');
    expect(objects.keys()).toEqual(['workspace/acme']);
  });

  test('counts when it is of the class of the install, and no longer', () => {
    const ofClass = (name: string, more = {}) =>
      binding({ annotations: { 'rolecall.dev/class': name }, ...more });
    const [ours, others] = [new Objects('a'), new Objects(undefined)];
    expect(ours.take('RoleBinding', 'added', ofClass('a'))).toBe('workspace/acme');
    expect(others.take('RoleBinding', 'added', ofClass('a'))).toBeUndefined();
    expect(ours.take('RoleBinding', 'added', binding({ name: 'plain' }))).toBeUndefined();
    const moved = ofClass('b', { resourceVersion: '11' });
    expect(ours.take('RoleBinding', 'changed', moved)).toBe('workspace/acme');
    expect(ours.get(ID)).toBeUndefined();
  });

  test('in whatever order, with repetitions, leaves the newest', () => {
    const version = fc.record({
      resourceVersion: fc.integer({ min: 1, max: 30 }),
      generation: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(version, { minLength: 1, maxLength: 20 }), (versions) => {
        const objects = new Objects(undefined);
        for (const { resourceVersion, generation } of versions)
          objects.take(
            'RoleBinding',
            'changed',
            binding({ resourceVersion: `${resourceVersion}`, generation }),
          );
        const newest = Math.max(...versions.map(({ resourceVersion }) => resourceVersion));
        expect(objects.get(ID)?.object.metadata.resourceVersion).toBe(`${newest}`);
        expect(objects.of('workspace/acme')).toEqual([objects.get(ID)]);
      }),
    );
  });
});

describe('an object', () => {
  test.each<[KindName, string | undefined, boolean]>([
    ['RoleBinding', undefined, true],
    ['Token', undefined, true],
    ['Group', undefined, true],
    ['Role', undefined, true],
    ['AccessPolicy', undefined, true],
    ['Workspace', undefined, false],
    ['User', undefined, false],
    ['User', 'Delete', true],
    ['Workspace', 'Delete', true],
    ['RoleBinding', 'Orphan', false],
    // A word that nobody knows must not delete what is kept by itself, nor keep what goes.
    ['User', 'delete', false],
    ['RoleBinding', 'orphan', true],
  ])(
    'of kind %s with deletion policy %s: its counterpart is deleted with it: %s',
    (kind, policy, isDeleted) => {
      const annotations = policy === undefined ? {} : { 'rolecall.dev/deletion-policy': policy };
      expect(new Known(kind, binding({ annotations })).isDeletedWith).toBe(isDeleted);
    },
  );

  test('is of a version that a number tells, where there is one', () => {
    const older = (a: string, b: string) =>
      isOlder(binding({ resourceVersion: a }), binding({ resourceVersion: b }));
    expect(older('9', '10')).toBe(true);
    expect(older('10', '10')).toBe(false);
    expect(older('10', '9')).toBe(false);
    expect(older('a', 'b')).toBe(false);
    expect(older('99999999999999999998', '99999999999999999999')).toBe(false);
  });
});

describe('what the server answers to a write', () => {
  const status = { observedGeneration: 1 };

  test('is the newest that is known', async () => {
    const known = new Known('RoleBinding', binding());
    const kube = scriptedKube(() => binding({ resourceVersion: '11' }));
    expect(await say(kube, [{ known, status }])).toEqual([]);
    expect(known.object).toMatchObject({ metadata: { resourceVersion: '11' }, status });
    // It is said already.
    await say(kube, [{ known, status }]);
    expect(kube.calls).toHaveLength(1);
  });

  test('is not, when a watch has told of a later version meanwhile: what is written next would be refused', async () => {
    const objects = knowing({ finalizers: [FINALIZER] });
    const known = objects.get(ID);
    if (!known) throw new Error('it is known');
    const kube = scriptedKube(({ path }) => {
      if (!path.endsWith('/status')) return binding({ resourceVersion: '13' });
      const held = { finalizers: [FINALIZER, 'others'] };
      objects.take('RoleBinding', 'changed', { ...binding({ ...held, resourceVersion: '12' }), status });
      return { ...binding({ ...held, resourceVersion: '11' }), status };
    });
    await say(kube, [{ known, status }]);
    expect(known.object.metadata.resourceVersion).toBe('12');
    await release(kube, [known]);
    expect(kube.calls.at(-1)?.body).toEqual({
      metadata: { uid: 'u1', resourceVersion: '12', finalizers: ['others'] },
    });
  });
});
