import { EXIT, failure } from '../core/problem.ts';
import { identityOf, showIdentity } from '../core/resource.ts';
import { type Verified, verifySecret, type Why } from '../engine/verify-secret.ts';
import { formatTime } from '../kinds/time.ts';
import { barWords } from '../render/answer-text.ts';
import { whenWords } from '../render/audit-words.ts';
import { notValidText, validText } from '../render/verify-text.ts';
import { folderOfStore } from '../stores/open.ts';
import type { Context } from './context.ts';
import { peppersFor } from './pepper-file.ts';
import type { Handler } from './program.ts';
import { withStore } from './read-store.ts';
import { type GlobalOptions, paintFor, storeUrl } from './settings.ts';

interface Options extends GlobalOptions {
  readonly output: 'text' | 'json';
}

/** More than a secret and white space around it. */
const MOST = 1024;

/** Exit 0 is valid and 1 is not; `run` sees to it that a failure looks like neither. */
export const command: Handler = async (context, [name], options: Options) => {
  if (name !== undefined && options.workspace === undefined)
    throw failure(
      EXIT.invalid,
      'RC121',
      'a Token is in a workspace: which one?',
      'name it with -n, or leave the name out: the secret tells whose it is',
    );
  const text = await secretOnStdin(context);
  const at = context.now();
  const found = await withStore(context, options, async (state) => {
    const peppers = peppersFor({
      env: context.env,
      sqliteFolder: folderOfStore(storeUrl(options, context), context.cwd),
      mayMake: false,
    })?.peppers;
    if (!peppers)
      throw failure(
        EXIT.invalid,
        'RC501',
        'there is no pepper on this machine: no secret can be verified',
        'set IAM_PEPPER, or bring the key file of the machine that issued it',
      );
    return verifySecret(state, text, peppers, at);
  });
  const isAsked = found.is === 'unknown' || isOf(found, options.workspace, name);
  tell(context, options, isAsked ? found : { is: 'unknown' });
  return isAsked && found.is === 'valid' ? EXIT.done : EXIT.error;
};

type Known = Exclude<Verified, { is: 'unknown' }>;

/** What the Token of a secret is called, or was. */
function placeOf({ token, secret }: Known): readonly [workspace: string, name: string] {
  const [, workspace = '', name = ''] = (token ? identityOf(token) : secret.identity).split('/');
  return [workspace, name];
}

function isOf(found: Known, workspace: string | undefined, name: string | undefined): boolean {
  const [itsWorkspace, itsName] = placeOf(found);
  return (workspace === undefined || workspace === itsWorkspace) && (name === undefined || name === itsName);
}

async function secretOnStdin(context: Context): Promise<string> {
  const bytes = await context.readStdin();
  const text = new TextDecoder().decode(bytes.subarray(0, MOST + 1)).trim();
  if (text === '' || text.length > MOST)
    throw failure(
      EXIT.invalid,
      'RC121',
      text === '' ? 'no secret on stdin' : 'what is on stdin is too long to be a secret',
      'iam token verify < FILE: a secret is never given as an argument',
    );
  return text;
}

function tell(context: Context, options: Options, found: Verified): void {
  const { stdout } = context;
  const how = { paint: paintFor(stdout), width: stdout.columns };
  if (options.output === 'json') {
    stdout.write(`${JSON.stringify({ kind: 'Verification', ...asJson(found) })}\n`);
    return;
  }
  if (found.is === 'valid') {
    const { secret, token, grants, until } = found;
    stdout.write(
      validText(identityOf(token), { secret: secret.id, owner: token.spec.owner, until }, grants, how),
    );
  } else stdout.write(notValidText(reasonOf(found), how));
}

function reasonOf(found: Exclude<Verified, { is: 'valid' }>): string {
  if (found.is === 'unknown') return 'no such secret was issued';
  const { secret, token, why } = found;
  const role = token?.spec.role ?? '';
  return `${showIdentity(token ? identityOf(token) : secret.identity)}: ${whyWords(why, role, secret.endsAt, secret.revokedAt)}`;
}

function whyWords(why: Why, role: string, endsAt: string | null, revokedAt: string | null): string {
  switch (why.is) {
    case 'secret revoked':
      return `the secret was revoked at ${whenWords(revokedAt ?? '')}`;
    case 'token gone':
      return 'the token is gone';
    case 'replaced':
      return `the secret was replaced, and valid until ${whenWords(endsAt ?? '')}`;
    case 'barred':
      return why.bars.map((bar) => barWords(bar, { role, workspace: '' })).join('; ');
  }
}

function asJson(found: Verified) {
  const none = { workspace: null, token: null, owner: null, secret: null, until: null, grants: [] };
  if (found.is === 'unknown') return { valid: false, reason: reasonOf(found), ...none };
  const { secret } = found;
  const [workspace, name] = placeOf(found);
  const who = { workspace, token: name, owner: found.token?.spec.owner ?? null, secret: secret.id };
  if (found.is === 'not valid') return { valid: false, reason: reasonOf(found), ...none, ...who };
  const { until, grants } = found;
  return { valid: true, reason: '', ...who, until: until === Infinity ? null : formatTime(until), grants };
}
