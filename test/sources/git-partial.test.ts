import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { Failure } from '../../src/core/problem.ts';
import { gitSource } from '../../src/sources/git.ts';
import { gitHistory } from '../../src/sources/git-history.ts';
import { temporaryFolder } from '../support/folder.ts';
import { bareRepository, commitFiles, git, tipOf } from '../support/git-repository.ts';

afterEach(() => void vi.unstubAllEnvs());

const MANIFESTS = Object.fromEntries(
  Array.from({ length: 300 }, (_, i) => [`access/${i % 7}/${i}.yaml`, `# ${i}\n`]),
);

/** A repository, and a clone of it that has no content of any file. */
function partialClone(files: Readonly<Record<string, string>> = MANIFESTS) {
  const origin = bareRepository({ 'README.md': 'x\n', 'elsewhere/x.txt': 'y\n', ...files });
  git(origin, ['config', 'uploadpack.allowFilter', 'true']);
  git(origin, ['config', 'uploadpack.allowAnySHA1InWant', 'true']);
  const cwd = join(temporaryFolder(), 'clone');
  const options = ['--quiet', '--no-checkout', '--filter=blob:none'];
  execFileSync('git', ['clone', ...options, `file://${origin}`, cwd], { stdio: 'pipe' });
  return { origin, cwd };
}

/** How often something was fetched into it. */
function fetches(cwd: string): number {
  return readdirSync(join(cwd, '.git/objects/pack')).filter((name) => name.endsWith('.promisor')).length;
}

function load(cwd: string, revision = 'origin/main', paths: readonly string[] = ['access']) {
  return gitSource({ revision, paths, cwd, label: '', mayBeAbsent: false }).load();
}

test('a clone without contents: all that is needed is fetched at once, and only once', async () => {
  const { origin, cwd } = partialClone();
  expect(fetches(cwd)).toBe(1);
  for (let again = 0; again < 2; again++) {
    const { texts, problems } = await load(cwd);
    expect(problems).toEqual([]);
    expect(Object.fromEntries(texts.map(({ file, text }) => [file, text]))).toEqual(MANIFESTS);
    expect(fetches(cwd)).toBe(2);
  }
  // Of the next commit only what is not here.
  commitFiles(origin, 'main', { 'access/0/0.yaml': 'other\n', 'elsewhere/x.txt': 'other\n' });
  git(cwd, ['fetch', '-q', 'origin']);
  const before = fetches(cwd);
  expect((await load(cwd)).texts.find(({ file }) => file === 'access/0/0.yaml')?.text).toBe('other\n');
  expect(fetches(cwd)).toBe(before + 1);
});

test('what .iamignore and links say is fetched too', async () => {
  const { cwd } = partialClone({ ...MANIFESTS, 'access/.iamignore': '0/\n1/\n' });
  const { texts } = await load(cwd);
  expect(texts).toHaveLength(300 - 2 * 43);
  expect(fetches(cwd)).toBe(3);
});

test('a clone in which git may fetch nothing of itself: what is asked for is fetched all the same', async () => {
  vi.stubEnv('GIT_NO_LAZY_FETCH', '1');
  const { cwd } = partialClone();
  expect((await load(cwd)).texts).toHaveLength(300);
});

test('a clone whose remote is gone: what is lacking, and what to do; nothing is half read', async () => {
  const { cwd } = partialClone({ ...MANIFESTS, '.rolecall/gitops.yaml': 'a: b\n' });
  git(cwd, ['remote', 'set-url', 'origin', 'file:///nowhere']);
  const hint = 'is it a partial clone? one without --filter has all of it';
  const error: unknown = await load(cwd).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Failure);
  expect(error).toMatchObject({
    exit: 1,
    problems: [
      {
        code: 'RC129',
        message: expect.stringMatching(/^cannot fetch 300 files that the clone lacks: ./),
        hint,
      },
    ],
  });
  const history = gitHistory(cwd, { PATH: process.env.PATH ?? '' });
  const tip = git(cwd, ['rev-parse', 'origin/main']);
  expect(() => history.text(tip, '.rolecall/gitops.yaml')).toThrow(
    /\.rolecall\/gitops\.yaml of \w{40} cannot be read/,
  );
  expect(history.text(tip, '.rolecall/none.yaml')).toBeUndefined();
});

test('a configuration is fetched where it is not here', () => {
  const { origin, cwd } = partialClone({ '.rolecall/gitops.yaml': 'a: b\n' });
  const history = gitHistory(cwd, { PATH: process.env.PATH ?? '' });
  expect(history.text(tipOf(origin, 'main') ?? '', '.rolecall/gitops.yaml')).toBe('a: b\n');
});
