import { EXIT, type Failure, failure } from '../../core/problem.ts';

/** What the URL of a store says. */
export interface Place {
  /** For the driver, which adds what the PG* variables say. */
  readonly connectionString: string;
  readonly schema: string;
  /** How messages name it: the URL without a password. */
  readonly location: string;
}

/** What may stand after `?`; all but `schema` is the driver's. */
const PARAMETERS = [
  'schema',
  'host',
  'port',
  'user',
  'password',
  'sslmode',
  'sslcert',
  'sslkey',
  'sslrootcert',
  'sslnegotiation',
  'application_name',
];
const SHOWN = ['schema', 'host', 'port'];

/** Reads the URL of a store. No message repeats any of it: a URL that is cut in the wrong place may show its password. */
export function readUrl(text: string): Place {
  const url = URL.parse(withHost(text));
  const rest = text.slice(text.indexOf('//') + 2).replace(/^[^/?#]*/, '');
  const isWhole = /^postgres(ql)?:\/\//.test(text) && !/[@#]/.test(rest) && !/%(?![0-9a-f]{2})/i.test(text);
  if (!url || !isWhole) {
    throw wrong(
      'not a URL that can be read',
      'postgres://USER@HOST:PORT/DATABASE; what a password has of : / ? # @ % is percent-encoded, or set PGPASSWORD',
    );
  }
  for (const name of url.searchParams.keys())
    if (!PARAMETERS.includes(name))
      throw wrong(`unknown parameter ${JSON.stringify(name)}`, `known: ${PARAMETERS.join(', ')}`);
  const schema = url.searchParams.get('schema') ?? 'rolecall';
  // Room for `_migrator` in the names of roles.
  if (!/^[a-z_][a-z0-9_]{0,53}$/.test(schema) || /^pg_|^information_schema$/.test(schema))
    throw wrong(
      `the schema cannot be ${JSON.stringify(schema)}`,
      'a letter or _, then letters, digits and _, all lower case, at most 54',
    );
  return { connectionString: forDriver(url), schema, location: shown(url) };
}

/** The driver takes these for verify-full already, but warns that it will not for ever. */
const TAKEN_STRICTLY = ['prefer', 'require', 'verify-ca'];

function forDriver(url: URL): string {
  const copy = new URL(url);
  copy.searchParams.delete('schema');
  const mode = copy.searchParams.get('sslmode');
  if (mode !== null && TAKEN_STRICTLY.includes(mode)) copy.searchParams.set('sslmode', 'verify-full');
  return withoutHost(copy.href);
}

function shown(url: URL): string {
  const copy = new URL(url);
  copy.password = '';
  for (const name of PARAMETERS) if (!SHOWN.includes(name)) copy.searchParams.delete(name);
  return withoutHost(copy.href);
}

/** `postgres://ana@/iam` has no host, which URLs do not allow. */
const NO_HOST = 'no-host.invalid';

function withHost(text: string): string {
  return text.replace(/^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)(?=[/?]|$)/, `$1${NO_HOST}`);
}

function withoutHost(text: string): string {
  return text.replace(NO_HOST, '');
}

function wrong(what: string, hint: string): Failure {
  return failure(EXIT.invalid, 'RC121', `--store: ${what}`, hint);
}
