import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AccessChange, diffAccess, type ResourceChange } from '../../src/core/access-diff.ts';
import { type Identity, identityOf } from '../../src/core/resource.ts';
import { createState } from '../../src/core/state.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { evolution } from '../support/arbitrary.ts';
import { accessAt, allIncludes, holdingKey, momentsOf } from '../support/effective-access.ts';
import { binding, group, NOW, role, token, user, workspace } from '../support/resources.ts';

const acme = workspace('acme');
const ana = user('ana');
const bo = user('bo');

/** Old identity → new identity. */
type Renamed = ReadonlyMap<Identity, Identity>;

function changesBetween(
  before: readonly Resource[],
  after: readonly Resource[],
  renamed: Renamed,
): ResourceChange[] {
  const now = new Map(after.map((one) => [identityOf(one), one]));
  const pairs = before.map((one): ResourceChange => {
    const id = renamed.get(identityOf(one)) ?? identityOf(one);
    const pair = { before: one, after: now.get(id) ?? null };
    now.delete(id);
    return pair;
  });
  return [...pairs, ...[...now.values()].map((one) => ({ before: null, after: one }))].filter(
    ({ before, after }) => JSON.stringify(before) !== JSON.stringify(after),
  );
}

function diff(
  before: readonly Resource[],
  after: readonly Resource[],
  renamed: Renamed = new Map(),
): AccessChange[] {
  return diffAccess(createState(before), createState(after), changesBetween(before, after, renamed), NOW);
}

/** `ana@acme.example in acme: + reader on Workspace, direct by b, from … until …`: one line for each gain and loss. */
function told(changes: readonly AccessChange[]): string[] {
  return changes.flatMap(({ subjectKind, subject, email, workspace, gains, loses }) =>
    [...gains.map((line) => ['+', line] as const), ...loses.map((line) => ['-', line] as const)].map(
      ([sign, line]) => {
        const who = subjectKind === 'Token' ? `token ${subject}` : email;
        const times = [line.from && `from ${line.from}`, line.until && `until ${line.until}`].filter(Boolean);
        return [
          `${who} in ${workspace}: ${sign} ${line.role} on ${line.scope}`,
          `${line.via} by ${line.binding}`,
          ...times,
        ].join(', ');
      },
    ),
  );
}

describe('a window', () => {
  const until = (expiresAt?: string, notBefore?: string) => [
    acme,
    ana,
    binding('acme/b', 'workspace-member', ['ana'], {
      ...(expiresAt ? { expiresAt } : {}),
      ...(notBefore ? { notBefore } : {}),
    }),
  ];

  test('that grows is a gain of the new part', () => {
    expect(told(diff(until('2026-07-01'), until('2026-08-01')))).toEqual([
      'ana@acme.example in acme: + workspace-member on Workspace, direct by b, from 2026-07-01T00:00:00Z, until 2026-08-01T00:00:00Z',
    ]);
  });

  test('that loses its end is a gain without an end', () => {
    expect(told(diff(until('2026-07-01'), until()))).toEqual([
      'ana@acme.example in acme: + workspace-member on Workspace, direct by b, from 2026-07-01T00:00:00Z',
    ]);
  });

  test('that shrinks is a loss of the old part', () => {
    expect(told(diff(until('2026-08-01'), until('2026-07-01')))).toEqual([
      'ana@acme.example in acme: - workspace-member on Workspace, direct by b, from 2026-07-01T00:00:00Z, until 2026-08-01T00:00:00Z',
    ]);
  });

  test('that moves is both', () => {
    expect(told(diff(until('2026-08-01', '2026-07-01'), until('2026-09-01', '2026-08-01')))).toEqual([
      'ana@acme.example in acme: + workspace-member on Workspace, direct by b, from 2026-08-01T00:00:00Z, until 2026-09-01T00:00:00Z',
      'ana@acme.example in acme: - workspace-member on Workspace, direct by b, from 2026-07-01T00:00:00Z, until 2026-08-01T00:00:00Z',
    ]);
  });

  test('changed in the past only is no change of access', () => {
    expect(diff(until('2026-04-01'), until('2026-05-01'))).toEqual([]);
    expect(diff(until(undefined, '2026-04-01'), until())).toEqual([]);
  });

  test('on the path of a membership and of a contract counts too', () => {
    const org = (contract: object, member: object) => [
      acme,
      user('ana', contract),
      group('acme/g', [{ name: 'ana', ...member }]),
      binding('acme/b', 'workspace-member', ['Group:g'], { expiresAt: '2026-09-01' }),
    ];
    expect(told(diff(org({}, {}), org({ expiresAt: '2026-08-01' }, { notBefore: '2026-07-01' })))).toEqual([
      'ana@acme.example in acme: - workspace-member on Workspace, group:g by b, until 2026-07-01T00:00:00Z',
      'ana@acme.example in acme: - workspace-member on Workspace, group:g by b, from 2026-08-01T00:00:00Z, until 2026-09-01T00:00:00Z',
    ]);
  });
});

