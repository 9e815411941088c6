import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/core/problem.ts';
import { type Commit, gitHistory } from '../../src/sources/git-history.ts';
import { temporaryFolder } from '../support/folder.ts';
import { bareRepository, commitFiles, git, tipOf } from '../support/git-repository.ts';
import { blobOf, commitTree, file, folder, rootOf, treeBomb, treeOf } from '../support/hostile-trees.ts';

const ENV = { PATH: process.env.PATH ?? '' };

function told(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.problems
      .map(({ code, message, hint = '' }) => `${error.exit} ${code} ${message} (${hint})`)
      .join('\n');
  }
  throw new Error('nothing is wrong with it');
}

interface Planned {
  /** Commits before this one, by their numbers. */
  readonly parents: readonly number[];
  /** Seconds, which need not be after those of its parents. */
  readonly at: number;
}

/** Commits as they are planned, in one go; gives their ids. */
function repositoryOf(commits: readonly Planned[]): { readonly cwd: string; readonly ids: string[] } {
  const cwd = bareRepository();
  const input = commits.map(({ parents: [first, ...others], at }, i) =>
    [
      `commit refs/heads/c${i}`,
      `mark :${i + 1}`,
      `committer A <a@x> ${1_700_000_000 + at} +0000`,
      `data ${`c${i}`.length}\nc${i}`,
      ...(first === undefined ? [] : [`from :${first + 1}`]),
      ...others.map((other) => `merge :${other + 1}`),
      '',
      '',
    ].join('\n'),
  );
  git(cwd, ['fast-import', '--quiet', '--force'], { input: input.join('') });
  return { cwd, ids: commits.map((_, i) => tipOf(cwd, `c${i}`) ?? '') };
}

