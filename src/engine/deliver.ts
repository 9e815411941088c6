import { EXIT, Failure, failure, type Problem } from '../core/problem.ts';
import { identityOf, showIdentity } from '../core/resource.ts';
import { isLive, isOpen, overlapOf, type Secret } from '../core/secret.ts';
import type { Resource } from '../kinds/index.ts';
import { parseTime } from '../kinds/time.ts';
import {
  type Act,
  type DeliveredSecret,
  type NewSecret,
  type Reading,
  StaleSecrets,
  type Store,
} from '../stores/store.ts';
import { type DueSecret, dueSecrets, type SecretScope } from './due-secrets.ts';
import type { Peppers } from './peppers.ts';
import { hashSecret, newSecret } from './secret-text.ts';
import type { Sink, Sinks } from './sinks.ts';

/** What the delivery of secrets needs of the world. */
export interface Delivering {
  /** Who does it, and the time of now: it may take long to come to the next step. */
  act(): Act;
  readonly scope: SecretScope;
  readonly sinks: Sinks;
  /** Called only when a secret is issued. Throws a Failure where there is none. */
  peppers(): Peppers;
}

/** A secret that was issued and is in its sink. */
export interface Issued {
  readonly token: Resource<'Token'>;
  /** Its fingerprint. */
  readonly id: string;
  readonly sink: Sink;
  /** The one whose place it took; null where none was valid. */
  readonly follows: string | null;
  /** Until when that one is valid, in milliseconds; null without one. */
  readonly overlapsUntil: number | null;
}

export interface Delivered {
  readonly issued: readonly Issued[];
  /** The files that were removed, as people are told of them. */
  readonly removed: readonly string[];
  readonly warnings: readonly Problem[];
  /** Why a secret that is due was not issued, or is not where it belongs. */
  readonly failed: readonly Problem[];
}

/** A secret to be issued, and where it goes. `declared`: what the Token says of it; null when the command line does. */
export interface Order extends DueSecret {
  readonly sink: Sink;
  readonly declared: string | null;
}

/** The orders of those whose secrets are delivered from here. */
export function ordersOf(due: readonly DueSecret[], sinks: Sinks): Order[] {
  return due.flatMap((one) => {
    const sink = sinks.of(one.token);
    return sink ? [{ ...one, sink, declared: one.token.spec.deliverTo?.file ?? null }] : [];
  });
}

/** Throws a Failure with every reason why a secret could not be put where it belongs. Writes nothing. */
export function refuseSinks(orders: readonly Order[]): void {
  const problems = [...sinkProblems(orders).values()];
  if (problems.length > 0) throw new Failure(EXIT.error, problems);
}

/** Why secrets could not be put where they belong, those of which that is so. */
function sinkProblems(orders: readonly Order[]): Map<Order, Problem> {
  const problems = new Map<Order, Problem>();
  const taken = new Map<string, Order>();
  for (const order of orders) {
    const { token, sink, secrets } = order;
    const other = taken.get(sink.path);
    const problem = other
      ? {
          code: 'RC506' as const,
          severity: 'error' as const,
          message: `${sink.shown} is the sink of ${nameOf(other.token)} too`,
          hint: 'give each Token a file of its own',
        }
      : sink.check(oursAmong(secrets));
    taken.set(sink.path, order);
    if (problem) problems.set(order, { ...problem, message: `${nameOf(token)}: ${problem.message}` });
  }
  return problems;
}

/** How often somebody else may have issued for the same Tokens meanwhile. */
const TRIES = 5;

/**
 * Makes the sinks what the ledger says: finishes what was interrupted, issues what is due, removes what is left of Tokens
 * that are gone.
 *
 * At any moment a secret that is valid is in its sink or beside it, and the one before it stays valid until it is in.
 */
export async function deliverSecrets(store: Store, delivering: Delivering): Promise<Delivered> {
  const settled = await settleSecrets(store, delivering);
  const issued: Issued[] = [];
  for (let tries = 0; tries < TRIES; tries++) {
    const at = parseTime(delivering.act().at) ?? 0;
    const due = await reading(store, (open) => dueSecrets(open, delivering.scope, at));
    const orders = ordersOf(due, delivering.sinks);
    const problems = sinkProblems(orders);
    const fit = orders.filter((order) => !problems.has(order));
    if (fit.length === 0 && !(await isOvertaken(store, orders)))
      return { ...settled, issued, failed: [...problems.values()] };
    const made = fit.length === 0 ? undefined : await tried(issue(store, fit, delivering));
    if (!made) continue;
    issued.push(...made.issued);
    if (made.failed.length > 0) return { ...settled, issued, failed: [...problems.values(), ...made.failed] };
  }
  throw failure(EXIT.stale, 'RC407', 'others issue secrets of the same Tokens at the same time', 'try again');
}