describe('another path', () => {
  const direct = binding('acme/direct', 'workspace-member', ['ana']);
  const through = [group('acme/g', ['ana']), binding('acme/through', 'workspace-member', ['Group:g'])];

  test('to the same access is neither gain nor loss', () => {
    expect(diff([acme, ana, direct], [acme, ana, direct, ...through])).toEqual([]);
    expect(diff([acme, ana, direct, ...through], [acme, ana, ...through])).toEqual([]);
  });

  test('is not what a gain names while there is a shorter one', () => {
    const groups = [group('acme/inner', ['ana']), group('acme/outer', ['Group:inner'])];
    const bound = binding('acme/b', 'workspace-member', ['Group:outer']);
    expect(told(diff([acme, ana], [acme, ana, ...groups, bound]))).toEqual([
      'ana@acme.example in acme: + workspace-member on Workspace, group:outer>inner by b',
    ]);
    expect(told(diff([acme, ana], [acme, ana, ...groups, bound, direct]))).toEqual([
      'ana@acme.example in acme: + workspace-member on Workspace, direct by direct',
    ]);
  });

  test('is the same access where the windows of both meet', () => {
    const early = binding('acme/early', 'workspace-member', ['ana'], { expiresAt: '2026-08-01' });
    const late = binding('acme/late', 'workspace-member', ['ana'], { notBefore: '2026-07-01' });
    expect(diff([acme, ana, direct], [acme, ana, early, late])).toEqual([]);
  });
});

describe('a person', () => {
  const org = (who: Resource) => [
    acme,
    who,
    group('acme/g', ['ana']),
    binding('acme/b', 'workspace-member', ['Group:g']),
  ];

  test('with another address: the old one loses all, the new one gains all', () => {
    expect(told(diff(org(ana), org(user('ana', { email: 'ana@new.example' }))))).toEqual([
      'ana@acme.example in acme: - workspace-member on Workspace, group:g by b',
      'ana@new.example in acme: + workspace-member on Workspace, group:g by b',
    ]);
  });

  test('suspended loses all, and gains it again', () => {
    const suspended = user('ana', { state: 'Suspended' });
    expect(told(diff(org(ana), org(suspended)))).toEqual([
      'ana@acme.example in acme: - workspace-member on Workspace, group:g by b',
    ]);
    expect(told(diff(org(suspended), org(ana)))).toEqual([
      'ana@acme.example in acme: + workspace-member on Workspace, group:g by b',
    ]);
  });

  test('under another name has the same access', () => {
    const renamed = new Map([['User//bo', 'User//ana']]);
    const before = [
      acme,
      user('bo', { email: 'ana@acme.example' }),
      group('acme/g', ['bo']),
      binding('acme/b', 'workspace-member', ['Group:g', 'bo']),
    ];
    const after = [...org(ana).slice(0, 3), binding('acme/b', 'workspace-member', ['Group:g', 'ana'])];
    expect(diff(before, after, renamed)).toEqual([]);
  });
});

