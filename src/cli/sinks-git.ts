import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { codeOf, look } from './secret-files.ts';

export interface GitQuestion {
  /** A folder that is there, without links on its way. */
  readonly folder: string;
  /** Files in it or below it, which need not be there, relative to it. */
  readonly files: readonly string[];
  /** Whether a folder on the way is going to be made, and ignored then: only what is tracked already counts. */
  readonly willBeIgnored: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What git says of the first file that it tracks, or would take in with `git add`; `unknown` when it cannot be asked. */
export type GitAnswer =
  | { readonly type: 'tracked' | 'untracked'; readonly file: string }
  | { readonly type: 'unknown'; readonly repository: string; readonly why: string };

/** Undefined where there is no git work tree, or it ignores all of the files. Runs nothing that the repository brings. */
export function askGit(question: GitQuestion): GitAnswer | undefined {
  const repository = repositoryOf(question.folder);
  if (repository === undefined) return undefined;
  try {
    const [tracked] = names(
      git(question, ['--literal-pathspecs', 'ls-files', '-z', '--', ...question.files]),
    );
    if (tracked !== undefined) return { type: 'tracked', file: tracked };
    if (question.willBeIgnored) return undefined;
    // A first ":" would be a pattern's, and this command takes no --literal-pathspecs.
    const asked = question.files.map((file) => `./${file}`);
    const ignored = new Set(names(git(question, ['check-ignore', '-z', '--stdin'], asked)));
    const file = question.files.find((each) => !ignored.has(`./${each}`));
    return file === undefined ? undefined : { type: 'untracked', file };
  } catch (error) {
    return { type: 'unknown', repository, why: whyNot(error) };
  }
}

/** The nearest folder upwards that has a `.git`, be it one that git takes for a repository or not. */
function repositoryOf(folder: string): string | undefined {
  if (hasGit(folder)) return folder;
  const above = path.dirname(folder);
  return above === folder ? undefined : repositoryOf(above);
}

function hasGit(folder: string): boolean {
  try {
    return look(path.join(folder, '.git')) !== undefined;
  } catch {
    // A folder that may not be looked into may have one.
    return true;
  }
}

const SAFE = ['--no-optional-locks', '-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false'];

/** The user's own settings count, since they say what he ignores and which repositories he trusts; no GIT_… does. */
const KEPT = ['PATH', 'HOME', 'XDG_CONFIG_HOME', 'SystemRoot', 'USERPROFILE'];

function git({ folder, env }: GitQuestion, args: readonly string[], input: readonly string[] = []): string {
  const clean = Object.fromEntries(KEPT.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
  try {
    return execFileSync('git', [...SAFE, ...args], {
      cwd: folder,
      // A work tree reaches across mounts.
      env: { ...clean, LC_ALL: 'C', GIT_DISCOVERY_ACROSS_FILESYSTEM: '1', GIT_TERMINAL_PROMPT: '0' },
      input: input.map((file) => `${file}\0`).join(''),
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    // check-ignore: nothing is ignored.
    if (args[0] === 'check-ignore' && error instanceof Error && 'status' in error && error.status === 1)
      return '';
    throw error;
  }
}

function names(listing: string): string[] {
  return listing.split('\0').filter((name) => name !== '');
}

function whyNot(error: unknown): string {
  if (codeOf(error) === 'ENOENT') return 'git is not installed';
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  const line = said.split('\n').find((each) => each.startsWith('fatal: ')) ?? '';
  return line.replace('fatal: ', '') || 'git failed';
}
