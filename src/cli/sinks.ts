import { readdirSync } from 'node:fs';
import path from 'node:path';
import { EXIT, Failure, failure, type Problem } from '../core/problem.ts';
import type { SecretText } from '../engine/secret-text.ts';
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
  type IsOurs,
  placeProblem,
  type Sink,
  type Surroundings,
  shown,
  sinkProblem,
  temporaryOf,
} from './sinks-check.ts';

export type { IsOurs, Sink } from './sinks-check.ts';

/** A secret that waits beside its sink, durably, until it is valid. */
export interface Staged {
  readonly id: string;
  /** Whether all of it is there; what a crash cut short never became valid. */
  readonly isWhole: boolean;
  /**
   * Makes it what the sink holds, durably; nothing more when it is that already. Throws a Failure when that cannot be,
   * or the sink is not ours any more: the secret waits on then, and can be placed later.
   */
  place(): void;
  /** Removes it, unless it was placed. Throws a Failure when that cannot be. */
  drop(): void;
}

/** Writes the secrets of tokens to files, so that each is whole, and in nobody else's hands. */
export interface Sinks {
  /** The sink that a manifest declares, relative to the folder for secrets. Throws a Failure: RC504 in CI without one. */
  declared(file: string): Sink;
  /** The sink that the command line names. */
  named(file: string): Sink;
  /** Why no secret may be written there; undefined when it may. Changes nothing. */
  check(sink: Sink, isOurs: IsOurs): Problem | undefined;
  /**
   * Writes a secret beside its sink, for which `check` must have found nothing, and makes the folders. What the sink
   * holds stays. Throws a Failure when it cannot be written; nothing of it is left then.
   */
  stage(sink: Sink, secret: SecretText, isOurs: IsOurs): Staged;
  /** What waits beside a sink, be it of another process or left by a crash. */
  staged(sink: Sink, isOurs: IsOurs): readonly Staged[];
  /** The id of the secret that a sink holds now; undefined when it holds none, or cannot be read. */
  holds(sink: Sink): string | undefined;
  /**
   * Removes what a sink holds when that is ours, and what of ours waits beside it. Returns whether anything was
   * removed. Throws a Failure when it cannot be.
   */
  remove(sink: Sink, isOurs: IsOurs): boolean;
}

export interface SinksOptions extends Surroundings {
  /** What --secrets-dir says. */
  readonly secretsDir: string | undefined;
  readonly files?: SecretFiles;
}

const DEFAULT_FOLDER = '.iam/secrets';

export function createSinks(options: SinksOptions): Sinks {
  const { cwd, secretsDir, files = secretFiles } = options;

  const naming = <T>(file: string, what: string, act: () => T): T => {
    try {
      return act();
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      throw failure(EXIT.error, 'RC509', `${shown(file, options)} cannot be ${what}: ${causeOf(error)}`);
    }
  };

  const refuseUnsafe = (sink: Sink, isOurs: IsOurs) => {
    const problem = placeProblem(sink, isOurs, options);
    if (problem) throw new Failure(EXIT.error, [problem]);
  };

  const remove = (file: string) =>
    naming(file, 'removed', () => {
      try {
        files.remove(file);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return;
        throw error;
      }
      files.syncFolder(path.dirname(file));
    });

  const waiting = (sink: Sink, id: string, isWhole: boolean, isOurs: IsOurs): Staged => {
    const temporary = temporaryOf(sink.file, id);
    return {
      id,
      isWhole,
      place() {
        if (heldIn(sink.file) !== id) {
          refuseUnsafe(sink, isOurs);
          if (heldIn(temporary) !== id)
            throw failure(
              EXIT.error,
              'RC509',
              `${shown(temporary, options)} does not hold the secret any more`,
              'issue another: iam token rotate',
            );
          naming(sink.file, 'written', () => files.rename(temporary, sink.file));
        }
        naming(sink.file, 'written', () => files.syncFolder(path.dirname(sink.file)));
      },
      drop: () => remove(temporary),
    };
  };

  const staged = (sink: Sink, isOurs: IsOurs): Staged[] => {
    const folder = path.dirname(sink.file);
    const [before, after] = [`.${path.basename(sink.file)}.`, '.tmp'];
    return filesIn(folder).flatMap((name) => {
      const id = name.slice(before.length, -after.length);
      if (name !== `${before}${id}${after}` || !/^[0-9A-Za-z]{12}$/.test(id)) return [];
      const held = heldIn(path.join(folder, name));
      // Another token may have a sink of such a name.
      return held === undefined || held === id ? [waiting(sink, id, held === id, isOurs)] : [];
    });
  };

  const filesIn = (folder: string): string[] =>
    naming(folder, 'read', () => {
      try {
        return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
          entry.isFile() ? [entry.name] : [],
        );
      } catch (error) {
        if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
        throw error;
      }
    });

  return {
    declared(file) {
      if (secretsDir === undefined && isCi(options.env))
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
    },
    named: (file) => ({ file: path.resolve(cwd, file) }),
    check: (sink, isOurs) => sinkProblem(sink, isOurs, options),
    stage(sink, secret, isOurs) {
      const folder = path.dirname(sink.file);
      const temporary = temporaryOf(sink.file, secret.id);
      naming(sink.file, 'written', () => {
        refuseUnsafe(sink, isOurs);
        if (sink.folder !== undefined && !look(folder)) {
          makeFolders(files, folder);
          refuseUnsafe(sink, isOurs);
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
      return waiting(sink, secret.id, true, isOurs);
    },
    staged,
    holds: (sink) => heldIn(sink.file),
    remove(sink, isOurs) {
      const held = heldIn(sink.file);
      const isHeld = held !== undefined && isOurs(held);
      if (isHeld) remove(sink.file);
      const left = staged(sink, isOurs).filter(({ id }) => isOurs(id));
      for (const each of left) each.drop();
      return isHeld || left.length > 0;
    },
  };
}

/** Judged again here, whatever the manifest's own rules said: nothing may be written outside of the folder. */
function isBelow(file: string): boolean {
  return (
    !/[\\\p{Cc}]/u.test(file) && file.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}
