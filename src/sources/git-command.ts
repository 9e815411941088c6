import { execFileSync } from 'node:child_process';
import { LIMITS } from '../core/document.ts';
import { EXIT, type ExitStatus, Failure, failure } from '../core/problem.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** So long git may take, in milliseconds: a remote that does not answer would be waited for without end. */
const PATIENCE = 10 * 60_000;

/** The first git that merges without a work tree; all else that is used here is older. */
const NEEDED = '2.38';

export interface GitRun {
  readonly input?: string;
  /** More bytes of output end it. */
  readonly maxBuffer?: number;
  readonly env?: Environment | undefined;
  /** Milliseconds; more end it. */
  readonly patience?: number;
}

/**
 * Runs git, and gives what it writes. It runs nothing of a repository: no hook, no watcher, no replaced object. Throws what
 * `execFileSync` throws where git says no; a Failure where there is no git, or none that is new enough, it takes too long
 * (exit 1), or has more to say than can be taken in (exit 4).
 */
export function git(
  cwd: string,
  args: readonly string[],
  { input, maxBuffer = 2 * LIMITS.fileBytes, env, patience = PATIENCE }: GitRun = {},
): Buffer {
  const safe = [
    '--no-optional-locks',
    '--no-replace-objects',
    '-c',
    'core.hooksPath=/dev/null',
    '-c',
    'core.fsmonitor=false',
  ];
  const run = (all: readonly string[]) =>
    execFileSync('git', all, {
      cwd,
      input,
      maxBuffer,
      timeout: patience,
      ...(env === undefined ? {} : { env }),
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
  try {
    return run([...safe, ...args]);
  } catch (error) {
    throw failureOf(error, patience, () => run(['--version']).toString()) ?? error;
  }
}

/** Why git could not do what any git can; undefined when it says so itself. */
function failureOf(error: unknown, patience: number, version: () => string): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  switch ('code' in error ? error.code : undefined) {
    case 'ENOBUFS':
      return failure(
        EXIT.invalid,
        'RC129',
        'the repository has more in it than can be taken in',
        'name only the folders with the manifests, and keep what is none elsewhere',
      );
    case 'ETIMEDOUT':
      return failure(
        EXIT.error,
        'RC129',
        `git did not end within ${patience / 1000} seconds`,
        'does the remote answer? git fetch says more',
      );
    case 'ENOENT':
      return failure(EXIT.error, 'RC129', 'git is not installed, or the folder does not exist');
  }
  // An option that it does not know.
  const [, found = NEEDED] =
    'status' in error && error.status === 129 ? (/(\d+\.\d+\S*)/.exec(version()) ?? []) : [];
  if (found.localeCompare(NEEDED, 'en', { numeric: true }) >= 0) return undefined;
  return failure(
    EXIT.error,
    'RC129',
    `git ${found} is too old: ${NEEDED} or newer is needed`,
    'install it; of several the first one in PATH is run',
  );
}

/**
 * What git says of something, as a Failure; a Failure stays what it is, and what git did not say is thrown as it is.
 */
export function saidOf(error: unknown, exit: ExitStatus, what: string, hint: string): Failure {
  if (error instanceof Failure) return error;
  if (!(error instanceof Error && 'stderr' in error)) throw error;
  const [said = ''] = String(error.stderr).trim().split('\n');
  return failure(
    exit,
    'RC129',
    [what, said.replace(/^(?:fatal|error): /, '')].filter(Boolean).join(': '),
    hint,
  );
}

/** The whole id of a commit. Throws a Failure (exit 4) where there is no such commit. */
export function resolveCommit(revision: string, cwd: string): string {
  // A name that begins with a dash would be read as an option.
  const noCommit = () =>
    failure(EXIT.invalid, 'RC129', `"${revision}" is not a commit`, 'a commit, branch or tag, such as main');
  if (revision.startsWith('-') || revision === '') throw noCommit();
  try {
    return git(cwd, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`])
      .toString()
      .trim();
  } catch (error) {
    if (error instanceof Failure) throw error;
    const [said = '', ...more] = (error instanceof Error && 'stderr' in error ? String(error.stderr) : '')
      .trim()
      .split(/\s*\n\s*/);
    if (said.includes('expected commit type')) throw noCommit();
    if (said !== '')
      throw failure(
        EXIT.invalid,
        'RC129',
        said.replace(/^(?:fatal|error): /, ''),
        more.join(' ') || undefined,
      );
    throw failure(
      EXIT.invalid,
      'RC129',
      `there is no commit "${revision}" here`,
      'a shallow clone may lack it: git fetch --unshallow, or fetch that commit',
    );
  }
}
