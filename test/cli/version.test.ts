import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runIam } from '../support/run-iam.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const { node } = process.versions;

test('says the version of the package, and of Node', async () => {
  expect(await runIam(['version'])).toMatchObject({
    exit: 0,
    stdout: `iam ${version} (node ${node})\n`,
    stderr: '',
  });
});

test('says it as JSON', async () => {
  const { exit, stdout } = await runIam(['version', '-o', 'json']);
  expect(exit).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ kind: 'Version', version, node });
});
