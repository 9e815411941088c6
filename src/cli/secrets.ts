import { EXIT, type ExitStatus, Failure, type Problem } from '../core/problem.ts';
import { identityOf, showIdentity } from '../core/resource.ts';
import { type Delivered, type Delivering, deliverSecrets } from '../engine/deliver.ts';
import type { DueSecret, SecretScope } from '../engine/due-secrets.ts';
import { type Issued, isOvertaken, type Order, ordersOf, refuseSinks } from '../engine/issue-secrets.ts';
import type { Peppers } from '../engine/peppers.ts';
import { settleSecrets } from '../engine/settle-secrets.ts';
import { formatTime } from '../kinds/time.ts';
import { whenWords } from '../render/audit-words.ts';
import { visible } from '../render/lines.ts';
import { folderOfStore } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import type { Context } from './context.ts';
import { actOf } from './inputs.ts';
import { peppersFor } from './pepper-file.ts';
import { note } from './report.ts';
import { type GlobalOptions, storeUrl } from './settings.ts';
import { type FileSinks, fileSinks } from './sinks.ts';

/** What the delivery of secrets uses: the files of the command line, and the peppers of this machine. */
export function deliveringOf(
  context: Context,
  options: GlobalOptions & { reason?: string },
  scope: SecretScope,
): Delivering & { readonly sinks: FileSinks } {
  let found: Peppers | undefined;
  return {
    act: () => actOf(options, context, scope.manager),
    scope,
    sinks: fileSinks({
      cwd: context.cwd,
      env: context.env,
      now: () => context.now(),
      secretsDir: options.secretsDir,
    }),
    peppers() {
      if (found) return found;
      const sqliteFolder = folderOfStore(storeUrl(options, context), context.cwd);
      const made = peppersFor({ env: context.env, sqliteFolder, mayMake: true });
      if (!made) throw new Error('peppers were neither found, nor made, nor refused');
      if (made.made !== undefined)
        note(context, options, `created ${made.made}: without it no secret can be verified; keep a copy`);
      found = made.peppers;
      return found;
    },
  };
}

/**
 * Sees to it that what is due at a revision has a place. Writes nothing; throws a Failure with all that is in the way,
 * unless others have written meanwhile, or it is to keep going: what is due then is judged when it is delivered.
 */
export async function refuseUndeliverable(
  store: Store,
  due: readonly DueSecret[],
  { sinks }: Delivering,
  revision: number,
  keepGoing = false,
): Promise<readonly Order[]> {
  const orders = ordersOf(due, sinks);
  if (keepGoing) return orders;
  try {
    await refuseSinks(orders);
  } catch (error) {
    if (!(await isOvertaken(store, orders, revision))) throw error;
  }
  return orders;
}

export interface DeliveredAfter extends Omit<Delivered, 'failed'> {
  readonly failed: readonly Problem[];
  /** That of what has failed. */
  readonly exit: ExitStatus;
}

/**
 * Delivers what is due, if it `issues`, and finishes what was begun. What has failed says that the apply has happened all the
 * same.
 */
export async function deliverAfter(
  store: Store,
  delivering: Delivering,
  revision: number,
  issues: boolean,
): Promise<DeliveredAfter> {
  const told = (problem: Problem): Problem => {
    const done = `the store is at revision ${revision}; mend this, and the next apply goes on`;
    return { ...problem, hint: problem.hint === undefined ? done : `${problem.hint}; ${done}` };
  };
  try {
    const delivered = issues
      ? await deliverSecrets(store, delivering)
      : { ...(await settleSecrets(store, delivering)), issued: [], failed: [] };
    return { ...delivered, failed: delivered.failed.map(told), exit: EXIT.error };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { issued: [], removed: [], warnings: [], failed: error.problems.map(told), exit: error.exit };
  }
}

/** A sentence for a secret that was issued, to be wrapped. The id is no secret. */
export function issuedWords({ token, id, sink, follows, overlapsUntil }: Issued): string {
  const name = showIdentity(identityOf(token));
  const issued = visible(`issued secret ${id} of ${name} to ${sink.shown}`);
  if (follows === null || overlapsUntil === null) return issued;
  return `${issued}; the one before (${follows}) is valid until ${whenWords(formatTime(overlapsUntil))}`;
}

export function issuedJson({ token: { metadata }, id, sink, follows, overlapsUntil }: Issued) {
  return {
    namespace: metadata.namespace ?? null,
    name: metadata.name,
    id,
    path: sink.path,
    follows,
    overlapsUntil: overlapsUntil === null ? null : formatTime(overlapsUntil),
  };
}
