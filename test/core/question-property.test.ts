/** The answers to questions against a definition that has neither index nor optimisation. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Subject } from '../../src/core/access.ts';
import { createGrantFacts } from '../../src/core/grant-facts.ts';
import { createQuestions, type Target } from '../../src/core/question.ts';
import { createState } from '../../src/core/state.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { organisation } from '../support/arbitrary.ts';
import { type BruteTarget, capableAt, pathsOf, roleNames } from '../support/brute-questions.ts';
import { momentsOf } from '../support/effective-access.ts';
import { binding } from '../support/resources.ts';

const LONG = process.env.ROLECALL_LONG === '1';
const RUNS = { numRuns: LONG ? 10_000 : 300 };
const TIMEOUT = LONG ? 3_600_000 : 120_000;
const BEGIN = Date.parse('2026-03-01T00:00:00Z');

const TARGETS: readonly (Target & BruteTarget)[] = [
  {},
  { resource: { type: 'Source', id: 'web' } },
  { resource: { type: 'Source', id: 'a/b c' } },
  { resource: { type: 'Source', id: 'other' } },
  { resource: { type: 'Space', id: 'web' } },
  { labels: { env: 'prod' } },
  { labels: { env: 'dev' } },
  { resource: { type: 'Source', id: 'web' }, labels: { env: 'prod', tier: 'gold' } },
  { resource: { type: 'Source', id: 'other' }, labels: { env: 'dev' } },
];

function subjectsOf(org: readonly Resource[]): Subject[] {
  return org.flatMap(({ kind, metadata: { name, namespace } }): Subject[] =>
    kind === 'User'
      ? [{ kind, namespace: undefined, name }]
      : kind === 'Token'
        ? [{ kind, namespace, name }]
        : [],
  );
}

function workspacesOf(org: readonly Resource[]): string[] {
  return org.filter(({ kind }) => kind === 'Workspace').map(({ metadata }) => metadata.name);
}

/** A few of many, other ones each time. */
function some<T>(values: readonly T[], seed: number, most: number): T[] {
  if (values.length <= most) return [...values];
  return Array.from({ length: most }, (_, i) => values[(seed + i * 7) % values.length] as T);
}

test('can-i and who-can say what the definition says, at every moment', { timeout: TIMEOUT }, () => {
  let yes = 0;
  let no = 0;
  fc.assert(
    fc.property(organisation, fc.nat(1000), (org, seed) => {
      const state = createState(org);
      const subjects = subjectsOf(org);
      for (const at of some(momentsOf([org], BEGIN), seed, 3)) {
        const questions = createQuestions(state, at);
        const capable = capableAt(org, at);
        for (const workspace of workspacesOf(org)) {
          const inside = subjects.filter(({ namespace = workspace }) => namespace === workspace);
          for (const role of roleNames(org)) {
            for (const target of some(TARGETS, seed, 3)) {
              const question = { role, workspace, ...target };
              const expected = capable(role, workspace, target);
              const got = inside.map((subject) => questions.can(subject, question));
              const names = got
                .filter(({ allowed }) => allowed)
                .map(({ subject }) => `${subject.kind} ${subject.name}`);
              expect(new Set(names)).toEqual(expected);
              yes += names.length;
              no += got.length - names.length;
              for (const { allowed, bars, grants } of got) {
                expect(bars.length > 0).toBe(!allowed);
                expect(bars.length).toBeLessThanOrEqual(2);
                if (allowed) expect(grants.length).toBeGreaterThan(0);
              }
              const who = questions.whoCan(question);
              expect(
                new Set(
                  who
                    .filter(({ allowed }) => allowed)
                    .map(({ subject }) => `${subject.kind} ${subject.name}`),
                ),
              ).toEqual(expected);
            }
          }
        }
      }
    }),
    RUNS,
  );
  expect(yes).toBeGreaterThan(1000);
  expect(no).toBeGreaterThan(1000);
});

