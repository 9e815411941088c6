import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { runIam } from '../support/run-iam.ts';

const USER =
  'apiVersion: rolecall.dev/v1alpha1\nkind: User\nmetadata: {name: ana}\nspec: {email: ana@acme.example}\n';

/** A folder `in` with one manifest, and a linked folder `in/cur` whose target has another. */
function linked(target: string, files: Readonly<Record<string, string>> = {}): string {
  const cwd = temporaryFolder({ 'in/a.yaml': USER, ...files });
  const folder = join(cwd, 'in', target);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'bo.yaml'), USER.replaceAll('ana', 'bo'));
  symlinkSync(target, join(cwd, 'in/cur'));
  return cwd;
}

test.each([
  ['hidden', '.real', {}, 'in'],
  ['named in .iamignore', 'v1', { 'in/.iamignore': '/v1\n' }, 'in'],
  ['outside, met by **', '../outside', {}, 'in/**/*.yaml'],
  ['hidden, met by **', '.real', {}, 'in/**/*.yaml'],
])('a link to a folder that is %s is never fewer resources', async (_, target, files, given) => {
  const cwd = linked(target, files);
  const { exit, stderr } = await runIam(['apply', '-f', given, '--prune'], { cwd });
  expect(exit).toBe(4);
  expect(stderr).toContain('RC101: in/cur: is a symbolic link');
});

test('a link to a folder that is read too is read once', async () => {
  const { exit, stdout } = await runIam(['validate', '-f', 'in'], { cwd: linked('v1') });
  expect([exit, stdout]).toEqual([0, 'valid: 2 resources (2 User)\n']);
});
