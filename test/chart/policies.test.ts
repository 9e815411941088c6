import { beforeAll, describe, expect, test } from 'vitest';
import { KIND_NAMES } from '../../src/kinds/index.ts';
import { acceptedSpecs } from '../crds/case.ts';
import { describeHelmOnKube } from '../support/helm.ts';
import { BINDING, clusterOf, installChart, manifest, path } from './cluster.ts';

await describeHelmOnKube('the admission policies of the chart', (server, tools) => {
  const cluster = clusterOf(server);
  const { root, as, put, given } = cluster;

  beforeAll(() => installChart(server(), tools, cluster), 180_000);

  describe('whoever gives a role needs the verb bind on it', () => {
    test('an editor without it gives none, and is told what he wants', async () => {
      const { status, body } = await put('ed', 'RoleBinding', 'mine', BINDING);
      expect(status).toBe(403);
      expect(body.message).toContain(
        'ed may not give the role source-read-only in acme-prod: it wants the verb bind on workspaceroles.rolecall.dev/source-read-only',
      );
    });

    test('bind on one role in one namespace gives that role there, and no other', async () => {
      expect(await put('bea', 'RoleBinding', 'readers', BINDING)).toMatchObject({ status: 201 });
      expect(
        await put('bea', 'RoleBinding', 'owners', { ...BINDING, role: 'workspace-owner' }),
      ).toMatchObject({ status: 403 });
      expect(await put('bea', 'RoleBinding', 'readers', BINDING, 'acme-test')).toMatchObject({ status: 403 });
      expect(
        await put('ada', 'RoleBinding', 'owners', { ...BINDING, role: 'workspace-owner' }),
      ).toMatchObject({ status: 201 });
    });

    test.each([
      ['another role', { role: 'workspace-owner' }],
      ['somebody more', { subjects: [{ name: 'ana-diaz' }, { name: 'ed' }] }],
      ['somebody else', { subjects: [{ name: 'ed' }] }],
      ['a token in place of a user', { subjects: [{ kind: 'Token', name: 'ana-diaz' }] }],
      [
        'something more',
        {
          resources: [
            { type: 'Source', id: 'website' },
            { type: 'Source', id: 'app' },
          ],
        },
      ],
      ['the whole workspace', { resources: [{ type: 'Workspace' }] }],
      ['a later end', { expiresAt: '2030-01-31' }],
      ['no end', { expiresAt: undefined }],
      ['an earlier begin', { notBefore: '2026-01-01' }],
    ])('a binding is not widened without it: %s', async (_, change) => {
      await given('RoleBinding', 'given', BINDING);
      expect(await put('ed', 'RoleBinding', 'given', { ...BINDING, ...change })).toMatchObject({
        status: 403,
      });
      expect(await put('ada', 'RoleBinding', 'given', { ...BINDING, ...change })).toMatchObject({
        status: 200,
      });
    });

    test('a binding is narrowed, explained, annotated and deleted without it', async () => {
      const wide = {
        ...BINDING,
        subjects: [...BINDING.subjects, { kind: 'Group', name: 'analysts' }],
        resources: [...BINDING.resources, { type: 'Source', id: 'app' }],
      };
      await given('RoleBinding', 'wide', wide);
      expect(await put('ed', 'RoleBinding', 'wide', { ...wide, reason: 'INC-1' })).toMatchObject({
        status: 200,
      });
      expect(await put('ed', 'RoleBinding', 'wide', { ...wide, subjects: BINDING.subjects })).toMatchObject({
        status: 200,
      });
      expect(await put('ed', 'RoleBinding', 'wide', BINDING)).toMatchObject({ status: 200 });
      expect(await as('ed')('DELETE', path('RoleBinding', 'wide'))).toMatchObject({ status: 200 });
    });

    test('a thousand people are narrowed down, too', async () => {
      const many = {
        ...BINDING,
        subjects: Array.from({ length: 1000 }, (_, i) => ({ kind: 'User', name: `user-${i}` })),
      };
      await given('RoleBinding', 'many', many);
      expect(
        await put('ed', 'RoleBinding', 'many', { ...many, subjects: many.subjects.slice(1) }),
      ).toMatchObject({ status: 200 });
      expect(
        await put('ed', 'RoleBinding', 'many', {
          ...many,
          subjects: [...many.subjects.slice(1), { kind: 'User', name: 'ed' }],
        }),
      ).toMatchObject({ status: 403 });
    });

    test.each([
      ['another role', { role: 'workspace-owner' }],
      ['another owner', { owner: 'ed' }],
      ['a later end', { expiresAt: '2030-01-31' }],
      ['another Secret', { deliverTo: { secret: { name: 'mine', key: 'token' } } }],
    ])('a Token is not made without it, nor widened: %s', async (_, change) => {
      await given('Token', 'ci-deploy', TOKEN);
      expect(await put('ed', 'Token', 'mine', TOKEN)).toMatchObject({ status: 403 });
      expect(await put('ed', 'Token', 'ci-deploy', { ...TOKEN, ...change })).toMatchObject({ status: 403 });
      expect(await put('ada', 'Token', 'ci-deploy', { ...TOKEN, ...change })).toMatchObject({ status: 200 });
    });

    test('a Token is described, rotated more often and revoked without it, and not brought back', async () => {
      await given('Token', 'ci-read', TOKEN);
      expect(
        await put('ed', 'Token', 'ci-read', { ...TOKEN, description: 'Reads', rotation: { every: '30d' } }),
      ).toMatchObject({ status: 200 });
      expect(await put('ed', 'Token', 'ci-read', { ...TOKEN, revoked: true })).toMatchObject({ status: 200 });
      expect(await put('ed', 'Token', 'ci-read', { ...TOKEN, revoked: false })).toMatchObject({
        status: 403,
      });
    });

    test('nobody is put into a group without it, and whoever is in it can be taken out', async () => {
      const group = (...names: string[]) => ({ displayName: 'A', members: names.map((name) => ({ name })) });
      expect(await put('ed', 'Group', 'empty', { displayName: 'Empty' })).toMatchObject({ status: 201 });
      const { status, body } = await put('ed', 'Group', 'empty', group('ed'));
      expect(status).toBe(403);
      expect(body.message).toContain('ed may not put anybody into the group empty in acme-prod');
      expect(await put('ed', 'Group', 'mine', group('ed'))).toMatchObject({ status: 403 });
      await given('Group', 'analysts', group('ana-diaz', 'bo-lee'));
      expect(await put('ed', 'Group', 'analysts', group('ana-diaz', 'bo-lee', 'ed'))).toMatchObject({
        status: 403,
      });
      expect(
        await put('ed', 'Group', 'analysts', {
          displayName: 'B',
          members: [{ name: 'ana-diaz' }, { name: 'bo-lee' }],
        }),
      ).toMatchObject({ status: 200 });
      expect(await put('ed', 'Group', 'analysts', group('bo-lee'))).toMatchObject({ status: 200 });
      expect(await put('bea', 'Group', 'analysts', group('bo-lee', 'ana-diaz'))).toMatchObject({
        status: 200,
      });
      expect(await put('bea', 'Group', 'owners', group('bea'))).toMatchObject({ status: 403 });
      expect(
        await as('ed')('POST', path('Group'), {
          ...manifest('Group', '', group('ed')),
          metadata: { generateName: 'analysts' },
        }),
      ).toMatchObject({ status: 403 });
    });

    test('a membership is not prolonged without it', async () => {
      const until = (expiresAt: string) => ({ displayName: 'A', members: [{ name: 'ed', expiresAt }] });
      await given('Group', 'interns', until('2027-01-31'));
      expect(await put('ed', 'Group', 'interns', until('2028-01-31'))).toMatchObject({ status: 403 });
    });
  });

  describe('what is protected is not deleted', () => {
    test.each(KIND_NAMES)('a %s', async (kind) => {
      const [, spec = {}] = acceptedSpecs(kind);
      await given(kind, 'kept', spec as object, { 'rolecall.dev/protect': 'true' });
      const { status, body } = await root('DELETE', path(kind, 'kept'));
      expect(status).toBe(403);
      expect(body.message).toContain(
        `${kind} kept is protected: take the annotation rolecall.dev/protect away first`,
      );
      await given(kind, 'kept', spec as object, { 'rolecall.dev/protect': 'false' });
      expect(await root('DELETE', path(kind, 'kept'))).toMatchObject({ status: 200 });
    });

    test('neither with all that is in the namespace', async () => {
      const group = { displayName: 'A' };
      await given('Group', 'kept', group, { 'rolecall.dev/protect': 'true' });
      await given('Group', 'loose', group);
      expect(await root('DELETE', path('Group'))).toMatchObject({ status: 403 });
      expect(await root('GET', path('Group', 'kept'))).toMatchObject({ status: 200 });
    });
  });

  test('what an operator keeps is not handed to another one by its class', async () => {
    const group = { displayName: 'A' };
    await given('Group', 'classy', group, { 'rolecall.dev/class': 'a' });
    await given('Group', 'classy', group, { 'rolecall.dev/class': 'b' });
    const kept = manifest('Group', 'classy', group, { 'rolecall.dev/class': 'b' });
    const withFinalizer = { ...kept, metadata: { ...kept.metadata, finalizers: ['rolecall.dev/operator'] } };
    const apply = (object: object) =>
      root('PATCH', `${path('Group', 'classy')}?fieldManager=test&force=true`, object);
    expect(await apply(withFinalizer)).toMatchObject({ status: 200 });
    for (const annotations of [{ 'rolecall.dev/class': 'a' }, {}])
      expect(
        await apply({ ...withFinalizer, metadata: { ...withFinalizer.metadata, annotations } }),
      ).toMatchObject({
        status: 403,
        body: {
          message: expect.stringContaining('is kept by an operator, so rolecall.dev/class cannot change'),
        },
      });
    expect(await apply(kept)).toMatchObject({
      status: 200,
      body: { metadata: { annotations: { 'rolecall.dev/class': 'b' } } },
    });
    await given('Group', 'classy', group, {});
  });
});

const TOKEN = {
  description: 'Deploys',
  role: 'workspace-member',
  owner: 'ana-diaz',
  expiresAt: '2027-06-30',
  deliverTo: { secret: { name: 'ci-deploy', key: 'token' } },
};
