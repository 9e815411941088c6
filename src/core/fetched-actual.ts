import type { KindName } from '../kinds/index.ts';
import { foldCase } from '../kinds/text.ts';
import { type Actual, Missing, type Needed, type Tally, type Wanted } from './actual.ts';
import { type Identity, identity, targetsOf } from './resource.ts';
import type { Stored } from './stored.ts';

const PAGE = 100;

interface Page {
  readonly found: Stored[];
  ended: boolean;
}

/** Actual state as far as it has been fetched, and what is known not to be there. All else is `Missing`. */
export class FetchedActual implements Actual {
  #byId = new Map<Identity, Stored | null>();
  #byTarget = new Map<Identity, Stored[]>();
  #byEmail = new Map<string, Stored[]>();
  #byKind = new Map<KindName, readonly Stored[]>();
  #pages = new Map<string, Page>();
  #whole: Actual | undefined;
  tallies: readonly Tally[] | undefined;

  readonly partial = true;

  get(id: Identity): Stored | undefined {
    if (this.#whole) return this.#whole.get(id);
    const found = this.#byId.get(id);
    if (found === undefined) throw new Missing({ ids: [id] });
    return found ?? undefined;
  }

  referrers(id: Identity): readonly Stored[] {
    if (this.#whole) return this.#whole.referrers(id);
    const found = this.#byTarget.get(id);
    if (!found) throw new Missing({ targets: [id] });
    return found;
  }

  usersWith(email: string): readonly Stored[] {
    if (this.#whole) return this.#whole.usersWith(email);
    const found = this.#byEmail.get(email);
    if (!found) throw new Missing({ emails: [email] });
    return found;
  }

  ofKind(kind: KindName): readonly Stored[] {
    if (this.#whole) return this.#whole.ofKind(kind);
    const found = this.#byKind.get(kind);
    if (!found) throw new Missing({ kinds: [kind] });
    return found;
  }

  *inWorkspace(kind: KindName, workspace: string): Generator<Stored> {
    if (this.#whole) {
      yield* this.#whole.inWorkspace(kind, workspace);
      return;
    }
    const page = this.#pageOf(kind, workspace);
    yield* page.found;
    if (page.ended) return;
    const after = page.found.at(-1)?.resource.metadata.name ?? '';
    // What is far into it will most likely go on.
    const limit = Math.max(PAGE, page.found.length);
    throw new Missing({ page: { kind, workspace, after, limit } });
  }

  tally(): readonly Tally[] {
    if (!this.tallies) throw new Missing('tally');
    return this.tallies;
  }

  all(): Iterable<Stored> {
    if (!this.#whole) throw new Missing('all');
    return this.#whole.all();
  }

  need({ ids = [], targets = [], emails = [] }: Needed): void {
    if (this.#whole) return;
    const missing = {
      ids: unknown(ids, this.#byId),
      targets: unknown(targets, this.#byTarget),
      emails: unknown(emails, this.#byEmail),
    };
    if (missing.ids.length + missing.targets.length + missing.emails.length > 0) throw new Missing(missing);
  }

  /** Everything has been fetched. */
  become(whole: Actual): void {
    this.#whole = whole;
  }

  /** Takes in all that a store found of what was wanted. */
  learn({ ids = [], targets = [], emails = [], kinds = [], page }: Wanted, found: readonly Stored[]): void {
    for (const id of ids) this.#byId.set(id, null);
    for (const target of targets) this.#byTarget.set(target, []);
    for (const email of emails) this.#byEmail.set(email, []);
    const wanted = new Set(targets);
    for (const stored of found) {
      this.#byId.set(stored.id, stored);
      if (wanted.size > 0)
        for (const target of new Set(targetsOf(stored.resource)))
          if (wanted.has(target)) this.#byTarget.get(target)?.push(stored);
      if (emails.length > 0 && stored.resource.kind === 'User')
        this.#byEmail.get(foldCase(stored.resource.spec.email))?.push(stored);
    }
    for (const kind of kinds)
      this.#byKind.set(
        kind,
        found.filter(({ id }) => id.startsWith(`${kind}/`)),
      );
    if (page) {
      const known = this.#pageOf(page.kind, page.workspace);
      known.found.push(...found);
      known.ended = found.length < page.limit;
    }
  }

  #pageOf(kind: KindName, workspace: string): Page {
    const key = identity(kind, workspace, '');
    const page = this.#pages.get(key) ?? { found: [], ended: false };
    this.#pages.set(key, page);
    return page;
  }
}

function unknown(keys: readonly string[], known: ReadonlyMap<string, unknown>): string[] {
  return [...new Set(keys.filter((key) => !known.has(key)))];
}
