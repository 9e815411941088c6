import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createProgram } from '../src/cli/program.ts';
import { temporaryFolder } from './support/folder.ts';
import { contextFor, runIam } from './support/run-iam.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const EXAMPLE = new URL('../examples/acme', import.meta.url).pathname;

/** The fenced blocks without a language. */
const BLOCKS = [...README.matchAll(/^```\n(.*?)^```/gms)].map(([, block = '']) => block);

test('what the README shows is what the program says of the example', async () => {
  const shown = BLOCKS.find((block) => block.startsWith('Access:'));
  const { stdout } = await runIam(['plan', '-f', EXAMPLE], { cwd: temporaryFolder() });
  const said = stdout.split('\n');
  for (const line of (shown ?? '').split('\n').filter((line) => !line.includes('…')))
    expect(said).toContain(line);
  expect(shown).toBeDefined();
});

test('its two commands are the main job and the tests', () => {
  const commands = BLOCKS[0]?.split('\n').map((line) => line.replace(/ *#.*/, ''));
  expect(commands).toEqual(['npm ci && npx iam apply -f examples/acme', 'npm ci && npm test', '']);
});

test('every command and option that it names exists', () => {
  const program = createProgram(contextFor([], {}).context, () => {});
  const globals = program.options.flatMap(({ short, long }) => [short, long]);
  const named = [...README.matchAll(/(?:npx |`)iam ([a-z]+(?:-[a-z]+)*)([^`\n#]*)/g)];
  expect(named.length).toBeGreaterThan(20);
  for (const [whole, name, rest = ''] of named) {
    const command = program.commands.find((one) => one.name() === name);
    expect(command, whole).toBeDefined();
    const known = [...globals, ...(command?.options.flatMap(({ short, long }) => [short, long]) ?? [])];
    for (const [, option] of rest.matchAll(/(?<![\w-])(--?[a-zA-Z][a-z-]*)/g))
      expect(known, whole).toContain(option);
  }
});

test('every link leads somewhere', () => {
  for (const [, target = ''] of README.matchAll(/\]\(([^)#]+)\)/g))
    expect(() => readFileSync(new URL(`../${target}`, import.meta.url)), target).not.toThrow();
});
