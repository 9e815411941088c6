import { API_VERSION } from '../../src/kinds/index.ts';
import type { Tape } from './tape.ts';

/** A person as his manifest has him. */
interface Person {
  readonly name: string;
  readonly previous?: string;
  readonly email: string;
  readonly displayName: string;
  readonly suspended: boolean;
}

interface Team {
  readonly workspace: string;
  readonly name: string;
  readonly previous?: string;
  readonly description: string;
  readonly members: readonly string[];
}

interface Binding {
  readonly workspace: string;
  readonly name: string;
  readonly role: string;
  readonly people: readonly string[];
  readonly teams: readonly string[];
  readonly reason: string;
}

/**
 * An organisation that manifests are written from. `count` numbers what is new, so that no name or address comes twice.
 */
export interface Organisation {
  readonly count: number;
  readonly people: readonly Person[];
  readonly teams: readonly Team[];
  readonly bindings: readonly Binding[];
}

export const WORKSPACES = ['alpha', 'beta', 'gamma'] as const;
const OWNERS = ['boss-a', 'boss-b'];
const ROLES = [
  'workspace-member',
  'source-read-only',
  'function-read-only',
  'tracking-plan-read-only',
] as const;

/** So many people, and teams and bindings in proportion. */
export function foundOrganisation(tape: Tape, size: number): Organisation {
  let org: Organisation = { count: 0, people: [], teams: [], bindings: [] };
  for (let i = 0; i < size; i++) org = addPerson(org);
  for (let i = 0; i < size / 2; i++) org = addTeam(org, tape);
  for (let i = 0; i < size / 2; i++) org = addBinding(org, tape);
  return org;
}

/**
 * A few edits of every sort: a person, team or binding comes, goes, changes or is renamed. So few that a guard
 * seldom objects.
 */
export function edited(org: Organisation, tape: Tape): Organisation {
  const size = org.people.length;
  let next = org;
  if (size < 60 || (size < 400 && tape.chance(3)))
    for (let i = tape.below(80); i >= 0; i--) next = addBinding(addPerson(next), tape);
  const deletes = tape.below(Math.floor(size / (size > 250 ? 6 : 12)));
  for (let i = 0; i < deletes; i++) next = removePerson(next, tape);
  for (let i = tape.below(4); i > 0; i--) next = addTeam(next, tape);
  for (let i = tape.below(Math.ceil(size / 12)); i >= 0; i--) next = tape.pick(EDITS)(next, tape);
  return next;
}

type Edit = (org: Organisation, tape: Tape) => Organisation;

const EDITS: readonly [Edit, ...Edit[]] = [
  (org, tape) => changePerson(org, tape, (one, count) => ({ ...one, displayName: `Person ${count}` })),
  (org, tape) => changePerson(org, tape, (one) => ({ ...one, suspended: !one.suspended })),
  (org, tape) => changePerson(org, tape, (one, count) => ({ ...one, email: `new${count}@acme.example` })),
  renamePerson,
  renameTeam,
  removeBinding,
  (org, tape) => {
    const team = tape.one(org.teams);
    const members = tape.some(namesOf(org), 4);
    return { ...org, teams: org.teams.map((one) => (one === team ? { ...one, members } : one)) };
  },
  (org, tape) => {
    const binding = tape.one(org.bindings);
    const reason = `INC-${org.count}`;
    return {
      ...org,
      count: org.count + 1,
      bindings: org.bindings.map((one) => (one === binding ? { ...one, reason } : one)),
    };
  },
];

function namesOf({ people }: Organisation): string[] {
  return people.map(({ name }) => name);
}

export function addPerson(org: Organisation): Organisation {
  const { count } = org;
  const person = {
    name: `p${count}`,
    email: `p${count}@acme.example`,
    displayName: `Person ${count}`,
    suspended: false,
  };
  return { ...org, count: count + 1, people: [...org.people, person] };
}

function addTeam(org: Organisation, tape: Tape): Organisation {
  const team = {
    workspace: tape.pick(WORKSPACES),
    name: `t${org.count}`,
    description: '',
    members: tape.some(namesOf(org), 4),
  };
  return { ...org, count: org.count + 1, teams: [...org.teams, team] };
}

export function addBinding(org: Organisation, tape: Tape): Organisation {
  const workspace = tape.pick(WORKSPACES);
  const first = tape.one(namesOf(org)) ?? 'boss-a';
  const teams = org.teams.filter((team) => team.workspace === workspace).map(({ name }) => name);
  const binding = {
    workspace,
    name: `b${org.count}`,
    role: tape.pick(ROLES),
    people: [...new Set([first, ...tape.some(namesOf(org), 3)])],
    teams: tape.some(teams, 2),
    reason: '',
  };
  return { ...org, count: org.count + 1, bindings: [...org.bindings, binding] };
}

function changePerson(
  org: Organisation,
  tape: Tape,
  change: (person: Person, count: number) => Person,
): Organisation {
  const person = tape.one(org.people);
  const people = org.people.map((one) => (one === person ? change(one, org.count) : one));
  return { ...org, count: org.count + 1, people };
}

