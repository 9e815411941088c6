import type { Actual } from '../core/actual.ts';
import { identityOfChange, type Plan } from '../core/plan.ts';
import { fromManifest, identity } from '../core/resource.ts';
import { type Due, dueOf, rotatesAt, type Secret } from '../core/secret.ts';
import type { Stored } from '../core/stored.ts';
import type { Resource } from '../kinds/index.ts';
import type { Reading } from '../stores/store.ts';

/** A Token that says where its secrets go, and those that it has had, the newest first. */
export interface DeliveredToken extends Deliverer {
  readonly secrets: readonly Secret[];
}

/** One that wants a secret. */
export interface DueSecret extends DeliveredToken {
  readonly due: Due;
}

interface Deliverer {
  /** The uid of the Token; null as long as it is only planned. */
  readonly uid: string | null;
  readonly token: Resource<'Token'>;
}

/** Whose Tokens are looked after: those of one manager, in one workspace when given. Others look after theirs. */
export interface SecretScope {
  readonly manager: string;
  readonly workspace?: string | undefined;
}

/** All Tokens that say where their secrets go. */
export async function deliveredTokens(reading: Reading, scope: SecretScope): Promise<DeliveredToken[]> {
  return withSecrets(reading, await deliverersOf(reading, scope));
}

/** Those of them that want a secret at a time (milliseconds). */
export function dueAmong(tokens: readonly DeliveredToken[], at: number): DueSecret[] {
  return tokens.flatMap((one) => {
    const due = dueOf(one.token, one.secrets, at);
    return due === undefined ? [] : [{ ...one, due }];
  });
}

/** The Tokens that want a secret in a file once changes are made. `actual`: what these were planned on. */
export async function dueAfter(
  reading: Reading,
  actual: Actual,
  { changes, manager, scope }: Pick<Plan, 'changes' | 'manager' | 'scope'>,
  at: number,
): Promise<DueSecret[]> {
  const own = { manager, workspace: scope.workspace ?? undefined };
  const deliverers = new Map<string, Deliverer>();
  for (const one of await deliverersOf(reading, own)) deliverers.set(one.uid ?? '', one);
  for (const change of changes) {
    if (change.kind !== 'Token') continue;
    const { namespace, name, previousName, before, after } = change;
    const stored =
      before === null
        ? undefined
        : actual.get(identity('Token', namespace ?? undefined, previousName ?? name));
    if (stored) deliverers.delete(stored.uid);
    const token = after && fromManifest(after);
    if (token?.kind === 'Token' && token.spec.deliverTo)
      deliverers.set(stored?.uid ?? identityOfChange(change), { uid: stored?.uid ?? null, token });
  }
  const toFiles = [...deliverers.values()].filter(({ token }) => token.spec.deliverTo?.file !== undefined);
  return dueAmong(await withSecrets(reading, toFiles), at);
}

/** When the next secret is to be replaced after a time, in milliseconds; undefined when none is. */
export async function nextRotation(
  reading: Reading,
  scope: SecretScope,
  after: number,
): Promise<number | undefined> {
  const deliverers = await deliverersOf(reading, scope);
  const newest = newestOf(await secretsOf(reading, deliverers));
  const times = deliverers.flatMap(({ uid, token }) => {
    const secret = newest.get(uid ?? '');
    const at = secret && rotatesAt(token, secret);
    return at === undefined || at <= after ? [] : [at];
  });
  return times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
}

async function deliverersOf(reading: Reading, { manager, workspace }: SecretScope): Promise<Deliverer[]> {
  return (await reading.find({ delivers: true })).flatMap((stored: Stored) => {
    const { uid, resource } = stored;
    const isOurs =
      stored.manager === manager && (workspace === undefined || resource.metadata.namespace === workspace);
    return resource.kind === 'Token' && isOurs ? [{ uid, token: resource }] : [];
  });
}

async function secretsOf(reading: Reading, deliverers: readonly Deliverer[]): Promise<readonly Secret[]> {
  const tokens = deliverers.flatMap(({ uid }) => uid ?? []);
  return tokens.length === 0 ? [] : reading.secrets({ tokens });
}

function newestOf(secrets: readonly Secret[]): Map<string, Secret> {
  const newest = new Map<string, Secret>();
  for (const secret of secrets) if (!newest.has(secret.token)) newest.set(secret.token, secret);
  return newest;
}

async function withSecrets(reading: Reading, deliverers: readonly Deliverer[]): Promise<DeliveredToken[]> {
  const known = Map.groupBy(await secretsOf(reading, deliverers), ({ token }) => token);
  return deliverers.map((one) => ({ ...one, secrets: known.get(one.uid ?? '') ?? [] }));
}
