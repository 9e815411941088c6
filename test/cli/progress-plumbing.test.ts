import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { runIam } from '../support/run-iam.ts';

test.each(['validate', 'plan', 'apply'])('%s takes the line away before it speaks', async (word) => {
  const cwd = temporaryFolder();
  for (const name of ['ana', 'bo', 'cy'])
    writeFileSync(
      join(cwd, `${name}.yaml`),
      `{apiVersion: rolecall.dev/v1alpha1, kind: User, metadata: {name: ${name}}, spec: {email: ${name}@acme.example, displayName: A, state: Active}}`,
    );
  let now = Date.parse('2026-11-24T12:00:00Z');
  const later = () => {
    now += 700;
    return now;
  };
  const slow = { cwd, interactive: true, answers: [true], now: later };
  const bar = await runIam([word, '-f', '.'], slow);
  expect(bar.exit).toBe(0);
  const lines = bar.stderr.replaceAll('\x1b[K', '<clear>').split('\r');
  expect(lines.filter((line) => /^load {2}#.*<clear>$/.test(line)).length).toBeGreaterThan(0);
  expect(lines.at(-1)).toMatch(/^<clear>(?:created store .*\n)?$/);
  writeFileSync(join(cwd, 'dee.yaml'), 'kind: Nothing');
  const bad = await runIam([word, '-f', '.', '-o', 'json', '--log-format', 'json'], slow);
  expect(bad.exit).toBe(4);
  const kinds = bad.stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).kind);
  expect(kinds.lastIndexOf('Progress')).toBe(kinds.length - 2);
  expect(kinds.at(-1)).toBe('ProblemList');
});
