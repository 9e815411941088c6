import { git, type Signature, signed } from '../git-repository.ts';

export type MergeMethod = 'merge' | 'squash' | 'rebase';

export interface MergeOrder {
  readonly method: MergeMethod;
  /** The commit that it stands on, and the one that comes in. */
  readonly base: string;
  readonly head: string;
  readonly number: number;
  readonly title: string;
  readonly body: string | null;
  /** The branch as GitHub names it in a merge commit, such as `bo/more-access`. */
  readonly from: string;
  readonly author: Signature;
  readonly by: Signature;
}

export class MergeConflict extends Error {}

/** Makes the commits of a merge in a bare repository as GitHub makes them, and gives the last. Moves no branch. */
export function mergeCommits(repository: string, order: MergeOrder): string {
  const { method, base, head, title, number, from, by } = order;
  const github: Signature = { name: 'GitHub', email: 'noreply@github.com', at: by.at };
  switch (method) {
    case 'merge': {
      const message = `Merge pull request #${number} from ${from}\n\n${title}`;
      return commitTree(repository, mergedTree(repository, base, head), [base, head], message, by, github);
    }
    case 'squash':
      return commitTree(
        repository,
        mergedTree(repository, base, head),
        [base],
        squashMessage(repository, order),
        order.author,
        github,
      );
    case 'rebase':
      return broughtCommits(repository, base, head)
        .filter((commit) => parentsOf(repository, commit).length === 1)
        .reduce((tip, commit) => pickedOnto(repository, tip, commit, by), base);
  }
}

/** The commits that a branch would bring into another, the first first. */
export function broughtCommits(repository: string, base: string, head: string): string[] {
  const list = git(repository, ['rev-list', '--reverse', '--topo-order', `${base}..${head}`]);
  return list === '' ? [] : list.split('\n');
}

export function isAncestor(repository: string, ancestor: string, descendant: string): boolean {
  return git(repository, ['rev-list', '--max-count=1', `${descendant}..${ancestor}`]) === '';
}

/** The commit of the test merge of a pull request, which is none of the branch's; undefined on a conflict. */
export function testMerge(repository: string, base: string, head: string, by: Signature): string | undefined {
  try {
    const tree = mergedTree(repository, base, head);
    return commitTree(repository, tree, [base, head], `Merge ${head} into ${base}`, by);
  } catch (error) {
    if (error instanceof MergeConflict) return undefined;
    throw error;
  }
}

function mergedTree(repository: string, ours: string, theirs: string): string {
  try {
    return git(repository, ['merge-tree', '--write-tree', '--no-messages', ours, theirs]);
  } catch (error) {
    if ((error as { status?: number }).status === 1) throw new MergeConflict('Pull Request is not mergeable');
    throw error;
  }
}

function commitTree(
  repository: string,
  tree: string,
  parents: readonly string[],
  message: string,
  author: Signature,
  committer: Signature = author,
): string {
  return git(repository, ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'], {
    input: message,
    env: signed(author, committer),
  });
}

function parentsOf(repository: string, commit: string): string[] {
  return git(repository, ['show', '-s', '--format=%P', commit])
    .split(' ')
    .filter((parent) => parent !== '');
}

function messageOf(repository: string, commit: string): string {
  return git(repository, ['show', '-s', '--format=%B', commit]);
}

/** One commit keeps its own message, several are listed below the title. */
function squashMessage(repository: string, { base, head, title, number }: MergeOrder): string {
  const messages = broughtCommits(repository, base, head).map((commit) => messageOf(repository, commit));
  const [first = '', ...more] = messages;
  const [subject = '', ...rest] = first.split('\n');
  if (more.length === 0) return [`${subject} (#${number})`, ...rest].join('\n');
  return [`${title} (#${number})`, ...messages.map((message) => `* ${message}`)].join('\n\n');
}

/** A copy of a commit with another parent. This git merges only by ancestry, so its parent is lent to the tip. */
function pickedOnto(repository: string, tip: string, commit: string, by: Signature): string {
  const [parent = ''] = parentsOf(repository, commit);
  const lent = commitTree(repository, git(repository, ['rev-parse', `${tip}^{tree}`]), [parent], 'lent', by);
  const tree = mergedTree(repository, lent, commit);
  const [name = '', email = '', at = ''] = git(repository, [
    'show',
    '-s',
    '--format=%an%n%ae%n%at',
    commit,
  ]).split('\n');
  return commitTree(
    repository,
    tree,
    [tip],
    messageOf(repository, commit),
    { name, email, at: Number(at) * 1000 },
    by,
  );
}

/** How much a pull request changes. */
export function countsOf(
  repository: string,
  base: string,
  head: string,
): { additions: number; deletions: number; changed_files: number } {
  const lines = git(repository, ['diff', '--numstat', `${base}...${head}`]);
  const rows = lines === '' ? [] : lines.split('\n').map((line) => line.split('\t').map(Number));
  const sum = (column: number): number => rows.reduce((total, row) => total + (row[column] || 0), 0);
  return { additions: sum(0), deletions: sum(1), changed_files: rows.length };
}
