import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Author, History } from '../../src/core/applied.ts';
import type { AuditRow } from '../../src/core/audit.ts';
import { diffFields } from '../../src/core/diff.ts';
import { causeWords, driftOf } from '../../src/core/drift.ts';
import { mayTreatDrift, treatmentOf } from '../../src/core/drift-treatment.ts';
import { canonicalJson } from '../../src/core/hash.ts';
import { lettingBe } from '../../src/core/let-be.ts';
import { changedParts, partOf, withParts } from '../../src/core/part.ts';
import { identityOf, type Manifest, toManifest } from '../../src/core/resource.ts';
import { normalBody } from '../../src/core/stored-manifest.ts';
import { completed } from '../../src/core/unmanaged.ts';
import { kindOf, type Resource } from '../../src/kinds/index.ts';
import { evolve, organisation } from '../support/arbitrary.ts';
import { annotated, declare, leavingOut, store, user } from '../support/resources.ts';

/** One resource before and after some edits. */
const pair: fc.Arbitrary<readonly [Resource, Resource]> = organisation
  .chain((org) => fc.tuple(fc.constant(org), evolve(org)))
  .chain(([org, { resources }]) => {
    const now = new Map(resources.map((one) => [identityOf(one), one]));
    const pairs = org.flatMap((one) => {
      const after = now.get(identityOf(one));
      return after ? [[one, after] as const] : [];
    });
    const differing = pairs.filter(([before, after]) => before !== after);
    return fc.constantFrom(...(differing.length > 0 ? differing : pairs));
  });

const body = (resource: Resource) => canonicalJson(toManifest(resource));

/** The rows of one resource, `undefined` for a payload that is gone, with who wrote each. */
function historyOf(
  manager: string,
  ...rows: readonly (readonly [
    by: Author,
    before: Resource | null | undefined,
    after: Resource | null | undefined,
  ])[]
): History {
  const history = new History(manager);
  for (const [i, [by, before, after]] of rows.entries()) {
    const row: AuditRow = {
      seq: i + 1,
      revision: i + 1,
      at: '2026-06-01T00:00:00.000Z',
      actor: null,
      actorVerified: false,
      action: before === null ? 'create' : after === null ? 'delete' : 'update',
      uid: 'uid',
      identity: 'User//ana',
      before: before ? body(before) : null,
      after: after ? body(after) : null,
      reason: null,
      commit: null,
      pr: null,
      approvers: null,
      verdicts: null,
      payloadHash: '',
      hash: '',
      prevHash: '',
    };
    history.add(row, by);
  }
  return history;
}

const OURS: Author = { manager: 'default', adopts: {} };
const THEIRS: Author = { manager: 'idp', adopts: {} };
const TAKING: Author = { manager: 'idp', adopts: { 'User//ana': 'default' } };

const found = (resource: Resource) => ({
  id: identityOf(resource),
  body: body(resource),
  manager: 'default',
});

test('the parts of two manifests make the one the other', () => {
  fc.assert(
    fc.property(pair, ([before, after]) => {
      const [one, other] = [toManifest(before), toManifest(after)];
      expect(canonicalJson(withParts(one, other, changedParts(one, other)))).toBe(canonicalJson(other));
    }),
  );
  expect(
    ['/spec/notBefore', '/spec/expiresAt/x', '/metadata/labels/a~1b', '/spec/members/User:a'].map(partOf),
  ).toEqual(['/spec/expiresAt', '/spec/expiresAt', '/metadata/labels', '/spec/members']);
});

test('what lacks its defaults, or stands in another order, is the same', () => {
  fc.assert(
    fc.property(organisation, (org) => {
      for (const resource of org) {
        const { unmanaged, lists } = kindOf(resource.kind);
        const entries = Object.entries(resource.spec as object)
          .filter(([field, value]) => JSON.stringify(unmanaged[field]) !== JSON.stringify(value))
          .filter(([field, value]) => !['description', 'labels', 'revoked'].includes(field) || value)
          .map(([field, value]) => {
            const isList = lists.some(({ path }) => path[0] === field && path.length === 1);
            return [field, isList && Array.isArray(value) ? value.toReversed() : value] as const;
          });
        const stored = { ...toManifest(resource), spec: Object.fromEntries(entries.reverse()) };
        expect(normalBody(stored)).toBe(body(resource));
      }
    }),
    { numRuns: 50 },
  );
  expect(normalBody({ ...toManifest(user('ana')), spec: { email: 5 } })).toBe(undefined);
});

test('what drifted is let be, what its author changed is not', () => {
  fc.assert(
    fc.property(pair, fc.gen(), ([applied, actual], g) => {
      const [before, now] = [toManifest(applied), toManifest(actual)];
      const drifted = changedParts(before, now);
      const authored = new Set([...drifted].filter(() => g(fc.boolean)));
      // The author declares some of it as it is now, and leaves some of what is not his out.
      const desired = withParts(before, now, authored);
      const silent = Object.keys(kindOf(applied.kind).unmanaged).filter(() => g(fc.boolean));
      const declaredAs = {
        ...applied,
        metadata: { ...applied.metadata },
        spec: desired.spec,
      } as unknown as Resource;
      const [declared] = declare([leavingOut(declaredAs, ...silent)]);
      const [stored] = store([actual]);
      if (!declared || !stored) throw new Error('nothing declared');
      const history = historyOf('default', [OURS, null, applied], [TAKING, applied, actual]);
      const letBe = lettingBe(declared, stored, history);
      const rest = letBe?.declared ?? declared;
      const planned = toManifest(completed(rest.resource, stored));
      const wanted = toManifest(completed(declared.resource, stored));
      const left = [...changedParts(before, now)].filter((part) => !changedParts(before, wanted).has(part));
      expect(letBe?.parts.map(({ part }) => part) ?? []).toEqual(left.sort());
      expect(canonicalJson(planned)).toBe(canonicalJson(withParts(wanted, now, left)));
      for (const field of rest.declares) expect(declared.declares).toContain(field);
    }),
  );
});

