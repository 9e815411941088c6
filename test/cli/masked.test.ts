import { expect, test } from 'vitest';
import { newSecret } from '../../src/engine/secret-text.ts';
import { temporaryFolder } from '../support/folder.ts';
import { runIam } from '../support/run-iam.ts';

test('a secret that is given by mistake is said by nothing but its fingerprint', async () => {
  const { id, text } = newSecret();
  const cwd = temporaryFolder({
    'a.yaml': `apiVersion: rolecall.dev/v1alpha1\nkind: User\nmetadata: {name: ana}\nspec: {email: ana@acme.example, displayName: ${text}}\n`,
    'wrong.yaml': `apiVersion: rolecall.dev/v1alpha1\nkind: User\nmetadata: {name: ${text}}\nspec: {email: ana@acme.example}\n`,
  });
  const runs = [
    ['plan', '-f', 'a.yaml'],
    ['plan', '-f', 'a.yaml', '-o', 'json'],
    ['validate', '-f', 'wrong.yaml'],
    ['validate', '-f', 'wrong.yaml', '-o', 'json'],
    ['apply', '-f', 'a.yaml'],
    ['get', 'users', '-o', 'yaml'],
    ['describe', 'user', text],
    ['why', text],
    ['token', 'rotate', text, '-n', 'acme'],
    [text],
    ['get', 'users', '--no-such', text],
  ];
  let said = '';
  for (const words of runs) {
    const { stdout, stderr } = await runIam(words, { cwd });
    said += stdout + stderr;
  }
  expect(said).toContain(`rct_${id}_…`);
  expect(said).not.toContain(text);
  expect(said).not.toContain(text.slice(-49));
});
