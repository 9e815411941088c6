import { EXIT, failure } from '../core/problem.ts';
import { takesSecrets } from '../core/secret.ts';
import { parseTime } from '../kinds/time.ts';
import type { Act, Store } from '../stores/store.ts';
import { deliveredTokens, dueAmong, type SecretScope } from './due-secrets.ts';
import {
  type Issued,
  isOvertaken,
  issueSecrets,
  type Order,
  ordersOf,
  sinkProblems,
} from './issue-secrets.ts';
import type { Peppers } from './peppers.ts';
import { reading } from './reading.ts';
import { isThere, problemsOf, settleSecrets, type TokenProblem } from './settle-secrets.ts';
import type { Sinks } from './sinks.ts';

/** What the delivery of secrets needs of the world. */
export interface Delivering {
  /** Who does it, and the time of now: it may take long to come to the next step. */
  act(): Act;
  readonly scope: SecretScope;
  readonly sinks: Sinks;
  /** Called only when a secret is issued. Throws a Failure where there is none. */
  peppers(): Peppers;
  /**
   * Whether a secret that is neither in its sink nor beside it is lost, and another is issued in its place. Only where whoever
   * delivers looks into the same sinks: what is not on one machine may be on another.
   */
  readonly replacesLost?: boolean;
}

export interface Delivered {
  readonly issued: readonly Issued[];
  /** The sinks whose secrets were removed, as people are told of them. */
  readonly removed: readonly string[];
  readonly warnings: readonly TokenProblem[];
  /** Why a secret that is due was not issued, or is not where it belongs. */
  readonly failed: readonly TokenProblem[];
}

/** How often somebody else may have issued for the same Tokens meanwhile. */
const TRIES = 5;

/**
 * Makes the sinks what the ledger says: finishes what was interrupted, issues what is due, removes what is left of Tokens
 * that are gone. What cannot be done for one Token keeps it from being done for no other.
 *
 * At any moment a secret that is valid is in its sink or beside it, and the one before it stays valid until it is in.
 */
export async function deliverSecrets(store: Store, delivering: Delivering): Promise<Delivered> {
  const settled = await settleSecrets(store, delivering);
  const issued: Issued[] = [];
  for (let tries = 0; tries < TRIES; tries++) {
    const { orders, unclear } = await wantedNow(store, delivering);
    const problems = await sinkProblems(orders);
    const fit = orders.filter((order) => !problems.has(order));
    const failed = [...unclear, ...problems.values()];
    if (fit.length === 0 && !(await isOvertaken(store, orders))) return { ...settled, issued, failed };
    const made = fit.length === 0 ? undefined : await issueSecrets(store, fit, delivering);
    if (!made) continue;
    issued.push(...made.issued);
    if (made.failed.length > 0) return { ...settled, issued, failed: [...failed, ...made.failed] };
  }
  throw failure(EXIT.stale, 'RC407', 'others issue secrets of the same Tokens at the same time', 'try again');
}

interface Wanted {
  readonly orders: readonly Order[];
  /** Of those of which it cannot be told. */
  readonly unclear: readonly TokenProblem[];
}

/** The Tokens of which a secret is due, or was lost. */
async function wantedNow(store: Store, { act, scope, sinks, replacesLost }: Delivering): Promise<Wanted> {
  const at = parseTime(act().at) ?? 0;
  const all = await reading(store, (open) => deliveredTokens(open, scope));
  const due = dueAmong(all, at);
  const orders = ordersOf(due, sinks);
  const unclear: TokenProblem[] = [];
  if (!replacesLost) return { orders, unclear };
  const isDue = new Set(due.map(({ uid }) => uid));
  const others = all.filter(({ uid, token }) => !isDue.has(uid) && takesSecrets(token, at));
  for (const order of ordersOf(others, sinks))
    try {
      if (await isLost(order, sinks)) orders.push(order);
    } catch (error) {
      unclear.push(...problemsOf(order.token, error));
    }
  return { orders, unclear };
}

/** Whether the newest secret of a Token, which is valid, is nowhere. */
async function isLost({ secrets: [newest] }: Order, sinks: Sinks): Promise<boolean> {
  // Where the command line named the place, that is a file.
  if (!newest || newest.revokedAt !== null || newest.sink === null) return false;
  const sink = sinks.at(newest.path, newest.sink);
  return sink !== undefined && !(await isThere(sink, newest.id));
}
