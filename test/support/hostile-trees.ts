import { git, signed } from './git-repository.ts';

const ANA = { name: 'Ana', email: 'ana@acme.example', at: Date.parse('2026-11-24T09:00:00Z') };

/** One line of a tree: what is there, by its object. */
export interface Node {
  readonly mode: '100644' | '120000' | '040000';
  readonly object: string;
  readonly name: string;
}

/** Writes a blob to a repository, and gives its id. */
export function blobOf(repository: string, text: string): string {
  return git(repository, ['hash-object', '-w', '--stdin'], { input: text });
}

/** Writes a tree, whatever is wrong with it, and gives its id. */
export function treeOf(repository: string, nodes: readonly Node[]): string {
  const kinds = { '100644': 'blob', '120000': 'blob', '040000': 'tree' };
  const lines = nodes.map(({ mode, object, name }) => `${mode} ${kinds[mode]} ${object}\t${name}\0`);
  return git(repository, ['mktree', '-z', '--missing'], { input: lines.join('') });
}

export function file(name: string, object: string): Node {
  return { mode: '100644', object, name };
}

export function folder(name: string, object: string): Node {
  return { mode: '040000', object, name };
}

/** A tree of ten times itself, and so on: ten to the power of `levels` files, of as many objects as there are levels. */
export function treeBomb(repository: string, levels: number, text = 'kind: User\n'): string {
  const blob = blobOf(repository, text);
  const ten = (node: (name: string) => Node) =>
    treeOf(
      repository,
      Array.from({ length: 10 }, (_, i) => node(`${i}.yaml`)),
    );
  let tree = ten((name) => file(name, blob));
  for (let level = 1; level < levels; level++) {
    const below = tree;
    tree = ten((name) => folder(name, below));
  }
  return tree;
}

/** Commits a tree to a branch. */
export function commitTree(
  repository: string,
  branch: string,
  tree: string,
  {
    parents = [],
    message = 'Trees',
  }: { readonly parents?: readonly string[]; readonly message?: string } = {},
): string {
  const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent])];
  const commit = git(repository, args, { input: message, env: signed(ANA) });
  git(repository, ['update-ref', `refs/heads/${branch}`, commit]);
  return commit;
}

/** What is at the root of a branch, to make another of it. */
export function rootOf(repository: string, branch: string): Node[] {
  return git(repository, ['ls-tree', '-z', branch])
    .split('\0')
    .flatMap((line) => {
      const [, mode, object = '', name = ''] = /^(\d+) \w+ (\w+)\t(.*)$/s.exec(line) ?? [];
      return mode === '100644' || mode === '120000' || mode === '040000' ? [{ mode, object, name }] : [];
    });
}
