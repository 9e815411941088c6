import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { completedProgram } from '../../src/cli/completion.ts';
import { createProgram } from '../../src/cli/program.ts';
import { KIND_NAMES, kindOf } from '../../src/kinds/index.ts';
import { folderOf } from '../support/folder.ts';
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
  expect(shape.length).toBe(program.commands.length + 1);
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

test.each(SHELLS)('%s reads its script (skipped when there is no such shell)', (shell) => {
  if (missing(shell)) return;
  const { status, stderr } = spawnSync(shell, ['-n'], { input: scripts[shell] ?? '', encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

/** A folder to complete files in, with an `iam` that knows what a store would have, and fails for all else. */
function folderWithIam(): string {
  const cwd = folderOf({
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

/** The words that bash would offer for a line with the cursor at its end. */
function bashOffers(cwd: string, line: string): string[] {
  // bash breaks words at = and : too, and each of these is a word.
  const words = line.split(/\s+|(?=[=:])|(?<=[=:])/);
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['--norc', '-c', 'source /dev/stdin; COMP_LINE=$1 COMP_POINT=${#1}; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _iam iam; for word in "${COMPREPLY[@]}"; do echo "$word"; done', 'bash', line, ...words],
    { cwd, input: scripts.bash ?? '', encoding: 'utf8', env: { PATH: `${cwd}/bin:${process.env.PATH}` } },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter((word) => word !== '');
}

describe.skipIf(missing('bash'))('bash (skipped when there is none)', () => {
  test.each([...CASES, ['iam plan --output=j', ['json']], ['iam plan --output=', ['text', 'json', 'markdown']]] as const)('%s', (line, words) => {
    expect(bashOffers(folderWithIam(), line).sort()).toEqual([...words].sort());
  });

  test('offers options where nothing else can stand', () => {
    const offered = bashOffers(folderWithIam(), 'iam version ');
    expect(offered).toEqual(expect.arrayContaining(['-o', '--output', '--store', '--help']));
    expect(bashOffers(folderWithIam(), 'iam version -').sort()).toEqual(offered.sort());
  });
});

/** What zsh's own completion functions would be asked to offer, printed. */
const ZSH_STUBS = `
compdef() { }
compset() { PREFIX=\${PREFIX#*=}; }
compadd() { shift; print -rl -- \${(M)@:#$PREFIX*}; }
_describe() { local word; for word in \${(P)@[-1]}; do print -r -- "\${\${word/:/	}}"; done; }
_files() { if [[ $1 == -/ ]]; then compadd -- *(N/); else compadd -- *(N) */*(N); fi; }
`;

function zshOffers(cwd: string, line: string): string[] {
  const words = line.split(' ');
  const call = 'eval "$ZSH_STUBS"; eval "$SCRIPT"; words=("$@") CURRENT=$# PREFIX=$words[-1]; _iam || true';
  const { status, stdout, stderr } = spawnSync('zsh', ['-f', '-c', call, 'zsh', ...words], {
    cwd,
    encoding: 'utf8',
    env: { PATH: `${cwd}/bin:${process.env.PATH}`, SCRIPT: scripts.zsh ?? '', ZSH_STUBS },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter((word) => word !== '');
}

describe.skipIf(missing('zsh'))('zsh (skipped when there is none)', () => {
  const cases = CASES.filter(([line]) => !line.includes('access/users.yaml access') && !/ -?-prune$| pla$/.test(line));
  test.each([...cases, ['iam plan --output=j', ['json']]] as const)('%s', (line, words) => {
    expect(zshOffers(folderWithIam(), line).sort()).toEqual([...words].sort());
  });

  test('says what commands and options are for', () => {
    const cwd = folderWithIam();
    expect(zshOffers(cwd, 'iam ')).toContain('validate\tcheck manifests, without a store');
    expect(zshOffers(cwd, 'iam plan -')).toContain("--prune\tdelete what this manager has and the input doesn't");
  });
});

describe.skipIf(missing('fish'))('fish (skipped when there is none)', () => {
  test.each([...CASES, ['iam plan --output=j', ['--output=json']]] as const)('%s', (line, words) => {
    const cwd = folderWithIam();
    const { status, stdout, stderr } = spawnSync('fish', ['--no-config', '-c', 'source -; complete -C $argv[1]', line], {
      cwd,
      input: scripts.fish ?? '',
      encoding: 'utf8',
      env: { PATH: `${cwd}/bin:${process.env.PATH}`, HOME: cwd, LANG: 'C.UTF-8' },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const offered = stdout.split('\n').flatMap((one) => (one === '' ? [] : [one.replace(/\t.*/, '').replace(/\/$/, '').replaceAll('\\ ', ' ')]));
    expect(offered.sort()).toEqual([...words].sort());
  });

  test('says what commands and options are for', () => {
    const { stdout } = spawnSync('fish', ['--no-config', '-c', 'source -; complete -C "iam va"; complete -C "iam plan --pru"'], { input: scripts.fish ?? '', encoding: 'utf8' });
    expect(stdout).toContain('validate\tcheck manifests, without a store\n');
    expect(stdout).toContain("--prune\tdelete what this manager has and the input doesn't\n");
  });
});
