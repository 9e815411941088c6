import { createHash } from 'node:crypto';
import { compareText, type Problem, sortProblems } from '../core/problem.ts';
import { group } from '../kinds/group.ts';
import type { Resource } from '../kinds/index.ts';
import type { Metadata } from '../kinds/kind.ts';
import { role } from '../kinds/role.ts';
import { type RoleBindingDeclared, roleBinding } from '../kinds/role-binding.ts';
import { user } from '../kinds/user.ts';
import { workspace } from '../kinds/workspace.ts';
import {
  at,
  firsts,
  type Named,
  type Organisation,
  PERMISSIONS,
  type PeribolosFile,
  type Permission,
  problem,
  readPeribolos,
  type Team,
} from './peribolos-config.ts';

/** What a configuration of Peribolos (GitHub organisations as YAML) is in Rolecall. */
export interface PeribolosImport {
  readonly users: readonly Resource<'User'>[];
  readonly roles: readonly Resource<'Role'>[];
  /** By name; in each the Workspace, then its Groups, then its RoleBindings, by name. */
  readonly workspaces: readonly { readonly name: string; readonly resources: readonly Resource[] }[];
  /** When there is one, the resources are not complete and must not be used. */
  readonly problems: readonly Problem[];
  /** Settings that have no counterpart, `org.billing_email` or `team.privacy`, and how often they were met. */
  readonly dropped: ReadonlyMap<string, number>;
}

/** The limits of the Kinds on what an organisation has no limit on. */
const MOST = { members: 1000, subjects: 1000, resources: 200, depth: 10 } as const;

/** Where a whole Workspace is meant. */
const WHOLE = [{ type: 'Workspace' }];

/**
 * Reads the files of organisations: each becomes a Workspace, each team a Group, each permission of a
 * team a RoleBinding, each login a User.
 *
 * The order of `files` means nothing. Never throws on bad input: all problems come back with their places.
 */
export function importPeribolos(files: readonly PeribolosFile[]): PeribolosImport {
  const { organisations, problems, dropped } = readPeribolos(files);
  return {
    users: importUsers(organisations),
    roles: PERMISSIONS.map(repoRole).sort(byName),
    workspaces: organisations.map((org) => ({ name: org.name, resources: importOrganisation(org) })),
    problems: sortProblems([...problems, ...organisations.flatMap(checkTeams)]),
    dropped,
  };
}

function importUsers(organisations: readonly Organisation[]): Resource<'User'>[] {
  const logins = organisations.flatMap((org) => [
    ...org.admins,
    ...org.members,
    ...allTeams(org.teams).flatMap(({ people }) => people),
  ]);
  return [...firsts(logins).values()]
    .map(
      ({ name, written }): Resource<'User'> => ({
        kind: 'User',
        metadata: metadata(name),
        spec: user.normalize({ email: `${name}@users.noreply.github.com`, displayName: written }),
      }),
    )
    .sort(byName);
}

function repoRole(permission: Permission): Resource<'Role'> {
  return {
    kind: 'Role',
    metadata: metadata(roleName(permission)),
    spec: role.normalize({ displayName: `Repository ${permission}`, scopes: ['Repository'] }),
  };
}

function importOrganisation(org: Organisation): Resource[] {
  const teams = allTeams(org.teams);
  return [
    {
      kind: 'Workspace',
      metadata: metadata(org.name),
      spec: workspace.normalize({ displayName: org.displayName, tier: 'Business' }),
    },
    ...teams.map((team) => importTeam(team, org.name)).sort(byName),
    ...[...peopleBindings(org), ...teams.flatMap((team) => teamBindings(team, org.name))].sort(byName),
  ];
}

function importTeam(team: Team, org: string): Resource<'Group'> {
  return {
    kind: 'Group',
    metadata: metadata(team.name, org, previousNames(team)),
    spec: group.normalize({
      displayName: team.written,
      description: team.description,
      // A nested team is a member of its parent: its people have what the parent has.
      members: [
        ...[...firsts(team.people).keys()].map((name) => ({ name })),
        ...[...firsts(team.teams).keys()].map((name) => ({ kind: 'Group' as const, name })),
      ],
    }),
  };
}

/** Who is an admin is left out of the members: a person has one place in an organisation, and owners have all roles. */
function peopleBindings(org: Organisation): Resource<'RoleBinding'>[] {
  const admins = firsts(org.admins);
  const members = [...firsts(org.members).keys()].filter((name) => !admins.has(name));
  const byLetter = [...Map.groupBy(members, (name) => name.charAt(0))];
  return [
    ...peopleBinding('owners', 'workspace-owner', [...admins.keys()], org.name),
    ...byLetter.flatMap(([letter, names]) =>
      peopleBinding(`members-${letter}`, 'workspace-member', names, org.name),
    ),
  ];
}