test('an annotation tells how drift is treated, a label or a text does not', () => {
  const drift = (value: string) => annotated(user('ana'), { drift: value });
  const treated = ['enforce', 'report', 'ignore'].map((value) => treatmentOf(toManifest(drift(value))));
  expect(treated).toEqual(['enforce', 'report', 'ignore']);
  expect(treatmentOf(toManifest(user('ana')))).toBe('enforce');
  const said = user('ana', { displayName: '"rolecall.dev/drift":"report"' });
  expect([drift('report'), user('ana'), said].map((one) => mayTreatDrift(body(one)))).toEqual([
    true,
    false,
    false,
  ]);
  const labelled = user('ana', {}, { labels: { 'rolecall.dev/drift': 'report' } });
  expect(treatmentOf(toManifest(labelled))).toBe('enforce');
});

const ana = user('ana');
const moved = user('ana', { email: 'ana@new.example' });
const paths = (history: History, now: Resource) =>
  driftOf(history, found(now))?.map(({ cause, manager, fields }) => [
    cause,
    manager,
    ...fields.map(({ path }) => path),
  ]);

test('what another manager changes without taking it over was not ours', () => {
  const named = user('ana', { displayName: 'Ana' });
  expect(paths(historyOf('default', [OURS, null, ana], [THEIRS, ana, named]), named)).toEqual([]);
  expect(paths(historyOf('default', [OURS, null, ana], [TAKING, ana, named]), named)).toEqual([
    ['manager', 'idp', '/spec/displayName'],
  ]);
});

test('whether it was taken over cannot be told: it counts as such', () => {
  const named = user('ana', { displayName: 'Ana' });
  const unknown = { manager: 'idp', adopts: undefined };
  expect(paths(historyOf('default', [OURS, null, ana], [unknown, ana, named]), named)).toEqual([
    ['manager', 'idp', '/spec/displayName'],
  ]);
});

test('what the manager writes is what it applied last', () => {
  const history = historyOf('default', [OURS, null, ana], [TAKING, ana, moved], [OURS, moved, ana]);
  expect(paths(history, ana)).toEqual([]);
  expect(paths(history, moved)).toEqual([['database', null, '/spec/email']]);
});

test('what was changed in the database before somebody else wrote it is found all the same', () => {
  const service = user('ana', { type: 'Service' });
  const both = user('ana', { type: 'Service', displayName: 'Ana' });
  expect(paths(historyOf('default', [OURS, null, ana], [THEIRS, service, both]), both)).toEqual([
    ['database', null, '/spec/type'],
  ]);
});

test('what a redacted row hides is not guessed', () => {
  expect(driftOf(historyOf('default', [OURS, null, undefined]), found(ana))).toBe(undefined);
  const later = historyOf('default', [OURS, null, ana], [OURS, undefined, undefined], [TAKING, ana, moved]);
  expect(driftOf(later, found(moved))).toBe(undefined);
  const known = historyOf('default', [OURS, null, undefined], [OURS, ana, moved]);
  expect(driftOf(known, found(moved))).toEqual([]);
  // Of what is another manager's only the last row counts.
  const others = historyOf('default', [THEIRS, null, undefined], [THEIRS, ana, moved]);
  expect(paths(others, ana)).toEqual([['database', null, '/spec/email']]);
});

test('what is deleted: by its manager, by another one, in the database', () => {
  const deleted = (by: Author, manager = 'default') =>
    driftOf(historyOf(manager, [OURS, null, ana], [by, ana, null]), undefined)?.map(({ action, cause }) => [
      action,
      cause,
    ]);
  expect(deleted(OURS)).toEqual([]);
  expect(deleted(TAKING)).toEqual([['delete', 'manager']]);
  expect(deleted(TAKING, 'idp')).toEqual([]);
  expect(driftOf(historyOf('idp', [OURS, null, ana]), undefined)).toMatchObject([
    { action: 'delete', cause: 'database', managedBy: 'default' },
  ]);
  expect(driftOf(historyOf('default', [OURS, null, ana], [OURS, ana, null]), found(ana))).toMatchObject([
    { action: 'create', cause: 'database' },
  ]);
});

test('before is what was applied, after what there is', () => {
  const [item] = driftOf(historyOf('default', [OURS, null, ana]), found(moved)) ?? [];
  expect(item?.fields).toEqual(diffFields(toManifest(ana), toManifest(moved)));
});

test('a cause in words', () => {
  const { last } = historyOf('default', [THEIRS, null, ana]);
  expect(causeWords(last)).toBe('by manager idp at 2026-06-01 00:00 UTC');
  expect(causeWords({ ...last, actor: 'cy' })).toBe('by cy (manager idp) at 2026-06-01 00:00 UTC');
});

test('a manifest that is not one is told as it is', () => {
  const broken: Manifest = { ...toManifest(ana), spec: { email: 5 } };
  const [item] =
    driftOf(historyOf('default', [OURS, null, ana]), { ...found(ana), body: JSON.stringify(broken) }) ?? [];
  expect(item?.fields.find(({ path }) => path === '/spec/email')).toMatchObject({ after: 5 });
});
