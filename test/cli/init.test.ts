import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { readYaml } from '../../src/core/document.ts';
import { readTree, temporaryFolder } from '../support/folder.ts';
import { runIam } from '../support/run-iam.ts';

const FILES = ['.rolecall.schema.json', 'bindings.yaml', 'groups.yaml', 'users.yaml', 'workspace.yaml'];

describe('iam init', () => {
  test('writes a folder, and says what to do next', async () => {
    const cwd = temporaryFolder();
    const { exit, stdout, stderr } = await runIam(['init', 'acme'], { cwd });
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(Object.keys(readTree(join(cwd, 'acme')))).toEqual(FILES);
    for (const file of FILES) expect(stdout).toContain(`  acme/${file} `);
    expect(stdout).toMatch(/\n {2}iam plan -f acme\n {2}iam apply -f acme\n$/);
  });

  test('what it wrote can be applied, and then there is nothing to do', async () => {
    const cwd = temporaryFolder();
    await runIam(['init', '.'], { cwd });
    expect(await runIam(['validate', '-f', '.'], { cwd })).toMatchObject({ exit: 0, stderr: '' });
    expect(await runIam(['apply', '-f', '.'], { cwd })).toMatchObject({ exit: 0 });
    const again = await runIam(['plan', '-f', '.', '--exit-code'], { cwd });
    expect(again).toMatchObject({ exit: 0, stderr: '' });
    expect(again.stdout).toContain('Nothing to do.');
  });

  test('every manifest has its schema beside it, for editors', async () => {
    const cwd = temporaryFolder();
    await runIam(['init', '.'], { cwd });
    const { '.rolecall.schema.json': schema = '', ...manifests } = readTree(cwd);
    const fits = new Ajv({ strict: false }).compile(JSON.parse(schema) as object);
    for (const [file, text] of Object.entries(manifests)) {
      const { documents } = readYaml(file, text);
      expect(text.match(/^# yaml-language-server: \$schema=\.rolecall\.schema\.json\n/gm)).toHaveLength(
        documents.length,
      );
      for (const { value } of documents) expect(fits(value), JSON.stringify(fits.errors)).toBe(true);
      for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    }
    expect((await runIam(['explain', '-o', 'json'])).stdout).toBe(schema);
  });

  test("the guest's access ends in the future, whenever that is", async () => {
    const cwd = temporaryFolder();
    await runIam(['init', '.'], { cwd, now: '2031-12-30T00:00:00Z' });
    expect(readTree(cwd)['users.yaml']).toContain('expiresAt: 2032-12-31');
  });

  test('an empty folder will do, and one whose parents are not there', async () => {
    const cwd = temporaryFolder();
    expect(await runIam(['init', 'a b/c'], { cwd })).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining("iam plan -f 'a b/c'\n"),
    });
    expect(Object.keys(readTree(cwd))).toEqual(FILES.map((file) => `a b/c/${file}`));
  });

  test.each([
    ['has', 'has is not empty', 'give a folder that does not exist yet, or is empty'],
    ['.', '. is not empty', 'give a folder that does not exist yet, or is empty'],
    ['file', 'file is not a folder', undefined],
    ['file/below', 'file/below is not a folder', undefined],
  ])('%s is refused, and nothing is written', async (dir, message, hint) => {
    const cwd = temporaryFolder({ 'has/.hidden': '', file: 'mine' });
    const before = readTree(cwd);
    const stderr = `error RC128: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`;
    expect(await runIam(['init', dir], { cwd })).toMatchObject({ exit: 4, stdout: '', stderr });
    expect(readTree(cwd)).toEqual(before);
  });
});
