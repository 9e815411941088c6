import { git } from '../git-repository.ts';
import { type Json, nodeId } from './site.ts';

export interface CommitSurroundings {
  /** The addresses of the repository, in the API and on the site. */
  readonly repos: string;
  readonly pages: string;
  /** The account that has an address, null if none has: whom a commit names, which anybody may write. */
  userOf(email: string): Json | null;
}

/** A commit of a bare repository, as lists have it. */
export function commitAnswer(path: string, sha: string, { repos, pages, userOf }: CommitSurroundings): Json {
  const format = ['%T', '%P', '%an', '%ae', '%at', '%cn', '%ce', '%ct', '%B'].join('%n');
  const [tree, parents = '', name, email = '', at, committer, address = '', committed, ...message] = git(
    path,
    ['show', '-s', `--format=${format}`, sha],
  ).split('\n');
  const url = `${repos}/commits/${sha}`;
  const date = (seconds = '0'): string => new Date(Number(seconds) * 1000).toISOString();
  return {
    sha,
    node_id: nodeId('C', Number.parseInt(sha.slice(0, 8), 16)),
    url,
    html_url: `${pages}/commit/${sha}`,
    comments_url: `${url}/comments`,
    commit: {
      author: { name, email, date: date(at) },
      committer: { name: committer, email: address, date: date(committed) },
      message: message.join('\n'),
      tree: { sha: tree, url: `${repos}/git/trees/${tree}` },
      url: `${repos}/git/commits/${sha}`,
      comment_count: 0,
      verification: {
        verified: false,
        reason: 'unsigned',
        signature: null,
        payload: null,
        verified_at: null,
      },
    },
    author: userOf(email),
    committer: userOf(address),
    parents: parents
      .split(' ')
      .filter((parent) => parent !== '')
      .map((parent) => ({
        sha: parent,
        url: `${repos}/commits/${parent}`,
        html_url: `${pages}/commit/${parent}`,
      })),
  };
}
