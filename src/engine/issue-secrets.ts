import { EXIT, Failure } from '../core/problem.ts';
import { identityOf } from '../core/resource.ts';
import { deliveryOf, isLive, overlapOf, type Secret } from '../core/secret.ts';
import type { Resource } from '../kinds/index.ts';
import { parseTime } from '../kinds/time.ts';
import { type NewSecret, StaleSecrets, type Store } from '../stores/store.ts';
import type { Delivering } from './deliver.ts';
import type { DeliveredToken } from './due-secrets.ts';
import { reading } from './reading.ts';
import { hashSecret, newSecret } from './secret-text.ts';
import { bring, nameOf, oursAmong, problemOf, problemsOf, type TokenProblem } from './settle-secrets.ts';
import type { Sink, Sinks } from './sinks.ts';

/** A secret to be issued, and where it goes. `declared`: what the Token says of it; null when the command line does. */
export interface Order extends DeliveredToken {
  readonly sink: Sink;
  readonly declared: string | null;
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

/** The orders of those whose secrets are delivered from here. */
export function ordersOf(tokens: readonly DeliveredToken[], sinks: Sinks): Order[] {
  return tokens.flatMap((one) => {
    const sink = sinks.of(one.token);
    return sink ? [{ ...one, sink, declared: deliveryOf(one.token) ?? null }] : [];
  });
}

/** Throws a Failure with every reason why a secret could not be put where it belongs. Writes nothing. */
export async function refuseSinks(orders: readonly Order[]): Promise<void> {
  const problems = [...(await sinkProblems(orders)).values()];
  if (problems.length > 0) throw new Failure(EXIT.error, problems);
}

/** Why secrets could not be put where they belong, of those of which that is so. */
export async function sinkProblems(orders: readonly Order[]): Promise<Map<Order, TokenProblem>> {
  const problems = new Map<Order, TokenProblem>();
  const taken = new Map<string, Order>();
  for (const order of orders) {
    const { token, sink, secrets } = order;
    const other = taken.get(sink.path);
    taken.set(sink.path, order);
    if (other) {
      const message = `${sink.shown} is the sink of ${nameOf(other.token)} too`;
      const hint = 'give each Token a place of its own';
      problems.set(order, problemOf(token, { code: 'RC506', severity: 'error', message, hint }));
      continue;
    }
    try {
      const problem = await sink.check(oursAmong(secrets));
      if (problem) problems.set(order, problemOf(token, problem));
    } catch (error) {
      for (const problem of problemsOf(token, error)) problems.set(order, problem);
    }
  }
  return problems;
}

interface Made {
  readonly issued: readonly Issued[];
  readonly failed: readonly TokenProblem[];
}

type Staged = Order & { readonly secret: NewSecret };

/**
 * Issues secrets and puts them into their sinks; undefined when another process did so meanwhile, and nothing was done.
 *
 * What cannot be put beside its sink is not issued, and has failed. So has what is issued and does not come into its sink: the
 * next `deliverSecrets` finishes it.
 */
export async function issueSecrets(
  store: Store,
  orders: readonly Order[],
  delivering: Pick<Delivering, 'act' | 'peppers'>,
): Promise<Made | undefined> {
  const staged: Staged[] = [];
  const drop = async () => {
    for (const { sink, secret } of staged) await dropUnissued(sink, secret.id);
  };
  let failed: readonly TokenProblem[];
  try {
    failed = await stageAll(orders, delivering, staged);
  } catch (error) {
    await drop();
    throw error;
  }
  // What is in a sink may be the secret of a process that was faster, and foreign only to what was read before.
  if (failed.length > 0 && (await isOvertaken(store, orders))) {
    await drop();
    return undefined;
  }
  if (staged.length === 0) return { issued: [], failed };
  const { act } = delivering;
  try {
    await store.write({ type: 'issue', act: act(), secrets: staged.map(({ secret }) => secret) });
  } catch (error) {
    if (error instanceof StaleSecrets) {
      await drop();
      return undefined;
    }
    // A connection that was cut may have been so after the commit: then they are valid, and must not be lost.
    const ids = staged.map(({ secret }) => secret.id);
    const known = await reading(store, (open) => open.secrets({ ids })).catch(() => undefined);
    if (known?.length === 0) await drop();
    throw error;
  }
  const made = await placeAll(store, staged, act);
  return { issued: made.issued, failed: [...failed, ...made.failed] };
}

/** Puts secrets that nobody knows of yet beside their sinks, each of which is added to `staged`; what fails is returned. */
async function stageAll(
  orders: readonly Order[],
  { peppers }: Pick<Delivering, 'peppers'>,
  staged: Staged[],
): Promise<readonly TokenProblem[]> {
  const problems = await sinkProblems(orders);
  const failed = [...problems.values()];
  if (problems.size === orders.length) return failed;
  const { current } = peppers();
  for (const order of orders) {
    if (problems.has(order)) continue;
    const { uid, token, sink, declared, secrets } = order;
    const { id, text } = newSecret();
    if (uid === null) throw new Error(`${nameOf(token)} is not in the store yet`);
    try {
      await clearLeftOvers(sink, secrets);
      await sink.stage({ id, text }, oursAmong(secrets));
    } catch (error) {
      failed.push(...problemsOf(token, error));
      continue;
    }
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
  return failed;
}

/** Of a process that was killed between its sink and its commit. Younger ones may be those of one that still runs. */
const OLD = 3_600_000;

async function clearLeftOvers(sink: Sink, secrets: readonly Secret[]): Promise<void> {
  const isKnown = oursAmong(secrets);
  for (const { id, age } of await sink.staged()) if (age > OLD && !isKnown(id)) await sink.drop(id);
}

/** What was not issued is of no use to anybody: where it stays for now, the next secret for the same sink takes it away. */
async function dropUnissued(sink: Sink, id: string): Promise<void> {
  try {
    await sink.drop(id);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}

/** Whether secrets were issued for these Tokens since the orders were made, or anything applied since a revision. */
export function isOvertaken(store: Store, orders: readonly Order[], revision?: number): Promise<boolean> {
  return reading(store, async (open) => {
    if (revision !== undefined && open.head.revision !== revision) return true;
    const all = await open.secrets({ tokens: orders.flatMap(({ uid }) => uid ?? []) });
    return orders.some(({ uid, secrets }) => all.find(({ token }) => token === uid)?.id !== secrets[0]?.id);
  });
}

async function placeAll(store: Store, staged: readonly Staged[], act: Delivering['act']): Promise<Made> {
  const failed: TokenProblem[] = [];
  const placed: Staged[] = [];
  for (const one of staged) {
    const { token, sink, secret, secrets } = one;
    try {
      if ((await bring(store, sink, secret.id, oursAmong(secrets, secret.id))) === 'revoked')
        failed.push(revokedMeanwhile(token));
      else placed.push(one);
    } catch (error) {
      failed.push(...problemsOf(token, error).map((problem) => ({ ...problem, hint: LATER })));
    }
  }
  // From now on, and not from when it was begun, those before are valid for their overlap.
  const then = act();
  const secrets = placed.map(({ token, secret }) => ({ id: secret.id, overlap: overlapOf(token) }));
  if (secrets.length > 0) await store.write({ type: 'delivered', act: then, secrets });
  return { issued: placed.map((one) => issuedAt(one, parseTime(then.at) ?? 0)), failed };
}

const LATER = 'the secret is issued and lies beside it: mend this, and the next apply puts it there';

function revokedMeanwhile(token: Resource<'Token'>): TokenProblem {
  return problemOf(token, {
    code: 'RC511',
    severity: 'error',
    message: 'its secrets were revoked while this one was issued',
    hint: 'iam history --audit tells by whom',
  });
}

function issuedAt({ token, sink, secret, secrets }: Staged, now: number): Issued {
  const [before] = secrets;
  const follows = before && isLive(before, now) ? before.id : null;
  const overlapsUntil = follows === null ? null : now + overlapOf(token);
  return { token, id: secret.id, sink, follows, overlapsUntil };
}
