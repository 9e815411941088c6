import { beforeAll, describe, expect, test } from 'vitest';
import { fromManifest, type Manifest } from '../../src/core/resource.ts';
import { API_VERSION, KIND_NAMES, type KindName, kindOf } from '../../src/kinds/index.ts';
import { normalTime } from '../../src/kinds/time.ts';
import { CLUSTER_NAMES } from '../../src/sources/cluster-names.ts';
import type { KubeServer } from '../support/kube-server.ts';
import { describeKube } from '../support/kube-suite.ts';
import { acceptedSpecs, manifestOf } from './case.ts';
import { installCrds } from './judge.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

const READY = {
  type: 'Ready',
  status: 'True',
  reason: 'Applied',
  message: 'Applied revision 7',
  lastTransitionTime: '2026-12-01T00:00:00Z',
  observedGeneration: 1,
};

type Answer = { readonly [key: string]: unknown } & { readonly spec: Readonly<Record<string, unknown>> };

await describeKube('what an API server makes of the CRDs', (server) => {
  beforeAll(async () => {
    await installCrds(server());
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'acme-prod' } };
    expect(await server().send('POST', '/api/v1/namespaces', namespace)).toMatchObject({ status: 201 });
  }, 120_000);

  function path(kind: KindName, rest = ''): string {
    const namespace = kindOf(kind).namespaced ? '/namespaces/acme-prod' : '';
    return `/apis/${API_VERSION}${namespace}/${CLUSTER_NAMES[kind].plural}${rest}`;
  }

  async function dryRun(kind: KindName, spec: unknown): Promise<Answer> {
    const answer = await server().send('POST', `${path(kind)}?dryRun=All`, manifestOf(kind, spec));
    expect(answer).toMatchObject({ status: 201 });
    return answer.body as Answer;
  }

  test.each(KIND_NAMES)('the defaults that it fills into a %s are those of iam', async (kind) => {
    for (const spec of acceptedSpecs(kind)) {
      const filled = (await dryRun(kind, spec)).spec;
      const meant = (one: unknown) => fromManifest(manifestOf(kind, kindOf(kind).normalize(one)) as never);
      expect(meant(filled)).toEqual(meant(spec));
    }
  });

  test('fields that are not managed when absent stay absent', async () => {
    expect(Object.keys((await dryRun('User', { email: 'a@b' })).spec).sort()).toEqual([
      'email',
      'identities',
      'type',
    ]);
    expect((await dryRun('Group', { displayName: 'A' })).spec).toEqual({ displayName: 'A', description: '' });
  });

  test('all other fields that have a default are there, down to the innermost', async () => {
    expect((await dryRun('Workspace', { displayName: 'A', owners: {} })).spec).toEqual({
      displayName: 'A',
      tier: 'Free',
      owners: { minimum: 1, required: [] },
      guards: { maxRemovals: '25%', maxUpdates: '30%', maxPrivilegedGains: 3 },
    });
  });

  /** Server-side apply, to the end. */
  function applyAs(manager: string, kind: KindName, name: string, spec: unknown) {
    const manifest = manifestOf(kind, spec, { name });
    return server().send(
      'PATCH',
      path(kind, `/${name}?fieldManager=${manager}&fieldValidation=Strict`),
      manifest,
    );
  }

  test.each(KIND_NAMES)('every %s can be applied by the server, again and again', async (kind) => {
    for (const [i, spec] of acceptedSpecs(kind).entries()) {
      expect(await applyAs('one', kind, `applied-${i}`, spec)).toMatchObject({ status: 201 });
      expect(await applyAs('one', kind, `applied-${i}`, spec)).toMatchObject({ status: 200 });
      expect(await applyAs('two', kind, `applied-${i}`, spec)).toMatchObject({ status: 200 });
    }
  });

  test('two managers each hold members of one group, and cannot both hold the resources of a binding', async () => {
    const group = (name: string) => ({ displayName: 'A', members: [{ name }] });
    await applyAs('one', 'Group', 'shared', group('ana'));
    expect(await applyAs('two', 'Group', 'shared', group('bo'))).toMatchObject({
      status: 200,
      body: { spec: { members: [{ name: 'ana' }, { name: 'bo' }] } },
    });
    const binding = (id: string) => ({
      role: 'r',
      subjects: [{ name: 'ana' }],
      resources: [{ type: 'Source', id }],
    });
    await applyAs('one', 'RoleBinding', 'shared', binding('web'));
    expect(await applyAs('two', 'RoleBinding', 'shared', binding('api'))).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('.spec.resources') },
    });
  });

  test('no name stands in for one that Kubernetes has itself', async () => {
    const groups = (await server().send('GET', '/apis')).body.groups as readonly {
      preferredVersion: { groupVersion: string };
    }[];
    const others = groups
      .map(({ preferredVersion }) => preferredVersion.groupVersion)
      .filter((version) => version !== API_VERSION);
    const taken = new Set<string>();
    for (const list of ['/api/v1', ...others.map((version) => `/apis/${version}`)])
      for (const one of await resources(server(), list))
        for (const name of [one.name, one.singularName, ...(one.shortNames ?? [])]) taken.add(name);
    const ours = await resources(server(), `/apis/${API_VERSION}`);
    expect(ours.filter(({ name }) => !name.includes('/')).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(KIND_NAMES),
    );
    expect(taken).toContain('roles');
    for (const { name, singularName, shortNames = [], categories } of ours) {
      if (name.includes('/')) continue;
      expect([name, singularName, ...shortNames].filter((one) => taken.has(one))).toEqual([]);
      expect(categories).toEqual(['rolecall']);
    }
  });

  describe.each(KIND_NAMES)('a %s that is there', (kind) => {
    const name = '/example';
    beforeAll(async () => {
      const [, spec] = acceptedSpecs(kind);
      const made = await server().send('POST', path(kind), manifestOf(kind, spec));
      expect(made).toMatchObject({ status: 201 });
    });

    async function writeStatus(status: unknown) {
      const { body } = await server().send('GET', path(kind, name));
      return server().send('PUT', path(kind, `${name}/status?fieldValidation=Strict`), { ...body, status });
    }

    test('has a status of its own, which a change of spec leaves alone', async () => {
      const status = { observedGeneration: 1, appliedHash: 'abc', lastHandledReconcileAt: 'now' };
      const written = await writeStatus({ ...status, conditions: [READY] });
      expect(written).toMatchObject({ status: 200, body: { metadata: { generation: 1 } } });
      const put = await server().send('PUT', path(kind, name), { ...written.body, status: {} });
      expect(put).toMatchObject({ status: 200, body: { status: { ...status, conditions: [READY] } } });
    });

    test('has no two conditions of one type, none half said, and no field nobody knows', async () => {
      for (const status of [
        { conditions: [READY, READY] },
        { conditions: [{ type: 'Ready', status: 'True' }] },
        { conditions: [{ ...READY, status: 'true' }] },
        { strange: true },
      ])
        expect([400, 422]).toContain((await writeStatus(status)).status);
    });

    test('is shown with its columns, and whether it is ready', async () => {
      await writeStatus({ conditions: [READY] });
      const { body } = await server().send('GET', path(kind, name), undefined, TABLE);
      const { columnDefinitions, rows } = body as unknown as {
        columnDefinitions: readonly { name: string; priority: number }[];
        rows: readonly { cells: readonly unknown[] }[];
      };
      expect(columnDefinitions.map(({ name }) => name).slice(-3)).toEqual(['Ready', 'Status', 'Age']);
      const cells = new Map(
        columnDefinitions.map((column, i) => [column.name.toUpperCase(), rows[0]?.cells[i]]),
      );
      expect(cells.get('READY')).toBe('True');
      expect(cells.get('STATUS')).toBe('Applied revision 7');
      const { body: object } = await server().send('GET', path(kind, name));
      const { spec, metadata } = fromManifest(normal(kind, object));
      for (const { header, wide, value } of kindOf(kind).columns) {
        if (!cells.has(header)) continue;
        const shown = value(spec, metadata, 0);
        expect(asShown(String(cells.get(header) ?? ''))).toBe(shown);
        expect(columnDefinitions.find((one) => one.name.toUpperCase() === header)?.priority).toBe(
          wide ? 1 : 0,
        );
      }
    });

    test('is found by its fields', async () => {
      const { body } = await server().send(
        'GET',
        `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${CLUSTER_NAMES[kind].plural}.rolecall.dev`,
      );
      const { spec } = (await server().send('GET', path(kind, name))).body as Answer;
      const fields = selectable(body);
      expect(fields.length).toBeGreaterThan(0);
      for (const jsonPath of fields) {
        const field = jsonPath.slice(1);
        const value = field
          .split('.')
          .slice(1)
          .reduce<unknown>((at, part) => (at as never)?.[part], spec);
        const select = async (wanted: string) =>
          (await server().send('GET', path(kind, `?fieldSelector=${field}=${encodeURIComponent(wanted)}`)))
            .body;
        expect(names(await select(String(value ?? ''))), field).toContain('example');
        expect((await select('something-else')).items, field).toEqual([]);
      }
    });
  });
});

