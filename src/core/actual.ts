import type { KindName } from '../kinds/index.ts';
import { foldCase } from '../kinds/text.ts';
import { compareText } from './problem.ts';
import { type Identity, identity, kindIn, targetsOf } from './resource.ts';
import type { Stored } from './stored.ts';

/** What to look up: everything that any of these names. */
export interface Wanted {
  /** These. */
  readonly ids?: readonly Identity[];
  /** What has an edge to one of these (core/resource.ts, edgesOf). */
  readonly targets?: readonly Identity[];
  /** Users with one of these addresses, as `foldCase` has them. */
  readonly emails?: readonly string[];
  /** All of these kinds. */
  readonly kinds?: readonly KindName[];
  /** Those with these uids. */
  readonly uids?: readonly string[];
  /** Tokens that say where their secrets go. */
  readonly delivers?: true;
  /** Those of one kind in one workspace, in the order of their names: at most `limit` after the name `after`. */
  readonly page?: {
    readonly kind: KindName;
    readonly workspace: string;
    readonly after: string;
    readonly limit: number;
  };
}

/** A number of resources; `workspace` is empty for global kinds. */
export interface Tally {
  readonly kind: KindName;
  readonly workspace: string;
  readonly manager: string;
  readonly count: number;
}

/** What can be said to be needed before it is asked for, so that it is fetched at once. */
export type Needed = Pick<Wanted, 'ids' | 'targets' | 'emails'>;

/**
 * Actual state, looked up. One of which not everything is at hand throws `Missing`; whoever asked fetches that, and
 * asks again from the beginning. So what asks must be pure, and must not catch what it does not know.
 */
export interface Actual {
  /** Whether some of it may have to be fetched. */
  readonly partial: boolean;
  get(id: Identity): Stored | undefined;
  /** Those that refer to an identity by an edge, each once. */
  referrers(id: Identity): readonly Stored[];
  /** Users with an address, as `foldCase` has it. */
  usersWith(email: string): readonly Stored[];
  ofKind(kind: KindName): readonly Stored[];
  /** One after the other, by name: whoever has seen enough may stop. */
  inWorkspace(kind: KindName, workspace: string): Iterable<Stored>;
  tally(): readonly Tally[];
  /** Everything: for what cannot do with less. */
  all(): Iterable<Stored>;
  need(needed: Needed): void;
}

/** A part of actual state that is not at hand: `all` of it, how many there are, or what is wanted. */
export class Missing extends Error {
  override readonly name = 'Missing';
  readonly what: Wanted | 'all' | 'tally';

  constructor(what: Wanted | 'all' | 'tally') {
    super('a part of actual state was not fetched before it was asked for');
    this.what = what;
  }
}

/** Actual state that is all at hand. Indexes are made when first asked for. */
export function wholeActual(stored: Iterable<Stored>): Actual {
  const byId = new Map<Identity, Stored>();
  for (const one of stored) byId.set(one.id, one);
  const ofKind = lazily(() => Map.groupBy(byId.values(), ({ id }) => kindIn(id)));
  const ofPlace = lazily(() => {
    const places = Map.groupBy(byId.values(), ({ id }) => id.slice(0, id.lastIndexOf('/') + 1));
    for (const list of places.values()) list.sort((a, b) => compareText(a.id, b.id));
    return places;
  });
  const byTarget = lazily(() => {
    const reverse = new Map<Identity, Stored[]>();
    for (const one of byId.values())
      for (const target of targetsOf(one.resource)) {
        const list = reverse.get(target);
        if (!list) reverse.set(target, [one]);
        else if (list.at(-1) !== one) list.push(one);
      }
    return reverse;
  });
  const byEmail = lazily(() =>
    Map.groupBy(ofKind().get('User') ?? [], ({ resource }) =>
      resource.kind === 'User' ? foldCase(resource.spec.email) : '',
    ),
  );
  const tallied = lazily(() => tallyOf(byId.values()));
  return {
    partial: false,
    get: (id) => byId.get(id),
    referrers: (id) => byTarget().get(id) ?? [],
    usersWith: (email) => byEmail().get(email) ?? [],
    ofKind: (kind) => ofKind().get(kind) ?? [],
    inWorkspace: (kind, workspace) => ofPlace().get(identity(kind, workspace, '')) ?? [],
    tally: tallied,
    all: () => byId.values(),
    need() {},
  };
}

function tallyOf(stored: Iterable<Stored>): Tally[] {
  const tallies = new Map<string, { -readonly [K in keyof Tally]: Tally[K] }>();
  for (const { id, manager } of stored) {
    const [kind, workspace = ''] = id.split('/', 2) as [KindName, string];
    const key = `${kind}/${workspace}/${manager}`;
    const known = tallies.get(key);
    if (known) known.count++;
    else tallies.set(key, { kind, workspace, manager, count: 1 });
  }
  return [...tallies.values()];
}

/** Found out when first asked for, and kept once it was. */
export function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
