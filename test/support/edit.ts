import { type Identity, identity, identityOf } from '../../src/core/resource.ts';
import { CATALOGUE } from '../../src/kinds/catalogue.ts';
import type { Resource } from '../../src/kinds/index.ts';
import type { Evolved } from './arbitrary.ts';
import { grantSpec, window } from './random-spec.ts';
import { binding, group, make, role, token, user } from './resources.ts';
import type { Tape } from './tape.ts';

/** One random edit: mostly a valid organisation, but not always. Undefined when there is nothing to do. */
export function edit(tape: Tape, org: Evolved, taken: ReadonlySet<Identity>): Evolved | undefined {
  const target = tape.one(org.resources);
  if (!target) return undefined;
  switch (tape.below(8)) {
    case 0: {
      const added = addition(tape, org.resources);
      return added && !taken.has(identityOf(added))
        ? { ...org, resources: [...org.resources, added] }
        : undefined;
    }
    case 1:
      return { ...org, resources: without(org.resources, target) };
    case 2: {
      const name = `${target.metadata.name}-x`;
      const id = identity(target.kind, target.metadata.namespace, name);
      return target.kind === 'Workspace' || taken.has(id) ? undefined : renaming(org, target, name, taken);
    }
    default:
      return {
        ...org,
        resources: org.resources.map((one) => (one === target ? changed(tape, target, org.resources) : one)),
      };
  }
}

function namesOf(org: readonly Resource[], kind: Resource['kind'], namespace?: string): string[] {
  return org
    .filter((one) => one.kind === kind && (namespace === undefined || one.metadata.namespace === namespace))
    .map(({ metadata }) => metadata.name);
}

function roleNames(org: readonly Resource[]): string[] {
  return [...namesOf(org, 'Role'), 'workspace-owner', 'workspace-member', 'source-admin'];
}

function addition(tape: Tape, org: readonly Resource[]): Resource | undefined {
  const where = tape.one(namesOf(org, 'Workspace'));
  const who = tape.one(namesOf(org, 'User'));
  const granted = tape.one(roleNames(org)) ?? '';
  if (where === undefined || who === undefined) return undefined;
  switch (tape.below(5)) {
    case 0:
      return binding(`${where}/new`, granted, [
        who,
        ...tape.some(namesOf(org, 'Group', where), 1).map((name) => `Group:${name}`),
      ]);
    case 1:
      return group(`${where}/new`, [who]);
    case 2:
      return user('new');
    case 3:
      return role('new', { includes: tape.some(namesOf(org, 'Role'), 1) });
    default:
      return token(`${where}/new`, who, { role: granted });
  }
}

/** The organisation without one resource, what refers to it changed or gone too. */
function without(org: readonly Resource[], target: Resource): Resource[] {
  let left = [...org];
  const gone = [target];
  for (let next = gone.pop(); next; next = gone.pop()) {
    const leaving = next;
    left = left.flatMap((one) => {
      if (one === leaving) return [];
      const inside = leaving.kind === 'Workspace' && one.metadata.namespace === leaving.metadata.name;
      const kept = inside ? undefined : redirected(one, leaving, undefined);
      if (!kept) gone.push(one);
      return [kept ?? one];
    });
  }
  return left;
}

function renaming(org: Evolved, target: Resource, name: string, taken: ReadonlySet<Identity>): Evolved {
  const { metadata } = target;
  const old = identityOf(target);
  const first = [...org.renamed].find(([, now]) => now === old)?.[0] ?? old;
  const previous = (metadata.annotations['rolecall.dev/previous-names'] ?? '')
    .split(',')
    .filter((it) => it !== '');
  const annotations = {
    ...metadata.annotations,
    'rolecall.dev/previous-names': [...previous, metadata.name].join(','),
  };
  const moved = { ...target, metadata: { ...metadata, name, annotations } } as Resource;
  const renamed = new Map(org.renamed);
  if (taken.has(first)) renamed.set(first, identityOf(moved));
  return {
    resources: org.resources.map((one) => (one === target ? moved : (redirected(one, target, name) ?? one))),
    renamed,
  };
}

/** A resource whose references to `target` name `to` instead, or are gone; undefined when it cannot be without. */
function redirected(resource: Resource, target: Resource, to: string | undefined): Resource | undefined {
  const { kind, metadata } = target;
  if (metadata.namespace !== undefined && metadata.namespace !== resource.metadata.namespace) return resource;
  const isIt = (entry: { kind?: string; name: string }) =>
    entry.name === metadata.name && (entry.kind ?? 'User') === kind;
  const list = <T extends { readonly kind?: string; readonly name: string }>(entries: readonly T[]): T[] =>
    entries.flatMap((one) => (!isIt(one) ? [one] : to === undefined ? [] : [{ ...one, name: to }]));
  const names = (values: readonly string[]) =>
    list(values.map((name) => ({ kind: 'Role', name }))).map(({ name }) => name);
  switch (resource.kind) {
    case 'Workspace':
      return altered(resource, {
        owners: { ...resource.spec.owners, required: list(resource.spec.owners.required) },
      });
    case 'User': {
      const { sponsor, ...rest } = resource.spec;
      const [now] = sponsor === undefined ? [] : list([{ name: sponsor }]);
      return make(
        'User',
        resource.metadata.name,
        { ...rest, ...(now ? { sponsor: now.name } : {}) },
        resource.metadata,
      );
    }
    case 'Role':
      return altered(resource, { includes: names(resource.spec.includes) });
    case 'Group':
      return altered(resource, { members: list(resource.spec.members) });
    case 'RoleBinding': {
      const [now] = names([resource.spec.role]);
      const subjects = list(resource.spec.subjects);
      return now === undefined || subjects.length === 0
        ? undefined
        : altered(resource, { role: now, subjects });
    }
    case 'Token': {
      const [now] = names([resource.spec.role]);
      const [owner] = list([{ name: resource.spec.owner }]);
      return now === undefined || !owner ? undefined : altered(resource, { role: now, owner: owner.name });
    }
    case 'AccessPolicy': {
      const roles = names(resource.spec.match.roles ?? []);
      return altered(resource, { match: { on: 'Grant', ...(roles.length > 0 ? { roles } : {}) } });
    }
  }
}

