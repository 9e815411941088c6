import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { sqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import { headOf } from '../contract/entries.ts';
import { builtProgram } from '../support/crash-program.ts';
import { temporaryFolder } from '../support/folder.ts';

/** So many that the write alone takes a good while. */
const USERS = 30_000;

test('Ctrl-C in the middle of a write ends with 130, and what was written is taken back', {
  timeout: 60_000,
}, async () => {
  const lines = Array.from({ length: USERS }, (_, i) =>
    JSON.stringify({
      apiVersion: 'rolecall.dev/v1alpha1',
      kind: 'User',
      metadata: { name: `user-${i}` },
      spec: { email: `user-${i}@acme.example`, displayName: '', state: 'Active' },
    }),
  );
  const cwd = temporaryFolder({ 'users.jsonl': lines.join('\n') });
  const program = builtProgram();
  onTestFinished(() => program.remove());
  const { child, ended } = program.start(cwd, ['apply', '-f', 'users.jsonl', '--log-format', 'json']);
  // The holder of the lock is named for as long as somebody writes.
  const holder = path.join(cwd, '.iam/iam.db-holder');
  while (!existsSync(holder)) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGINT');
  if (child.exitCode === null) await once(child, 'exit');
  expect(await ended).toMatchObject({ exit: 130, stdout: '' });
  const file = path.join(cwd, '.iam/iam.db');
  expect((await headOf(sqliteStore({ file, location: file, lockTimeout: 1000 }))).revision).toBe(0);
  const again = await program.start(cwd, ['apply', '-f', 'users.jsonl', '-q', '--no-snapshot']).ended;
  expect(again).toMatchObject({ exit: 0, stderr: '' });
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('apply --watch that %s ends says so: %i', { timeout: 60_000 }, async (signal, exit) => {
  const cwd = temporaryFolder({
    'ana.yaml': `apiVersion: rolecall.dev/v1alpha1\nkind: User\nmetadata: {name: ana}\nspec: {email: ana@acme.example}\n`,
  });
  const program = builtProgram();
  onTestFinished(() => program.remove());
  const { child, ended } = program.start(cwd, ['apply', '-f', '.', '--watch', '--yes']);
  let said = '';
  child.stderr?.on('data', (text) => {
    said += String(text);
  });
  while (!said.includes('watching')) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill(signal);
  expect(await ended).toMatchObject({ exit });
});
