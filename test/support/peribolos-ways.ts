import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';

type Names = readonly (string | number)[] | null | undefined;
interface Team {
  readonly members?: Names;
  readonly maintainers?: Names;
  readonly repos?: Readonly<Record<string, string>> | null;
  readonly teams?: Readonly<Record<string, Team>> | null;
}
interface Config {
  readonly admins?: Names;
  readonly members?: Names;
  readonly teams?: Readonly<Record<string, Team>> | null;
}

/** One way to one role: `repo-write Repository/test-infra`. */
export interface Way {
  readonly org: string;
  readonly login: string;
  readonly role: string;
  readonly repo: string | undefined;
}

const logins = (names: Names) => (names ?? []).map((name) => String(name).toLowerCase());

/**
 * A straight reading of the YAML of organisations, a folder each: once for each way that somebody comes to a role. Who is
 * in a team has what the team has, and what all teams have that it is in.
 */
export function waysIn(data: string): Way[] {
  const found: Way[] = [];
  for (const org of readdirSync(data)) {
    const files = readdirSync(join(data, org), { recursive: true, encoding: 'utf8' });
    const configs = files
      .filter((file) => /\.ya?ml$/.test(file))
      .map((file) => load(readFileSync(join(data, org, file), 'utf8')) as Config);
    const admins = new Set(configs.flatMap((config) => logins(config.admins)));
    const members = new Set(configs.flatMap((config) => logins(config.members)));
    for (const login of admins) found.push({ org, login, role: 'workspace-owner', repo: undefined });
    for (const login of members.difference(admins))
      found.push({ org, login, role: 'workspace-member', repo: undefined });
    const walk = (teams: Config['teams'], above: readonly (readonly [string, string])[]): void => {
      for (const team of Object.values(teams ?? {})) {
        const has = [...above, ...Object.entries(team.repos ?? {})];
        for (const login of new Set([...logins(team.members), ...logins(team.maintainers)]))
          for (const [repo, permission] of has) found.push({ org, login, role: `repo-${permission}`, repo });
        walk(team.teams, has);
      }
    };
    for (const config of configs) walk(config.teams, []);
  }
  return found;
}