function altered<R extends Resource>(resource: R, spec: object): R {
  const { name, namespace } = resource.metadata;
  const path = namespace === undefined ? name : `${namespace}/${name}`;
  const kind: Resource['kind'] = resource.kind;
  return make(kind, path, { ...resource.spec, ...spec }, resource.metadata) as R;
}

/** The window of a spec taken away, or another one. */
function rewindowed(
  tape: Tape,
  { notBefore: _, expiresAt: __, ...rest }: { notBefore?: string; expiresAt?: string },
): object {
  return { ...rest, ...(tape.chance(2) ? window(tape) : {}) };
}

/** What is in the list is taken out, what is not is put in. */
function toggled<T>(list: readonly T[], value: T | undefined, same: (a: T, b: T) => boolean): T[] {
  if (value === undefined) return [...list];
  const kept = list.filter((one) => !same(one, value));
  return kept.length < list.length ? kept : [...list, value];
}

function changed(tape: Tape, one: Resource, org: readonly Resource[]): Resource {
  const { name, namespace } = one.metadata;
  const path = namespace === undefined ? name : `${namespace}/${name}`;
  const which = tape.below(4);
  const sameName = (a: { kind?: string; name: string }, b: { kind?: string; name: string }) =>
    a.kind === b.kind && a.name === b.name;
  switch (one.kind) {
    case 'Workspace':
      return altered(
        one,
        which < 2 ? { displayName: `Now ${name}` } : { tier: tape.pick(['Business', 'Team', 'Free']) },
      );
    case 'User':
      if (which === 0) return altered(one, { email: `${name}@other.example` });
      if (which === 1) return altered(one, { state: one.spec.state === 'Active' ? 'Suspended' : 'Active' });
      return make(
        'User',
        path,
        which === 2 ? { ...one.spec, displayName: 'Another Name' } : rewindowed(tape, one.spec),
        one.metadata,
      );
    case 'Role':
      if (which === 0) return altered(one, { risk: tape.pick(['Normal', 'Sensitive', 'Privileged']) });
      return altered(one, {
        includes: toggled(
          one.spec.includes,
          tape.one([...namesOf(org, 'Role'), 'source-read-only', 'pii-access']),
          Object.is,
        ),
      });
    case 'Group': {
      if (which === 0)
        return altered(one, { members: one.spec.members.map((entry) => rewindowed(tape, entry)) });
      const kind = which === 1 ? 'Group' : 'User';
      const other = tape.one(namesOf(org, kind, kind === 'Group' ? namespace : undefined));
      return altered(one, {
        members: toggled(one.spec.members, other === undefined ? undefined : { kind, name: other }, sameName),
      });
    }
    case 'RoleBinding': {
      if (which === 0) return make('RoleBinding', path, rewindowed(tape, one.spec), one.metadata);
      if (which === 1) return altered(one, { role: tape.one(roleNames(org)) ?? '' });
      if (which === 2) {
        const granted =
          org.find((it) => it.kind === 'Role' && it.metadata.name === one.spec.role) ??
          CATALOGUE.get(one.spec.role);
        if (granted?.kind !== 'Role') return one;
        const { role: name, subjects } = one.spec;
        const spec = { role: name, subjects, ...grantSpec(tape, granted, 'Business') };
        return make('RoleBinding', path, spec, one.metadata);
      }
      const kind = tape.pick(['User', 'Group', 'Token'] as const);
      const other = tape.one(namesOf(org, kind, kind === 'User' ? undefined : namespace));
      const subjects = toggled(
        one.spec.subjects,
        other === undefined ? undefined : { kind, name: other },
        sameName,
      );
      return subjects.length === 0 ? one : altered(one, { subjects });
    }
    case 'Token':
      if (which === 0) return make('Token', path, rewindowed(tape, one.spec), one.metadata);
      if (which === 1) return altered(one, { role: tape.one(roleNames(org)) ?? '' });
      if (which === 2) return altered(one, { owner: tape.one(namesOf(org, 'User')) ?? '' });
      return altered(one, { revoked: !one.spec.revoked });
    case 'AccessPolicy':
      return altered(one, { enforcement: 'Warn' });
  }
}
