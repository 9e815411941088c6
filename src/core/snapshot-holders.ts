import type { Resource } from '../kinds/index.ts';
import { showScope } from '../kinds/role-binding.ts';
import { showVia } from './access.ts';
import { pointerPart } from './document.ts';
import { compareText } from './problem.ts';
import { type Identity, identity } from './resource.ts';
import { ALWAYS, intersect, type Span, spanOf } from './window.ts';

/** Where and when a part of a resource came to be, by identity and pointer; undefined when the ledger does not know. */
export type Origins = (id: Identity, pointer: string) => Origin | undefined;

export interface Origin {
  readonly revision: number;
  readonly at: string;
  /** The actor, else `manager:NAME`. */
  readonly by: string;
}

/** What the snapshot of a workspace is made of. */
export interface Contents {
  readonly workspace: string;
  readonly groups: readonly Resource<'Group'>[];
  readonly bindings: readonly Resource<'RoleBinding'>[];
  readonly tokens: readonly Resource<'Token'>[];
  /** At least those whom these name; in the order of their names it goes faster. */
  readonly users: Iterable<Resource<'User'>>;
}

/** The names of the users whom a resource gives something in its workspace, or who answer for it. */
export function* usersNamedBy(resource: Resource): Generator<string> {
  if (resource.kind === 'Token') yield resource.spec.owner;
  const named =
    resource.kind === 'RoleBinding'
      ? resource.spec.subjects
      : resource.kind === 'Group'
        ? resource.spec.members
        : [];
  for (const { kind, name } of named) if (kind === 'User') yield name;
}

/** What all have in common who get the same from one entry of a binding by the same way. */
export interface Gift {
  readonly role: string;
  /** `Workspace`, `Source/website` or `environment=prod,tier=1`. */
  readonly scope: string;
  /** Groups on the path, the bound one first. */
  readonly groups: readonly string[];
  readonly via: string;
  /** The binding's name, or `token/NAME` for a token's own role. */
  readonly binding: string;
  readonly reason: string;
}

/** One grant whose end is not past. Many may hold the same. */
export interface Held {
  /** From 0 on, each its own. */
  readonly index: number;
  readonly gift: Gift;
  readonly span: Span;
  /** Of the newest part that it rests on. */
  readonly origin: Origin | undefined;
}

/** One membership of a person whose end is not past: the groups from the outermost to the one that names him. */
export interface HeldMembership {
  readonly groups: readonly string[];
  readonly span: Span;
  readonly origin: Origin | undefined;
}

/** Who has something in a workspace: a person, or a token of it. */
export interface Holder {
  readonly resource: Resource<'User'> | Resource<'Token'>;
  /** Empty for a token. */
  readonly email: string;
  readonly state: string;
  /** By role, scope, via and binding. */
  readonly grants: readonly Held[];
  readonly memberships: readonly HeldMembership[];
}

/** Everyone who has a grant or membership in a workspace whose end is not past. */
export interface Holders {
  /** By e-mail, kind and name. */
  readonly all: readonly Holder[];
  /** The next time when a grant or membership begins or ends; Infinity when none does. */
  readonly next: number;
}

/** A holder as it fills. */
interface Filling extends Holder {
  readonly start: Span;
  readonly grants: Held[];
  readonly memberships: HeldMembership[];
}

/** One of those who come by a gift, with what his own part of the way allows. */
interface Taker {
  readonly holder: Filling;
  readonly span: Span;
  readonly origin: Origin | undefined;
}

/** A gift, and those to whom it is given. */
interface Giving {
  readonly gift: Gift;
  readonly span: Span;
  readonly origin: Origin | undefined;
  readonly takers: readonly Taker[];
}

/**
 * Collects who has what in a workspace at a time (milliseconds), from the bindings down: whatever many have in common
 * is worked out once.
 */
