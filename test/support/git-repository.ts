import { execFileSync } from 'node:child_process';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';

/** What becomes of files in a commit: their text, or null to remove one. */
export type FileChanges = Readonly<Record<string, string | null>>;

/** Who acts when: a name, an address, milliseconds. */
export interface Signature {
  readonly name: string;
  readonly email: string;
  readonly at: number;
}

export interface CommitOptions {
  readonly message?: string;
  readonly by?: Signature;
  /** The commit that it stands on; without it the tip of the branch, if there is one; null for none. */
  readonly onto?: string | null;
}

const ANA: Signature = {
  name: 'Ana',
  email: 'ana@acme.example',
  at: Date.parse('2026-11-24T09:00:00Z'),
};

const HERMETIC = {
  PATH: process.env.PATH ?? '',
  GIT_CONFIG_GLOBAL: devNull,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
};

export interface GitOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What git says, trimmed, whatever the settings of the machine. Throws if git fails. */
export function git(cwd: string, args: readonly string[], { input = '', env = {} }: GitOptions = {}): string {
  return execFileSync('git', args, {
    cwd,
    encoding: 'utf8',
    input,
    env: { ...HERMETIC, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
  }).trim();
}

/** The environment in which git signs a commit so. */
export function signed(author: Signature, committer: Signature = author): Record<string, string> {
  return {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_AUTHOR_DATE: when(author),
    GIT_COMMITTER_NAME: committer.name,
    GIT_COMMITTER_EMAIL: committer.email,
    GIT_COMMITTER_DATE: when(committer),
  };
}

function when({ at }: Signature): string {
  return `${Math.floor(at / 1000)} +0000`;
}

/** A bare repository whose branch `main` has one commit with these files. It goes with the test. */
export function bareRepository(files: FileChanges = { 'README.md': 'Who may do what.\n' }): string {
  const repository = join(temporaryFolder(), 'access.git');
  git('/', ['init', '-q', '--bare', '-b', 'main', repository]);
  commitFiles(repository, 'main', files, { message: 'The beginning' });
  return repository;
}

/**
 * Commits changes to a branch of a bare repository, which need not exist, without a work tree, and moves
 * the branch there, whether or not it descends from where it was. Gives the commit.
 */
export function commitFiles(
  repository: string,
  branch: string,
  files: FileChanges,
  { message = 'Change access', by = ANA, onto = tipOf(repository, branch) ?? null }: CommitOptions = {},
): string {
  const lines = Object.entries(files).map(([path, text]) =>
    text === null ? `D ${quoted(path)}\n` : `M 100644 inline ${quoted(path)}\n${data(text)}`,
  );
  const signature = `${by.name} <${by.email}> ${when(by)}`;
  const commands = [
    `commit refs/heads/${branch}\n`,
    `author ${signature}\ncommitter ${signature}\n`,
    data(message),
    onto === null ? '' : `from ${onto}\n`,
    ...lines,
  ];
  git(repository, ['fast-import', '--quiet', '--force'], { input: commands.join('') });
  return git(repository, ['rev-parse', `refs/heads/${branch}`]);
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}

function quoted(path: string): string {
  return `"${path.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}

/** The tips of all branches, by name; or of the refs below another prefix. */
export function tipsOf(repository: string, prefix = 'refs/heads/'): Map<string, string> {
  const lines = git(repository, ['for-each-ref', '--format=%(objectname) %(refname)', prefix]);
  return new Map(
    lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [tip = '', ref = ''] = line.split(' ');
        return [ref.slice(prefix.length), tip];
      }),
  );
}

export function tipOf(repository: string, branch: string): string | undefined {
  return tipsOf(repository).get(branch);
}
