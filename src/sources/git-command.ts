import { execFileSync } from 'node:child_process';
import { LIMITS } from '../core/document.ts';
import { EXIT, failure } from '../core/problem.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Runs git, and gives what it writes. It runs nothing of a repository: no hook, no watcher, no replaced object. Throws what
 * `execFileSync` throws.
 */
export function git(
  cwd: string,
  args: readonly string[],
  input?: string,
  maxBuffer = 2 * LIMITS.fileBytes,
  env?: Environment,
): Buffer {
  const safe = [
    '--no-optional-locks',
    '--no-replace-objects',
    '-c',
    'core.hooksPath=/dev/null',
    '-c',
    'core.fsmonitor=false',
  ];
  try {
    return execFileSync('git', [...safe, ...args], {
      cwd,
      input,
      maxBuffer,
      ...(env === undefined ? {} : { env }),
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOBUFS')
      throw failure(
        EXIT.invalid,
        'RC129',
        'the repository has more in it than can be taken in',
        'keep what is no manifest in another one',
      );
    throw error;
  }
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
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT')
      throw failure(EXIT.error, 'RC129', 'git is not installed, or the folder does not exist');
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
