import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { toManifest } from '../../src/core/resource.ts';
import { KIND_NAMES, type KindName } from '../../src/kinds/index.ts';
import { organisation } from '../support/arbitrary.ts';
import { describeKube } from '../support/kube-suite.ts';
import { bordersOf } from './borders.ts';
import { acceptedSpecs, casesOf, manifestOf } from './case.ts';
import { hostile } from './hostile.ts';
import { installCrds, judgeByIam, judgeByServer } from './judge.ts';

await describeKube('an API server with the CRDs', (server) => {
  beforeAll(() => installCrds(server()), 120_000);

  /** What is wrong where the two do not say the same, or not what is expected. */
  async function disagreement(
    kind: KindName,
    manifest: Readonly<Record<string, unknown>>,
    expected?: 'accepted' | 'refused',
  ): Promise<string | undefined> {
    const [iam, real] = [judgeByIam(manifest), await judgeByServer(server(), kind, manifest)];
    return iam.verdict === real.verdict && iam.verdict === (expected ?? iam.verdict)
      ? undefined
      : `iam: ${iam.verdict} ${iam.message}\nserver: ${real.verdict} ${real.message}`;
  }

  describe.each(KIND_NAMES)('judges a %s as the table says', (kind) => {
    test.each(casesOf(kind))('$server: $title', async ({ manifest, server: expected, word }) => {
      const { verdict, message } = await judgeByServer(server(), kind, manifest);
      expect(verdict, message).toBe(expected);
      expect(message.toLowerCase()).toContain(word?.toLowerCase() ?? '');
    });
  });

  test.each(KIND_NAMES)('judges as iam does at every border of a %s', async (kind) => {
    const wrong: string[] = [];
    for (const { title, spec, expected } of borders(kind)) {
      const found = await disagreement(kind, manifestOf(kind, spec), expected);
      if (found) wrong.push(`${title}\n${found}`);
    }
    expect(wrong).toEqual([]);
  });

  test.each(KIND_NAMES)('judges as iam does a %s with texts that can be anything', async (kind) => {
    await fc.assert(
      fc.asyncProperty(hostile(acceptedSpecs(kind)), async (spec) => {
        expect(await disagreement(kind, manifestOf(kind, spec))).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test('takes every organisation that iam takes, as it is exported', async () => {
    await fc.assert(
      fc.asyncProperty(organisation, async (resources) => {
        for (const resource of resources) {
          const found = await disagreement(resource.kind, { ...toManifest(resource) }, 'accepted');
          expect(found).toBeUndefined();
        }
      }),
      { numRuns: 30 },
    );
  });

  test('allows what its rules cost in large objects', async () => {
    const window = {
      notBefore: '2026-12-01T00:00:00.123456789+01:00',
      expiresAt: '2027-01-31T18:00:00.5-01:00',
    };
    const long = (i: number) => `x${String(i).padStart(61, '0')}`;
    const members = Array.from({ length: 1000 }, (_, i) => ({
      kind: 'Group',
      name: `${long(i)}z`,
      ...window,
    }));
    const labels = (i: number) =>
      Object.fromEntries(Array.from({ length: 10 }, (_, k) => [`k${k}-${'x'.repeat(58)}`, long(i)]));
    const ids = Array.from({ length: 200 }, (_, i) => ({
      type: 'Source',
      id: `${'é'.repeat(97)}${100 + i}`,
    }));
    const narrow = Array.from({ length: 200 }, (_, i) => ({ type: 'Workspace', labels: labels(i) }));
    const binding = (resources: unknown) => ({
      role: 'r',
      subjects: members.map(({ name }) => ({ name })),
      resources,
      reason: 'é'.repeat(1024),
      ...window,
    });
    const identities = Array.from({ length: 20 }, (_, i) => ({
      provider: `${i}`.repeat(100),
      subject: 'é'.repeat(256),
    }));
    for (const [kind, spec] of [
      ['Group', { displayName: 'é'.repeat(256), description: 'é'.repeat(4096), members }],
      ['RoleBinding', binding(ids)],
      ['RoleBinding', binding(narrow)],
      ['User', { email: `${'é'.repeat(252)}@b`, displayName: 'é'.repeat(256), identities, ...window }],
    ] as const)
      expect(await disagreement(kind, manifestOf(kind, spec), 'accepted')).toBeUndefined();
  });
});

/** Of every spec that the table accepts. */
function borders(kind: KindName) {
  const all = acceptedSpecs(kind).flatMap((spec) => bordersOf(kind, spec));
  return new Map(all.map((border) => [JSON.stringify(border.spec), border])).values();
}
