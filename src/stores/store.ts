import type { Tally, Wanted } from '../core/actual.ts';
import type { AuditRow } from '../core/audit.ts';
import type { Moment } from '../core/moment.ts';
import type { Action } from '../core/plan.ts';
import type { Identity } from '../core/resource.ts';
import type { Secret, SecretHash } from '../core/secret.ts';
import type { Stored } from '../core/stored.ts';
import type { Verdict } from '../core/verdict.ts';
import type { KindName } from '../kinds/index.ts';

/**
 * Where actual state lives, with its ledger: names, uids, managers, revisions, audit.
 *
 * An implementation must pass `test/contract/store-contract.ts`.
 */
export interface Store {
  /** Its URL or path for messages, never with a password. */
  readonly location: string;
  readonly supports: StoreSupport;
  /**
   * A consistent view of one moment. A store that does not exist reads as empty with `head.store` null; reading must
   * not create or migrate it, and takes no lock. The reading must be closed.
   */
  read(): Promise<Reading>;
  /**
   * Writes one entry, all of it or nothing. An apply creates the store when there is none.
   *
   * Throws StaleBase when the store is not at `entry.base` any more.
   */
  write(entry: Entry): Promise<Written>;
  close(): Promise<void>;
}

/** What a store can do for each Kind: asked before a plan is made, so that nothing is dropped silently. */
export interface StoreSupport {
  readonly kinds: Readonly<Record<KindName, boolean>>;
}

export interface Head {
  /** Random, made at creation; null when there is no store. */
  readonly store: string | null;
  /** 0 before the first apply. */
  readonly revision: number;
  /** `SEQ:HASH` of the newest audit row; null when there is none. */
  readonly auditHead: string | null;
  /** The revision whose snapshot was written last; 0 when none was. */
  readonly snapshotRevision: number;
}

export interface Reading {
  readonly head: Head;
  /**
   * All resources (of one workspace and its Workspace, when given) in batches, in an order that stays the same. A read
   * that is cut short must throw: ending early would look like fewer resources.
   */
  resources(filter?: { workspace?: string }): AsyncIterable<readonly Stored[]>;
  /**
   * Those resources that are wanted, each once, in any order. What there is none of is left out; its cost is that of
   * what is found, not of the store.
   */
  find(wanted: Wanted): Promise<readonly Stored[]>;
  /** How many resources there are, by kind, workspace and manager; nothing where there are none. */
  tally(): Promise<readonly Tally[]>;
  /** The revision that made each edge (core/resource.ts, edgesOf), in batches: of a workspace or of resources, when given. */
  edges(filter?: EdgeFilter): AsyncIterable<readonly StoredEdge[]>;
  /** Revisions, newest first. */
  revisions(): AsyncIterable<readonly Revision[]>;
  /** Audit rows by seq: all, or those that a filter lets through. */
  audit(filter?: AuditFilter): AsyncIterable<readonly AuditRow[]>;
  /** Beginnings and ends of windows, by time; its cost is that of what is found. */
  moments(filter?: MomentFilter): AsyncIterable<readonly StoredMoment[]>;
  /** Secrets of tokens, the newest first; hashes are no part of them. */
  secrets(filter: SecretFilter): Promise<readonly Secret[]>;
  /** The commit that was applied last for a manager, whether or not it changed anything; null without one. */
  commitOf(manager: string): Promise<string | null>;
  /** By what a secret is known again; undefined where there is no such secret. Throws where the role may not know it. */
  secretHash(id: string): Promise<SecretHash | undefined>;
  close(): Promise<void>;
}

/** The edges of which resources: of one workspace and its Workspace, or of these. */
export type EdgeFilter = { readonly workspace?: string } | { readonly ids: readonly Identity[] };

/**
 * Which audit rows: of one revision, of revisions greater than `after`, of numbers not less than `from`, of resources
 * with these uids; with several, of those that are all.
 */
export interface AuditFilter {
  readonly from?: number;
  readonly uids?: readonly string[];
  readonly revision?: number;
  readonly after?: number;
}

/** Which moments: greater than `after`, not greater than `until` (milliseconds), not yet passed. */
export interface MomentFilter {
  readonly after?: number;
  readonly until?: number;
  /** Only those that no `pass` has seen. */
  readonly open?: true;
}

export interface StoredMoment extends Moment {
  readonly id: Identity;
}

/** Which secrets: of these ids, of Tokens with these uids, or those whose files want something done; with several, of any. */
export interface SecretFilter {
  readonly ids?: readonly string[];
  readonly tokens?: readonly string[];
  readonly unsettled?: true;
}

export type { Tally, Wanted };

export interface StoredEdge {
  readonly id: Identity;
  readonly pointer: string;
  readonly since: number;
}

export interface Revision {
  readonly revision: number;
  /** Normal form. */
  readonly at: string;
  readonly actor: string | null;
  readonly actorVerified: boolean;
  readonly manager: string;
  readonly digest: string;
  readonly reason: string | null;
  readonly commit: string | null;
  readonly summary: { readonly create: number; readonly update: number; readonly delete: number };
}

