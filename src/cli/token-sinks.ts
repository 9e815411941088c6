import { statSync } from 'node:fs';
import path from 'node:path';
import { EXIT, failure } from '../core/problem.ts';
import type { Sink, Sinks } from '../engine/sinks.ts';
import type { Context } from './context.ts';
import { createSinks } from './sinks.ts';
import { type Sink as File, shown, temporaryOf } from './sinks-check.ts';

export interface FileSinks extends Sinks {
  /** The file that the command line names. */
  named(file: string): Sink;
}

/** The files that secrets go to: those that tokens declare are below `secretsDir`. */
export function fileSinks(secretsDir: string | undefined, { cwd, env, now }: Context): FileSinks {
  const files = createSinks({ cwd, env, secretsDir });
  const sinkOf = (file: File): Sink => ({
    path: file.file,
    shown: shown(file.file, { cwd, env }),
    check: (isOurs) => files.check(file, isOurs),
    stage(secret, isOurs) {
      files.stage(file, secret, isOurs);
    },
    staged: () =>
      files.staged(file, nobody).flatMap(({ id, isWhole }) => {
        const stats = statSync(temporaryOf(file.file, id), { throwIfNoEntry: false });
        return stats ? [{ id, age: now() - stats.mtimeMs, isWhole }] : [];
      }),
    place(id, isOurs) {
      const found = files.staged(file, isOurs).find((one) => one.id === id);
      if (!found)
        throw failure(
          EXIT.error,
          'RC509',
          `${shown(file.file, { cwd, env })}: the secret ${id} is not beside it any more`,
          'issue another: iam token rotate',
        );
      found.place();
    },
    drop(id) {
      files
        .staged(file, nobody)
        .find((one) => one.id === id)
        ?.drop();
    },
    holds: () => files.holds(file),
    remove(isOurs) {
      files.remove(file, isOurs);
    },
  });
  return {
    of: ({ spec: { deliverTo } }) =>
      deliverTo?.file === undefined ? undefined : sinkOf(files.declared(deliverTo.file)),
    at: (file, declared) => sinkOf({ file, folder: folderOf(file, declared) }),
    named: (file) => sinkOf(files.named(file)),
  };
}

/** The folder for secrets that a file was declared below; undefined where it was not. */
function folderOf(file: string, declared: string | null): string | undefined {
  const end = declared === null ? undefined : path.sep + declared.split('/').join(path.sep);
  return end !== undefined && file.endsWith(end) ? file.slice(0, -end.length) : undefined;
}

const nobody = () => false;
