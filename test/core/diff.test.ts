import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diffFields } from '../../src/core/diff.ts';
import { pointerParts } from '../../src/core/document.ts';
import { canonicalJson } from '../../src/core/hash.ts';
import { toManifest } from '../../src/core/resource.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { evolution } from '../support/arbitrary.ts';
import { annotated, binding, group, make, role, user, workspace } from '../support/resources.ts';

function diff(before: Resource, after: Resource) {
  return diffFields(toManifest(before), toManifest(after));
}

describe('fields that differ', () => {
  test('are named by JSON Pointer, in code-point order', () => {
    expect(
      diff(user('ana'), user('ana', { email: 'ana@new.example', displayName: 'Ana', sponsor: 'bo' })),
    ).toEqual([
      { path: '/spec/displayName', before: '', after: 'Ana' },
      { path: '/spec/email', before: 'ana@acme.example', after: 'ana@new.example' },
      { path: '/spec/sponsor', before: null, after: 'bo' },
    ]);
  });

  test('of a mapping are its members', () => {
    const limits = workspace('acme', { guards: { maxRemovals: '10%' } });
    expect(diff(workspace('acme'), limits)).toEqual([
      { path: '/spec/guards/maxRemovals', before: '25%', after: '10%' },
    ]);
  });

  test('of a list are its entries by key: what comes and goes is whole, what stays is its members', () => {
    const before = group('acme/g', ['ana', { name: 'bo', expiresAt: '2027-01-01' }]);
    const after = group('acme/g', [{ name: 'bo', expiresAt: '2027-02-01' }, 'Group:inner']);
    expect(diff(before, after)).toEqual([
      { path: '/spec/members/Group:inner', before: null, after: { kind: 'Group', name: 'inner' } },
      { path: '/spec/members/User:ana', before: { kind: 'User', name: 'ana' }, after: null },
      {
        path: '/spec/members/User:bo/expiresAt',
        before: '2027-01-01T00:00:00Z',
        after: '2027-02-01T00:00:00Z',
      },
    ]);
  });

  test('are none where only the order of a list is another', () => {
    expect(diff(group('acme/g', ['ana', 'bo']), group('acme/g', ['bo', 'ana']))).toEqual([]);
    expect(
      diff(role('r', { scopes: ['Workspace', 'Source'] }), role('r', { scopes: ['Source', 'Workspace'] })),
    ).toEqual([]);
  });

  test('have keys escaped: resource entries, label keys', () => {
    const on = (...resources: object[]) => binding('acme/b', 'source-admin', ['ana'], { resources });
    expect(
      diff(on({ type: 'Source', id: 'a/b~c' }), on({ type: 'Workspace', labels: { env: 'prod' } })).map(
        ({ path }) => path,
      ),
    ).toEqual(['/spec/resources/Source~1a~1b~0c', '/spec/resources/env=prod']);
    const paused = annotated(user('ana'), { paused: 'true' });
    expect(diff(user('ana'), paused)).toEqual([
      { path: '/metadata/annotations/rolecall.dev~1paused', before: null, after: 'true' },
    ]);
    const labelled = workspace('acme', {}, { labels: { 'example.com/team': 'a' } });
    expect(diff(workspace('acme'), labelled)).toEqual([
      { path: '/metadata/labels/example.com~1team', before: null, after: 'a' },
    ]);
  });

  test('of a policy are its validations by expression', () => {
    const policy = (...validations: object[]) => make('AccessPolicy', 'p', { match: {}, validations });
    const before = policy({ expression: 'a > 1', message: 'x' }, { expression: 'b/c', message: 'y' });
    expect(diff(before, policy({ expression: 'a > 1', message: 'z' }))).toEqual([
      { path: '/spec/validations/a > 1/message', before: 'x', after: 'z' },
      { path: '/spec/validations/b~1c', before: { expression: 'b/c', message: 'y' }, after: null },
    ]);
  });

  test('are none exactly when two normal forms are equal, and say what each had', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(evolution, ({ before, resources: after }) => {
        for (const one of before) {
          for (const other of after.filter(({ kind }) => kind === one.kind)) {
            const fields = diff(one, other);
            const [was, is] = [toManifest(one), toManifest(other)];
            expect(fields.length === 0).toBe(canonicalJson(was) === canonicalJson(is));
            const back = diffFields(is, was);
            expect(back).toEqual(
              fields.map(({ path, before, after }) => ({ path, before: after, after: before })),
            );
            for (const { path, before, after } of fields) {
              expect(canonicalJson(before)).not.toBe(canonicalJson(after));
              expect(['metadata', 'spec']).toContain(pointerParts(path)[0]);
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