export function holdersIn(contents: Contents, origins: Origins, at: number): Holders {
  const { workspace, tokens, bindings } = contents;
  const persons = new Map<string, Filling>();
  for (const user of contents.users)
    persons.set(user.metadata.name, fillingOf(user, user.spec.email, user.spec.state, spanOf(user.spec)));
  const groups = createGroups(contents, origins, persons, at);
  const bots = new Map<string, Filling>();
  const givings: Giving[] = [];
  for (const token of tokens) {
    const holder = tokenHolder(token, persons.get(token.spec.owner));
    if (!holder) continue;
    bots.set(token.metadata.name, holder);
    givings.push(ownRole(token, workspace, origins, holder));
  }
  for (const binding of bindings)
    for (const giving of givingsOf(binding, { workspace, origins, groups, persons, bots, at }))
      givings.push(giving);

  let next = Infinity;
  /** The time that is left of a span; undefined when it is past. */
  const left = (a: Span, b: Span): Span | undefined => {
    const span = intersect(a, b);
    if (!span || span.until <= at) return undefined;
    if (span !== ALWAYS) next = Math.min(next, span.from > at ? span.from : span.until);
    return span;
  };
  let count = 0;
  for (const { gift, span: whole, origin, takers } of inOrder(givings)) {
    let last: Held | undefined;
    for (const taker of takers) {
      const span = left(whole, taker.span);
      if (!span) continue;
      const newest = later(origin, taker.origin);
      if (!last || last.origin !== newest || last.span.from !== span.from || last.span.until !== span.until)
        last = { index: count++, gift, span, origin: newest };
      taker.holder.grants.push(last);
    }
  }
  for (const group of groups.all()) {
    for (const chain of groups.below(group)) {
      for (const taker of chain.leaf.takers) {
        const span = left(chain.span, taker.span);
        if (span)
          taker.holder.memberships.push({
            groups: chain.groups,
            span,
            origin: later(chain.origin, taker.origin),
          });
      }
    }
  }
  const all = [...bots.values(), ...persons.values()].filter(
    ({ grants, memberships }) => grants.length + memberships.length > 0,
  );
  return { all: all.sort(compareHolders), next };
}

function fillingOf(resource: Holder['resource'], email: string, state: string, start: Span): Filling {
  return { resource, email, state, start, grants: [], memberships: [] };
}

/** A contract that has ended leaves nobody to answer for a token, as if its owner were gone. */
function tokenHolder(token: Resource<'Token'>, owner: Filling | undefined): Filling | undefined {
  const start = owner && intersect(spanOf(token.spec), owner.start);
  if (!start) return undefined;
  const state = token.spec.revoked ? 'Revoked' : owner.state === 'Active' ? 'Active' : 'Suspended';
  return fillingOf(token, '', state, start);
}

function ownRole(
  { metadata: { name }, spec }: Resource<'Token'>,
  workspace: string,
  origins: Origins,
  holder: Filling,
): Giving {
  const gift = giftOf(spec.role, 'Workspace', [], `token/${name}`, '');
  const origin = origins(identity('Token', workspace, name), '/spec/role');
  return { gift, span: ALWAYS, origin, takers: [{ holder, span: holder.start, origin: undefined }] };
}

function giftOf(
  role: string,
  scope: string,
  groups: readonly string[],
  binding: string,
  reason: string,
): Gift {
  return { role, scope, groups, via: showVia(groups), binding, reason };
}

/** What bindings are looked at with. */
interface Around {
  readonly workspace: string;
  readonly origins: Origins;
  readonly groups: Groups;
  readonly persons: ReadonlyMap<string, Filling>;
  readonly bots: ReadonlyMap<string, Filling>;
  readonly at: number;
}

function* givingsOf(
  { metadata: { name }, spec }: Resource<'RoleBinding'>,
  { workspace, origins, groups, persons, bots, at }: Around,
): Generator<Giving> {
  const span = spanOf(spec);
  if (span.until <= at) return;
  const id = identity('RoleBinding', workspace, name);
  const { role, reason = '' } = spec;
  const ofRole = origins(id, '/spec/role');
  const entries = spec.resources.map((entry) => {
    const scope = showScope(entry);
    // An entry's scope is also the key by which a pointer names it.
    return { scope, origin: later(ofRole, origins(id, `/spec/resources/${pointerPart(scope)}`)) };
  });
  for (const subject of spec.subjects) {
    const key = `${subject.kind}:${subject.name}`;
    const ofSubject = origins(id, `/spec/subjects/${key}`);
    if (subject.kind === 'Group') {
      const group = groups.get(subject.name);
      for (const chain of group ? groups.below(group) : []) {
        const both = intersect(span, chain.span);
        if (!both) continue;
        const ofWay = later(ofSubject, chain.origin);
        for (const { scope, origin } of entries) {
          const gift = giftOf(role, scope, chain.groups, name, reason);
          yield { gift, span: both, origin: later(origin, ofWay), takers: chain.leaf.takers };
        }
      }
      continue;
    }
    const holder = (subject.kind === 'User' ? persons : bots).get(subject.name);
    if (!holder) continue;
    const takers = [{ holder, span: holder.start, origin: ofSubject }];
    for (const { scope, origin } of entries)
      yield { gift: giftOf(role, scope, [], name, reason), span, origin, takers };
  }
}