describe('first parents after a commit', () => {
  test('are those between, the oldest first, with what was merged into them', () => {
    // 0 - 1 - 3 - 4
    //  \- 2 -/
    const { cwd, ids } = repositoryOf([
      { parents: [], at: 0 },
      { parents: [0], at: 1 },
      { parents: [0], at: 2 },
      { parents: [1, 2], at: 3 },
      { parents: [3], at: 4 },
    ]);
    const [zero = '', one = '', two = '', three = '', four = ''] = ids;
    const history = gitHistory(cwd, ENV);
    expect(history.firstParents(one, four)).toEqual([
      { sha: three, parent: one, subject: 'c3', merged: [two] },
      { sha: four, parent: three, subject: 'c4', merged: [] },
    ]);
    expect(history.firstParents(four, four)).toEqual([]);
    // Merged, after it, without anything in common, not here.
    const [unrelated] = repositoryOf([{ parents: [], at: 0 }]).ids;
    for (const [base, head] of [
      [two, four],
      [four, one],
      [one, two],
      [commitTree(cwd, 'other', git(cwd, ['rev-parse', `${zero}^{tree}`])), four],
      [unrelated === zero ? '1'.repeat(40) : (unrelated ?? ''), four],
      ['1'.repeat(40), four],
    ] as const)
      expect(history.firstParents(base, head), `${base} ${head}`).toBeUndefined();
    for (const base of ['HEAD', '-x', one.slice(0, 10)])
      expect(told(() => history.firstParents(base, four))).toContain('is not the id of a commit');
  });

  test('are the same as one finds by going from parent to parent, whatever the dates', () => {
    const commits = fc
      .array(fc.tuple(fc.array(fc.nat(), { maxLength: 2 }), fc.integer({ min: 0, max: 20 })), {
        minLength: 2,
        maxLength: 12,
      })
      .map((drawn) =>
        drawn.map(
          ([parents, at], i): Planned => ({
            parents: i === 0 ? [] : [...new Set(parents.map((parent) => parent % i))],
            at,
          }),
        ),
      );
    fc.assert(
      fc.property(commits, fc.nat(), fc.nat(), (planned, from, to) => {
        const { cwd, ids } = repositoryOf(planned);
        const [base, head] = [from % planned.length, to % planned.length];
        const expected: string[] = [];
        let at: number | undefined = head;
        while (at !== undefined && at !== base) {
          expected.unshift(ids[at] ?? '');
          at = planned[at]?.parents[0];
        }
        const found = gitHistory(cwd, ENV).firstParents(ids[base] ?? '', ids[head] ?? '');
        expect(found?.map(({ sha }) => sha)).toEqual(at === undefined ? undefined : expected);
      }),
      { numRuns: 40 },
    );
  });

  test('are found without looking at what was before', () => {
    const { cwd, ids } = repositoryOf(
      Array.from({ length: 30 }, (_, i) => ({ parents: i === 0 ? [] : [i - 1], at: i })),
    );
    const [lost = ''] = ids;
    rmSync(join(cwd, 'objects', lost.slice(0, 2), lost.slice(2)));
    const history = gitHistory(cwd, ENV);
    expect(() => git(cwd, ['log', ids[29] ?? ''])).toThrow();
    expect(history.firstParents(ids[26] ?? '', ids[29] ?? '')?.map(({ subject }) => subject)).toEqual([
      'c27',
      'c28',
      'c29',
    ]);
    expect(history.firstParents(ids[29] ?? '', ids[26] ?? '')).toBeUndefined();
  });

  test('have subjects that nothing can break', () => {
    const cwd = bareRepository();
    const first = tipOf(cwd, 'main') ?? '';
    const tree = git(cwd, ['rev-parse', 'main^{tree}']);
    const raw = (parent: string, message: Buffer | string) => {
      const header = `tree ${tree}\nparent ${parent}\nauthor A <a@x> 1700000000 +0000\ncommitter A <a@x> 1700000000 +0000\n\n`;
      const input = Buffer.concat([Buffer.from(header), Buffer.from(message)]);
      return execFileSync('git', ['hash-object', '-t', 'commit', '-w', '--literally', '--stdin'], {
        cwd,
        input,
      })
        .toString()
        .trim();
    };
    const messages: readonly (readonly [Buffer | string, string | RegExp])[] = [
      ['Plain (#1)\n\nBody\n', 'Plain (#1)'],
      ['One line\nand another\n', 'One line and another'],
      ['a\0b\nc', 'a'],
      ['', ''],
      ['\n\n', ''],
      [`\x1b[31mred\r${'\u202e'}x\n`, /red/],
      [Buffer.from([0x63, 0xe9, 0x0a]), /^c/],
      ['%H%x00%P', '%H%x00%P'],
      [`${'long '.repeat(2 ** 21)}\n`, /^(?:long ){99}.{0,5}$/],
      ['x'.repeat(10 * 2 ** 20), /^x{498}\.\.$/],
      [`a${'\u0301'.repeat(2 ** 20)}\n`, /^a\u0301{499}$/],
      [`${'é'.repeat(256)} (#123)\n`, `${'é'.repeat(256)} (#123)`],
    ];
    let head = first;
    for (const [message] of messages) head = raw(head, message);
    const found: readonly Commit[] = gitHistory(cwd, ENV).firstParents(first, head) ?? [];
    expect(found).toHaveLength(messages.length);
    for (const [i, [, subject]] of messages.entries())
      expect(found[i]?.subject).toEqual(
        typeof subject === 'string' ? subject : expect.stringMatching(subject),
      );
  });
});