function removePerson(org: Organisation, tape: Tape): Organisation {
  const gone = tape.one(namesOf(org));
  const without = (names: readonly string[]) => names.filter((name) => name !== gone);
  return {
    ...org,
    people: org.people.filter(({ name }) => name !== gone),
    teams: org.teams.map((team) => ({ ...team, members: without(team.members) })),
    bindings: org.bindings
      .map((binding) => ({ ...binding, people: without(binding.people) }))
      .filter(({ people, teams }) => people.length + teams.length > 0),
  };
}

function renamePerson(org: Organisation, tape: Tape): Organisation {
  const person = tape.one(org.people);
  // What was made or renamed by these edits already has no name in the store to be renamed from.
  if (!person || person.previous !== undefined) return org;
  const name = `p${org.count}`;
  const renamed = (names: readonly string[]) => names.map((one) => (one === person.name ? name : one));
  return {
    count: org.count + 1,
    people: org.people.map((one) => (one === person ? { ...one, name, previous: one.name } : one)),
    teams: org.teams.map((team) => ({ ...team, members: renamed(team.members) })),
    bindings: org.bindings.map((binding) => ({ ...binding, people: renamed(binding.people) })),
  };
}

function renameTeam(org: Organisation, tape: Tape): Organisation {
  const team = tape.one(org.teams);
  if (!team || team.previous !== undefined) return org;
  const name = `t${org.count}`;
  return {
    ...org,
    count: org.count + 1,
    teams: org.teams.map((one) => (one === team ? { ...one, name, previous: one.name } : one)),
    bindings: org.bindings.map((binding) => ({
      ...binding,
      teams: binding.teams.map((one) =>
        one === team.name && binding.workspace === team.workspace ? name : one,
      ),
    })),
  };
}

function removeBinding(org: Organisation, tape: Tape): Organisation {
  const gone = tape.one(org.bindings);
  return { ...org, bindings: org.bindings.filter((one) => one !== gone) };
}

/** Its manifests, as JSON Lines: a file for what is global, and one for each workspace. */
export function filesOf(org: Organisation): Record<string, string> {
  return {
    'global.jsonl': lines([
      ...WORKSPACES.map(workspaceManifest),
      ...OWNERS.map((name) => manifest('User', { name }, { email: `${name}@acme.example` })),
      ...org.people.map(personManifest),
    ]),
    ...Object.fromEntries(WORKSPACES.map((name) => [`${name}.jsonl`, lines(workspaceManifests(org, name))])),
  };
}

/** A workspace's own guards; those of the store as a whole cannot be changed. */
const guards = { maxRemovals: '100%', maxUpdates: '100%', maxPrivilegedGains: 2 };

function workspaceManifests(org: Organisation, workspace: string): object[] {
  const inIt = (one: Team | Binding) => one.workspace === workspace;
  const owners = {
    workspace,
    name: 'owners',
    role: 'workspace-owner',
    people: OWNERS,
    teams: [],
    reason: '',
  };
  return [
    ...org.teams.filter(inIt).map(teamManifest),
    ...[owners, ...org.bindings.filter(inIt)].map(bindingManifest),
  ];
}

export function workspaceManifest(name: string): object {
  return manifest('Workspace', { name }, { displayName: name, tier: 'Business', guards });
}

export function personManifest({ name, previous, email, displayName, suspended }: Person): object {
  const state = suspended ? 'Suspended' : 'Active';
  return manifest('User', { name, ...renamedFrom(previous) }, { email, displayName, state });
}

export function teamManifest({ workspace, name, previous, description, members }: Team): object {
  const spec = { displayName: name, description, members: members.map((one) => ({ name: one })) };
  return manifest('Group', { name, namespace: workspace, ...renamedFrom(previous) }, spec);
}

export function bindingManifest({ workspace, name, role, people, teams, reason }: Binding): object {
  return manifest(
    'RoleBinding',
    { name, namespace: workspace },
    {
      role,
      subjects: [
        ...people.map((one) => ({ name: one })),
        ...teams.map((one) => ({ kind: 'Group', name: one })),
      ],
      resources: [{ type: 'Workspace' }],
      ...(reason === '' ? {} : { reason }),
    },
  );
}

function renamedFrom(previous: string | undefined): object {
  return previous === undefined ? {} : { annotations: { 'rolecall.dev/previous-names': previous } };
}

function manifest(kind: string, metadata: object, spec: object): object {
  return { apiVersion: API_VERSION, kind, metadata, spec };
}

export function lines(manifests: readonly object[]): string {
  return manifests.map((one) => `${JSON.stringify(one)}\n`).join('');
}

/** The same organisation once its renames have happened: nothing is renamed from a name that is gone. */
export function settled(org: Organisation): Organisation {
  const plain = <T extends { previous?: string }>({ previous: _, ...one }: T) => one;
  return { ...org, people: org.people.map(plain), teams: org.teams.map(plain) } as Organisation;
}
