import { EXIT, Failure, failure } from '../../core/problem.ts';
import { StaleBase, StaleSecrets } from '../store.ts';

/** What is known of a connection that failed. */
export interface Context {
  readonly location: string;
  readonly schema: string;
  /** Never to be seen in a message. */
  readonly password: string | null;
  /** The role that it is of. */
  readonly user: string | undefined;
}

/** How long a writer may keep silent before others go on, in seconds. */
export const LEASE = 15;

/** Failures of the driver and of the server as ours, without the password; everything else passes. */
export function asFailure(context: Context, error: unknown): unknown {
  if (error instanceof Failure || error instanceof StaleBase || error instanceof StaleSecrets) return error;
  if (!(error instanceof Error) || !isOfConnection(error)) return error;
  const { location } = context;
  const code = codeOf(error);
  const known = code === undefined ? undefined : KNOWN[code];
  if (known) return known(context, withoutPassword(context, error.message));
  const message = withoutPassword(context, messageOf(error));
  if (isNoPassword(error))
    return failure(
      EXIT.error,
      'RC408',
      `${location}: the server asks for a password`,
      'set PGPASSWORD, or name a password file in PGPASSFILE',
    );
  if ('syscall' in error && error.syscall === 'open')
    return failure(
      EXIT.error,
      'RC408',
      `${location}: ${message}`,
      'sslrootcert, sslcert and sslkey of the URL name files',
    );
  if (isTls(error))
    return failure(
      EXIT.error,
      'RC408',
      `${location}: ${message}`,
      'sslmode and sslrootcert in the URL, or PGSSLMODE, say how TLS is used (docs/stores.md)',
    );
  const hint = isLost(error) ? 'see that the server runs, and try again' : undefined;
  return failure(EXIT.error, 'RC408', `${location}: ${message}`, hint);
}

/** The Failure of a role that may not do `what`, which a `SCHEMA_ROLE` may; undefined for all else that was thrown. */
export function asDenial(
  { location, schema, user }: Context,
  what: string,
  role: string,
  error: unknown,
): Failure | undefined {
  if (codeOf(error) !== DENIED) return undefined;
  const hint = `do it as ${schema}_${role} (docs/stores.md)`;
  return failure(EXIT.error, 'RC408', `${location}: role ${user} may not ${what}`, hint);
}

const DENIED = '42501';

type Known = (context: Context, message: string) => Failure;

const busy: Known = ({ location }, message) =>
  failure(EXIT.stale, 'RC407', `${location}: ${message}`, 'try again');
const denied: Known = ({ location, schema }, message) =>
  failure(
    EXIT.error,
    'RC408',
    `${location}: ${message}`,
    `read as a member of ${schema}_reader, write as one of ${schema}_writer (docs/stores.md)`,
  );
const unknownRole: Known = ({ location }, message) =>
  failure(
    EXIT.error,
    'RC408',
    `${location}: ${message}`,
    'the URL, PGUSER, PGPASSWORD or the file in PGPASSFILE say who connects; pg_hba.conf says who may',
  );
const readOnly: Known = ({ location }, message) =>
  failure(
    EXIT.error,
    'RC408',
    `${location}: ${/recovery/.test(message) ? 'the server is a standby, which can only be read' : message}`,
    'write to the primary',
  );

/** By SQLSTATE. */
const KNOWN: Readonly<Record<string, Known>> = {
  '25P03': ({ location }) =>
    failure(
      EXIT.stale,
      'RC407',
      `${location}: this process stood still for more than ${LEASE} s while it wrote, and lost the lock; nothing was written`,
      'try again',
    ),
  '28P01': unknownRole,
  '28000': unknownRole,
  '3D000': ({ location }, message) =>
    failure(EXIT.error, 'RC408', `${location}: ${message}`, 'make the database first: createdb NAME'),
  '40001': busy,
  '40P01': busy,
  '53300': ({ location }, message) => failure(EXIT.error, 'RC408', `${location}: ${message}`, 'try again'),
  '55P03': ({ location }) => lockTimedOut(location, 'another process is writing'),
  [DENIED]: denied,
  '25006': readOnly,
  '0A000': readOnly,
};

export function lockTimedOut(location: string, who: string): Failure {
  return failure(EXIT.stale, 'RC407', `${location}: ${who}`, 'wait for it, or raise --lock-timeout');
}

/** The SQLSTATE of an error of the server, or what Node calls it. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Messages of the driver that have no code. */
const CODELESS =
  /^(?:Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|SASL:|SCRAM|The server does not support SSL|There was an error establishing an SSL|unexpected |Received invalid response|Server error)/;

function isOfConnection(error: Error): boolean {
  const code = codeOf(error);
  if (code === undefined) return CODELESS.test(error.message);
  // A mistake in a program has a code of Node's too.
  return !code.startsWith('ERR_') || isTls(error);
}

/** Whether an error ended the connection. */
export function isFatal(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && /^(?:FATAL|PANIC)$/.test(String(error.severity));
}

/** Whether nobody can know what became of the statement: the server did not answer it. */
export function isLost(error: unknown): boolean {
  const code = codeOf(error);
  if (code === undefined) return error instanceof Error && CODELESS.test(error.message);
  return !/^[0-9A-Z]{5}$/.test(code) || /^(?:08|57P)/.test(code) || code === 'EPIPE';
}

function isNoPassword({ message }: Error): boolean {
  return /password must be a string/.test(message);
}

function isTls(error: Error): boolean {
  return /SSL|TLS|certificate/i.test(error.message) || /CERT|_TLS_|SSL/.test(codeOf(error) ?? '');
}

function messageOf(error: Error): string {
  if (error.message === 'timeout expired') return 'no answer within 10 s';
  // Of a host with several addresses, an error for each and no message for all.
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map((one) => (one instanceof Error ? one.message : String(one))).join(', ');
  return error.message;
}

function withoutPassword({ password }: Context, message: string): string {
  return password ? message.replaceAll(password, '***') : message;
}
