import type { Resource } from '../kinds/index.ts';
import { compareText } from './problem.ts';
import { type Identity, identity, identityOf } from './resource.ts';
import type { State } from './state.ts';
import type { Violation } from './validate.ts';

export const MAX_GROUP_DEPTH = 10;

/** Groups that contain themselves, or are nested too deep, as far as the `changed` are concerned. */
export function groupCycles(state: State, changed: readonly Identity[]): Violation[] {
  const violations: Violation[] = [];
  const byWorkspace = Map.groupBy(changed, (id) => id.split('/')[1] ?? '');
  for (const [workspace, ids] of byWorkspace) {
    const names = ids.map((id) => id.slice(id.lastIndexOf('/') + 1));
    const isChanged = new Set(names);
    const nextOf = (name: string) =>
      (state.get('Group', workspace, name)?.spec.members ?? [])
        .filter(({ kind }) => kind === 'Group')
        .map((member) => member.name);
    const cycles = findCycles(names, nextOf);
    for (const cycle of cycles) {
      const at = cycle.find((name) => isChanged.has(name)) ?? cycle[0] ?? '';
      const next = cycle[(cycle.indexOf(at) + 1) % cycle.length] ?? at;
      violations.push({
        id: identity('Group', workspace, at),
        pointer: `/spec/members/Group:${next}`,
        code: 'RC114',
        message: `Group ${workspace}/${at}: contains itself: ${showCycle(cycle, at)}`,
        hint: 'remove one of these memberships',
      });
    }
    if (cycles.length === 0) violations.push(...tooDeep(state, workspace, names, nextOf));
  }
  return violations;
}

function tooDeep(
  state: State,
  workspace: string,
  changed: readonly string[],
  nextOf: (name: string) => string[],
): Violation[] {
  const parentsOf = (name: string) =>
    state.referrers(identity('Group', workspace, name), 'Group').map(({ metadata }) => metadata.name);
  const height = longestChains(nextOf);
  const above = longestChains(parentsOf);
  // The outermost group of a chain that is too long says so, once, if it changed; else the changed one in it does.
  const worst = changed.filter((name) => height(name) + above(name) - 1 > MAX_GROUP_DEPTH);
  const complaining = new Set(worst);
  return worst
    .filter((name) => parentsOf(name).every((parent) => !complaining.has(parent)))
    .map((name): Violation => {
      const deepest = nextOf(name).sort((a, b) => height(b) - height(a) || compareText(a, b))[0];
      return {
        id: identity('Group', workspace, name),
        pointer: deepest === undefined ? '/metadata/name' : `/spec/members/Group:${deepest}`,
        code: 'RC114',
        message: `Group ${workspace}/${name}: groups are nested ${height(name) + above(name) - 1} deep, at most ${MAX_GROUP_DEPTH} are allowed`,
        hint: 'bind the inner groups directly',
      };
    });
}

/** Roles that include themselves. */
export function roleCycles(state: State, roles: readonly Resource<'Role'>[]): Violation[] {
  const isChanged = new Set(roles.map(identityOf));
  const cycles = findCycles(
    roles.map(({ metadata }) => metadata.name),
    (name) => state.get('Role', undefined, name)?.spec.includes ?? [],
  );
  return cycles.map((cycle) => {
    const at = cycle.find((name) => isChanged.has(identity('Role', undefined, name))) ?? cycle[0] ?? '';
    const next = cycle[(cycle.indexOf(at) + 1) % cycle.length] ?? at;
    return {
      id: identity('Role', undefined, at),
      pointer: `/spec/includes/${next}`,
      code: 'RC114',
      message: `Role ${at}: includes itself: ${showCycle(cycle, at)}`,
      hint: 'remove one of these includes',
    };
  });
}

function showCycle(cycle: readonly string[], from: string): string {
  const start = cycle.indexOf(from);
  return [...cycle.slice(start), ...cycle.slice(0, start), from].join(' → ');
}

/** Cycles reachable from `starts`, each once, beginning with its smallest name. Chains may be longer than a call stack. */
function findCycles(starts: readonly string[], next: (name: string) => readonly string[]): string[][] {
  const cycles = new Map<string, string[]>();
  const done = new Set<string>();
  const path: { name: string; left: string[] }[] = [];
  const depths = new Map<string, number>();
  const enter = (name: string) => {
    depths.set(name, path.length);
    path.push({ name, left: [...next(name)].reverse() });
  };
  for (const start of [...starts].sort(compareText)) {
    if (!done.has(start)) enter(start);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const follower = top.left.pop();
      if (follower === undefined) {
        path.pop();
        depths.delete(top.name);
        done.add(top.name);
        continue;
      }
      const at = depths.get(follower);
      if (at !== undefined) {
        const cycle = path.slice(at).map(({ name }) => name);
        const least = cycle.indexOf([...cycle].sort(compareText)[0] ?? follower);
        const turned = [...cycle.slice(least), ...cycle.slice(0, least)];
        cycles.set(turned.join('/'), turned);
      } else if (!done.has(follower)) enter(follower);
    }
  }
  return [...cycles.values()];
}

/** How many names the longest chain from a name on has, itself among them; a way back into a cycle is not followed. */
function longestChains(next: (name: string) => readonly string[]): (name: string) => number {
  const lengths = new Map<string, number>();
  const entered = new Set<string>();
  return (start) => {
    const open = [start];
    for (let name = open.at(-1); name !== undefined; name = open.at(-1)) {
      const followers = lengths.has(name) ? [] : next(name);
      entered.add(name);
      let longest = 0;
      let waiting = false;
      for (const follower of followers) {
        const length = lengths.get(follower);
        if (length !== undefined) longest = Math.max(longest, length);
        else if (!entered.has(follower)) {
          open.push(follower);
          waiting = true;
        }
      }
      if (waiting) continue;
      if (!lengths.has(name)) lengths.set(name, 1 + longest);
      open.pop();
    }
    return lengths.get(start) ?? 1;
  };
}
