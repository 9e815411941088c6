import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kindIn, REFERS_TO, targetsOf } from '../../src/core/resource.ts';
import { KIND_NAMES } from '../../src/kinds/index.ts';
import { organisation } from '../support/arbitrary.ts';

test('each kind refers to the kinds that it is said to, and to no other', { timeout: 60_000 }, () => {
  const found = new Set<string>();
  fc.assert(
    fc.property(organisation, (org) => {
      for (const one of org) for (const target of targetsOf(one)) found.add(`${one.kind} ${kindIn(target)}`);
    }),
    { numRuns: 1000 },
  );
  const said = KIND_NAMES.flatMap((kind) => REFERS_TO[kind].map((to) => `${kind} ${to}`));
  expect([...found].sort()).toEqual(said.sort());
});