/** Who does something, when and why. */
export interface Act {
  readonly at: string;
  readonly manager: string;
  readonly actor: string | null;
  readonly actorVerified: boolean;
  readonly reason: string | null;
  readonly commit: string | null;
  readonly pr: string | null;
  readonly approvers: readonly string[];
  /** The commit that must be the last one of the manager (null for none), where that matters: else the write is refused (RC404, exit 5). */
  readonly follows?: string | null;
  /** Of a pull request: whether it is known that people looked at just this; left out for all else. */
  readonly review?: 'verified' | 'unverified';
}

/** One change with what the ledger must know beside it. */
export interface WriteChange {
  readonly action: Action;
  readonly id: Identity;
  /** The uid of what is there; null for a create, which gets a new one. */
  readonly uid: string | null;
  /** What it is from now on: canonical JSON of the whole normal form, and what that says; null for a delete. */
  readonly after: Pick<Stored, 'body' | 'resource'> | null;
  /** Who manages it, and which unmanaged fields, from now on. */
  readonly manager: string;
  readonly fieldManagers: Readonly<Record<string, string>>;
}

/** An override, or what a policy with enforcement Audit found. */
export interface AuditRemark {
  readonly action: 'override' | 'policy';
  readonly identity: Identity | null;
  readonly verdicts: readonly Verdict[];
  /** For a policy: what it found. For an override: who answers for it, where that is not the actor. */
  readonly message: string | null;
}

export type Entry =
  | {
      readonly type: 'apply';
      readonly base: { readonly store: string | null; readonly revision: number };
      readonly act: Act;
      readonly digest: string;
      readonly verdicts: readonly Verdict[];
      /** What the audit says beside the changes, a row each. */
      readonly remarks: readonly AuditRemark[];
      readonly summary: Revision['summary'];
      /** In the order of writing; each takes effect after those before it. Gone through once. */
      readonly changes: Iterable<WriteChange>;
      /** The identities that renames change, the old one first. */
      readonly renames: ReadonlyMap<Identity, Identity>;
      /** From which manager each identity, or a field of it, is taken over. */
      readonly adopts: ReadonlyMap<Identity, string>;
    }
  /** An apply or delete that a guard or policy refused: one audit row, no revision. Nothing where there is no store. */
  | {
      readonly type: 'refused';
      readonly act: Act;
      readonly digest: string;
      readonly verdicts: readonly Verdict[];
    }
  /** The snapshot of a revision has been written; an older one than is known changes nothing. */
  | { readonly type: 'snapshot'; readonly revision: number }
  | LedgerEntry;

/** What is written to the ledger beside the resources: no revision, nothing where there is no store. */
export type LedgerEntry =
  /**
   * Time has passed: each end of a window that is not after `act.at` and was not seen yet is an audit row ("retire"). Where
   * there was one, or a beginning, the snapshot counts as not written.
   */
  | { readonly type: 'pass'; readonly act: Act }
  /**
   * Secrets are issued, and valid from now on. Throws StaleSecrets, and writes none, when a Token is gone or revoked, or its
   * newest secret is not what `follows` says.
   */
  | { readonly type: 'issue'; readonly act: Act; readonly secrets: readonly NewSecret[] }
  /** Sinks have their secrets. Those before each end `overlap` milliseconds from now, or at the end that they had. */
  | { readonly type: 'delivered'; readonly act: Act; readonly secrets: readonly DeliveredSecret[] }
  /** `act.commit` is applied, and changed nothing. */
  | { readonly type: 'commit'; readonly act: Act }
  /** Nothing is left to be done about the sinks of these. */
  | { readonly type: 'settled'; readonly secrets: readonly string[] }
  /**
   * The payloads of audit rows go, with that of an apply the reason of its revision; the chain holds. Rows that are not
   * there are passed over.
   */
  | { readonly type: 'redact'; readonly act: Act; readonly rows: readonly number[] };

export interface NewSecret extends SecretHash, Pick<Secret, 'id' | 'token' | 'identity' | 'sink' | 'path'> {
  /** The newest secret of the Token so far; null when it had none. */
  readonly follows: string | null;
}

export interface DeliveredSecret {
  readonly id: string;
  /** Milliseconds. */
  readonly overlap: number;
}

export interface Written {
  readonly head: Head;
  /** Whether this write made the store. */
  readonly created: boolean;
}

/** The store has moved on since the base of a write. */
export class StaleBase extends Error {
  override readonly name = 'StaleBase';
  readonly found: { readonly store: string | null; readonly revision: number };

  constructor(found: { store: string | null; revision: number }) {
    super(`the store is at revision ${found.revision}`);
    this.found = found;
  }
}

/** Secrets were to be issued for a Token that is not as it was. */
export class StaleSecrets extends Error {
  override readonly name = 'StaleSecrets';
  readonly identity: Identity;

  constructor(identity: Identity) {
    super(`${identity} is not as it was`);
    this.identity = identity;
  }
}
