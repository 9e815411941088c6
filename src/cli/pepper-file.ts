import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';
import { type Peppers, parsePeppers } from '../engine/peppers.ts';
import { randomDigits } from '../engine/secret-text.ts';
import { temporaryName } from '../engine/whole-file.ts';
import { isCi } from './ci.ts';
import {
  causeOf,
  codeOf,
  createWhole,
  isWithin,
  makeFolders,
  nearest,
  quietly,
  type SecretFiles,
  secretFiles,
  withFile,
} from './secret-files.ts';
import { shellQuote } from './shell-quote.ts';

export interface PepperOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder of the database file; undefined for a store on a server. */
  readonly sqliteFolder: string | undefined;
  /** Whether a key file may be made where there is none. */
  readonly mayMake: boolean;
  readonly files?: SecretFiles;
}

export interface FoundPeppers {
  readonly peppers: Peppers;
  /** The key file that was made for it just now. */
  readonly made: string | undefined;
}

/** More peppers than anybody has. */
const FILE_LIMIT = 65_536;

/**
 * The peppers of IAM_PEPPER, or of the key file in the user's own folder, which is made for SQLite when it may be:
 * never in CI, and never in or below the folder of the database, whose copies would then have both.
 *
 * Undefined when there is none and none may be made. Throws a Failure: RC501 (exit 4) when there must be one, RC502
 * (exit 4) when what there is cannot be used, RC503 when others can get at the key file, or it cannot be read or
 * written.
 */
export function peppersFor(options: PepperOptions): FoundPeppers | undefined {
  const { env, sqliteFolder, mayMake, files = secretFiles } = options;
  if (env.IAM_PEPPER) return { peppers: parsePeppers(env.IAM_PEPPER, 'IAM_PEPPER'), made: undefined };
  if (sqliteFolder === undefined) throw noPepper('a store on a server has no key file');
  const file = keyFile(env);
  const there = file === undefined ? undefined : readKeyFile(file);
  if (there !== undefined) return { peppers: there, made: undefined };
  if (!mayMake) return undefined;
  if (isCi(env)) throw noPepper('in CI no key file is made');
  if (file === undefined) throw noPepper('without HOME there is no place for a key file');
  const isMade = naming(file, () => {
    if (isWithin(realPath(file), realPath(sqliteFolder)))
      throw noPepper(`the key file ${file} would be in the folder of the database`);
    return makeKeyFile(files, file);
  });
  const peppers = readKeyFile(file);
  if (peppers === undefined) throw notSafe(`${file} was removed as soon as it was made`);
  return { peppers, made: isMade ? file : undefined };
}

function keyFile({ XDG_CONFIG_HOME, HOME }: PepperOptions['env']): string | undefined {
  const isPlace = (folder: string | undefined) => folder !== undefined && path.isAbsolute(folder);
  if (isPlace(XDG_CONFIG_HOME)) return path.join(XDG_CONFIG_HOME ?? '', 'rolecall/pepper');
  return isPlace(HOME) ? path.join(HOME ?? '', '.config/rolecall/pepper') : undefined;
}

function realPath(file: string): string {
  const { folder, missing } = nearest(file);
  return path.join(folder, ...missing);
}

/** What the key file says, once it is sure that nobody else can have written or read it; undefined without one. */
function readKeyFile(file: string): Peppers | undefined {
  const text = naming(file, () =>
    withFile(file, ({ stats, text }) => {
      if (!stats.isFile()) throw notSafe(`${file} is not a file`);
      const user = process.getuid?.();
      if (user !== undefined) {
        if (stats.uid !== user)
          throw notSafe(`${file} belongs to another user (uid ${stats.uid})`, 'run as that user');
        if (stats.mode & 0o077)
          throw notSafe(`${file} can be read or written by others`, `chmod 600 ${shellQuote(file)}`);
        refuseOpenFolder(path.dirname(file), user);
      }
      const all = text(FILE_LIMIT);
      if (all === undefined) throw notSafe(`${file} is too large for a key file`);
      return all;
    }),
  );
  return text === undefined ? undefined : parsePeppers(text, file);
}

function refuseOpenFolder(folder: string, user: number): void {
  const { mode, uid } = statSync(folder);
  if (mode & 0o022) throw notSafe(`${folder} can be written by others`, `chmod 700 ${shellQuote(folder)}`);
  if (uid !== user && uid !== 0)
    throw notSafe(`${folder} belongs to another user (uid ${uid})`, 'run as that user');
}

/** Returns whether the file is ours: of two processes that make one at once, both go on with the same. */
function makeKeyFile(files: SecretFiles, file: string): boolean {
  const folder = path.dirname(file);
  makeFolders(files, folder);
  const user = process.getuid?.();
  if (user !== undefined) refuseOpenFolder(folder, user);
  const temporary = path.join(folder, temporaryName(path.basename(file)));
  createWhole(files, temporary, `${randomDigits(8)}:${randomBytes(32).toString('base64')}\n`);
  try {
    // A rename would take the place of what another process may have made, and used, meanwhile.
    files.link(temporary, file);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return false;
  } finally {
    quietly(() => files.remove(temporary));
    files.syncFolder(folder);
  }
}

function naming<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    if (codeOf(error) === 'ELOOP') throw notSafe(`${file} is a symbolic link`);
    throw notSafe(`${file} cannot be read or written: ${causeOf(error)}`);
  }
}

function noPepper(why: string) {
  return failure(
    EXIT.invalid,
    'RC501',
    `IAM_PEPPER is not set, and ${why}; set it once for all runs, and keep it: secrets are checked with it`,
    'export IAM_PEPPER="k1:$(openssl rand -base64 32)"',
  );
}

function notSafe(message: string, hint = 'put it right, or set IAM_PEPPER, which is asked first') {
  return failure(EXIT.error, 'RC503', message, hint);
}
