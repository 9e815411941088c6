import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AccessChange, createdAccess, diffAccess } from '../../src/core/access-diff.ts';
import { identityOf } from '../../src/core/resource.ts';
import { createState } from '../../src/core/state.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { evolve, organisation } from '../support/arbitrary.ts';
import { momentsOf } from '../support/effective-access.ts';
import { NOW } from '../support/resources.ts';

const three = organisation.chain((first) =>
  evolve(first).chain((second) => evolve(second.resources).map((third) => ({ first, second, third }))),
);

function diff(before: readonly Resource[], after: readonly Resource[]): AccessChange[] {
  const [was, is] = [createState(before), createState(after)];
  const ids = new Set([...before, ...after].map(identityOf));
  const pairs = [...ids]
    .map((id) => ({ before: was.byId(id) ?? null, after: is.byId(id) ?? null }))
    .filter((pair) => JSON.stringify(pair.before) !== JSON.stringify(pair.after));
  return diffAccess(was, is, pairs, NOW);
}

/** What is gained (1) or lost (-1) at a moment, by line; what cancels out is left out. */
function net(diffs: readonly (readonly AccessChange[])[], moment: number): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { subjectKind, subject, email, workspace, gains, loses } of diffs.flat()) {
    for (const [lines, sign] of [
      [gains, 1],
      [loses, -1],
    ] as const)
      for (const { role, scope, from, until } of lines) {
        const isOpen =
          (from === null || Date.parse(from) <= moment) && (until === null || moment < Date.parse(until));
        if (!isOpen) continue;
        const key = JSON.stringify([subjectKind, subject, email, workspace, role, scope]);
        sums.set(key, (sums.get(key) ?? 0) + sign);
      }
  }
  return new Map([...sums].filter(([, sum]) => sum !== 0).sort());
}

function includes(org: readonly Resource[]): string {
  return JSON.stringify(
    org.map((one) => (one.kind === 'Role' ? [one.metadata.name, one.spec.includes] : [])).sort(),
  );
}

test('what two plans in a row give and take is what one plan from the first to the last does', {
  timeout: 300_000,
}, () => {
  fc.assert(
    fc.property(three, ({ first, second, third }) => {
      // Lines of included roles are told only where includes change; renamed subjects go by their new names.
      fc.pre(second.renamed.size + third.renamed.size === 0);
      fc.pre(includes(first) === includes(second.resources) && includes(first) === includes(third.resources));
      const [one, two] = [diff(first, second.resources), diff(second.resources, third.resources)];
      const both = diff(first, third.resources);
      for (const moment of momentsOf([first, second.resources, third.resources], NOW))
        expect(net([one, two], moment)).toEqual(net([both], moment));
    }),
    { numRuns: process.env.ROLECALL_LONG === '1' ? 10_000 : 300 },
  );
});

test('of what only creates it is told one workspace after the other, and is the same', {
  timeout: 120_000,
}, () => {
  const split = organisation.chain((org) => fc.infiniteStream(fc.boolean()).map((coins) => ({ org, coins })));
  fc.assert(
    fc.property(split, fc.boolean(), ({ org, coins }, isEmpty) => {
      // What nothing refers to may have been missing before.
      const isLate = ({ kind }: Resource) =>
        (kind === 'RoleBinding' || kind === 'Token') && coins.next().value;
      const late = new Set(isEmpty ? org : org.filter(isLate));
      const before = org.filter((one) => !late.has(one));
      const named = (one: Resource) =>
        before.some(
          (other) =>
            other.kind === 'RoleBinding' &&
            other.spec.subjects.some(({ kind, name }) => kind === one.kind && name === one.metadata.name),
        );
      fc.pre([...late].every((one) => one.kind !== 'Token' || !named(one)));
      const [was, is] = [createState(before), createState(org)];
      const held = [...late].map((resource) => ({ id: identityOf(resource), resource }));
      const parts = [...createdAccess(was, is, held, NOW)];
      expect(parts.flat()).toEqual(diff(before, org));
      expect(parts.every((part) => new Set(part.map(({ workspace }) => workspace)).size === 1)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
