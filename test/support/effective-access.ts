import { CATALOGUE } from '../../src/kinds/catalogue.ts';
import type { Resource } from '../../src/kinds/index.ts';

/** Effective access, word for word from manifests.md ("Meaning"), without an index or an optimisation. */
export interface Holding {
  readonly subjectKind: 'User' | 'Token';
  readonly subject: string;
  readonly email: string;
  readonly workspace: string;
  readonly role: string;
  readonly scope: string;
}

interface Windowed {
  readonly notBefore?: string;
  readonly expiresAt?: string;
}

function isOpen({ notBefore, expiresAt }: Windowed, time: number): boolean {
  return (
    (notBefore === undefined || Date.parse(notBefore) <= time) &&
    (expiresAt === undefined || time < Date.parse(expiresAt))
  );
}

function find<K extends Resource['kind']>(
  org: readonly Resource[],
  kind: K,
  name: string,
): Resource<K> | undefined {
  return org.find((one) => one.kind === kind && one.metadata.name === name) as Resource<K> | undefined;
}

function scopeOf(entry: { type: string; id?: string; labels?: Readonly<Record<string, string>> }): string {
  if (entry.id !== undefined) return `${entry.type}/${entry.id}`;
  if (entry.labels === undefined) return entry.type;
  return Object.entries(entry.labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}

function isActiveUser(user: Resource<'User'> | undefined, time: number): user is Resource<'User'> {
  return user !== undefined && user.spec.state === 'Active' && isOpen(user.spec, time);
}

/** Everyone who is in a group at a time, once for each chain of groups that leads to him. */
function membersAt(
  org: readonly Resource[],
  workspace: string,
  chain: readonly string[],
  time: number,
): { name: string; chain: readonly string[] }[] {
  const inner = org.find(
    (one) =>
      one.kind === 'Group' && one.metadata.namespace === workspace && one.metadata.name === chain.at(-1),
  );
  if (inner?.kind !== 'Group') return [];
  return inner.spec.members
    .filter((member) => isOpen(member, time))
    .flatMap(({ kind, name }) =>
      kind === 'User' ? [{ name, chain }] : membersAt(org, workspace, [...chain, name], time),
    );
}

/** Every grant that is active at a time, with how it comes about: `direct`, `group:a>b`. */
function grantsAt(org: readonly Resource[], time: number): { holding: Holding; via: string }[] {
  const grants: { holding: Holding; via: string }[] = [];
  const toUser = (name: string, via: string, rest: Pick<Holding, 'workspace' | 'role' | 'scope'>) => {
    const user = find(org, 'User', name);
    if (!isActiveUser(user, time)) return;
    grants.push({ holding: { subjectKind: 'User', subject: name, email: user.spec.email, ...rest }, via });
  };
  const toToken = (name: string, rest: Pick<Holding, 'workspace' | 'role' | 'scope'>) => {
    const token = org.find(
      (one) =>
        one.kind === 'Token' && one.metadata.namespace === rest.workspace && one.metadata.name === name,
    );
    if (token?.kind !== 'Token' || token.spec.revoked || !isOpen(token.spec, time)) return;
    if (!isActiveUser(find(org, 'User', token.spec.owner), time)) return;
    grants.push({ holding: { subjectKind: 'Token', subject: name, email: '', ...rest }, via: 'direct' });
  };
  for (const one of org) {
    const workspace = one.metadata.namespace ?? '';
    if (one.kind === 'Token')
      toToken(one.metadata.name, { workspace, role: one.spec.role, scope: 'Workspace' });
    if (one.kind !== 'RoleBinding' || !isOpen(one.spec, time)) continue;
    for (const entry of one.spec.resources) {
      const rest = { workspace, role: one.spec.role, scope: scopeOf(entry) };
      for (const { kind, name } of one.spec.subjects) {
        if (kind === 'Token') toToken(name, rest);
        else if (kind === 'User') toUser(name, 'direct', rest);
        else
          for (const member of membersAt(org, workspace, [name], time))
            toUser(member.name, `group:${member.chain.join('>')}`, rest);
      }
    }
  }
  return grants;
}

/** What a role includes, transitively. */
export function allIncludes(org: readonly Resource[], role: string): Set<string> {
  const direct = (find(org, 'Role', role) ?? CATALOGUE.get(role))?.spec.includes ?? [];
  return new Set(direct.flatMap((name) => [name, ...allIncludes(org, name)]));
}

/** All holdings at a time, as text, each with every way that leads to it. A role also gives those of `included` that it includes. */
export function accessAt(
  org: readonly Resource[],
  included: ReadonlySet<string>,
  time: number,
): Map<string, { holding: Holding; vias: Set<string> }> {
  const all = new Map<string, { holding: Holding; vias: Set<string> }>();
  const note = (holding: Holding, via: string) => {
    const key = holdingKey(holding);
    const known = all.get(key) ?? { holding, vias: new Set() };
    all.set(key, known);
    known.vias.add(via);
  };
  for (const { holding, via } of grantsAt(org, time)) {
    note(holding, via);
    for (const role of allIncludes(org, holding.role).intersection(included))
      note({ ...holding, role }, `${via}>role:${holding.role}`);
  }
  return all;
}

export function holdingKey({ subjectKind, subject, email, workspace, role, scope }: Holding): string {
  return JSON.stringify([subjectKind, subject, email, workspace, role, scope]);
}

/** Moments at and between all edges of time in some organisations, from `at` on. */
export function momentsOf(orgs: readonly (readonly Resource[])[], at: number): number[] {
  const texts = JSON.stringify(orgs).matchAll(/"(?:notBefore|expiresAt)":"([^"]+)"/g);
  const edges = [...new Set([at, ...[...texts].map(([, text]) => Date.parse(text ?? ''))])]
    .filter((time) => time >= at)
    .sort((a, b) => a - b);
  return edges.flatMap((edge, i) => [edge, (edge + (edges[i + 1] ?? edge + 2)) / 2]);
}
