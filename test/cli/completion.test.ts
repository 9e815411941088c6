import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { completedProgram } from '../../src/cli/completion.ts';
import { createProgram } from '../../src/cli/program.ts';
import { KIND_NAMES, kindOf } from '../../src/kinds/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { contextFor, runIam } from '../support/run-iam.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
const PLURALS = KIND_NAMES.map((name) => kindOf(name).plural);

const scripts: Record<string, string> = {};

beforeAll(async () => {
  for (const shell of SHELLS) {
    const { exit, stdout, stderr } = await runIam(['completion', shell]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    scripts[shell] = stdout;
  }
});

/** Whether the shell is not there; a test that is skipped names it. */
function missing(shell: string): boolean {
  return spawnSync(shell, ['-c', 'exit 0']).status !== 0;
}

test.each(SHELLS)('%s knows every command and every option', (shell) => {
  const program = createProgram(contextFor([]).context, () => {});
  const shape = completedProgram(program);
  const below = program.commands.reduce((sum, { commands }) => sum + commands.length, 0);
  expect(shape.length).toBe(program.commands.length + below + 1);
  for (const { path, options } of shape) {
    expect(scripts[shell]).toContain(path.join(' '));
    for (const { flags } of options) for (const flag of flags) expect(scripts[shell]).toContain(flag);
  }
  expect(scripts[shell]).toContain(PLURALS.join(' '));
});

test('another shell is wrong usage', async () => {
  const { exit, stderr } = await runIam(['completion', 'tcsh']);
  expect(exit).toBe(4);
  expect(stderr).toMatch(/^error RC121: .* Allowed choices are bash, zsh, fish\.\n/);
});

/** A folder to complete files in, with an `iam` that knows what a store would have, and fails for all else. */
function folderWithIam(): string {
  const cwd = temporaryFolder({
    'bin/iam': `#!/bin/sh
case "$*" in
  'get workspaces -o name') echo acme-prod; echo acme-staging ;;
  'get users -o name') echo ana-diaz; echo bo-lee ;;
  'get users -o name --store sqlite:other.db') echo kim-roth ;;
  'get groups -o name') echo analysts; echo interns ;;
  'get groups -o name -n acme-prod') echo analysts ;;
  'get groups -o name --workspace acme-staging') echo interns ;;
  *) echo 'error RC401: no store' >&2; exit 4 ;;
esac
`,
    'access/users.yaml': '',
    'access/my groups.yaml': '',
  });
  chmodSync(join(cwd, 'bin/iam'), 0o755);
  return cwd;
}

const CASES: readonly (readonly [line: string, words: readonly string[]])[] = [
  ['iam pla', ['plan']],
  ['iam plan --prune', ['--prune', '--prune-workspace']],
  ['iam plan -o ', ['text', 'json', 'markdown']],
  ['iam plan -o j', ['json']],
  ['iam plan -f access/u', ['access/users.yaml']],
  ['iam plan -f access/users.yaml access/m', ['access/my groups.yaml']],
  ['iam apply --plan access/u', ['access/users.yaml']],
  ['iam init a', ['access']],
  ['iam import ', ['peribolos']],
  ['iam import peribolos a', ['access']],
  ['iam import peribolos access a', ['access']],
  ['iam completion ', ['bash', 'zsh', 'fish']],
  ['iam --log-format ', ['text', 'json']],
  ['iam get ', PLURALS],
  ['iam get r', ['roles', 'rolebindings']],
  ['iam --store x -q get r', ['roles', 'rolebindings']],
  ['iam get users ', ['ana-diaz', 'bo-lee']],
  ['iam get users b', ['bo-lee']],
  ['iam get -o name users ', ['ana-diaz', 'bo-lee']],
  ['iam describe groups ', ['analysts', 'interns']],
  ['iam delete groups -n acme-prod ', ['analysts']],
  ['iam --workspace=acme-staging describe groups ', ['interns']],
  ['iam get users --store sqlite:other.db ', ['kim-roth']],
  ['iam -n ', ['acme-prod', 'acme-staging']],
  ['iam plan --prune-workspace acme-p', ['acme-prod']],
  ['iam --as ', ['ana-diaz', 'bo-lee']],
  ['iam get tokens ', []],
  ['iam get nonsense ', []],
  ['iam plan --at ', []],
];

/** Runs commands in a shell that can find the script in $SCRIPT, and gives the lines that they print. */
function runShell(shell: string, commands: string, words: readonly string[], cwd: string): string[] {
  const flags = { bash: ['--norc'], zsh: ['-f'], fish: ['--no-config'] }[shell] ?? [];
  const name = shell === 'fish' ? [] : [shell];
  const { status, stdout, stderr } = spawnSync(shell, [...flags, '-c', commands, ...name, ...words], {
    cwd,
    encoding: 'utf8',
    env: { PATH: `${cwd}/bin:${process.env.PATH}`, HOME: cwd, LANG: 'C.UTF-8', SCRIPT: scripts[shell] ?? '' },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}

/** A word that is offered, without what it means. */
function bare(offer: string): string {
  return offer.replace(/\t.*/, '').replace(/\/$/, '').replaceAll('\\ ', ' ');
}

/** Completes as bash would: the line, then its words. */
const BASH = `
eval "$SCRIPT"
COMP_LINE=$1 COMP_POINT=\${#1}
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_iam iam
printf '%s\\n' "\${COMPREPLY[@]}"
`;

/** What bash would offer for a line with the cursor at its end. */
function bashOffers(cwd: string, line: string): string[] {
  // bash breaks words at = and : too, and each of these is a word.
  const words = line.split(/\s+|(?=[=:])|(?<=[=:])/);
  return runShell('bash', BASH, [line, ...words], cwd);
}

describe.skipIf(missing('bash'))('bash (skipped when there is none)', () => {
  test.each([
    ...CASES,
    ['iam plan --output=j', ['json']],
    ['iam plan --output=', ['text', 'json', 'markdown']],
  ] as const)('%s', (line, words) => {
    expect(bashOffers(folderWithIam(), line).sort()).toEqual([...words].sort());
  });

  test('offers options where nothing else can stand', () => {
    const offered = bashOffers(folderWithIam(), 'iam version ');
    expect(offered).toEqual(expect.arrayContaining(['-o', '--output', '--store', '--help']));
    expect(bashOffers(folderWithIam(), 'iam version -').sort()).toEqual(offered.sort());
  });
});

/** What zsh's own functions would be asked to offer, printed. */
const ZSH = `
compdef() { }
compset() { PREFIX=\${PREFIX#*=}; }
compadd() { shift; print -rl -- \${(M)@:#$PREFIX*}; }
_describe() { local word; for word in \${(P)@[-1]}; do [[ $word != $PREFIX* ]] || print -r -- \${word/:/$'\\t'}; done; }
_files() { if [[ $1 == -/ ]]; then print -rl -- $PREFIX*(N/); else print -rl -- $PREFIX*(N); fi; }
eval "$SCRIPT"
words=("$@") CURRENT=$# PREFIX=$words[-1]
_iam || true
`;

describe.skipIf(missing('zsh'))('zsh (skipped when there is none)', () => {
  test.each([...CASES, ['iam plan --output=j', ['json']]] as const)('%s', (line, words) => {
    expect(runShell('zsh', ZSH, line.split(' '), folderWithIam()).map(bare).sort()).toEqual(
      [...words].sort(),
    );
  });

  test('says what commands and options are for', () => {
    const cwd = folderWithIam();
    expect(runShell('zsh', ZSH, ['iam', ''], cwd)).toContain('validate\tcheck manifests, without a store');
    expect(runShell('zsh', ZSH, ['iam', 'plan', '-'], cwd)).toContain(
      "--prune\tdelete what this manager has and the input doesn't",
    );
  });
});

const FISH = 'echo $SCRIPT | source; complete -C $argv[1]';

describe.skipIf(missing('fish'))('fish (skipped when there is none)', () => {
  test.each([...CASES, ['iam plan --output=j', ['--output=json']]] as const)('%s', (line, words) => {
    expect(runShell('fish', FISH, [line], folderWithIam()).map(bare).sort()).toEqual([...words].sort());
  });

  test('says what commands and options are for', () => {
    const cwd = folderWithIam();
    expect(runShell('fish', FISH, ['iam va'], cwd)).toEqual(['validate\tcheck manifests, without a store']);
    expect(runShell('fish', FISH, ['iam plan --pru'], cwd)).toContain(
      "--prune\tdelete what this manager has and the input doesn't",
    );
  });
});
