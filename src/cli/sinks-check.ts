import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import type { Code } from '../core/code.ts';
import type { Problem } from '../core/problem.ts';
import { idOfSecret } from '../engine/secret-text.ts';
import type { IsOurs } from '../engine/sinks.ts';
import { causeOf, codeOf, isWithin, look, nearest, withFile } from './secret-files.ts';
import { shellQuote } from './shell-quote.ts';
import { askGit } from './sinks-git.ts';

/** A file that the secret of a token goes to. */
export interface SinkFile {
  /** The whole path. */
  readonly file: string;
  /** The folder for secrets, whole, that it must stay below; undefined where the command line names the file. */
  readonly folder?: string | undefined;
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whole. Paths below it are shown from there. */
  readonly cwd: string;
}

/** A secret and its line break. */
const SINK_BYTES = 67;

/** The id of the secret that a file holds, and nothing else; undefined for any other file, a link, or none. */
export function heldIn(file: string): string | undefined {
  let text: string | undefined;
  try {
    text = withFile(file, ({ stats, text }) => (stats.isFile() ? text(SINK_BYTES) : undefined));
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
  }
  return text?.endsWith('\n') ? idOfSecret(text.slice(0, -1)) : undefined;
}

/** The file beside a sink in which its next secret waits. */
export function temporaryOf(file: string, id: string): string {
  return path.join(path.dirname(file), `.${path.basename(file)}.${id}.tmp`);
}

/** Why no secret may be written there; undefined when it may. Changes nothing. */
export function sinkProblem(sink: SinkFile, isOurs: IsOurs, around: Surroundings): Problem | undefined {
  return placeProblem(sink, isOurs, around) ?? naming(sink, around, () => accessOrGitProblem(sink, around));
}

/** The part of it that may turn out otherwise between the check and the writing: what is on the way, and in the place. */
export function placeProblem(sink: SinkFile, isOurs: IsOurs, around: Surroundings): Problem | undefined {
  return naming(sink, around, () =>
    sink.folder === undefined
      ? (namedFolderProblem(path.dirname(sink.file), around) ?? fileProblem(sink, isOurs, around))
      : (foldersProblem(sink.file, sink.folder, around) ?? fileProblem(sink, isOurs, around)),
  );
}

/** A path as somebody in the working folder would write it. */
export function shown(file: string, { cwd }: Surroundings): string {
  return isWithin(file, cwd) ? path.relative(cwd, file) || '.' : file;
}

/** Each folder from that for secrets down must be this user's alone, and no link. */
function foldersProblem(file: string, top: string, around: Surroundings): Problem | undefined {
  if (!isWithin(file, top) || file === top)
    return problem('RC505', `${shown(file, around)} is not below ${shown(top, around)}`);
  const user = process.getuid?.();
  const parts = path.relative(top, path.dirname(file)).split(path.sep).filter(Boolean);
  for (let depth = 0; depth <= parts.length; depth++) {
    const folder = path.join(top, ...parts.slice(0, depth));
    const name = shown(folder, around);
    const stats = look(folder);
    if (!stats) return undefined;
    if (stats.isSymbolicLink())
      return problem('RC505', `${name} is a symbolic link`, 'give the folder that it leads to');
    if (!stats.isDirectory()) return problem('RC505', `${name} is not a folder`, 'move it away');
    if (user === undefined) continue;
    if (stats.uid !== user)
      return problem(
        'RC507',
        `${name} belongs to another user (uid ${stats.uid})`,
        'run as that user, or give a folder of your own with --secrets-dir',
      );
    if (stats.mode & 0o077)
      return problem(
        'RC507',
        `${name} is open to others, and is to hold secrets`,
        `chmod 700 ${shellQuote(name)}`,
      );
  }
  return undefined;
}

/** A folder that the command line names may be read by others, as the file may not; it may be behind links. */
function namedFolderProblem(folder: string, around: Surroundings): Problem | undefined {
  const name = shown(folder, around);
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (!stats)
    return problem('RC509', `the folder ${name} does not exist`, `mkdir -p -m 700 ${shellQuote(name)}`);
  if (!stats.isDirectory()) return problem('RC505', `${name} is not a folder`);
  const user = process.getuid?.();
  if (user === undefined) return undefined;
  if (stats.uid !== user && stats.uid !== 0)
    return problem(
      'RC507',
      `${name} belongs to another user (uid ${stats.uid})`,
      'name a file in a folder of your own',
    );
  if (stats.mode & 0o022)
    return problem('RC507', `${name} can be written by others`, 'name a file in a folder of your own');
  return undefined;
}

/** What is in the place must be nothing, or a secret of the same token. */
function fileProblem({ file }: SinkFile, isOurs: IsOurs, around: Surroundings): Problem | undefined {
  const name = shown(file, around);
  // Only to find out whether a name can be that long.
  look(temporaryOf(file, '0'.repeat(12)));
  const stats = look(file);
  if (!stats) return undefined;
  if (stats.isSymbolicLink())
    return problem('RC505', `${name} is a symbolic link`, 'remove it, or choose another file');
  if (!stats.isFile()) return problem('RC506', `${name} is not a file`, 'choose another file');
  const id = heldIn(file);
  return id !== undefined && isOurs(id)
    ? undefined
    : problem(
        'RC506',
        `${name} exists, and does not hold a secret of this token`,
        'move it away, or choose another file',
      );
}

function accessOrGitProblem({ file }: SinkFile, around: Surroundings): Problem | undefined {
  const { folder, missing } = nearest(path.dirname(file));
  accessSync(folder, constants.W_OK | constants.X_OK);
  const base = path.join(...missing, path.basename(file));
  const temporary = temporaryOf(base, '0'.repeat(12));
  const answer = askGit({
    folder,
    files: [base, temporary].map((each) => each.split(path.sep).join('/')),
    willBeIgnored: missing.includes('.iam'),
    env: around.env,
  });
  if (answer === undefined) return undefined;
  const name = shown(file, around);
  const ignore = `ignore the folder ${shown(path.dirname(file), around)} in .gitignore`;
  switch (answer.type) {
    case 'tracked':
      return problem(
        'RC508',
        `${name} is tracked by git`,
        `git rm --cached ${shellQuote(name)}, and ${ignore}`,
      );
    case 'untracked':
      return answer.file === temporary
        ? problem('RC508', `git would track .*.tmp beside ${name}, where its next secret waits`, ignore)
        : problem('RC508', `git would track ${name}`, ignore);
    case 'unknown':
      return problem(
        'RC508',
        `whether git would track ${name} cannot be told: ${answer.why}`,
        `put that right, or choose a file outside of ${shown(answer.repository, around)}`,
      );
  }
}

function naming(
  { file }: SinkFile,
  around: Surroundings,
  act: () => Problem | undefined,
): Problem | undefined {
  try {
    return act();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return problem('RC509', `${shown(file, around)} cannot be written: ${causeOf(error)}`);
  }
}

function problem(code: Code, message: string, hint?: string): Problem {
  return { code, severity: 'error', message, hint };
}