describe('the text of a file', () => {
  test('is given up to 1 MiB; larger is a mistake that names it', () => {
    const cwd = bareRepository();
    const most = '#'.repeat(2 ** 20);
    const commit = commitFiles(cwd, 'main', { '.x/most.yaml': most, '.x/more.yaml': `${most}#` });
    const history = gitHistory(cwd, ENV);
    expect(history.text(commit, '.x/most.yaml') === most).toBe(true);
    expect(told(() => history.text(commit, '.x/more.yaml'))).toBe(
      `4 RC103 .x/more.yaml is larger than 1 MiB in ${commit.slice(0, 12)} (no configuration is: is it another file?)`,
    );
    for (const none of ['.x', '.x/none', 'most.yaml', '.x/*.yaml', '.x/most.yaml/x'])
      expect(history.text(commit, none)).toBeUndefined();
  });

  test('that is not here is no missing file', () => {
    const cwd = bareRepository({ 'a.yaml': 'a\n' });
    const object = git(cwd, ['rev-parse', 'main:a.yaml']);
    rmSync(join(cwd, 'objects', object.slice(0, 2), object.slice(2)));
    expect(told(() => gitHistory(cwd, ENV).text(tipOf(cwd, 'main') ?? '', 'a.yaml'))).toMatch(
      /^1 RC129 a\.yaml of \w{40} cannot be read: .*\(is it a partial clone\?/,
    );
  });
});

test('a merge is not begun with a tree of billions of files, which renames would make git look through', () => {
  const cwd = bareRepository({ 'a.txt': 'a\n'.repeat(100), 'b.txt': 'b\n' });
  const start = tipOf(cwd, 'main') ?? '';
  const base = commitFiles(cwd, 'main', { 'a.txt': `${'a\n'.repeat(100)}more\n` });
  const nodes = rootOf(cwd, start).filter(({ name }) => name !== 'a.txt');
  const tree = treeOf(cwd, [...nodes, folder('bomb', treeBomb(cwd, 10))]);
  const head = commitTree(cwd, 'evil', tree, { parents: [start] });
  const began = performance.now();
  expect(told(() => gitHistory(cwd, ENV).merge(base, head))).toMatch(
    /^4 RC129 the repository has more in it than can be taken in \(/,
  );
  expect(performance.now() - began).toBeLessThan(10_000);
  // Without one it is merged.
  const fine = treeOf(cwd, [...rootOf(cwd, start), file('c.txt', blobOf(cwd, 'c\n'))]);
  expect(gitHistory(cwd, ENV).merge(base, commitTree(cwd, 'fine', fine, { parents: [start] }))).toMatch(
    /^\w{40}$/,
  );
});

describe('git', () => {
  /** A folder for PATH with a git that is not as it should be. */
  function gitThat(...does: readonly string[]): { PATH: string } {
    const bin = temporaryFolder();
    const real = execFileSync('sh', ['-c', 'command -v git']).toString().trim();
    writeFileSync(
      join(bin, 'git'),
      `#!/bin/sh\nfor word; do case $word in\n${does.join('\n')}\nesac; done\nexec ${real} "$@"\n`,
    );
    chmodSync(join(bin, 'git'), 0o755);
    return { PATH: `${bin}:${ENV.PATH}` };
  }

  /** Two commits that do not follow each other. */
  function apart() {
    const cwd = bareRepository();
    const start = tipOf(cwd, 'main') ?? '';
    return {
      cwd,
      base: commitFiles(cwd, 'main', { 'a.txt': 'a\n' }),
      head: commitFiles(cwd, 'other', { 'b.txt': 'b\n' }, { onto: start }),
    };
  }

  test('that is not there', () => {
    const { cwd } = apart();
    expect(told(() => gitHistory(cwd, { PATH: temporaryFolder() }))).toMatch(
      /^1 RC129 git is not installed, or the folder does not exist/,
    );
  });

  test('that is too old to merge so: which one is needed', () => {
    const { cwd, base, head } = apart();
    const usage =
      "--write-tree) echo 'usage: git merge-tree <base-tree> <branch1> <branch2>' >&2; exit 129;;";
    for (const version of ['2.30.2', '2.9.5.windows.1', '1.8']) {
      const old = gitThat(usage, `--version) echo 'git version ${version}'; exit;;`);
      expect(told(() => gitHistory(cwd, old).merge(base, head))).toBe(
        `1 RC129 git ${version} is too old: 2.38 or newer is needed (install it; of several the first one in PATH is run)`,
      );
    }
    const odd = gitThat(usage, "--version) echo 'git version 2.100.1'; exit;;");
    expect(told(() => gitHistory(cwd, odd).merge(base, head))).toMatch(
      /^1 RC129 \w{40} cannot be merged into \w{40}: usage: git merge-tree/,
    );
    expect(gitHistory(cwd, ENV).merge(base, head)).toMatch(/^\w{40}$/);
  });

  test('that hangs: it is waited for no longer than it may take', () => {
    const { cwd } = apart();
    git(cwd, ['remote', 'add', 'origin', 'file:///nowhere']);
    const slow = gitThat('fetch|ls-remote) exec sleep 60;;');
    const history = gitHistory(cwd, slow, 1500);
    const began = performance.now();
    for (const act of [() => history.fetch('origin', ['main']), () => history.defaultBranch('origin')])
      expect(told(act)).toBe(
        '1 RC129 git did not end within 1.5 seconds (does the remote answer? git fetch says more)',
      );
    expect(performance.now() - began).toBeLessThan(15_000);
  });
});
