import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createProgram } from '../src/cli/program.ts';
import { temporaryFolder } from './support/folder.ts';
import { contextFor, runIam } from './support/run-iam.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const EXAMPLE = new URL('../examples/acme', import.meta.url).pathname;

/** The fenced blocks without a language. */
const BLOCKS = [...README.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, language, block = '']) =>
  language === '' ? [block] : [],
);

test('what the README shows is what the program says of the example', async () => {
  const shown = BLOCKS.find((block) => block.startsWith('Access:'));
  const { stdout } = await runIam(['plan', '-f', EXAMPLE], { cwd: temporaryFolder() });
  const said = stdout.split('\n');
  for (const line of (shown ?? '').split('\n').filter((line) => !line.includes('…')))
    expect(said).toContain(line);
  expect(shown).toBeDefined();
});

test('what it shows of questions is what the program answers of the example', async () => {
  const cwd = temporaryFolder();
  cpSync(EXAMPLE, join(cwd, 'acme'), { recursive: true });
  await runIam(['apply', '-f', 'acme', '--no-snapshot'], { cwd });
  const block = BLOCKS.find((one) => one.startsWith('$ iam')) ?? '';
  const asked = block.split(/^\$ iam /m).slice(1);
  expect(asked.length).toBe(3);
  for (const one of asked) {
    const [words = '', ...answer] = one.split('\n');
    expect((await runIam(words.split(' '), { cwd })).stdout).toBe(answer.join('\n'));
  }
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
    const below = command?.commands.find((one) => one.name() === rest.trim().split(' ')[0]);
    const options = (below ?? command)?.options ?? [];
    const known = [...globals, ...options.flatMap(({ short, long }) => [short, long])];
    for (const [, option] of rest.matchAll(/(?<![\w-])(--?[a-zA-Z][a-z-]*)/g))
      expect(known, whole).toContain(option);
  }
});

test('every link leads somewhere', () => {
  for (const [, target = ''] of README.matchAll(/\]\(([^)#]+)\)/g))
    expect(() => readFileSync(new URL(`../${target}`, import.meta.url)), target).not.toThrow();
});