/** What a sink refuses, as what has failed; what the store refuses is for whoever called. */
async function tried(work: Promise<Made | undefined>): Promise<Made | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Failure && error.exit === EXIT.error) return { issued: [], failed: error.problems };
    throw error;
  }
}

interface Made {
  readonly issued: readonly Issued[];
  readonly failed: readonly Problem[];
}

/**
 * Issues secrets and puts them into their sinks; undefined when another process did so meanwhile, and nothing was done.
 *
 * Throws a Failure when none is issued, as `refuseSinks` does; of those that are, what does not come into its sink has failed, and
 * is finished by the next `deliverSecrets`.
 */
export async function issue(
  store: Store,
  orders: readonly Order[],
  { act, peppers }: Delivering,
): Promise<Made | undefined> {
  const staged: (Order & { readonly secret: NewSecret })[] = [];
  const drop = () => {
    for (const { sink, secret } of staged) sink.drop(secret.id);
  };
  try {
    refuseSinks(orders);
    const { current } = peppers();
    for (const order of orders) {
      const { uid, token, sink, declared, secrets } = order;
      const { id, text } = newSecret();
      if (uid === null) throw new Error(`${nameOf(token)} is not in the store yet`);
      clearLeftOvers(sink, secrets);
      sink.stage({ id, text }, oursAmong(secrets));
      const secret: NewSecret = {
        id,
        token: uid,
        identity: identityOf(token),
        sink: declared,
        path: sink.path,
        keyId: current.id,
        hash: hashSecret(text, current.key),
        follows: secrets[0]?.id ?? null,
      };
      staged.push({ ...order, secret });
    }
  } catch (error) {
    drop();
    // What is in a sink may be the secret of a process that was faster, and foreign only to what was read before.
    if (await isOvertaken(store, orders)) return undefined;
    throw error;
  }
  try {
    await store.write({ type: 'issue', act: act(), secrets: staged.map(({ secret }) => secret) });
  } catch (error) {
    if (error instanceof StaleSecrets) {
      drop();
      return undefined;
    }
    // A connection that was cut may have been so after the commit: then they are valid, and must not be lost.
    const ids = staged.map(({ secret }) => secret.id);
    const known = await reading(store, (open) => open.secrets({ ids })).catch(() => undefined);
    if (known?.length === 0) drop();
    throw error;
  }
  return place(store, staged, act);
}

/** Whether secrets were issued for these Tokens since the orders were made, or anything applied since a revision. */
export function isOvertaken(store: Store, orders: readonly Order[], revision?: number): Promise<boolean> {
  return reading(store, async (open) => {
    if (revision !== undefined && open.head.revision !== revision) return true;
    const all = await open.secrets({ tokens: orders.flatMap(({ uid }) => uid ?? []) });
    return orders.some(({ uid, secrets }) => all.find(({ token }) => token === uid)?.id !== secrets[0]?.id);
  });
}

async function place(
  store: Store,
  staged: readonly (Order & { readonly secret: NewSecret })[],
  act: Delivering['act'],
): Promise<Made> {
  const failed: Problem[] = [];
  const placed: (typeof staged)[number][] = [];
  for (const one of staged) {
    const { token, sink, secret, secrets } = one;
    try {
      if ((await bring(store, sink, secret.id, oursAmong(secrets, secret.id))) === 'revoked')
        failed.push(revokedMeanwhile(token));
      else placed.push(one);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failed.push(...error.problems.map((problem) => ({ ...problem, hint: LATER })));
    }
  }
  // From now on, and not from when it was begun, those before are valid for their overlap.
  const then = act();
  const secrets = placed.map(({ token, secret }) => ({ id: secret.id, overlap: overlapOf(token) }));
  if (secrets.length > 0) await store.write({ type: 'delivered', act: then, secrets });
  return { issued: placed.map((one) => issuedAt(one, parseTime(then.at) ?? 0)), failed };
}

function issuedAt(
  { token, sink, secret, secrets }: Order & { readonly secret: NewSecret },
  now: number,
): Issued {
  const [before] = secrets;
  const follows = before && isLive(before, now) ? before.id : null;
  const overlapsUntil = follows === null ? null : now + overlapOf(token);
  return { token, id: secret.id, sink, follows, overlapsUntil };
}

const LATER = 'the secret is issued and lies beside it: mend this, and the next apply puts it there';

function revokedMeanwhile(token: Resource<'Token'>): Problem {
  return {
    code: 'RC511',
    severity: 'error',
    message: `${nameOf(token)}: its secrets were revoked while this one was issued`,
    hint: 'iam history --audit tells by whom',
  };
}

/**
 * Puts a secret that is beside a sink into it, unless another process has done so, or has revoked it: then it may be
 * there no more, nor beside it.
 */
