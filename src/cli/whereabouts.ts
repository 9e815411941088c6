import path from 'node:path';
import type { Context } from './context.ts';

/** The URL of a server, however much of it is shown; not the form that a hint gives. */
const SERVER = /\bpostgres(?:ql)?:\/\/(?!USER@)\S+?(?=:?(?:\s|$))/g;

/** What the system says of a host that is not there: its address. */
const ADDRESS = /(?<=\b(?:ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH) )[\w.:[\]]+/g;

/**
 * What takes out of a text where the store is: the logs of pull requests are read by many who have nothing to do with it.
 * Undefined for commands that are not about pull requests.
 */
export function withoutWhereabouts({ argv, env, cwd }: Context): ((text: string) => string) | undefined {
  if (!argv.includes('pr')) return undefined;
  const given = argv.flatMap((word, i) =>
    word === '--store'
      ? (argv[i + 1] ?? [])
      : word.startsWith('--store=')
        ? word.slice('--store='.length)
        : [],
  );
  const words = [...given, env.IAM_STORE ?? ''].flatMap((url) => whereabouts(url, cwd));
  const hidden = [...new Set(words)].filter(isTelling).sort((a, b) => b.length - a.length);
  return (text) =>
    hidden
      .reduce((said, word) => said.replaceAll(word, 'the store'), text.replace(SERVER, 'the store'))
      .replace(ADDRESS, 'its host');
}

/** Whether it is more than a word that may stand anywhere: a path, a host with its domain, a good password. */
function isTelling(word: string): boolean {
  return word.length > 11 || (word.length > 3 && /[/\\.:]/.test(word));
}

/** What says where a store is: its URL, and what that is made of. */
function whereabouts(url: string, cwd: string): string[] {
  if (url === '') return [];
  const [, scheme = '', rest = url] = /^(sqlite|postgres|postgresql):(.*)$/s.exec(url) ?? [];
  if (scheme.startsWith('postgres')) {
    const [, password = '', host = ''] = /^\/\/(?:[^:@/?#]*(?::([^@/?#]*))?@)?([^/?#]*)/.exec(rest) ?? [];
    const query = new URLSearchParams(rest.split('?')[1]);
    const named = ['host', 'password'].flatMap((name) => query.getAll(name));
    return [url, password, decoded(password), host, host.replace(/:\d+$/, ''), ...named];
  }
  const file = path.resolve(cwd, rest);
  const folder = path.dirname(file);
  const relative = path.relative(cwd, folder);
  // A folder of the checkout is nobody's secret, and its name may be any word.
  return [url, rest, file, folder, ...(relative.startsWith('..') ? [relative] : [])];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // It is as it was written.
    return text;
  }
}