function peopleBinding(
  name: string,
  role: string,
  people: readonly string[],
  org: string,
): Resource<'RoleBinding'>[] {
  return chunks(people.toSorted(compareText), MOST.subjects).map((part, index) =>
    binding(metadata(bindingName(name, index), org), {
      role,
      subjects: part.map((name) => ({ name })),
      resources: WHOLE,
    }),
  );
}

function teamBindings(team: Team, org: string): Resource<'RoleBinding'>[] {
  return [...Map.groupBy(team.repos, ({ permission }) => permission)].flatMap(([permission, repos]) =>
    chunks(repos.map(({ id }) => id).sort(compareText), MOST.resources).map((ids, index) => {
      const named = (name: string) => bindingName(`${name}-${permission}`, index);
      return binding(metadata(named(team.name), org, previousNames(team).map(named)), {
        role: roleName(permission),
        subjects: [{ kind: 'Group', name: team.name }],
        resources: ids.map((id) => ({ type: 'Repository', id })),
      });
    }),
  );
}

function binding(metadata: Metadata, spec: RoleBindingDeclared): Resource<'RoleBinding'> {
  return { kind: 'RoleBinding', metadata, spec: roleBinding.normalize(spec) };
}

function roleName(permission: Permission): string {
  return `repo-${permission}`;
}

/** The name of a binding, or of a later part of it where one would be over a limit: `a`, `a-2`; cut when too long. */
function bindingName(name: string, part: number): string {
  const full = part === 0 ? name : `${name}-${part + 1}`;
  if (full.length <= 63) return full;
  return `${full.slice(0, 56)}-${createHash('sha256').update(full).digest('hex').slice(0, 6)}`;
}

function metadata(name: string, namespace?: string, previous: readonly string[] = []): Metadata {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: {},
    annotations: previous.length === 0 ? {} : { 'rolecall.dev/previous-names': previous.join(',') },
  };
}

/** A name that only differed in what names leave out is none: nothing was renamed. */
function previousNames(team: Team): string[] {
  return [...firsts(team.previously).keys()].filter((name) => name !== team.name).sort(compareText);
}

/** A team, and all below it. */
function allTeams(teams: readonly Team[]): Team[] {
  return teams.flatMap((team) => [team, ...allTeams(team.teams)]);
}

function checkTeams(org: Organisation): Problem[] {
  const teams = allTeams(org.teams);
  return [
    ...doubleTeams(teams),
    ...unclearRenames(teams),
    ...teams.flatMap(tooManyMembers),
    ...tooDeep(org.teams),
  ];
}

function doubleTeams(teams: readonly Team[]): Problem[] {
  const first = firsts(teams);
  return teams.flatMap((team) => {
    const other = first.get(team.name);
    if (!other || other === team) return [];
    return [
      other.written === team.written
        ? problem(
            team.place,
            `team ${quote(team)} is given twice, first at ${at(other.place)}`,
            'keep one of the two',
          )
        : problem(
            team.place,
            `teams ${quote(other)} (at ${at(other.place)}) and ${quote(team)} would both be the Group ${team.name}`,
            'rename one of the two',
          ),
    ];
  });
}

/** A previous name that is the name of another team, or that another claims too: nobody could tell who it was. */
function unclearRenames(teams: readonly Team[]): Problem[] {
  const current = firsts(teams);
  const claims = teams.flatMap((team) =>
    [...firsts(team.previously).values()].map((previous) => ({ ...previous, team })),
  );
  const first = firsts(claims);
  return claims.flatMap((claim) => {
    const { name, team, place } = claim;
    if (name === team.name) return [];
    const now = current.get(name);
    const other = now ?? first.get(name)?.team;
    if (!other || other === team) return [];
    return [
      problem(
        place,
        `previous name ${quote(claim)} of team ${quote(team)} is ${now ? 'the name' : 'a previous name'} of team ${quote(other)} at ${at(other.place)}`,
        'remove it here',
      ),
    ];
  });
}

function tooManyMembers(team: Team): Problem[] {
  const count = firsts(team.people).size + firsts(team.teams).size;
  if (count <= MOST.members) return [];
  return [
    problem(
      team.place,
      `team ${quote(team)} has ${count.toLocaleString('en')} members; a Group has at most ${MOST.members.toLocaleString('en')}`,
      'split it into nested teams',
    ),
  ];
}

function tooDeep(teams: readonly Team[], depth = 1): Problem[] {
  if (depth <= MOST.depth) return teams.flatMap((team) => tooDeep(team.teams, depth + 1));
  return teams.map((team) =>
    problem(team.place, `team ${quote(team)} is nested more than ${MOST.depth} deep`),
  );
}

function quote({ written }: Named): string {
  return JSON.stringify(written);
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

function byName(a: Resource, b: Resource): number {
  return compareText(a.metadata.name, b.metadata.name);
}