describe('a token', () => {
  const org = (owner: Resource, spec: object = {}) => [
    acme,
    owner,
    token('acme/ci', 'ana', spec),
    binding('acme/b', 'source-admin', ['Token:ci']),
  ];

  test('has its own role and what it is bound to', () => {
    expect(told(diff([acme, ana], org(ana)))).toEqual([
      'token ci in acme: + source-admin on Workspace, direct by b',
      'token ci in acme: + workspace-member on Workspace, direct by token/ci',
    ]);
  });

  test.each([
    ['its owner is suspended', org(user('ana', { state: 'Suspended' }))],
    ["its owner's contract is over", org(user('ana', { expiresAt: '2026-05-01' }))],
    ['it is revoked', org(ana, { revoked: true })],
    ['it has expired', org(ana, { expiresAt: '2026-06-01' })],
  ])('has nothing once %s', (_, after) => {
    expect(told(diff(org(ana), after)).filter((line) => line.startsWith('token'))).toEqual([
      'token ci in acme: - source-admin on Workspace, direct by b',
      'token ci in acme: - workspace-member on Workspace, direct by token/ci',
    ]);
  });
});

describe('a role', () => {
  const org = (includes: readonly string[], name = 'boss') => [
    acme,
    ana,
    bo,
    role('reader'),
    role('writer', { includes: ['reader'] }),
    role(name, { includes }),
    group('acme/g', ['ana']),
    binding('acme/b', name, ['Group:g']),
    binding('acme/c', 'reader', ['bo']),
  ];

  test('that includes more gives each holder what it now includes, transitively', () => {
    expect(told(diff(org([]), org(['writer'])))).toEqual([
      'ana@acme.example in acme: + reader on Workspace, group:g>role:boss by b',
      'ana@acme.example in acme: + writer on Workspace, group:g>role:boss by b',
    ]);
  });

  test('that includes less takes it', () => {
    expect(told(diff(org(['writer']), org(['reader'])))).toEqual([
      'ana@acme.example in acme: - writer on Workspace, group:g>role:boss by b',
    ]);
  });

  test('includes more through what it includes', () => {
    const before = [...org(['writer']).filter((one) => one.metadata.name !== 'writer'), role('writer')];
    expect(told(diff(before, org(['writer'])))).toEqual([
      'ana@acme.example in acme: + reader on Workspace, group:g>role:boss by b',
    ]);
  });

  test('that the holder has by another path too is neither', () => {
    const own = binding('acme/own', 'reader', ['ana']);
    expect(diff([...org([]), own], [...org(['reader']), own])).toEqual([]);
  });

  test('that the holder has through a second role that includes it is neither', () => {
    const second = [role('second', { includes: ['reader'] }), binding('acme/own', 'second', ['ana'])];
    expect(diff([...org(['reader']), ...second], [...org([]), ...second])).toEqual([]);
  });

  test('under another name is the same role', () => {
    expect(diff(org(['writer']), org(['writer'], 'chief'), new Map([['Role//boss', 'Role//chief']]))).toEqual(
      [],
    );
  });

  test('that is not among the changes but named anew is a gain and a loss', () => {
    const before = [acme, ana, binding('acme/b', 'source-admin', ['ana'])];
    expect(told(diff(before, [acme, ana, binding('acme/b', 'workspace-member', ['ana'])]))).toEqual([
      'ana@acme.example in acme: + workspace-member on Workspace, direct by b',
      'ana@acme.example in acme: - source-admin on Workspace, direct by b',
    ]);
  });
});

/** Roles that a role of both organisations included or includes, but not both, by their names before and after. */
function spreadOf(before: readonly Resource[], after: readonly Resource[], renamed: Renamed) {
  const now = (name: string) => renamed.get(`Role//${name}`)?.split('/')[2] ?? name;
  const then = (name: string) =>
    [...renamed].find(([id, to]) => id.startsWith('Role/') && to.split('/')[2] === name)?.[0].split('/')[2] ??
    name;
  const spread = { before: new Set<string>(), after: new Set<string>() };
  for (const { kind, metadata } of before) {
    if (
      kind !== 'Role' ||
      !after.some((one) => one.kind === 'Role' && one.metadata.name === now(metadata.name))
    )
      continue;
    const was = new Set([...allIncludes(before, metadata.name)].map(now));
    for (const moved of was.symmetricDifference(allIncludes(after, now(metadata.name)))) {
      spread.before.add(then(moved));
      spread.after.add(moved);
    }
  }
  return spread;
}

