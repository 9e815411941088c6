import { type Identity, identity } from '../core/resource.ts';
import { type Contents, usersNamedBy } from '../core/snapshot.ts';
import type { Resource } from '../kinds/index.ts';
import type { Reading } from '../stores/store.ts';

/** Whom changes of a workspace are about: his rows may differ, all others' do not. */
export interface Affected {
  /** Names of users and of tokens, as they were called at any time. */
  readonly users: ReadonlySet<string>;
  readonly tokens: ReadonlySet<string>;
}

/**
 * Everyone whose rows in a workspace changes can have changed, told from all that anything which changed has been, and
 * is; undefined when there are more than `most`.
 *
 * Whoever is, or was, under a changed binding or group: of groups that did not change who is in them now, of all others
 * also whoever was.
 */
export async function affectedBy(
  reading: Reading,
  workspace: string,
  bodies: readonly Resource[],
  most: number,
): Promise<Affected | undefined> {
  const users = new Set<string>();
  const tokens = new Set<string>();
  const groups = new Set<string>();
  let open: string[] = [];
  const name = (kind: string, its: string) => {
    if (kind === 'User') users.add(its);
    else if (kind === 'Token') tokens.add(its);
    else if (!groups.has(its)) {
      groups.add(its);
      open.push(its);
    }
  };
  const isFew = () => users.size + tokens.size + groups.size <= most;
  const changedUsers: Identity[] = [];
  for (const body of bodies) {
    if (body.kind === 'User') {
      users.add(body.metadata.name);
      changedUsers.push(identity('User', undefined, body.metadata.name));
    } else if (body.metadata.namespace !== workspace) continue;
    else if (body.kind === 'Token') tokens.add(body.metadata.name);
    else if (body.kind === 'Group') for (const member of body.spec.members) name(member.kind, member.name);
    else if (body.kind === 'RoleBinding') for (const one of body.spec.subjects) name(one.kind, one.name);
  }
  if (!isFew()) return undefined;
  if (changedUsers.length > 0) {
    // A token is worth no more than whoever answers for it.
    for (const { resource } of await reading.find({ targets: changedUsers }))
      if (resource.kind === 'Token' && resource.metadata.namespace === workspace)
        tokens.add(resource.metadata.name);
  }
  while (open.length > 0) {
    const ids = open.map((group) => identity('Group', workspace, group));
    open = [];
    for (const { resource } of await reading.find({ ids }))
      if (resource.kind === 'Group')
        for (const member of resource.spec.members) name(member.kind, member.name);
    if (!isFew()) return undefined;
  }
  return isFew() ? { users, tokens } : undefined;
}

/** What the rows of some in a workspace are made of: they themselves, and all that is above them. */
export async function contentsAbove(
  reading: Reading,
  workspace: string,
  { users: userNames, tokens: tokenNames }: Affected,
): Promise<Contents> {
  const groups = new Map<Identity, Resource<'Group'>>();
  const bindings = new Map<Identity, Resource<'RoleBinding'>>();
  const named = [
    ...[...userNames].map((name) => identity('User', undefined, name)),
    ...[...tokenNames].map((name) => identity('Token', workspace, name)),
  ];
  const users = new Map<string, Resource<'User'>>();
  const tokens: Resource<'Token'>[] = [];
  for (const { resource } of await reading.find({ ids: named })) {
    if (resource.kind === 'User') users.set(resource.metadata.name, resource);
    else if (resource.kind === 'Token') tokens.push(resource);
  }
  const owners = tokens.flatMap((token) => [...usersNamedBy(token)]).filter((name) => !users.has(name));
  for (const { resource } of await reading.find({
    ids: owners.map((name) => identity('User', undefined, name)),
  }))
    if (resource.kind === 'User') users.set(resource.metadata.name, resource);
  for (let targets = named; targets.length > 0; ) {
    const found = await reading.find({ targets });
    targets = [];
    for (const { id, resource } of found) {
      if (resource.metadata.namespace !== workspace) continue;
      if (resource.kind === 'RoleBinding') bindings.set(id, resource);
      else if (resource.kind === 'Group' && !groups.has(id)) {
        groups.set(id, resource);
        targets.push(id);
      }
    }
  }
  return {
    workspace,
    groups: [...groups.values()],
    bindings: [...bindings.values()],
    tokens,
    users: users.values(),
  };
}
