import type { AuditRow } from './audit.ts';
import { type Treatment, treatmentOf } from './drift-treatment.ts';
import { changedParts, type Part, unmanagedField, withParts } from './part.ts';
import type { Identity, Manifest } from './resource.ts';
import { manifestIn, normalized } from './stored-manifest.ts';

/** Who wrote a revision. */
export interface Author {
  readonly manager: string;
  /** From which manager each identity, or a field of it, was taken over; undefined where the row that says so is redacted. */
  readonly adopts: Readonly<Record<Identity, string>> | undefined;
}

/** What made something differ from what a manager applied. */
export interface Cause {
  readonly cause: 'manager' | 'database';
  /** Who did it, when (normal form) and why; all null for what was done in the database, where nobody says. */
  readonly manager: string | null;
  readonly actor: string | null;
  readonly at: string | null;
  readonly revision: number | null;
  readonly reason: string | null;
}

export const IN_DATABASE: Cause = {
  cause: 'database',
  manager: null,
  actor: null,
  at: null,
  revision: null,
  reason: null,
};

/**
 * One resource as its audit rows tell of it, and what of that one manager has applied last. Rows are added by seq.
 *
 * What another manager changed without taking it over was not this manager's, and counts as applied. What he did take
 * over, or what was changed in the database before somebody wrote the resource again, does not.
 */
export class History {
  readonly manager: string;
  /** Who managed the resource last; empty where no row tells. */
  owner = '';
  /** What the ledger says that there is; null when it is deleted, undefined when that cannot be told. */
  ledger: Manifest | null | undefined = null;
  /** What the manager applied last; null when it never did, or gave it up; undefined when that cannot be told. */
  applied: Manifest | null | undefined = null;
  /** The last row of all. */
  last: Cause = IN_DATABASE;
  /** By what each part came to differ from what was applied. */
  readonly #causes = new Map<Part, Cause>();
  /** What took all of it away. */
  #gone: Cause | undefined;
  /** Whether another manager has it now, but for fields with managers of their own. */
  #isTaken = false;
  #creator: string | undefined;
  /** Who changed each unmanaged field last, since it was created. */
  readonly #writers = new Map<Part, string>();

  constructor(manager: string) {
    this.manager = manager;
  }

  /** What must be there for the manager, or for the ledger where it is not the manager's. */
  get expected(): Manifest | null | undefined {
    return this.applied === null ? this.ledger : this.applied;
  }

  /** Takes in a create, update or delete; `by` wrote its revision. */
  add(row: AuditRow, by: Author): void {
    const { actor, at, revision, reason } = row;
    this.last = { cause: 'manager', manager: by.manager, actor, at, revision, reason };
    const [before, after] = [row.before, row.after].map((text) => manifestIn(text ?? ''));
    if (row.action === 'delete') this.#delete(by);
    else if (row.action === 'create') this.#create(after, by);
    else if (before && after) this.#update(before, after, row.identity ?? '', by);
    else this.#lose(by);
  }

  /** Why each part of what there is (`actual`, in normal form) is not as it was applied. */
  causesIn(actual: Manifest): (part: Part) => Cause {
    const { ledger } = this;
    const byHand = ledger ? changedParts(normalized(ledger), actual) : new Set();
    return (part) => (byHand.has(part) ? undefined : this.#causes.get(part)) ?? IN_DATABASE;
  }

  /** Why there is nothing of it any more. */
  get causeOfLoss(): Cause {
    return this.ledger === null ? (this.#gone ?? IN_DATABASE) : IN_DATABASE;
  }

  #create(after: Manifest | undefined, { manager }: Author): void {
    this.owner = manager;
    this.#creator = manager;
    this.ledger = after;
    this.applied = manager === this.manager ? after : null;
  }

  #delete({ manager }: Author): void {
    const isTakenAway = manager !== this.manager && (this.owner === this.manager || this.#isTaken);
    if (isTakenAway) this.#gone = this.last;
    else this.applied = null;
    this.ledger = null;
  }

  #update(before: Manifest, after: Manifest, id: Identity, by: Author): void {
    if (this.ledger && this.applied)
      for (const part of changedParts(this.ledger, before)) this.#causes.set(part, IN_DATABASE);
    const changed = changedParts(before, after);
    if (by.manager === this.manager) this.#apply(after, changed);
    else if (this.applied) this.#accept(after, changed, id, by);
    for (const part of changed) {
      if (unmanagedField(after, part) !== undefined) {
        this.#writers.set(part, by.manager);
        continue;
      }
      // Who changes anything else of another manager's takes over the whole.
      if (this.owner === this.manager && by.manager !== this.manager) this.#isTaken = true;
      this.owner = by.manager;
    }
    this.ledger = after;
  }

  /** What the manager writes it has looked at as a whole, unless it lets drift be: then only what it changes. */
  #apply(after: Manifest, changed: ReadonlySet<Part>): void {
    const letsBe = LETS_BE[treatmentOf(after)];
    this.applied = this.applied && letsBe ? withParts(this.applied, after, changed) : after;
    if (letsBe) {
      for (const part of changed) this.#causes.delete(part);
    } else {
      this.#causes.clear();
      this.#isTaken = false;
    }
  }

  #accept(after: Manifest, changed: ReadonlySet<Part>, id: Identity, { adopts }: Author): void {
    if (!this.applied) return;
    const from = adopts ? adopts[id] : this.manager;
    const isOurs = (part: Part) =>
      this.#causes.has(part) ||
      (unmanagedField(after, part) === undefined
        ? this.owner === this.manager || this.#isTaken
        : (from !== undefined || this.#isTaken) &&
          (this.#writers.get(part) ?? this.#creator) === this.manager);
    const ours = [...changed].filter(isOurs);
    // A field may be declared with the value that it has: then another one wrote it.
    const taken = new Set(ours.length === 0 && from === this.manager ? changed : ours);
    for (const part of taken) this.#causes.set(part, this.last);
    this.applied = withParts(this.applied, after, changed.difference(taken));
  }

  /** A row whose payload is gone, or is not what was written. */
  #lose({ manager }: Author): void {
    this.ledger = undefined;
    if (manager === this.manager || this.applied !== null) this.applied = undefined;
  }
}

const LETS_BE: Readonly<Record<Treatment, boolean>> = { enforce: false, report: true, ignore: true };