/** The lines of one sign that hold at a moment. */
function linesAt(changes: readonly AccessChange[], sign: 'gains' | 'loses', moment: number) {
  return changes.flatMap(({ gains, loses, ...who }) =>
    (sign === 'gains' ? gains : loses)
      .filter(
        ({ from, until }) =>
          (from === null || Date.parse(from) <= moment) && (until === null || moment < Date.parse(until)),
      )
      .map((line) => ({ key: holdingKey({ ...who, ...line }), via: line.via })),
  );
}

describe('for any two organisations', () => {
  const runs = { numRuns: 2500 };

  test('gains and losses are the difference of effective access at every moment', () => {
    fc.assert(
      fc.property(evolution, ({ before, resources: after, renamed }) => {
        const changes = diff(before, after, renamed);
        const spread = spreadOf(before, after, renamed);
        const nameNow = (kind: 'User' | 'Token' | 'Role', place: string, name: string) =>
          renamed.get(`${kind}/${place}/${name}`)?.split('/')[2] ?? name;
        for (const moment of momentsOf([before, after], NOW)) {
          const had = new Set(
            [...accessAt(before, spread.before, moment).values()].map(({ holding }) => {
              const subject = nameNow(
                holding.subjectKind,
                holding.subjectKind === 'User' ? '' : holding.workspace,
                holding.subject,
              );
              return holdingKey({ ...holding, subject, role: nameNow('Role', '', holding.role) });
            }),
          );
          const has = accessAt(after, spread.after, moment);
          const gained = linesAt(changes, 'gains', moment);
          expect(gained.map(({ key }) => key).sort()).toEqual(
            [...has.keys()].filter((key) => !had.has(key)).sort(),
          );
          expect(
            linesAt(changes, 'loses', moment)
              .map(({ key }) => key)
              .sort(),
          ).toEqual([...had].filter((key) => !has.has(key)).sort());
        }
      }),
      runs,
    );
  });

  test('a gain names the shortest of the paths that lead to it while it lasts', () => {
    fc.assert(
      fc.property(evolution, ({ before, resources: after, renamed }) => {
        const spread = spreadOf(before, after, renamed).after;
        const moments = momentsOf([before, after], NOW).map((moment) => ({
          moment,
          access: accessAt(after, spread, moment),
        }));
        for (const { gains, loses: _, ...who } of diff(before, after, renamed)) {
          for (const line of gains) {
            const lasting = moments.filter(
              ({ moment }) =>
                (line.from === null || Date.parse(line.from) <= moment) &&
                (line.until === null || moment < Date.parse(line.until)),
            );
            const vias = new Set(
              lasting.flatMap(({ access }) => [...(access.get(holdingKey({ ...who, ...line }))?.vias ?? [])]),
            );
            const length = (via: string) =>
              (via.includes('>role:') ? 100 : 0) +
              (via.startsWith('direct') ? 0 : (via.split('>role:')[0]?.split('>').length ?? 0));
            expect(vias).toContain(line.via);
            expect(length(line.via)).toBe(Math.min(...[...vias].map(length)));
          }
        }
      }),
      runs,
    );
  });

  test('lines are whole: none of one access touches another; they stand in one order', () => {
    fc.assert(
      fc.property(evolution, fc.infiniteStream(fc.nat()), ({ before, resources: after, renamed }, noise) => {
        const changes = changesBetween(before, after, renamed);
        const result = diffAccess(createState(before), createState(after), changes, NOW);
        const shuffled = changes
          .map((change) => ({ change, at: noise.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at);
        const again = diffAccess(
          createState(before.toReversed()),
          createState(after.toReversed()),
          shuffled.map(({ change }) => change),
          NOW,
        );
        expect(again).toEqual(result);
        for (const { gains, loses } of result) {
          expect(gains.length + loses.length).toBeGreaterThan(0);
          for (const lines of [gains, loses]) {
            const ends = lines.map(({ role, scope, until }) => JSON.stringify([role, scope, until]));
            for (const { role, scope, from } of lines)
              if (from !== null) expect(ends).not.toContain(JSON.stringify([role, scope, from]));
          }
        }
      }),
      runs,
    );
  });
});
