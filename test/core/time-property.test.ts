/** What time alone does to access, against the definition: a millisecond before each edge, at it, and a millisecond after. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Subject } from '../../src/core/access.ts';
import { endingWithin } from '../../src/core/horizon.ts';
import { momentsOf } from '../../src/core/moment.ts';
import { createQuestions } from '../../src/core/question.ts';
import { identityOf } from '../../src/core/resource.ts';
import { createState } from '../../src/core/state.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { parseTime } from '../../src/kinds/time.ts';
import { organisation } from '../support/arbitrary.ts';
import { capableAt, roleNames } from '../support/brute-questions.ts';
import { accessAt, holdingKey } from '../support/effective-access.ts';

const LONG = process.env.ROLECALL_LONG === '1';
const RUNS = { numRuns: LONG ? 10_000 : 200 };
const TIMEOUT = LONG ? 3_600_000 : 120_000;
const DAY = 24 * 3_600_000;

/** Found in the text, not by the code that is looked at. */
function edgesOf(org: readonly Resource[]): number[] {
  const texts = JSON.stringify(org).matchAll(/"(?:notBefore|expiresAt)":"([^"]+)"/g);
  return [...new Set([...texts].map(([, text]) => Date.parse(text ?? '')))].sort((a, b) => a - b);
}

function subjectsOf(org: readonly Resource[], workspace: string): Subject[] {
  return org.flatMap(({ kind, metadata: { name, namespace } }): Subject[] => {
    if (kind === 'User') return [{ kind, namespace: undefined, name }];
    return kind === 'Token' && namespace === workspace ? [{ kind, namespace, name }] : [];
  });
}

test('can-i says what the definition says a millisecond before each edge, at it, and after it', {
  timeout: TIMEOUT,
}, () => {
  let turned = 0;
  fc.assert(
    fc.property(organisation, fc.nat(1000), (org, seed) => {
      const state = createState(org);
      const edges = edgesOf(org);
      for (const edge of edges.length === 0 ? [] : [edges[seed % edges.length] ?? 0]) {
        let last: string | undefined;
        for (const at of [edge - 1, edge, edge + 1]) {
          const questions = createQuestions(state, at);
          const capable = capableAt(org, at);
          const all: string[] = [];
          for (const { kind, metadata } of org) {
            if (kind !== 'Workspace') continue;
            const workspace = metadata.name;
            for (const role of roleNames(org)) {
              const expected = [...capable(role, workspace, {})].sort();
              const got = subjectsOf(org, workspace)
                .filter((subject) => questions.can(subject, { role, workspace }).allowed)
                .map((subject) => `${subject.kind} ${subject.name}`);
              expect(got.sort()).toEqual(expected);
              all.push(...got.map((name) => `${workspace} ${role} ${name}`));
            }
          }
          if (last !== undefined && last !== all.join()) turned++;
          last = all.join();
        }
      }
    }),
    RUNS,
  );
  expect(turned).toBeGreaterThan(20);
});

test('what ends within a horizon is what the definition has a millisecond before, and not at the end', {
  timeout: TIMEOUT,
}, () => {
  let ended = 0;
  fc.assert(
    fc.property(organisation, fc.nat(1000), fc.nat(400), (org, seed, days) => {
      const edges = edgesOf(org);
      if (edges.length === 0) return;
      const from = (edges[seed % edges.length] ?? 0) + (seed % 3) - 1;
      const until = from + days * DAY;
      const moments = org.flatMap((one) =>
        momentsOf(one).map((moment) => ({ ...moment, id: identityOf(one) })),
      );
      const got = endingWithin(createState(org), moments, { from, until });
      const expected = edges
        .filter((edge) => edge > from && edge <= until)
        .flatMap((edge) => {
          const after = accessAt(org, new Set(), edge);
          return [...accessAt(org, new Set(), edge - 1).entries()]
            .filter(([key]) => !after.has(key))
            .map(([key, { vias }]) => ({ key: `${edge} ${key}`, vias }));
        });
      const keyOf = (one: (typeof got)[number]) => `${parseTime(one.until)} ${holdingKey(one)}`;
      expect(got.map(keyOf).sort()).toEqual(expected.map(({ key }) => key).sort());
      for (const one of got) expect(expected.find(({ key }) => key === keyOf(one))?.vias).toContain(one.via);
      const times = got.map((one) => parseTime(one.until) ?? 0);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      const workspace = 'acme';
      expect(endingWithin(createState(org), moments, { from, until }, workspace)).toEqual(
        got.filter((one) => one.workspace === workspace),
      );
      ended += got.length;
    }),
    RUNS,
  );
  expect(ended).toBeGreaterThan(100);
});
