import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LuaFactory } from 'wasmoon';
import { parse, parseAllDocuments } from 'yaml';
import { type Remarks, type Standing, statusOf } from '../../src/operator/conditions.ts';
import type { ClusterObject, ClusterStatus } from '../../src/sources/cluster-object.ts';
import { describeHelm, runTool } from '../support/helm.ts';
import { CHART } from './chart.ts';
import { type KStatus, kstatus } from './kstatus.ts';

const PAGE = readFileSync(resolve(import.meta.dirname, '../../docs/operator-install.md'), 'utf8');

/** All YAML in the page, in its order. */
const DOCUMENTS = [...PAGE.matchAll(/^```yaml\n(.*?)^```$/gms)].flatMap(([, text = '']) =>
  parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Found;
  }),
);

interface Found {
  readonly kind?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly values?: object;
    readonly source?: { readonly helm?: { readonly valuesObject: object } };
  };
}

const BEFORE = '2026-12-01T00:00:00Z';
const NOW = '2026-12-01T00:10:00Z';

/** What the operator writes, as an object has it then. */
function withStatus(standing: Standing, remarks: Remarks = {}, metadata = {}): ClusterObject {
  const object = bare({ observedGeneration: -1 }, metadata);
  return { ...object, status: statusOf(object, standing, remarks, {}, NOW) };
}

function bare(status: ClusterStatus, metadata = {}): ClusterObject {
  const identity = { name: 'readers', namespace: 'acme-prod', uid: 'u', resourceVersion: '1', generation: 2 };
  return {
    apiVersion: 'rolecall.dev/v1alpha1',
    kind: 'RoleBinding',
    metadata: { ...identity, ...metadata },
    status,
  };
}

const applied: Standing = { is: 'applied', revision: 7, hash: 'abc', changed: true };
const denied: Standing = { is: 'stalled', reason: 'Denied', message: 'RC204 removes 7 of 20 people' };
const waiting: Standing = { is: 'waiting', reason: 'DependencyNotReady', message: 'no Group analysts' };
const leaving = { deletionTimestamp: BEFORE };
const ready = withStatus(applied).status ?? {};

interface Expected {
  readonly title: string;
  readonly object: ClusterObject;
  readonly kstatus: KStatus;
  readonly argo: 'Healthy' | 'Progressing' | 'Degraded' | 'Suspended';
  readonly message: string;
}

const CASES: readonly Expected[] = [
  {
    title: 'one that the operator has not seen',
    object: bare({ observedGeneration: -1 }),
    kstatus: 'InProgress',
    argo: 'Progressing',
    message: 'The operator has not looked at it yet',
  },
  {
    title: 'one that was changed after it was Ready',
    object: bare({ ...ready, observedGeneration: 1 }),
    kstatus: 'InProgress',
    argo: 'Progressing',
    message: 'The operator has not looked at it yet',
  },
  {
    title: 'one that is applied',
    object: withStatus(applied),
    kstatus: 'Current',
    argo: 'Healthy',
    message: 'Applied revision 7',
  },
  {
    title: 'one that has expired',
    object: withStatus(applied, { isExpired: true }),
    kstatus: 'Current',
    argo: 'Healthy',
    message: 'Its window is over: it gives nothing',
  },
  {
    title: 'one that has drifted and is left so',
    object: withStatus(applied, { drift: 'expiresAt is another' }),
    kstatus: 'Current',
    argo: 'Healthy',
    message: 'expiresAt is another',
  },
  {
    title: 'one that waits for another',
    object: withStatus(waiting),
    kstatus: 'InProgress',
    argo: 'Progressing',
    message: 'no Group analysts',
  },
  {
    title: 'one that is denied',
    object: withStatus(denied),
    kstatus: 'Failed',
    argo: 'Degraded',
    message: 'RC204 removes 7 of 20 people',
  },
  {
    title: 'one that is denied and has expired',
    object: withStatus(denied, { isExpired: true }),
    kstatus: 'Failed',
    argo: 'Degraded',
    message: 'RC204 removes 7 of 20 people',
  },
  {
    title: 'one that is paused',
    object: withStatus({ is: 'paused', message: 'rolecall.dev/paused' }),
    kstatus: 'InProgress',
    argo: 'Suspended',
    message: 'rolecall.dev/paused',
  },
  {
    title: 'one that is being deleted',
    object: bare(ready, leaving),
    kstatus: 'Terminating',
    argo: 'Progressing',
    message: 'Applied revision 7',
  },
  {
    title: 'one whose deletion is denied',
    object: withStatus({ is: 'stalled', reason: 'DeletionDenied', message: 'RC205 no owner' }, {}, leaving),
    kstatus: 'Terminating',
    argo: 'Degraded',
    message: 'RC205 no owner',
  },
];

test.each(CASES)('by kstatus $title is $kstatus', ({ object, kstatus: expected }) => {
  expect(kstatus(object)).toBe(expected);
});

describe('the health check for Argo CD in the docs', () => {
  let health: (object: object) => Promise<unknown>;
  let close = () => {};

  beforeAll(async () => {
    const map = DOCUMENTS.find(({ kind }) => kind === 'ConfigMap');
    const rules = parse(map?.data?.['resource.customizations'] ?? '') as Record<
      string,
      { 'health.lua': string }
    >;
    const script = rules['rolecall.dev/*']?.['health.lua'] ?? '';
    const lua = await new LuaFactory().createEngine();
    // Argo CD gives it no more than this.
    await lua.doString('string, math, os, io, utf8, coroutine, debug, require = nil');
    health = (object) => lua.doString(`local obj = ${inLua(object)}\n${script}`);
    close = () => lua.global.close();
  });
  afterAll(() => close());

  test.each(CASES)('takes $title for $argo', async ({ object, argo, message }) => {
    expect(await health(object)).toEqual({ status: argo, message });
  });

  test('needs no status', async () => {
    const { status: _, ...none } = bare({});
    for (const object of [
      none,
      bare({}),
      bare({ observedGeneration: 2 }),
      bare({ observedGeneration: 2, conditions: [] }),
    ])
      expect(await health(object)).toMatchObject({ status: 'Progressing' });
  });
});

describeHelm('the values in the docs', ({ helm }) => {
  const values = DOCUMENTS.flatMap(({ spec }) => spec?.values ?? spec?.source?.helm?.valuesObject ?? []);

  test('are there', () => {
    expect(values).toHaveLength(2);
  });

  test.each(values)('are taken by the chart: %j', async (one) => {
    const { exit, stderr } = await runTool(helm, ['template', 'rolecall', CHART, '--values', '-'], {
      input: JSON.stringify(one),
    });
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  });
});

test('the docs name no value that there is not', () => {
  const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as Record<string, unknown>;
  const named = [...PAGE.matchAll(/`([a-z]\w+(?:\.\w+)*)(?:: [^`]*)?`/g)].map(([, name = '']) =>
    name.split('.'),
  );
  const known = named.filter(([first = '']) => Object.hasOwn(values, first));
  expect(known.length).toBeGreaterThan(10);
  for (const path of known) {
    const at = path.reduce<unknown>(
      (value, name) => (value as Record<string, unknown> | undefined)?.[name],
      values,
    );
    expect(at, path.join('.')).toBeDefined();
  }
});

/** A table of Lua, as Argo CD makes one of an object. */
function inLua(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(inLua).join(', ')}}`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, one]) => `[${JSON.stringify(key)}] = ${inLua(one)}`)
    .join(', ')}}`;
}