function names(list: Readonly<Record<string, unknown>>): string[] {
  return (list.items as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
}

interface ApiResource {
  readonly name: string;
  readonly singularName: string;
  readonly kind: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

async function resources(server: KubeServer, list: string): Promise<readonly ApiResource[]> {
  return (await server.send('GET', list)).body.resources as readonly ApiResource[];
}

function selectable(crd: unknown): readonly string[] {
  const { spec } = crd as { spec: { versions: { selectableFields?: { jsonPath: string }[] }[] } };
  return spec.versions.flatMap(({ selectableFields = [] }) =>
    selectableFields.map(({ jsonPath }) => jsonPath),
  );
}

/** A cell as `iam get` has it: lists joined, times in normal form, one line. */
function asShown(cell: string): string {
  return cell.startsWith('[')
    ? (JSON.parse(cell) as string[]).sort().join(',')
    : normalTime(cell).replaceAll('\n', ' ');
}

/** The resource that an object of an API server is. */
function normal(kind: KindName, object: unknown): Manifest {
  const { spec, metadata } = object as { spec: unknown; metadata: { name: string; namespace?: string } };
  const { name, namespace } = metadata;
  const place = namespace === undefined ? {} : { namespace };
  return { ...manifestOf(kind, kindOf(kind).normalize(spec), { name, ...place }) } as never;
}
