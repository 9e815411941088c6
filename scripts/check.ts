import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');

/** Everything that must hold beside the tests. All run, whatever the others say. */
const CHECKS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['types', 'tsc', '-p', '.'],
  [
    'lint and format',
    'biome',
    'check',
    '--error-on-warnings',
    'src',
    'test',
    'scripts',
    'bench',
    'vitest.config.ts',
  ],
  ['dead code', 'knip', '--no-progress'],
  ['import rules', 'vitest', 'run', 'test/architecture.test.ts'],
  ['generated files', 'node', 'scripts/generate.ts', '--check'],
];

const bin = resolve(ROOT, 'node_modules/.bin');
const env = { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` };

for (const [name, command, ...args] of CHECKS) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: ROOT,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  console.log(`${name}: ${status === 0 ? 'ok' : 'failed'}`);
  if (status === 0) continue;
  process.exitCode = 1;
  console.log(`${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}`.trimEnd());
}