/** The later one of two origins, as far as they are known. */
function later(a: Origin | undefined, b: Origin | undefined): Origin | undefined {
  return !a || (b && b.revision > a.revision) ? b : a;
}

interface Group {
  readonly name: string;
  /** The people whom it names, but for those whose membership is past. */
  readonly takers: readonly Taker[];
  /** The groups that it names. */
  readonly inner: readonly {
    readonly name: string;
    readonly span: Span;
    readonly origin: Origin | undefined;
  }[];
}

/** A way down from a group through groups in it. */
interface Chain {
  readonly groups: readonly string[];
  readonly leaf: Group;
  readonly span: Span;
  readonly origin: Origin | undefined;
}

interface Groups {
  get(name: string): Group | undefined;
  all(): Iterable<Group>;
  /** Every way down from a group, that to itself first. */
  below(group: Group): readonly Chain[];
}

function createGroups(
  { workspace, groups: resources }: Contents,
  origins: Origins,
  persons: ReadonlyMap<string, Filling>,
  at: number,
): Groups {
  const groups = new Map<string, Group>();
  for (const { metadata, spec } of resources) {
    const id = identity('Group', workspace, metadata.name);
    const takers: Taker[] = [];
    const inner: Group['inner'][number][] = [];
    for (const member of spec.members) {
      const { kind, name } = member;
      const own = spanOf(member);
      if (own.until <= at) continue;
      const holder = kind === 'User' ? persons.get(name) : undefined;
      const span = holder ? intersect(holder.start, own) : own;
      if (!span || (kind === 'User' && !holder)) continue;
      const origin = origins(id, `/spec/members/${kind}:${name}`);
      if (holder) takers.push({ holder, span, origin });
      else inner.push({ name, span, origin });
    }
    groups.set(metadata.name, { name: metadata.name, takers, inner });
  }
  const known = new Map<Group, readonly Chain[]>();
  return {
    get: (name) => groups.get(name),
    all: () => groups.values(),
    below(group) {
      let chains = known.get(group);
      if (!chains) {
        const top: Chain = { groups: [group.name], leaf: group, span: ALWAYS, origin: undefined };
        chains = [top, ...chainsBelow(top, groups)];
        known.set(group, chains);
      }
      return chains;
    },
  };
}

function* chainsBelow(chain: Chain, groups: ReadonlyMap<string, Group>): Generator<Chain> {
  for (const { name, span: its, origin } of chain.leaf.inner) {
    const leaf = groups.get(name);
    const span = intersect(chain.span, its);
    if (!leaf || !span || chain.groups.includes(name)) continue;
    const next = { groups: [...chain.groups, name], leaf, span, origin: later(chain.origin, origin) };
    yield next;
    yield* chainsBelow(next, groups);
  }
}

/** By role, scope, via and binding: those of one holder are then in order too, without comparing them. */
function inOrder(givings: readonly Giving[]): Giving[] {
  const [roles, scopes, vias, bindings] = (['role', 'scope', 'via', 'binding'] as const).map((field) =>
    ranksOf(givings.map(({ gift }) => gift[field])),
  ) as [Ranks, Ranks, Ranks, Ranks];
  const rank = (ranks: Ranks, value: string) => ranks.get(value) ?? 0;
  return givings
    .map((giving) => ({
      giving,
      first: rank(roles, giving.gift.role) * scopes.size + rank(scopes, giving.gift.scope),
      second: rank(vias, giving.gift.via) * bindings.size + rank(bindings, giving.gift.binding),
    }))
    .sort((a, b) => a.first - b.first || a.second - b.second)
    .map(({ giving }) => giving);
}

type Ranks = ReadonlyMap<string, number>;

function ranksOf(values: readonly string[]): Ranks {
  return new Map([...new Set(values)].sort(compareText).map((value, rank) => [value, rank]));
}

function compareHolders(a: Filling, b: Filling): number {
  return (
    compareText(a.email, b.email) ||
    compareText(a.resource.kind, b.resource.kind) ||
    compareText(a.resource.metadata.name, b.resource.metadata.name)
  );
}
