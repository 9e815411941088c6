import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { gitHttpServer } from '../support/git-http.ts';
import { bareRepository, git, tipOf } from '../support/git-repository.ts';
import { desk, opened } from '../support/github/desk.ts';

test('whole, shallow and partial clones, and the commits of pull requests', async () => {
  const here = await desk();
  const number = opened(here);
  here.github.merge(number, { by: 'ana' });
  const url = await gitHttpServer(here.path);
  const folder = temporaryFolder();
  const [whole, shallow, partial] = [join(folder, 'whole'), join(folder, 'shallow'), join(folder, 'partial')];
  git('/', ['clone', '-q', url, whole]);
  expect(git(whole, ['rev-parse', 'HEAD'])).toBe(tipOf(here.path, 'main'));
  git(whole, ['fetch', '-q', 'origin', `refs/pull/${number}/head`]);
  expect(git(whole, ['rev-parse', 'FETCH_HEAD'])).toBe(tipOf(here.path, 'more'));

  git('/', ['clone', '-q', '--depth', '1', url, shallow]);
  expect(git(shallow, ['rev-list', '--count', 'HEAD'])).toBe('1');
  git(shallow, ['fetch', '-q', '--unshallow']);
  expect(git(shallow, ['rev-list', '--count', 'HEAD'])).toBe('3');

  git('/', ['clone', '-q', '--filter=blob:none', '--no-checkout', url, partial]);
  expect(git(partial, ['rev-list', '--objects', '--missing=print', 'HEAD']).match(/^\?/gm)).toHaveLength(2);
  expect(git(partial, ['cat-file', 'blob', 'HEAD:more.yaml'])).toBe('a: 1');
});

test('a password is asked for', async () => {
  const url = await gitHttpServer(bareRepository(), { password: 'ghs_secret' });
  const read = (credentials: string) => git('/', ['ls-remote', url.replace('//', `//${credentials}`)]);
  expect(() => read('')).toThrow(/could not read Username/);
  expect(() => read('x-access-token:wrong@')).toThrow(/Authentication failed/);
  expect(read('x-access-token:ghs_secret@')).toMatch(/refs\/heads\/main/);
});
