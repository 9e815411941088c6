import { Octokit } from '@octokit/core';
import { bareRepository } from '../git-repository.ts';
import { type GithubServer, githubServer } from './server.ts';
import type { Permissions, StateOptions } from './state.ts';

export const REPO = { owner: 'acme', repo: 'access' };
export const ALL: Permissions = {
  contents: 'write',
  'pull-requests': 'write',
  issues: 'write',
  checks: 'write',
  actions: 'read',
};

export interface Desk {
  readonly github: GithubServer;
  readonly path: string;
  readonly octokit: Octokit;
}

/** A repository with an owner, a writer and a reader, and a client that may do all. */
export async function desk(options: Pick<StateOptions, 'private' | 'now'> = {}): Promise<Desk> {
  const path = bareRepository();
  const github = await githubServer({ repository: path, ...options });
  github.people({ ana: 'admin', bo: 'write', cy: 'read', dee: 'none' });
  return { github, path, octokit: clientOf(github, github.token(ALL)) };
}

export function clientOf({ url }: GithubServer, auth?: string): Octokit {
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  return new Octokit({ baseUrl: url, log: quiet, ...(auth === undefined ? {} : { auth }) });
}

/** Pushes a branch with one file and opens a pull request of it. */
export function opened(
  { github }: Desk,
  branch = 'more',
  files: Readonly<Record<string, string>> = { [`${branch}.yaml`]: 'a: 1\n' },
) {
  github.push({ by: 'bo', branch, files, message: `Change ${branch}` });
  return github.openPullRequest({ author: 'bo', branch, title: `Please: ${branch}`, body: 'Why not?' });
}

/** The status and message with which a request is refused. */
export async function refusal(
  request: Promise<unknown>,
): Promise<{ status: number; message: string; data: unknown }> {
  const error: unknown = await request.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error && 'status' in error)) throw error ?? new Error('it was not refused');
  const { response } = error as { response?: { data: { message: string } } };
  return { status: Number(error.status), message: response?.data.message ?? '', data: response?.data };
}
