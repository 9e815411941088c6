import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runIam } from './support/run-iam.ts';

const FOLDER = new URL('../examples/policies', import.meta.url).pathname;

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  'contractors-end': [
    'failing.yaml:6:1: error RC301: policy contractors-end-within-90-days: gus-ray is a contractor, and source-read-only must end within 90 days',
  ],
  'duties-apart': [
    'failing.yaml:1:1: error RC301: policy duties-apart: ana-diaz would request payments and approve them',
    'failing.yaml:6:1: error RC301: policy duties-apart: ana-diaz would request payments and approve them',
  ],
  'no-permanent-privilege': [
    'failing.yaml:6:1: error RC301: policy no-permanent-privilege: ana-diaz would have workspace-owner for longer than 90 days',
  ],
  'owners-are-employees': [
    'failing.yaml:1:1: error RC301: policy owners-are-employees: gus-ray is not an employee, and cannot own acme-prod',
  ],
  'tokens-have-owners': [
    'failing.yaml:1:1: error RC301: policy tokens-have-owners: token ci needs an owner who is a person of acme-prod',
  ],
};

const policies = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

test('each is told here', () => {
  expect(policies).toEqual(Object.keys(REFUSED));
});

describe.each(policies)('%s', (name) => {
  const audit = (file: string) =>
    runIam(['validate', '--audit', ...['policy.yaml', 'people', file].flatMap((path) => ['-f', path])], {
      cwd: join(FOLDER, name),
    });

  test('lets the one pass', async () => {
    expect(await audit('passing.yaml')).toMatchObject({ exit: 0, stderr: '' });
  });

  test('refuses the other, and says why', async () => {
    const stderr = REFUSED[name]?.map((line) => `${line}\n`).join('');
    expect(await audit('failing.yaml')).toMatchObject({ exit: 3, stdout: '', stderr });
  });
});
