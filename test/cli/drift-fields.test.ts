/** Every field of every Kind, changed in the database and by another manager. */
import { describe, expect, test } from 'vitest';
import { identityOf, type Manifest } from '../../src/core/resource.ts';
import { KIND_NAMES, type KindName, kindOf, type Resource } from '../../src/kinds/index.ts';
import { DRIFTING, listText, organisationText, withMetadata } from '../support/drift-cases.ts';
import { driftDesk } from '../support/drift-desk.ts';

/** Everything of a Kind that may drift, as the path that it is told by: a resource in which only that differs. */
function variants(kind: KindName): { readonly path: string; readonly other: Resource }[] {
  const { resource, fields } = DRIFTING[kind];
  return [
    ...Object.entries(fields).map(([field, value]) => ({
      path: `/spec/${field}`,
      other: { ...resource, spec: { ...resource.spec, [field]: value } } as unknown as Resource,
    })),
    { path: '/metadata/labels/team', other: withMetadata(resource, { labels: { team: 'red' } }) },
    {
      path: '/metadata/annotations/rolecall.dev~1protect',
      other: withMetadata(resource, {
        annotations: { ...resource.metadata.annotations, 'rolecall.dev/protect': 'true' },
      }),
    },
  ];
}

/** A body with what differs between two resources. */
function edited(body: Manifest, path: string, other: Resource): Manifest {
  if (path.startsWith('/spec/')) {
    const field = path.slice('/spec/'.length);
    return { ...body, spec: { ...body.spec, [field]: (other.spec as never)[field] } };
  }
  const { labels, annotations } = other.metadata;
  const kept = body.metadata.annotations as Record<string, string> | undefined;
  return {
    ...body,
    metadata: {
      ...body.metadata,
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      annotations: { ...kept, ...annotations },
    },
  };
}

describe.each(KIND_NAMES)('%s', { timeout: 120_000 }, (kind) => {
  const { resource, fields } = DRIFTING[kind];
  const id = identityOf(resource);
  const { name, namespace = null } = resource.metadata;

  test('the cases have each of its fields', () => {
    const { properties } = kindOf(kind).schema as { properties: object };
    expect(Object.keys(fields).sort()).toEqual(Object.keys(properties).sort());
  });

  test('changed in the database: found, and brought back', async () => {
    const text = organisationText();
    const { edit, drift, apply, plan } = await driftDesk(text);
    for (const { path, other } of variants(kind)) {
      edit(id, (body) => edited(body, path, other));
      const items = await drift();
      expect(items, path).toMatchObject([
        {
          action: 'update',
          kind,
          namespace,
          name,
          managedBy: 'default',
          cause: 'database',
          manager: null,
          actor: null,
          at: null,
          revision: null,
          reason: null,
          treatment: 'enforce',
        },
      ]);
      const [{ fields = [] } = {}] = items;
      expect(fields.length, path).toBeGreaterThan(0);
      for (const field of fields) expect(field.path.startsWith(path), field.path).toBe(true);
      // Also for those who do not manage it.
      expect(await drift('--manager other'), path).toEqual(items);
      const planned = await plan(text);
      expect(planned.plan.changes, path).toMatchObject([
        { action: 'update', name, reason: 'changed in the database since it was applied' },
      ]);
      await apply(text);
      expect(await drift(), path).toEqual([]);
      expect((await plan(text)).plan.changes, path).toEqual([]);
    }
  });

  test('changed by another manager: found with who and when, and brought back', async () => {
    const text = organisationText();
    const { drift, apply, plan } = await driftDesk(text);
    for (const { path, other } of variants(kind)) {
      // Nobody may declare it.
      if (path === '/spec/ownership') continue;
      await apply(listText([other]), '--manager other --adopt --reason INC-1');
      const items = await drift();
      expect(items, path).toMatchObject([
        {
          action: 'update',
          kind,
          namespace,
          name,
          cause: 'manager',
          manager: 'other',
          actor: 'ana',
          at: '2026-11-24T12:00:00Z',
          treatment: 'enforce',
        },
      ]);
      for (const field of items[0]?.fields ?? []) expect(field.path.startsWith(path), field.path).toBe(true);
      expect(await drift('--manager other'), path).toEqual([]);
      const planned = await plan(text, '--adopt');
      expect(planned.plan.changes, path).toMatchObject([
        {
          action: 'update',
          name,
          adopts: 'other',
          reason: 'changed by ana (manager other) at 2026-11-24 12:00 UTC since it was applied',
        },
      ]);
      await apply(text, '--adopt');
      expect(await drift(), path).toEqual([]);
      expect((await plan(text)).plan.changes, path).toEqual([]);
    }
  });

  test.each(['report', 'ignore'])('with drift: %s it is left as it is', async (treatment) => {
    const text = organisationText({ 'rolecall.dev/drift': treatment });
    const { edit, drift, apply, plan, iam } = await driftDesk(text);
    for (const { path, other } of variants(kind)) {
      // What is no manifest at all is not let be.
      if (path === '/spec/ownership') continue;
      const before = edit(id, (body) => edited(body, path, other));
      const items = await drift();
      if (treatment === 'ignore') expect(items, path).toEqual([]);
      else expect(items, path).toMatchObject([{ kind, name, treatment, cause: 'database' }]);
      const part = /^\/[^/]+\/[^/]+/.exec(path)?.[0].replace('notBefore', 'expiresAt');
      const said = `is not as it was applied, and is left so: ${part} changed in the database`;
      for (let again = 0; again < 2; again++) {
        const planned = await plan(text);
        expect(planned.plan.changes, path).toEqual([]);
        expect(planned.warnings, path).toEqual(treatment === 'ignore' ? [] : [expect.stringContaining(said)]);
        await apply(text);
      }
      expect((await iam('history -o jsonl')).stdout.trim().split('\n')).toHaveLength(1);
      edit(id, () => before);
      expect(await drift(), path).toEqual([]);
    }
  });
});