async function bring(
  store: Store,
  sink: Sink,
  id: string,
  isOurs: (secret: string) => boolean,
): Promise<'delivered' | 'revoked'> {
  if (sink.holds() === id) return 'delivered';
  try {
    sink.place(id, isOurs);
    return 'delivered';
  } catch (error) {
    // In this order: another takes its place only once it is known to be delivered.
    if (sink.holds() === id) return 'delivered';
    const fate = await fateOf(store, id);
    if (fate === 'open') throw error;
    return fate;
  }
}

/** What has become of a secret by now. */
async function fateOf(store: Store, id: string): Promise<'open' | 'delivered' | 'revoked'> {
  const [secret] = await reading(store, (open) => open.secrets({ ids: [id] }));
  if (!secret) return 'open';
  if (secret.revokedAt !== null) return 'revoked';
  return isOpen(secret) ? 'open' : 'delivered';
}

/** Of a process that was killed between its file and its commit. Younger ones may be those of one that still runs. */
const OLD = 3_600_000;

function clearLeftOvers(sink: Sink, secrets: readonly Secret[]): void {
  const isKnown = oursAmong(secrets);
  for (const { id, age } of sink.staged()) if (age > OLD && !isKnown(id)) sink.drop(id);
}

/**
 * Issues nothing: finishes what an earlier process has begun, and removes what is left of Tokens that are gone. What cannot be
 * done here is a warning, and keeps nothing else from being done.
 */
export async function settleSecrets(
  store: Store,
  { act, scope, sinks }: Delivering,
): Promise<Pick<Delivered, 'removed' | 'warnings'>> {
  const open = await reading(store, unsettled);
  const removed: string[] = [];
  const warnings: Problem[] = [];
  const delivered: DeliveredSecret[] = [];
  const settled: string[] = [];
  for (const one of open) {
    const { secret, token, secrets } = one;
    const sink = sinks.at(secret.path, secret.sink);
    try {
      if (secret.revokedAt !== null) {
        if (cleared(one, sink)) removed.push(sink.shown);
        settled.push(secret.id);
        continue;
      }
      // In this order: another process may move it from the one to the other meanwhile.
      const isThere =
        sink.staged().some(({ id, isWhole }) => isWhole && id === secret.id) || sink.holds() === secret.id;
      if (isThere) {
        await bring(store, sink, secret.id, oursAmong(secrets));
        delivered.push({ id: secret.id, overlap: token ? overlapOf(token) : 0 });
      } else if (one.manager === scope.manager && (await fateOf(store, secret.id)) === 'open')
        warnings.push(lost(secret, sink));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const name = showIdentity(secret.identity);
      for (const problem of error.problems)
        warnings.push({ ...problem, severity: 'warn', message: `${name}: ${problem.message}` });
    }
  }
  if (delivered.length > 0) await store.write({ type: 'delivered', act: act(), secrets: delivered });
  if (settled.length > 0) await store.write({ type: 'settled', secrets: settled });
  return { removed, warnings };
}

/** Removes what there is of a secret that is ended for good; whether a file went. */
function cleared({ secret, token, secrets }: Open, sink: Sink): boolean {
  sink.drop(secret.id);
  if (token || sink.holds() !== secret.id) return false;
  sink.remove(oursAmong(secrets));
  return true;
}

interface Open {
  readonly secret: Secret;
  readonly token: Resource<'Token'> | undefined;
  /** Whose the Token is; undefined when it is gone. */
  readonly manager: string | undefined;
  /** All of the same Token. */
  readonly secrets: readonly Secret[];
}

async function unsettled(open: Reading): Promise<Open[]> {
  const secrets = await open.secrets({ unsettled: true });
  if (secrets.length === 0) return [];
  const uids = [...new Set(secrets.map(({ token }) => token))];
  const all = Map.groupBy(await open.secrets({ tokens: uids }), ({ token }) => token);
  const found = new Map((await open.find({ uids })).map((stored) => [stored.uid, stored]));
  // The oldest first: of one sink the newest stays.
  return secrets.toReversed().map((secret) => {
    const { resource, manager } = found.get(secret.token) ?? {};
    const token = resource?.kind === 'Token' ? resource : undefined;
    return { secret, token, manager, secrets: all.get(secret.token) ?? [] };
  });
}

function lost({ identity, path, issuedAt }: Secret, { shown }: Sink): Problem {
  return {
    code: 'RC510',
    severity: 'warn',
    message: `${showIdentity(identity)}: the secret that was issued at ${issuedAt} has not reached ${shown || path}`,
    hint: 'apply on the machine that issued it, or issue another: iam token rotate',
  };
}

function oursAmong(secrets: readonly Secret[], more?: string): (id: string) => boolean {
  return (id) => id === more || secrets.some((secret) => secret.id === id);
}

function nameOf(token: Resource<'Token'>): string {
  return showIdentity(identityOf(token));
}

async function reading<T>(store: Store, use: (reading: Reading) => Promise<T>): Promise<T> {
  const open = await store.read();
  try {
    return await use(open);
  } finally {
    await open.close();
  }
}
