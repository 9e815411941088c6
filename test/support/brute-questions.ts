import { CATALOGUE } from '../../src/kinds/catalogue.ts';
import type { Resource } from '../../src/kinds/index.ts';
import { accessAt } from './effective-access.ts';

/** Answers to questions, word for word from manifests.md ("Meaning"), without an index or an optimisation. */

export interface BruteTarget {
  readonly resource?: { readonly type: string; readonly id: string };
  readonly labels?: Readonly<Record<string, string>>;
}

export function roleNames(org: readonly Resource[]): string[] {
  return [
    ...CATALOGUE.keys(),
    ...org.filter(({ kind }) => kind === 'Role').map(({ metadata }) => metadata.name),
  ];
}

/** Everyone who can at a time: `User ana`, `Token ci`. */
export function capableAt(
  org: readonly Resource[],
  time: number,
): (role: string, workspace: string, target: BruteTarget) => Set<string> {
  const holdings = [...accessAt(org, new Set(roleNames(org)), time).values()].map(({ holding }) => holding);
  return (role, workspace, target) =>
    new Set(
      holdings
        .filter(
          (holding) =>
            holding.workspace === workspace &&
            (holding.role === role || holding.role === 'workspace-owner') &&
            decides(holding.scope, target),
        )
        .map(({ subjectKind, subject }) => `${subjectKind} ${subject}`),
    );
}

function decides(scope: string, { resource, labels }: BruteTarget): boolean {
  if (scope === 'Workspace') return true;
  if (resource && scope === `${resource.type}/${resource.id}`) return true;
  if (!labels || scope.includes('/')) return false;
  return scope.split(',').every((pair) => {
    const [key = '', value] = pair.split('=');
    return labels[key] === value;
  });
}

interface Window {
  readonly notBefore?: string;
  readonly expiresAt?: string;
}

/** One way to one role: where, what, how, and when. */
export interface BrutePath {
  readonly subject: string;
  readonly key: string;
  readonly from: number;
  readonly until: number;
}

/** Every path from a subject over groups and a binding to one of its resource entries that is ever open. */
export function pathsOf(org: readonly Resource[]): BrutePath[] {
  const paths: BrutePath[] = [];
  const users = org.filter((one) => one.kind === 'User');
  const note = (subject: string, parts: readonly string[], windows: readonly Window[]) => {
    const from = Math.max(
      -Infinity,
      ...windows.map((it) => (it.notBefore ? Date.parse(it.notBefore) : -Infinity)),
    );
    const until = Math.min(
      Infinity,
      ...windows.map((it) => (it.expiresAt ? Date.parse(it.expiresAt) : Infinity)),
    );
    if (from < until) paths.push({ subject, key: parts.join(' | '), from, until });
  };
  const tokenWindows = (token: Resource<'Token'>): Window[] | undefined => {
    const owner = users.find(({ metadata }) => metadata.name === token.spec.owner);
    return owner && [token.spec, owner.spec];
  };
  const tokens = org.filter((one) => one.kind === 'Token');
  for (const token of tokens) {
    const { namespace = '', name } = token.metadata;
    const windows = tokenWindows(token);
    if (windows)
      note(
        `Token ${namespace}/${name}`,
        [namespace, token.spec.role, 'Workspace', 'direct', `token/${name}`],
        windows,
      );
  }
  for (const binding of org.filter((one) => one.kind === 'RoleBinding')) {
    const { namespace = '', name } = binding.metadata;
    for (const entry of binding.spec.resources) {
      const scope =
        entry.id !== undefined
          ? `${entry.type}/${entry.id}`
          : entry.labels
            ? Object.entries(entry.labels)
                .map(([key, value]) => `${key}=${value}`)
                .sort()
                .join(',')
            : 'Workspace';
      const down = (
        kind: string,
        who: string,
        groups: readonly string[],
        windows: readonly Window[],
      ): void => {
        const via = groups.length === 0 ? 'direct' : `group:${groups.join('>')}`;
        const parts = [namespace, binding.spec.role, scope, via, name];
        if (kind === 'Group') {
          for (const group of org)
            if (
              group.kind === 'Group' &&
              group.metadata.namespace === namespace &&
              group.metadata.name === who
            )
              for (const member of group.spec.members)
                down(member.kind, member.name, [...groups, who], [...windows, member]);
        } else if (kind === 'User') {
          const user = users.find(({ metadata }) => metadata.name === who);
          if (user) note(`User ${who}`, parts, [...windows, user.spec]);
        } else {
          const token = tokens.find(
            ({ metadata }) => metadata.namespace === namespace && metadata.name === who,
          );
          const own = token && tokenWindows(token);
          if (own) note(`Token ${namespace}/${who}`, parts, [...windows, ...own]);
        }
      };
      for (const { kind, name: who } of binding.spec.subjects) down(kind, who, [], [binding.spec]);
    }
  }
  return paths;
}
