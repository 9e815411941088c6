import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { EXIT, Failure, failure } from '../core/problem.ts';
import { CLUSTER_SINK } from '../core/secret.ts';
import type { IsOurs, Sink, Sinks } from '../engine/sinks.ts';
import { isCi } from './ci.ts';
import {
  causeOf,
  codeOf,
  createWhole,
  look,
  makeFolders,
  quietly,
  type SecretFiles,
  secretFiles,
} from './secret-files.ts';
import {
  heldIn,
  placeProblem,
  type SinkFile,
  type Surroundings,
  shown,
  sinkProblem,
  temporaryOf,
} from './sinks-check.ts';

/** Files for the secrets of tokens, each whole, and in nobody else's hands. */
export interface FileSinks extends Sinks {
  /** The file that the command line names. */
  named(file: string): Sink;
}

export interface FileSinksOptions extends Surroundings {
  /** What --secrets-dir says. */
  readonly secretsDir: string | undefined;
  /** Milliseconds since 1970. */
  now(): number;
  readonly files?: SecretFiles;
}

const DEFAULT_FOLDER = '.iam/secrets';

/** Those that Tokens declare are below the folder for secrets: `of` throws RC504 in CI where nothing says which. */
export function fileSinks(options: FileSinksOptions): FileSinks {
  return {
    of: ({ spec: { deliverTo } }) =>
      deliverTo?.file === undefined ? undefined : fileSink(declaredFile(deliverTo.file, options), options),
    at: (file, declared) =>
      file.startsWith(CLUSTER_SINK)
        ? undefined
        : fileSink({ file, folder: folderOf(file, declared) }, options),
    named: (file) => fileSink({ file: path.resolve(options.cwd, file) }, options),
  };
}

function declaredFile(file: string, { cwd, env, secretsDir }: FileSinksOptions): SinkFile {
  if (secretsDir === undefined && isCi(env))
    throw failure(
      EXIT.invalid,
      'RC504',
      `in CI no secret is written to ${DEFAULT_FOLDER}, which goes with the job`,
      'say with --secrets-dir DIR where secrets are to go',
    );
  if (!isBelow(file))
    throw failure(
      EXIT.invalid,
      'RC505',
      `${JSON.stringify(file)} is not a path below the folder for secrets`,
      'a relative path without . and .., such as ci/deploy',
    );
  const folder = path.resolve(cwd, secretsDir ?? DEFAULT_FOLDER);
  return { file: path.join(folder, file), folder };
}

/** Judged again here, whatever the manifest's own rules said: nothing may be written outside of the folder. */
function isBelow(file: string): boolean {
  return (
    !/[\\\p{Cc}]/u.test(file) && file.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

/** The folder for secrets that a file was declared below; undefined where it was not. */
function folderOf(file: string, declared: string | null): string | undefined {
  const end = declared === null ? undefined : path.sep + declared.split('/').join(path.sep);
  return end !== undefined && file.endsWith(end) ? file.slice(0, -end.length) : undefined;
}

/** What a step does to the disk it does in one go: nothing else of this process comes in between. */
function fileSink(sink: SinkFile, options: FileSinksOptions): Sink {
  const { file } = sink;
  const folder = path.dirname(file);
  const { now, files = secretFiles } = options;

  const refuseUnsafe = (isOurs: IsOurs) => {
    const problem = placeProblem(sink, isOurs, options);
    if (problem) throw new Failure(EXIT.error, [problem]);
  };

  const naming = <T>(name: string, what: string, act: () => T): T => {
    try {
      return act();
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      throw failure(EXIT.error, 'RC509', `${shown(name, options)} cannot be ${what}: ${causeOf(error)}`);
    }
  };

  const remove = (name: string) =>
    naming(name, 'removed', () => {
      try {
        files.remove(name);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return;
        throw error;
      }
      files.syncFolder(folder);
    });

  const staged = () => {
    const [before, after] = [`.${path.basename(file)}.`, '.tmp'];
    return naming(folder, 'read', () => filesIn(folder)).flatMap((name) => {
      const id = name.slice(before.length, -after.length);
      if (name !== `${before}${id}${after}` || !/^[0-9A-Za-z]{12}$/.test(id)) return [];
      const held = heldIn(path.join(folder, name));
      // Another token may have a sink of such a name.
      return held === undefined || held === id ? [{ id, isWhole: held === id }] : [];
    });
  };

  return {
    path: file,
    shown: shown(file, options),
    check: async (isOurs) => sinkProblem(sink, isOurs, options),
    async stage(secret, isOurs) {
      const temporary = temporaryOf(file, secret.id);
      naming(file, 'written', () => {
        refuseUnsafe(isOurs);
        if (sink.folder !== undefined && !look(folder)) {
          makeFolders(files, folder);
          refuseUnsafe(isOurs);
        }
        createWhole(files, temporary, `${secret.text}\n`);
        try {
          // Without it a loss of power could take the file, and leave the secret valid.
          files.syncFolder(folder);
        } catch (error) {
          quietly(() => files.remove(temporary));
          throw error;
        }
      });
    },
    staged: async () =>
      staged().flatMap(({ id, isWhole }) => {
        const stats = statSync(temporaryOf(file, id), { throwIfNoEntry: false });
        return stats ? [{ id, age: now() - stats.mtimeMs, isWhole }] : [];
      }),
    async place(id, isOurs) {
      if (heldIn(file) !== id) {
        const temporary = temporaryOf(file, id);
        refuseUnsafe(isOurs);
        if (heldIn(temporary) !== id)
          throw failure(
            EXIT.error,
            'RC509',
            `${shown(temporary, options)} does not hold the secret any more`,
            'issue another: iam token rotate',
          );
        naming(file, 'written', () => files.rename(temporary, file));
      }
      naming(file, 'written', () => files.syncFolder(folder));
    },
    async drop(id) {
      if (staged().some((one) => one.id === id)) remove(temporaryOf(file, id));
    },
    holds: async () => heldIn(file),
    async remove(isOurs) {
      const held = heldIn(file);
      if (held !== undefined && isOurs(held)) remove(file);
      for (const { id } of staged()) if (isOurs(id)) remove(temporaryOf(file, id));
    },
  };
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? [entry.name] : [],
    );
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
