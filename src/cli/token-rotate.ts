import { EXIT, Failure, failure } from '../core/problem.ts';
import { identityOf, showIdentity } from '../core/resource.ts';
import { isOpen } from '../core/secret.ts';
import { issueSecrets, type Order } from '../engine/issue-secrets.ts';
import { settleSecrets } from '../engine/settle-secrets.ts';
import type { Resource } from '../kinds/index.ts';
import { isExpired, showTime } from '../kinds/time.ts';
import { wrap } from '../render/lines.ts';
import type { Context } from './context.ts';
import { storeOf } from './inputs.ts';
import type { Handler } from './program.ts';
import { oneOf, withStore } from './read-store.ts';
import { deliveringOf, issuedJson, issuedWords } from './secrets.ts';
import { type GlobalOptions, managerName } from './settings.ts';
import type { FileSinks } from './sinks.ts';

interface Options extends GlobalOptions {
  readonly output: 'text' | 'json';
  readonly to?: string;
  readonly reason?: string;
}

/** Others may issue for the same Token at the same time: each of them is the newest once. */
const TRIES = 5;

/** A new secret for a Token, at once. */
export const command: Handler = async (context, [name = ''], options: Options) => {
  const delivering = deliveringOf(context, options, { manager: managerName(options, context) });
  const store = await storeOf(options, context);
  let open: string | undefined;
  for (let tries = 0; tries < TRIES; tries++) {
    await settleSecrets(store, delivering);
    const order = await orderOf(context, options, name, delivering.sinks);
    const [newest] = order.secrets;
    // Issued meanwhile, and on its way: it would be put over what is issued here. If it is lost, nothing waits for it.
    if (newest && isOpen(newest) && newest.id !== open) {
      open = newest.id;
      continue;
    }
    const made = await issueSecrets(store, [order], delivering);
    if (!made) continue;
    if (made.failed.length > 0) throw new Failure(EXIT.error, made.failed);
    const [issued] = made.issued;
    if (!issued) throw new Error(`${name}: a secret was neither issued nor refused`);
    if (options.output === 'json')
      context.stdout.write(`${JSON.stringify({ kind: 'Secret', ...issuedJson(issued) })}\n`);
    else context.stdout.write(`${wrap(issuedWords(issued), context.stdout.columns, '  ')}\n`);
    return EXIT.done;
  }
  throw failure(EXIT.stale, 'RC407', `Token ${name} is rotated by others at the same time`, 'try again');
};

/** What is to be issued, and where; throws a Failure (exit 4) where that makes no sense. */
function orderOf(context: Context, options: Options, name: string, sinks: FileSinks): Promise<Order> {
  return withStore(context, options, async ({ actual, ask, reading }) => {
    const { uid, resource } = await ask(() => oneOf(actual, 'Token', name, options.workspace));
    if (resource.kind !== 'Token') throw new Error(`${name} is no Token`);
    refuseEnded(resource, context.now());
    const { deliverTo } = resource.spec;
    const declared = options.to === undefined ? (deliverTo?.file ?? null) : null;
    const sink = options.to === undefined ? sinks.of(resource) : sinks.named(options.to);
    if (!sink) throw nowhere(resource);
    return {
      uid,
      token: resource,
      secrets: await reading.secrets({ tokens: [uid] }),
      sink,
      declared,
    };
  });
}

function refuseEnded(token: Resource<'Token'>, at: number): void {
  const name = showIdentity(identityOf(token));
  if (token.spec.revoked)
    throw failure(
      EXIT.invalid,
      'RC511',
      `${name} is revoked: no secret of it would be valid`,
      'apply it with revoked: false first',
    );
  if (isExpired(token.spec, at))
    throw failure(
      EXIT.invalid,
      'RC511',
      `${name} expired at ${showTime(token.spec.expiresAt ?? '')}: no secret of it would be valid`,
      'apply it with a later expiresAt first',
    );
}

function nowhere(token: Resource<'Token'>) {
  const name = showIdentity(identityOf(token));
  return token.spec.deliverTo
    ? failure(
        EXIT.invalid,
        'RC511',
        `${name} is delivered to a Secret of a cluster, by the operator`,
        'name a file with --to',
      )
    : failure(
        EXIT.invalid,
        'RC511',
        `${name} does not say where its secret goes`,
        'give it deliverTo: {file: …}, or name a file with --to',
      );
}