test('a no that names a moment is right about it', { timeout: TIMEOUT }, () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(organisation, fc.nat(1000), (org, seed) => {
      const state = createState(org);
      for (const at of some(momentsOf([org], BEGIN), seed, 2)) {
        for (const workspace of workspacesOf(org)) {
          for (const subject of subjectsOf(org).filter(
            ({ namespace = workspace }) => namespace === workspace,
          )) {
            for (const role of some(roleNames(org), seed, 6)) {
              for (const target of some(TARGETS, seed, 2)) {
                const question = { role, workspace, ...target };
                const [bar] = createQuestions(state, at).can(subject, question).bars;
                if (!bar) continue;
                seen.add(bar.is);
                const allowedAt = (time: number) =>
                  createQuestions(state, time).can(subject, question).allowed;
                if (bar.is === 'begins') {
                  expect(bar.at).toBeGreaterThan(at);
                  expect(allowedAt(bar.at)).toBe(!bar.part);
                }
                if (bar.is === 'ended') {
                  expect(bar.at).toBeLessThanOrEqual(at);
                  if (bar.grant.enabled) expect(allowedAt(bar.at - 1)).toBe(!bar.part);
                }
              }
            }
          }
        }
      }
    }),
    RUNS,
  );
  expect(seen).toEqual(
    new Set([
      'no grant',
      'suspended',
      'revoked',
      'owner suspended',
      'owner ended',
      'ended',
      'begins',
      'only',
      ...seen,
    ]),
  );
});

test('why lists exactly the paths that there are, each as it is then', { timeout: TIMEOUT }, () => {
  let paths = 0;
  fc.assert(
    fc.property(organisation, fc.nat(1000), (org, seed) => {
      const state = createState(org);
      const expected = pathsOf(org);
      const off = new Map<string, string>();
      for (const one of org) {
        if (one.kind === 'User' && one.spec.state === 'Suspended')
          off.set(`User ${one.metadata.name}`, 'Suspended');
        if (one.kind !== 'Token') continue;
        const owner = state.get('User', undefined, one.spec.owner);
        const id = `Token ${one.metadata.namespace}/${one.metadata.name}`;
        if (owner?.spec.state === 'Suspended') off.set(id, 'Suspended');
        if (one.spec.revoked) off.set(id, 'Revoked');
      }
      for (const at of some(momentsOf([org], BEGIN), seed, 4)) {
        const facts = createGrantFacts(state, at);
        for (const subject of subjectsOf(org)) {
          const id = `${subject.kind} ${subject.namespace === undefined ? '' : `${subject.namespace}/`}${subject.name}`;
          const grants = createQuestions(state, at).why(subject, undefined, {}).map(facts);
          const got = grants.map(
            ({ workspace, role, scope, via, binding: name, state: now }) =>
              `${[workspace, role, scope, via, name].join(' | ')}: ${now.slice(0, 4)}`,
          );
          const want = expected
            .filter((path) => path.subject === id)
            .map(({ key, from, until }) => {
              const now = until <= at ? 'Expired' : (off.get(id) ?? (from > at ? 'From' : 'Active'));
              return `${key}: ${now.slice(0, 4)}`;
            });
          expect(got.toSorted()).toEqual(want.sort());
          paths += got.length;
          const workspaces = grants.map(({ workspace }) => workspace);
          expect(workspaces).toEqual(workspaces.toSorted());
        }
      }
    }),
    RUNS,
  );
  expect(paths).toBeGreaterThan(1000);
});

test('another binding takes no yes away', { timeout: TIMEOUT }, () => {
  fc.assert(
    fc.property(organisation, fc.nat(1000), (org, seed) => {
      const [workspace = ''] = workspacesOf(org);
      const subjects = subjectsOf(org).filter(({ namespace = workspace }) => namespace === workspace);
      const [role = ''] = some(roleNames(org), seed, 1);
      const [{ kind, name } = { kind: 'User', name: '' }] = some(subjects, seed, 1);
      const wider = [...org, binding(`${workspace}/wider`, role, [`${kind}:${name}`])];
      const [at = BEGIN] = some(momentsOf([org], BEGIN), seed, 1);
      const [before, after] = [
        createQuestions(createState(org), at),
        createQuestions(createState(wider), at),
      ];
      for (const subject of subjects)
        for (const asked of roleNames(org))
          for (const target of TARGETS) {
            const question = { role: asked, workspace, ...target };
            if (before.can(subject, question).allowed)
              expect(after.can(subject, question).allowed).toBe(true);
          }
    }),
    RUNS,
  );
});
