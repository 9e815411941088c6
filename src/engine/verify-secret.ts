import type { Subject } from '../core/access.ts';
import { createGrantFacts, type GrantFacts } from '../core/grant-facts.ts';
import { EXIT, failure } from '../core/problem.ts';
import { type Bar, createQuestions } from '../core/question.ts';
import { isLive, type Secret } from '../core/secret.ts';
import { stateOf } from '../core/state.ts';
import type { Resource } from '../kinds/index.ts';
import { parseTime } from '../kinds/time.ts';
import type { ActualState } from './actual-state.ts';
import type { Peppers } from './peppers.ts';
import { hashSecret, idOfSecret, matches } from './secret-text.ts';

/** What a secret is good for. */
export type Verified =
  /** Not of a token, never issued, or not as it was issued: nobody is told which. */
  | { readonly is: 'unknown' }
  | {
      readonly is: 'not valid';
      readonly secret: Secret;
      readonly token: Resource<'Token'> | undefined;
      readonly why: Why;
    }
  | {
      readonly is: 'valid';
      readonly secret: Secret;
      readonly token: Resource<'Token'>;
      /** What it gives now. */
      readonly grants: readonly GrantFacts[];
      /** Until when, in milliseconds; Infinity without an end. */
      readonly until: number;
    };

export type Why =
  | { readonly is: 'secret revoked' | 'token gone' | 'replaced' }
  | { readonly is: 'barred'; readonly bars: readonly Bar[] };

/** In place of what is not there: a secret that was never issued takes as long as one that was. */
const NOTHING = '0'.repeat(64);

/**
 * Whether a text is the secret of a token that lets somebody in at a time (milliseconds), and to what.
 *
 * Whether it is the right one is found out in constant time. Throws a Failure (RC502, exit 4) when the pepper that it was
 * hashed with is not at hand.
 */
export async function verifySecret(
  { actual, ask, reading }: ActualState,
  text: string,
  peppers: Peppers,
  at: number,
): Promise<Verified> {
  const id = idOfSecret(text);
  const [secret] = id === undefined ? [] : await reading.secrets({ ids: [id] });
  // Of an id that was never issued too: the same questions, and the same denial of a role that may not know.
  const stored = id === undefined ? undefined : await reading.secretHash(id);
  const pepper = stored ? peppers.find(stored.keyId) : peppers.current;
  if (!pepper)
    throw failure(
      EXIT.invalid,
      'RC502',
      `the pepper "${stored?.keyId}", which the secret was hashed with, is not at hand`,
      'IAM_PEPPER=current,older: keep the older ones as long as there are secrets of them',
    );
  const isRight = matches(hashSecret(text, pepper.key), stored?.hash ?? NOTHING);
  if (!secret || !isRight) return { is: 'unknown' };
  const [found] = await reading.find({ uids: [secret.token] });
  const token = found?.resource.kind === 'Token' ? found.resource : undefined;
  if (!token) return { is: 'not valid', secret, token, why: { is: 'token gone' } };
  const not = (why: Why): Verified => ({ is: 'not valid', secret, token, why });
  if (secret.revokedAt !== null) return not({ is: 'secret revoked' });
  if (!isLive(secret, at)) return not({ is: 'replaced' });
  const { namespace = '', name } = token.metadata;
  const subject: Subject = { kind: 'Token', namespace, name };
  return ask((): Verified => {
    const state = stateOf(actual);
    const questions = createQuestions(state, at);
    const own = questions.can(subject, { role: token.spec.role, workspace: namespace });
    if (!own.allowed) return not({ is: 'barred', bars: own.bars });
    const facts = questions.why(subject, namespace, {}).map(createGrantFacts(state, at));
    const [whole] = own.grants.filter(({ binding }) => binding === `token/${name}`);
    const until = Math.min(
      whole?.span.until ?? Infinity,
      secret.endsAt === null ? Infinity : (parseTime(secret.endsAt) ?? Infinity),
    );
    return { is: 'valid', secret, token, grants: facts.filter(({ active }) => active), until };
  });
}
