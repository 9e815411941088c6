/** Command lines that make no sense: RC121 and exit 4, as text and as one JSON document, and nothing is written. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asText, dedent, temporary, user, useStore } from '../support/bad-input.ts';
import { runIam } from '../support/run-iam.ts';

useStore();

/** Runs a command line as text, and with `-o json`; expects the same problems, and that nothing came to be. */
function wrong(argv: string, problems: string, exit = 4): void {
  test(argv, async () => {
    const words = argv
      .split(' ')
      .filter((word) => word !== '')
      .map((word) => (word === "''" ? '' : word));
    const want = `${dedent(problems).trimEnd()}\n`;
    for (const json of words.length === 0 ? [false] : [false, true]) {
      const cwd = temporary({ 'ana.yaml': user('ana') });
      const at = words[0]?.startsWith('-') === true ? words.length : 1;
      const told = await runIam(json ? words.toSpliced(at, 0, '-o', 'json') : words, { cwd });
      expect(json ? asText(told.stderr) : told.stderr).toBe(want);
      expect(told).toMatchObject({ exit, stdout: '' });
      expect(existsSync(join(cwd, '.iam'))).toBe(false);
    }
  });
}

describe('commands and options', () => {
  wrong(
    '',
    `
    error RC121: no command given
      iam --help, iam COMMAND --help`,
  );
  wrong(
    'aply -f ana.yaml',
    `
    error RC121: unknown command 'aply'
      did you mean apply?`,
  );
  wrong(
    'frobnicate',
    `
    error RC121: unknown command 'frobnicate'
      iam --help, iam COMMAND --help`,
  );
  wrong(
    'apply -f ana.yaml --prun',
    `
    error RC121: unknown option '--prun'
      did you mean --prune?`,
  );
  wrong(
    'apply -f ana.yaml --frobnicate',
    `
    error RC121: unknown option '--frobnicate'
      iam --help, iam COMMAND --help`,
  );
  wrong(
    'apply ana.yaml',
    `
    error RC121: too many arguments for 'apply'. Expected 0 arguments but got 1: ana.yaml.
      iam --help, iam COMMAND --help`,
  );
  wrong(
    'get users ana bo',
    `
    error RC121: too many arguments for 'get'. Expected 2 arguments but got 3: users, ana, bo.
      iam --help, iam COMMAND --help`,
  );
  wrong(
    'delete user',
    `
    error RC121: missing required argument 'name'
      iam --help, iam COMMAND --help`,
  );
  wrong(
    '--log-format xml version',
    `
    error RC121: option '--log-format <format>' argument 'xml' is invalid. Allowed choices are text, json.
      iam --help, iam COMMAND --help`,
  );
});

describe('manifests', () => {
  wrong(
    'apply',
    `
    error RC121: no manifests given
      name files, a folder, a glob or - with -f`,
  );
  wrong(
    'plan',
    `
    error RC121: no manifests given
      name files, a folder, a glob or - with -f`,
  );
  wrong(
    'validate',
    `
    error RC121: no manifests given
      name files, a folder, a glob or - with -f`,
  );
  wrong(
    'apply -f',
    `
    error RC121: option '-f, --filename <path...>' argument missing
      iam --help, iam COMMAND --help`,
  );
  wrong(
    "apply -f ''",
    `
    error RC101: "": is not a path
      is a variable not set?`,
  );
  wrong(
    'diff --git main..HEAD',
    `
    error RC121: no manifests given
      name files or a folder of the repository with -f`,
  );
  wrong(
    'diff -f ana.yaml',
    `
    error RC121: nothing to compare
      --git BASE..HEAD -f PATH for commits, --from REV for revisions of the store`,
  );
  wrong(
    'diff --git main -f ana.yaml',
    `
    error RC121: --git cannot be "main"
      --git BASE..HEAD -f PATH, such as --git main..HEAD`,
  );
});

describe('values of options', () => {
  wrong(
    'plan -f ana.yaml --at tomorrow',
    `
    error RC121: --at cannot be "tomorrow"
      a date, or an RFC 3339 time such as 2027-01-31T18:00:00Z`,
  );
  wrong(
    'plan -f ana.yaml --at 2027-02-30',
    `
    error RC121: --at cannot be "2027-02-30"
      a date, or an RFC 3339 time such as 2027-01-31T18:00:00Z`,
  );
  wrong(
    'apply -f ana.yaml --manager a/b',
    `
    error RC121: --manager cannot be "a/b"
      letters, digits and : . _ -, at most 63`,
  );
  wrong(
    'apply -f ana.yaml --lock-timeout soon',
    `
    error RC121: --lock-timeout cannot be "soon"
      a number and ms, s or m, such as 30s`,
  );
  wrong(
    'apply -f ana.yaml --store mysql://x',
    `
    error RC121: --store: unknown kind of store "mysql:"
      sqlite:PATH, such as sqlite:.iam/iam.db, or postgres://USER@HOST/DATABASE`,
  );
  wrong(
    'get widgets',
    `
    error RC106: unknown kind "widgets"
      kinds: workspaces, users, roles, groups, tokens, rolebindings, accesspolicies`,
  );
  wrong(
    'get users',
    `
    error RC401: no store at .iam/iam.db
      the first iam apply creates it`,
  );
});

describe('what does not go together', () => {
  wrong(
    'apply --plan plan.json -f ana.yaml',
    `
    error RC121: --plan says all: no -f, -n, --manager, --prune, --prune-workspace, --adopt, --watch or limits of guards beside it
      leave them out`,
  );
  wrong(
    'apply --plan plan.json --prune',
    `
    error RC121: --plan says all: no -f, -n, --manager, --prune, --prune-workspace, --adopt, --watch or limits of guards beside it
      leave them out`,
  );
  wrong(
    'apply --plan ana.yaml',
    `
    error RC406: ana.yaml: is not JSON: Unexpected token 'a', "apiVersion"... is not valid JSON
      iam plan -f PATH --out FILE writes one`,
  );
});

describe('formats', () => {
  test.each([['plan'], ['apply'], ['validate'], ['get', 'users']])('%s -o xml', async (...words) => {
    const cwd = temporary({ 'ana.yaml': user('ana') });
    const { exit, stdout, stderr } = await runIam(
      [...words, '-f', 'ana.yaml', '-o', 'xml'].filter(
        (word) => words[0] !== 'get' || !['-f', 'ana.yaml'].includes(word),
      ),
      { cwd },
    );
    expect({ exit, stdout }).toEqual({ exit: 4, stdout: '' });
    expect(stderr).toMatch(
      /^error RC121: option '-o, --output <format>' argument 'xml' is invalid\. Allowed choices are .*text|table/,
    );
  });
});

describe('another plan than the one that was seen', () => {
  wrong(
    'apply -f ana.yaml --expect sha256:0000',
    `
    error RC405: the plan of now has the digest sha256:35c8b7f3e3a0e376e87ff40688d08438eb5841d0f36bf42f3308ddeee2a32936, not sha256:0000; nothing was applied
      plan again, and look at the new plan`,
    5,
  );
  wrong(
    "apply -f ana.yaml --expect ''",
    `
    error RC405: the plan of now has the digest sha256:35c8b7f3e3a0e376e87ff40688d08438eb5841d0f36bf42f3308ddeee2a32936, not ; nothing was applied
      plan again, and look at the new plan`,
    5,
  );
});
