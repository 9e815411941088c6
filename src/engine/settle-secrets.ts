import { Failure, type Problem } from '../core/problem.ts';
import { type Identity, identityOf, namespaceIn, showIdentity } from '../core/resource.ts';
import { isOpen, overlapOf, type Secret } from '../core/secret.ts';
import type { Resource } from '../kinds/index.ts';
import type { DeliveredSecret, Reading, Store } from '../stores/store.ts';
import type { Delivered, Delivering } from './deliver.ts';
import { reading } from './reading.ts';
import type { IsOurs, Sink } from './sinks.ts';

/** What is in the way of a secret; the message begins with its Token. */
export interface TokenProblem extends Problem {
  /** Of the Token. */
  readonly identity: Identity;
}

/**
 * Issues nothing: finishes what an earlier process has begun, and removes what is left of Tokens that are gone. What cannot be
 * done here is a warning, and keeps nothing else from being done.
 */
export async function settleSecrets(
  store: Store,
  { act, scope, sinks, replacesLost }: Omit<Delivering, 'peppers'>,
): Promise<Pick<Delivered, 'removed' | 'warnings'>> {
  const open = await reading(store, (one) => unsettled(one, scope.workspace));
  const removed: string[] = [];
  const warnings: TokenProblem[] = [];
  const delivered: DeliveredSecret[] = [];
  const settled: string[] = [];
  for (const one of open) {
    const { secret, token, secrets } = one;
    const sink = sinks.at(secret.path, secret.sink);
    if (!sink) continue;
    try {
      if (secret.revokedAt !== null) {
        if (await cleared(one, sink)) removed.push(sink.shown);
        settled.push(secret.id);
      } else if (await isThere(sink, secret.id)) {
        await bring(store, sink, secret.id, oursAmong(secrets));
        delivered.push({ id: secret.id, overlap: token ? overlapOf(token) : 0 });
      } else if (
        !replacesLost &&
        one.manager === scope.manager &&
        (await fateOf(store, secret.id)) === 'open'
      )
        warnings.push(lost(secret, sink));
    } catch (error) {
      for (const problem of problemsOf(secret.identity, error))
        warnings.push({ ...problem, severity: 'warn' });
    }
  }
  if (delivered.length > 0) await store.write({ type: 'delivered', act: act(), secrets: delivered });
  if (settled.length > 0) await store.write({ type: 'settled', secrets: settled });
  return { removed, warnings };
}

/**
 * Puts a secret that is beside a sink into it, unless another process has done so, or has revoked it: then it may be
 * there no more, nor beside it.
 */
export async function bring(
  store: Store,
  sink: Sink,
  id: string,
  isOurs: IsOurs,
): Promise<'delivered' | 'revoked'> {
  try {
    await sink.place(id, isOurs);
    return 'delivered';
  } catch (error) {
    // In this order: another takes its place only once it is known to be delivered.
    if ((await sink.holds()) === id) return 'delivered';
    const fate = await fateOf(store, id);
    if (fate === 'open') throw error;
    return fate;
  }
}

/** Whether a secret is in its sink, or beside it. Throws a Failure when that cannot be told. */
export async function isThere(sink: Sink, id: string): Promise<boolean> {
  if ((await sink.holds()) === id) return true;
  // In this order: another process may move it from the one to the other meanwhile.
  return (await sink.staged()).some((one) => one.isWhole && one.id === id) || (await sink.holds()) === id;
}

/** What has become of a secret by now. */
async function fateOf(store: Store, id: string): Promise<'open' | 'delivered' | 'revoked'> {
  const [secret] = await reading(store, (open) => open.secrets({ ids: [id] }));
  if (!secret) return 'open';
  if (secret.revokedAt !== null) return 'revoked';
  return isOpen(secret) ? 'open' : 'delivered';
}

/** Removes what there is of a secret that is ended for good; whether its sink was emptied. */
async function cleared({ secret, token, secrets }: Open, sink: Sink): Promise<boolean> {
  await sink.drop(secret.id);
  if (token || (await sink.holds()) !== secret.id) return false;
  await sink.remove(oursAmong(secrets));
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

async function unsettled(open: Reading, workspace: string | undefined): Promise<Open[]> {
  const secrets = (await open.secrets({ unsettled: true })).filter(
    ({ identity }) => workspace === undefined || namespaceIn(identity) === workspace,
  );
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

function lost({ identity, path, issuedAt }: Secret, { shown }: Sink): TokenProblem {
  return problemOf(identity, {
    code: 'RC510',
    severity: 'warn',
    message: `the secret that was issued at ${issuedAt} has not reached ${shown || path}`,
    hint: 'apply on the machine that issued it, or issue another: iam token rotate',
  });
}

/** The ids of secrets of one Token, and of one more. */
export function oursAmong(secrets: readonly Secret[], more?: string): IsOurs {
  return (id) => id === more || secrets.some((secret) => secret.id === id);
}

/** What a Failure says is in the way of the secret of a Token; anything else is thrown on. */
export function problemsOf(token: Resource<'Token'> | Identity, error: unknown): TokenProblem[] {
  if (!(error instanceof Failure)) throw error;
  return error.problems.map((problem) => problemOf(token, problem));
}

export function problemOf(token: Resource<'Token'> | Identity, problem: Problem): TokenProblem {
  const id = typeof token === 'string' ? token : identityOf(token);
  return { ...problem, identity: id, message: `${showIdentity(id)}: ${problem.message}` };
}

export function nameOf(token: Resource<'Token'>): string {
  return showIdentity(identityOf(token));
}
