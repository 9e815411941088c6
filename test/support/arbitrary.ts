import fc from 'fast-check';
import { type Identity, identityOf } from '../../src/core/resource.ts';
import { createState } from '../../src/core/state.ts';
import { checkState } from '../../src/core/validate.ts';
import { CATALOGUE } from '../../src/kinds/catalogue.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { edit } from './edit.ts';
import { grantSpec, roleSpec, tokenSpec, userSpec, window } from './random-spec.ts';
import { binding, group, make, role, token, user, workspace } from './resources.ts';
import { Tape } from './tape.ts';

const USERS = ['ana', 'bo', 'cy', 'dee', 'eli'];
const ROLES = ['boss', 'keeper', 'reader'];
const GROUPS = ['outer', 'middle', 'inner', 'leaf'];
const BUILT_IN = ['workspace-owner', 'workspace-member', 'source-admin', 'function-read-only', 'pii-access'];

/** A second organisation, and what it calls those of the first that it renames: identity → identity. */
export interface Evolved {
  readonly resources: Resource[];
  readonly renamed: ReadonlyMap<Identity, Identity>;
}

/** Small organisations in normal form that break no rule across resources. */
export const organisation: fc.Arbitrary<Resource[]> = tape(400).map(build);

/** A second valid organisation, made of the first by a few edits: add, remove, change, rename. */
export function evolve(org: readonly Resource[]): fc.Arbitrary<Evolved> {
  return tape(60).map((values) => evolved(org, values));
}

/** An organisation and what becomes of it. */
export const evolution: fc.Arbitrary<{ before: Resource[] } & Evolved> = fc
  .tuple(tape(400), tape(60))
  .map(([first, second]) => {
    const before = build(first);
    return { before, ...evolved(before, second) };
  });

function tape(maxLength: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength, size: 'max' });
}

function build(values: Uint8Array): Resource[] {
  const tape = new Tape(values);
  const users = USERS.slice(0, 2 + tape.below(4)).map((name, i) =>
    user(name, userSpec(tape, USERS.slice(0, i))),
  );
  const names = users.map(({ metadata }) => metadata.name);
  const roles = ROLES.slice(tape.below(4)).map((name, i, all) =>
    role(name, roleSpec(tape, all.slice(i + 1))),
  );
  const workspaces = [
    workspace('acme', {
      tier: 'Business',
      owners: { required: tape.some(names, 1).map((name) => ({ name })) },
    }),
    workspace('beta', { tier: tape.pick(['Business', 'Team', 'Free']) }),
    ...(tape.chance(3) ? [workspace('corp', { tier: 'Free' })] : []),
  ];
  const policy = make('AccessPolicy', 'fine', {
    match: { on: 'Grant', ...(roles[0] ? { roles: [roles[0].metadata.name] } : {}) },
    validations: [{ expression: 'true', message: 'never' }],
  });
  return [
    ...workspaces,
    ...users,
    ...roles,
    ...(tape.chance(3) ? [policy] : []),
    ...workspaces.flatMap((place) => contents(tape, place, names, [...roles, ...builtIn()])),
  ];
}

function builtIn(): Resource<'Role'>[] {
  return BUILT_IN.flatMap((name) => CATALOGUE.get(name) ?? []);
}

function contents(
  tape: Tape,
  place: Resource<'Workspace'>,
  users: readonly string[],
  roles: readonly Resource<'Role'>[],
): Resource[] {
  const where = place.metadata.name;
  const { tier } = place.spec;
  const fitting = roles.filter(({ spec }) => spec.minimumTier === 'Free' || tier === 'Business');
  const groupNames = tier === 'Business' ? GROUPS.slice(0, tape.below(5)) : [];
  const groups = groupNames.map((name, i) =>
    group(`${where}/${name}`, [
      ...tape.some(users, 2).map((name) => ({ kind: 'User', name, ...(tape.chance(3) ? window(tape) : {}) })),
      ...tape
        .some(groupNames.slice(i + 1), 2)
        .map((name) => ({ kind: 'Group', name, ...(tape.chance(4) ? window(tape) : {}) })),
    ]),
  );
  const whole = fitting
    .filter(({ spec }) => spec.scopes.includes('Workspace'))
    .map(({ metadata }) => metadata.name);
  const tokens = ['bot', 'ci']
    .slice(tape.below(3))
    .map((name) => token(`${where}/${name}`, tape.one(users) ?? '', tokenSpec(tape, whole)));
  const subjects = [
    ...users,
    ...groupNames.map((name) => `Group:${name}`),
    ...tokens.map(({ metadata }) => `Token:${metadata.name}`),
  ];
  const bindings = ['b1', 'b2', 'b3', 'b4', 'b5'].slice(tape.below(6)).flatMap((name) => {
    const granted = tape.one(fitting);
    const some = new Set([tape.one(subjects) ?? '', ...tape.some(subjects, 2)]);
    return granted
      ? [binding(`${where}/${name}`, granted.metadata.name, [...some], grantSpec(tape, granted, tier))]
      : [];
  });
  return [...groups, ...tokens, ...bindings];
}

function evolved(org: readonly Resource[], values: Uint8Array): Evolved {
  const tape = new Tape(values);
  // Names that were ever taken are not given again: "renamed" and "removed, then made anew" must stay two things.
  const taken = new Set(org.map(identityOf));
  let result: Evolved = { resources: [...org], renamed: new Map() };
  while (!tape.ended) {
    const next = edit(tape, result, taken);
    if (!next || checkState(createState(next.resources)).length > 0) continue;
    result = next;
    for (const resource of next.resources) taken.add(identityOf(resource));
  }
  const left = new Set(result.resources.map(identityOf));
  return { ...result, renamed: new Map([...result.renamed].filter(([, now]) => left.has(now))) };
}
