/** What may not be read: exactly these problems, exit 4, and the store is as it was. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asText, docs, temporary, user, useStore } from '../support/bad-input.ts';
import { runIam } from '../support/run-iam.ts';

useStore();

/** Runs the program as somebody who is not root, to whom permissions apply. */
function asNobody(
  cwd: string,
  argv: readonly string[],
): { exit: number | null; stdout: string; stderr: string } {
  const main = resolve(import.meta.dirname, '../../src/cli/main.ts');
  const root = process.getuid?.() === 0;
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...argv], {
    cwd,
    encoding: 'utf8',
    ...(root ? { uid: 65534, gid: 65534 } : {}),
  });
  return { exit: status, stdout, stderr };
}

describe('what may not be read', () => {
  test('files, folders and .iamignore', () => {
    const cwd = temporary({
      'ana.yaml': user('ana'),
      'bo.yaml': user('bo'),
      'people/cy.yaml': user('cy'),
      'other/.iamignore': '',
      'other/d.yaml': user('d'),
    });
    for (const path of ['.', '..']) chmodSync(join(cwd, path), 0o755);
    for (const path of ['bo.yaml', 'people', 'other/.iamignore']) chmodSync(join(cwd, path), 0);
    const told = asNobody(cwd, ['apply', '-f', '.', '-f', 'bo.yaml', '-o', 'json']);
    expect(told).toMatchObject({ exit: 4, stdout: '' });
    expect(asText(told.stderr)).toBe(
      ['bo.yaml', 'other/.iamignore', 'people']
        .map(
          (path) =>
            `error RC101: ${path}: may not be read (permission denied)\n  whoever runs iam must be able to read it\n`,
        )
        .join(''),
    );
    chmodSync(join(cwd, 'people'), 0o755);
  });

  test('a folder that a glob passes', () => {
    const cwd = temporary({ 'a/ana.yaml': user('ana'), 'b/bo.yaml': user('bo') });
    for (const path of ['.', '..']) chmodSync(join(cwd, path), 0o755);
    chmodSync(join(cwd, 'b'), 0);
    for (const glob of ['*/*.yaml', '**/*.yaml', '{a,b}/*.yaml']) {
      const told = asNobody(cwd, ['apply', '-f', glob, '-o', 'json']);
      expect(asText(told.stderr)).toBe(
        'error RC101: b: may not be read (permission denied)\n  whoever runs iam must be able to read it\n',
      );
      expect(told).toMatchObject({ exit: 4, stdout: '' });
    }
    chmodSync(join(cwd, 'b'), 0o755);
  });
});

describe('all problems of all paths at once', () => {
  test('missing, unreadable, bad YAML, bad values', async () => {
    const cwd = temporary({ 'a.yaml': docs(user('ana'), '- x\n'), 'b.yaml': 'a: [', 'c.json': '' });
    mkdirSync(join(cwd, 'd'));
    symlinkSync('/etc', join(cwd, 'd/etc'));
    writeFileSync(join(cwd, 'd/e.yaml'), new Uint8Array([0xff]));
    const { exit, stderr } = await runIam(['validate', '-f', '.', '-f', 'nothing', '-o', 'json'], { cwd });
    expect(exit).toBe(4);
    expect(
      asText(stderr)
        .split('\n')
        .filter((line) => !line.startsWith('  '))
        .map((line) => line.replace(/(RC\d+).*/, '$1')),
    ).toEqual([
      'error RC101',
      'error RC101',
      'a.yaml:6:1: error RC105',
      'b.yaml:1:5: error RC102',
      'c.json:1:1: error RC120',
      'd/e.yaml:1:1: error RC102',
      '',
    ]);
  });
});
